/*
 * grpc_reply.c - see grpc_reply.h
 *
 * Theory of operation. A body is a row of messages (message/grpc.h), each of which may be compressed on
 * its own. What they unfold to is put into one buffer, whose length is what bounds them all together: a
 * thousand small bombs are one large one. Parts point into that buffer or into the body, so the
 * buffer's room is made known only when it grows no more: until then, a part in it is kept as an offset.
 *
 * Two streams are paired by sorting both by id and place, and walking through them side by side.
 */
#include "compare/grpc/grpc_reply.h"

#include <errno.h>
#include <stdlib.h>

#include "compare/grpc/grpc_tf.h"
#include "compare/grpc/grpc_v2.h"

/* ---- method and status ---- */

struct grpc_method grpc_method_of(const struct request_head *head, const struct proto_set *types)
{
	const struct proto_type *type = NULL;
	struct grpc_route route;

	if (!grpc_route_of(head->target, &route))
		return (struct grpc_method){ GRPC_CONTENT_UNKNOWN, NULL };
	if (span_equal(route.service, SPAN_LITERAL("inference.GRPCInferenceService"))) {
		if (span_equal(route.method, SPAN_LITERAL("ModelInfer")))
			return (struct grpc_method){ GRPC_CONTENT_V2, NULL };
		if (span_equal(route.method, SPAN_LITERAL("ModelStreamInfer")))
			return (struct grpc_method){ GRPC_CONTENT_V2_STREAM, NULL };
	} else if (span_equal(route.service, SPAN_LITERAL("tensorflow.serving.PredictionService"))) {
		if (span_equal(route.method, SPAN_LITERAL("Predict")))
			return (struct grpc_method){ GRPC_CONTENT_PREDICT, NULL };
		type = grpc_tf_type(route.method);
	}
	if (!type && types)
		type = proto_set_response(types, route.service, route.method);
	return (struct grpc_method){ type ? GRPC_CONTENT_TYPED : GRPC_CONTENT_UNKNOWN, type };
}

static const struct span *field_of(const struct header *fields, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal_nocase(fields[i].name, name))
			return &fields[i].value;
	return NULL;
}

/** either() - a field of the trailers, else of the headers */
static const struct span *either(const struct response *r, struct span name)
{
	const struct span *value = field_of(r->trailers, r->trailer_count, name);

	return value ? value : field_of(r->headers, r->header_count, name);
}

enum grpc_status grpc_reply_status(const struct response *r, struct span *text)
{
	const struct span *value = either(r, SPAN_LITERAL("grpc-status"));
	const struct span *message = either(r, SPAN_LITERAL("grpc-message"));
	enum grpc_status status = value ? grpc_status_parse(*value) : GRPC_STATUS_NONE;

	*text = message ? *message : span_of(NULL, 0);
	if (status != GRPC_STATUS_NONE)
		return status;
	if (value)
		return GRPC_UNKNOWN;
	if (r->status_code != 200)
		return grpc_status_of_http(r->status_code);
	return r->is_part ? GRPC_STATUS_NONE : GRPC_UNKNOWN;
}

/* ---- messages ---- */

static int make_room(struct grpc_reply *reply, size_t count)
{
	struct grpc_part *more;

	if (count <= reply->cap)
		return 0;
	if (!budget_grow(reply->memory, reply->cap * sizeof(*more), count * sizeof(*more)))
		return -EFBIG;
	more = reallocarray(reply->parts, count, sizeof(*more));
	if (!more) {
		if (reply->memory)
			budget_release(reply->memory, (count - reply->cap) * sizeof(*more));
		return -ENOMEM;
	}
	reply->parts = more;
	reply->cap = count;
	return 0;
}

/** count_messages() - of a body, and whether it is a row of whole ones */
static int count_messages(struct span body, size_t *count, bool *compressed)
{
	struct grpc_message m;
	int more;

	*count = 0;
	*compressed = false;
	while ((more = grpc_message_take(&body, &m)) > 0) {
		++*count;
		*compressed |= m.compressed;
	}
	return more;
}

/** unfold() - one message into the buffer */
static int unfold(struct grpc_reply *reply, struct span encoding, struct span bytes, uint64_t max_len, struct grpc_part *out)
{
	struct span whole;
	int err;

	if (encoding.len == 0)
		return -ENOTSUP;
	err = inflate_body(&reply->inflater, encoding, bytes, max_len - reply->unfolded.len, &whole);
	if (err)
		return err;
	if (whole.len > max_len - reply->unfolded.len) /* of the coding "identity" */
		return -EFBIG;
	out->bytes = span_of(NULL, whole.len);
	buffer_add_span(&reply->unfolded, whole);
	return buffer_ok(&reply->unfolded) ? 0 : -ENOMEM;
}

static int take_messages(struct grpc_reply *reply, struct span body, struct span encoding, uint64_t max_len)
{
	struct span rest = body, all;
	struct grpc_message m;
	size_t i;
	int err = 0;

	for (i = 0; !err && grpc_message_take(&rest, &m) > 0; i++) {
		reply->parts[i] = (struct grpc_part){ .bytes = m.bytes };
		if (m.compressed)
			err = unfold(reply, encoding, m.bytes, max_len, &reply->parts[i]);
	}
	if (err)
		return err;
	all = buffer_span(&reply->unfolded);
	for (i = 0; grpc_message_take(&body, &m) > 0; i++)
		if (m.compressed && reply->parts[i].bytes.len > 0)
			span_take(&all, reply->parts[i].bytes.len, &reply->parts[i].bytes);
	reply->count = i;
	return 0;
}

