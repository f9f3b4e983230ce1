/*
 * grpc_compare.c - see grpc_compare.h
 *
 * Theory of operation. Both bodies are taken apart into messages, and the messages are paired. Each
 * pair is brought into a form that this floor compares already: tensors (tensor_form.h) where the method responds with
 * such, else JSON, by the type of the message if it is known. Tensors that cannot be read as such on either side (a
 * server with datatypes of its own) are compared as a message of unknown type.
 *
 * What is written for one pair of messages is charged while it is compared, and
 * its buffers are used for the next.
 */
#include "compare/grpc/grpc_compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/grpc/grpc_tf.h"
#include "compare/grpc/grpc_v2.h"
#include "compare/grpc/proto_guess.h"
#include "compare/grpc/proto_json.h"
#include "compare/grpc/protobuf.h"
#include "compare/tensors/tensor_compare.h"

#define FORM_LEAST 65536

struct half {
	struct grpc_reply reply;
	struct tensor_form form; /* or JSON */
	struct tensors tensors;
	struct json_doc doc;
};

struct grpc_comparer {
	struct grpc_tools tools;
	struct half half[2]; /* production, shadow */
	struct grpc_method method;
	struct grpc_found *found;
	uint64_t max_len; /* of one form */
	size_t charged;
};

static bool charge(struct grpc_comparer *g, uint64_t n)
{
	if (n > SIZE_MAX || !budget_charge(g->tools.memory, (size_t)n))
		return false;
	g->charged += (size_t)n;
	return true;
}

static void release_to(struct grpc_comparer *g, size_t charged)
{
	budget_release(g->tools.memory, g->charged - charged);
	g->charged = charged;
}

/** room() - most bytes of one form: two are made, each in a buffer that may be twice as large, and read */
static uint64_t room(const struct grpc_comparer *g)
{
	uint64_t left = (g->tools.memory->limit - budget_used(g->tools.memory)) / 4;

	return left < g->max_len ? left : g->max_len;
}

/** unreadable() - note why; false, so that nothing more is compared */
static bool unreadable(struct grpc_comparer *g, int production, int shadow, const char *damaged)
{
	g->found->production = production;
	g->found->shadow = shadow;
	g->found->damaged = damaged;
	return false;
}

static bool stopped(struct grpc_comparer *g, int err)
{
	g->found->error = err;
	return err == 0;
}

static bool charge_forms(struct grpc_comparer *g)
{
	return charge(g, 3 * ((uint64_t)g->half[0].form.bytes.len + g->half[1].form.bytes.len));
}

/* ---- as JSON ---- */

static bool compare_json(struct grpc_comparer *g)
{
	struct span p = buffer_span(&g->half[0].form.bytes), s = buffer_span(&g->half[1].form.bytes);
	const struct json_doc *shadow = &g->half[1].doc;
	int err;

	g->found->kind = BODY_PROTOBUF;
	if (!charge_forms(g))
		return stopped(g, -EFBIG);
	err = json_doc_parse(&g->half[0].doc, p);
	if (!err && span_equal(p, s))
		shadow = &g->half[0].doc;
	else if (!err)
		err = json_doc_parse(&g->half[1].doc, s);
	if (!err)
		err = json_compare(g->tools.json, &g->half[0].doc, shadow, g->tools.collector);
	return stopped(g, err);
}

static bool compare_unknown(struct grpc_comparer *g, const struct span message[2])
{
	int err;

	for (int i = 0; i < 2; i++)
		buffer_clear(&g->half[i].form.bytes);
	err = proto_guess(message[0], message[1], room(g), g->tools.digest, &g->half[0].form.bytes, &g->half[1].form.bytes);
	if (err == -EBADMSG)
		return unreadable(g, proto_is_message(message[0]) ? 0 : err, proto_is_message(message[1]) ? 0 : err,
				  "not_protobuf");
	return err ? unreadable(g, err, err, "not_protobuf") : compare_json(g);
}

static bool compare_typed(struct grpc_comparer *g, const struct span message[2])
{
	int err[2];

	for (int i = 0; i < 2; i++) {
		buffer_clear(&g->half[i].form.bytes);
		err[i] = proto_json(g->method.type, message[i], room(g), g->tools.digest, &g->half[i].form.bytes);
	}
	return err[0] || err[1] ? unreadable(g, err[0], err[1], "not_protobuf") : compare_json(g);
}

/* ---- as tensors ---- */

/** compare_frames() - what is not data */
static int compare_frames(struct grpc_comparer *g)
{
	struct half *p = &g->half[0], *s = &g->half[1];
	bool moved = tensors_align(&s->tensors, &p->tensors);
	struct span frame[2];
	int err;

	if (!tensors_frame(&p->tensors, &frame[0]) || !tensors_frame(&s->tensors, &frame[1]))
		return -ENOMEM;
	err = json_doc_parse(&p->doc, frame[0]);
	if (!err)
		err = json_doc_parse(&s->doc, frame[1]);
	if (!err && moved && !p->tensors.by_name) {
		collector_enter_key(g->tools.collector, SPAN_LITERAL("outputs"), false);
		collector_add(g->tools.collector, DIFFERENCE_ORDER);
		collector_leave(g->tools.collector);
	}
	return err ? err : json_compare(g->tools.json, &p->doc, &s->doc, g->tools.collector);
}

