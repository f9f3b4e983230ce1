/* h2_tap.c - see h2_tap.h */
#include "tests/rig/h2_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http1/http1_reader.h"
#include "http/http2/http2_reader.h"
#include "message/response.h"

#define DECISION 7
#define TOKENS_FROM 1000

/** wants_answers() - are responses to be kept? */
static bool wants_answers(const struct h2_tap_options *options)
{
	return !options->one_way && !options->no_answers;
}

static void complain(struct h2_tap *tap, const char *what)
{
	if (!tap->complaint)
		tap->complaint = what;
}

/* ---- what is told ---- */

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	struct h2_tap *tap = ctx;

	tap->heads++;
	if (head->method.len == 0 || origin->ts_last.ns != 0 || origin->ts_first.ns == 0)
		complain(tap, "a head without a method, or with times that are not so");
	return (struct head_decision){ .keep = tap->options.keep ? tap->options.keep : KEEP_WHOLE,
				       .digest = true,
				       .decision = DECISION,
				       .response = wants_answers(&tap->options),
				       .needs_whole = tap->options.needs_whole };
}

static void add_fields(struct buffer *out, const struct header *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buffer_add_span(out, fields[i].name);
		buffer_add_str(out, ": ");
		buffer_add_span(out, fields[i].value);
		buffer_add_str(out, "\n");
	}
}

static struct h2_told *told_new(struct h2_tap *tap)
{
	if (tap->told_count == tap->told_cap) {
		tap->told_cap = tap->told_cap ? 2 * tap->told_cap : 64;
		tap->told = realloc(tap->told, tap->told_cap * sizeof(tap->told[0]));
		if (!tap->told)
			abort();
	}
	tap->told[tap->told_count] = (struct h2_told){ 0 };
	return &tap->told[tap->told_count++];
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct h2_tap *tap = ctx;
	struct h2_told *told = told_new(tap);

	if (decision != DECISION)
		complain(tap, "another decision than was made");
	if (!m) {
		if (!out_of_memory)
			complain(tap, "a request without its message");
		return;
	}
	told->kept = true;
	told->token = m->response_token;
	told->messages = m->grpc_messages;
	told->is_part = m->head.is_part;
	told->is_grpc = m->head.is_grpc;
	buffer_add_span(&told->text, m->head.method);
	buffer_add_str(&told->text, " ");
	buffer_add_span(&told->text, m->head.target);
	buffer_add_str(&told->text, "\n");
	add_fields(&told->text, m->head.headers, m->head.header_count);
	buffer_add_str(&told->text, "\n");
	if (m->body_kept)
		buffer_add(&told->text, m->body, (size_t)m->body_len);
	if (m->origin.id == 0 || m->origin.ts_first.ns == 0 || m->origin.ts_last.ns == 0)
		complain(tap, "a request without its id or its times");
	if (m->head.is_part && tap->options.needs_whole)
		complain(tap, "a part of a head, where a whole one is needed");
	if (m->response_token)
		tap->tokens++;
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct h2_tap *tap = ctx;

	tap->lost++;
	if (origin->id == 0)
		complain(tap, "a loss without an id");
}

static void on_response(void *ctx, uint64_t token, struct response *r)
{
	struct h2_tap *tap = ctx;
	struct h2_told *told = NULL;

	for (size_t i = tap->told_count; i > 0 && !told; i--) /* mostly one of the last */
		if (token && tap->told[i - 1].token == token)
			told = &tap->told[i - 1];
	if (!told || told->answered) {
		complain(tap, "an answer to nothing, or a second one");
	} else {
		told->answered = true;
		told->result = r ? r->result : RESPONSE_MEMORY;
		tap->answered++;
	}
	if (r && told) {
		told->answer_is_part = r->is_part;
		buffer_printf(&told->answer, "%d\n", r->status_code);
		add_fields(&told->answer, r->headers, r->header_count);
		buffer_add_str(&told->answer, "\n");
		if (r->result == RESPONSE_WHOLE)
			buffer_add(&told->answer, r->body, (size_t)r->body_len);
		buffer_add_str(&told->answer, "\n");
		add_fields(&told->answer, r->trailers, r->trailer_count);
		if (r->result != RESPONSE_WHOLE && (r->body || r->last_byte_us != -1))
			complain(tap, "an answer that is not whole has a body");
	}
	response_free(r);
}

/* ---- the tap ---- */

