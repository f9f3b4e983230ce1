/*
 * lane.c - see lane.h: the thread, from its first packet to its end
 *
 * What is said of requests meanwhile is decided and handed over in
 * lane_requests.c; the two share lane_impl.h.
 */
#include "app/run/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/run/event_log.h"
#include "app/run/lane_impl.h"
#include "base/cache_line.h"
#include "base/log.h"
#include "capture/dispatch.h"
#include "http/http1/http1_reader.h"
#include "http/http2/http2_reader.h"
#include "policy/policy_stats.h"
#include "tls/joiner.h"

#define BATCH_PACKETS 256
#define STATS_EVERY_NS (INT64_C(500) * NS_PER_MS)
#define MEMORY_POLL_US 500
#define RESPONSE_WAIT_NS (INT64_C(10) * NS_PER_S) /* after the last of -c */

/* -c, after the last that was wanted: the responses are here, or had time enough to come. */
static bool waited_enough(struct lane *l)
{
	int64_t now_ns;

	if (l->awaited == 0)
		return true;
	now_ns = l->live ? wall_now().ns : l->last.ns;
	if (l->enough_at_ns == 0)
		l->enough_at_ns = now_ns;
	return now_ns - l->enough_at_ns > RESPONSE_WAIT_NS;
}

static inline bool over(struct lane *l)
{
	return chosen_limit_reached(l->o.chosen) && waited_enough(l);
}

struct fragment_record {
	struct recorder *recorder;
	const struct segment *segment;
};

static void on_earlier_fragment(void *ctx, const struct packet *packet)
{
	const struct fragment_record *record = ctx;

	recorder_fragment(record->recorder, packet, record->segment);
}

static void on_packet(void *ctx, const struct packet *packet)
{
	struct lane *l = ctx;
	struct packet shifted;
	struct segment segment;
	enum packet_result result;

	if (over(l) || atomic_load_explicit(&l->abandon, memory_order_relaxed))
		return;
	if (packet->ts.ns > l->last.ns)
		l->last = packet->ts;
	if (!l->first_seen) {
		l->first_seen = true;
		l->first = packet->ts;
		if (l->o.index == 0 || !shares_recording(l))
			intake_set_first(l->o.intake, packet->ts);
	} else if (l->shift_ns) { /* not in the first round */
		shifted = *packet;
		shifted.ts = wall_after(shifted.ts, l->shift_ns);
		packet = &shifted;
	}
	l->packets++;
	result = decoder_packet(l->decoder, packet, &segment);
	if (shares_recording(l) && dispatch_lane(result, &segment, l->o.count) != l->o.index) {
		if (result == PACKET_DECODED)
			tracker_pass_time(l->tracker, segment.ts);
		return;
	}
	counter_add(&l->stats.received, 1);
	counter_add(&l->stats.received_bytes, packet->wire_len);
	counter_add(&l->stats.result[result], 1);
	if (result != PACKET_DECODED) {
		unread_add(&l->unread, decoder_unread(l->decoder), 1);
		return;
	}
	if (segment.missing_bytes > 0) {
		counter_add(&l->stats.cut_payload, 1);
		unread_cut(&l->unread, packet->wire_len);
	}
	tracker_feed(l->tracker, &segment);
	if (l->o.recorder) {
		struct fragment_record record = { l->o.recorder, &segment };

		decoder_earlier(l->decoder, on_earlier_fragment, &record);
		recorder_packet(l->o.recorder, packet, &segment);
	}
}

static void note_complaint(struct lane *l)
{
	const char *complaint = source_complaint(l->source);

	if (!complaint)
		return;
	if (l->o.index == 0)
		log_warn("%s", complaint);
	buffer_printf(&l->complaints, "%s\n", complaint);
}

static void note_unlocked(struct lane *l)
{
	static const char text[] = "secrets of TLS could not all be locked in memory, and may be swapped out: raise ulimit -l "
				   "(LimitMEMLOCK= of a service)";

	if (!l->tls.shared || tls_is_locked(&l->tls))
		return;
	if (l->o.index == 0)
		log_warn("%s", text);
	buffer_printf(&l->complaints, "%s\n", text);
}

/* Of several lanes that read a recording, the loop takes nothing before it knows what the one with nothing to take has. */
static bool is_waited_for(const struct lane *l)
{
	return shares_recording(l) && ring_count(l->o.ring) == 0;
}