/** read_tensors() - a message into its form, and the form into tensors */
static int read_tensors(struct grpc_comparer *g, struct half *h, struct span message)
{
	int err;

	h->tensors.by_name = g->method.content == GRPC_CONTENT_PREDICT;
	if (h->tensors.by_name)
		err = grpc_tf_read(message, room(g), g->tools.digest, &h->form);
	else
		err = grpc_v2_read(message, room(g), &h->form);
	return err ? err : tensors_read(&h->tensors, buffer_span(&h->form.bytes), h->form.head_len);
}

static bool is_other(int err)
{
	return err == -EINVAL || err == -ENOTSUP;
}

static bool compare_tensors(struct grpc_comparer *g, const struct span message[2])
{
	int p = read_tensors(g, &g->half[0], message[0]), s = read_tensors(g, &g->half[1], message[1]), err;

	if (p == -ENOTSUP || s == -ENOTSUP || (is_other(p) && is_other(s)))
		return compare_unknown(g, message);
	g->found->kind = BODY_TENSORS;
	if (p || s)
		return unreadable(g, p, s, p == -EBADMSG || s == -EBADMSG ? "not_protobuf" : "not_tensors");
	if (!charge_forms(g))
		return stopped(g, -EFBIG);
	err = compare_frames(g);
	if (!err)
		err = tensors_compare(g->tools.collector, g->tools.rules, &g->half[0].tensors, &g->half[1].tensors);
	return stopped(g, err);
}

/* ---- messages ---- */

/** compare_pair() - false: nothing more can be compared */
static bool compare_pair(struct grpc_comparer *g, const struct span message[2])
{
	size_t before = g->charged;
	bool goes_on = false;

	switch (g->method.content) {
	case GRPC_CONTENT_V2:
	case GRPC_CONTENT_V2_STREAM:
	case GRPC_CONTENT_PREDICT:
		goes_on = compare_tensors(g, message);
		break;
	case GRPC_CONTENT_TYPED:
		goes_on = compare_typed(g, message);
		break;
	case GRPC_CONTENT_UNKNOWN:
		goes_on = compare_unknown(g, message);
		break;
	}
	release_to(g, before);
	return goes_on;
}

static void show_count(char out[FINDING_TEXT], size_t count)
{
	char text[40];
	int len = snprintf(text, sizeof(text), "%zu message%s", count, count == 1 ? "" : "s");

	finding_text(out, span_of(text, (size_t)len));
}

/** compare_counts() - messages without partner */
static void compare_counts(struct grpc_comparer *g, size_t pairs)
{
	const struct rule_effect *e = path_rules_effect(g->tools.rules, PATH_RULES_ROOT);
	size_t p = g->half[0].reply.count, s = g->half[1].reply.count;
	struct finding *f;

	if (pairs == p && pairs == s)
		return;
	g->found->other_length = !e->ignore;
	if (e->ignore)
		f = collector_add_ignored(g->tools.collector, e->ignored_by);
	else
		f = collector_add(g->tools.collector, pairs < p ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA);
	if (f) {
		show_count(f->production, p);
		show_count(f->shadow, s);
	}
}

static void compare_messages(struct grpc_comparer *g)
{
	struct grpc_reply *p = &g->half[0].reply, *s = &g->half[1].reply;
	long pairs = grpc_reply_pair(p, s);

	if (pairs < 0) {
		g->found->error = (int)pairs;
		return;
	}
	for (long i = 0; i < pairs; i++) {
		const struct span both[2] = { p->parts[i].bytes, s->parts[i].bytes };

		if (!compare_pair(g, both))
			return;
	}
	compare_counts(g, (size_t)pairs);
}

void grpc_compare(struct grpc_comparer *g, const struct request_head *request, const struct response *production,
		  const struct response *shadow, uint64_t max_len, struct grpc_found *out)
{
	struct grpc_reply *p = &g->half[0].reply, *s = &g->half[1].reply;
	int errs[2];

	*out = (struct grpc_found){ .kind = BODY_NONE, .damaged = "damaged" };
	g->found = out;
	g->method = grpc_method_of(request, g->tools.types);
	errs[0] = grpc_reply_read(p, production, g->method.content, max_len);
	errs[1] = grpc_reply_read(s, shadow, g->method.content, max_len);
	g->max_len = 4 * max_len + FORM_LEAST;
	if (errs[0] || errs[1])
		unreadable(g, errs[0], errs[1], "damaged");
	else if (!charge(g, 2 * ((uint64_t)p->unfolded.len + s->unfolded.len)))
		out->error = -EFBIG;
	else if (p->has_error == s->has_error)
		compare_messages(g);
	out->production_failed = !errs[0] && p->has_error;
	out->shadow_failed = !errs[1] && s->has_error;
	release_to(g, 0);
}

struct grpc_comparer *grpc_comparer_new(const struct grpc_tools *tools)
{
	struct grpc_comparer *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->tools = *tools;
	for (int i = 0; i < 2; i++)
		g->half[i].reply.memory = g->half[i].tensors.memory = g->half[i].doc.memory = tools->memory;
	return g;
}

void grpc_comparer_rest(struct grpc_comparer *g)
{
	for (int i = 0; i < 2; i++) {
		grpc_reply_deinit(&g->half[i].reply);
		buffer_deinit(&g->half[i].form.bytes);
		tensors_deinit(&g->half[i].tensors);
		json_doc_deinit(&g->half[i].doc);
	}
}

void grpc_comparer_free(struct grpc_comparer *g)
{
	if (!g)
		return;
	grpc_comparer_rest(g);
	free(g);
}
