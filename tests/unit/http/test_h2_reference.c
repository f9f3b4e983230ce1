/*
 * test_h2_reference.c - the reference that judges the HTTP/2 reader, judged by nghttp2
 *
 * Conversations at random are given to a server of nghttp2 as a client would send them. What it takes for
 * whole requests must be what the reference says, and what it refuses must not be complete there.
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_reference.h"
#include "tests/rig/h2_talk.h"

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

/* Of each mix, unless PROPERTY_ROUNDS says otherwise, as ./test --long does; fewer where each costs many times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 60
#else
#define ROUNDS 400
#endif
#define STREAMS_MAX 64

static uint64_t rounds(void)
{
	const char *wish = getenv("PROPERTY_ROUNDS");

	return wish ? strtoull(wish, NULL, 10) / 10 : ROUNDS;
}

/** struct heard - what the server heard of one stream */
struct heard {
	uint32_t stream;
	struct buffer head, body;
	bool trailers, ended, refused;
};

struct server {
	struct heard heard[STREAMS_MAX];
	size_t count;
};

static struct heard *heard_of(struct server *s, int32_t stream)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->heard[i].stream == (uint32_t)stream)
			return &s->heard[i];
	assert_true(s->count < STREAMS_MAX);
	s->heard[s->count] = (struct heard){ .stream = (uint32_t)stream };
	return &s->heard[s->count++];
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	if (frame->hd.type == NGHTTP2_HEADERS)
		heard_of(user, frame->hd.stream_id)->trailers = frame->headers.cat != NGHTTP2_HCAT_REQUEST;
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
		     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	struct heard *h = heard_of(user, frame->hd.stream_id);

	if (h->trailers)
		return 0;
	buffer_add(&h->head, name, name_len);
	buffer_add_str(&h->head, ": ");
	buffer_add(&h->head, value, value_len);
	buffer_add_str(&h->head, "\n");
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t len, void *user)
{
	buffer_add(&heard_of(user, stream)->body, bytes, len);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		heard_of(user, frame->hd.stream_id)->ended = true;
	return 0;
}

static int on_refused(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	if (frame->hd.stream_id)
		heard_of(user, frame->hd.stream_id)->refused = true;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user)
{
	if (error != NGHTTP2_NO_ERROR && error != NGHTTP2_CANCEL)
		heard_of(user, stream)->refused = true;
	return 0;
}

static void drain(nghttp2_session *session)
{
	const uint8_t *bytes;

	while (nghttp2_session_mem_send(session, &bytes) > 0)
		;
}

/** settings_of() - how many SETTINGS a side sent: the other one acknowledged as many */
static unsigned settings_of(struct span in)
{
	unsigned count = 0;

	while (in.len >= H2_FRAME_HEAD) {
		count += in.at[3] == H2_SETTINGS && !(in.at[4] & H2_ACK);
		span_skip(&in, H2_FRAME_HEAD + ((size_t)in.at[0] << 16 | (size_t)in.at[1] << 8 | in.at[2]));
	}
	return count;
}

static void listen(struct server *server, const struct h2_script *s)
{
	struct span in = buffer_span(&s->bytes[SIDE_CLIENT]);
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;

	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_refused);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	assert_int_equal(nghttp2_session_server_new(&session, callbacks, server), 0);
	for (unsigned n = settings_of(buffer_span(&s->bytes[SIDE_SERVER])); n > 0; n--)
		nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
	while (in.len > 0) {
		struct span part = { 0 };

		span_take(&in, in.len < 1000 ? in.len : 1000, &part);
		drain(session);
		assert_int_equal(nghttp2_session_mem_recv(session, part.at, part.len), part.len);
	}
	drain(session);
	nghttp2_session_del(session);
	nghttp2_session_callbacks_del(callbacks);
}

/** head_text() - as on_header() writes it, in the order in which scripts write pseudo fields */
static void head_text(const struct h2_request *r, struct buffer *out)
{
	buffer_printf(out, ":method: %s\n", buffer_text((struct buffer *)&r->method));
	buffer_printf(out, ":scheme: http\n:path: %s\n", buffer_text((struct buffer *)&r->target));
	if (r->authority.len)
		buffer_printf(out, ":authority: %s\n", buffer_text((struct buffer *)&r->authority));
	buffer_add_span(out, buffer_span(&r->fields));
}

static bool same(const struct h2_request *r, const struct heard *h)
{
	struct buffer head = { 0 };
	bool is;

	head_text(r, &head);
	is = h && h->ended && !h->refused && span_equal(buffer_span(&head), buffer_span(&h->head)) &&
	     span_equal(buffer_span(&r->body), buffer_span(&h->body));
	buffer_deinit(&head);
	return is;
}

static void one_round(const struct h2_mix *mix, uint64_t seed, size_t *complete)
{
	struct dice d = dice_of_seed(seed);
	struct h2_script s;
	struct h2_truth t;
	struct server server = { .count = 0 };

	h2_script_init(&s, mix->client, mix->server, &d);
	h2_talk(&s, &d, mix);
	t = h2_reference(&s);
	listen(&server, &s);
	if (t.broken[SIDE_CLIENT] || t.broken[SIDE_SERVER])
		fail_msg("%s, seed %llu: broken", mix->name, (unsigned long long)seed);
	for (size_t i = 0; i < t.count; i++) {
		struct h2_request *r = &t.at[i];
		struct heard *h = heard_of(&server, (int32_t)r->stream);

		if (r->fate == H2_COMPLETE && !same(r, h))
			fail_msg("%s, seed %llu, stream %u: complete, but not for nghttp2 (ended %d, refused %d)\n%s---\n%s",
				 mix->name, (unsigned long long)seed, r->stream, h->ended, h->refused, buffer_text(&h->head),
				 buffer_text(&r->fields));
		if (r->fate == H2_LOST && strcmp(r->why, "malformed") == 0 && h->ended && !h->refused)
			fail_msg("%s, seed %llu, stream %u: malformed, but not for nghttp2", mix->name,
				 (unsigned long long)seed, r->stream);
		*complete += r->fate == H2_COMPLETE;
	}
	for (size_t i = 0; i < server.count; i++) {
		size_t k = 0;

		while (k < t.count && t.at[k].stream != server.heard[i].stream)
			k++;
		assert_true(k < t.count);
		buffer_deinit(&server.heard[i].head);
		buffer_deinit(&server.heard[i].body);
	}
	h2_truth_free(&t);
	h2_script_deinit(&s);
}

static void test_as_nghttp2_hears_it(void **state)
{
	for (size_t m = 0; m < h2_mix_count; m++) {
		size_t complete = 0;

		for (uint64_t seed = 1; seed <= rounds(); seed++)
			one_round(&h2_mixes[m], seed, &complete);
		assert_true(complete > rounds()); /* they are conversations */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_nghttp2_hears_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
