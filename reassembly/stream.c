/*
 * stream.c - the bytes of one direction of a connection, put in order
 *
 * Theory of operation. Payload that is next in order is handed to the reader
 * where it lies, in the packet. Only a segment that leaves a hole before it is
 * copied and held, in a treap ordered by sequence number whose nodes never
 * overlap:
 *
 *      read        hole      held      hole      held
 *   ............|         |########|         |########|
 *               next
 *
 * Bytes that arrive twice are cut off before anything is kept, so the copy seen
 * first wins, as it does in the receivers that do not let an attacker rewrite
 * what an observer has read. A treap keeps every insertion O(log n) whatever
 * the order of arrival; a sorted list would let a sender of tiny segments make
 * each one cost as much as all before it.
 *
 * When is a hole lost? A capture gives no second chance, but segments may come
 * in any order, and those of the two directions need not be in order with each
 * other. So one sign is not enough. The hole is given up when
 *  - the peer has acknowledged past it, and then the sender sends more that is
 *    not acknowledged yet. What was acknowledged has reached the peer, and the
 *    new data shows that the capture has gone on since. If the newer data is
 *    acknowledged as well, the peer's packets may just have been captured ahead
 *    of the sender's, so then it takes HOLE_SIGNS segments;
 *  - only the sender's direction is captured, and its ack has moved twice
 *    beyond the hole: it got answers to what it sent after the hole;
 *  - more than hold_bytes wait, or the budget refuses to hold more;
 *  - the stream is closed (FIN acknowledged, RST, idle, end of the capture).
 * There are no timers.
 *
 * A segment cut by the snaplen is a hole that is known from the start: its end
 * is kept in cut_until and whatever is not held before it is a gap at once.
 *
 * Segments too far from what was seen and acknowledged are strays and ignored:
 * garbage must not make the real data look old. STRAYS_TO_JUMP strays that
 * continue each other are a stream that went on without us, and it is followed.
 */
#include "reassembly/stream.h"

#include <stdlib.h>
#include <string.h>

#include "reassembly/sequence.h"

#define HOLE_SIGNS 8
#define HOLE_SIGNS_ONE_WAY 2
#define STRAYS_TO_JUMP 3
/* Twice the largest window that systems grant by themselves (32 MiB), since data may be lost up to there. */
#define AHEAD_MAX (64 << 20)
/* Without the peer's acks a long loss looks the same as a stray: allow what a window may be (RFC 7323, 2.3). */
#define AHEAD_MAX_ONE_WAY (1 << 30)
#define BEHIND_MAX (1 << 30)
/* A SYN that comes late comes very soon after; and all streams together hold no more than this for that reason.
 */
#define EARLY_SEGMENTS 4
#define EARLY_BYTES_MAX (1 << 20)
/* Per held segment: the node, and what malloc adds. Charged to the budget, so tiny segments are not free. */
#define HELD_OVERHEAD (sizeof(struct held) + 16)

struct held {
	struct held *left, *right;
	uint32_t priority;
	uint32_t seq, len, missing;
	uint32_t ack;
	bool has_ack;
	struct wall ts;
	uint8_t bytes[];
};

/** piece_skip() - drop the first @n bytes, or all */
static void piece_skip(struct stream_piece *piece, size_t n)
{
	if (n > piece->bytes.len)
		n = piece->bytes.len;
	span_skip(&piece->bytes, n);
	piece->seq += (uint32_t)n;
}

static uint32_t held_end(const struct held *h)
{
	return h->seq + h->len;
}

/** mix() - spreads the bits of a sequence number: treap priorities only need to be unrelated to the order */
static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352dU;
	x ^= x >> 15;
	x *= 0x846ca68bU;
	return x ^ x >> 16;
}

/** split() - the nodes of @root before @seq to @low, the others to @high */
static void split(struct held *root, uint32_t seq, struct held **low, struct held **high)
{
	while (root) {
		if (seq_before(root->seq, seq)) {
			*low = root;
			low = &root->right;
			root = root->right;
		} else {
			*high = root;
			high = &root->left;
			root = root->left;
		}
	}
	*low = *high = NULL;
}

