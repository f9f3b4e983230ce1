/* fuzz_pub_ack.c - any bytes as a broker's word about a message: one result, whatever was read before */
#include <stdint.h>
#include <stdlib.h>

#include "relay/pub_ack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_doc reused;
	struct json_doc fresh = { 0 };
	enum relay_result result = pub_ack_read(&reused, span_of(data, size));

	if (result == RELAY_UNKNOWN || result >= RELAY_RESULT_COUNT || result != pub_ack_read(&fresh, span_of(data, size)))
		abort();
	json_doc_deinit(&fresh);
	return 0;
}
