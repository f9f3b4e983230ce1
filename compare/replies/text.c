/* text.c - see text.h */
#include "compare/replies/text.h"

#include <errno.h>
#include <stdio.h>

#define CONTEXT 24 /* bytes shown before the first difference */

static bool continues_character(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/** character_start() - @at, or up to three bytes before it where its character begins */
static uint64_t character_start(struct span s, uint64_t at)
{
	uint64_t start = at;

	while (start > 0 && at - start < 3 && start < s.len && continues_character(s.at[start]))
		start--;
	return start < s.len && continues_character(s.at[start]) ? at : start; /* no UTF-8: no characters */
}

uint64_t text_common_prefix(struct span production, struct span shadow)
{
	uint64_t most = production.len < shadow.len ? production.len : shadow.len, n = 0;

	while (n < most && production.at[n] == shadow.at[n])
		n++;
	if (n == production.len && n == shadow.len)
		return n;
	return character_start(n < production.len ? production : shadow, n);
}

static void show(char out[FINDING_TEXT], struct span text, uint64_t from)
{
	char excerpt[FINDING_TEXT * 2] = "...";
	size_t dots = from > 0 ? 3 : 0;

	span_skip(&text, from);
	span_truncate(&text, sizeof(excerpt) - dots);
	if (text.len > 0)
		memcpy(excerpt + dots, text.at, text.len);
	finding_text(out, span_of(excerpt, dots + text.len));
}

void text_compare(struct collector *c, struct span production, struct span shadow)
{
	uint64_t from, prefix;
	struct finding *f;

	if (span_equal(production, shadow))
		return;
	f = collector_add(c, DIFFERENCE_VALUE);
	if (!f)
		return;
	prefix = text_common_prefix(production, shadow);
	from = character_start(production, prefix > CONTEXT ? prefix - CONTEXT : 0);
	show(f->production, production, from);
	show(f->shadow, shadow, from);
}

static int describe(char out[FINDING_TEXT], struct digest *d, struct span bytes)
{
	uint8_t sum[DIGEST_SHA256_BYTES];
	char text[FINDING_TEXT];
	int len;

	if (!digest_reset(d) || !digest_add(d, bytes.at, bytes.len) || !digest_finish(d, sum))
		return -ENOMEM;
	len = snprintf(text, sizeof(text), "%zu bytes, SHA-256 %02x%02x%02x%02x%02x%02x%02x%02x...", bytes.len,
		       sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]);
	finding_text(out, span_of(text, (size_t)len));
	return 0;
}

int bytes_compare(struct collector *c, struct digest *d, struct span production, struct span shadow)
{
	struct finding *f = span_equal(production, shadow) ? NULL : collector_add(c, DIFFERENCE_VALUE);
	int err;

	if (!f)
		return 0;
	err = describe(f->production, d, production);
	return err ? err : describe(f->shadow, d, shadow);
}