static void tree_insert(struct held **root, struct held *node)
{
	while (*root && (*root)->priority >= node->priority)
		root = seq_before(node->seq, (*root)->seq) ? &(*root)->left : &(*root)->right;
	split(*root, node->seq, &node->left, &node->right);
	*root = node;
}

/** tree_at_or_before() - the last node that begins at @seq or before it, or NULL */
static struct held *tree_at_or_before(struct held *root, uint32_t seq)
{
	struct held *best = NULL;

	while (root) {
		if (seq_before(seq, root->seq)) {
			root = root->left;
		} else {
			best = root;
			root = root->right;
		}
	}
	return best;
}

/** tree_after() - the first node that begins after @seq, or NULL */
static struct held *tree_after(struct held *root, uint32_t seq)
{
	struct held *best = NULL;

	while (root) {
		if (seq_before(seq, root->seq)) {
			best = root;
			root = root->left;
		} else {
			root = root->right;
		}
	}
	return best;
}

static struct held *tree_first(struct held *root)
{
	while (root && root->left)
		root = root->left;
	return root;
}

static struct held *tree_pop_first(struct held **root)
{
	struct held *first;

	while ((*root)->left)
		root = &(*root)->left;
	first = *root;
	*root = first->right;
	return first;
}

static void held_free(struct stream *st, const struct stream_env *env, struct held *h)
{
	st->held_bytes -= h->len;
	st->held_count--;
	counter_sub(&env->stats->held_bytes, h->len);
	budget_release(env->budget, HELD_OVERHEAD + h->len);
	free(h);
}

void stream_drop(struct stream *st, const struct stream_env *env)
{
	while (st->held)
		held_free(st, env, tree_pop_first(&st->held));
}

void stream_begin(struct stream *st, uint32_t seq)
{
	st->next = st->base = seq;
	st->synced = true;
}

/** hold_one() - keep a copy of @piece, which overlaps nothing that is held; false if there is no memory for it
 */
static bool hold_one(struct stream *st, const struct stream_env *env, const struct stream_piece *piece,
		     uint32_t missing)
{
	size_t len = piece->bytes.len;
	struct held *h;

	if (!budget_charge(env->budget, HELD_OVERHEAD + len))
		return false;
	h = malloc(sizeof(*h) + len);
	if (!h) {
		budget_release(env->budget, HELD_OVERHEAD + len);
		return false;
	}
	*h = (struct held){ .priority = mix(piece->seq ^ (uint32_t)(uintptr_t)st),
			    .seq = piece->seq,
			    .len = (uint32_t)len,
			    .missing = missing,
			    .ack = piece->ack,
			    .has_ack = piece->has_ack,
			    .ts = piece->ts };
	if (len > 0)
		memcpy(h->bytes, piece->bytes.at, len);
	tree_insert(&st->held, h);
	st->held_bytes += (uint32_t)len;
	st->held_count++;
	counter_add(&env->stats->held_bytes, len);
	return true;
}

/** skip_known() - drop up to @n bytes of @piece that were seen before */
static void skip_known(struct stream_piece *piece, const struct stream_env *env, size_t n)
{
	size_t before = piece->bytes.len;

	piece_skip(piece, n);
	counter_add(&env->stats->retransmitted_bytes, before - piece->bytes.len);
}

/** hold() - keep those parts of @piece that are not held yet */
static bool hold(struct stream *st, const struct stream_env *env, struct stream_piece piece, uint32_t missing)
{
	uint32_t end = piece.seq + (uint32_t)piece.bytes.len;
	const struct held *before = tree_at_or_before(st->held, piece.seq);

	/* The snaplen's hole lies after the whole segment, also when its bytes are held already. */
	if (before && seq_before(piece.seq, held_end(before)))
		skip_known(&piece, env, (size_t)seq_distance(piece.seq, held_end(before)));
	while (piece.bytes.len > 0) {
		const struct held *after = tree_after(st->held, piece.seq - 1);
		struct stream_piece part = piece;
		bool last = !after || !seq_before(after->seq, end);

		if (!last)
			span_truncate(&part.bytes, (size_t)seq_distance(piece.seq, after->seq));
		if (part.bytes.len > 0 && !hold_one(st, env, &part, last ? missing : 0))
			return false;
		piece_skip(&piece, part.bytes.len);
		if (!last)
			skip_known(&piece, env, after->len);
	}
	return true;
}