void h2_tap_open(struct h2_tap *tap, const struct h2_tap_options *options)
{
	static const uint16_t ports[] = { H2_SERVER_PORT };
	struct protocol_sink sink = { tap, on_head, on_request, on_lost, on_response };
	uint64_t max_body = options->max_body ? options->max_body : 1 << 20;
	struct http2_options two = { .sink = sink,
				     .max_body = max_body,
				     .budget = &tap->budget,
				     .stats = &tap->stats,
				     .keep_responses = wants_answers(options),
				     .max_response = 1 << 20,
				     .first_token = TOKENS_FROM,
				     .joins = !options->no_joins,
				     .next = &tap->next };
	struct http1_options one = { .sink = sink,
				     .max_body = max_body,
				     .budget = &tap->budget,
				     .stats = &tap->stats,
				     .keep_responses = wants_answers(options),
				     .max_response = 1 << 20,
				     .first_token = (uint64_t)1 << 40,
				     .next = &tap->next };
	struct reader_kind kinds[] = { http1_reader(&one), http2_reader(&two) };
	struct tracker_options tracker = { .server_ports = ports,
					   .server_port_count = options->no_ports ? 0 : 1,
					   .hold_bytes = 64 << 10,
					   .idle_ns = 60 * NS_PER_S,
					   .budget = &tap->budget,
					   .reads_servers = wants_answers(options) };

	*tap = (struct h2_tap){ .options = *options };
	budget_init(&tap->budget, options->memory ? options->memory : (size_t)1 << 30);
	tap->tracker = tracker_new(&tracker, kinds, sizeof(kinds) / sizeof(kinds[0]));
	if (!tap->tracker)
		abort();
}

static uint64_t sum(const struct counter *parts, int count)
{
	uint64_t n = 0;

	for (int i = 0; i < count; i++)
		n += counter_get(&parts[i]);
	return n;
}

/** check_http2() - the equalities of http_stats.h, and that no connection is counted twice */
static void check_http2(struct h2_tap *tap)
{
	const struct http_stats *s = &tap->stats;
	uint64_t requests = counter_get(&s->http2_requests);

	if (counter_get(&s->http2_streams) != requests + sum(s->http2_skip, HTTP2_SKIP_COUNT))
		complain(tap, "http2.streams is not requests and skipped");
	if (sum(s->http2_head, HTTP2_HEAD_COUNT) != requests + counter_get(&s->http2_skip[HTTP2_TUNNEL]))
		complain(tap, "http2.heads is not requests and tunnels");
	if (requests > counter_get(&s->seen))
		complain(tap, "more requests of HTTP/2 than of all");
	if (sum(s->http2_start, HTTP2_START_COUNT) > counter_get(&tracker_stats(tap->tracker)->connections))
		complain(tap, "more connections of HTTP/2 than of all");
}

const char *h2_tap_finish(struct h2_tap *tap)
{
	const struct http_stats *s = &tap->stats;
	const struct reassembly_stats *r = tracker_stats(tap->tracker);
	uint64_t lost;

	tracker_finish(tap->tracker);
	lost = sum(s->lost, LOST_REASON_COUNT);
	check_http2(tap);
	if (counter_get(&s->seen) != counter_get(&s->complete) + lost)
		complain(tap, "seen is not complete and lost");
	if (counter_get(&s->complete) != tap->told_count || lost != tap->lost)
		complain(tap, "another number was told than was counted");
	if (tap->answered != tap->tokens)
		complain(tap, "a token that was never answered");
	if (counter_get(&r->flows_open) != 0 || counter_get(&r->held_bytes) != 0)
		complain(tap, "flows or bytes are held after the end");
	return tap->complaint;
}

void h2_tap_run(struct h2_tap *tap, const struct h2_tap_options *options, const struct h2_script *s,
		const struct h2_packets *packets)
{
	struct h2_wire wire = { .isn = { UINT32_MAX - 500, 77777 } };

	h2_tap_open(tap, options);
	for (size_t i = 0; i < packets->count; i++)
		if (packets->at[i].side == SIDE_CLIENT || !options->one_way)
			h2_feed(tap->tracker, s, &packets->at[i], &wire);
	h2_tap_finish(tap);
}

const char *h2_tap_close(struct h2_tap *tap)
{
	tracker_free(tap->tracker);
	for (size_t i = 0; i < tap->told_count; i++) {
		buffer_deinit(&tap->told[i].text);
		buffer_deinit(&tap->told[i].answer);
	}
	free(tap->told);
	tap->told = NULL;
	tap->told_count = tap->told_cap = 0;
	if (budget_used(&tap->budget) != 0)
		complain(tap, "memory is charged after everything was freed");
	return tap->complaint;
}

