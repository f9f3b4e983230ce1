/* percent.c - see percent.h */
#include "relay/percent.h"

#include "base/digits.h"

char *percent_put(char *at, struct span text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c > ' ' && c < 0x7f && c != '"' && c != '%') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return at;
}

/** take_escaped() - the two digits behind a "%", as a byte; -1 if they are none */
static int take_escaped(struct span *in)
{
	struct span two;
	int high, low;

	if (!span_take(in, 2, &two))
		return -1;
	high = hex_value_of(two.at[0]);
	low = hex_value_of(two.at[1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool percent_decode(struct span text, char *out, size_t max, size_t *len)
{
	struct span plain;
	int byte;

	for (*len = 0; text.len > 0; out[(*len)++] = (char)byte) {
		const uint8_t *escaped = memchr(text.at, '%', text.len);

		if (!span_take(&text, escaped ? (size_t)(escaped - text.at) : text.len, &plain) || plain.len > max - *len)
			return false;
		memcpy(out + *len, plain.at, plain.len);
		*len += plain.len;
		if (!span_skip(&text, 1))
			return true;
		byte = take_escaped(&text);
		if (byte < 0 || *len == max)
			return false;
	}
	return true;
}
