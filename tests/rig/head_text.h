/*
 * head_text.h - what a rewritten request looks like to a server of HTTP/1.1
 *
 * Written here once more, and not by replay/http1_head.c: tests of the policy floor need no floor above it.
 */
#ifndef TESTS_RIG_HEAD_TEXT_H
#define TESTS_RIG_HEAD_TEXT_H

#include <errno.h>

#include "policy/rewrite.h"

static inline void add_line(struct buffer *out, struct span a, const char *between, struct span b, const char *end)
{
	buffer_add_span(out, a);
	buffer_add_str(out, between);
	buffer_add_span(out, b);
	buffer_add_str(out, end);
}

/** head_text() - rewrite_request() of @m, appended to @out as text; as that returns, with @out as before on failure */
static inline int head_text(const struct rewrite *w, const struct message *m, struct buffer *out)
{
	struct outgoing o = { 0 };
	size_t before = out->len;
	int err = rewrite_request(w, m, &o);

	if (err == 0) {
		add_line(out, o.method, " ", o.target, " HTTP/1.1\r\n");
		for (size_t i = 0; i < o.fields.count; i++)
			add_line(out, o.fields.at[i].name, ": ", o.fields.at[i].value, "\r\n");
		buffer_add_str(out, "\r\n");
		err = buffer_ok(out) ? 0 : -ENOMEM;
	}
	if (err < 0)
		out->len = before;
	outgoing_deinit(&o);
	return err;
}

#endif
