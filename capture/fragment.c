/*
 * fragment.c - see fragment.h; RFC 791 3.2, RFC 8200 4.5
 *
 * Theory of operation. A pending datagram is a heap of bytes in the order in
 * which they came, and a sorted list of pieces that says where each run of them
 * belongs. A fragment fills only what no piece covers yet, so the byte seen
 * first wins and pieces never overlap; one that goes on where the last one
 * ended makes that piece longer, so fragments in order are one piece. When the
 * bytes held are as many as the end of the last fragment says, there is no gap.
 *
 * Fragments of datagrams that never become whole can be sent on purpose. What
 * they cost is bounded: memory grows with the bytes that came and not with the
 * offsets they claim, a fragment costs at most FRAGMENT_PIECES steps, and the
 * oldest datagram goes first when the table is full. The table hangs on SipHash
 * under a random key, so that collisions cannot be chosen. Datagrams are in a
 * list by the time of their first fragment; expiry looks at its head only, and
 * a clock that is set back by more than the time-out expires them as well.
 *
 * RFC 5722 asks the receiver to throw an IPv6 datagram away whose fragments
 * overlap. We are no receiver: some throw away, some don't, and a copy of the
 * same fragment from a second tap is an overlap too.
 */
#include "capture/fragment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define BUCKETS 1024
#define DATAGRAM_MAX 65535
#define TOTAL_UNKNOWN UINT32_MAX
#define PIECES_FIRST 4
#define HEAP_FIRST 2048

/* Hashed and compared as bytes: no padding. Of IPv6, fragments of one datagram may name different protocols. */
struct datagram_key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint32_t domain;
	uint32_t family, protocol;
};

_Static_assert(sizeof(struct datagram_key) == 48, "keys are hashed as bytes: no padding");

struct piece {
	uint16_t start, len; /* in the datagram */
	uint32_t at;         /* in the heap */
};

struct datagram {
	struct datagram_key key;
	struct datagram *chain;         /* of the bucket */
	struct datagram *newer, *older; /* by first fragment */
	struct wall first;
	size_t bucket;
	uint32_t total; /* bytes, once the last fragment came; else TOTAL_UNKNOWN */
	uint32_t held;  /* bytes in the heap */
	uint32_t heap_cap;
	uint16_t piece_count, piece_cap;
	uint8_t protocol; /* that the fragment at offset 0 names */
	uint8_t *heap;
	struct piece *pieces;
	struct frame_list frames; /* that brought something new */
};

struct fragments {
	struct hash_key hash_key;
	struct datagram *buckets[BUCKETS];
	struct datagram *newest, *oldest;
	size_t count, bytes;
	uint8_t whole[DATAGRAM_MAX];
};

struct fragments *fragments_new(void)
{
	struct fragments *t = calloc(1, sizeof(*t));

	if (t)
		t->hash_key = hash_key_random();
	return t;
}

size_t fragments_bytes(const struct fragments *t)
{
	return t->bytes;
}

size_t fragments_count(const struct fragments *t)
{
	return t->count;
}

static size_t datagram_bytes(const struct datagram *d)
{
	return sizeof(*d) + d->heap_cap + d->piece_cap * sizeof(struct piece) + d->frames.bytes;
}

static void list_append(struct fragments *t, struct datagram *d)
{
	d->newer = NULL;
	d->older = t->newest;
	if (t->newest)
		t->newest->newer = d;
	else
		t->oldest = d;
	t->newest = d;
}

static void list_unlink(struct fragments *t, struct datagram *d)
{
	if (d->newer)
		d->newer->older = d->older;
	else
		t->newest = d->older;
	if (d->older)
		d->older->newer = d->newer;
	else
		t->oldest = d->newer;
}

static void datagram_remove(struct fragments *t, struct datagram *d)
{
	struct datagram **link = &t->buckets[d->bucket];

	while (*link != d)
		link = &(*link)->chain;
	*link = d->chain;
	list_unlink(t, d);
	t->bytes -= datagram_bytes(d);
	t->count--;
	frame_list_deinit(&d->frames);
	free(d->heap);
	free(d->pieces);
	free(d);
}

