/* direction.c - see direction.h */
#include "tls/direction.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "reassembly/reader.h"
#include "tls/direction_trial.h"

#define UNOPENED_MAX 64   /* records in a row, before the place is taken for lost */
#define HANDSHAKE_MAX 256 /* ... at the start, where they may be of the handshake, or early data */
#define UNKNOWN_GAP_BYTES (64 << 10)
#define CHARGED_AHEAD 4096 /* bytes of a record that come yet */

#define MESSAGE_HEADER_BYTES 4
#define END_OF_EARLY_DATA 5
#define KEY_UPDATE 24
#define ALERT_CLOSE_NOTIFY 0

void direction_init(struct direction *d, uint64_t base, bool of_server)
{
	d->of_server = of_server;
	d->plain = d->base = d->wire = base;
}

static bool is_framed(const struct direction *d)
{
	return d->state == DIRECTION_FRAMED;
}

static bool is_over(const struct direction *d)
{
	return d->state == DIRECTION_CLOSED || d->state == DIRECTION_LOST;
}

/* ---- what is kept ---- */

static void keep_none(struct direction *d, struct direction_env *env)
{
	buffer_deinit(&d->part);
	budget_release(env->budget, d->charged);
	d->charged = 0;
	d->awaited = 0;
	d->searched_to = d->waiting_count = 0;
}

static bool charge_to(struct direction *d, struct direction_env *env, size_t bytes)
{
	if (bytes <= d->charged)
		return true;
	if (!budget_charge(env->budget, bytes - d->charged))
		return false;
	d->charged = bytes;
	return true;
}

/** keep() - more of a record that is not whole; false if there is no memory for it */
static bool keep(struct direction *d, struct direction_env *env, struct span bytes)
{
	if (is_framed(d) && d->part.len == 0)
		buffer_reserve(&d->part, record_length(bytes));
	if (!charge_to(d, env, d->part.len + bytes.len))
		return false;
	buffer_add_span(&d->part, bytes);
	return buffer_ok(&d->part);
}

/** await_rest() - of the record that @part begins with there is room for the rest now; likewise */
static bool await_rest(struct direction *d)
{
	size_t len = record_length(buffer_span(&d->part));

	if (len > 0)
		d->awaited = (uint32_t)(len - d->part.len);
	return buffer_reserve(&d->part, d->awaited);
}

/**
 * add_awaited() - ... of which these are the next bytes; likewise
 *
 * A large record comes in a dozen segments, so what each costs counts. It is charged for by steps: what is announced may
 * never come. Opening it as they come would save this copy, 0.3 us for 16 KiB, and cost 0.8: OpenSSL's, for a dozen calls more.
 */
static bool add_awaited(struct direction *d, struct direction_env *env, struct span bytes)
{
	size_t len = d->part.len + bytes.len;

	d->awaited -= (uint32_t)bytes.len;
	if (len > d->charged && !charge_to(d, env, len + (d->awaited < CHARGED_AHEAD ? d->awaited : CHARGED_AHEAD)))
		return false;
	memcpy(d->part.bytes + d->part.len, bytes.at, bytes.len);
	d->part.len = len;
	return true;
}

static void drop_front(struct direction *d, size_t n)
{
	memmove(d->part.bytes, d->part.bytes + n, d->part.len - n);
	d->part.len -= n;
	d->wire += n;
	d->searched_to = 0;
}

static void drop_others(struct direction *d)
{
	for (size_t i = 0; d->others && i < DIRECTION_OTHERS; i++)
		stream_keys_deinit(&d->others[i]);
	free(d->others);
	d->others = NULL;
}

int direction_add_keys(struct direction *d, struct direction_env *env, const struct suite *suite, struct span secret)
{
	size_t i = 0;

	if (!d->keys.suite)
		return stream_keys_from_secret(&d->keys, suite, secret, &env->pages);
	if (!d->others)
		d->others = calloc(DIRECTION_OTHERS, sizeof(*d->others));
	while (d->others && i < DIRECTION_OTHERS && d->others[i].suite)
		i++;
	if (!d->others || i == DIRECTION_OTHERS)
		return -ENOMEM;
	return stream_keys_from_secret(&d->others[i], suite, secret, &env->pages);
}