static bool holds_much(const struct lane *l)
{
	return budget_used(l->o.budget) > l->memory_high || event_log_is_ahead(l->event_log);
}

/* A recording never outruns the bound: what the loop holds now will be freed, so it is worth waiting for. */
static void wait_for_memory(struct lane *l)
{
	while (holds_much(l) && l->o.loop_is_busy(l->o.ctx) && !atomic_load(&l->stop) && !is_waited_for(l))
		usleep(MEMORY_POLL_US);
}

/* Live, time passes without packets as well. By our own clock, for theirs may be another. */
static void pass_quiet_time(struct lane *l, bool quiet)
{
	struct mono now;

	if (!l->live)
		return;
	now = mono_now();
	if (quiet)
		tracker_pass_quiet(l->tracker, now.ns - l->read_at.ns);
	tls_look(&l->tls, quiet ? now.ns - l->read_at.ns : 0);
	l->read_at = now;
}

/* The next packets, and then, once for all of them, what the loop should know. */
static int read_batch(struct lane *l)
{
	uint64_t before = l->packets;
	int got = source_read(l->source, BATCH_PACKETS, on_packet, l);

	pass_quiet_time(l, l->packets == before);
	if (l->packets - before < BATCH_PACKETS)
		event_log_flush(l->event_log); /* it had no more for now, and lines should not wait for what comes next */
	if (l->pushed)
		intake_wake(l->o.intake); /* not for a batch that gave nothing */
	source_hurry(l->source, l->sent);
	l->pushed = false;
	l->sent = 0;
	return got;
}

static void replace_source(struct lane *l, struct source *next)
{
	struct source *old;

	pthread_mutex_lock(&l->source_lock);
	old = l->source;
	l->source = next;
	pthread_mutex_unlock(&l->source_lock);
	source_close(old);
}

/* Of --loop; a recording without packets would be read for ever. */
static bool has_more_rounds(struct lane *l)
{
	uint32_t rounds = l->o.set.loops;

	return !l->live && (rounds == 0 || l->round < rounds) && l->first_seen && !atomic_load(&l->stop) &&
	       !chosen_limit_reached(l->o.chosen);
}

/* The next round of --loop, or false when there is none. */
static bool read_again(struct lane *l)
{
	struct source *next = NULL;
	struct buffer error = { 0 };
	int err;

	l->round++;
	l->packets++; /* what ends with the recording comes behind all that any lane found in it */
	if (!has_more_rounds(l))
		return false;
	tracker_finish(l->tracker);
	tls_finish(&l->tls);
	if (l->o.secrets)
		secrets_unclaim(l->o.secrets);
	note_complaint(l);
	err = l->o.reopen(l->o.ctx, l->o.index, &next, &error);
	replace_source(l, next);
	if (err < 0) {
		log_error("%s", buffer_text(&error));
		l->error = err;
	}
	buffer_deinit(&error);
	/* One nanosecond later, so that no two rounds share a time and ids differ between them. */
	l->shift_ns = wall_after((struct wall){ l->shift_ns }, wall_between(l->first, wall_after(l->last, 1))).ns;
	return err == 0;
}

static void update_stats(struct lane *l)
{
	struct wall now = wall_now();

	if (!l->live || now.ns < l->next_stats.ns)
		return;
	l->next_stats.ns = now.ns + STATS_EVERY_NS;
	source_update_stats(l->source, &l->stats);
}

/* Published by the lane, since the source itself may be replaced between two rounds. */
static void update_progress(struct lane *l)
{
	uint64_t done, total, rounds = l->o.set.loops;

	if (l->live)
		return;
	source_progress(l->source, &done, &total);
	atomic_store_explicit(&l->progress_done, done + l->round * total, memory_order_relaxed);
	atomic_store_explicit(&l->progress_total, total * rounds, memory_order_relaxed);
}

static void read_packets(struct lane *l)
{
	for (;;) {
		int got;

		if (atomic_load(&l->abandon) || over(l))
			break;
		lane_push_late(l);
		if (atomic_load(&l->stop) && !l->stopping) {
			l->stopping = true;
			source_stop(l->source, wall_now());
		}
		if (!l->live)
			wait_for_memory(l);
		got = read_batch(l);
		if (shares_recording(l))
			intake_reached(l->o.intake, l->o.index, l->packets);
		update_stats(l);
		update_progress(l);
		if (got == SOURCE_EOF && read_again(l))
			continue;
		if (got < 0)
			l->error = got;
		if (got != 0)
			break;
	}
}

