/*
 * stream.c - the bytes of one direction of a connection, put in order
 *
 * Theory of operation. Payload that is next in order is handed to the reader
 * where it lies, in the packet. Only a segment that leaves a gap before it is
 * copied and held, in a treap ordered by sequence number whose nodes never
 * overlap:
 *
 *      read        gap      held      gap      held
 *   ............|         |########|         |########|
 *               next
 *
 * Bytes that arrive twice are cut off before anything is kept, so the copy seen
 * first wins, as it does in the receivers that do not let an attacker rewrite
 * what an observer has read. A treap keeps every insertion O(log n) whatever
 * the order of arrival; a sorted list would let a sender of tiny segments make
 * each one cost as much as all before it.
 *
 * When is a gap lost? A capture gives no second chance, but packets may come in
 * any order. The two directions pass two ports of a tap, two cards or two queues,
 * and a mirror may spread the packets of one direction over several links. So
 * that the peer acknowledged past a gap means that the service has the bytes,
 * and that no sender will repeat them; it does not mean that the capture will not
 * see them. From then on the gap is overdue, and it is given up when
 *  - PATIENCE_PACKETS packets of the connection have passed, of whichever
 *    direction, and PATIENCE_NS of capture time. Both, since what is late by places
 *    may be late by any time where little is sent, and what is late by time by any
 *    number of places where much is sent;
 *  - or PATIENCE_MAX_NS, however few packets came.
 *
 * How long is that? Between two ports of one card the skew is what its buffers and
 * interrupt moderation make: some tenths of a millisecond. Two cards, or queues on
 * two NUMA nodes, are emptied by two processors, of which one may be kept away for
 * a scheduler tick or two: milliseconds. PATIENCE_NS is that. Skew between the two
 * directions alone opens no gap in either; packets of one have to pass two ways.
 * Links that a mirror is spread over put packets a few places from where they were;
 * 24 is twice the dozen that was seen, since the other direction's packets count as
 * well. And it is little enough: where packets are many, a true loss delays what is
 * behind it by PATIENCE_NS, where they are few, by half a dozen exchanges or
 * PATIENCE_MAX_NS. More would cost: while a gap waits, responses go by whose requests
 * are behind it, and plausible.c and pairs.c remember only so many. What waits is
 * bounded by hold_bytes throughout. With one patience all gaps go that were
 * acknowledged when it began, so a burst of losses costs no more than one.
 *
 * Where only the sender's direction is captured, a gap is overdue when the sender's
 * ack has moved twice beyond it, for then the sender got answers to what it sent
 * behind the gap; and after PATIENCE_ONE_WAY_NS in any case, by when TCP would have
 * sent again what was really lost.
 *
 * A gap is lost at once when more than hold_bytes wait, or the budget refuses to
 * hold more, or the stream is closed (RST, idle, end of the capture). Bytes before a
 * FIN that was acknowledged are like others that were.
 *
 * There are no timers: the owner of the stream looks at it (stream_look()) with each
 * packet of the connection while something waits, and when STREAM_LOOK_NS of capture
 * time have passed. Bytes in order cost nothing of this.
 *
 * A segment cut by the snaplen is a gap that is known from the start: its end
 * is kept in cut_until and whatever is not held before it is a gap at once.
 *
 * Urgent data (RFC 9293, 3.8.5; RFC 6093). Linux, like nearly all systems, takes the
 * one byte that the urgent pointer means out of the stream (without SO_OOBINLINE,
 * which no HTTP server sets), so the service never reads it, and nor does our reader.
 * That is exact while the pointer comes ahead of its byte and there is one. A second
 * one takes the place of the first, which then stays in the stream if the service has
 * not read so far. No packet shows that, so what is pending is lost, and once more
 * where the second lies.
 *
 * Segments too far from what was seen and acknowledged are strays and ignored:
 * garbage must not make the real data look old. STRAYS_TO_JUMP strays that
 * continue each other are a stream that went on without us, and it is followed.
 */
#include "reassembly/stream.h"

#include <stdlib.h>
#include <string.h>

