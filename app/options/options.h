/*
 * options.h - what the user asked for
 *
 * Filled from the command line and the config file (the command line wins),
 * checked whole before a privilege is used or a packet is read, and const
 * afterwards: SIGHUP makes a second set, of which option_change.h says what may
 * change at once. A stage sees none of it, but a small struct of its own, made
 * from this one where stages are put together (app/run/stages.c, doctor.c). One
 * table (option_table.c) drives parsing, ranges, --help, the config file and the
 * test that the man page names every option.
 */
#ifndef APP_OPTIONS_OPTIONS_H
#define APP_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/options/admin_address.h"
#include "app/options/compare_settings.h"
#include "app/options/completion.h"
#include "app/options/exit_status.h"
#include "app/options/relay_settings.h"
#include "app/options/target_settings.h"
#include "policy/ramp.h"
#include "base/buffer.h"
#include "capture/decode.h"
#include "policy/policy.h"
#include "policy/rewrite.h"
#include "replay/tls.h"

enum h2_mode { H2_AUTO, H2_ON, H2_OFF }; /* auto: connections that began before the capture only with -p */

enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT, LOG_FORMAT_BY_TERMINAL /* text on one, else JSON; the default */ };

enum command { COMMAND_RUN, COMMAND_HELP, COMMAND_VERSION, COMMAND_LIST_INTERFACES, COMMAND_CHECK_CONFIG,
	       COMMAND_COMPLETION, COMMAND_LIST_PRESETS };

/** struct tls_settings - reading TLS with secrets */
struct tls_settings {
	struct texts key_logs;
	int64_t wait_ns; /* how long ciphertext waits for secrets */
	uint32_t join;   /* records of a direction that may have gone by where the handshake was not captured; 0: it has to be */
	bool write_secrets; /* into the recording of -w */
	bool to_plain;   /* what was TLS may leave as plain text */
};

struct options {
	enum command command;
	bool doctor;      /* shadowtap doctor: look and judge, mirror nothing */
	bool json;        /* ... and say it as JSON */
	enum shell shell; /* of COMMAND_COMPLETION */

	/* what is captured */
	struct texts interfaces;
	struct texts files;
	struct port_set ports;
	struct port_set vxlan_ports; /* beside the usual ones */
	enum h2_mode h2;
	struct tls_settings read_tls;
	unsigned tunnels;            /* TUNNEL_BIT()s: --decap */
	const char *expression;      /* NULL if none */
	uint32_t snaplen;
	uint32_t buffer_bytes;
	uint32_t lanes; /* capture threads */
	bool promiscuous;
	const char *user; /* NULL: stay who we are */
	bool sandbox;

	/* what is mirrored */
	struct policy_options policy; /* is_own is set by the wiring */
	bool sample_given;            /* --sample for all targets: it and a ramp exclude each other */
	struct ramp_options ramp;
	uint32_t max_cpu; /* per cent of one core; 0 = no limit */
	uint64_t max_body;
	int64_t max_stream_ns;
	uint64_t count; /* stop after this many chosen requests; 0 = no limit */

	/* where to, and how */
	struct target_settings targets[TARGETS_MAX];
	size_t target_count;
	bool target_is_production; /* a target may be the service that is watched */
	struct texts allow_headers;
	enum host_mode host_mode;
	const char *host_value;
	struct texts rewrite_paths; /* --rewrite-path 'RE=>TEXT', for all targets */
	enum traceparent_mode traceparent;
	struct tls_options tls;     /* for all https targets */
	int64_t max_time_ns;
	int64_t connect_timeout_ns; /* 0: max_time_ns */
	uint32_t connections;
	uint32_t streams; /* of one connection of HTTP/2 */
	uint32_t queue;
	uint64_t max_memory;
	uint32_t breaker;
	bool dry_run;

	struct compare_settings compare;
	struct relay_settings relay;

	/* time */
	bool speed_max; /* -x max */
	double speed;
	uint32_t loops;
	int64_t max_sleep_ns; /* 0 = no limit */
	int64_t duration_ns;  /* 0 = no limit */

	/* what is told */
	const char *events_path;    /* -o; "-" = stdout; NULL = none */
	const char *write_path;     /* -w; "-" = stdout; NULL = none */
	struct texts reports;       /* --report FILE.json */
	struct admin_address admin; /* --admin; neither address nor path: none */
	const char *config_path;
	enum log_format log_format;
	bool log_all_json; /* it was asked for: all lines, not only those about failures */
	int64_t stats_every_ns; /* 0 = off */
	bool show_query;
	bool explain; /* a line for each request on stderr: explain.h */
	bool quiet;
	unsigned verbose; /* number of -v */

	int argc;
	char **argv; /* borrowed: what the options were read from, and are read from again */
	bool again;  /* they were */
	bool user_was_chosen; /* the user was not named: it is our default */

	struct texts given; /* every option as it was given, without what may be a secret: "--sample 5%" */
	const char *title;  /* of the report; NULL: none */
	struct texts labels; /* of the report: NAME=VALUE */
	const char *on_end;  /* a command for the shell; NULL: none */

	struct texts_owner *owner; /* everything the texts point to */
};

/**
 * options_parse() - read the command line and, if it names one, the config file
 * @out:    defaults filled in; options_deinit() frees it, after success only
 * @error:  on failure one sentence: the option, the value, the reason, the range or an example
 * Return: 0, -EINVAL (a usage error: exit 2), -ENOENT or another negative errno (a file
 * that the options name cannot be read: exit 1), or -ENOMEM.
 */
int options_parse(int argc, char **argv, struct options *out, struct buffer *error);

/** options_parse_doctor() - the same for shadowtap doctor (argv[0]); it needs no target */
int options_parse_doctor(int argc, char **argv, struct options *out, struct buffer *error);

/**
 * options_parse_again() - the same command line, and the config file as it is now
 * @before:  from options_parse()
 *
 * As options_parse(), but for files that cannot be read twice (pipes, terminals): -ESPIPE.
 */
int options_parse_again(const struct options *before, struct options *out, struct buffer *error);

void options_deinit(struct options *o);

/** options_help() - the text of --help, from the table */
void options_help(struct buffer *out);

/** options_help_doctor() - the text of doctor --help: what it looks at, and the options that it uses */
void options_help_doctor(struct buffer *out);

#endif
