/*
 * test_places.c - one request, captured at two places: the same id
 *
 * Each recording of pcaps/ is read as it is, and as another tap would have seen it: by another clock, with other
 * addresses and ports on both sides, in another network; with segments joined as a receiver's network card joins them, cut
 * as a sender's does, and from somewhere in the middle on. Whatever request both find has one id, no two requests
 * of a recording share one, and each becomes a record and a request again.
 */
#include "tests/rig/unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "capture/source.h"
#include "http/http1/http1_reader.h"
#include "http/http2/http2_reader.h"
#include "message/http_text.h"
#include "reassembly/tracker.h"
#include "relay/record.h"
#include "relay/wire_id.h"
#include "tests/rig/dice.h"
#include "tests/rig/record_lines.h"

#define BODY_MAX (8 << 20)

/** struct kept - a segment with bytes of its own */
struct kept {
	struct segment s;
	uint8_t *bytes;
};

/** struct found - a request, by a digest of all that was captured of it but for time, ends and ids */
struct found {
	uint8_t digest[DIGEST_SHA256_BYTES];
	struct wire_id id;
	uint64_t local;
};

/** struct place - what a tap has found */
struct place {
	struct budget budget;
	struct http_stats stats;
	struct next_protocol next;
	struct found *found;
	size_t count, cap;
	size_t recorded;
};

struct recording {
	struct kept *at;
	size_t count, cap;
	struct decoder *decoder;
};

/* ---- a recording as segments ---- */

static void *grown(void *at, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return at;
	*cap = *cap ? 2 * *cap : 256;
	at = realloc(at, *cap * size);
	assert_non_null(at);
	return at;
}

static void add_segment(struct recording *r, const struct segment *s)
{
	struct kept *k;

	r->at = grown(r->at, r->count, &r->cap, sizeof(r->at[0]));
	k = &r->at[r->count++];
	*k = (struct kept){ .s = *s, .bytes = malloc(s->payload.len + 1) };
	assert_non_null(k->bytes);
	if (s->payload.len > 0)
		memcpy(k->bytes, s->payload.at, s->payload.len);
	k->s.payload.at = k->bytes;
	k->s.mptcp = NULL;
}

static void on_packet(void *ctx, const struct packet *packet)
{
	struct recording *r = ctx;
	struct segment s;

	if (decoder_packet(r->decoder, packet, &s) == PACKET_DECODED)
		add_segment(r, &s);
}

static void load(const char *path, struct recording *out)
{
	static const struct port_set any;
	struct file_options options = { .paths = &path, .path_count = 1 };
	struct buffer error = { 0 };
	struct source *s = NULL;
	int rc;

	*out = (struct recording){ .decoder = decoder_new(&any, NULL) };
	assert_non_null(out->decoder);
	rc = source_open_files(&options, &s, &error);
	while (rc == 0)
		rc = source_read(s, 1000, on_packet, out);
	source_close(s);
	decoder_free(out->decoder);
	buffer_deinit(&error);
}

static void unload(struct recording *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->at[i].bytes);
	free(r->at);
}

/* ---- what a tap finds in segments ---- */

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	(void)ctx, (void)head, (void)origin;
	return (struct head_decision){ .keep = KEEP_WHOLE };
}

static void all_fields(void *ctx, const struct request_head *head, struct header_list *out)
{
	(void)ctx;
	for (size_t i = 0; i < head->header_count; i++)
		header_list_add(out, head->headers[i].name, head->headers[i].value);
}

static void add_text(struct digest *d, struct span text)
{
	uint64_t len = text.len;

	digest_add(d, &len, sizeof(len));
	digest_add(d, text.at, text.len);
}

