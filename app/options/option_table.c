/*
 * option_table.c - see option_table.h
 *
 * A row is data: no row has code of its own. The macros below name the kind and
 * the field together and let the compiler refuse a kind that does not fit its
 * field, which is the one mistake that offsets make easy.
 */
#include "app/options/option_table.h"

#include <string.h>

#include "base/edit_distance.h"
#include "base/units.h"
#include "capture/source.h"
#include "tls/joiner.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* -m 300 is five minutes to curl, and here, where 300ms is the default, may be meant as that: above this a unit is needed. */
#define BARE_SECONDS_MAX (60 * SECOND)

/* offsetof() that does not compile unless the field has the type */
#define AT(type, field)                                                                                      \
	(offsetof(struct options, field) + 0 * sizeof(char[_Generic(((struct options *)0)->field, type : 1)]))

#define FLAG(field) .kind = OPTION_FLAG, .offset = AT(bool, field)
#define FLAG_OFF(field) .kind = OPTION_FLAG_OFF, .offset = AT(bool, field), .initial = true
#define COMMAND(which) .kind = OPTION_COMMAND, .offset = offsetof(struct options, command), .min = (which), \
		       .command_line_only = true
#define TEXT(field) .kind = OPTION_TEXT, .offset = AT(const char *, field)
#define TEXTS(field) .kind = OPTION_TEXTS, .offset = AT(struct texts, field)
#define RANGE(lo, hi, start) .min = (lo), .max = (hi), .initial = (start)
#define UINT32(field, ...) .kind = OPTION_UINT32, .offset = AT(uint32_t, field), RANGE(__VA_ARGS__)
#define UINT64(field, ...) .kind = OPTION_UINT64, .offset = AT(uint64_t, field), RANGE(__VA_ARGS__)
#define SIZE(field, ...) .kind = OPTION_SIZE, .offset = AT(uint64_t, field), RANGE(__VA_ARGS__)
#define SIZE32(field, ...) .kind = OPTION_SIZE32, .offset = AT(uint32_t, field), RANGE(__VA_ARGS__)
#define WORD(type, field) .kind = OPTION_WORD, .offset = AT(type, field)
#define DURATION(field, ...) .kind = OPTION_DURATION, .offset = AT(int64_t, field), RANGE(__VA_ARGS__)

/* Rows whose choices fill an enum: their last words are these. */
_Static_assert(SAMPLE_BY_HEADER == 5 && HTTP_VERSION_2 == 2 && HOST_VALUE == 3 && LOG_FORMAT_TEXT == 1 && SHELL_FISH == 2 &&
		       H2_OFF == 2 && H2_HEADS_NEEDED == 2 && sizeof(enum h2_mode) == sizeof(unsigned) &&
		       sizeof(enum h2_heads) == sizeof(unsigned) && STOP_WHEN_CAUGHT_UP == 2 &&
		       sizeof(enum stop_when) == sizeof(unsigned) && TRACEPARENT_NEW == 1 &&
		       sizeof(enum traceparent_mode) == sizeof(unsigned),
	       "order of .choices");

