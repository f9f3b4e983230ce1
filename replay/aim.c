/*
 * aim.c - see aim.h
 *
 * Theory of operation: the same address and port are the same service. That is
 * also said of a recording, although the address may belong to another machine
 * by now (127.0.0.1 does so on every machine): it cannot be told here, and a
 * question too many costs less than production's load twice.
 *
 * Live, one machine has several addresses for one service: a client comes to
 * 192.0.2.7:8080, and the target says 127.0.0.1:8080. If both are this
 * machine's, the sockets that listen decide (listener.h): the one that is bound
 * to the address itself, or else the one that takes all. If they are the same,
 * or nothing listens there at all since the packets are rewritten on their way,
 * it is the same service. That takes a look at the system, so an address that
 * was found to be another service is remembered until the target's change.
 *
 * What cannot be known: other names for the same service that only the network
 * between knows, such as the address of a load balancer or a mapped port.
 *
 * Nearly every request goes to another port than the target's, or to the same
 * address as the one before; neither costs more than a few comparisons.
 */
#include "replay/aim.h"

#include <netinet/in.h>

#include "replay/listener.h"
#include "base/socket.h"

/* To connect to "all addresses" is to connect to this machine. */
static void name_loopback(struct endpoint *e)
{
	static const uint8_t zero[16];

	if (memcmp(e->addr, zero, sizeof(zero)) != 0)
		return;
	if (e->family == 4)
		endpoint_set_ipv4(e, INADDR_LOOPBACK, e->port);
	else
		e->addr[15] = 1;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool aim_set(struct aim *a, const struct addresses *found)
{
	struct aim next = { .moved = a->moved, .is_here = a->is_here };
	bool is_news;

	for (size_t i = 0; i < found->count; i++)
		if (socket_endpoint(&found->at[i], &next.at[next.count])) /* a Unix socket has no packets to be known by */
			name_loopback(&next.at[next.count++]);
	is_news = next.count != a->count || memcmp(next.at, a->at, sizeof(next.at)) != 0;
	if (!is_news)
		return false;
	next.moved += a->count > 0;
	*a = next;
	return true;
}

bool aim_has(const struct aim *a, const struct endpoint *at)
{
	for (size_t i = 0; i < a->count; i++)
		if (same(&a->at[i], at))
			return true;
	return false;
}

static bool is_cleared(const struct aim *a, const struct endpoint *server)
{
	for (size_t i = 0; i < AIM_CLEARED_MAX; i++)
		if (same(&a->cleared[i], server))
			return true;
	return false;
}

bool aim_is(struct aim *a, const struct endpoint *server)
{
	if (a->count == 0 || server->port != a->at[0].port) /* all of one name have its port */
		return false;
	if (aim_has(a, server))
		return true;
	if (!a->is_here || is_cleared(a, server))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (listener_is_one(&a->at[i], server))
			return true;
	a->cleared[a->cleared_next++ % AIM_CLEARED_MAX] = *server;
	return false;
}
