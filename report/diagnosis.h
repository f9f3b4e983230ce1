/*
 * diagnosis.h - from what was seen to sentences that say what is wrong, and what to do
 *
 * The doctor looks at the same traffic twice: through the eyes of a run with
 * these options (the books), and without its filters (struct wide_view). What
 * the second sees and the first does not is what the options shut out. Here is
 * the judgement alone, numbers in and findings out, so that a table of cases
 * can test it.
 */
#ifndef REPORT_DIAGNOSIS_H
#define REPORT_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/endpoint.h"
#include "base/json.h"
#include "relay/broker_view.h"
#include "report/books.h"
#include "tls/secret_kind.h"

#define VIEW_PORTS_MAX 16
#define VIEW_NAMES_MAX 8
#define VIEW_NAME_TEXT 64
#define VIEW_TUNNELS   12
#define VIEW_SERVERS_MAX 64
#define VIEW_PATH_TEXT 256

/** struct port_view - what begins on connections to one port */
struct port_view {
	uint16_t port;
	uint64_t requests, tls, http2; /* segments that begin an HTTP/1 request, a ClientHello, an HTTP/2 connection */
};

/** struct wide_view - all that passes, whatever the options filter */
struct wide_view {
	uint64_t packets, segments, payload_bytes;
	struct port_view port[VIEW_PORTS_MAX]; /* those where something begins, as they were met; further ones are left out */
	size_t port_count;
	char tls_name[VIEW_NAMES_MAX][VIEW_NAME_TEXT]; /* as clients say them: printable */
	size_t tls_name_count;
	struct unread_share unread[UNREAD_MAX]; /* what could not be read, the most frequent first */
	uint64_t hidden[VIEW_TUNNELS]; /* segments in tunnels that the options do not open, by their kind */
	uint32_t largest_cut, largest_kept; /* bytes: the longest packet that was cut, and what was captured of it */
	int64_t clock_off_ns;  /* live: how far a packet's time was from ours, at most */
	int64_t clock_back_ns; /* recordings: the largest step back from one packet to the next */
};

/** struct narrow_view - what a run with these options would see */
struct narrow_view {
	struct books books;
	uint64_t segments, payload_bytes;
	char methods[128], paths[256]; /* of requests that were filtered: the first few, for the sentence */
	char path[VIEW_PATH_TEXT]; /* of a request that matches, printable, without its query; "": none that a HEAD could ask for */
	struct endpoint server[VIEW_SERVERS_MAX]; /* where requests went: those with the port of a target, as they were met */
	size_t server_count;
};

/** struct probe - one target, asked once */
struct probe {
	const char *name, *shown; /* borrowed */
	enum outcome_kind kind;
	int status_code;
	int64_t connect_us, total_us;
	const char *detail;
	const char *path; /* of a request that was seen, as this target would get it; "": its base was asked for; borrowed */
	int options_code; /* status of an OPTIONS for @path, where a HEAD got 404; 0: not asked, or no response */
	bool skipped; /* the built-in sink: there is nothing to ask */
	bool is_production; /* it is @server, which is watched, and was not asked */
	struct endpoint server;
};

/** struct keys_view - --keylog */
struct keys_view {
	bool is_given;
	const char *unreadable; /* the sentence that says why, or NULL */
	const char *readable, *readers; /* a file that others can read, and who; NULL: there is none */
	uint64_t secrets[TLS_SECRET_KINDS]; /* lines with them */
	uint64_t malformed;
};

struct symptoms {
	struct keys_view keys;
	const char *cannot_capture;      /* the sentence that says why, or NULL */
	const char *sandbox_fails;       /* the sentence that says how, or NULL: nothing was looked at */
	const char *ports;               /* as the user wrote them, "8080,8081"; NULL: none */
	const char *expression, *preset; /* or NULL */
	const uint16_t *vxlan_ports;     /* those of --vxlan-port */
	size_t vxlan_port_count;
	bool live, any_interface;
	bool leaves_http2; /* --h2 off */
	bool compares;
	double sample; /* share of the matching requests */
	double seconds;
	uint32_t snaplen;
	const char *const *tunnel_names; /* by bit; @hidden's indices */
	struct wide_view wide;
	struct narrow_view narrow;
	const struct probe *probes;
	size_t probe_count;
	bool reads_broker;           /* there are no packets */
	uint64_t max_body;
	const struct broker_view *brokers;
	size_t broker_count;
};

enum finding_severity { FINDING_FAULT, FINDING_WARNING, FINDING_NOTE, FINDING_GOOD };

#define DIAGNOSIS_BROKER 8 /* findings about one broker, of two */
#define DIAGNOSIS_MAX (38 + VIEW_TUNNELS + BOOKS_TARGETS_MAX + 2 * DIAGNOSIS_BROKER)

struct diagnosis_line {
	enum finding_severity severity;
	const char *code;     /* one word, for programs */
	struct buffer text;   /* a sentence or two */
	struct buffer remedy; /* what to do; may be empty */
};

struct diagnosis {
	struct diagnosis_line line[DIAGNOSIS_MAX];
	size_t count;
};

/** diagnose() - findings, worst first; diagnosis_deinit() frees them */
void diagnose(const struct symptoms *s, struct diagnosis *out);
void diagnosis_deinit(struct diagnosis *d);

/** diagnosis_works() - no fault: a run with these options would mirror requests */
bool diagnosis_works(const struct diagnosis *d);

void diagnosis_text(const struct diagnosis *d, struct buffer *out);

/** diagnosis_json() - members of an object that the caller has opened: works, findings */
void diagnosis_json(const struct diagnosis *d, struct json *j);

#endif
