/* journal.c - see journal.h; an entry is put together from where its parts are and sent with one call */
#include "base/journal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/run/systemd/journal/socket"
#define FIELDS (LOG_FIELDS_MAX + 3) /* and the three of every entry */
#define PARTS_OF_FIELD 5

/* JOURNAL_STREAM is DEVICE:INODE in decimals; a service may have sent standard error elsewhere since. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

int journal_open(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };
	int fd;

	if (!is_journal(STDERR_FILENO))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct entry {
	struct iovec part[FIELDS * PARTS_OF_FIELD];
	size_t count;
	uint8_t length[FIELDS][8];
	size_t lengths;
};

static void add(struct entry *e, const void *bytes, size_t len)
{
	e->part[e->count++] = (struct iovec){ (void *)bytes, len };
}

static void add_field(struct entry *e, const char *key, struct span value)
{
	add(e, key, strlen(key));
	if (value.len > 0 && memchr(value.at, '\n', value.len)) {
		uint8_t *length = e->length[e->lengths++];

		for (int i = 0; i < 8; i++) /* little-endian */
			length[i] = (uint8_t)((uint64_t)value.len >> (8 * i));
		add(e, "\n", 1);
		add(e, length, 8);
	} else {
		add(e, "=", 1);
	}
	add(e, value.at, value.len);
	add(e, "\n", 1);
}

bool journal_send(int fd, int priority, struct span message, const struct log_field *fields, size_t count)
{
	const char digit[] = { (char)('0' + priority), '\0' };
	struct entry e = { .count = 0 };
	struct msghdr datagram = { .msg_iov = e.part };

	add_field(&e, "MESSAGE", message);
	add_field(&e, "PRIORITY", span_str(digit));
	add_field(&e, "SYSLOG_IDENTIFIER", span_str("shadowtap"));
	for (size_t i = 0; i < count && i < LOG_FIELDS_MAX; i++)
		add_field(&e, fields[i].key, fields[i].value);
	datagram.msg_iovlen = e.count;
	return sendmsg(fd, &datagram, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}