/* clang-format off: a table reads best as one */
const struct option_row option_rows[] = {
	{ OPTION_GROUP_CAPTURE, 'i', "interface", "IF",
	  "capture live on this interface; repeatable; \"any\" is all of them",
	  TEXTS(interfaces), .shown = "any, unless -r is given", .instead = "read" },
	{ OPTION_GROUP_CAPTURE, 'r', "read", "FILE",
	  "read a pcap or pcapng file, gzip too; - is standard input; several are merged by time. Or nats://HOST/SERVICE: what taps "
	  "hand over there",
	  .kind = OPTION_SOURCE, .offset = AT(struct texts, files), .instead = "interface" },
	{ OPTION_GROUP_CAPTURE, 'p', "port", "PORT[,PORT...]",
	  "ports of the server, 1 to 65535; repeatable",
	  .kind = OPTION_PORTS, .offset = AT(struct port_set, ports), .min = 1, .max = 65535,
	  .shown = "any port where HTTP requests begin" },
	{ OPTION_GROUP_CAPTURE, 0, "h2", "auto|on|off",
	  "HTTP/2 and gRPC: auto reads them, and connections that began before the capture on the ports of -p; on reads "
	  "those on any port; off none",
	  WORD(enum h2_mode, h2), .shown = "auto", .choices = "auto on off" },
	{ OPTION_GROUP_CAPTURE, 0, "keylog", "FILE",
	  "read TLS with the secrets in this key log (NSS format, RFC 9850): a file, live as it grows; live also a named pipe, "
	  "or unix:PATH, where programs write to; repeatable; those that a pcapng carries are always used",
	  TEXTS(read_tls.key_logs) },
	{ OPTION_GROUP_CAPTURE, 0, "keylog-wait", "TIME",
	  "how long what is encrypted waits for its secrets, within --max-memory; live, later ones open what follows",
	  DURATION(read_tls.wait_ns, 0, HOUR, 2 * SECOND) },
	{ OPTION_GROUP_CAPTURE, 0, "tls-join", "N",
	  "find the secrets of connections with TLS 1.3 that began before the capture by trying those of the key log that no other "
	  "has, where at most N records of a side went by; 0 is not to",
	  UINT32(read_tls.join, 0, JOINER_NUMBERS_MAX, 0) },
	{ OPTION_GROUP_CAPTURE, 0, "decap", "LIST",
	  "live: let these tunnels through the kernel's filter: vxlan, geneve, gre, erspan, ipip, mpls, "
	  "pppoe, gtp, tzsp, fabric (recordings: all are always opened)",
	  .kind = OPTION_TUNNELS, .offset = AT(unsigned, tunnels),
	  .choices = "vxlan geneve gre erspan ipip mpls pppoe gtp tzsp fabric" },
	{ OPTION_GROUP_CAPTURE, 0, "vxlan-port", "PORT[,PORT...]",
	  "more UDP ports on which VXLAN comes; repeatable",
	  .kind = OPTION_PORTS, .offset = AT(struct port_set, vxlan_ports), .min = 1, .max = 65535,
	  .shown = "4789 and 8472, always" },
	{ OPTION_GROUP_CAPTURE, 's', "snaplen", "BYTES",
	  "bytes captured of each packet; 0 is the most there can be",
	  .kind = OPTION_SNAPLEN, .offset = AT(uint32_t, snaplen), RANGE(64, 262144, 262144) },
	/* libpcap takes the size as an int, so that 2G itself would wrap. */
	{ OPTION_GROUP_CAPTURE, 'B', "buffer-size", "SIZE",
	  "the kernel's buffer for each interface",
	  SIZE32(buffer_bytes, 64 * KIB, 2047 * MIB, 64 * MIB) },
	{ OPTION_GROUP_CAPTURE, 0, "lanes", "N",
	  "capture threads, among which the connections of each interface, or of a recording, are dealt",
	  UINT32(lanes, 1, SOURCE_LANES_MAX, 1) },
	{ OPTION_GROUP_CAPTURE, 0, "no-promiscuous", NULL,
	  "leave named interfaces as they are (a SPAN port needs promiscuous mode)",
	  FLAG_OFF(promiscuous) },
	{ OPTION_GROUP_CAPTURE, 'Z', "user", "USER",
	  "become this user once captures and files are open",
	  .kind = OPTION_USER, .offset = AT(const char *, user), .shown = "nobody when started as root" },
	{ OPTION_GROUP_CAPTURE, 0, "no-sandbox", NULL,
	  "allow every system call once captures and files are open, not only those that are needed",
	  FLAG_OFF(sandbox) },

	{ OPTION_GROUP_MIRROR, 'X', "method", "METHOD",
	  "mirror requests of this method; repeatable; \"any\" is every method",
	  TEXTS(policy.methods), .shown = "POST and PUT", .hot = true,
	  .choices = "POST PUT PATCH DELETE GET any" },
	{ OPTION_GROUP_MIRROR, 0, "preset", "NAME",
	  "the inference paths of a server: v2 (KServe, Triton, MLServer), tfserving, torchserve, openai, tei, "
	  "mlflow, or any",
	  TEXT(policy.preset), .initial_text = "any", .hot = true,
	  .choices = "v2 tfserving torchserve openai tei mlflow any" },
	{ OPTION_GROUP_MIRROR, 0, "path", "RE",
	  "only if the path (with its query) matches this PCRE2 pattern; repeatable: one must match",
	  TEXTS(policy.paths), .hot = true },
	{ OPTION_GROUP_MIRROR, 0, "not-path", "RE",
	  "not if the path matches; repeatable",
	  TEXTS(policy.not_paths), .hot = true },
	{ OPTION_GROUP_MIRROR, 0, "match-host", "RE",
	  "only if Host matches; repeatable: one must match",
	  TEXTS(policy.hosts), .hot = true },
	{ OPTION_GROUP_MIRROR, 0, "match-header", "'NAME: RE'",
	  "only if a header of this name matches; repeatable: all must match",
	  TEXTS(policy.match_headers), .secret = true, .hot = true },
	{ OPTION_GROUP_MIRROR, 0, "allow-side-effects", NULL,
	  "also mirror model load and unload, admin, health and metrics routes",
	  FLAG(policy.allow_side_effects), .hot = true },
	{ OPTION_GROUP_MIRROR, 0, "h2-heads", "auto|whole|needed",
	  "HTTP/2: mirror a request only if its whole head is known, or if what is needed is, method and path; auto is needed "
	  "with the presets v2 and tfserving, else whole",
	  WORD(enum h2_heads, policy.h2_heads), .shown = "auto", .hot = true, .choices = "auto whole needed" },
	{ OPTION_GROUP_MIRROR, 'S', "sample", "[NAME:]SHARE",
	  "share of the matching requests: 5% or 0.05; with NAME: what that target gets of the chosen ones",
	  .kind = OPTION_SAMPLE, .offset = AT(uint64_t, policy.sample_share), RANGE(0, SHARE_ONE, SHARE_ONE),
	  .late = true, .hot = true },
	{ OPTION_GROUP_MIRROR, 0, "sample-by", "UNIT",
	  "request (exact ratio); id (each by what every tap sees of it alike); or all or nothing for each connection, client, proxied "
	  "(the client that a PROXY header names) or header:NAME",
	  .kind = OPTION_SAMPLE_BY, .offset = offsetof(struct options, policy.sample_by), .shown = "request", .hot = true,
	  .choices = "request connection client proxied id header:" },
	{ OPTION_GROUP_MIRROR, 0, "ramp", "A..B/TIME",
	  "raise the sample from A to B in this time, such as 1%..20%/30m, and wait while the shadow fails, is "
	  "slow or has a long queue",
	  .kind = OPTION_RAMP, .offset = offsetof(struct options, ramp), .min = SECOND, .max = 365 * DAY },
	{ OPTION_GROUP_MIRROR, 0, "decide-within", "TIME",
	  "raise the sample of --ramp only while the pairs would not decide in this time, from the start, whether the shadow may be "
	  "promoted; send nothing more to one that is rejected",
	  DURATION(ramp.decide_ns, SECOND, 365 * DAY, 0), .compare_only = true },
	{ OPTION_GROUP_MIRROR, 0, "keep", "SHARE",
	  "the sample to go down to once --decide-within has found that it may be promoted",
	  .kind = OPTION_SHARE, .offset = AT(uint64_t, ramp.keep), .initial = RAMP_KEEP_ALL, .shown = "as it is then", .compare_only = true },
	{ OPTION_GROUP_MIRROR, 0, "max-cpu", "PERCENT",
	  "live: halve the sample, down to a 64th, while shadowtap takes more of a core, such as 20%",
	  .kind = OPTION_PERCENT, .offset = AT(uint32_t, max_cpu), RANGE(1, 10000, 0) },
	{ OPTION_GROUP_MIRROR, 0, "max-body", "SIZE",
	  "a request with a longer body is counted and not sent",
	  SIZE(max_body, 1, GIB, 8 * MIB) },
	{ OPTION_GROUP_MIRROR, 0, "max-stream-time", "TIME",
	  "a call of gRPC that stays open for longer is counted and not sent",
	  DURATION(max_stream_ns, MS, HOUR, 30 * SECOND) },

	{ OPTION_GROUP_TARGET, 't', "target", "[NAME=]URL",
	  "base URL of the shadow, http, https or unix:/path/to/socket; repeatable: each gets every chosen "
	  "request; \"sink:\" is a built-in server that answers 200; nats://HOST/SERVICE: hand them over to replayers",
	  .kind = OPTION_TARGET, .offset = offsetof(struct options, targets) },
	{ OPTION_GROUP_TARGET, 0, "target-is-production", NULL,
	  "send even to a target that is the service being watched: it then gets what it serves twice",
	  FLAG(target_is_production), .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "tls-to-plain", NULL,
	  "requests that were read from TLS may go to targets that are neither https:, nor unix:, nor on this host",
	  FLAG(read_tls.to_plain), .shadow_only = true },
	{ OPTION_GROUP_TARGET, 'R', "rate", "N",
	  "at most this many requests a second to each target",
	  .kind = OPTION_RATE, RANGE(1, 1000000000, 0), .late = true, .shown = "no limit", .hot = true, .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "allow-header", "NAME",
	  "forward this header too; globs such as x-trace-*; * is all but credentials and hop-by-hop; "
	  "repeatable",
	  TEXTS(allow_headers), .hot = true },
	{ OPTION_GROUP_TARGET, 'H', "header", "[NAME:]'N: V'",
	  "set a header, 'N:' removes it, @FILE reads lines; with NAME: for that target; repeatable",
	  .kind = OPTION_HEADER, .late = true, .hot = true, .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "host-header", "HOST",
	  "Host of the replay: target, keep, suffix (adds -shadow), or the value itself",
	  .kind = OPTION_HOST, .offset = offsetof(struct options, host_mode), .shown = "target", .hot = true,
	  .choices = "target keep suffix", .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "traceparent", "none|new",
	  "new: a W3C trace of its own for each replayed request, sampled if the captured one was, in place of traceparent and "
	  "tracestate",
	  WORD(enum traceparent_mode, traceparent), .shown = "none", .hot = true, .choices = "none new", .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "rewrite-path", "'RE=>TEXT'",
	  "replace what this PCRE2 pattern matches in path and query; $1 is its first group; repeatable",
	  TEXTS(rewrite_paths), .hot = true, .shadow_only = true },
	{ OPTION_GROUP_TARGET, 'k', "insecure", NULL,
	  "https: believe every certificate",
	  FLAG(tls.insecure) },
	{ OPTION_GROUP_TARGET, 0, "cacert", "FILE",
	  "https: believe the authorities in this PEM file",
	  TEXT(tls.ca_file), .shown = "those of the system" },
	{ OPTION_GROUP_TARGET, 0, "cert", "FILE",
	  "https: our own certificate, PEM, for a target that asks for one",
	  TEXT(tls.cert_file) },
	{ OPTION_GROUP_TARGET, 0, "key", "FILE",
	  "https: its private key, PEM",
	  TEXT(tls.key_file), .shown = "in the file of --cert" },
	{ OPTION_GROUP_TARGET, 'm', "max-time", "TIME",
	  "for one whole exchange, DNS and connecting included; a number above 60 needs a unit: 300ms or 300s",
	  DURATION(max_time_ns, MS, HOUR, 300 * MS), .bare_max = BARE_SECONDS_MAX,
	  .shown = "300ms, or 60s with --preset openai", .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "connect-timeout", "TIME",
	  "for connecting",
	  DURATION(connect_timeout_ns, MS, HOUR, 0), .bare_max = BARE_SECONDS_MAX, .shown = "max-time", .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "connections", "N",
	  "most connections to each target",
	  UINT32(connections, 1, 65536, 64), .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "http-version", "[NAME:]VERSION",
	  "requests go out in the version they came in (same), or in 1 or 2; with NAME: for that target; repeatable",
	  .kind = OPTION_HTTP_VERSION, .late = true, .shown = "same", .choices = "same 1 2", .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "streams", "N",
	  "HTTP/2: most requests at once on one connection, if the target takes as many",
	  UINT32(streams, 1, 65536, 128), .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "queue", "N",
	  "most requests that wait for each target; when full, the newest is dropped and counted",
	  UINT32(queue, 1, 1048576, 4096), .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "max-memory", "SIZE",
	  "for all request bytes held anywhere",
	  SIZE(max_memory, MIB, 1024 * GIB, 256 * MIB) },
	{ OPTION_GROUP_TARGET, 0, "breaker", "N",
	  "after so many failures to connect in a row, leave the target alone but for a probe now and then",
	  UINT32(breaker, 1, 1000000, 10), .shadow_only = true },
	{ OPTION_GROUP_TARGET, 0, "dry-run", NULL,
	  "extract, match, sample and count, but send nothing",
	  FLAG(dry_run) },

	{ OPTION_GROUP_COMPARE, 0, "compare", NULL,
	  "compare the targets' answers with those that production gave, which must be captured too",
	  FLAG(compare.on) },
	{ OPTION_GROUP_COMPARE, 0, "control", "URL",
	  "a second copy of production's model, which gets the same requests: differences that it shows too are noise",
	  .kind = OPTION_CONTROL, .offset = offsetof(struct options, targets), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "rules", "FILE",
	  "what matters in answers and how: lines of a JSON pointer pattern and ignore, exact, num, argmax, topk, text, "
	  "set, cosine, rank, regression or boxes",
	  TEXT(compare.rules_path), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "proto", "FILE",
	  "names and types of gRPC messages, as protoc --include_imports --descriptor_set_out writes them; repeatable",
	  TEXTS(compare.protos), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "rtol", "X",
	  "numbers are close if they differ by at most atol + rtol * |production's|",
	  .kind = OPTION_TOLERANCE, .offset = AT(double, compare.rtol), .shown = "1e-5", .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "atol", "X",
	  "see --rtol",
	  .kind = OPTION_TOLERANCE, .offset = AT(double, compare.atol), .shown = "1e-8", .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "ignore", "PATH",
	  "leave out what is at this JSON pointer, with * for any name or index; repeatable",
	  TEXTS(compare.ignore), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "unordered", "PATH",
	  "the array at this JSON pointer has no order; repeatable",
	  TEXTS(compare.unordered), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "slice-by", "header:NAME",
	  "count apart by the value of this request header, beside path and model; repeatable",
	  .kind = OPTION_SLICE, .offset = AT(struct texts, compare.slice_by), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "max-answer", "SIZE",
	  "an answer with a longer body is not compared",
	  SIZE(compare.max_response, 1, GIB, 8 * MIB), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "show-bodies", NULL,
	  "keep values and bodies in events and in the report's examples",
	  FLAG(compare.show_bodies), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "repro", "DIR",
	  "write the gravest mismatches as cases into this folder, each with its bodies and a script that sends it again",
	  TEXT(compare.repro_path), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "slo", "EXPR",
	  "count the answers that keep these times, such as 'first_token < 500ms and gap_p99 < 60ms'",
	  TEXT(compare.slo), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "fail-on", "EXPR",
	  "exit with 3 if this holds at the end, such as 'mismatch_upper > 0.5% or p99_ratio > 1.2'",
	  TEXT(compare.fail_on), .compare_only = true },
	{ OPTION_GROUP_COMPARE, 0, "stop-when", "never|decided|caught-up",
	  "decided: end the run once the pairs show whether to promote or to reject; what to decide says --fail-on. caught-up: once "
	  "what a broker had at the start is done",
	  WORD(enum stop_when, compare.stop_when), .shown = "never", .choices = "never decided caught-up" },
	{ OPTION_GROUP_COMPARE, 0, "watch-at-least", "TIME",
	  "decide to promote only after this time, such as 24h; to reject at once",
	  DURATION(compare.watch_at_least_ns, SECOND, 365 * DAY, 0), .compare_only = true },

	{ OPTION_GROUP_RELAY, 0, "creds", "FILE",
	  "who we are to the broker: a user's token and seed, as nsc writes them",
	  TEXT(relay.creds_file), .broker = BROKER_ANY, .instead = "nkey" },
	{ OPTION_GROUP_RELAY, 0, "nkey", "FILE",
	  "the same: a user's seed, SU...",
	  TEXT(relay.nkey_file), .broker = BROKER_ANY, .instead = "creds" },
	{ OPTION_GROUP_RELAY, 0, "relay-name", "NAME",
	  "what this tap, or this replayer, is called among others",
	  .kind = OPTION_NAME, .offset = AT(const char *, relay.name), .broker = BROKER_ANY, .shown = "the host's name" },
	{ OPTION_GROUP_RELAY, 0, "partitions", "N",
	  "of a stream that has to be made: as many replayers can share the work",
	  UINT32(relay.partitions, 1, RELAY_PARTITIONS_MAX, RELAY_PARTITIONS), .broker = BROKER_ANY },
	{ OPTION_GROUP_RELAY, 0, "retain", "TIME",
	  "of a stream that has to be made: how long the broker keeps requests",
	  DURATION(relay.retain_ns, SECOND, 365 * DAY, HOUR), .broker = BROKER_ANY },
	{ OPTION_GROUP_RELAY, 0, "retain-size", "SIZE",
	  "of a stream that has to be made: the most that the broker keeps; the oldest goes first",
	  SIZE(relay.retain_bytes, MIB, 1024 * GIB, GIB), .broker = BROKER_ANY },
	{ OPTION_GROUP_RELAY, 0, "relay-buffer", "SIZE",
	  "for requests that wait for the broker, within --max-memory; what does not fit is counted and not handed over",
	  SIZE(relay.buffer_bytes, MIB, GIB, 16 * MIB), .broker = BROKER_TARGET },
	{ OPTION_GROUP_RELAY, 0, "group", "NAME",
	  "replayers of one group share the work; each group gets all of it",
	  .kind = OPTION_NAME, .offset = AT(const char *, relay.group), .initial_text = "replay", .broker = BROKER_SOURCE },
	{ OPTION_GROUP_RELAY, 0, "from", "PLACE",
	  "where a new group begins: now, start, how long ago, such as -10m, or a time, such as 2026-11-28T09:00:00Z",
	  .kind = OPTION_FROM, .offset = AT(struct relay_from, relay.from), .broker = BROKER_SOURCE, .shown = "now",
	  .choices = "now start" },
	{ OPTION_GROUP_RELAY, 0, "max-age", "TIME",
	  "do not send what the broker has had for longer",
	  DURATION(relay.max_age_ns, MS, 365 * DAY, 0), .broker = BROKER_SOURCE, .shown = "10s with --from now, else no limit" },

	{ OPTION_GROUP_TIME, 'x', "speed", "N|max",
	  "files: so many times the recorded pace, 0.001 to 1000; max waits only for the target",
	  .kind = OPTION_SPEED, .offset = AT(double, speed), .initial = 1, .files_only = true,
	  .choices = "max" },
	{ OPTION_GROUP_TIME, 0, "loop", "N",
	  "files: replay so many times; 0 is until stopped",
	  UINT32(loops, 0, UINT32_MAX, 1), .files_only = true },
	{ OPTION_GROUP_TIME, 0, "max-sleep", "TIME",
	  "files: shorten longer pauses to this",
	  DURATION(max_sleep_ns, MS, DAY, 0), .files_only = true },
	{ OPTION_GROUP_TIME, 0, "duration", "TIME",
	  "stop after this time",
	  DURATION(duration_ns, MS, 365 * DAY, 0) },
	{ OPTION_GROUP_TIME, 'c', "count", "N",
	  "stop after so many chosen requests",
	  UINT64(count, 1, UINT64_MAX, 0) },

	{ OPTION_GROUP_TELL, 'o', "output", "FILE",
	  "write one JSON line for each request and outcome; - is standard output",
	  TEXT(events_path) },
	{ OPTION_GROUP_TELL, 'w', "write", "FILE",
	  "write the packets of the flows that gave chosen requests as pcapng, for -r; - is standard output",
	  TEXT(write_path) },
	{ OPTION_GROUP_TELL, 0, "write-secrets", NULL,
	  "with -w: write the secrets of TLS of these flows as well, so that the file opens without a key log, to whoever has it",
	  FLAG(read_tls.write_secrets) },
	{ OPTION_GROUP_TELL, 0, "report", "FILE",
	  "write the totals at exit, by the suffix .json, .html (a page to look at) or .md; repeatable",
	  .kind = OPTION_REPORT, .offset = AT(struct texts, reports) },
	{ OPTION_GROUP_TELL, 0, "title", "TEXT",
	  "name the run: the heading of its report",
	  TEXT(title) },
	{ OPTION_GROUP_TELL, 0, "label", "NAME=VALUE",
	  "what the report should say of the run, such as model=fraud-v7; repeatable",
	  .kind = OPTION_LABEL, .offset = AT(struct texts, labels) },
	{ OPTION_GROUP_TELL, 0, "on-end", "CMD",
	  "run this command of the shell once the report is written, with SHADOWTAP_REPORT, SHADOWTAP_DECISION and "
	  "SHADOWTAP_STATUS in its environment",
	  TEXT(on_end), .secret = true },
	{ OPTION_GROUP_TELL, 0, "admin", "ADDR:PORT|unix:PATH",
	  "answer HTTP here: /metrics for Prometheus, /healthz, /stats, /sample; 127.0.0.1:9090, [::1]:9090, "
	  "unix:/run/shadowtap.sock",
	  .kind = OPTION_ADMIN, .offset = AT(struct admin_address, admin) },
	{ OPTION_GROUP_TELL, 0, "stats-every", "TIME",
	  "print the line of progress this often",
	  DURATION(stats_every_ns, 100 * MS, DAY, 0) },
	{ OPTION_GROUP_TELL, 0, "log-format", "json|text",
	  "of the lines about failures",
	  .kind = OPTION_LOG_FORMAT, .offset = offsetof(struct options, log_format),
	  .shown = "text on a terminal, else json",
	  .choices = "json text" },
	{ OPTION_GROUP_TELL, 0, "explain", NULL,
	  "say for each request which step decided about it, by which rule, and what became of it at each target",
	  FLAG(explain) },
	{ OPTION_GROUP_TELL, 0, "show-query", NULL,
	  "keep query strings in events and log lines",
	  FLAG(show_query) },
	{ OPTION_GROUP_TELL, 'q', "quiet", NULL,
	  "no progress and no totals",
	  FLAG(quiet) },
	{ OPTION_GROUP_TELL, 'v', "verbose", NULL,
	  "say more about what happens",
	  .kind = OPTION_LEVEL, .offset = AT(unsigned, verbose) },
	{ OPTION_GROUP_TELL, 'n', "numeric", NULL,
	  "changes nothing, addresses are always numbers",
	  .kind = OPTION_NOTHING },

	{ OPTION_GROUP_GENERAL, 'f', "config", "FILE",
	  "read options from a file of \"long-option = value\" lines; the command line wins",
	  .kind = OPTION_CONFIG, .offset = AT(const char *, config_path), .command_line_only = true },
	{ OPTION_GROUP_GENERAL, 0, "check-config", NULL,
	  "read the options, say whether they are right, and exit",
	  COMMAND(COMMAND_CHECK_CONFIG) },
	{ OPTION_GROUP_GENERAL, 0, "json", NULL,
	  "doctor: print the findings as JSON",
	  FLAG(json), .command_line_only = true },
	{ OPTION_GROUP_GENERAL, 0, "list-interfaces", NULL,
	  "list the interfaces that -i can name, and exit",
	  COMMAND(COMMAND_LIST_INTERFACES) },
	{ OPTION_GROUP_GENERAL, 0, "list-presets", NULL,
	  "list the routes of each preset and of the deny list with their sources, and exit",
	  COMMAND(COMMAND_LIST_PRESETS) },
	{ OPTION_GROUP_GENERAL, 0, "completion", "SHELL",
	  "print the script with which bash, zsh or fish completes our options, and exit",
	  .kind = OPTION_SHELL, .command_line_only = true, .choices = "bash zsh fish" },
	{ OPTION_GROUP_GENERAL, 'V', "version", NULL,
	  "print the versions of the program and its libraries, and exit",
	  COMMAND(COMMAND_VERSION) },
	{ OPTION_GROUP_GENERAL, 'h', "help", NULL,
	  "print this text, and exit",
	  COMMAND(COMMAND_HELP) },
};
/* clang-format on */

const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);

const struct option_row *option_by_name(struct span name)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (span_equal(name, span_str(option_rows[i].name)))
			return &option_rows[i];
	return NULL;
}

const struct option_row *option_by_letter(char letter)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (letter != 0 && option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

const char *option_nearest(struct span name)
{
	const char *nearest = NULL;
	/* One slip in three letters is a slip; more is another word. */
	size_t best = name.len / 3 + 1;

	if (name.len < 2)
		return NULL;
	for (size_t i = 0; i < option_row_count; i++) {
		struct span candidate = span_str(option_rows[i].name);
		size_t distance = span_starts(candidate, name) ? 0 : edit_distance(name, candidate);

		if (distance < best) {
			best = distance;
			nearest = option_rows[i].name;
		}
	}
	return nearest;
}

void option_defaults(struct options *o)
{
	*o = (struct options){ 0 };
	for (const struct option_row *row = option_rows; row < option_rows + option_row_count; row++) {
		const struct option_ops *kind = option_ops_of(row->kind);

		if (kind->set_default)
			kind->set_default(row, (char *)o + row->offset);
	}
}