void direction_deinit(struct direction *d, struct direction_env *env)
{
	keep_none(d, env);
	early_data_clear(&d->early_data, env->budget);
	drop_others(d);
	stream_keys_deinit(&d->keys);
	stream_keys_deinit(&d->early);
}

/* ---- gaps ---- */

/** open_gap() - from @from on something is missing, behind which @records more may have gone by */
static void open_gap(struct direction *d, uint64_t from, uint64_t records, enum lost_reason why)
{
	if (!d->gapped) {
		d->gapped = true;
		d->gap_from = from;
		d->gap_why = why;
	}
	d->doubt += records;
	d->keys_doubt |= direction_is_tls13(d);
	if (!d->is_changed && !direction_is_tls13(d))
		d->is_changed = true; /* that may have been in the gap */
	if (d->early.suite && !d->is_open) {
		d->gap_unknown = true;
		stream_keys_deinit(&d->early);
	}
}

static uint64_t records_in(const struct direction *d, uint64_t bytes)
{
	return bytes / suite_record_min(d->keys.suite) + 1;
}

static void search_from(struct direction *d, struct direction_env *env, uint64_t wire)
{
	keep_none(d, env);
	d->state = DIRECTION_SEARCHING;
	d->skip = 0;
	d->wire = wire;
}

static void remember_end(struct direction *d, uint64_t wire)
{
	uint8_t at = (uint8_t)(d->end_first + d->end_count) % DIRECTION_ENDS;

	d->ends[at] = (struct record_end){ wire, d->plain };
	if (d->end_count < DIRECTION_ENDS)
		d->end_count++;
	else
		d->end_first = (uint8_t)(d->end_first + 1) % DIRECTION_ENDS;
}

/** lose_record() - the one of @len bytes that @part begins with is cut by a gap of @bytes; is it known where the next begins? */
static bool lose_record(struct direction *d, struct direction_env *env, const struct direction_sink *sink, size_t len,
			uint32_t bytes, enum lost_reason why)
{
	uint64_t from = d->wire;
	size_t left = len - d->part.len, overhead = suite_overhead(d->keys.suite);
	bool is_data = d->part.bytes[0] == RECORD_APPLICATION_DATA && overhead > 0 && len > overhead && !d->is_padded;
	bool is_certain = bytes <= left && is_data && d->is_open && !d->gapped;

	if (!is_certain)
		open_gap(d, from, 1, why);
	keep_none(d, env);
	if (bytes > left)
		return false;
	d->skip = (uint32_t)(left - bytes);
	d->wire = from + len - d->skip;
	if (is_certain) {
		d->number++;
		d->keys_doubt = direction_is_tls13(d);
		d->plain += len - overhead;
		remember_end(d, from + len);
		sink->on_gap(sink->ctx, (uint32_t)(len - overhead), why);
	}
	return true;
}

void direction_gap(struct direction *d, struct direction_env *env, const struct direction_sink *sink, uint32_t bytes,
		   enum lost_reason why)
{
	uint64_t end;
	size_t len;

	if (!d->keys.suite || is_over(d))
		return;
	if (bytes == GAP_UNKNOWN) {
		d->gap_unknown = true;
		bytes = UNKNOWN_GAP_BYTES;
		end = d->wire + d->part.len; /* the next chunk says where it is */
	} else {
		end = d->wire + d->part.len + bytes;
	}
	d->message_left = 0;
	d->trials = d->searched = 0;
	if (d->skip > 0 && bytes <= d->skip && !d->gap_unknown) { /* of a record that is lost as it is */
		d->skip -= bytes;
		d->wire += bytes;
		return;
	}
	if (d->skip > 0 && !d->gap_unknown) { /* ... and of what is behind it */
		bytes -= d->skip;
		d->wire += d->skip;
		d->skip = 0;
	}
	len = is_framed(d) ? record_length(buffer_span(&d->part)) : 0;
	if (len > 0 && !d->gap_unknown) {
		uint64_t record_end = d->wire + len;

		if (lose_record(d, env, sink, len, bytes, why))
			return;
		open_gap(d, record_end, records_in(d, end - record_end), why);
	} else {
		open_gap(d, d->wire, records_in(d, end - d->wire), why);
	}
	search_from(d, env, end);
}

