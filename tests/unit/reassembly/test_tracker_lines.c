/*
 * test_tracker_lines.c - the tracker with a reader that isn't HTTP's: lines of text
 *
 * A client's line starts with '>' and a server's with '<'. The reader is what a
 * protocol is to reassembly/reader.h, whole and small; no HTTP is linked here. What
 * it is told is written down, an item each:
 *
 *	c:text^4;  a line of the client, who had read 4 bytes of the server when its last byte was sent
 *	c~3;       3 bytes that will never come ("c~?;": nobody knows how many), and with them the line that they lie in
 *	c-;        bytes of the client went by before its stream started ("c-7;": 7 more that were not captured)
 *	p9;        a proxy names the client, of port 9
 *	c.;        that direction has ended; said again when more comes of the other
 *	(reset);   the end, and why ("!": the rest of the connection is not read)
 */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "reassembly/tracker.h"

/* ---- a protocol ---------------------------------------------------------------- */

/** struct half - one direction of a connection; @lost: the line at hand is not whole */
struct half {
	struct buffer line;
	uint64_t first, next; /* offsets, with is_begun */
	bool is_begun, lost;
};

struct lines {
	struct reader reader;
	struct buffer *said;
	const struct stream_place *server;
	struct half half[SIDES];
};

static const char names[] = "cs";
static const struct reader_ops lines_ops;

static void *open_lines(const void *config)
{
	return *(struct buffer *const *)config;
}

static void close_lines(void *shared)
{
}

static enum claim claims(struct span bytes, enum stream_side side, bool at_start)
{
	if (bytes.len == 0 || bytes.at[0] != "><"[side])
		return CLAIM_NONE;
	return bytes.len > 1 ? CLAIM_SURE : at_start ? CLAIM_LIKELY : CLAIM_MAYBE;
}

static struct reader *make_lines(void *shared, const struct reader_start *start)
{
	struct lines *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->reader.ops = &lines_ops;
	l->said = shared;
	l->server = start->server;
	if (start->passed.peer_known)
		buffer_add_str(l->said, "c-;");
	if (start->origin.proxied.family)
		buffer_printf(l->said, "p%u;", start->origin.proxied.port);
	return &l->reader;
}

/** end_line() - a line of @side is here; how far had its sender read the other direction? */
static void end_line(struct lines *l, enum stream_side side, const struct chunk *c)
{
	struct half *h = &l->half[side];
	uint64_t from = side == SIDE_CLIENT ? l->server->base : l->half[SIDE_CLIENT].first;
	bool known = side == SIDE_CLIENT ? l->server->synced : l->half[SIDE_CLIENT].is_begun;

	if (!h->lost)
		buffer_printf(l->said, "%c:%s", names[side], h->line.len ? buffer_text(&h->line) + 1 : "");
	if (!h->lost && c->peer_known && known)
		buffer_printf(l->said, "^%u", (unsigned)(c->peer_read - from));
	if (!h->lost)
		buffer_add_str(l->said, ";");
	buffer_clear(&h->line);
	h->lost = false;
}

static enum reader_result take(struct lines *l, enum stream_side side, const struct chunk *c)
{
	struct half *h = &l->half[side];

	if (!h->is_begun)
		h->first = h->next = c->offset;
	h->is_begun = true;
	assert_true(c->offset == h->next); /* no byte comes twice, none is left out unsaid, and offsets never wrap */
	h->next += c->bytes.len;
	for (size_t i = 0; i < c->bytes.len; i++) {
		if (c->bytes.at[i] != '\n') {
			buffer_add(&h->line, &c->bytes.at[i], 1);
			continue;
		}
		if (h->line.len == 4 && memcmp(h->line.bytes, ">bye", 4) == 0)
			return READER_LEFT;
		end_line(l, side, c);
	}
	return READER_LIVE;
}

static enum reader_result on_client_chunk(struct reader *r, const struct chunk *c)
{
	return take((struct lines *)r, SIDE_CLIENT, c);
}

static enum reader_result on_server_chunk(struct reader *r, const struct chunk *c)
{
	return take((struct lines *)r, SIDE_SERVER, c);
}

static void on_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	struct lines *l = (struct lines *)r;
	struct half *h = &l->half[side];

	buffer_printf(l->said, bytes == GAP_UNKNOWN ? "%c~?;" : "%c~%u;", names[side], bytes);
	h->lost = h->is_begun || bytes != GAP_UNKNOWN; /* else a line was claimed behind it */
	h->is_begun &= bytes != GAP_UNKNOWN;
	h->next += bytes;
	buffer_clear(&h->line);
}

