/* taps.c - see taps.h */
#include "relay/taps.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/json_doc.h"

struct tap_run {
	uint64_t run; /* claim_run_id() */
	char tap[TAPS_NAME_MAX], name[TAPS_NAME_MAX];
	struct heartbeat last;
	uint64_t named_before; /* next_sequence of the heartbeat before the last */
	struct wall stored;    /* of the last; 0: none has come */
	int64_t skews[TAPS_SKEWS];
	uint32_t skew_count; /* that were ever put there */
};

struct taps {
	struct tap_run *runs;
	size_t count, cap;
	uint64_t forgotten;
};

/* ---- what comes ------------------------------------------------------------- */

static uint64_t read_number(const struct json_doc *d, uint32_t in, const char *name)
{
	uint32_t node = json_doc_member(d, in, span_str(name));
	uint64_t n = 0, sum = 0;

	if (!node)
		return 0;
	if (d->nodes[node].type == JSON_OBJECT) { /* of parts: their sum */
		uint32_t at = node + 1;

		for (uint32_t i = 0; i < d->nodes[node].count; i++, at = d->nodes[at + 1].next)
			if (json_doc_uint(d, at + 1, &n) && __builtin_add_overflow(sum, n, &sum))
				return 0;
		return sum;
	}
	return json_doc_uint(d, node, &n) ? n : 0;
}

static int read_heartbeat(const struct json_doc *d, struct heartbeat *out)
{
	uint32_t next = json_doc_member(d, 0, SPAN_LITERAL("next_sequence")), final = json_doc_member(d, 0, SPAN_LITERAL("final"));
	uint32_t relay = json_doc_member(d, 0, SPAN_LITERAL("relay")), packets = json_doc_member(d, 0, SPAN_LITERAL("packets"));

	if (!next || !json_doc_uint(d, next, &out->next_sequence) || out->next_sequence > INT64_MAX)
		return -EINVAL;
	out->is_final = final && d->nodes[final].type == JSON_TRUE;
	out->offered = read_number(d, relay, "offered");
	out->shed = read_number(d, relay, "shed");
	out->published = read_number(d, relay, "published");
	out->acked = read_number(d, relay, "acked");
	out->duplicate = read_number(d, relay, "duplicate");
	out->refused = read_number(d, relay, "refused");
	out->unknown = read_number(d, relay, "unknown");
	out->dropped = packets ? read_number(d, packets, "dropped_kernel") : 0;
	return 0;
}

int heartbeat_read(struct span text, struct heartbeat *out)
{
	struct json_doc d = { 0 };
	int err = json_doc_parse(&d, text);

	*out = (struct heartbeat){ 0 };
	if (err == 0)
		err = d.nodes[0].type == JSON_OBJECT ? read_heartbeat(&d, out) : -EINVAL;
	json_doc_deinit(&d);
	return err == -EFBIG ? -EINVAL : err;
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !strchr(".-_", c ? c : ' '))
			return false;
	}
	return s.len > 0 && s.len < TAPS_NAME_MAX;
}

bool taps_source(struct span source, struct span *tap, struct span *run)
{
	const struct span scheme = SPAN_LITERAL("shadowtap://");
	const uint8_t *slash;

	if (!span_starts(source, scheme))
		return false;
	span_skip(&source, scheme.len);
	slash = source.len > 0 ? memchr(source.at, '/', source.len) : NULL;
	if (!slash || !span_take(&source, (size_t)(slash - source.at), tap) || !span_skip(&source, 1))
		return false;
	*run = source;
	return is_name(*tap) && is_name(*run);
}

static void put_name(char *out, struct span name)
{
	memcpy(out, name.at, name.len);
	out[name.len] = '\0';
}

/* The place of a new run: of the oldest that has said its last word, if all are taken. */
static struct tap_run *place(struct taps *t)
{
	struct tap_run *oldest = NULL;

	if (t->count < TAPS_MAX)
		return array_room((void **)&t->runs, &t->cap, t->count, sizeof(*t->runs)) ? &t->runs[t->count++] : NULL;
	for (size_t i = 0; i < t->count; i++)
		if (t->runs[i].last.is_final && (!oldest || t->runs[i].stored.ns < oldest->stored.ns))
			oldest = &t->runs[i];
	t->forgotten++;
	return oldest;
}

static struct tap_run *find(struct taps *t, struct span source)
{
	uint64_t run = claim_run_id(source);
	struct span tap, name;
	struct tap_run *r;

	for (size_t i = 0; i < t->count; i++)
		if (t->runs[i].run == run)
			return &t->runs[i];
	if (!taps_source(source, &tap, &name))
		return NULL;
	r = place(t);
	if (!r)
		return NULL;
	*r = (struct tap_run){ .run = run };
	put_name(r->tap, tap);
	put_name(r->name, name);
	return r;
}

struct taps *taps_new(void)
{
	return calloc(1, sizeof(struct taps));
}

void taps_free(struct taps *t)
{
	if (!t)
		return;
	free(t->runs);
	free(t);
}

