/*
 * option_table.h - every option, once
 *
 * Parsing, ranges, defaults, --help, the config file and the check of the man
 * page all read this one table; an option that isn't in it does not exist.
 */
#ifndef APP_OPTIONS_OPTION_TABLE_H
#define APP_OPTIONS_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/options/option_kind.h"
#include "app/options/options.h"
#include "base/span.h"

#define OPTION_GROUPS(X)                                                                                       \
	X(CAPTURE, "What is captured")                                                                         \
	X(MIRROR, "What is mirrored")                                                                          \
	X(TARGET, "Where to, and how")                                                                         \
	X(COMPARE, "Comparing answers")                                                                        \
	X(RELAY, "Many hosts: through a broker")                                                               \
	X(TIME, "Pace and end")                                                                                \
	X(TELL, "What is reported")                                                                                \
	X(GENERAL, "General")

enum option_group {
#define X(id, title) OPTION_GROUP_##id,
	OPTION_GROUPS(X)
#undef X
	OPTION_GROUP_COUNT
};

/** enum option_broker - of which broker does an option say something? */
enum option_broker { BROKER_NONE, BROKER_ANY, BROKER_TARGET, BROKER_SOURCE };

struct option_row {
	enum option_group group;
	char letter;       /* 0: none */
	const char *name;  /* long option and key of the config file */
	const char *value; /* what stands for the value in --help; NULL: it takes none */
	const char *help;

	enum option_kind kind;
	size_t offset;            /* of the field in struct options */
	uint64_t min, max;        /* inclusive */
	uint64_t initial;         /* default of a number */
	uint64_t bare_max;        /* of a time: the most, in ns, that may be written without a unit; 0: any */
	const char *initial_text; /* default of a text */
	/*
	 * Words that a shell may offer, with spaces between them; NULL: none. Where the value is one of them, they are
	 * in the order of the enum that it fills.
	 */
	const char *choices;
	const char *shown;        /* default as --help tells it, where .initial does not say it all */

	const char *instead;    /* the option that this one excludes */
	bool compare_only;      /* makes no sense without --compare */
	bool shadow_only;       /* says what is sent to a shadow: makes no sense where a broker is the only target */
	enum option_broker broker; /* makes no sense without such a one */
	bool late;              /* needs the targets: read after all others */
	bool files_only;        /* makes no sense for live traffic */
	bool command_line_only; /* no key of the config file */
	bool secret;            /* its values are never told: they may be keys that clients send */
	bool hot;               /* SIGHUP changes it at once; others need a restart */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/** option_by_name() - the row of a long option, spelled in full; NULL if there is none */
const struct option_row *option_by_name(struct span name);

/** option_by_letter() - the row of a short option; NULL if there is none */
const struct option_row *option_by_letter(char letter);

/** option_nearest() - the name that a misspelled or shortened @name was probably meant to be, or NULL */
const char *option_nearest(struct span name);

/** option_defaults() - fill @o with the table's defaults (which own no memory) */
void option_defaults(struct options *o);

/** option_takes_value() - does the command line expect a value for it? */
static inline bool option_takes_value(const struct option_row *row)
{
	return row->value != NULL;
}

#endif