#include "reassembly/sequence.h"

#define PATIENCE_PACKETS 24
#define PATIENCE_NS (5 * NS_PER_MS)
#define PATIENCE_MAX_NS NS_PER_S
#define PATIENCE_ONE_WAY_NS (5 * NS_PER_S)
#define ACK_MOVES_ONE_WAY 2
#define STRAYS_TO_JUMP 3
/* Without the peer's acks a long loss looks the same as a stray: allow what a window may be (RFC 7323, 2.3). */
#define AHEAD_MAX_ONE_WAY (1 << 30)
/* A SYN or a request's head that comes late comes soon after, a dozen places or so; and all streams together hold no
 * more than this for that reason. */
#define EARLY_SEGMENTS 16
#define EARLY_BYTES_MAX (1 << 20)
/* Per held segment: the node, and what malloc adds. Charged to the budget, so tiny segments are not free. */
#define HELD_OVERHEAD (sizeof(struct held) + 16)

struct held {
	struct held *left, *right;
	uint32_t priority;
	uint32_t seq, len, missing;
	uint64_t peer_read;
	bool peer_known;
	struct wall at;
	uint8_t bytes[];
};

/** seq_of() - the sequence number of @piece's first byte */
static uint32_t seq_of(const struct chunk *piece)
{
	return (uint32_t)piece->offset;
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
	st->at.held_count--;
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
	st->at.next = st->at.base = stream_offset(st, seq);
	st->at.synced = true;
	st->fin_known = st->fin_known && !seq_before(st->fin_seq, seq);
	st->ack_known = st->ack_known && seq_distance(seq, st->acked) <= STREAM_AHEAD_MAX &&
			seq_distance(seq, st->acked) >= -STREAM_BEHIND_MAX;
}

/** hold_one() - keep a copy of @piece, which overlaps nothing that is held; false if there is no memory for it */
static bool hold_one(struct stream *st, const struct stream_env *env, const struct chunk *piece,
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
	*h = (struct held){ .priority = mix(seq_of(piece) ^ (uint32_t)(uintptr_t)st),
			    .seq = seq_of(piece),
			    .len = (uint32_t)len,
			    .missing = missing,
			    .peer_read = piece->peer_read,
			    .peer_known = piece->peer_known,
			    .at = piece->at };
	if (len > 0)
		memcpy(h->bytes, piece->bytes.at, len);
	tree_insert(&st->held, h);
	st->held_bytes += (uint32_t)len;
	st->at.held_count++;
	counter_add(&env->stats->held_bytes, len);
	return true;
}

/** skip_known() - drop up to @n bytes of @piece that were seen before */
static void skip_known(struct chunk *piece, const struct stream_env *env, size_t n)
{
	size_t before = piece->bytes.len;

	chunk_skip(piece, n);
	counter_add(&env->stats->retransmitted_bytes, before - piece->bytes.len);
}

/** hold() - keep those parts of @piece that are not held yet */
static bool hold(struct stream *st, const struct stream_env *env, struct chunk piece, uint32_t missing)
{
	uint32_t end = seq_of(&piece) + (uint32_t)piece.bytes.len;
	const struct held *before = tree_at_or_before(st->held, seq_of(&piece));

	/* The snaplen's gap lies after the whole segment, also when its bytes are held already. */
	if (before && seq_before(seq_of(&piece), held_end(before)))
		skip_known(&piece, env, (size_t)seq_distance(seq_of(&piece), held_end(before)));
	while (piece.bytes.len > 0) {
		const struct held *after = tree_after(st->held, seq_of(&piece) - 1);
		struct chunk part = piece;
		bool last = !after || !seq_before(after->seq, end);

		if (!last)
			span_truncate(&part.bytes, (size_t)seq_distance(seq_of(&piece), after->seq));
		if (part.bytes.len > 0 && !hold_one(st, env, &part, last ? missing : 0))
			return false;
		chunk_skip(&piece, part.bytes.len);
		if (!last)
			skip_known(&piece, env, after->len);
	}
	return true;
}

