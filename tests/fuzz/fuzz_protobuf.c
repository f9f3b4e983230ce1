/*
 * fuzz_protobuf.c - any bytes as one or two messages
 *
 * The first byte is the share of the first message. A message that reads as such gives JSON of a known type
 * and of an unknown one; against itself it is the same. What reads as a model server's response
 * is read as tensors or refused by them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/json_doc.h"
#include "compare/grpc/grpc_tf.h"
#include "compare/grpc/grpc_v2.h"
#include "compare/grpc/proto_guess.h"
#include "compare/grpc/proto_json.h"
#include "compare/grpc/protobuf.h"
#include "compare/tensors/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static struct proto_type entry = { .name = SPAN_LITERAL("Entry"), .count = 2, .is_map = true };
static struct proto_type all = { .name = SPAN_LITERAL("All"), .count = 8 };
static const struct proto_member entry_members[] = {
	{ SPAN_LITERAL("key"), 1, PROTO_KIND_STRING, false, false, NULL },
	{ SPAN_LITERAL("value"), 2, PROTO_KIND_MESSAGE, false, false, &all },
};
static const struct proto_member all_members[] = {
	{ SPAN_LITERAL("n"), 1, PROTO_KIND_INT64, false, false, NULL },
	{ SPAN_LITERAL("x"), 2, PROTO_KIND_FLOAT, true, false, NULL },
	{ SPAN_LITERAL("word"), 3, PROTO_KIND_STRING, false, true, NULL },
	{ SPAN_LITERAL("inner"), 4, PROTO_KIND_MESSAGE, false, false, &all },
	{ SPAN_LITERAL("map"), 5, PROTO_KIND_MESSAGE, true, false, &entry },
	{ SPAN_LITERAL("flags"), 6, PROTO_KIND_BOOL, true, false, NULL },
	{ SPAN_LITERAL("data"), 7, PROTO_KIND_BYTES, true, false, NULL },
	{ SPAN_LITERAL("z"), 8, PROTO_KIND_SINT32, false, false, NULL },
};

static void must_be_json(struct buffer *text)
{
	struct json_doc d = { 0 };

	must(json_doc_parse(&d, buffer_span(text)) == 0);
	json_doc_deinit(&d);
}

static void known(struct digest *digest, struct span message)
{
	struct buffer out = { 0 };

	if (proto_json(&all, message, 1 << 20, digest, &out) == 0) {
		must(proto_is_message(message));
		must_be_json(&out);
	}
	buffer_deinit(&out);
}

static void unknown(struct digest *digest, struct span p, struct span s)
{
	struct buffer out[2] = { { 0 } };

	if (proto_guess(p, s, 1 << 20, digest, &out[0], &out[1]) == 0) {
		must(proto_is_message(p) && proto_is_message(s));
		must_be_json(&out[0]);
		must_be_json(&out[1]);
		if (span_equal(p, s))
			must(span_equal(buffer_span(&out[0]), buffer_span(&out[1])));
	}
	buffer_deinit(&out[0]);
	buffer_deinit(&out[1]);
}

static void server(struct digest *digest, struct span message)
{
	struct tensor_form form = { { 0 }, 0 };
	struct tensors t = { 0 };
	struct grpc_v2_part part;
	struct span frame;

	for (int i = 0; i < 2; i++) {
		if ((i ? grpc_tf_read(message, 1 << 20, digest, &form) : grpc_v2_read(message, 1 << 20, &form)) != 0)
			continue;
		must(proto_is_message(message) && form.bytes.len <= 8 << 20 && form.head_len <= form.bytes.len);
		t.by_name = i > 0;
		if (tensors_read(&t, buffer_span(&form.bytes), form.head_len) == 0)
			must(tensors_frame(&t, &frame));
	}
	if (grpc_v2_part_of(message, &part) == 0)
		must(proto_is_message(part.response));
	tensors_deinit(&t);
	buffer_deinit(&form.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), first;
	struct digest *digest = digest_new();
	uint8_t share;

	all.members = all_members;
	entry.members = entry_members;
	if (digest && span_u8(&rest, &share)) {
		span_take(&rest, rest.len * share / 255, &first);
		known(digest, first);
		known(digest, rest);
		server(digest, rest);
		unknown(digest, first, rest);
		unknown(digest, first, first);
	}
	digest_free(digest);
	return 0;
}
