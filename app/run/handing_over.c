/* handing_over.c - see handing_over.h */
#include "app/run/handing_over.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run/response_ids.h"
#include "base/hash.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/units.h"
#include "relay/nats_engine.h"

#define CONNECT_NS NS_PER_S /* at the start; packets wait meanwhile, in the kernel */
#define FACTS_MS 1000
#define SAMPLE_TEXT 128

struct handing_over {
	struct handing_over_settings set;
	struct broker_url url;
	struct engine *engine; /* the publisher's, which frees it */
	struct publisher *publisher;
	struct response_ids *ids; /* NULL without --compare */
	struct header_list fields;
	char sample[SAMPLE_TEXT]; /* as it was when facts were last asked for */
	struct histogram words;
	struct handing_over_hooks hooks;
	uv_async_t wake;
	uv_timer_t facts;
	bool has_handles;
	void (*on_drained)(void *ctx);
	void *on_drained_ctx;
};

/* ---- what travels --------------------------------------------------------------- */

static void forwarded(void *ctx, const struct request_head *head, struct header_list *out)
{
	const struct handing_over *h = ctx;

	allow_list_forwarded(h->hooks.fields(h->hooks.ctx), head, out);
}

/**
 * answer_field() - what responses are compared by, and what the allow-list names
 *
 * Nothing that gives a client its credentials, or is about them, travels by a glob of that list either.
 */
static bool answer_field(void *ctx, struct span name)
{
	static const struct span never[] = {
		SPAN_LITERAL("set-cookie"),
		SPAN_LITERAL("www-authenticate"),
		SPAN_LITERAL("proxy-authenticate"),
		SPAN_LITERAL("authentication-info"),
		SPAN_LITERAL("proxy-authentication-info"),
	};
	static const struct span always[] = {
		SPAN_LITERAL("content-type"),
		SPAN_LITERAL("content-encoding"),
		SPAN_LITERAL("inference-header-content-length"),
		SPAN_LITERAL("grpc-encoding"),
		SPAN_LITERAL("grpc-status"),
		SPAN_LITERAL("grpc-message"),
	};
	const struct handing_over *h = ctx;

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (span_equal_nocase(name, never[i]))
			return false;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (span_equal_nocase(name, always[i]))
			return true;
	return allow_list_has(h->hooks.fields(h->hooks.ctx), name, false, true);
}

static struct record_rules rules_of(struct handing_over *h)
{
	return (struct record_rules){
		.ctx = h,
		.fields = forwarded,
		.answer_field = answer_field,
		.sample = h->sample,
	};
}

void handing_over_request(struct handing_over *h, const struct message *m, uint64_t token)
{
	struct record_rules rules = rules_of(h);
	struct wire_id unused;
	bool has_answer;

	if (!publisher_takes(h->publisher, RECORD_REQUEST))
		return;
	has_answer = h->ids && token && response_ids_add(h->ids, token, m->origin.wire);
	if (!publisher_give(h->publisher, record_of_request(m, has_answer, &rules, &h->fields)) && has_answer)
		response_ids_take(h->ids, token, &unused); /* nobody has the request */
}

void handing_over_response(struct handing_over *h, uint64_t token, const struct response *r)
{
	struct record_rules rules = rules_of(h);
	struct wire_id id;

	if (h->ids && response_ids_take(h->ids, token, &id) && publisher_takes(h->publisher, RECORD_ANSWER))
		publisher_give(h->publisher, record_of_response(id, r, wall_now(), &rules));
}

/* ---- what the publisher says -------------------------------------------------------- */

static void on_wake(void *ctx)
{
	struct handing_over *h = ctx;

	if (h->has_handles) /* else nobody can be told yet; the news wait */
		uv_async_send(&h->wake);
}

static void log_news(struct handing_over *h)
{
	struct buffer news = { 0 };
	struct span rest, line;

	publisher_news(h->publisher, &news);
	rest = buffer_span(&news);
	while (line_take(&rest, &line))
		log_warn("%.*s", (int)line.len, (const char *)line.at);
	buffer_deinit(&news);
}

static void tell_drained(struct handing_over *h)
{
	void (*done)(void *ctx) = h->on_drained;

	if (!done || !publisher_has_ended(h->publisher))
		return;
	h->on_drained = NULL;
	done(h->on_drained_ctx);
}

static void on_async(uv_async_t *handle)
{
	struct handing_over *h = handle->data;

	log_news(h);
	if (publisher_has_room(h->publisher))
		h->hooks.on_room(h->hooks.ctx);
	tell_drained(h);
}

static void on_facts(uv_timer_t *timer)
{
	struct handing_over *h = timer->data;
	struct buffer members = { 0 };

	h->hooks.sample(h->hooks.ctx, h->sample, sizeof(h->sample));
	h->hooks.facts(h->hooks.ctx, &members);
	if (buffer_ok(&members))
		publisher_set_facts(h->publisher, buffer_span(&members));
	buffer_deinit(&members);
}

