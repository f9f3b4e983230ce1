/* base64.h - RFC 4648, section 4: the alphabet with + and /, padded; as embeddings are sent, and what a broker stores */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"

/**
 * base64_decode() - append what @text stands for to @out
 *
 * Return: false if it is no base64: another character, a length that is no multiple of four, padding within. What was
 * appended until then stays. Whether there was memory says buffer_ok().
 */
bool base64_decode(struct span text, struct buffer *out);

#endif
