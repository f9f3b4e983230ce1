/*
 * percent.h - values of attributes as the NATS binding of CloudEvents writes them
 *
 * Space, the double quote, "%", and all that is not visible ASCII are written as
 * "%" and two upper-case digits, byte by byte of the UTF-8; readers take both cases.
 */
#ifndef RELAY_PERCENT_H
#define RELAY_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/** percent_put() - at most three bytes for each of @text, from @at on; where it ended. No NUL */
char *percent_put(char *at, struct span text);

/** percent_decode() - into @out of @max bytes; false if there is no room, or a "%" without two digits */
bool percent_decode(struct span text, char *out, size_t max, size_t *len);

#endif