void handing_over_drain(struct handing_over *h, int64_t limit_ns, void (*done)(void *ctx), void *ctx)
{
	h->on_drained = done;
	h->on_drained_ctx = ctx;
	on_facts(&h->facts); /* what its last heartbeat says is how it ended */
	publisher_end(h->publisher, limit_ns);
	uv_async_send(&h->wake);
}

/* ---- from start to end ----------------------------------------------------------------- */

static int make_publisher(struct handing_over *h, struct budget *budget)
{
	struct publisher_options options = {
		.engine = h->engine,
		.service = h->url.service,
		.tap = h->set.tap,
		.partitions = RELAY_PARTITIONS,
		.buffer_bytes = h->set.buffer_bytes,
		.budget = budget,
		.on_wake = on_wake,
		.ctx = h,
	};
	char run[64];
	int err;

	/* one that is started again is another run, with numbers of its own */
	snprintf(run, sizeof(run), "%" PRId64 "-%08" PRIx32, wall_now().ns / NS_PER_S, (uint32_t)hash_key_random().k0);
	options.run = run;
	err = publisher_new(&options, &h->publisher);
	if (err < 0)
		h->engine->ops->free(h->engine);
	return err;
}

int handing_over_new(const struct handing_over_settings *set, struct budget *budget, struct handing_over **out,
		     struct buffer *error)
{
	struct handing_over *h = calloc(1, sizeof(*h));
	struct broker_options broker = set->broker;
	char name[RELAY_NAME_MAX + 16], inbox[SUBJECT_MAX];
	int err;

	if (!h)
		return -ENOMEM;
	h->set = *set;
	h->url = *set->broker.url;
	snprintf(name, sizeof(name), "shadowtap %s", set->tap);
	broker.name = name;
	broker.inbox = inbox_tap(set->tap, inbox);
	err = nats_engine_new(&broker, &set->stream, &h->engine, error);
	if (err == 0)
		err = make_publisher(h, budget);
	if (err == 0 && set->compares && !(h->ids = response_ids_new()))
		err = -ENOMEM;
	if (err < 0) {
		if (error->len == 0)
			buffer_add_str(error, "cannot set up the handing over of requests: out of memory");
		handing_over_free(h);
		return err;
	}
	*out = h;
	return 0;
}

static void say_limit(const struct handing_over *h)
{
	uint64_t limit = publisher_limit(h->publisher);
	char takes[UNITS_TEXT_MAX], body[UNITS_TEXT_MAX];

	if (limit > 0 && limit < h->set.max_body)
		log_info("the broker takes messages of at most %s, less than --max-body %s: larger requests are counted as too_large; "
			 "max_payload in its configuration says how large",
			 size_text(limit, takes), size_text(h->set.max_body, body));
}

int handing_over_connect(struct handing_over *h, struct buffer *error)
{
	struct buffer said = { 0 };
	int err = nats_engine_connect(h->engine, CONNECT_NS, error);

	if (err == -EACCES || err == -ENOMEM)
		return err;
	if (err < 0) {
		log_warn("%s; it is tried again and again, and until then nothing is handed over", buffer_text(error));
		buffer_clear(error);
	}
	publisher_begin(h->publisher, err == 0, &said);
	if (said.len > 0)
		log_warn("%s", buffer_text(&said));
	buffer_deinit(&said);
	say_limit(h);
	return 0;
}

int handing_over_start(struct handing_over *h, uv_loop_t *loop, const struct handing_over_hooks *hooks)
{
	int err = uv_async_init(loop, &h->wake, on_async);

	if (err < 0)
		return err;
	h->hooks = *hooks;
	h->wake.data = h;
	uv_timer_init(loop, &h->facts);
	h->facts.data = h;
	h->has_handles = true;
	h->hooks.sample(h->hooks.ctx, h->sample, sizeof(h->sample));
	err = publisher_start(h->publisher);
	if (err == 0)
		err = uv_timer_start(&h->facts, on_facts, FACTS_MS, FACTS_MS);
	return err;
}

bool handing_over_has_room(struct handing_over *h)
{
	return publisher_has_room(h->publisher);
}

bool handing_over_is_busy(const struct handing_over *h)
{
	return publisher_is_busy(h->publisher);
}

bool handing_over_is_own(const struct handing_over *h, uint16_t client, uint16_t server)
{
	return nats_engine_is_own(h->engine, client, server);
}

const struct relay_stats *handing_over_stats(const struct handing_over *h)
{
	return publisher_stats(h->publisher);
}

const struct histogram *handing_over_word_times(struct handing_over *h)
{
	publisher_word_times(h->publisher, &h->words);
	return &h->words;
}

const char *handing_over_shown(const struct handing_over *h)
{
	return h->url.shown;
}

void handing_over_close(struct handing_over *h)
{
	if (!h->has_handles)
		return;
	log_news(h);
	publisher_stop(h->publisher); /* nothing wakes the loop any more */
	h->has_handles = false;
	uv_close((uv_handle_t *)&h->wake, NULL);
	uv_close((uv_handle_t *)&h->facts, NULL);
}

void handing_over_free(struct handing_over *h)
{
	if (!h)
		return;
	publisher_free(h->publisher);
	response_ids_free(h->ids);
	header_list_deinit(&h->fields);
	free(h);
}