/** deliver_all() - hand @piece on, which begins at st->at.next; false if the reader wants no more */
static inline bool deliver_all(struct stream *st, const struct stream_env *env, void *ctx,
			       const struct chunk *piece)
{
	st->at.next += (uint32_t)piece->bytes.len;
	if (seq_distance(st->acked, st->at.next) > STREAM_BEHIND_MAX)
		st->ack_known = false; /* so old that it would soon seem to lie ahead */
	return env->reader.on_bytes(ctx, piece);
}

/** deliver() - the same, but the urgent byte is not handed on */
static bool deliver(struct stream *st, const struct stream_env *env, void *ctx, const struct chunk *piece)
{
	struct chunk part = *piece;
	uint32_t before = st->urgent_at - seq_of(piece);

	if (!st->urgent_waits || before >= piece->bytes.len) {
		st->urgent_waits = st->urgent_waits && !seq_before(st->urgent_at, seq_of(piece));
		return deliver_all(st, env, ctx, piece);
	}
	span_truncate(&part.bytes, before);
	if (before > 0 && !deliver_all(st, env, ctx, &part))
		return false;
	st->at.next++;
	st->urgent_waits = false;
	if (st->urgent_unsure && !env->reader.on_gap(ctx, UINT32_MAX, LOST_URGENT))
		return false;
	part = *piece;
	chunk_skip(&part, before + 1);
	return part.bytes.len == 0 || deliver_all(st, env, ctx, &part);
}

static bool give_up(struct stream *st, const struct stream_env *env, void *ctx, uint32_t until,
		    enum lost_reason why)
{
	uint32_t bytes = (uint32_t)seq_distance(st->at.next, until);

	st->at.next = stream_offset(st, until);
	st->ack_moves = 0;
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
	struct chunk piece = { span_of(h->bytes, h->len), h->at, stream_offset(st, h->seq), h->peer_read, h->peer_known };

	if (h->missing)
		expect_cut(st, held_end(h) + h->missing);
	chunk_skip(&piece, (size_t)seq_distance(h->seq, st->at.next));
	return piece.bytes.len == 0 || deliver(st, env, ctx, &piece);
}

/** drain() - hand on what is in order now; false if the reader wants no more */
static bool drain(struct stream *st, const struct stream_env *env, void *ctx)
{
	for (;;) {
		struct held *first = tree_first(st->held);
		bool more;

		if (first && !seq_before(st->at.next, first->seq)) {
			first = tree_pop_first(&st->held);
			more = deliver_held(st, env, ctx, first);
			held_free(st, env, first);
		} else if (st->cut_known && seq_before(st->at.next, st->cut_until)) {
			uint32_t until =
				first && seq_before(first->seq, st->cut_until) ? first->seq : st->cut_until;

			more = give_up(st, env, ctx, until, LOST_TRUNCATED);
		} else {
			st->cut_known = false;
			if (!first)
				st->ack_moves = 0;
			return true;
		}
		if (!more)
			return false;
	}
}

static bool skip_first_gap(struct stream *st, const struct stream_env *env, void *ctx)
{
	return give_up(st, env, ctx, tree_first(st->held)->seq, LOST_GAP) && drain(st, env, ctx);
}

static void close_held(struct stream *st, const struct stream_env *env, void *ctx)
{
	while (st->held)
		if (!skip_first_gap(st, env, ctx))
			stream_drop(st, env);
}

void stream_close_gaps(struct stream *st, const struct stream_env *env, void *ctx)
{
	if (!st->at.synced)
		return;
	close_held(st, env, ctx);
	if (st->fin_known && seq_before(st->at.next, st->fin_seq))
		give_up(st, env, ctx, st->fin_seq, LOST_GAP);
}

/** note_ack_moves() - one-way captures: how often the sender got answers since @piece's like wait behind a gap */
static void note_ack_moves(struct stream *st, const struct chunk *piece)
{
	if (!piece->peer_known)
		return;
	if (st->at.held_count <= 1 && st->ack_moves == 0) {
		st->gap_ack = (uint32_t)piece->peer_read;
	} else if (seq_before(st->gap_ack, (uint32_t)piece->peer_read)) {
		st->gap_ack = (uint32_t)piece->peer_read;
		st->ack_moves += st->ack_moves < ACK_MOVES_ONE_WAY;
	}
}