/** check_record() - @m as a record, read again: nothing of its line and its body is another */
static void check_record(struct place *p, const struct message *m)
{
	static const struct record_rules rules = { .fields = all_fields };
	struct header_list scratch = { 0 };
	struct record *r = record_of_request(m, m->response_token != 0, &rules, &scratch);
	struct record_request in = { 0 };
	struct buffer lines = { 0 };
	struct record_fields f;
	enum record_fault why = RECORD_FINE;

	assert_non_null(r);
	f = record_fields_of(r, "shadowtap://tap/run", p->recorded++, &lines);
	if (record_read_request(&f, &in, &why) != 0)
		fail_msg("%s: %.*s", record_fault_name(why), (int)r->data_len, r->data);
	assert_true(span_equal(in.head.method, m->head.method) && span_equal(in.head.target, m->head.target));
	assert_true(span_equal(in.body, span_of(m->body, m->body_len)) && in.head.is_grpc == m->head.is_grpc);
	assert_int_equal(in.grpc_messages, m->grpc_messages);
	record_request_deinit(&in);
	record_free(r);
	buffer_deinit(&lines);
	header_list_deinit(&scratch);
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct place *p = ctx;
	struct digest *d = digest_new();
	struct found *f;

	(void)decision;
	assert_true(m && d && !out_of_memory);
	p->found = grown(p->found, p->count, &p->cap, sizeof(p->found[0]));
	f = &p->found[p->count++];
	add_text(d, m->head.method);
	add_text(d, m->head.target);
	for (size_t i = 0; i < m->head.header_count && !m->head.is_part; i++) {
		add_text(d, m->head.headers[i].name);
		add_text(d, m->head.headers[i].value);
	}
	add_text(d, span_of(m->body, m->body_len));
	m->origin.wire = f->id = wire_id_of(&m->head, &m->origin);
	f->local = m->origin.id;
	digest_finish(d, f->digest);
	digest_free(d);
	check_record(p, m);
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	(void)ctx, (void)reason, (void)origin, (void)head;
}

static struct tracker *open_place(struct place *p)
{
	struct protocol_sink sink = { p, on_head, on_request, on_lost, NULL };
	struct http2_options two = { .sink = sink, .max_body = BODY_MAX,
				     .budget = &p->budget, .stats = &p->stats, .next = &p->next };
	struct http1_options one = { .sink = sink, .max_body = BODY_MAX,
				     .budget = &p->budget, .stats = &p->stats, .next = &p->next };
	struct reader_kind kinds[] = { http1_reader(&one), http2_reader(&two) };
	struct tracker_options options = { .hold_bytes = 4 << 20, .idle_ns = 600 * NS_PER_S, .budget = &p->budget };
	struct tracker *t;

	*p = (struct place){ 0 };
	budget_init(&p->budget, (size_t)1 << 30);
	t = tracker_new(&options, kinds, 2);
	assert_non_null(t);
	return t;
}

/* ---- as another tap sees it ---- */

enum view { AS_IT_IS, ELSEWHERE, JOINED, CUT, LATE, VIEWS };

static const char *const view_names[VIEWS] = { "as it is", "elsewhere", "joined", "cut", "late" };

static void move_end(struct endpoint *e)
{
	e->addr[15] ^= 0x55;
	e->addr[13] ^= 0x0f;
	e->port ^= 0x0101;
}

static bool follows(const struct segment *a, const struct segment *b)
{
	uint8_t flags = a->flags | b->flags;

	return a->payload.len > 0 && b->payload.len > 0 && a->missing_bytes == 0 && a->domain == b->domain &&
	       a->seq + a->payload.len == b->seq && a->ack == b->ack && (flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG)) == 0 &&
	       memcmp(&a->src, &b->src, sizeof(a->src)) == 0 && memcmp(&a->dst, &b->dst, sizeof(a->dst)) == 0;
}

/** feed_joined() - @at and what follows it at once, as one; how many that were */
static size_t feed_joined(struct tracker *t, const struct kept *at, size_t left)
{
	struct segment s = at[0].s;
	struct buffer bytes = { 0 };
	size_t n = 1;

	buffer_add_span(&bytes, s.payload);
	for (; n < left && bytes.len < 60000 && follows(&at[n - 1].s, &at[n].s); n++) {
		buffer_add_span(&bytes, at[n].s.payload);
		s.missing_bytes = at[n].s.missing_bytes;
		s.ts = at[n].s.ts;
	}
	if (n > 1)
		s.payload = buffer_span(&bytes);
	tracker_feed(t, &s);
	buffer_deinit(&bytes);
	return n;
}

static void feed_cut(struct tracker *t, const struct segment *whole, struct dice *d)
{
	struct segment s = *whole;
	struct span left = whole->payload;

	if ((s.flags & (TCP_SYN | TCP_URG)) || s.missing_bytes > 0) {
		tracker_feed(t, &s);
		return;
	}
	do {
		size_t n = left.len > 0 ? 1 + below(d, left.len < 700 ? (uint32_t)left.len : 700) : 0;

		if (n > left.len)
			n = left.len;
		span_take(&left, n, &s.payload);
		s.flags = left.len > 0 ? whole->flags & (uint8_t) ~(TCP_FIN | TCP_PSH | TCP_RST) : whole->flags;
		tracker_feed(t, &s);
		s.seq += (uint32_t)n;
	} while (left.len > 0);
}

