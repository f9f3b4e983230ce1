/* subjects.c - see subjects.h */
#include "relay/subjects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_name_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool subject_word_take(struct span *in, struct span *word)
{
	const uint8_t *dot = in->len > 0 ? memchr(in->at, '.', in->len) : NULL;

	if (!span_take(in, dot ? (size_t)(dot - in->at) : in->len, word))
		return false;
	return span_skip(in, dot ? 1 : 0) && word->len > 0;
}

bool relay_name_is_good(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_name_byte(name.at[i]))
			return false;
	return name.len > 0 && name.len <= RELAY_NAME_MAX;
}

void relay_name_fit(const char *text, char *out)
{
	size_t n = 0;

	for (; text[n] && n < RELAY_NAME_MAX; n++)
		out[n] = is_name_byte((uint8_t)text[n]) ? text[n] : '-';
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
}

__attribute__((format(printf, 2, 3))) static const char *made(char *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out, SUBJECT_MAX, format, args);
	va_end(args);
	return out;
}

const char *subject_all(const char *service, char *out)
{
	return made(out, "st.v1.%s.>", service);
}

const char *subject_partition(const char *service, uint32_t partition, char *out)
{
	return made(out, "st.v1.%s.req.%02u", service, partition % RELAY_PARTITIONS_MAX);
}

const char *subject_tap(const char *service, const char *tap, char *out)
{
	return made(out, "st.v1.%s.tap.%s", service, tap);
}

const char *stream_name(const char *service, char *out)
{
	return made(out, "shadowtap_%s", service);
}

const char *key_claim(const char *group, uint32_t partition, char *out)
{
	return made(out, "claim.%s.%02u", group, partition % RELAY_PARTITIONS_MAX);
}

const char *key_member(const char *group, const char *id, char *out)
{
	return made(out, "member.%s.%s", group, id);
}

const char *inbox_tap(const char *tap, char *out)
{
	return made(out, "_INBOX.shadowtap_tap.%s", tap);
}

const char *inbox_replayer(const char *group, char *out)
{
	return made(out, "_INBOX.shadowtap_replayer.%s", group);
}

int subject_partition_of(const char *service, struct span subject)
{
	const struct span parts[] = { SPAN_LITERAL("st.v1."), span_str(service), SPAN_LITERAL(".req.") };
	int tens, ones;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!span_starts(subject, parts[i]) || !span_skip(&subject, parts[i].len))
			return -1;
	if (subject.len != 2)
		return -1;
	tens = subject.at[0] - '0';
	ones = subject.at[1] - '0';
	return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}
