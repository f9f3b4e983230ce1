/* fuzz_proto_set.c - any bytes as a file of --proto; a type of what is accepted reads the file itself */
#include <stdint.h>
#include <stdlib.h>

#include "compare/grpc/proto_json.h"
#include "compare/grpc/proto_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct proto_file file = { span_of(data, size), "fuzz" };
	struct buffer error = { 0 }, out = { 0 };
	struct digest *digest = digest_new();
	const struct proto_type *type;
	struct proto_set *s = NULL;

	if (digest && proto_set_new(&file, 1, &s, &error) == 0) {
		type = proto_set_type(s, SPAN_LITERAL("test.All"));
		if (!type)
			type = proto_set_response(s, SPAN_LITERAL("S"), SPAN_LITERAL("M"));
		if (type)
			proto_json(type, file.bytes, 1 << 20, digest, &out);
		proto_set_free(s);
	} else if (s || (digest && error.len == 0)) {
		abort();
	}
	digest_free(digest);
	buffer_deinit(&error);
	buffer_deinit(&out);
	return 0;
}