/** deliver() - hand @piece on, which begins at st->next; false if the reader wants no more */
static bool deliver(struct stream *st, const struct stream_env *env, void *ctx,
		    const struct stream_piece *piece)
{
	st->next += (uint32_t)piece->bytes.len;
	if (seq_distance(st->acked, st->next) > BEHIND_MAX)
		st->ack_known = false; /* so old that it would soon seem to lie ahead */
	return env->reader.on_bytes(ctx, piece);
}

static bool give_up(struct stream *st, const struct stream_env *env, void *ctx, uint32_t until,
		    enum lost_reason why)
{
	uint32_t bytes = (uint32_t)seq_distance(st->next, until);

	st->next = until;
	st->hole_signs = 0;
	counter_add(&env->stats->gaps, 1);
	counter_add(&env->stats->gap_bytes, bytes);
	return env->reader.on_gap(ctx, bytes, why);
}

/** expect_cut() - bytes before @until that are not here were cut by the snaplen */
static void expect_cut(struct stream *st, uint32_t until)
{
	st->cut_until = st->cut_known ? seq_later(st->cut_until, until) : until;
	st->cut_known = true;
}

static bool deliver_held(struct stream *st, const struct stream_env *env, void *ctx, struct held *h)
{
	struct stream_piece piece = { span_of(h->bytes, h->len), h->ts, h->seq, h->ack, h->has_ack };

	if (h->missing)
		expect_cut(st, held_end(h) + h->missing);
	piece_skip(&piece, (size_t)seq_distance(h->seq, st->next));
	return piece.bytes.len == 0 || deliver(st, env, ctx, &piece);
}

/** drain() - hand on what is in order now; false if the reader wants no more */
static bool drain(struct stream *st, const struct stream_env *env, void *ctx)
{
	for (;;) {
		struct held *first = tree_first(st->held);
		bool more;

		if (first && !seq_before(st->next, first->seq)) {
			first = tree_pop_first(&st->held);
			more = deliver_held(st, env, ctx, first);
			held_free(st, env, first);
		} else if (st->cut_known && seq_before(st->next, st->cut_until)) {
			uint32_t until =
				first && seq_before(first->seq, st->cut_until) ? first->seq : st->cut_until;

			more = give_up(st, env, ctx, until, LOST_TRUNCATED);
		} else {
			st->cut_known = false;
			if (!first)
				st->hole_signs = 0;
			return true;
		}
		if (!more)
			return false;
	}
}

static bool skip_first_hole(struct stream *st, const struct stream_env *env, void *ctx)
{
	return give_up(st, env, ctx, tree_first(st->held)->seq, LOST_GAP) && drain(st, env, ctx);
}

static void close_held(struct stream *st, const struct stream_env *env, void *ctx)
{
	while (st->held)
		if (!skip_first_hole(st, env, ctx))
			stream_drop(st, env);
}

void stream_close_holes(struct stream *st, const struct stream_env *env, void *ctx)
{
	if (!st->synced)
		return;
	close_held(st, env, ctx);
	if (st->fin_known && seq_before(st->next, st->fin_seq))
		give_up(st, env, ctx, st->fin_seq, LOST_GAP);
}

