/*
 * test_h2_streaming.c - calls of gRPC whose messages come apart: when they came, and which calls are too long
 *
 * A call is a row of packets: H its head, m a message of one byte, M one that has only begun, r its rest, e the end of the
 * stream, R the head of the response, d one of its messages, T its trailers, x RST_STREAM. Those that stand
 * together come in one packet; a number is the milliseconds before the next one.
 */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "http/http2/http2_reader.h"
#include "message/message.h"
#include "message/response.h"
#include "tests/rig/h2_script.h"

#define C SIDE_CLIENT
#define S SIDE_SERVER
#define PACKETS_MAX 64
#define MAX_STREAM_NS (2 * NS_PER_S)

struct tap {
	struct tracker *tracker;
	struct budget budget;
	struct http_stats stats;
	struct head_decision decision;
	struct buffer said; /* one word for each thing that was told */
};

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	return ((struct tap *)ctx)->decision;
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct tap *tap = ctx;

	buffer_printf(&tap->said, " told");
	if (!m)
		return;
	for (uint32_t i = 0; i < m->arrival_count; i++)
		buffer_printf(&tap->said, " %llu@%lld", (unsigned long long)m->arrivals[i].offset,
			      (long long)(m->arrivals[i].us / 1000));
	buffer_printf(&tap->said, " %llu@%lld.", (unsigned long long)m->body_len,
		      (long long)(wall_between(m->origin.ts_first, m->origin.ts_last) / NS_PER_MS));
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct tap *tap = ctx;

	buffer_printf(&tap->said, " %s", lost_reason_name(reason));
}

static void on_response(void *ctx, uint64_t token, struct response *r)
{
	struct tap *tap = ctx;

	assert_non_null(r);
	buffer_printf(&tap->said, " answer %s %lld..%lld", response_result_name(r->result), (long long)(r->first_byte_us / 1000),
		      (long long)(r->last_byte_us / 1000));
	for (size_t i = 0; i < r->arrival_count; i++)
		buffer_printf(&tap->said, " %llu@%lld", (unsigned long long)r->arrivals[i].offset,
			      (long long)(r->arrivals[i].us / 1000));
	response_free(r);
}

static void tap_open(struct tap *tap, size_t memory)
{
	static const uint16_t ports[] = { H2_SERVER_PORT };
	struct http2_options two = { .sink = { tap, on_head, on_request, on_lost, on_response },
				     .max_body = 1 << 20,
				     .max_stream_ns = MAX_STREAM_NS,
				     .budget = &tap->budget,
				     .stats = &tap->stats,
				     .keep_responses = true,
				     .max_response = 1 << 20 };
	struct reader_kind kind = http2_reader(&two);
	struct tracker_options options = { .server_ports = ports,
					   .server_port_count = 1,
					   .hold_bytes = 64 << 10,
					   .idle_ns = 3600 * NS_PER_S,
					   .budget = &tap->budget,
					   .reads_servers = true };

	*tap = (struct tap){ .decision = { .keep = KEEP_WHOLE, .response = true, .limited = true } };
	budget_init(&tap->budget, memory);
	tap->tracker = tracker_new(&options, &kind, 1);
	assert_non_null(tap->tracker);
}

static void tap_close(struct tap *tap)
{
	tracker_free(tap->tracker);
	assert_int_equal(budget_used(&tap->budget), 0);
	buffer_deinit(&tap->said);
}

/** write_piece() - what one letter stands for */
static void write_piece(struct h2_script *s, char letter, bool is_grpc)
{
	static const struct header call[] = { H2_FIELD(":method", "POST"), H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/s.S/M"),
					      H2_FIELD(":authority", "h"), H2_FIELD("content-type", "application/grpc") };
	static const struct header ok[] = { H2_FIELD(":status", "200"), H2_FIELD("content-type", "application/grpc") };
	static const struct header trailers[] = { H2_FIELD("grpc-status", "0") };
	const struct h2_how goes_on = { 0 }, ends = { .end_stream = true };

	switch (letter) {
	case 'H':
		h2_headers(s, C, 1, call, is_grpc ? 5 : 4, &goes_on);
		break;
	case 'm':
		h2_data(s, C, 1, SPAN_LITERAL("\0\0\0\0\1x"), -1, false);
		break;
	case 'M':
		h2_data(s, C, 1, SPAN_LITERAL("\0\0"), -1, false);
		break;
	case 'r':
		h2_data(s, C, 1, SPAN_LITERAL("\0\0\1x"), -1, false);
		break;
	case 'e':
		h2_data(s, C, 1, (struct span){ 0 }, -1, true);
		break;
	case 'x':
		h2_rst_stream(s, C, 1, 8);
		break;
	case 'R':
		h2_headers(s, S, 1, ok, 2, &goes_on);
		break;
	case 'd':
		h2_data(s, S, 1, SPAN_LITERAL("\0\0\0\0\1y"), -1, false);
		break;
	case 'T':
		h2_headers(s, S, 1, trailers, 1, &ends);
		break;
	default:
		fail_msg("%c stands for nothing", letter);
	}
}