void fragments_free(struct fragments *t)
{
	if (!t)
		return;
	while (t->oldest)
		datagram_remove(t, t->oldest);
	free(t);
}

static void expire(struct fragments *t, struct wall now)
{
	/* Times are compared without a difference, which may not fit. */
	while (t->oldest && (now.ns / 2 - t->oldest->first.ns / 2 > FRAGMENT_TIMEOUT_NS / 2 ||
			     t->oldest->first.ns / 2 - now.ns / 2 > FRAGMENT_TIMEOUT_NS / 2))
		datagram_remove(t, t->oldest);
}

static struct datagram_key key_of(const struct fragment_origin *origin, const struct ip_payload *payload)
{
	struct datagram_key key = { .id = payload->id,
				    .domain = origin->domain,
				    .family = origin->src->family };

	memcpy(key.src, origin->src->addr, sizeof(key.src));
	memcpy(key.dst, origin->dst->addr, sizeof(key.dst));
	if (origin->src->family == 4)
		key.protocol = payload->protocol;
	return key;
}

/* The datagram of this key, a new one if there is none yet; NULL when out of memory. */
static struct datagram *datagram_of(struct fragments *t, const struct datagram_key *key, struct wall ts)
{
	size_t bucket = hash_bytes(&t->hash_key, key, sizeof(*key)) % BUCKETS;
	struct datagram *d = t->buckets[bucket];

	while (d && memcmp(&d->key, key, sizeof(*key)) != 0)
		d = d->chain;
	if (d)
		return d;
	if (t->count == FRAGMENT_DATAGRAMS)
		datagram_remove(t, t->oldest);
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->key = *key;
	d->first = ts;
	d->bucket = bucket;
	d->total = TOTAL_UNKNOWN;
	d->chain = t->buckets[bucket];
	t->buckets[bucket] = d;
	list_append(t, d);
	t->bytes += datagram_bytes(d);
	t->count++;
	return d;
}

static size_t piece_end(const struct piece *p)
{
	return (size_t)p->start + p->len;
}

static bool reserve_piece(struct datagram *d)
{
	struct piece *pieces;
	size_t cap = d->piece_cap ? d->piece_cap * (size_t)2 : PIECES_FIRST;

	if (d->piece_count < d->piece_cap)
		return true;
	if (d->piece_count == FRAGMENT_PIECES)
		return false;
	pieces = realloc(d->pieces, cap * sizeof(*pieces));
	if (!pieces)
		return false;
	d->pieces = pieces;
	d->piece_cap = (uint16_t)cap;
	return true;
}

static bool add_to_heap(struct datagram *d, struct span bytes)
{
	size_t cap = d->heap_cap ? d->heap_cap : HEAP_FIRST;
	uint8_t *heap;

	while (cap < d->held + bytes.len)
		cap *= 2;
	if (cap != d->heap_cap) {
		heap = realloc(d->heap, cap);
		if (!heap)
			return false;
		d->heap = heap;
		d->heap_cap = (uint32_t)cap;
	}
	memcpy(d->heap + d->held, bytes.at, bytes.len);
	d->held += (uint32_t)bytes.len;
	return true;
}

/* Nothing covers these bytes yet; they belong in front of piece number @index, which may grow the one before. */
static bool add_piece(struct datagram *d, size_t *index, size_t start, struct span bytes)
{
	struct piece *before = *index > 0 ? &d->pieces[*index - 1] : NULL;
	uint32_t at = d->held;

	if (before && piece_end(before) == start && before->at + before->len == at) {
		if (!add_to_heap(d, bytes))
			return false;
		before->len = (uint16_t)(before->len + bytes.len);
		return true;
	}
	if (!reserve_piece(d) || !add_to_heap(d, bytes))
		return false;
	memmove(&d->pieces[*index + 1], &d->pieces[*index], (d->piece_count - *index) * sizeof(*d->pieces));
	d->pieces[*index] = (struct piece){ (uint16_t)start, (uint16_t)bytes.len, at };
	d->piece_count++;
	++*index;
	return true;
}

