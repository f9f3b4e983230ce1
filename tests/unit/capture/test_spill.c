/*
 * test_spill.c - a reader that stands still: what the kernel kept meanwhile, and in which order it comes
 *
 * On the loopback of a network namespace of its own, which takes root; skipped otherwise. What is sent is one small
 * packet in each millisecond, so that the time of blocks fills the ring and not their room. How long that takes is
 * not measured: packets are counted.
 */
#include "tests/rig/emulated.h"
#include "tests/rig/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture/source.h"

#define PACKETS_MAX 4000

struct seen {
	uint32_t number[PACKETS_MAX];
	size_t count;
	int64_t last_ns;
};

static const struct live_options on_loopback = {
	.interfaces = (const char *const[]){ "lo" },
	.interface_count = 1,
	.expression = NULL,
	.ports = { { 8080 }, 1 },
	.snaplen = 262144,
	.buffer_bytes = 64 << 20,
};

static bool enter_namespace(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	return true;
}

/* A TCP header to port 8080 whose sequence number is @number; nobody listens there, and the kernel refuses it. */
static void send_number(int raw, uint32_t number)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	uint8_t header[20] = { 0x03, 0xe8, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 1, 0x50, 0x10, 1, 0 };

	header[4] = (uint8_t)(number >> 24);
	header[5] = (uint8_t)(number >> 16);
	header[6] = (uint8_t)(number >> 8);
	header[7] = (uint8_t)number;
	assert_int_equal(sendto(raw, header, sizeof(header), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(header));
}

static void note(void *ctx, const struct packet *packet)
{
	struct seen *seen = ctx;
	const uint8_t *tcp = packet->bytes.at + 14 + 20;

	assert_true(packet->bytes.len >= 14 + 20 + 20);
	assert_true(packet->ts.ns >= seen->last_ns);
	seen->last_ns = packet->ts.ns;
	if (tcp[2] != 0x1f || tcp[3] != 0x90)
		return; /* the refusal */
	assert_true(seen->count < PACKETS_MAX);
	seen->number[seen->count++] = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
}

static struct source *open_loopback(const struct live_options *options)
{
	struct buffer error = { 0 };
	struct source *s = NULL;

	if (source_open_live(options, &s, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return s;
}

static void send_slowly(int raw, uint32_t from, uint32_t count)
{
	const struct timespec millisecond = { .tv_nsec = 1000000 };

	for (uint32_t i = 0; i < count; i++) {
		send_number(raw, from + i);
		nanosleep(&millisecond, NULL);
	}
}

static void read_until(struct source *s, struct seen *seen, size_t count)
{
	for (int turns = 0; seen->count < count && turns < 200; turns++)
		assert_int_equal(source_read(s, 256, note, seen), 0);
	assert_int_equal(seen->count, count);
}

static void check(const struct seen *seen, size_t count)
{
	assert_int_equal(seen->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(seen->number[i], i);
}

static uint64_t drops(struct source *s)
{
	struct capture_stats stats = { 0 };

	source_update_stats(s, &stats);
	return counter_get(&stats.dropped_kernel);
}

/* Longer than one ring of 256 blocks lasts, twice, with packets in between that are read as ever. */
static void stands_still(void **state)
{
	static struct seen seen;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	struct source *s = open_loopback(&on_loopback);
	uint32_t sent = 0;

	memset(&seen, 0, sizeof(seen));
	for (int round = 0; round < 2; round++) {
		send_slowly(raw, sent, 900);
		read_until(s, &seen, sent += 900);
		for (int i = 0; i < 50; i++, sent++) {
			send_slowly(raw, sent, 1);
			read_until(s, &seen, sent + 1);
		}
	}
	check(&seen, sent);
	assert_int_equal(drops(s), 0);
	source_close(s);
	close(raw);
}

/* Stopped when it stands still: what was captured before is all there, and then the end. */
static void stops_while_behind(void **state)
{
	static struct seen seen;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP), result = 0;
	struct source *s = open_loopback(&on_loopback);

	memset(&seen, 0, sizeof(seen));
	send_slowly(raw, 0, 900);
	source_stop(s, wall_now());
	send_slowly(raw, 900, 20);
	for (int turns = 0; result == 0 && turns < 1000; turns++)
		result = source_read(s, 256, note, &seen);
	assert_int_equal(result, SOURCE_EOF);
	check(&seen, 900);
	source_close(s);
	close(raw);
}

/* Where there is no room for two rings one is made, and all that is written to either would be sent: both are named. */
static void sockets_are_named(void **state)
{
	struct live_options small = on_loopback;
	struct source *s = open_loopback(&on_loopback);
	int fds[4];

	assert_int_equal(source_sockets(s, fds, 4), 2);
	assert_int_not_equal(fds[0], fds[1]);
	source_close(s);
	small.buffer_bytes = 1 << 20;
	s = open_loopback(&small);
	assert_int_equal(source_sockets(s, fds, 4), 1);
	source_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stands_still),
		cmocka_unit_test(stops_while_behind),
		cmocka_unit_test(sockets_are_named),
	};

	if (!enter_namespace()) {
		printf("skipped: no network namespace can be made here (%s); run as root\n", strerror(errno));
		return 77;
	}
	if (lacks_capture_calls()) {
		printf("skipped: nothing can be captured in this emulator\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