/** struct row - a counter, and its name in h2_tap_counter() */
struct row {
	const char *name;
	size_t at;
};

static const struct row rows[] = {
#define ROW(id, name, told, type, metric, what) { #name, offsetof(struct http_stats, id) },
#define ROW2(id, name, told, type, metric, what) { "http2." #name, offsetof(struct http_stats, id) },
#define NO_ROWS(id, count)
	REQUEST_COUNTERS(ROW, NO_ROWS) HTTP_CONNECTION_COUNTERS(ROW) HTTP2_COUNTERS(ROW2, NO_ROWS)
#define X(id, name) { "http2.connections." name, offsetof(struct http_stats, http2_start[HTTP2_##id]) },
		HTTP2_STARTS(X)
#undef X
#define X(id, name) { "http2.heads." name, offsetof(struct http_stats, http2_head[HTTP2_##id]) },
			HTTP2_HEADS(X)
#undef X
#define X(id, name) { "http2.skipped." name, offsetof(struct http_stats, http2_skip[HTTP2_##id]) },
				HTTP2_SKIPS(X)
#undef X
#define X(id, name) { "http2.gaps." name, offsetof(struct http_stats, http2_gap[HTTP2_##id]) },
					HTTP2_GAPS(X)
#undef X
#undef ROW
#undef ROW2
#undef NO_ROWS
};