void taps_heard(struct taps *t, struct span source, const struct heartbeat *h, struct wall said, struct wall stored)
{
	struct tap_run *r = find(t, source);

	if (!r || stored.ns < r->stored.ns) /* an older one, handed over again */
		return;
	r->named_before = r->stored.ns > 0 ? r->last.next_sequence : 0;
	r->last = *h;
	r->stored = stored;
	if (said.ns > 0)
		r->skews[r->skew_count++ % TAPS_SKEWS] = wall_between(stored, said);
}

void taps_seen(struct taps *t, struct span source)
{
	find(t, source);
}

void taps_base(const struct taps *t, struct partition_claim *c)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct tap_run *r = &t->runs[i];
		struct claim_run *of = r->stored.ns > 0 && !r->last.is_final ? claim_run(c, r->run) : NULL;

		if (!of)
			continue;
		of->is_older = true;
		of->base_next = r->last.next_sequence;
		of->base_duplicate = r->last.duplicate;
		of->base_refused = r->last.refused;
	}
}

size_t taps_count(const struct taps *t)
{
	return t->count;
}

uint64_t taps_forgotten(const struct taps *t)
{
	return t->forgotten;
}

/* ---- what has become of it ------------------------------------------------- */

/** struct run_sums - what the claims of all partitions say of a run */
struct run_sums {
	uint64_t received, first, last, skipped;
	uint64_t base_next, base_duplicate, base_refused;
	bool is_older;
};

static void add_run(struct run_sums *s, const struct claim_run *r)
{
	if (r->received > 0) {
		s->first = s->received == 0 || r->first < s->first ? r->first : s->first;
		s->last = s->received == 0 || r->last > s->last ? r->last : s->last;
		s->received += r->received;
	}
	if (r->is_older && (!s->is_older || r->base_next < s->base_next)) {
		s->is_older = true;
		s->base_next = r->base_next;
		s->base_duplicate = r->base_duplicate;
		s->base_refused = r->base_refused;
	}
}

static struct run_sums sums_of(uint64_t run, const struct taps_state *state)
{
	struct run_sums s = { 0 };

	for (size_t i = 0; i < state->claim_count; i++) {
		const struct claim_run *r = state->claims[i] ? claim_run_find(state->claims[i], run) : NULL;

		if (r)
			add_run(&s, r);
		if (state->claims[i] && state->claims[i]->skipped > s.skipped)
			s.skipped = state->claims[i]->skipped;
	}
	return s;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/** take() - up to @n of what is left of @room */
static uint64_t take(uint64_t *room, uint64_t n)
{
	uint64_t taken = n < *room ? n : *room;

	*room -= taken;
	return taken;
}

static int compare_skews(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void tell_skew(const struct tap_run *r, struct fleet_tap *out)
{
	size_t count = r->skew_count < TAPS_SKEWS ? r->skew_count : TAPS_SKEWS;
	int64_t sorted[TAPS_SKEWS];

	out->has_skew = count > 0;
	if (count == 0)
		return;
	memcpy(sorted, r->skews, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare_skews);
	out->skew_us = sorted[count / 2] / NS_PER_US;
}

static void tell_numbers(const struct tap_run *r, const struct run_sums *s, bool begins_late, struct fleet_tap *out)
{
	uint64_t next = s->received > 0 && s->last >= r->last.next_sequence ? s->last + 1 : r->last.next_sequence;

	out->before = s->received > 0 && (s->is_older || begins_late) ? s->first : s->is_older ? s->base_next
											       : 0;
	if (out->before > next)
		next = out->before;
	if (less(next, out->before) < s->received) /* numbers that came twice, which no tap of ours makes */
		next = out->before + s->received;
	out->next_sequence = next;
	out->received = s->received;
}

/* What the run's heartbeat before the last had named, and nobody has seen */
static uint64_t missing_so_far(const struct tap_run *r, const struct fleet_tap *row)
{
	return less(r->named_before, row->before + row->received + row->duplicate + row->refused);
}

void taps_row(const struct taps *t, size_t i, const struct taps_state *state, struct fleet_tap *out)
{
	const struct tap_run *r = &t->runs[i];
	struct run_sums s = sums_of(r->run, state);
	bool is_silent = !r->last.is_final && wall_between(r->stored, state->now) > TAPS_SILENT_NS;
	uint64_t room, holes;

	*out = (struct fleet_tap){
		.offered = r->last.offered,
		.shed = r->last.shed,
		.dropped = r->last.dropped,
		.is_final = r->last.is_final,
		.is_silent = is_silent,
	};
	memcpy(out->tap, r->tap, sizeof(out->tap));
	memcpy(out->run, r->name, sizeof(out->run));
	tell_skew(r, out);
	tell_numbers(r, &s, state->begins_late, out);
	room = out->next_sequence - out->before - out->received;
	out->duplicate = take(&room, less(r->last.duplicate, s.base_duplicate));
	out->refused = take(&room, less(r->last.refused, s.base_refused));
	if (!state->nothing_unread) {
		out->pending = room;
		return;
	}
	holes = is_silent || r->last.is_final ? room : missing_so_far(r, out);
	room -= holes;
	out->evicted = take(&holes, s.skipped);
	*(is_silent ? &out->unknown : &out->missing) = holes;
	out->pending = room;
}