static void feed(struct tracker *t, const struct recording *r, enum view view, struct dice *d)
{
	int64_t jitter = 0;

	for (size_t i = view == LATE ? r->count / 3 : 0; i < r->count; i++) {
		struct segment s = r->at[i].s;

		switch (view) {
		case ELSEWHERE:
			move_end(&s.src);
			move_end(&s.dst);
			s.domain ^= 77;
			s.ts.ns += 3600 * NS_PER_S + (jitter += below(d, 30000));
			tracker_feed(t, &s);
			break;
		case JOINED:
			i += feed_joined(t, &r->at[i], r->count - i) - 1;
			break;
		case CUT:
			feed_cut(t, &s, d);
			break;
		default:
			tracker_feed(t, &s);
			break;
		}
	}
	tracker_finish(t);
}

static int by_digest(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int order = memcmp(x->digest, y->digest, sizeof(x->digest));

	if (order != 0)
		return order;
	if (x->id.high != y->id.high)
		return x->id.high < y->id.high ? -1 : 1;
	return x->id.low < y->id.low ? -1 : x->id.low > y->id.low;
}

static void look(struct place *p, const struct recording *r, enum view view)
{
	struct dice d = dice_of_seed(view + 1);
	struct tracker *t = open_place(p);

	feed(t, r, view, &d);
	tracker_free(t);
	assert_int_equal(budget_used(&p->budget), 0);
	if (p->count > 0)
		qsort(p->found, p->count, sizeof(p->found[0]), by_digest);
}

/** same_in() - how many of @a are in @b too, both in order, request and id */
static size_t same_in(const struct place *a, const struct place *b, bool ids)
{
	size_t same = 0;

	for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
		int order = ids ? by_digest(&a->found[i], &b->found[k])
				: memcmp(a->found[i].digest, b->found[k].digest, DIGEST_SHA256_BYTES);

		same += order == 0;
		i += order <= 0;
		k += order >= 0;
	}
	return same;
}

static int by_id(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return memcmp(&x->id, &y->id, sizeof(x->id));
}

static size_t shared_ids(struct place *p)
{
	size_t shared = 0;

	if (p->count > 0)
		qsort(p->found, p->count, sizeof(p->found[0]), by_id);
	for (size_t i = 1; i < p->count; i++)
		shared += by_id(&p->found[i - 1], &p->found[i]) == 0;
	return shared;
}

static void check_view(const char *path, const struct recording *r, struct place *here, enum view view, size_t *seen)
{
	struct place there;
	size_t both, same;

	look(&there, r, view);
	both = same_in(here, &there, false);
	same = same_in(here, &there, true);
	if (same != both || (view != LATE && (same != here->count || same != there.count)))
		fail_msg("%s, %s: %zu here, %zu there, %zu in both, %zu with one id", path, view_names[view], here->count, there.count,
			 both, same);
	for (size_t i = 0; view == ELSEWHERE && i < here->count; i++) /* what their ids on one tap are for: these differ */
		assert_true(here->found[i].local != there.found[i].local);
	*seen += same;
	free(there.found);
}

static void test_places(void **state)
{
	size_t requests = 0, seen[VIEWS] = { 0 };
	glob_t files;

	(void)state;
	assert_int_equal(glob(CAPTURES "/*.pcap", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct recording r;
		struct place here;

		load(files.gl_pathv[i], &r); /* one that is cut short is read as far as it goes */
		look(&here, &r, AS_IT_IS);
		requests += here.count;
		for (enum view view = ELSEWHERE; view < VIEWS; view++)
			check_view(files.gl_pathv[i], &r, &here, view, &seen[view]);
		if (shared_ids(&here) > 0)
			fail_msg("%s: requests share an id", files.gl_pathv[i]);
		free(here.found);
		unload(&r);
	}
	globfree(&files);
	print_message("%zu requests, and %zu of them from the middle on: one id each, wherever\n", requests, seen[LATE]);
	assert_true(requests > 500 && seen[LATE] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_places) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