uint64_t h2_tap_counter(const struct h2_tap *tap, const char *name)
{
	if (strncmp(name, "lost.", 5) == 0)
		for (int i = 0; i < LOST_REASON_COUNT; i++)
			if (strcmp(name + 5, lost_reason_name((enum lost_reason)i)) == 0)
				return counter_get(&tap->stats.lost[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(name, rows[i].name) == 0)
			return counter_get((const struct counter *)((const char *)&tap->stats + rows[i].at));
	fprintf(stderr, "no counter is called %s\n", name);
	abort();
}

/* ---- the judgement ---- */

static bool take_line(struct span *text, struct span *line)
{
	const uint8_t *end = text->len ? memchr(text->at, '\n', text->len) : NULL;

	if (!end)
		return false;
	span_take(text, (size_t)(end - text->at), line);
	span_skip(text, 1);
	return true;
}

/**
 * is_part_of() - are the lines of @part, up to an empty one, lines of @whole in this order? Both are left behind those.
 * The first line must be the same, but for a status that is not known.
 */
static bool is_part_of(struct span *part, struct span *whole)
{
	struct span want = { 0 }, is = { 0 };

	if (!take_line(part, &want) || !take_line(whole, &is) || !(span_equal(want, is) || span_equal(want, SPAN_LITERAL("0"))))
		return false;
	while (take_line(part, &want) && want.len > 0)
		do {
			if (!take_line(whole, &is) || is.len == 0)
				return false;
		} while (!span_equal(want, is));
	while (take_line(whole, &is) && is.len > 0)
		;
	return true;
}

/** says() - is @is the text @truth, or if only a part of the fields was known, a part of it? */
static bool says(struct span is, struct span truth, bool part)
{
	if (!part)
		return span_equal(is, truth);
	return is_part_of(&is, &truth) && span_equal(is, truth);
}

/** may_be_told() - was it sent, as one whole request? */
static bool may_be_told(const struct h2_request *r, bool whole)
{
	static const char *const said_elsewhere[] = { "refused", "found malformed", "malformed" };

	/* It was sent; without the refusal, or the field that is wrong, it looks like others. */
	for (size_t i = 0; i < sizeof(said_elsewhere) / sizeof(said_elsewhere[0]); i++)
		if (r->fate == H2_LOST && !whole && r->ended && strcmp(r->why, said_elsewhere[i]) == 0)
			return true;
	return r->fate == H2_COMPLETE || r->fate == H2_EITHER;
}

/** struct candidate - a request of the truth as it would be told; @found: it was */
struct candidate {
	struct buffer text;
	bool found;
};

/** find() - the request that was told, if there is one that was not told before; @found: of the first, how many were */
static const struct h2_request *find(struct candidate *candidates, const struct h2_truth *truth, const struct h2_told *told,
				     bool whole, size_t *found)
{
	while (*found < truth->count && candidates[*found].found)
		++*found;
	for (size_t i = *found; i < truth->count; i++) {
		struct candidate *c = &candidates[i];

		if (c->found || !may_be_told(&truth->at[i], whole) ||
		    !says(buffer_span(&told->text), buffer_span(&c->text), !whole || told->is_part))
			continue;
		c->found = true;
		return &truth->at[i];
	}
	return NULL;
}

static bool answer_is_right(const struct h2_tap *tap, const struct h2_told *told, bool whole)
{
	const struct h2_request *r = told->request;
	struct buffer text = { 0 };
	bool right;

	if (!told->answered)
		return !whole || !wants_answers(&tap->options);
	if (told->result != RESPONSE_WHOLE)
		return !(whole && r->answered == H2_ANSWER_WHOLE && r->fate == H2_COMPLETE && !r->reset);
	if (r->answered != H2_ANSWER_WHOLE || (whole && told->answer_is_part))
		return false;
	if (!told->answer_is_part && span_starts(buffer_span(&told->answer), SPAN_LITERAL("0")))
		return false; /* a status that is not known is a part */
	h2_answer_text(r, &text);
	if (whole && !told->answer_is_part) {
		right = span_equal(buffer_span(&told->answer), buffer_span(&text));
	} else { /* fields may be missing before the body, and behind it */
		struct span is = buffer_span(&told->answer), truth = buffer_span(&text), body = buffer_span(&r->answer_body);

		right = is_part_of(&is, &truth) && span_starts(is, body) && span_skip(&is, body.len) &&
			span_starts(truth, body) && span_skip(&truth, body.len) && is_part_of(&is, &truth);
	}
	buffer_deinit(&text);
	return right;
}

static const char *complaint_of(struct h2_tap *tap, const char *what, uint32_t stream, const struct h2_told *told)
{
	struct buffer copy = { 0 };

	if (told)
		buffer_add_span(&copy, buffer_span(&told->text));
	snprintf(tap->text, sizeof(tap->text), "%s (stream %u) %.150s", what, stream, buffer_text(&copy));
	buffer_deinit(&copy);
	complain(tap, tap->text);
	return tap->complaint;
}

/** judge_told() - one request that was told */
static const char *judge_told(struct h2_tap *tap, struct candidate *candidates, const struct h2_truth *truth,
			      struct h2_told *told, bool whole, size_t *found)
{
	if (whole && told->is_part)
		return complaint_of(tap, "a part of a head of which all is known:", 0, told);
	told->request = find(candidates, truth, told, whole && !tap->options.one_way, found);
	if (!told->request)
		return complaint_of(tap, "never sent, or told twice, or not so:", 0, told);
	if (told->is_grpc && told->messages != told->request->messages)
		return complaint_of(tap, "another number of messages:", told->request->stream, told);
	if (whole && told->is_grpc != told->request->is_grpc)
		return complaint_of(tap, "gRPC or not:", told->request->stream, told);
	if (!answer_is_right(tap, told, whole))
		return complaint_of(tap, "the answer of another one, or another answer:", told->request->stream, told);
	return NULL;
}

/** judge_all() - was everything told that is to be, and counted? */
static const char *judge_all(struct h2_tap *tap, const struct candidate *candidates, const struct h2_truth *truth)
{
	uint64_t streams = 0;

	for (size_t i = 0; i < truth->count; i++) {
		if (!candidates[i].found && truth->at[i].fate == H2_COMPLETE)
			return complaint_of(tap, "not told:", truth->at[i].stream, NULL);
		streams += truth->at[i].fate != H2_TUNNEL;
	}
	if (!truth->broken[SIDE_CLIENT] && !truth->broken[SIDE_SERVER] && h2_tap_counter(tap, "seen") != streams)
		return complaint_of(tap, "seen is not the number of streams", (uint32_t)streams, NULL);
	return NULL;
}

const char *h2_judge(struct h2_tap *tap, const struct h2_truth *truth, bool whole)
{
	struct candidate *candidates = calloc(truth->count + 1, sizeof(*candidates));
	const char *complaint = tap->complaint;
	size_t found = 0; /* the first so many are */

	if (!candidates)
		abort();
	for (size_t i = 0; i < truth->count; i++)
		h2_request_text(&truth->at[i], &candidates[i].text);
	for (size_t i = 0; i < tap->told_count && !complaint; i++)
		if (tap->told[i].kept)
			complaint = judge_told(tap, candidates, truth, &tap->told[i], whole, &found);
	if (!complaint && whole)
		complaint = judge_all(tap, candidates, truth);
	for (size_t i = 0; i < truth->count; i++)
		buffer_deinit(&candidates[i].text);
	free(candidates);
	return complaint;
}