static void on_passed_by(struct reader *r, const struct passed_by *passed)
{
	buffer_printf(((struct lines *)r)->said, passed->missing ? "c-%u;" : "c-;", passed->missing);
}

static void on_proxied(struct reader *r, const struct endpoint *client)
{
	buffer_printf(((struct lines *)r)->said, "p%u;", client->port);
}

static bool on_half_end(struct reader *r, enum stream_side side)
{
	buffer_printf(((struct lines *)r)->said, "%c.;", names[side]);
	return true; /* of the server something may always come */
}

static void on_end(struct reader *r, enum lost_reason why, bool seen)
{
	buffer_printf(((struct lines *)r)->said, "(%s%s);", lost_reason_name(why), seen ? "" : "!");
}

static void free_lines(struct reader *r)
{
	struct lines *l = (struct lines *)r;

	buffer_deinit(&l->half[SIDE_CLIENT].line);
	buffer_deinit(&l->half[SIDE_SERVER].line);
	free(l);
}

static void on_unfollowed(void *shared, const struct request_origin *origin, struct wall at, enum lost_reason why)
{
	buffer_printf(shared, "(%s?);", lost_reason_name(why));
}

static const struct reader_ops lines_ops = {
	.name = "lines",
	.refused = "no lines:",
	.left = "said goodbye",
	.open = open_lines,
	.close = close_lines,
	.claims = claims,
	.make = make_lines,
	.on_chunk = { on_client_chunk, on_server_chunk },
	.on_gap = on_gap,
	.on_passed_by = on_passed_by,
	.on_proxied = on_proxied,
	.on_half_end = on_half_end,
	.on_end = on_end,
	.free = free_lines,
	.on_unfollowed = on_unfollowed,
};

/* ---- stories --------------------------------------------------------------------- */

#define STEPS_MAX 10

/** struct step - a segment; its numbers are those behind the ISNs, so that a SYN's is 0 */
struct step {
	char from; /* 'c' or 's'; 0: no more steps */
	uint32_t seq, ack; /* no ACK with 0 */
	const char *data;  /* NULL: none */
	uint8_t flags;     /* besides ACK */
};

struct story {
	const char *name, *said;
	uint64_t refused;
	bool no_ports;
	struct step steps[STEPS_MAX];
};

#define OPENS { 'c', 0, 0, NULL, TCP_SYN }, { 's', 0, 1, NULL, TCP_SYN }

static const struct story stories[] = {
	{ "lines are split over segments, and several come in one",
	  "c:hello^0;c:two^0;s:ok^12;c:three^4;(cut_at_end);", 0, false,
	  { OPENS, { 'c', 1, 1, ">hel" }, { 'c', 5, 1, "lo\n>two\n" }, { 's', 1, 13, "<ok\n" }, { 'c', 13, 5, ">three\n" } } },
	{ "out of order: what came early waits",
	  "c:a^0;c:b^0;c:c^0;(cut_at_end);", 0, false,
	  { OPENS, { 'c', 7, 1, ">c\n" }, { 'c', 4, 1, ">b\n" }, { 'c', 1, 1, ">a\n" } } },
	{ "a gap takes the line that it lies in, and its length is told",
	  "c:a^0;c~3;c:b^0;(cut_at_end);", 0, false,
	  { OPENS, { 'c', 1, 1, ">a\n>lo" }, { 'c', 10, 1, "t\n>b\n" }, { 's', 1, 15 } } },
	{ "both directions end",
	  "c:a^0;s:b^3;s.;s.;(reset);", 0, false,
	  { OPENS, { 'c', 1, 1, ">a\n" }, { 's', 1, 4, "<b\n", TCP_FIN }, { 'c', 4, 5, NULL, TCP_FIN } } },
	{ "a RST ends a line that is not whole",
	  "(reset);", 0, false,
	  { OPENS, { 'c', 1, 1, ">a" }, { 's', 1, 3, NULL, TCP_RST } } },
	{ "first bytes that are not claimed: the connection is not read, whatever comes",
	  "", 1, false,
	  { OPENS, { 'c', 1, 1, "hello\n" }, { 'c', 7, 1, ">a\n" }, { 's', 1, 10, "<b\n" } } },
	{ "the reader wants no more",
	  "c:a^0;", 0, false,
	  { OPENS, { 'c', 1, 1, ">a\n>bye\n>b\n" }, { 'c', 12, 1, ">c\n" } } },
	{ "inside a connection, reading starts where a line is claimed",
	  "c:a;s~?;s:b^3;(cut_at_end);", 0, false,
	  { { 'c', 100, 50, ">a\n" }, { 's', 50, 103, "<b\n" } } },
	{ "... which also tells who is the client",
	  "s~?;s:b;c:a^3;(cut_at_end);", 0, true,
	  { { 's', 50, 103, "<b\n" }, { 'c', 103, 53, ">a\n" } } },
	{ "... and bytes that went before it are told of",
	  "c-;c:a;(cut_at_end);", 0, false,
	  { { 'c', 100, 50, "bc\n" }, { 'c', 103, 53, ">a\n" } } },
	{ "a line of the server's that was captured ahead of all that is the client's",
	  "s:b;c:a^3;(cut_at_end);", 0, false,
	  { OPENS, { 's', 1, 4, "<b\n" }, { 'c', 1, 4, ">a\n" } } },
	{ "a PROXY header is taken off",
	  "p9;c:a^0;s:b^3;(cut_at_end);", 0, false,
	  { OPENS, { 'c', 1, 1, "PROXY TCP4 10.9.9.9 10.0.0.1 9 80\r\n>a\n" }, { 's', 1, 39, "<b\n" } } },
};