static void *lane_main(void *arg)
{
	struct lane *l = arg;

	if (l->reader)
		lane_relay_run(l);
	else
		read_packets(l);
	tracker_finish(l->tracker);
	tls_finish(&l->tls);
	event_log_flush(l->event_log);
	lane_push_late(l);
	note_unlocked(l);
	if (l->source) {
		if (!shares_recording(l) || l->o.index == 0) /* what all of them read is counted once */
			source_update_stats(l->source, &l->stats);
		note_complaint(l);
	}
	if (!l->o.keep_open)
		lane_close_source(l);
	intake_end(l->o.intake, l->o.index);
	l->o.on_end(l->o.end_ctx);
	return NULL;
}

/* Unless the loop writes all events: --explain does, and knows the rule behind each decision. */
static int make_event_log(struct lane *l)
{
	struct event_log_options options = {
		.writer = l->o.events,
		.budget = l->o.budget,
		.show_query = l->o.set.show_query,
		.one_by_one = l->o.paced || shares_recording(l),
		.push = lane_push,
		.ctx = l,
	};

	if (!l->o.events || l->o.tells_all)
		return 0;
	l->event_log = event_log_new(&options);
	if (!l->event_log)
		return -ENOMEM;
	event_log_show(l->event_log, l->o.rules->shown);
	return 0;
}

/* Tokens of HTTP/2 are apart from those of HTTP/1, and those inside TLS from others, all below the lane's number. */
#define HTTP2_TOKENS (UINT64_C(1) << (LANE_TOKEN_BITS - 1))
#define TLS_TOKENS   (UINT64_C(1) << (LANE_TOKEN_BITS - 2))

int lane_new(const struct lane_options *options, struct lane **out)
{
	struct lane *l = cache_line_calloc(sizeof(*l));
	const struct lane_settings *set = &options->set;
	struct tracker_options tracker = set->tracker;
	struct http1_options http = { .sink = lane_sink(l),
				      .max_body = set->max_body,
				      .budget = options->budget,
				      .keep_responses = set->compares,
				      .max_response = set->max_response,
				      .next = set->reads_http2 ? &l->http2 : NULL,
				      .first_token = (uint64_t)options->index << LANE_TOKEN_BITS };
	struct http2_options http2 = { .sink = http.sink,
				       .max_body = set->max_body,
				       .max_stream_ns = set->max_stream_ns,
				       .budget = options->budget,
				       .keep_responses = set->compares,
				       .max_response = set->max_response,
				       .first_token = http.first_token | HTTP2_TOKENS,
				       .next = &l->http2,
				       .joins = set->joins_http2 };
	struct http1_options inner_http = http;
	struct http2_options inner_http2 = http2;
	struct tls_reader_options tls = { .secrets = options->secrets,
					  .may_come = set->tls_may_come,
					  .wait_ns = set->tls_wait_ns,
					  .joiner = options->joiner,
					  .awaits_joiner = !options->live,
					  .inner = { http1_reader(&inner_http), http2_reader(&inner_http2) },
					  .inner_count = set->reads_http2 ? 2 : 1,
					  .budget = options->budget };
	struct reader_kind kinds[READER_KINDS_MAX] = { http1_reader(&http) };
	size_t kind_count = 1;

	if (!l)
		return -ENOMEM;
	tracker.budget = options->budget;
	http.stats = http2.stats = inner_http.stats = inner_http2.stats = &l->http_stats;
	inner_http.sink = inner_http2.sink = http.sink;
	inner_http.next = set->reads_http2 ? &l->http2_in_tls : NULL;
	inner_http2.next = &l->http2_in_tls;
	inner_http.first_token |= TLS_TOKENS;
	inner_http2.first_token |= TLS_TOKENS;
	tls.stats = &l->tls_stats;
	tls.late_us = &l->tls_late_us;
	tls.lane = &l->tls;
	if (set->reads_http2)
		kinds[kind_count++] = http2_reader(&http2);
	if (options->secrets)
		kinds[kind_count++] = tls_reader(&tls);
	l->o = *options;
	l->late_end = &l->late;
	l->source = options->source;
	pthread_mutex_init(&l->source_lock, NULL);
	l->live = options->live;
	l->decisions = options->decisions;
	l->memory_high = options->budget->limit / 4 * 3;
	l->decoder = decoder_new(set->ports, set->vxlan_ports);
	l->tracker = tracker_new(&tracker, kinds, kind_count);
	if (!l->decoder || !l->tracker || make_event_log(l) < 0) {
		decoder_free(l->decoder);
		tracker_free(l->tracker);
		free(l);
		return -ENOMEM;
	}
	if (options->broker && lane_relay_open(l, options->relay, options->broker) < 0) {
		lane_disown(l);
		lane_free(l);
		return -ENOMEM;
	}
	l->rules = options->rules;
	if (options->recorder)
		decoder_keep_fragments(l->decoder);
	*out = l;
	return 0;
}

