/*
 * fuzz_decode.c - any bytes as a packet
 *
 * The first byte chooses the link type, the next two how much longer than the
 * capture the packet was on the wire; the rest is the packet, in a block of its
 * own so that the sanitizer sees one byte too far.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/dlt.h>

#include "capture/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int linktypes[] = {
	DLT_EN10MB, DLT_LINUX_SLL,  DLT_LINUX_SLL2,       DLT_NULL,   DLT_LOOP,     DLT_RAW, DLT_IPV4, DLT_IPV6,
	101,        DLT_IEEE802_11, DLT_IEEE802_11_RADIO, DLT_C_HDLC, DLT_USB_LINUX
};

static void check(const struct packet *packet, const struct segment *s)
{
	assert(s->payload.at >= packet->bytes.at);
	assert(s->payload.at + s->payload.len <= packet->bytes.at + packet->bytes.len);
	assert((s->src.family == 4 || s->src.family == 6) && s->src.family == s->dst.family);
	assert(s->payload.len + (uint64_t)s->missing_bytes <=
	       (packet->wire_len > 65535 ? packet->wire_len : 65535));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct port_set sets[] = { { .count = 0 }, { { 80, 8080 }, 2 } };
	struct packet packet;
	uint8_t *copy;

	if (size < 3)
		return 0;
	copy = malloc(size - 3 ? size - 3 : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 3, size - 3);
	packet = (struct packet){ .bytes = span_of(copy, size - 3),
				  .wire_len = (uint32_t)(size - 3 + (data[1] << 8 | data[2])),
				  .linktype = linktypes[data[0] % (sizeof(linktypes) / sizeof(linktypes[0]))] };
	for (size_t i = 0; i < 2; i++) {
		struct decoder *d = decoder_new(&sets[i], &sets[1]), *layers = decoder_new(&sets[i], &sets[1]);
		struct segment s, same;
		enum packet_result result;

		if (!d || !layers)
			abort();
		decoder_layers_only(layers);
		memset(&s, 0, sizeof(s));
		memset(&same, 0, sizeof(same));
		result = decoder_packet(d, &packet, &s);
		assert(decoder_packet(layers, &packet, &same) == result);
		if (result == PACKET_DECODED) {
			assert(!s.mptcp == !same.mptcp);
			assert(!s.mptcp || memcmp(s.mptcp, same.mptcp, sizeof(*s.mptcp)) == 0);
			s.mptcp = same.mptcp = NULL;
		}
		assert(result != PACKET_DECODED || memcmp(&s, &same, sizeof(s)) == 0);
		assert((unsigned)result < PACKET_RESULT_COUNT);
		if (result == PACKET_DECODED)
			check(&packet, &s);
		decoder_free(d);
		decoder_free(layers);
	}
	free(copy);
	return 0;
}
