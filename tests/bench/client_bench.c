/*
 * client_bench.c - how many requests a second our client sends, and at what cost
 *
 * Usage: client_bench URL CONNECTIONS BODY_BYTES SECONDS [STREAMS]
 *
 * With STREAMS it speaks HTTP/2, with so many requests at once on a connection.
 * Submits POSTs as -x max does: as long as there is room, again when on_room
 * says so. They are one message, since what it takes to make many large ones is
 * not the client's cost. To compare: `wrk -t1 -cCONNECTIONS`, for HTTP/2
 * `h2load -t1 -cCONNECTIONS -mSTREAMS`, with the same request, in turns with
 * this, on the same server. What TLS costs: the same server's https against its
 * http. One line of JSON on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/units.h"
#include "replay/replay.h"

struct bench {
	uv_loop_t loop;
	uv_async_t room;
	uv_timer_t end;
	struct replay *replay;
	struct message *message;
	uint64_t answered, other;
	bool is_over;
};

static int make_head(void *ctx, const struct message *m, struct outgoing *out)
{
	outgoing_clear(out);
	out->method = m->head.method;
	out->target = SPAN_LITERAL("/v1/models/m:predict");
	outgoing_add(out, SPAN_LITERAL("host"), span_str(ctx));
	outgoing_add(out, SPAN_LITERAL("content-type"), SPAN_LITERAL("application/json"));
	outgoing_add(out, SPAN_LITERAL("user-agent"), SPAN_LITERAL("shadowtap/bench"));
	outgoing_add(out, SPAN_LITERAL("x-shadowtap"), SPAN_LITERAL("0123456789abcdef"));
	outgoing_add_length(out, m->body_len);
	return 0;
}

static struct message *make_message(size_t body_len)
{
	struct message *m = calloc(1, sizeof(*m));

	if (!m || !(m->body = malloc(body_len + 1)))
		abort();
	memset(m->body, 'x', body_len);
	m->references = 1;
	m->head.method = SPAN_LITERAL("POST");
	m->body_kept = true;
	m->body_len = body_len;
	return m;
}

static void submit(uv_async_t *handle)
{
	struct bench *b = handle->data;

	/* As the intake does, in portions: with an open breaker there is always room, and the loop must turn. */
	for (int i = 0; i < 256; i++) {
		if (b->is_over || !replay_has_room(b->replay))
			return;
		replay_submit(b->replay, message_ref(b->message));
	}
	uv_async_send(&b->room);
}

static void on_room(void *ctx)
{
	struct bench *b = ctx;

	uv_async_send(&b->room);
}

static void on_outcome(void *ctx, size_t target, const struct message *m, const struct outcome *o)
{
	struct bench *b = ctx;

	if (o->kind == OUTCOME_ANSWERED_2XX)
		b->answered++;
	else
		b->other++;
}

static void on_end(uv_timer_t *timer)
{
	struct bench *b = timer->data;

	b->is_over = true;
	uv_stop(&b->loop);
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct buffer error = { 0 };
	struct target_options target = {
		.queue = 4096,
		.max_time_ns = 10 * NS_PER_S,
		.breaker = 10,
		.sample_share = SHARE_ONE,
		.tls.insecure = true, /* the server's certificate is whatever is at hand */
		.make_head = make_head,
		.make_head_ctx = target.url.authority,
	};
	struct replay_options options = {
		.targets = &target, .target_count = 1, .on_outcome = on_outcome, .on_room = on_room, .ctx = &b
	};
	const struct target_stats *s;
	struct mono began;
	double took_s;

	if (argc < 5 || argc > 6 || target_url_parse(argv[1], &target.url, &error) < 0) {
		fprintf(stderr, "client_bench URL CONNECTIONS BODY_BYTES SECONDS [STREAMS]\n%s\n", buffer_text(&error));
		return 2;
	}
	target.connections = (uint32_t)strtoul(argv[2], NULL, 10);
	if (argc == 6) {
		target.http_version = HTTP_VERSION_2;
		target.streams = (uint32_t)strtoul(argv[5], NULL, 10);
	}
	b.message = make_message(strtoul(argv[3], NULL, 10));
	uv_loop_init(&b.loop);
	uv_async_init(&b.loop, &b.room, submit);
	uv_timer_init(&b.loop, &b.end);
	b.room.data = b.end.data = &b;
	if (replay_new(&b.loop, &options, &b.replay, &error) < 0) {
		fprintf(stderr, "%s\n", buffer_text(&error));
		return 1;
	}
	uv_timer_start(&b.end, on_end, strtoul(argv[4], NULL, 10) * 1000, 0);
	uv_async_send(&b.room);
	began = mono_now();
	uv_run(&b.loop, UV_RUN_DEFAULT);
	took_s = (double)(mono_now().ns - began.ns) / 1e9;
	s = replay_target_stats(b.replay, 0);
	printf("{\"requests_per_s\":%.0f,\"cpu_us_per_request\":%.2f,\"answered\":%lu,\"other\":%lu,"
	       "\"connects\":%lu,"
	       "\"p50_us\":%lu,\"p99_us\":%lu}\n",
	       (double)b.answered / took_s, cpu_us() / (double)(b.answered ? b.answered : 1),
	       (unsigned long)b.answered, (unsigned long)b.other, (unsigned long)counter_get(&s->connects),
	       (unsigned long)histogram_quantile(&s->total_us, 0.5),
	       (unsigned long)histogram_quantile(&s->total_us, 0.99));
	replay_close(b.replay);
	uv_close((uv_handle_t *)&b.room, NULL);
	uv_close((uv_handle_t *)&b.end, NULL);
	uv_run(&b.loop, UV_RUN_DEFAULT);
	uv_loop_close(&b.loop);
	replay_free(b.replay);
	message_unref(b.message);
	return 0;
}
