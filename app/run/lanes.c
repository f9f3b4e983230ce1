/* lanes.c - see lanes.h */
#include "app/run/lanes.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache_line.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/ring.h"

/** struct decisions - a lane's own cache lines */
struct decisions {
	_Alignas(CACHE_LINE) struct policy_stats stats;
};

struct lanes {
	size_t count;
	bool live;
	struct decisions *decisions;
	struct ring *rings[SOURCE_LANES_MAX];
	struct lane *lane[SOURCE_LANES_MAX]; /* NULL before lanes_open() */
	struct chosen_limit chosen;
	_Atomic size_t running;
	void (*on_end)(void *ctx);
	void *ctx;
	struct buffer complaints;
};

_Static_assert(SOURCE_LANES_MAX <= INTAKE_RINGS_MAX, "the intake has a ring for each lane");

struct lanes *lanes_new(size_t count, size_t ring_slots)
{
	struct lanes *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	ls->count = count;
	ls->decisions = cache_line_calloc(count * sizeof(*ls->decisions));
	for (size_t i = 0; i < count; i++)
		ls->rings[i] = ring_new(ring_slots);
	for (size_t i = 0; i < count; i++) {
		if (!ls->decisions || !ls->rings[i]) {
			lanes_free(ls);
			return NULL;
		}
	}
	return ls;
}

struct policy_stats *lanes_decisions(struct lanes *ls, size_t lane)
{
	return &ls->decisions[lane].stats;
}

struct ring **lanes_rings(struct lanes *ls)
{
	return ls->rings;
}

size_t lanes_waiting(const struct lanes *ls)
{
	size_t sum = 0;

	for (size_t i = 0; i < ls->count; i++)
		sum += ring_count(ls->rings[i]);
	return sum;
}

/*
 * The last one closes all sources, now that no flow can be dealt to a lane that still reads. Packet sockets stay open
 * until the lanes are freed: their numbers are closed for sending, so nothing else may get one (listen_only.h).
 */
static void on_lane_end(void *ctx)
{
	struct lanes *ls = ctx;

	if (atomic_fetch_sub(&ls->running, 1) > 1)
		return;
	for (size_t i = 0; i < ls->count && !ls->live; i++)
		lane_close_source(ls->lane[i]);
	ls->on_end(ls->ctx);
}

static struct lane_options lane_options_of(struct lanes *ls, const struct lanes_options *o, size_t i)
{
	return (struct lane_options){
		.index = i,
		.count = ls->count,
		.set = o->set,
		.source = o->sources[i],
		.broker = o->broker,
		.relay = o->relay,
		.live = ls->live,
		.keep_open = ls->count > 1 || ls->live,
		.chosen = &ls->chosen,
		.rules = o->rules->lane[i],
		.decisions = lanes_decisions(ls, i),
		.budget = o->budget,
		.ring = ls->rings[i],
		.intake = o->intake,
		.recorder = o->recording->recorder[i],
		.secrets = o->secrets,
		.joiner = o->joiner,
		.tells_all = o->tells_all,
		.events = o->events,
		.paced = o->paced,
		.reopen = o->reopen,
		.loop_is_busy = o->loop_is_busy,
		.ctx = o->ctx,
		.on_end = on_lane_end,
		.end_ctx = ls,
	};
}

int lanes_open(struct lanes *ls, const struct lanes_options *options)
{
	int err = 0;

	ls->live = options->live;
	ls->chosen.limit = options->chosen_limit;
	ls->on_end = options->on_end;
	ls->ctx = options->ctx;
	for (size_t i = 0; i < ls->count && err == 0; i++) {
		struct lane_options one = lane_options_of(ls, options, i);

		err = lane_new(&one, &ls->lane[i]);
	}
	if (err == 0)
		return 0;
	/* What the lanes that were made have taken is the caller's again. */
	for (size_t i = 0; i < ls->count && ls->lane[i]; i++) {
		lane_disown(ls->lane[i]);
		lane_free(ls->lane[i]);
		ls->lane[i] = NULL;
	}
	return err;
}

int lanes_start(struct lanes *ls)
{
	int err = 0;

	atomic_store(&ls->running, ls->count);
	for (size_t i = 0; i < ls->count && err == 0; i++)
		err = lane_start(ls->lane[i]);
	if (err < 0) {
		lanes_abandon(ls);
		lanes_join(ls);
	}
	return err;
}

void lanes_change_rules(struct lanes *ls, struct rules *next)
{
	for (size_t i = 0; i < ls->count; i++)
		lane_change_rules(ls->lane[i], next->lane[i]);
}

