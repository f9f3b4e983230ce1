/*
 * target.h - one shadow: which requests are sent to it, and when
 *
 * Its sample, rate, breaker, queue, deadlines and books. How they are sent is its transport's (exchange.h).
 */
#ifndef REPLAY_TARGET_H
#define REPLAY_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "message/message.h"
#include "replay/exchange.h"
#include "replay/replay.h"

/** struct target_hooks - what a target tells; all on the loop */
struct target_hooks {
	void (*on_outcome)(void *ctx, size_t index, const struct message *m, const struct outcome *outcome);
	/* shed; or outside the sample: SHED_COUNT */
	void (*on_unsent)(void *ctx, size_t index, const struct message *m, enum shed_reason why);
	void (*on_production)(void *ctx, size_t index, const struct endpoint *server); /* the target is what is watched */
	void (*on_room)(void *ctx);  /* room was refused and is there again */
	void (*on_quiet)(void *ctx); /* nothing queued, nothing in flight */
	void *ctx;
};

struct target;

/** struct target_setup - borrowed during the call, but for what options and shared point to */
struct target_setup {
	const struct replay_shared *shared;   /* outlives the target */
	const struct target_options *options; /* copied */
	size_t index;                         /* what the hooks are told */
	struct target_hooks hooks;
	transport_new_fn transport_new; /* how requests get there */
};

/**
 * target_new() - set one target and its transport up; opens no connection
 * @error:  on failure one sentence, if it is about a file of TLS
 * Return: 0 or a negative errno.
 */
int target_new(const struct target_setup *setup, struct target **out, struct buffer *error);

/** target_submit() - one chosen request, borrowed: the target takes its own reference if it keeps it */
void target_submit(struct target *t, struct message *m);

/** target_has_room() - would one more be taken without shedding? After a no, on_room tells when that changes */
bool target_has_room(struct target *t);

/** target_change() - another share and rate from the next request on; what waits already is still sent */
void target_change(struct target *t, uint64_t sample_share, uint64_t rate);

bool target_is_quiet(const struct target *t);

/** target_cancel() - shed what is queued as stale, end what is in flight as cancelled_at_exit */
void target_cancel(struct target *t);

const struct target_options *target_options_of(const struct target *t);
const struct target_stats *target_stats_of(const struct target *t);
const char *target_breaker_state(const struct target *t);

/** target_close() - cancel, and close all handles; when the loop has run to its end, target_free() */
void target_close(struct target *t);
void target_free(struct target *t);

#endif
