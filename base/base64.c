/* base64.c - see base64.h */
#include "base/base64.h"

/** value_of() - of a character, or -1 */
static int value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/** take_four() - four characters, of which the last @padding are =; false if one of the others is none */
static bool take_four(const uint8_t *at, size_t padding, struct buffer *out)
{
	uint32_t bits = 0;
	uint8_t bytes[3];

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - padding ? value_of(at[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	bytes[0] = (uint8_t)(bits >> 16);
	bytes[1] = (uint8_t)(bits >> 8);
	bytes[2] = (uint8_t)bits;
	buffer_add(out, bytes, 3 - padding);
	return true;
}

bool base64_decode(struct span text, struct buffer *out)
{
	size_t padding = 0;

	if (text.len % 4 != 0)
		return false;
	while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
		padding++;
	if (!buffer_reserve(out, text.len / 4 * 3 + 1))
		return true;
	for (size_t i = 0; i < text.len; i += 4)
		if (!take_four(text.at + i, i + 4 == text.len ? padding : 0, out))
			return false;
	return true;
}