/** is_overdue() - has the peer what is missing here, as far as can be told? */
static bool is_overdue(const struct stream *st)
{
	if (!st->at.synced)
		return st->ack_known && seq_before(st->fin_seq, st->acked);
	return st->ack_known ? seq_before(st->at.next, st->acked) : st->ack_moves >= ACK_MOVES_ONE_WAY;
}

static uint32_t gap_end(const struct stream *st)
{
	return st->held ? tree_first(st->held)->seq : st->fin_seq;
}

/** begin_wait() - from now on the open gap is waited for, anew if it is another or has become overdue */
static void begin_wait(struct stream *st, const struct stream_env *env, bool overdue)
{
	st->waits = true;
	st->overdue = overdue;
	st->gap_at = (uint32_t)st->at.next;
	st->lost_until = overdue && st->ack_known ? st->acked : st->at.synced ? gap_end(st) : st->fin_seq;
	st->gap_packets = 0;
	st->since = *env->clock;
}

static bool waited_enough(struct stream *st, const struct stream_env *env)
{
	int64_t waited = wall_between(st->since, *env->clock);

	if (waited < 0) /* the clock was set back */
		st->since = *env->clock;
	if (!st->overdue)
		return !st->ack_known && waited >= PATIENCE_ONE_WAY_NS;
	return waited >= PATIENCE_MAX_NS || (waited >= PATIENCE_NS && st->gap_packets >= PATIENCE_PACKETS);
}

/** give_up_waiting() - the gaps up to lost_until; what is behind the last of them may still be on its way */
static bool give_up_waiting(struct stream *st, const struct stream_env *env, void *ctx)
{
	uint32_t lost_until = st->lost_until;

	if (!st->at.synced) { /* nothing but the end was seen: it is where the stream begins */
		stream_drop(st, env);
		stream_begin(st, st->fin_seq);
	}
	while (stream_is_open(st) && seq_before(st->at.next, lost_until)) {
		uint32_t until = gap_end(st);

		if (seq_before(lost_until, until))
			until = lost_until;
		if (!give_up(st, env, ctx, until, LOST_GAP) || !drain(st, env, ctx))
			return false;
	}
	return true;
}

bool stream_look(struct stream *st, const struct stream_env *env, void *ctx, bool packet)
{
	bool overdue = is_overdue(st), more = true;

	if ((!st->at.synced && !st->fin_known) || !stream_is_open(st)) { /* without both it is kept for a late begin */
		st->waits = false;
		return false;
	}
	if (st->at.synced && st->held && !seq_before(st->at.next, gap_end(st))) { /* kept before its begin was known */
		more = drain(st, env, ctx);
	} else if (!st->waits || st->gap_at != (uint32_t)st->at.next || st->overdue != overdue) {
		begin_wait(st, env, overdue);
	} else {
		if (packet && st->gap_packets < PATIENCE_PACKETS)
			st->gap_packets++;
		if (waited_enough(st, env))
			more = give_up_waiting(st, env, ctx);
	}
	if (!more)
		stream_drop(st, env);
	return stream_is_open(st);
}

/** feed_beyond_gap() - @piece begins after st->at.next */
static bool feed_beyond_gap(struct stream *st, const struct stream_env *env, void *ctx,
			    struct chunk piece, uint32_t missing)
{
	uint32_t seq = seq_of(&piece), end = seq + (uint32_t)piece.bytes.len + missing;

