/* case_quote.h - text from strangers where a shell, a URL or a comment reads it */
#ifndef APP_CASES_CASE_QUOTE_H
#define APP_CASES_CASE_QUOTE_H

#include "base/buffer.h"
#include "base/span.h"

/** quote_shell() - one word of a POSIX shell, between single quotes; NUL, which no word can hold, is left out */
void quote_shell(struct buffer *out, struct span text);

/** quote_shell_if_needed() - likewise, but what is one word as it is stays so, for people to read */
void quote_shell_if_needed(struct buffer *out, struct span text);

/**
 * quote_target() - path and query as part of a URL that means the same request
 *
 * Bytes that would end the URL, or that a client would take for something of its own, are percent-encoded: white
 * space, control characters, '#', quotes, '\', '^', '`', braces, '|', '<', '>' and all above 0x7e. The values of
 * parameters that are called like a credential become "removed".
 */
void quote_target(struct buffer *out, struct span target);

/** quote_removed() - how many values quote_target() would remove */
size_t quote_removed(struct span target);

#endif