/** gap_length() - plaintext that is missing before a record that begins at @wire, with @records gone by */
static uint32_t gap_length(const struct direction *d, uint64_t wire, uint64_t records)
{
	uint64_t bytes = wire - d->gap_from, overhead = records * suite_overhead(d->keys.suite);

	if (d->gap_unknown || d->is_padded || suite_overhead(d->keys.suite) == 0 || overhead > bytes ||
	    bytes - overhead >= GAP_UNKNOWN)
		return GAP_UNKNOWN;
	return (uint32_t)(bytes - overhead);
}

/** close_gap() - the record at @wire was opened, behind @records that were not */
static bool close_gap(struct direction *d, struct direction_env *env, const struct direction_sink *sink, uint64_t wire,
		      uint64_t records, bool across_keys)
{
	/* The first record of TLS 1.2 is the last of its handshake. */
	uint64_t of_handshake = d->is_open || direction_is_tls13(d) ? 0 : 1;
	uint32_t bytes = GAP_UNKNOWN;
	bool goes_on;

	if (!d->gapped)
		return true;
	if (!d->gap_unknown && !across_keys)
		bytes = records <= of_handshake ? 0 : d->is_open ? gap_length(d, wire, records)
								 : GAP_UNKNOWN;
	d->gapped = d->gap_unknown = d->keys_doubt = false;
	d->trials = d->searched = 0;
	counter_add(&env->stats->tls_refound, 1);
	if (bytes == 0)
		return true;
	d->plain += bytes == GAP_UNKNOWN ? wire - d->gap_from : bytes;
	remember_end(d, wire);
	d->told_to = wire;
	goes_on = sink->on_gap(sink->ctx, bytes, d->gap_why);
	d->told_to = 0;
	return goes_on;
}

void direction_end(struct direction *d, const struct direction_sink *sink)
{
	if (!d->gapped || is_over(d) || !d->is_open)
		return;
	d->gapped = false;
	sink->on_gap(sink->ctx, GAP_UNKNOWN, d->gap_why);
}

static void lose(struct direction *d, struct direction_env *env, const struct direction_sink *sink)
{
	keep_none(d, env);
	d->state = DIRECTION_LOST;
	sink->on_gap(sink->ctx, GAP_UNKNOWN, d->gapped ? d->gap_why : LOST_GAP);
}

bool direction_join(struct direction *d, struct direction_env *env, const struct record_count *count)
{
	d->number = record_count_least(count);
	d->doubt = record_count_most(count) - d->number;
	d->keys_doubt = direction_is_tls13(d) && d->doubt > 0;
	d->is_changed = count->is_changed;
	d->is_joined = true;
	d->skip = count->left;
	d->wire = count->wire - count->head_len;
	if (count->is_searching)
		d->state = DIRECTION_SEARCHING;
	return count->head_len == 0 || keep(d, env, span_of(count->head, count->head_len));
}

void direction_enter(struct direction *d, uint64_t wire, uint64_t number)
{
	d->number = number;
	d->wire = wire;
	if (wire == d->base)
		return;
	d->gapped = d->gap_unknown = true;
	d->gap_from = d->base;
	d->gap_why = LOST_GAP;
}

/* ---- a record ---- */

bool direction_is_behind(const struct direction *d, uint64_t wire)
{
	if (d->told_to > 0)
		return wire > d->told_to;
	return d->keys.suite && !is_over(d) && wire > (d->gapped ? d->gap_from : d->wire + d->part.len);
}

bool direction_holds(const struct direction *d, uint64_t wire)
{
	return d->early.suite && d->early_data.first && d->early_data.first->wire_end <= wire;
}

