/* fuzz_grpc.c - any body: counted in pieces it has the messages that it has when it is read whole */
#include <stdint.h>
#include <stdlib.h>

#include "message/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grpc_messages pieces = { 0 };
	struct grpc_message m;
	struct span body = span_of(data, size);
	uint32_t count = 0, compressed = 0;
	size_t step = size ? data[size - 1] % 16 + 1u : 1;
	int ret;

	for (size_t at = 0; at < size; at += step)
		grpc_messages_add(&pieces, span_of(data + at, step < size - at ? step : size - at));
	while ((ret = grpc_message_take(&body, &m)) == 1) {
		count++;
		compressed += m.compressed;
	}
	if ((ret == 0) != (grpc_messages_state(&pieces) == GRPC_BETWEEN))
		abort();
	if (pieces.count < count || pieces.count > count + 1 || (ret == 0 && pieces.compressed != compressed))
		abort();
	return 0;
}
