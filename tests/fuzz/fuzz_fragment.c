/*
 * fuzz_fragment.c - any sequence of fragments, checked against byte arrays
 *
 * Every five bytes of input are one fragment: of which datagram, where it
 * begins and ends, whether more follow, how long ago. A slow model with an array
 * for each datagram says what must come of it. The model knows no bounds, and
 * input this short does not reach them. A second pass sends the input's bytes
 * through a decoder as IP packets behind each other, fragments in tunnels and
 * whatever else comes of it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/dlt.h>

#include "capture/decode.h"
#include "capture/fragment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DATAGRAMS 8
#define SPAN_MAX 4096 /* offsets that the model holds */
#define INPUT_MAX 600 /* at most 240 pieces of a datagram, below its bound */

struct model {
	uint8_t byte[SPAN_MAX];
	uint8_t seen[SPAN_MAX];
	size_t total, known, pieces;
	int64_t first;
	bool used;
};

static enum packet_result model_add(struct model *m, int64_t now, size_t offset, size_t len, bool more,
				    uint8_t fill)
{
	size_t end = offset + len;

	if (len == 0 || (more && len % 8 != 0))
		return PACKET_MALFORMED_IP;
	if (!m->used)
		*m = (struct model){ .used = true, .first = now };
	if (m->total ? (more ? end > m->total : end != m->total) : (!more && m->known > end))
		return PACKET_MALFORMED_IP;
	if (!more)
		m->total = end;
	for (size_t i = offset; i < end; i++) {
		if (!m->seen[i])
			m->byte[i] = fill;
		m->seen[i] = 1;
	}
	if (end > m->known)
		m->known = end;
	for (size_t i = 0; i < m->total; i++)
		if (!m->seen[i])
			return PACKET_IGNORED_FRAGMENT;
	return m->total ? PACKET_DECODED : PACKET_IGNORED_FRAGMENT;
}

static void expire(struct model *models, int64_t now)
{
	for (size_t i = 0; i < DATAGRAMS; i++)
		if (models[i].used && now - models[i].first > FRAGMENT_TIMEOUT_NS)
			models[i].used = false;
}

static void against_the_model(const uint8_t *data, size_t size)
{
	static struct model models[DATAGRAMS];
	static const struct endpoint src = { { 1 }, 0, 6, 0 }, dst = { { 2 }, 0, 6, 0 };
	struct fragments *t = fragments_new();
	int64_t now = 0;

	for (size_t i = 0; i < DATAGRAMS; i++)
		models[i].used = false;
	for (size_t fragment = 0; t && fragment < size / 5; fragment++) {
		const uint8_t *in = data + fragment * 5;
		struct model *m = &models[in[0] % DATAGRAMS];
		bool more = in[0] & 0x80;
		size_t offset = (size_t)in[1] * 8, len = more ? (size_t)in[2] * 8 : in[2];
		struct ip_payload payload = { in[3], true, more, (uint16_t)offset, in[0] % DATAGRAMS };
		struct layer l = { .claimed = len };
		struct frame_list earlier = { 0 };
		struct fragment_origin origin = { .src = &src, .dst = &dst, .earlier = &earlier };
		uint8_t *copy = malloc(len ? len : 1); /* its own block: the sanitizer sees its ends */
		enum packet_result result;

		if (!copy)
			break;
		memset(copy, in[3], len);
		l.bytes = span_of(copy, len);
		now += (int64_t)in[4] * NS_PER_S / 8;
		expire(models, now);
		result = model_add(m, now, offset, len, more, in[3]);
		origin.ts.ns = now;
		assert(fragments_add(t, &origin, &payload, &l) == result);
		if (result == PACKET_DECODED) {
			assert(l.bytes.len == m->total && l.claimed == m->total && !payload.is_fragment);
			assert(memcmp(l.bytes.at, m->byte, m->total) == 0);
			assert(payload.protocol == m->byte[0]);
			m->used = false;
		}
		free(copy);
	}
	fragments_free(t);
}

static void look_at(void *ctx, const struct packet *packet)
{
	static uint8_t bytes[256];

	(void)ctx;
	assert(packet->bytes.len <= sizeof(bytes));
	memcpy(bytes, packet->bytes.at, packet->bytes.len);
}

/* Packets of 1 to 256 bytes behind each other, each after a byte that gives its length. */
static void through_the_decoder(const uint8_t *data, size_t size)
{
	static const struct port_set all = { .count = 0 };
	struct decoder *d = decoder_new(&all, NULL);

	if (d)
		decoder_keep_fragments(d);
	while (d && size > 1) {
		size_t len = (size_t)data[0] + 1 < size ? (size_t)data[0] + 1 : size - 1;
		uint8_t *copy = malloc(len);
		struct packet packet = { .bytes = span_of(copy, len),
					 .wire_len = (uint32_t)len,
					 .linktype = DLT_RAW };
		struct segment s;

		if (!copy)
			break;
		memcpy(copy, data + 1, len);
		if (decoder_packet(d, &packet, &s) == PACKET_DECODED) {
			static uint8_t payload[65536];

			memcpy(payload, s.payload.at,
			       s.payload.len); /* the sanitizer looks whether it may be read */
			decoder_earlier(d, look_at, NULL);
		}
		free(copy);
		data += len + 1;
		size -= len + 1;
	}
	decoder_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		size = INPUT_MAX;
	against_the_model(data, size);
	through_the_decoder(data, size);
	return 0;
}