/** plain_before() - ... as far as it is remembered */
static bool plain_before(const struct direction *d, uint64_t wire, uint64_t *plain)
{
	uint64_t from = d->gapped ? d->gap_from : d->wire;

	if (direction_is_behind(d, wire)) {
		size_t overhead = suite_overhead(d->keys.suite);

		*plain = d->plain + (overhead > 0 && wire - from > overhead ? wire - from - overhead : 1);
		return true;
	}
	for (uint8_t i = d->end_count; i > 0; i--) {
		const struct record_end *end = &d->ends[(d->end_first + i - 1) % DIRECTION_ENDS];

		if (end->wire <= wire) {
			*plain = end->plain;
			return true;
		}
	}
	*plain = d->base;
	return d->end_count < DIRECTION_ENDS; /* it had read no record with data */
}

bool direction_plain_at(struct direction *d, uint64_t wire, uint64_t *plain)
{
	if (!plain_before(d, wire, plain))
		return false;
	if (wire < d->read_wire)
		return true;
	if (*plain < d->read_plain)
		*plain = d->read_plain;
	d->read_wire = wire;
	d->read_plain = *plain;
	return true;
}

static bool give_data(struct direction *d, const struct direction_sink *sink, const struct chunk *piece, struct span bytes,
		      uint64_t wire_end)
{
	struct chunk chunk = *piece;

	chunk.bytes = bytes;
	chunk.offset = d->plain;
	d->plain += bytes.len;
	remember_end(d, wire_end);
	return bytes.len == 0 || sink->on_data(sink->ctx, &chunk);
}

/** next_keys() - the sender has changed them */
static bool next_keys(struct direction *d)
{
	struct stream_keys next = { 0 };

	if (stream_keys_next(&d->keys, &next) < 0)
		return false;
	stream_keys_deinit(&d->keys);
	d->keys = next;
	d->number = 0;
	OPENSSL_cleanse(&next, sizeof(next));
	return true;
}

/** take_handshake() - messages behind the handshake; of TLS 1.3 one of them changes the keys, and ends its record */
static bool take_handshake(struct direction *d, struct span bytes)
{
	uint32_t len;
	uint16_t low;
	uint8_t type, high;

	while (bytes.len > 0) {
		if (d->message_left > 0) {
			size_t n = d->message_left < bytes.len ? d->message_left : bytes.len;

			d->message_left -= (uint32_t)n;
			span_skip(&bytes, n);
			continue;
		}
		if (bytes.len < MESSAGE_HEADER_BYTES || !span_u8(&bytes, &type) || !span_u8(&bytes, &high) ||
		    !span_u16(&bytes, &low))
			return true; /* a header over two records: none of those that matter */
		len = (uint32_t)high << 16 | low;
		if (type == KEY_UPDATE && len == 1 && bytes.len == 1)
			return next_keys(d);
		d->message_left = len;
	}
	return true;
}

static bool take_alert(struct direction *d, const struct direction_sink *sink, struct span bytes)
{
	if (bytes.len == 2 && bytes.at[1] == ALERT_CLOSE_NOTIFY) {
		d->state = DIRECTION_CLOSED;
		return sink->on_close(sink->ctx);
	}
	return true;
}

/* ---- early data ---- */

static void hold_early(struct direction *d, struct direction_env *env, const struct chunk *piece, const struct trial *t)
{
	struct chunk chunk = *piece;

	chunk.bytes = t->opened.bytes;
	if (chunk.bytes.len > 0 &&
	    !early_data_add(&d->early_data, env->budget, &chunk, t->wire + RECORD_HEADER_BYTES + t->record.payload.len))
		counter_add(&env->stats->tls_early_dropped, 1);
}

