/* shown.c - see shown.h */
#include "base/shown.h"

#include "base/json.h"

bool shown_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

struct shown_piece shown_next(struct span text)
{
	static const uint8_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t len = utf8_length(text);
	struct shown_piece p = { len ? len : 1, text.at[0] & lead_bits[len], len > 0 };

	if (!p.valid)
		p.character = text.at[0];
	for (size_t i = 1; i < p.len; i++)
		p.character = p.character << 6 | (text.at[i] & 0x3f);
	return p;
}

void shown_add(struct buffer *out, struct span text)
{
	while (text.len > 0) {
		struct shown_piece p = shown_next(text);

		if (!p.valid)
			buffer_printf(out, "\\x%02x", (unsigned)p.character);
		else if (shown_is_unsafe(p.character))
			buffer_printf(out, "\\u%04x", (unsigned)p.character);
		else
			buffer_add(out, text.at, p.len);
		span_skip(&text, p.len);
	}
}