/** hole_is_lost() - judge the open hole when a segment that ends at @end has come beyond it (see the top) */
static bool hole_is_lost(struct stream *st, uint32_t end, const struct stream_piece *piece)
{
	if (st->ack_known) {
		if (!seq_before(st->next, st->acked))
			return false;
		return seq_before(st->acked, end) || ++st->hole_signs >= HOLE_SIGNS;
	}
	if (!piece->has_ack)
		return false;
	if (st->held_count <= 1 && st->hole_signs == 0) {
		st->hole_ack = piece->ack;
		return false;
	}
	if (!seq_before(st->hole_ack, piece->ack))
		return false;
	st->hole_ack = piece->ack;
	return ++st->hole_signs >= HOLE_SIGNS_ONE_WAY;
}

/** feed_beyond_hole() - @piece begins after st->next */
static bool feed_beyond_hole(struct stream *st, const struct stream_env *env, void *ctx,
			     struct stream_piece piece, uint32_t missing)
{
	uint32_t seq = piece.seq, end = seq + (uint32_t)piece.bytes.len + missing;

	if (!hold(st, env, piece, missing)) {
		/* No memory to wait with: what is here is handed on now, the holes are lost. */
		while (st->held && seq_before(tree_first(st->held)->seq, seq))
			if (!skip_first_hole(st, env, ctx))
				return false;
		if (seq_before(st->next, seq) && !give_up(st, env, ctx, seq, LOST_GAP))
			return false;
		if ((size_t)seq_distance(seq, st->next) > piece.bytes.len)
			return drain(st, env, ctx);
		piece_skip(&piece, (size_t)seq_distance(seq, st->next));
		if (missing)
			expect_cut(st, end);
		return (piece.bytes.len == 0 || deliver(st, env, ctx, &piece)) && drain(st, env, ctx);
	}
	if (!st->held)
		return true; /* all of it was cut by the snaplen: nothing to hold, the hole just became longer
			      */
	if (hole_is_lost(st, end, &piece)) {
		uint32_t until = tree_first(st->held)->seq;

		if (st->ack_known && seq_before(st->acked, until))
			until = st->acked; /* the rest of the hole may still be on its way */
		if (!give_up(st, env, ctx, until, LOST_GAP) || !drain(st, env, ctx))
			return false;
	}
	while (st->held_bytes > env->hold_bytes || st->held_count > 64 + env->hold_bytes / 16)
		if (!skip_first_hole(st, env, ctx))
			return false;
	return true;
}

/** feed_in_order() - @piece begins at st->next; held bytes inside it were seen first and take its place */
static bool feed_in_order(struct stream *st, const struct stream_env *env, void *ctx, struct stream_piece piece,
			  uint32_t missing)
{
	uint32_t end = piece.seq + (uint32_t)piece.bytes.len;

	while (seq_before(st->next, end)) {
		const struct held *first = tree_first(st->held);
		struct stream_piece part = piece;

		if (first && seq_before(first->seq, end))
			span_truncate(&part.bytes, (size_t)seq_distance(piece.seq, first->seq));
		if (part.bytes.len > 0 && !deliver(st, env, ctx, &part))
			return false;
		if (!drain(st, env, ctx))
			return false;
		piece_skip(&piece, part.bytes.len);
		skip_known(&piece, env, (size_t)seq_distance(piece.seq, st->next)); /* that was held: it came first */
	}
	if (missing)
		expect_cut(st, end + missing);
	return drain(st, env, ctx);
}

void stream_keep_early(struct stream *st, const struct stream_env *env, const struct stream_piece *piece,
		       uint32_t missing)
{
	bool near = !st->held || (uint32_t)(piece->seq - st->held->seq + EARLY_BYTES_MAX) < 2 * EARLY_BYTES_MAX;

	if (st->early_over)
		return;
	if (st->held_count < EARLY_SEGMENTS && near && counter_get(&env->stats->held_bytes) < EARLY_BYTES_MAX &&
	    hold(st, env, *piece, missing))
		return;
	st->early_over = true;
	stream_drop(st, env);
}

void stream_early_from(struct stream *st, const struct stream_env *env, uint32_t seq)
{
	const struct held *first = tree_first(st->held);

	if (first && first->seq - seq >= EARLY_BYTES_MAX)
		stream_drop(st, env);
	stream_begin(st, seq);
}

/** is_stray() - too far from all that was seen? Three strays in a row that continue each other move the stream.
 */