/** give_early() - all that came before @wire */
static bool give_early(struct direction *d, struct direction_env *env, const struct direction_sink *sink, uint64_t wire)
{
	uint64_t dropped = d->early_data.dropped;
	bool goes_on = true;

	for (struct early_record *r = d->early_data.first; r && goes_on; r = r->next)
		goes_on = give_data(d, sink, &r->chunk, r->chunk.bytes, r->wire_end);
	early_data_clear(&d->early_data, env->budget);
	if (dropped == 0 || !goes_on)
		return goes_on;
	d->plain += dropped;
	remember_end(d, wire);
	return sink->on_gap(sink->ctx, dropped < GAP_UNKNOWN ? (uint32_t)dropped : GAP_UNKNOWN, LOST_MEMORY);
}

/**
 * take_early() - is it a record of early data?
 *
 * A server that refuses them drops them, and the client sends them again. One that takes them is known by the message
 * with which the client ends them (RFC 8446, 4.5).
 */
static bool take_early(struct direction *d, struct direction_env *env, const struct direction_sink *sink,
		       const struct chunk *piece, struct trial *t, bool *goes_on)
{
	if (!d->early.suite || t->record.type != RECORD_APPLICATION_DATA ||
	    !stream_keys_open(&d->early, &t->record, d->early_number, env->room[d->of_server], &t->opened))
		return false;
	d->early_number++;
	counter_add(&env->stats->tls_records, 1);
	if (t->opened.type == RECORD_APPLICATION_DATA) {
		hold_early(d, env, piece, t);
	} else if (t->opened.type == RECORD_HANDSHAKE && t->opened.bytes.len > 0 && t->opened.bytes.at[0] == END_OF_EARLY_DATA) {
		stream_keys_deinit(&d->early);
		*goes_on = give_early(d, env, sink, t->wire);
	}
	return true;
}

/* ---- in order ---- */

/** take_opened() - false when nothing more is wanted */
static bool take_opened(struct direction *d, struct direction_env *env, const struct direction_sink *sink,
			const struct chunk *piece, struct trial *t)
{
	uint64_t end = t->wire + RECORD_HEADER_BYTES + t->record.payload.len;
	uint64_t records = t->across_keys ? 0 : t->number - d->number;

	counter_add(&env->stats->tls_records, 1);
	drop_others(d);
	if (!d->is_open)
		sink->on_opened(sink->ctx);
	if (!close_gap(d, env, sink, t->wire, records, t->across_keys))
		return false;
	d->number = t->number + 1;
	d->doubt = 0;
	d->keys_doubt = d->is_joined = false;
	d->unopened = 0;
	d->is_padded |= t->opened.is_padded;
	if (!d->is_open) {
		d->is_open = true;
		stream_keys_deinit(&d->early);
		early_data_clear(&d->early_data, env->budget);
	}
	switch (t->opened.type) {
	case RECORD_APPLICATION_DATA:
		return give_data(d, sink, piece, t->opened.bytes, end);
	case RECORD_ALERT:
		return take_alert(d, sink, t->opened.bytes);
	case RECORD_HANDSHAKE:
		if (!direction_is_tls13(d) || take_handshake(d, t->opened.bytes))
			return true;
		lose(d, env, sink);
		return false;
	default:
		return true;
	}
}

/** take_unopened() - a whole record at its place that none of our keys opens */
static bool take_unopened(struct direction *d, struct direction_env *env, const struct direction_sink *sink, const struct trial *t)
{
	if (d->trials > TRIALS_MAX || ++d->unopened > (d->is_open ? UNOPENED_MAX : HANDSHAKE_MAX)) {
		lose(d, env, sink);
		return false;
	}
	if (d->is_open)
		open_gap(d, t->wire, 1, LOST_GAP);
	return true;
}

static bool take_record(struct direction *d, struct direction_env *env, const struct direction_sink *sink,
			const struct chunk *piece, struct trial *t)
{
	bool goes_on = true;

	if (t->record.type == RECORD_CHANGE_CIPHER_SPEC && !direction_is_tls13(d)) {
		if (d->is_open) { /* keys that were agreed anew, under those that we know */
			lose(d, env, sink);
			return false;
		}
		d->is_changed = true;
	}
	if (!direction_may_open(d, &t->record) || take_early(d, env, sink, piece, t, &goes_on))
		return goes_on;
	if (direction_try(d, env, t))
		return take_opened(d, env, sink, piece, t);
	return take_unopened(d, env, sink, t);
}