/** open_stream() - of each message what is in it */
static int open_stream(struct grpc_reply *reply)
{
	size_t kept = 0;

	for (size_t i = 0; i < reply->count; i++) {
		struct grpc_v2_part part;
		int err = grpc_v2_part_of(reply->parts[i].bytes, &part);

		if (err)
			return err;
		reply->has_error |= part.error.len > 0;
		if (part.ends || part.error.len > 0)
			continue;
		reply->parts[kept++] = (struct grpc_part){ part.response, part.id };
	}
	reply->count = kept;
	return 0;
}

int grpc_reply_read(struct grpc_reply *reply, const struct response *r, enum grpc_content content, uint64_t max_len)
{
	const struct span *encoding = response_header(r, SPAN_LITERAL("grpc-encoding"));
	struct span body = span_of(r->body, (size_t)r->body_len);
	bool compressed;
	size_t count;
	int err = count_messages(body, &count, &compressed);

	reply->count = 0;
	reply->has_error = false;
	buffer_clear(&reply->unfolded);
	if (!err)
		err = make_room(reply, count);
	if (!err && body.len > max_len)
		err = -EFBIG;
	if (!err)
		err = take_messages(reply, body, encoding ? *encoding : span_of(NULL, 0), max_len);
	return !err && content == GRPC_CONTENT_V2_STREAM ? open_stream(reply) : err;
}

void grpc_reply_deinit(struct grpc_reply *reply)
{
	if (reply->memory)
		budget_release(reply->memory, reply->cap * sizeof(*reply->parts));
	free(reply->parts);
	buffer_deinit(&reply->unfolded);
	inflater_deinit(&reply->inflater);
	*reply = (struct grpc_reply){ .memory = reply->memory };
}

/* ---- pairs ---- */

/** struct place - where a message came, of which id */
struct place {
	struct span id;
	size_t at, turn; /* @turn: among those of its id */
};

static int by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	size_t both = x->id.len < y->id.len ? x->id.len : y->id.len;
	int order = both > 0 ? memcmp(x->id.at, y->id.at, both) : 0;

	if (order == 0 && x->id.len != y->id.len)
		return x->id.len < y->id.len ? -1 : 1;
	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/** by_id_turn() - for two places of different sides */
static int by_id_turn(const struct place *x, const struct place *y)
{
	struct place a = *x, b = *y;

	a.at = x->turn;
	b.at = y->turn;
	return by_id(&a, &b);
}

/** places_of() - sorted; given to the caller */
static struct place *places_of(const struct grpc_reply *reply)
{
	struct place *places = calloc(reply->count + 1, sizeof(*places));

	if (!places)
		return NULL;
	for (size_t i = 0; i < reply->count; i++)
		places[i] = (struct place){ .id = reply->parts[i].id, .at = i };
	if (reply->count > 0)
		qsort(places, reply->count, sizeof(*places), by_id);
	for (size_t i = 1; i < reply->count; i++)
		if (span_equal(places[i].id, places[i - 1].id))
			places[i].turn = places[i - 1].turn + 1;
	return places;
}

/** reorder() - the parts as @order says: at i comes the one that was at order[i] */
static bool reorder(struct grpc_reply *reply, const size_t *order)
{
	struct grpc_part *moved = calloc(reply->count + 1, sizeof(*moved));

	if (!moved)
		return false;
	for (size_t i = 0; i < reply->count; i++)
		moved[i] = reply->parts[order[i]];
	if (reply->count > 0)
		memcpy(reply->parts, moved, reply->count * sizeof(*moved));
	free(moved);
	return true;
}

/** match() - the pairs in both orders, those without partner behind; how many pairs */
static size_t match(const struct place *p, size_t p_count, const struct place *s, size_t s_count, size_t *p_order, size_t *s_order)
{
	size_t i = 0, k = 0, pairs = 0, p_rest = p_count, s_rest = s_count;

	while (i < p_count || k < s_count) {
		int side = i == p_count ? 1 : k == s_count ? -1
							   : by_id_turn(&p[i], &s[k]);

		if (side < 0) {
			p_order[--p_rest] = p[i++].at;
		} else if (side > 0) {
			s_order[--s_rest] = s[k++].at;
		} else {
			p_order[pairs] = p[i++].at;
			s_order[pairs++] = s[k++].at;
		}
	}
	return pairs;
}

static bool has_ids(const struct grpc_reply *reply)
{
	for (size_t i = 0; i < reply->count; i++)
		if (reply->parts[i].id.len > 0)
			return true;
	return false;
}

long grpc_reply_pair(struct grpc_reply *production, struct grpc_reply *shadow)
{
	size_t pairs = production->count < shadow->count ? production->count : shadow->count, by_ids;
	struct place *p, *s;
	size_t *p_order, *s_order;
	long result = -ENOMEM;

	if (!has_ids(production) || !has_ids(shadow))
		return (long)pairs;
	p = places_of(production);
	s = places_of(shadow);
	p_order = calloc(production->count + 1, sizeof(*p_order));
	s_order = calloc(shadow->count + 1, sizeof(*s_order));
	if (p && s && p_order && s_order) {
		by_ids = match(p, production->count, s, shadow->count, p_order, s_order);
		if (by_ids == 0) /* ids that each side makes for itself */
			result = (long)pairs;
		else if (reorder(production, p_order) && reorder(shadow, s_order))
			result = (long)by_ids;
	}
	free(p);
	free(s);
	free(p_order);
	free(s_order);
	return result;
}
