/*
 * fault_rig.h - a replay on a loop of its own, and everything that it said
 */
#ifndef TESTS_RIG_FAULT_RIG_H
#define TESTS_RIG_FAULT_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "replay/replay.h"

#define RIG_TARGETS 3
#define RIG_OUTCOMES 20000

struct rig_outcome {
	size_t target;
	struct outcome outcome;
};

struct rig {
	uv_loop_t loop;
	struct replay *replay;
	struct rig_outcome *outcomes; /* in the order of their end */
	size_t ended;
	size_t rooms;           /* calls of on_room */
	size_t drained;         /* calls of done */
	struct endpoint server; /* where requests were captured on their way to; zero: nowhere */
	size_t productions;     /* calls of on_production */
	size_t last_production; /* target of the last */
	uv_timer_t guard;       /* ends a wait that would never end */
	bool guard_fired;
};

/** rig_target() - options for http://127.0.0.1:@port with room for everything; change what the test is about */
struct target_options rig_target(uint16_t port);

/** rig_start() - also checks that nothing goes wrong */
void rig_start(struct rig *g, const struct target_options *targets, size_t count);

/** rig_submit() - one request of @method with a body of @body_len bytes: "0123456789012..." */
void rig_submit(struct rig *g, const char *method, size_t body_len);

/** rig_wait() - run the loop until @ended outcomes have been told; fails the test after 20 s */
void rig_wait(struct rig *g, size_t ended);

/** rig_wait_idle() - run the loop until nothing is queued or in flight */
void rig_wait_idle(struct rig *g);

/** rig_wait_drained() - run the loop until done() was called */
void rig_wait_drained(struct rig *g);

/** rig_run_for() - run the loop for @ms */
void rig_run_for(struct rig *g, unsigned ms);

/** rig_drain() - replay_drain() with @limit_ms, counting the call of done */
void rig_drain(struct rig *g, unsigned limit_ms);

/** rig_check_books() - the sums of replay_stats.h, for every target */
void rig_check_books(struct rig *g);

/** rig_count() - outcomes of @kind that target @target counted */
uint64_t rig_count(struct rig *g, size_t target, enum outcome_kind kind);

/** rig_stop() - close, check that no handle is left and the books are closed, free */
void rig_stop(struct rig *g);

#endif