/** run_framed() - the records with which @bytes begin, at @d->wire; what is left of @bytes is no whole one */
static bool run_framed(struct direction *d, struct direction_env *env, const struct direction_sink *sink,
		       const struct chunk *piece, struct span *bytes)
{
	struct trial t = { .wire = d->wire };
	bool goes_on = true;

	while (goes_on && !is_over(d)) {
		switch (record_take(bytes, &t.record)) {
		case FRAMING_MORE:
			return true;
		case FRAMING_BAD:
			open_gap(d, d->wire, 0, LOST_GAP);
			d->state = DIRECTION_SEARCHING;
			return true;
		case FRAMING_WHOLE:
			break;
		}
		d->wire += RECORD_HEADER_BYTES + t.record.payload.len;
		t.across_keys = false;
		goes_on = take_record(d, env, sink, piece, &t);
		t.wire = d->wire;
	}
	return false;
}

/* ---- searching ---- */

static bool is_beyond(const struct direction *d)
{
	return d->trials > TRIALS_MAX || d->searched > SEARCHED_MAX;
}

enum place { PLACE_TAKEN,
	     PLACE_WAITS,
	     PLACE_FALSE };

/** try_place() - does a record begin at @at in @part that opens, which is @t? It may not be whole yet */
static enum place try_place(struct direction *d, struct direction_env *env, size_t at, struct trial *t)
{
	struct span bytes = buffer_span(&d->part);

	span_skip(&bytes, at);
	if (bytes.len >= RECORD_HEADER_BYTES && !record_claims(bytes))
		return PLACE_FALSE;
	if (record_take(&bytes, &t->record) != FRAMING_WHOLE)
		return PLACE_WAITS;
	if (!direction_try(d, env, t))
		return PLACE_FALSE;
	t->wire = d->wire + at;
	return PLACE_TAKEN;
}

/** try_waiting() - one of those that wait is whole, and is @t */
static bool try_waiting(struct direction *d, struct direction_env *env, struct trial *t)
{
	uint8_t left = 0;

	for (uint8_t i = 0; i < d->waiting_count && !is_beyond(d); i++) {
		switch (try_place(d, env, d->waiting[i], t)) {
		case PLACE_TAKEN:
			return true;
		case PLACE_WAITS:
			d->waiting[left++] = d->waiting[i];
			break;
		case PLACE_FALSE:
			break;
		}
	}
	d->waiting_count = left;
	return false;
}

/**
 * find_again() - a record in @part that opens, which is @t
 *
 * What only looks like a header announces up to 16 KiB, which may be all that there is yet, or ever: so records are searched within
 * that, too.
 */
static bool find_again(struct direction *d, struct direction_env *env, struct trial *t)
{
	if (try_waiting(d, env, t))
		return true;
	while (d->searched_to < d->part.len && d->waiting_count < DIRECTION_WAITING && !is_beyond(d)) {
		size_t found = record_search(buffer_span(&d->part), d->searched_to);

		d->searched += (uint32_t)(found - d->searched_to);
		d->searched_to = found;
		if (found == d->part.len)
			break;
		d->searched_to++;
		switch (try_place(d, env, found, t)) {
		case PLACE_TAKEN:
			return true;
		case PLACE_WAITS:
			d->waiting[d->waiting_count++] = (uint32_t)found;
			break;
		case PLACE_FALSE:
			break;
		}
	}
	return false;
}

/** drop_searched() - what is no part of what waits */
static void drop_searched(struct direction *d)
{
	size_t n = d->waiting_count > 0 ? d->waiting[0] : d->searched_to, searched_to = d->searched_to - n;

	drop_front(d, n);
	d->searched_to = searched_to;
	for (uint8_t i = 0; i < d->waiting_count; i++)
		d->waiting[i] -= (uint32_t)n;
}

