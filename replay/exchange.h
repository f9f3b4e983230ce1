/*
 * exchange.h - one message on its way to one target, and what carries it there
 *
 * The seam between admission (target.h: what is sent, and when) and transports
 * (http_transport.h: how). A target owns its exchanges and gives each to its
 * transport with begin(); the transport tells once, by on_ended(), how it ended.
 * What lies between is the transport's: connections, how many exchanges one of
 * them carries, the name's addresses. All of it is on the loop.
 */
#ifndef REPLAY_EXCHANGE_H
#define REPLAY_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "message/message.h"
#include "replay/list.h"
#include "replay/outcome.h"
#include "replay/replay_stats.h"

/** struct exchange - made by the target; while it is under way, message to deadline do not change */
struct exchange {
	struct message *message;     /* the target's reference */
	struct mono began, deadline; /* the deadline is the target's to see: it calls expire() */
	struct list link;            /* target: those under way in order of deadline, or the free ones */
	void *carrier;               /* transport: what it is on */
	bool is_opening;             /* transport: its connection is not open yet, so no byte of it was sent */
};

struct transport {
	const struct transport_ops *ops;
};

/** struct transport_ops - what a target asks of a transport */
struct transport_ops {
	/* may an exchange with @m begin, or with any message if it is NULL? Then begin() cannot fail for want of anything */
	bool (*has_slot)(struct transport *t, const struct message *m);
	/* send x->message; has_slot() has said yes. on_ended() may come before this returns */
	void (*begin)(struct transport *t, struct exchange *x);
	/* end @x, which is under way: its deadline has passed */
	void (*expire)(struct transport *t, struct exchange *x);
	/* end @x, which is under way, as cancelled_at_exit */
	void (*cancel)(struct transport *t, struct exchange *x);
	/* do exchanges go to the service at @server, as far as is known now? It may look at this machine's sockets */
	bool (*leads_to)(struct transport *t, const struct endpoint *server);
	/* the target could not be reached: are there other addresses by now? */
	void (*look_again)(struct transport *t);
	/* close the connections that carry nothing */
	void (*close_idle)(struct transport *t);
	/* nothing is under way, and nothing will be: close all handles; when the loop has run to its end, free() */
	void (*close)(struct transport *t);
	void (*free)(struct transport *t);
};

/** struct transport_hooks - what a transport tells its target */
struct transport_hooks {
	/* @x is over and the target's again, for another exchange at once if it likes; the response is taken */
	void (*on_ended)(void *ctx, struct exchange *x, const struct outcome *outcome);
	/* a connection was opened: the target can be reached */
	void (*on_reached)(void *ctx);
	/* leads_to() may say something else now; nothing was sent to where it leads now */
	void (*on_moved)(void *ctx);
	/* between these several exchanges may end, and none may begin */
	void (*hold)(void *ctx);
	void (*release)(void *ctx);
	void *ctx;
};

/** struct replay_shared - what the targets of one replay share; outlives them */
struct replay_shared {
	uv_loop_t *loop;
	uint16_t sink_port; /* where "sink:" listens, for a target whose URL says so */
	struct self_connections *self_connections;
	uint8_t *scratch; /* all responses are read into it and thrown away; at least a TLS record */
	size_t scratch_size;
};

struct target_options;

/** struct transport_setup - borrowed for the life of the transport, but for the struct itself */
struct transport_setup {
	const struct replay_shared *shared;
	const struct target_options *options;
	struct target_stats *stats; /* connects, bytes_sent, dns_failures and open_connections are the transport's */
	struct transport_hooks hooks;
};

/**
 * transport_new_fn - set a transport up and begin to look its name up; opens no connection
 * @error: on failure one sentence, if it is about a file of TLS
 * Return: 0 or a negative errno.
 */
typedef int (*transport_new_fn)(const struct transport_setup *setup, struct transport **out, struct buffer *error);

#endif
