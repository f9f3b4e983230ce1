/* wire_id.c - see wire_id.h */
#include "relay/wire_id.h"

#include "base/digits.h"
#include "base/hash.h"

/* The published key: "shadowtap wireid" read as two little-endian words. */
static const struct hash_key published = { UINT64_C(0x6174776f64616873), UINT64_C(0x6469657269772070) };

/* Numbers are hashed as four bytes in network order, texts with their length before them: no two heads are the same bytes. */
static void add_number(struct hash128 *h, uint32_t n)
{
	const uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	hash128_add(h, bytes, sizeof(bytes));
}

static void add_text(struct hash128 *h, struct span text)
{
	add_number(h, (uint32_t)text.len);
	hash128_add(h, text.at, text.len);
}

static struct wire_id end(struct hash128 *h)
{
	uint64_t half[2];

	hash128_end(h, half);
	if ((half[0] | half[1]) == 0)
		half[1] = 1; /* zero is none */
	/* As text it is the hash's 16 bytes in their order. */
	return (struct wire_id){ .high = __builtin_bswap64(half[0]), .low = __builtin_bswap64(half[1]) };
}

struct wire_id wire_id_of(const struct request_head *head, const struct request_origin *origin)
{
	struct hash128 h = hash128_begin(&published);

	add_number(&h, origin->sequence);
	add_number(&h, origin->acknowledgement);
	add_number(&h, origin->stream);
	add_text(&h, head->method);
	add_text(&h, head->target);
	for (size_t i = 0; head->version_major < 2 && i < head->header_count; i++) {
		add_text(&h, head->headers[i].name);
		add_text(&h, head->headers[i].value);
	}
	return end(&h);
}

struct wire_id wire_id_of_event(struct span source, struct span id)
{
	struct hash128 h = hash128_begin(&published);

	add_text(&h, source);
	add_text(&h, id);
	return end(&h);
}

bool wire_id_parse(struct span text, struct wire_id *out)
{
	struct wire_id id;
	struct span high;

	if (text.len != WIRE_ID_TEXT_MAX - 1 || !span_take(&text, text.len / 2, &high) || !hex_read(high, &id.high) ||
	    !hex_read(text, &id.low))
		return false;
	*out = id;
	return wire_id_is_set(id);
}
