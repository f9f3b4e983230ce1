/*
 * option_value.h - from the text of one value to its field, by the row's kind; and what the kinds share
 */
#ifndef APP_OPTIONS_OPTION_VALUE_H
#define APP_OPTIONS_OPTION_VALUE_H

#include <stdbool.h>

#include "app/options/option_kind.h"
#include "app/options/option_table.h"
#include "base/buffer.h"

/**
 * option_apply() - check one value and store it in @o
 * @error:  on failure one sentence; values of -H and user info of -t never appear in it
 *
 * Rows that are late look at o->targets, so they come after all others.
 * Return: 0, -EINVAL (a usage error), -ENOMEM, or the errno of a file or a user that the value names.
 */
int option_apply(struct options *o, const struct option_input *in, struct buffer *error);

/** option_shown() - append @text as a message may show it: cut where it gets long */
void option_shown(struct buffer *out, const char *text);

/** option_range() - append "1 to 65536" in the row's unit */
void option_range(const struct option_row *row, struct buffer *out);

/** option_initial() - append the default as --help shows it; nothing if there is none */
void option_initial(const struct option_row *row, struct buffer *out);

/* ---- what the kinds share ---- */

/** option_wrong() - append a usage error about @in: how it was given, and what is wrong with it. Return: -EINVAL */
__attribute__((format(printf, 3, 4))) int option_wrong(struct buffer *error, const struct option_input *in,
						       const char *format, ...);

/** option_out_of_memory() - Return: -ENOMEM */
int option_out_of_memory(struct buffer *error);

/** option_add_text() - append @text (of the options' owner) to @list; 0 or -ENOMEM */
int option_add_text(struct options *o, struct texts *list, const char *text, struct buffer *error);

/** option_is_token() - is this a field name as RFC 9110 (5.6.2) allows it: @len bytes of tchar, at least one? */
bool option_is_token(const char *text, size_t len);

/** option_read_share() - a share such as 5% or 0.05 of @in into parts per SHARE_ONE; 0 or -EINVAL */
int option_read_share(const struct option_input *in, const char *text, uint64_t *out, struct buffer *error);

/** option_choice() - which of the row's choices is @word? Counted from 0; -1: none of them */
int option_choice(const struct option_row *row, const char *word);

/** option_show_choice() - append the @n-th of the row's choices */
void option_show_choice(const struct option_row *row, int n, struct buffer *out);

/** option_read_broker() - the broker that @in names into @out, which has none yet; 0 or -EINVAL */
int option_read_broker(const struct option_input *in, struct broker_url *out, struct buffer *error);

/** option_brokers_equal() - do they lead to the same, as the same user? */
bool option_brokers_equal(const struct broker_url *a, const struct broker_url *b);

/* equal() and set_default() of many kinds */
bool option_equal_u32(const struct options *a, const struct options *b, const void *x, const void *y);
bool option_equal_u64(const struct options *a, const struct options *b, const void *x, const void *y);
bool option_equal_texts(const struct options *a, const struct options *b, const void *x, const void *y);
bool option_text_equal(const char *a, const char *b);
void option_default_u32(const struct option_row *row, void *field);
void option_default_u64(const struct option_row *row, void *field);

#endif
