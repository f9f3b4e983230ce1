/*
 * option_kind.h - how the values of one kind of option are read, compared and told
 *
 * Theory of operation: a row of option_table.c is data; what its value means is
 * the row's kind. A kind is one struct of functions beside each other, so that
 * its default, its parser and its text are read in one place, and a new kind is
 * a line here and a struct in the file where its like are:
 *
 *   option_numbers.c  whole numbers, sizes, times, per cent, tolerances, speed
 *   option_relay.c    what has to do with brokers
 *   option_targets.c  targets, and what NAME: says of one of them
 *   option_words.c    flags, texts, lists, words out of a few
 *
 * The enum stands beside the structs since rows and tests say a kind by number;
 * a kind that is listed without a struct does not link.
 */
#ifndef APP_OPTIONS_OPTION_KIND_H
#define APP_OPTIONS_OPTION_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/options/options.h"
#include "base/buffer.h"

/*        id          struct             type of the field */
#define OPTION_KINDS(X)                                                                                      \
	/* no value on the command line, yes or no in the config file */                                     \
	X(FLAG,       option_flag)       /* bool */                                                          \
	X(FLAG_OFF,   option_flag_off)   /* bool, cleared */                                                 \
	X(LEVEL,      option_level)      /* unsigned, one more each time */                                  \
	X(COMMAND,    option_command)    /* enum command: .min */                                            \
	X(NOTHING,    option_nothing)    /* none: accepted, changes nothing */                               \
	/* a value; those with a range check .min to .max in the field's own unit */                         \
	X(UINT32,     option_uint32)                                                                         \
	X(UINT64,     option_uint64)                                                                         \
	X(SNAPLEN,    option_snaplen)    /* uint32_t; 0 means .max, as in tcpdump */                         \
	X(SIZE,       option_size)       /* uint64_t bytes */                                                \
	X(SIZE32,     option_size32)     /* uint32_t bytes */                                                \
	X(DURATION,   option_duration)   /* int64_t ns */                                                    \
	X(TEXT,       option_text)       /* const char * */                                                  \
	X(TEXTS,      option_texts)      /* struct texts; repeatable */                                      \
	X(PORTS,      option_ports)      /* struct port_set */                                               \
	X(SOURCE,     option_source)     /* struct texts, of files; repeatable. Or relay.source */           \
	X(NAME,       option_relay_name) /* const char *, fit for a broker's names */                        \
	X(FROM,       option_from)       /* struct relay_from */                                             \
	X(TUNNELS,    option_tunnels)    /* unsigned of TUNNEL_BIT()s */                                     \
	X(USER,       option_user)       /* const char * */                                                  \
	X(SAMPLE,     option_sample)     /* uint64_t share, or that of a target */                           \
	X(SAMPLE_BY,  option_sample_by)  /* policy.sample_by and .sample_header */                           \
	X(RAMP,       option_ramp)       /* struct ramp_options */                                           \
	X(SHARE,      option_share)      /* uint64_t */                                                      \
	X(PERCENT,    option_percent)    /* uint32_t */                                                      \
	X(TARGET,     option_target_url) /* targets */                                                       \
	X(CONTROL,    option_control)    /* targets */                                                       \
	X(TOLERANCE,  option_tolerance)  /* double, 0 or more; its default is what .shown says */            \
	X(SLICE,      option_slice)      /* struct texts; repeatable */                                      \
	X(RATE,       option_rate)       /* that of each target */                                           \
	X(HTTP_VERSION, option_http_version) /* that of one target or of each */                             \
	X(HEADER,     option_header)     /* those of one target or of each */                                \
	X(HOST,       option_host)       /* host_mode and host_value */                                      \
	X(SPEED,      option_speed)      /* speed and speed_max */                                           \
	X(REPORT,     option_report)     /* struct texts; repeatable */                                      \
	X(LABEL,      option_label)      /* struct texts; repeatable */                                      \
	X(ADMIN,      option_admin)      /* struct admin_address */                                          \
	X(WORD,       option_word)       /* an enum in the order of .choices; .initial is its default */     \
	X(LOG_FORMAT, option_log_format) /* log_format and log_all_json */                                   \
	X(CONFIG,     option_config)     /* const char * */                                                  \
	X(SHELL,      option_shell)      /* shell, and the command that it belongs to */

enum option_kind {
#define X(id, kind) OPTION_##id,
	OPTION_KINDS(X)
#undef X
	OPTION_KIND_COUNT
};

struct option_row;

/** struct option_input - one option as it was given, and where */
struct option_input {
	const struct option_row *row;
	const char *value; /* lives as long as the options' owner; NULL: a flag without one */
	const char *file;  /* of the config file; NULL: the command line */
	unsigned line;
	bool by_letter; /* -S rather than --sample: messages say it as the user did */
};

/** struct option_unit - how a number is written: 65536 as 64K */
struct option_unit {
	bool (*parse)(const char *text, uint64_t *out); /* NULL: the kind has a parser of its own */
	const char *complaint;                          /* if it cannot be parsed */
	const char *(*text)(uint64_t n, char *out);     /* exactly, into UNITS_TEXT_MAX bytes */
};

/** enum option_privacy - how much of a value a message may show */
enum option_privacy { OPTION_PUBLIC, OPTION_NAME_ONLY, OPTION_PRIVATE };

/** struct option_ops - @field is where the row's offset points; a function that is NULL does nothing */
struct option_ops {
	/* The row's default; NULL: the zero value. */
	void (*set_default)(const struct option_row *row, void *field);
	/* Check the value and store it. Return: 0, or a negative errno with one sentence in @error. */
	int (*parse)(struct options *o, const struct option_input *in, void *field, struct buffer *error);
	/* Do @a and @b say the same? NULL: they always do. @x and @y are their fields. */
	bool (*equal)(const struct options *a, const struct options *b, const void *x, const void *y);
	/* Append the value. Only kinds of which a row is hot need it. */
	void (*show)(const struct options *o, const struct option_row *row, const void *field, struct buffer *out);
	const struct option_unit *unit; /* of .min, .max and .initial; NULL: plain numbers */
	enum option_privacy privacy;
};

#define X(id, kind) extern const struct option_ops kind;
OPTION_KINDS(X)
#undef X

/** option_ops_of() - never NULL */
const struct option_ops *option_ops_of(enum option_kind kind);

#endif