/** claims_nothing() - a kind that is asked first, and whose protocol this is not */
static enum claim claims_nothing(struct span bytes, enum stream_side side, bool at_start)
{
	return CLAIM_NONE;
}

static void feed(struct tracker *t, const struct step *s, uint32_t isn, struct wall ts)
{
	struct endpoint client = { .port = 40000, .family = 4 }, server = { .port = 80, .family = 4 };
	bool is_client = s->from == 'c';
	uint32_t mine = is_client ? isn : isn + 7, peer = is_client ? isn + 7 : isn;
	struct segment segment = { .src = is_client ? client : server,
				   .dst = is_client ? server : client,
				   .payload = s->data ? span_str(s->data) : (struct span){ 0 },
				   .ts = ts,
				   .seq = mine + s->seq,
				   .ack = s->ack ? peer + s->ack : 0,
				   .flags = s->flags | (s->ack ? TCP_ACK : 0) };

	tracker_feed(t, &segment);
}

/** run() - @story, as the connection of the only kind, or of the second of two */
static void run(const struct story *story, uint32_t isn, bool second)
{
	static const uint16_t ports[] = { 80 };
	struct reader_ops deaf = lines_ops;
	struct buffer said = { 0 }, *shared = &said;
	struct budget budget;
	struct tracker_options options = { ports, story->no_ports ? 0 : 1, 1 << 16, 60 * NS_PER_S, &budget, false };
	struct reader_kind kinds[] = { { &deaf, &shared }, { &lines_ops, &shared } };
	struct wall ts = { NS_PER_S };
	struct tracker *t;

	deaf.claims = claims_nothing;
	budget_init(&budget, 1 << 20);
	t = second ? tracker_new(&options, kinds, 2) : tracker_new(&options, kinds + 1, 1);
	assert_non_null(t);
	for (const struct step *s = story->steps; s < story->steps + STEPS_MAX && s->from; s++) {
		ts.ns += 1000;
		feed(t, s, isn, ts);
	}
	tracker_finish(t);
	if (strcmp(buffer_text(&said), story->said) != 0)
		fail_msg("%s, ISN %u:\n  said     %s\n  expected %s", story->name, isn, buffer_text(&said), story->said);
	assert_int_equal(counter_get(&tracker_stats(t)->not_http), story->refused);
	assert_int_equal(counter_get(&tracker_stats(t)->held_bytes), 0);
	tracker_free(t);
	assert_int_equal(budget_used(&budget), 0);
	buffer_deinit(&said);
}

static void test_stories(void **state)
{
	static const uint32_t isns[] = { 0, 1, UINT32_MAX, UINT32_MAX - 10 };

	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		for (size_t n = 0; n < sizeof(isns) / sizeof(isns[0]); n++) {
			run(&stories[i], isns[n], false);
			run(&stories[i], isns[n], true);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stories) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
