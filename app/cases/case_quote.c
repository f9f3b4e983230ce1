/* case_quote.c - see case_quote.h */
#include "app/cases/case_quote.h"

#include "policy/allow.h"
#include "policy/glob.h"
#include "message/http_text.h"

void quote_shell(struct buffer *out, struct span text)
{
	buffer_add(out, "'", 1);
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\'')
			buffer_add_str(out, "'\\''");
		else if (text.at[i] != '\0')
			buffer_add(out, &text.at[i], 1);
	}
	buffer_add(out, "'", 1);
}

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-_./:@%+=,", c));
}

void quote_shell_if_needed(struct buffer *out, struct span text)
{
	size_t plain = 0;

	while (plain < text.len && is_plain(text.at[plain]))
		plain++;
	if (plain == text.len && text.len > 0)
		buffer_add_span(out, text);
	else
		quote_shell(out, text);
}

/* ---- the target ---- */

static void add_encoded(struct buffer *out, struct span text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c > 0x20 && c < 0x7f && !strchr("#\"'\\^`{}|<>", c))
			buffer_add(out, &c, 1);
		else
			buffer_add(out, (const char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
	}
}

/** decoded() - the name of a parameter as a server reads it */
static void decoded(struct buffer *out, struct span name)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < name.len; i++) {
		const char *high = i + 2 < name.len && name.at[i + 1] ? strchr(digits, name.at[i + 1] | 0x20) : NULL;
		const char *low = high && name.at[i + 2] ? strchr(digits, name.at[i + 2] | 0x20) : NULL;
		char c = (char)name.at[i];

		if (c == '%' && low) {
			c = (char)((high - digits) << 4 | (low - digits));
			i += 2;
		}
		buffer_add(out, &c, 1);
	}
}

static bool is_secret_name(struct span name)
{
	static const char *const globs[] = { "key", "*apikey*", "*api_key*", "sig", "*signature*", "auth", "*token*", "*-key", "*_key",
					     "code", "jwt", "*session*", "pass", "passwd", "pwd" };

	if (field_kind(name) == FIELD_CREDENTIAL)
		return true;
	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++)
		if (glob_match(span_str(globs[i]), name, true))
			return true;
	return false;
}

static bool is_secret(struct span name)
{
	struct buffer plain = { 0 };
	bool yes;

	decoded(&plain, name);
	yes = !buffer_ok(&plain) || is_secret_name(buffer_span(&plain));
	buffer_deinit(&plain);
	return yes;
}

/** add_query() - parameter by parameter; how many values were removed. @out: NULL: only count */
static size_t add_query(struct buffer *out, struct span query)
{
	struct span one, rest = query, name, value;
	size_t removed = 0;
	bool more = true;

	while (more) {
		more = span_cut(rest, '&', &one, &rest);
		if (span_cut(one, '=', &name, &value) && value.len > 0 && is_secret(name)) {
			value = SPAN_LITERAL("removed");
			removed++;
		} else {
			name = one;
			value = span_of(NULL, 0);
		}
		if (!out)
			continue;
		add_encoded(out, name);
		if (value.len > 0) {
			buffer_add_str(out, "=");
			add_encoded(out, value);
		}
		if (more)
			buffer_add_str(out, "&");
	}
	return removed;
}

void quote_target(struct buffer *out, struct span target)
{
	struct span path, query;
	bool has_query = span_cut(target, '?', &path, &query);

	add_encoded(out, path);
	if (has_query) {
		buffer_add_str(out, "?");
		add_query(out, query);
	}
}

size_t quote_removed(struct span target)
{
	struct span path, query;

	return span_cut(target, '?', &path, &query) ? add_query(NULL, query) : 0;
}
