/* fuzz_claim.c - any bytes as a claim's value, a broker's response to one, a heartbeat, a place: read whole, or refused */
#include <stdint.h>
#include <stdlib.h>

#include "relay/claim.h"
#include "relay/delivery.h"
#include "relay/member.h"
#include "relay/taps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size), tap, run;
	struct partition_claim c = { 0 }, again = { 0 };
	struct buffer out = { 0 };
	struct heartbeat h;
	struct partition_set reads;
	struct delivery d;
	uint64_t revision = 0;

	if (claim_read(text, &c) == 0) {
		claim_write(&c, &out);
		if (claim_read(buffer_span(&out), &again) != 0 || !claim_is_same(&c, &again) || c.run_count != again.run_count)
			abort();
	} else if (c.runs) {
		abort();
	}
	if (claim_result_read(text, &revision) == CLAIM_WON && revision == 0)
		abort();
	if (heartbeat_read(text, &h) == 0 && h.next_sequence > INT64_MAX)
		abort();
	if (taps_source(text, &tap, &run) && (tap.len >= TAPS_NAME_MAX || run.len >= TAPS_NAME_MAX))
		abort();
	if (delivery_read(text, &d) && (d.place == 0 || d.consumer.len > size))
		abort();
	if (member_read(text, &reads) == 0 && partition_set_count(&reads) > OWNERSHIP_PARTITIONS_MAX)
		abort();
	claim_deinit(&c);
	claim_deinit(&again);
	buffer_deinit(&out);
	return 0;
}
