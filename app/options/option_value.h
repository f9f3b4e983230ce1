/*
 * option_value.h - from the text of one value to its field
 */
#ifndef APP_OPTIONS_OPTION_VALUE_H
#define APP_OPTIONS_OPTION_VALUE_H

#include <stdbool.h>

#include "app/options/option_table.h"
#include "app/options/options.h"
#include "base/buffer.h"

/** struct option_input - one option as it was given, and where */
struct option_input {
	const struct option_row *row;
	const char *value; /* incarnations as long as the options' owner; NULL: a flag without one */
	const char *file;  /* of the config file; NULL: the command line */
	unsigned line;
	bool by_letter; /* -S rather than --sample: messages say it as the user did */
};

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

#endif