static bool is_stray(struct stream *st, const struct stream_env *env, void *ctx, uint32_t seq, uint32_t len)
{
	if (stream_near(st, seq)) {
		st->strays = 0;
		return false;
	}
	st->strays = (uint8_t)(st->strays && seq == st->stray_next ? st->strays + 1 : 1);
	st->stray_next = seq + len;
	if (st->strays < STRAYS_TO_JUMP)
		return true;
	close_held(st, env, ctx);
	st->strays = 0;
	st->ack_known = st->fin_known = false;
	st->cut_known = false;
	st->next = seq;
	counter_add(&env->stats->gaps, 1); /* of unknown length */
	return !env->reader.on_gap(ctx, UINT32_MAX, LOST_GAP);
}

/** feed_near() - @piece may begin anywhere near, some of it may be missing, and others may wait */
static bool feed_near(struct stream *st, const struct stream_env *env, void *ctx, struct stream_piece piece,
		      uint32_t missing)
{
	if (seq_before(piece.seq, st->next)) { /* seen before, in part or whole */
		uint32_t old = st->next - piece.seq, len = (uint32_t)piece.bytes.len;

		skip_known(&piece, env, old);
		old -= old < len ? old : len;
		missing -= old < missing ? old : missing;
		if (piece.bytes.len == 0 && missing == 0)
			return true;
		piece.seq = st->next;
	}
	if (st->fin_known && seq_before(st->fin_seq, piece.seq + (uint32_t)piece.bytes.len))
		st->fin_known = false; /* data after the "end": that FIN was not real */
	if (piece.seq != st->next)
		return feed_beyond_hole(st, env, ctx, piece, missing);
	if (st->held || missing)
		return feed_in_order(st, env, ctx, piece, missing);
	deliver(st, env, ctx, &piece);
	return true;
}

/** feed_any() - stream_feed() for the rest; kept apart, so that the usual case needs no stack */
static __attribute__((noinline)) void feed_any(struct stream *st, const struct stream_env *env, void *ctx,
					       const struct stream_piece *piece, uint32_t missing)
{
	uint32_t len = (uint32_t)piece->bytes.len + missing;

	if (len > 0 && !is_stray(st, env, ctx, piece->seq, len) && !feed_near(st, env, ctx, *piece, missing))
		stream_drop(st, env);
}

void stream_feed(struct stream *st, const struct stream_env *env, void *ctx, const struct stream_piece *piece,
		 uint32_t missing)
{
	bool usual = piece->seq == st->next && piece->bytes.len > 0 && !missing && !st->held && !st->fin_known;

	if (!usual) {
		feed_any(st, env, ctx, piece, missing);
		return;
	}
	st->strays = 0;
	deliver(st, env, ctx, piece);
}

bool stream_near(const struct stream *st, uint32_t seq)
{
	uint32_t front = st->ack_known ? seq_later(st->next, st->acked) : st->next;

	if (seq_before(st->next, seq))
		return seq_distance(front, seq) <= (st->ack_known ? AHEAD_MAX : AHEAD_MAX_ONE_WAY);
	return st->next - seq <= BEHIND_MAX;
}

void stream_ack(struct stream *st, uint32_t ack)
{
	int32_t ahead = seq_distance(st->next, ack);

	if (!st->synced || ahead > AHEAD_MAX || ahead < -BEHIND_MAX)
		return;
	if (!st->ack_known || seq_before(st->acked, ack))
		st->acked = ack;
	st->ack_known = true;
}

void stream_fin(struct stream *st, uint32_t seq)
{
	if (st->fin_known || seq_before(seq, st->next) || !stream_near(st, seq))
		return;
	st->fin_seq = seq;
	st->fin_known = true;
}

bool stream_ended(const struct stream *st)
{
	return st->fin_known && !seq_before(st->next, st->fin_seq);
}

bool stream_fin_acked(const struct stream *st)
{
	return st->fin_known && st->ack_known && seq_before(st->fin_seq, st->acked);
}