	if (!hold(st, env, piece, missing)) {
		/* No memory to wait with: what is here is handed on now, the gaps are lost. */
		while (st->held && seq_before(tree_first(st->held)->seq, seq))
			if (!skip_first_gap(st, env, ctx))
				return false;
		if (seq_before(st->at.next, seq) && !give_up(st, env, ctx, seq, LOST_GAP))
			return false;
		if ((size_t)seq_distance(seq, st->at.next) > piece.bytes.len)
			return drain(st, env, ctx);
		chunk_skip(&piece, (size_t)seq_distance(seq, st->at.next));
		if (missing)
			expect_cut(st, end);
		return (piece.bytes.len == 0 || deliver(st, env, ctx, &piece)) && drain(st, env, ctx);
	}
	if (!st->held)
		return true; /* all of it was cut by the snaplen: nothing to hold, the gap just became longer
			      */
	note_ack_moves(st, &piece);
	while (st->held_bytes > env->hold_bytes || st->at.held_count > 64 + env->hold_bytes / 16)
		if (!skip_first_gap(st, env, ctx))
			return false;
	return true;
}

/** feed_in_order() - @piece begins at st->at.next; held bytes inside it were seen first and take its place */
static bool feed_in_order(struct stream *st, const struct stream_env *env, void *ctx, struct chunk piece,
			  uint32_t missing)
{
	uint32_t end = seq_of(&piece) + (uint32_t)piece.bytes.len;

	while (seq_before(st->at.next, end)) {
		const struct held *first = tree_first(st->held);
		struct chunk part = piece;

		if (first && seq_before(first->seq, end))
			span_truncate(&part.bytes, (size_t)seq_distance(seq_of(&piece), first->seq));
		if (part.bytes.len > 0 && !deliver(st, env, ctx, &part))
			return false;
		if (!drain(st, env, ctx))
			return false;
		chunk_skip(&piece, part.bytes.len);
		skip_known(&piece, env, (size_t)seq_distance(seq_of(&piece), st->at.next)); /* that was held: it came first */
	}
	if (missing)
		expect_cut(st, end + missing);
	return drain(st, env, ctx);
}

bool stream_keep_early(struct stream *st, const struct stream_env *env, const struct chunk *piece,
		       uint32_t missing)
{
	bool near = !st->held || (uint32_t)(seq_of(piece) - st->held->seq + EARLY_BYTES_MAX) < 2 * EARLY_BYTES_MAX;

	if (st->early_over)
		return false;
	if (st->at.held_count < EARLY_SEGMENTS && near && counter_get(&env->stats->held_bytes) < EARLY_BYTES_MAX &&
	    hold(st, env, *piece, missing))
		return true;
	st->early_over = true;
	return false;
}

/** is_probe() - a keep-alive probe with a byte of garbage, which the peer had before (RFC 9293, 3.8.4) */
static bool is_probe(const struct stream *st, const struct held *h)
{
	return h->len == 1 && h->missing == 0 && h->bytes[0] == 0 &&
	       (!st->ack_known || !seq_before(st->acked, held_end(h)));
}

bool stream_early_ack(const struct stream *st, uint32_t seq, uint32_t *ack)
{
	bool known = false;

	/* They are few, and this is asked only where a request may begin. */
	for (struct held *h = tree_first(st->held); h && seq_before(h->seq, seq); h = tree_after(st->held, h->seq)) {
		uint32_t read = (uint32_t)h->peer_read;

		if (!h->peer_known || is_probe(st, h))
			continue;
		*ack = known ? seq_later(*ack, read) : read;
		known = true;
	}
	return known;
}

bool stream_early_end(const struct stream *st, uint32_t seq, uint32_t *end)
{
	bool known = false;

	for (struct held *h = tree_first(st->held); h && seq_before(h->seq, seq); h = tree_after(st->held, h->seq)) {
		*end = known ? seq_later(*end, held_end(h)) : held_end(h);
		known = true;
	}
	return known;
}

void stream_early_from(struct stream *st, const struct stream_env *env, uint32_t seq)
{
	while (st->held && seq_before(tree_first(st->held)->seq, seq))
		held_free(st, env, tree_pop_first(&st->held));
	if (st->held && tree_first(st->held)->seq - seq >= EARLY_BYTES_MAX)
		stream_drop(st, env);
	stream_begin(st, seq);
}

