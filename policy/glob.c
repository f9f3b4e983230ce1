/*
 * glob.c - match with one step back
 *
 * Theory of operation: when bytes differ, only the last star seen can take one
 * byte more; an earlier star never has to, because whatever it could give up
 * the later one can take. So there is no recursion, and the cost is at most
 * glob length times text length. Field names and path segments are short.
 */
#include "policy/glob.h"

static bool same(uint8_t a, uint8_t b, bool nocase)
{
	if (a == b)
		return true;
	return nocase && (a | 0x20) == (b | 0x20) && (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
}

bool glob_match(struct span glob, struct span text, bool nocase)
{
	size_t g = 0, t = 0, after_star = 0, star_text = 0;
	bool starred = false;

	while (t < text.len) {
		if (g < glob.len && glob.at[g] == '*') {
			starred = true;
			after_star = ++g;
			star_text = t;
		} else if (g < glob.len && same(glob.at[g], text.at[t], nocase)) {
			g++;
			t++;
		} else if (starred) {
			g = after_star;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (g < glob.len && glob.at[g] == '*')
		g++;
	return g == glob.len;
}

bool glob_is_one(struct span text)
{
	return text.len > 0 && memchr(text.at, '*', text.len) != NULL;
}
