/*
 * reach.h - where a target is, and the attempts to get there: what the protocols of one target share
 *
 * The name's addresses, what they say about where requests go (aim.h), the
 * channels that are being opened, and how many connections there may be. One
 * target has one of these, however many protocols it is spoken to in.
 */
#ifndef REPLAY_REACH_H
#define REPLAY_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "replay/aim.h"
#include "replay/alarm.h"
#include "replay/channel.h"
#include "replay/exchange.h"
#include "replay/list.h"
#include "replay/resolve.h"

struct reach {
	struct transport_hooks hooks; /* of the target */
	void (*on_moved)(void *ctx);  /* the addresses are others: before the target is told, and before anything connects */
	void *ctx;
	struct resolver *resolver;
	struct aim aim;
	struct list opening;                   /* channels that are not open yet */
	struct alarm alarm;                    /* of attempts to connect */
	uint32_t connections, max_connections; /* open or opening, and the most there may be; the pools count */
	bool is_closing;
};

/** reach_init() - begin to look the name up; on_moved is called with @ctx; 0 or a negative errno */
int reach_init(struct reach *r, const struct transport_setup *setup, void (*on_moved)(void *ctx), void *ctx);

/** reach_channel_env() - what the channels of one protocol share; its hooks are still to be filled in */
struct channel_env reach_channel_env(struct reach *r, const struct transport_setup *setup, struct tls_context *tls);

/** reach_watch() - @c was told to open: see to its deadline, if it is still opening */
void reach_watch(struct reach *r, const struct channel *c);

static inline bool reach_has_room(const struct reach *r)
{
	return r->connections < r->max_connections;
}

/** reach_is_left() - is @c connected to an address that the name does not lead to any more? */
bool reach_is_left(const struct reach *r, const struct channel *c);

/** reach_leads_to() / reach_look_again() - as in struct transport_ops */
bool reach_leads_to(struct reach *r, const struct endpoint *server);
void reach_look_again(struct reach *r);

/** reach_close() - close the handles; when the loop has run to its end, reach_deinit() */
void reach_close(struct reach *r);
void reach_deinit(struct reach *r);

#endif