/** run_search() - a record was found and taken, and the direction is framed; or false: nothing, or nothing more */
static bool run_search(struct direction *d, struct direction_env *env, const struct direction_sink *sink, const struct chunk *piece)
{
	struct trial t = { 0 };

	if (find_again(d, env, &t)) {
		drop_front(d, (size_t)(t.wire - d->wire) + RECORD_HEADER_BYTES + t.record.payload.len);
		d->waiting_count = 0;
		d->state = DIRECTION_FRAMED;
		return take_opened(d, env, sink, piece, &t);
	}
	if (is_beyond(d))
		lose(d, env, sink);
	else
		drop_searched(d);
	return false;
}

/* ---- pieces ---- */

/** run_awaited() - the record that @part begins with ends in @piece, which is moved behind it; false: nothing more is wanted */
static bool run_awaited(struct direction *d, struct direction_env *env, const struct direction_sink *sink, struct chunk *piece)
{
	size_t last = d->awaited;
	struct span record;

	if (!add_awaited(d, env, span_of(piece->bytes.at, last))) {
		lose(d, env, sink);
		return false;
	}
	chunk_skip(piece, last);
	record = buffer_span(&d->part);
	d->part.len = 0; /* its bytes are there until it is read */
	if (!run_framed(d, env, sink, piece, &record))
		return false;
	keep_none(d, env);
	return true;
}

/** keep_start() - of the next record: all of @piece */
static void keep_start(struct direction *d, struct direction_env *env, const struct direction_sink *sink, const struct chunk *piece)
{
	if (piece->bytes.len > 0 && !(keep(d, env, piece->bytes) && await_rest(d)))
		lose(d, env, sink);
}

/** run_kept() - what was kept, with all of @piece; what is left of it is kept on */
static void run_kept(struct direction *d, struct direction_env *env, const struct direction_sink *sink, const struct chunk *piece)
{
	struct span bytes;

	if (!keep(d, env, piece->bytes)) {
		lose(d, env, sink);
		return;
	}
	while (is_framed(d) || run_search(d, env, sink, piece)) {
		bytes = buffer_span(&d->part);
		if (!run_framed(d, env, sink, piece, &bytes))
			return;
		d->part.len -= (size_t)(bytes.at - d->part.bytes);
		memmove(d->part.bytes, bytes.at, d->part.len);
		d->searched_to = d->waiting_count = 0;
		if (is_framed(d))
			break;
	}
	if (d->part.len == 0)
		keep_none(d, env);
	else if (is_framed(d) && !await_rest(d))
		lose(d, env, sink);
}

/** skip_lost() - what comes yet of a record that a gap has cut */
static void skip_lost(struct direction *d, struct chunk *piece)
{
	size_t n = d->skip < piece->bytes.len ? d->skip : piece->bytes.len;

	d->skip -= (uint32_t)n;
	d->wire += n;
	chunk_skip(piece, n);
}

/** run() - all that @piece completes */
static void run(struct direction *d, struct direction_env *env, const struct direction_sink *sink, struct chunk *piece)
{
	if (d->awaited > 0 && !run_awaited(d, env, sink, piece))
		return;
	if (d->skip > 0)
		skip_lost(d, piece);
	if (d->part.len == 0)
		d->wire = piece->offset;
	if (is_framed(d) && d->part.len == 0) {
		if (!run_framed(d, env, sink, piece, &piece->bytes))
			return;
		if (is_framed(d)) {
			keep_start(d, env, sink, piece);
			return;
		}
	}
	run_kept(d, env, sink, piece);
}

void direction_feed(struct direction *d, struct direction_env *env, const struct direction_sink *sink, const struct chunk *chunk)
{
	struct chunk piece;

	if (d->awaited > chunk->bytes.len) {
		if (!add_awaited(d, env, chunk->bytes))
			lose(d, env, sink);
		return;
	}
	if (!d->keys.suite || is_over(d))
		return;
	piece = *chunk;
	run(d, env, sink, &piece);
}