/** is_stray() - too far from all that was seen? Three strays in a row that continue each other move the stream. */
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
	st->at.next = stream_offset(st, seq);
	counter_add(&env->stats->gaps, 1); /* of unknown length */
	return !env->reader.on_gap(ctx, UINT32_MAX, LOST_GAP);
}

/** feed_near() - @piece may begin anywhere near, some of it may be missing, and others may wait */
static bool feed_near(struct stream *st, const struct stream_env *env, void *ctx, struct chunk piece,
		      uint32_t missing)
{
	if (seq_before(seq_of(&piece), st->at.next)) { /* seen before, in part or whole */
		uint32_t old = (uint32_t)(st->at.next - piece.offset), len = (uint32_t)piece.bytes.len;

		skip_known(&piece, env, old);
		old -= old < len ? old : len;
		missing -= old < missing ? old : missing;
		if (piece.bytes.len == 0 && missing == 0)
			return true;
		piece.offset = st->at.next;
	}
	if (st->fin_known && seq_before(st->fin_seq, seq_of(&piece) + (uint32_t)piece.bytes.len))
		st->fin_known = false; /* data after the "end": that FIN was not real */
	if (piece.offset != st->at.next)
		return feed_beyond_gap(st, env, ctx, piece, missing);
	if (st->held || missing)
		return feed_in_order(st, env, ctx, piece, missing);
	deliver(st, env, ctx, &piece);
	return true;
}

/** feed_any() - stream_feed() for the rest; kept apart, so that the usual case needs no stack */
static __attribute__((noinline)) void feed_any(struct stream *st, const struct stream_env *env, void *ctx,
					       const struct chunk *piece, uint32_t missing)
{
	uint32_t len = (uint32_t)piece->bytes.len + missing;

	if (len > 0 && !is_stray(st, env, ctx, seq_of(piece), len) && !feed_near(st, env, ctx, *piece, missing))
		stream_drop(st, env);
	if (st->held)
		env->reader.on_wait(ctx);
}

void stream_feed(struct stream *st, const struct stream_env *env, void *ctx, const struct chunk *piece,
		 uint32_t missing)
{
	bool usual = piece->offset == st->at.next && piece->bytes.len > 0 && !missing && !st->held && !st->unusual;

	if (!usual) {
		feed_any(st, env, ctx, piece, missing);
		return;
	}
	st->strays = 0;
	deliver_all(st, env, ctx, piece);
}

bool stream_near(const struct stream *st, uint32_t seq)
{
	uint32_t next = (uint32_t)st->at.next, front = st->ack_known ? seq_later(next, st->acked) : next;

	if (seq_before(next, seq))
		return seq_distance(front, seq) <= (st->ack_known ? STREAM_AHEAD_MAX : AHEAD_MAX_ONE_WAY);
	return next - seq <= STREAM_BEHIND_MAX;
}

uint64_t stream_ack_early(struct stream *st, uint32_t ack)
{
	uint64_t at = stream_offset(st, ack);

	if (!st->ack_known || seq_before((uint32_t)st->acked, ack)) {
		st->acked = at;
		st->ack_known = true;
	}
	return at;
}

void stream_urgent(struct stream *st, const struct stream_env *env, void *ctx, uint32_t at)
{
	bool first = !st->urgent_known;

	if (!stream_near(st, at) || (!first && at == st->urgent_at))
		return;
	st->urgent_at = at;
	st->urgent_known = st->unusual = true;
	st->urgent_waits = !seq_before(at, st->at.next);
	if (first && st->urgent_waits)
		return;
	st->urgent_unsure = true;
	if (!env->reader.on_gap(ctx, UINT32_MAX, LOST_URGENT))
		stream_drop(st, env);
}

void stream_fin(struct stream *st, uint32_t seq)
{
	if (st->fin_known || (st->at.synced && (seq_before(seq, st->at.next) || !stream_near(st, seq))))
		return;
	st->fin_seq = seq;
	st->fin_known = st->unusual = true;
}

bool stream_ended(const struct stream *st)
{
	return st->at.synced && st->fin_known && !seq_before(st->at.next, st->fin_seq);
}
