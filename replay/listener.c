/*
 * listener.c - see listener.h
 *
 * Theory of operation: the kernel gives a connection to the socket that is
 * bound to its very address, else to the one bound to all addresses of its
 * family, else, for IPv4, to one bound to all of IPv6 that takes IPv4 too. The
 * tables of /proc/net name the bound addresses, so two addresses of one machine
 * lead to one service if the closest socket of both is bound alike. (Workers
 * that share a port with SO_REUSEPORT are bound alike, as one service is.)
 *
 * If there is no table to read, or no socket for either address because a rule
 * of the firewall leads the packets elsewhere, one port of one machine is one
 * service. If there is a socket for one of the two, they are two.
 */
#include "replay/listener.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/socket.h"

#define READ_MAX (8u << 20) /* of a table: listening sockets come first, at 150 bytes each */
#define LISTENING "0A"

enum closeness { NONE, ALL_OF_BOTH, ALL_OF_FAMILY, ITSELF };

/* ---- addresses of this machine ---- */

static bool is_loopback(const struct endpoint *e)
{
	static const uint8_t six[16] = { [15] = 1 };

	return e->family == 4 ? e->addr[12] == 127 : memcmp(e->addr, six, sizeof(six)) == 0;
}

static bool is_among(const struct ifaddrs *list, const struct endpoint *e)
{
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct sockaddr_storage ss = { 0 };
		struct endpoint own;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&ss, i->ifa_addr,
		       i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		if (socket_endpoint(&ss, &own) && own.family == e->family && memcmp(own.addr, e->addr, sizeof(own.addr)) == 0)
			return true;
	}
	return false;
}

static bool are_here(const struct endpoint *a, const struct endpoint *b)
{
	struct ifaddrs *list = NULL;
	bool here;

	if (getifaddrs(&list) < 0)
		return is_loopback(a) && is_loopback(b);
	here = (is_loopback(a) || is_among(list, a)) && (is_loopback(b) || is_among(list, b));
	freeifaddrs(list);
	return here;
}

/* ---- the tables ---- */

/* What stands before the next @end, which is skipped; all, if there is none. */
static struct span cut(struct span *text, char end)
{
	const uint8_t *at = text->len > 0 ? memchr(text->at, end, text->len) : NULL;
	struct span before = *text;

	if (!at) {
		*text = span_of(NULL, 0);
		return before;
	}
	span_take(text, (size_t)(at - text->at), &before);
	span_skip(text, 1);
	return before;
}

static struct span take_word(struct span *line)
{
	while (line->len > 0 && line->at[0] == ' ')
		span_skip(line, 1);
	return cut(line, ' ');
}

static bool hex(struct span text, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		uint32_t digit = c >= '0' && c <= '9' ? c - 48u : c >= 'A' && c <= 'F' ? c - 55u : 16;

		if (digit > 15)
			return false;
		*out = *out << 4 | digit;
	}
	return text.len > 0 && text.len <= 8;
}

/* "0100007F:1F90": words of 32 bits in the order of the host, each printed as a number */
static bool take_bound(struct span text, struct endpoint *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct span port = text, address = cut(&port, ':'), word;
	uint8_t bytes[16] = { 0 };
	uint32_t number;

	*out = (struct endpoint){ .family = 0 };
	if ((address.len != 8 && address.len != 32) || !hex(port, &number))
		return false;
	out->family = address.len == 8 ? 4 : 6;
	out->port = (uint16_t)number;
	for (size_t i = 0; span_take(&address, 8, &word); i++) {
		if (!hex(word, &number))
			return false;
		memcpy(bytes + 4 * i, &number, 4);
	}
	if (out->family == 4)
		memcpy(out->addr + 12, bytes, 4);
	else
		memcpy(out->addr, bytes, 16);
	if (out->family == 6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		out->family = 4;
		memset(out->addr, 0, 12);
	}
	return true;
}

static enum closeness closeness_of(const struct endpoint *bound, const struct endpoint *wanted)
{
	static const uint8_t zero[16];
	bool takes_all = memcmp(bound->addr, zero, sizeof(zero)) == 0;

	if (bound->port != wanted->port)
		return NONE;
	if (bound->family == wanted->family && memcmp(bound->addr, wanted->addr, sizeof(zero)) == 0)
		return ITSELF;
	if (!takes_all)
		return NONE;
	if (bound->family == wanted->family)
		return ALL_OF_FAMILY;
	return bound->family == 6 ? ALL_OF_BOTH : NONE;
}

void listener_look(struct listener *l, struct span table)
{
	struct endpoint bound;

	while (table.len > 0) {
		struct span line = cut(&table, '\n'), local;
		enum closeness c;

		take_word(&line); /* its number */
		local = take_word(&line);
		take_word(&line); /* the other end: a listening socket has none */
		if (!span_equal(take_word(&line), SPAN_LITERAL(LISTENING)) || !take_bound(local, &bound))
			continue;
		c = closeness_of(&bound, &l->wanted);
		if (c > (enum closeness)l->closeness) {
			l->closeness = c;
			l->bound = bound;
		}
	}
}

static void read_table(const char *path, struct buffer *out)
{
	uint8_t piece[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && out->len < READ_MAX) {
		n = read(fd, piece, sizeof(piece));
		if (n > 0)
			buffer_add(out, piece, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
}

bool listener_is_one(const struct endpoint *a, const struct endpoint *b)
{
	static const char *const paths[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	struct listener first = { .wanted = *a }, second = { .wanted = *b };

	if (a->port != b->port || !are_here(a, b))
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct buffer table = { 0 };

		read_table(paths[i], &table);
		listener_look(&first, buffer_span(&table));
		listener_look(&second, buffer_span(&table));
		buffer_deinit(&table);
	}
	return memcmp(&first.bound, &second.bound, sizeof(first.bound)) == 0;
}
