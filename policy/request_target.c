/*
 * request_target.c - see request_target.h
 *
 * A proxy's client writes the whole URL into the request line (absolute-form).
 * Rules and the shadow want the same text for the same resource, so the scheme
 * and the authority are cut off. User info is cut off as well: it is a
 * credential, and RFC 9110, 4.2.4 wants it gone.
 *
 * Other forms than these, servers refuse, or take as a path whose slash was
 * forgotten; clients do forget it. Sent as it came, "@evil" or "evil:80" behind
 * some URL builder of the shadow's would be another host, and a rule for
 * "^/admin" would not see "admin". So there is one rule, for all: a slash goes
 * before it.
 */
#include "policy/request_target.h"

#include <stdbool.h>

#include "message/http_text.h"

static bool is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Take "scheme://" off the front (RFC 3986, 3.1); false, with @s untouched, if it does not begin so. */
static bool take_scheme(struct span *s)
{
	size_t n = 0;
	struct span rest = *s;

	if (s->len == 0 || !is_alpha(s->at[0]))
		return false;
	while (n < s->len && (is_alpha(s->at[n]) || (s->at[n] >= '0' && s->at[n] <= '9') || s->at[n] == '+' ||
			      s->at[n] == '-' || s->at[n] == '.'))
		n++;
	if (!span_skip(&rest, n) || !span_starts(rest, SPAN_LITERAL("://")))
		return false;
	span_skip(&rest, 3);
	*s = rest;
	return true;
}

struct span target_path_and_query(struct span target, struct span *authority)
{
	struct span host = target, user, after;
	size_t n = 0;

	if (authority)
		*authority = span_of(target.at, 0);
	if (!take_scheme(&target))
		return target;
	while (n < target.len && target.at[n] != '/' && target.at[n] != '?' && target.at[n] != '#')
		n++;
	span_take(&target, n, &host);
	while (span_cut(host, '@', &user, &after)) /* the last one ends the user info */
		host = after;
	if (authority)
		*authority = host;
	return target.len ? target : SPAN_LITERAL("/");
}

struct span target_origin_form(struct span method, struct span text, struct buffer *scratch)
{
	if (text.len > 0 && text.at[0] == '/')
		return text;
	if (span_equal(text, SPAN_LITERAL("*")) && span_equal(method, SPAN_LITERAL("OPTIONS")))
		return text;
	buffer_clear(scratch);
	buffer_add(scratch, "/", 1);
	buffer_add_span(scratch, text);
	return buffer_span(scratch);
}
