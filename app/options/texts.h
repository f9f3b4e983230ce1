/*
 * texts.h - strings that live as long as the options that point to them
 *
 * The options hold texts from three places: argv (which the caller owns), the
 * config file and header files (which are read and closed). Copying them all
 * into one owner makes the question "who frees this?" have one answer:
 * texts_owner_free(), once, at the end. Nothing is freed singly.
 */
#ifndef APP_OPTIONS_TEXTS_H
#define APP_OPTIONS_TEXTS_H

#include <stdbool.h>

#include "base/span.h"
#include "policy/policy.h" /* struct texts */

struct texts_owner;

/** texts_owner_new() - an empty owner, given to the caller; NULL when out of memory */
struct texts_owner *texts_owner_new(void);

/** texts_owner_free() - free every text and list made with @owner; NULL is allowed */
void texts_owner_free(struct texts_owner *owner);

/** texts_copy() - @text as a C string that lives as long as @owner; NULL when out of memory */
const char *texts_copy(struct texts_owner *owner, struct span text);

/** texts_add() - append @text (borrowed for as long as @owner lives) to @list; false when out of memory */
bool texts_add(struct texts_owner *owner, struct texts *list, const char *text);

#endif