/** run() - the call of @text through @tap, and the capture's end */
static void run(struct tap *tap, const char *text, bool is_grpc)
{
	struct h2_script s;
	struct h2_packets packets;
	struct h2_wire wire = { .isn = { 1000, 2000 } };
	int64_t before_ms[PACKETS_MAX] = { 0 };
	size_t count = 0, n = 0;

	h2_script_init(&s, CODER_PLAIN, CODER_PLAIN, NULL);
	h2_preface(&s);
	for (const char *at = text; *at;) {
		if (*at >= '0' && *at <= '9') {
			before_ms[count] = strtol(at, (char **)&at, 10);
		} else if (*at == ' ') {
			at++;
		} else {
			h2_apart(&s);
			assert_true(count < PACKETS_MAX);
			for (count++; *at && *at != ' '; at++)
				write_piece(&s, *at, is_grpc);
		}
	}
	packets = h2_packets_of(&s, CUT_NOT);
	for (size_t i = 0; i < packets.count; i++) {
		bool is_ours = i + count >= packets.count; /* behind the handshake and the preface */

		wire.now_ns += is_ours ? before_ms[n++] * NS_PER_MS : 0;
		h2_feed(tap->tracker, &s, &packets.at[i], &wire);
	}
	tracker_finish(tap->tracker);
	h2_packets_free(&packets);
	h2_script_deinit(&s);
}

static const struct {
	const char *text, *told;
} rows[] = {
	/* one message: nothing to be paced, however it came */
	{ "Hme RT", " told 6@0. answer whole 0..0" },
	{ "H 50 m 70 e RT", " told 6@120. answer whole 0..0" },
	{ "H 50 M 70 r 30 e RT", " told 6@150. answer whole 0..0" },
	/* several that came at once, and the end with them */
	{ "Hmmme RT", " told 18@0. answer whole 0..0" },
	{ "H 5 mm m e RT", " told 18@5. answer whole 0..0" },
	/* ... and the end later */
	{ "H 5 mm 300 e RT", " told 0@5 12@305. answer whole 0..0" },
	/* apart */
	{ "Hm 100 m 100 e RT", " told 0@0 6@100 12@200. answer whole 0..0" },
	{ "H 100 m 100 me RT", " told 0@100 6@200 12@200. answer whole 0..0" },
	{ "Hmm 100 mm m 50 m e RT", " told 0@0 12@100 30@150 36@150. answer whole 0..0" },
	/* the rest of one is taken to have come with its begin */
	{ "H 20 M 100 rm 100 e RT", " told 0@20 6@120 12@220. answer whole 0..0" },
	{ "H 20 mM 100 r 100 m e RT", " told 0@20 12@220 18@220. answer whole 0..0" },
	/* production responds meanwhile: its first byte is not before the request's last */
	{ "Hm R 100 m 100 m d 50 e 20 T", " told 0@0 6@100 12@200 18@250. answer whole 0..20 0@0" },
	{ "Hme 10 R 10 d 100 dd 50 T", " told 6@0. answer whole 10..170 0@20 6@120 12@120" },
	/* too long: when bytes come, when it ends, and when the capture does; what follows is stepped over */
	{ "Hm 1900 m 99 e RT", " told 0@0 6@1900 12@1999. answer whole 0..0" },
	{ "Hm 1900 m 200 m m 100 e RT", " stream_long" },
	{ "Hm R d 1900 m d 200 e d T", " stream_long" },
	{ "Hm 2100 x", " stream_long" },
	{ "Hm R 2100 d", " stream_long" },
	{ "Hm 100 x", " stream_reset" },
	/* held for production, which takes its time */
	{ "Hme 5000 RT", " told 6@0. answer whole 5000..5000" },
};

static void test_arrivals(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tap tap;

		tap_open(&tap, 1 << 20);
		run(&tap, rows[i].text, true);
		if (strcmp(buffer_text(&tap.said), rows[i].told) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].text, buffer_text(&tap.said), rows[i].told);
		tap_close(&tap);
	}
}

/* A request that is no call may take as long as it likes, and so may a call that is not wanted. */
static void test_no_limit(void **state)
{
	struct tap tap;

	tap_open(&tap, 1 << 20);
	run(&tap, "Hm 1900 m 1900 m e RT", false);
	assert_string_equal(buffer_text(&tap.said), " told 18@3800. answer whole 0..0");
	tap_close(&tap);
	tap_open(&tap, 1 << 20);
	tap.decision = (struct head_decision){ .keep = KEEP_NOTHING };
	run(&tap, "Hm 1900 m 1900 m e RT", true);
	assert_string_equal(buffer_text(&tap.said), " told");
	tap_close(&tap);
}

/* Of a call that is too long nothing is held while the rest of it goes by. */
static void test_long_is_dropped(void **state)
{
	struct tap tap;
	size_t before;

	tap_open(&tap, 1 << 20);
	before = budget_used(&tap.budget);
	tap.decision.response = false;
	run(&tap, "Hm 100 m 2000 m m m", true);
	assert_string_equal(buffer_text(&tap.said), " stream_long");
	assert_int_equal(counter_get(&tap.stats.lost[LOST_STREAM_LONG]), 1);
	assert_int_equal(budget_used(&tap.budget), before);
	tap_close(&tap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrivals),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_long_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