void lanes_stop(struct lanes *ls)
{
	for (size_t i = 0; i < ls->count; i++)
		lane_stop(ls->lane[i]);
}

void lanes_abandon(struct lanes *ls)
{
	for (size_t i = 0; i < ls->count; i++)
		lane_abandon(ls->lane[i]);
}

/* What the lanes have seen together is told once; lane 0 has logged its own. */
static void add_complaints(struct lanes *ls, size_t lane)
{
	struct span lines = buffer_span(lane_complaints(ls->lane[lane])), line;

	while (line_take_whole(&lines, &line)) {
		struct span known = buffer_span(&ls->complaints);

		if (known.len > 0 && memmem(known.at, known.len, line.at, line.len))
			continue;
		if (lane > 0)
			log_warn("%.*s", (int)line.len - 1, (const char *)line.at);
		buffer_add(&ls->complaints, line.at, line.len);
	}
}

int lanes_join(struct lanes *ls)
{
	int result = 0;

	for (size_t i = 0; i < ls->count; i++) {
		int err = lane_join(ls->lane[i]);

		if (err < 0)
			result = err;
		add_complaints(ls, i);
	}
	return result;
}

/* Every member of these structs is a counter, so they are added as what they are. */
static void add_counters(void *sum, const void *part, size_t bytes)
{
	struct counter *s = sum;
	const struct counter *p = part;

	for (size_t i = 0; i < bytes / sizeof(*s); i++)
		counter_add(&s[i], counter_get(&p[i]));
}

_Static_assert(sizeof(struct capture_stats) % sizeof(struct counter) == 0, "only counters");
_Static_assert(sizeof(struct reassembly_stats) % sizeof(struct counter) == 0, "only counters");
_Static_assert(sizeof(struct http_stats) % sizeof(struct counter) == 0, "only counters");
_Static_assert(sizeof(struct tls_stats) % sizeof(struct counter) == 0, "only counters");
_Static_assert(sizeof(struct policy_stats) % sizeof(struct counter) == 0, "only counters");

void lanes_stats(const struct lanes *ls, struct lanes_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ls->count; i++) {
		add_counters(&out->capture, lane_capture_stats(ls->lane[i]), sizeof(out->capture));
		unread_cut(&out->unread, counter_get(&lane_unread(ls->lane[i])->longest_cut));
		for (int row = 0; row < UNREAD_MAX; row++)
			unread_add(&out->unread, (uint32_t)counter_get(&lane_unread(ls->lane[i])->row[row].what),
				   counter_get(&lane_unread(ls->lane[i])->row[row].packets));
		add_counters(&out->reassembly, lane_reassembly_stats(ls->lane[i]), sizeof(out->reassembly));
		add_counters(&out->http, lane_http_stats(ls->lane[i]), sizeof(out->http));
		add_counters(&out->tls, lane_tls_stats(ls->lane[i]), sizeof(out->tls));
		for (int row = 0; row < UNSUPPORTED_MAX; row++)
			unsupported_add(&out->tls_unsupported, counter_get(&lane_tls_unsupported(ls->lane[i])->row[row].what),
					counter_get(&lane_tls_unsupported(ls->lane[i])->row[row].connections));
		add_counters(&out->policy, &ls->decisions[i].stats, sizeof(out->policy));
	}
}

void lanes_tls_late_us(const struct lanes *ls, struct histogram *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ls->count; i++)
		histogram_take(out, lane_tls_late_us(ls->lane[i]));
}

const struct fleet_stats *lanes_fleet_stats(const struct lanes *ls)
{
	return lane_fleet_stats(ls->lane[0]);
}

void lanes_fleet_facts(const struct lanes *ls, struct fleet_facts *out)
{
	lane_fleet_facts(ls->lane[0], out);
}

void lanes_progress(const struct lanes *ls, uint64_t *done, uint64_t *total)
{
	lane_progress(ls->lane[0], done, total); /* all lanes read the same */
}

const struct buffer *lanes_complaints(const struct lanes *ls)
{
	return &ls->complaints;
}

void lanes_free(struct lanes *ls)
{
	if (!ls)
		return;
	for (size_t i = 0; i < ls->count; i++) {
		lane_free(ls->lane[i]);
		if (ls->rings[i])
			ring_free(ls->rings[i]);
	}
	free(ls->decisions);
	buffer_deinit(&ls->complaints);
	free(ls);
}

struct response_item *lanes_take_late(struct lanes *ls, size_t lane)
{
	return lane_take_late(ls->lane[lane]);
}