/* Fill what is not covered yet of @start to @start + bytes.len; false when a bound is reached. */
static bool fill(struct datagram *d, size_t start, struct span bytes)
{
	size_t index = d->piece_count;

	while (index > 0 && piece_end(&d->pieces[index - 1]) > start)
		index--;
	while (bytes.len > 0) {
		size_t next = index < d->piece_count ? d->pieces[index].start : SIZE_MAX;
		struct span run = { 0 };
		size_t len = bytes.len;

		if (start < next) { /* a gap, up to the next piece */
			if (len > next - start)
				len = next - start;
			span_take(&bytes, len, &run);
			if (!add_piece(d, &index, start, run))
				return false;
		} else { /* covered */
			if (len > piece_end(&d->pieces[index]) - start)
				len = piece_end(&d->pieces[index]) - start;
			span_skip(&bytes, len);
			index++;
		}
		start += len;
	}
	return true;
}

/* Does this fragment agree with where the datagram ends? Then its end may be known now. */
static bool agree_on_total(struct datagram *d, const struct ip_payload *payload, size_t len)
{
	size_t end = payload->offset + len;
	size_t known = d->piece_count ? piece_end(&d->pieces[d->piece_count - 1]) : 0;

	if (d->total != TOTAL_UNKNOWN)
		return payload->more_follow ? end <= d->total : end == d->total;
	if (payload->more_follow)
		return true;
	if (known > end)
		return false;
	d->total = (uint32_t)end;
	return true;
}

/* What a fragment alone can get wrong: pieces but the last are multiples of 8 bytes, and 65535 is the most. */
static bool is_possible(const struct ip_payload *payload, size_t len)
{
	return len > 0 && payload->offset + len <= DATAGRAM_MAX && (!payload->more_follow || len % 8 == 0);
}

static void take_whole(struct fragments *t, struct datagram *d, struct frame_list *earlier,
		       struct ip_payload *payload, struct layer *l)
{
	for (size_t i = 0; i < d->piece_count; i++) {
		const struct piece *p = &d->pieces[i];

		memcpy(t->whole + p->start, d->heap + p->at, p->len);
	}
	payload->protocol = d->protocol;
	payload->is_fragment = false;
	*l = (struct layer){ .bytes = span_of(t->whole, d->total), .claimed = d->total };
	t->bytes -= d->frames.bytes;
	frame_list_join(&d->frames, earlier);
	*earlier = d->frames;
	d->frames = (struct frame_list){ 0 };
	datagram_remove(t, d);
}

/* The packets behind this fragment wait with it. A copy that fails is one packet less to write later, no more. */
static void keep_frames(struct datagram *d, const struct fragment_origin *origin)
{
	frame_list_join(&d->frames, origin->earlier);
	if (origin->packet)
		frame_list_add(&d->frames, origin->packet);
}

enum packet_result fragments_add(struct fragments *t, const struct fragment_origin *origin,
				 struct ip_payload *payload, struct layer *l)
{
	struct datagram_key key = key_of(origin, payload);
	struct datagram *d;
	uint32_t held, total;
	bool filled;

	expire(t, origin->ts);
	if (!is_possible(payload, l->claimed))
		return PACKET_MALFORMED_IP;
	if (l->bytes.len < l->claimed)
		return PACKET_MALFORMED_TRUNCATED;
	d = datagram_of(t, &key, origin->ts);
	if (!d)
		return PACKET_IGNORED_FRAGMENT;
	held = d->held;
	total = d->total;
	if (!agree_on_total(d, payload, l->claimed))
		return PACKET_MALFORMED_IP;
	t->bytes -= datagram_bytes(d);
	if (payload->offset == 0 && (d->piece_count == 0 || d->pieces[0].start > 0))
		d->protocol = payload->protocol;
	filled = fill(d, payload->offset, l->bytes);
	if (filled && d->held != d->total && (d->held != held || d->total != total))
		keep_frames(d, origin);
	t->bytes += datagram_bytes(d);
	if (!filled) {
		datagram_remove(t, d); /* too many pieces, or no memory: it will not become whole */
		return PACKET_IGNORED_FRAGMENT;
	}
	if (d->held == d->total) {
		take_whole(t, d, origin->earlier, payload, l);
		return PACKET_DECODED;
	}
	while (t->bytes > FRAGMENT_MEMORY)
		datagram_remove(t, t->oldest);
	return PACKET_IGNORED_FRAGMENT;
}