int lane_start(struct lane *l)
{
	int err = pthread_create(&l->thread, NULL, lane_main, l);

	l->started = err == 0;
	return -err;
}

void lane_change_rules(struct lane *l, struct lane_rules *next)
{
	/* those that the lane never saw come back */
	lane_rules_free(atomic_exchange_explicit(&l->next_rules, next, memory_order_acq_rel));
}

void lane_stop(struct lane *l)
{
	atomic_store(&l->stop, true);
	if (!l->live)
		ring_cancel_wait(l->o.ring);
	if (l->o.recorder)
		recorder_interrupt(l->o.recorder);
	if (l->o.joiner)
		joiner_stop(l->o.joiner);
	pthread_mutex_lock(&l->source_lock);
	if (l->source)
		source_interrupt(l->source); /* it may be waiting for a pipe that is silent */
	pthread_mutex_unlock(&l->source_lock);
}

void lane_abandon(struct lane *l)
{
	atomic_store(&l->abandon, true);
	lane_stop(l);
}

void lane_close_source(struct lane *l)
{
	replace_source(l, NULL);
}

int lane_join(struct lane *l)
{
	if (l->started)
		pthread_join(l->thread, NULL);
	l->started = false;
	return l->error;
}

const struct unread *lane_unread(const struct lane *l)
{
	return &l->unread;
}

const struct capture_stats *lane_capture_stats(const struct lane *l)
{
	return &l->stats;
}

const struct reassembly_stats *lane_reassembly_stats(const struct lane *l)
{
	return tracker_stats(l->tracker);
}

const struct http_stats *lane_http_stats(const struct lane *l)
{
	return &l->http_stats;
}

const struct tls_stats *lane_tls_stats(const struct lane *l)
{
	return &l->tls_stats;
}

const struct unsupported *lane_tls_unsupported(const struct lane *l)
{
	return &l->tls.unsupported;
}

const struct counted_histogram *lane_tls_late_us(const struct lane *l)
{
	return &l->tls_late_us;
}

void lane_progress(struct lane *l, uint64_t *done, uint64_t *total)
{
	*done = atomic_load_explicit(&l->progress_done, memory_order_relaxed);
	*total = atomic_load_explicit(&l->progress_total, memory_order_relaxed);
}

const struct fleet_stats *lane_fleet_stats(const struct lane *l)
{
	return l->reader ? relay_reader_stats(l->reader) : NULL;
}

void lane_fleet_facts(const struct lane *l, struct fleet_facts *out)
{
	if (l->reader)
		relay_reader_facts(l->reader, out);
}

const struct buffer *lane_complaints(const struct lane *l)
{
	return &l->complaints;
}

void lane_disown(struct lane *l)
{
	l->source = NULL;
	l->rules = NULL;
}

struct response_item *lane_take_late(struct lane *l)
{
	struct response_item *late = l->late;

	l->late = NULL;
	l->late_end = &l->late;
	return late;
}

void lane_free(struct lane *l)
{
	if (!l)
		return;
	while (l->late) {
		struct response_item *next = l->late->next;

		response_free(l->late->response);
		free(l->late);
		l->late = next;
	}
	decoder_free(l->decoder);
	tracker_free(l->tracker);
	source_close(l->source);
	lane_rules_free(l->rules);
	lane_rules_free(atomic_load(&l->next_rules));
	event_log_free(l->event_log);
	relay_reader_free(l->reader);
	pthread_mutex_destroy(&l->source_lock);
	buffer_deinit(&l->complaints);
	free(l);
}
