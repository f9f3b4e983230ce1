/*
 * duplicates.c - one connection that is seen in several domains
 *
 * Theory of operation. A tap often sees a segment more than once, and not always
 * with the same tags: on a trunk and on the VLAN's own interface, on both sides
 * of a router, plain and inside a tunnel. The two directions may also differ for
 * good, where each goes its own way. But two connections may share a 4-tuple in
 * two domains and be strangers, since each tenant has a 10.0.0.1.
 *
 * What tells copies from strangers are the sequence numbers, which TCP chooses
 * at random (RFC 9293, 3.4.1). So when the first segment of a 4-tuple comes in a
 * domain, it is compared with the flows of that 4-tuple in other domains:
 *
 *   a SYN       has the ISN of that flow; or it is the SYN+ACK that acknowledges
 *               that flow's SYN (directions with tags of their own)
 *   another     has both numbers, seq and ack, within NEAR of where that flow is:
 *               by chance one pair in 2^22. If only one number of the flow is
 *               known, the segment must have just that one
 *
 * If it fits, the domain becomes an alias of the flow, and from then on stream.c
 * sees copies as what they are to it: bytes that it has, or, where the first copy
 * was lost, has not. What has to be seen once is seen if either copy was.
 *
 * Numbers that were not chosen at random can deceive: traffic that was made by
 * hand, one recording sent into two domains with other contents. So the
 * first data of a direction is remembered by its place, length and a hash; if
 * the other domain brings the same place and length with other bytes, the two
 * part again, and each is followed by itself. This costs nothing per segment.
 *
 * If several fit, it is the one that began last. A flow keeps its aliases for its incarnation and those of the
 * same ends after it. Two flows that already run are never joined.
 */
#include "reassembly/duplicates.h"

#include <string.h>

#include "reassembly/sequence.h"

/* Bytes of a first segment that are hashed. The parser reads the head of it anyway; each line of its end is
 * read only here, and so a wait for memory. */
#define HASHED_FIRST 256
#define HASHED_LAST 64
#define NEAR (1 << 20) /* what may be under way between two taps */

/** mix() - one more word: no two give one result, the odd factor spreads its bits upward, the rotation downward */
static inline uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h << 32 | h >> 32;
}

/** hash_part() - into two sums, neither of which waits for the other */
static inline void hash_part(uint64_t h[2], struct span bytes)
{
	uint64_t word[2];
	struct span piece;

	while (span_take(&bytes, sizeof(word), &piece)) {
		memcpy(word, piece.at, sizeof(word));
		h[0] = mix(h[0], word[0]);
		h[1] = mix(h[1], word[1]);
	}
	if (bytes.len == 0)
		return;
	memset(word, 0, sizeof(word));
	memcpy(word, bytes.at, bytes.len);
	h[0] = mix(h[0], word[0]);
	h[1] = mix(h[1], word[1]);
}

/**
 * hash_of() - of the bytes that tell two first segments of one length apart: the head, and the end of the body
 *
 * Without a key: a collision costs its sender his own request, and no other.
 * Each connection pays for it, so it is a few instructions for a word.
 */
static uint32_t hash_of(struct span bytes)
{
	uint64_t h[2] = { 0, 0 }, both;
	struct span last = bytes;

	if (bytes.len > HASHED_FIRST + HASHED_LAST) {
		span_truncate(&bytes, HASHED_FIRST);
		span_skip(&last, last.len - HASHED_LAST);
		hash_part(h, last);
	}
	hash_part(h, bytes);
	both = mix(mix(0, h[0]), h[1]);
	return (uint32_t)(both >> 32 ^ both);
}

static uint32_t data_seq(const struct segment *s)
{
	return s->seq + ((s->flags & TCP_SYN) ? 1 : 0);
}

void duplicates_note_first(struct flow *f, unsigned dir, const struct segment *s)
{
	f->first[dir] =
		(struct first_data){ data_seq(s), (uint32_t)s->payload.len, hash_of(s->payload), s->domain };
}

bool duplicates_differ(const struct flow *f, unsigned dir, const struct segment *s)
{
	const struct first_data *first = &f->first[dir];

	return first->len > 0 && first->domain != s->domain && first->len == s->payload.len &&
	       first->seq == data_seq(s) && first->hash != hash_of(s->payload);
}

void duplicates_split(struct flow *f, unsigned dir, const struct segment *s)
{
	flow_drop_alias(f, s->domain);
	if (f->key.domain != s->domain)
		return;
	f->key.domain = f->first[dir].domain;
	flow_drop_alias(f, f->key.domain);
}

static bool is_near(uint32_t at, uint32_t number)
{
	return number - at + NEAR <= 2 * (uint32_t)NEAR;
}

static bool syn_is_of(const struct flow *f, unsigned dir, const struct segment *s)
{
	uint32_t base;

	if (f->has_isn[dir])
		return f->isn[dir] == s->seq;
	if (!(s->flags & TCP_ACK)) /* the SYN+ACK was first and said where this stream begins */
		return flow_began_at(f, dir, &base) && base == s->seq + 1;
	/* With TCP Fast Open it may acknowledge the data in the SYN as well (RFC 7413, 3.1). */
	return f->has_isn[!dir] && (s->ack == f->isn[!dir] + 1 || (f->at_known[!dir] && s->ack == f->at[!dir]));
}

static bool is_of(const struct flow *f, unsigned dir, const struct segment *s)
{
	if (s->flags & TCP_SYN)
		return syn_is_of(f, dir, s);
	if (!(s->flags & TCP_ACK))
		return false;
	if (f->at_known[dir] && f->at_known[!dir])
		return is_near(f->at[dir], s->seq) && is_near(f->at[!dir], s->ack);
	if (f->at_known[dir])
		return s->seq == f->at[dir];
	return f->at_known[!dir] && s->ack == f->at[!dir];
}

struct flow *duplicates_find(const struct flow_table *t, const struct flow_ends *ends, unsigned dir,
			     const struct segment *s)
{
	struct flow_walk walk = { 0 };
	struct flow *f, *found = NULL;

	if (s->flags & TCP_RST) /* its numbers may be anything */
		return NULL;
	while ((f = flow_same_ends(t, ends, &walk)))
		if (is_of(f, dir, s) && !duplicates_differ(f, dir, s) && (!found || f->number > found->number))
			found = f;
	return found;
}
