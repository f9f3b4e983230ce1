/* test_diagnosis.c - one symptom at a time: is it named, how bad is it called, and is something advised? */
#include "tests/rig/unit.h"

#include <string.h>

#include "base/clock.h"
#include "report/diagnosis.h"

static const char *const tunnel_names[VIEW_TUNNELS] = { "vxlan", "geneve", "gre", "erspan", "ipip", "mpls", "pppoe", "gtp", "tzsp", "fabric", "", "" };

/* A service on port 8080 that is well: 20 connections, 100 requests, all of them chosen. */
static struct symptoms healthy(void)
{
	struct symptoms s = { .live = true, .seconds = 5, .snaplen = 262144, .tunnel_names = tunnel_names,
			      .ports = "8080", .preset = "any" };

	s.wide.packets = s.wide.segments = 900;
	s.wide.payload_bytes = s.narrow.payload_bytes = 50000;
	s.wide.port[0] = (struct port_view){ .port = 8080, .requests = 100 };
	s.wide.port_count = 1;
	s.narrow.segments = 800;
	s.narrow.books.packets.received = 800;
	s.narrow.books.connections.seen = 20;
	s.narrow.books.requests.seen = s.narrow.books.requests.complete = 100;
	s.narrow.books.requests.decision[DECISION_CHOSEN] = 100;
	return s;
}

static void nothing_changed(struct symptoms *s)
{
	(void)s;
}

static void no_permission(struct symptoms *s)
{
	s->cannot_capture = "cannot capture on \"eth0\": permission denied";
}

static void sandbox_says_no(struct symptoms *s)
{
	s->sandbox_fails = "the sandbox refused the system call io_uring_enter, number 426";
}

static void sandbox_is_quiet(struct symptoms *s)
{
	s->sandbox_fails = "the event loop does not work in the sandbox: it was ended by signal 31";
}

static void silence(struct symptoms *s)
{
	s->wide = (struct wide_view){ 0 };
	s->narrow = (struct narrow_view){ 0 };
}

static void empty_recording(struct symptoms *s)
{
	silence(s);
	s->live = false;
}

static void other_port(struct symptoms *s)
{
	s->narrow = (struct narrow_view){ 0 };
	s->ports = "9999";
}

static void other_expression(struct symptoms *s)
{
	s->narrow = (struct narrow_view){ 0 };
	s->ports = NULL;
	s->expression = "host 192.0.2.1";
}

static void no_requests_at_all(struct symptoms *s)
{
	memset(&s->narrow.books.requests, 0, sizeof(s->narrow.books.requests));
	s->wide.port_count = 0;
}

static void only_tls(struct symptoms *s)
{
	no_requests_at_all(s);
	s->narrow.books.connections.tls = 20;
	s->wide.port[0] = (struct port_view){ .port = 8443, .tls = 20 };
	s->wide.port_count = 1;
	strcpy(s->wide.tls_name[0], "models.example");
	s->wide.tls_name_count = 1;
}

static void some_tls(struct symptoms *s)
{
	s->narrow.books.connections.tls = 1;
	s->wide.port[0].tls = 1;
}

static void keys_of_nothing(struct symptoms *s)
{
	s->keys = (struct keys_view){ .is_given = true, .malformed = 1 };
}

static void keys_there(struct symptoms *s)
{
	s->keys = (struct keys_view){ .is_given = true, .secrets = { [TLS_MASTER_SECRET] = 2, [TLS_CLIENT_TRAFFIC] = 1 } };
}

static void keys_unreadable(struct symptoms *s)
{
	s->keys = (struct keys_view){ .is_given = true, .unreadable = "cannot read the key log \"x\": denied" };
}

static void keys_shared(struct symptoms *s)
{
	keys_there(s);
	s->keys.readable = "x";
	s->keys.readers = "every user of this host";
}

static void tls_fates(struct symptoms *s, uint64_t seen, enum tls_fate fate, uint64_t n)
{
	s->narrow.books.tls.seen = seen;
	s->narrow.books.tls.tls_fate[fate] = n;
}

static void tls_without_keys(struct symptoms *s)
{
	keys_there(s);
	s->narrow.books.requests.seen = s->narrow.books.requests.complete = 0;
	s->narrow.books.requests.decision[DECISION_CHOSEN] = 0;
	tls_fates(s, 5, TLS_NO_KEYS, 5);
	s->narrow.books.tls.misfit = 2;
}

static void tls_without_room(struct symptoms *s)
{
	tls_without_keys(s);
	s->narrow.books.tls.no_room = 3;
}

static void tls_some_without_keys(struct symptoms *s)
{
	keys_there(s);
	tls_fates(s, 5, TLS_READ, 4);
	tls_fates(s, 5, TLS_NO_KEYS, 1);
}

static void tls_of_all_kinds(struct symptoms *s)
{
	tls_without_keys(s);
	s->narrow.books.tls.misfit = 0;
	tls_fates(s, 6, TLS_NO_KEYS, 0);
	tls_fates(s, 6, TLS_UNSUPPORTED, 1);
	s->narrow.books.tls.unsupported[0] = (struct unsupported_share){ UNSUPPORTED(0x0303, 0xc012, false), 1 };
	tls_fates(s, 6, TLS_MIDSTREAM, 2);
	tls_fates(s, 6, TLS_ECH, 1);
	tls_fates(s, 6, TLS_LOST, 2);
}

static void tls_read_late(struct symptoms *s)
{
	keys_there(s);
	tls_fates(s, 3, TLS_READ, 3);
	s->narrow.books.tls.after_wait = 1;
	s->narrow.books.tls.joined = 1;
	s->narrow.books.tls.late.count = 2;
	s->narrow.books.tls.late.max = 1500000;
}

static void tls_read_no_http(struct symptoms *s)
{
	tls_without_keys(s);
	s->narrow.books.tls.misfit = 0;
	tls_fates(s, 5, TLS_NO_KEYS, 0);
	tls_fates(s, 5, TLS_READ, 5);
	s->wide.port_count = 0;
}

static void only_http2(struct symptoms *s)
{
	no_requests_at_all(s);
	s->narrow.books.connections.http2 = 1;
	s->wide.port[0] = (struct port_view){ .port = 8001, .http2 = 1 };
	s->wide.port_count = 1;
}

static void http2_left_out(struct symptoms *s)
{
	only_http2(s);
	s->leaves_http2 = true;
}

static void ports_of_both(struct symptoms *s)
{
	s->ports = NULL;
	s->wide.port[0] = (struct port_view){ .port = 8000, .requests = 7 };
	s->wide.port[1] = (struct port_view){ .port = 8001, .http2 = 2 };
	s->wide.port_count = 2;
}

static void port_of_http2(struct symptoms *s)
{
	ports_of_both(s);
	s->wide.port[0] = s->wide.port[1];
	s->wide.port_count = 1;
}

static void old_connections(struct symptoms *s)
{
	s->narrow.books.requests.seen = s->narrow.books.requests.complete + 4;
	s->narrow.books.requests.lost[LOST_HEAD_UNKNOWN] = 4;
}

static void only_midstream(struct symptoms *s)
{
	no_requests_at_all(s);
	s->narrow.books.connections.midstream = 20;
}

static void one_midstream(struct symptoms *s)
{
	s->narrow.books.connections.midstream = 1;
}

static void some_midstream(struct symptoms *s)
{
	s->narrow.books.connections.midstream = 3;
}

static void one_direction(struct symptoms *s)
{
	s->narrow.books.connections.one_way = 20;
}

static void nothing_to_compare(struct symptoms *s)
{
	one_direction(s);
	s->compares = true;
}

static void some_to_compare(struct symptoms *s)
{
	nothing_to_compare(s);
	s->narrow.books.connections.one_way = 19;
}

static void several_paths(struct symptoms *s)
{
	s->narrow.books.connections.multipath = 2;
	s->narrow.books.requests.complete -= 3;
	s->narrow.books.requests.lost[LOST_MULTIPATH] = 3;
	s->narrow.books.requests.decision[DECISION_CHOSEN] -= 3;
}

static void nothing_but_subflows(struct symptoms *s)
{
	no_requests_at_all(s);
	s->narrow.books.connections.multipath = 1;
}

static void behind_a_proxy(struct symptoms *s)
{
	s->narrow.books.connections.proxied = 20;
}

static void proxy_unread(struct symptoms *s)
{
	no_requests_at_all(s);
	s->narrow.books.connections.not_http = s->narrow.books.connections.proxy_unread = 20;
}

static void something_before_requests(struct symptoms *s)
{
	no_requests_at_all(s);
	s->ports = "9000,8080";
	s->wide.port[0] = (struct port_view){ .port = 8080, .requests = 8 };
	s->wide.port_count = 1;
}

static void requests_elsewhere(struct symptoms *s)
{
	something_before_requests(s);
	s->ports = "80,9000";
}

static void kernel_drops(struct symptoms *s)
{
	s->narrow.books.packets.dropped_kernel = 12345;
}

static void cut_by_snaplen(struct symptoms *s)
{
	s->narrow.books.packets.cut_payload = 40;
	s->wide.largest_cut = 65226;
	s->wide.largest_kept = 1500;
	s->snaplen = 1500;
}

static void two_interfaces(struct symptoms *s)
{
	s->narrow.books.connections.retransmitted_bytes = 25000;
	s->any_interface = true;
}

static void few_retransmissions(struct symptoms *s)
{
	s->narrow.books.connections.retransmitted_bytes = 900;
}

static void two_networks(struct symptoms *s)
{
	s->narrow.books.connections.copies = 20;
}

static void behind_vxlan(struct symptoms *s)
{
	other_port(s);
	s->ports = "8080";
	s->wide.hidden[0] = 800;
}

static void unreadable(struct symptoms *s, uint32_t what)
{
	s->narrow = (struct narrow_view){ 0 };
	s->wide.segments = 0;
	s->wide.port_count = 0;
	s->wide.unread[0] = (struct unread_share){ what, 800 };
	s->wide.unread[1] = (struct unread_share){ UNREAD(UNREAD_UDP_PORT, 53), 100 };
}

static void all_macsec(struct symptoms *s)
{
	unreadable(s, UNREAD(UNREAD_ETHERTYPE, 0x88e5));
}

static void all_unknown_udp(struct symptoms *s)
{
	unreadable(s, UNREAD(UNREAD_UDP_PORT, 10000));
}

static void all_of_a_given_port(struct symptoms *s)
{
	static const uint16_t given[] = { 20000, 10000 };

	all_unknown_udp(s);
	s->vxlan_ports = given;
	s->vxlan_port_count = 2;
}

static void a_third_in_vxlan(struct symptoms *s)
{
	s->wide.unread[0] = (struct unread_share){ UNREAD(UNREAD_UDP_PORT, 4789), 300 };
}

static void a_third_in_vxlan_and_no_port(struct symptoms *s)
{
	a_third_in_vxlan(s);
	other_port(s);
}

static void midstream_on_any_port(struct symptoms *s)
{
	only_midstream(s);
	s->ports = NULL;
}

static void much_name_lookup(struct symptoms *s)
{
	s->wide.unread[0] = (struct unread_share){ UNREAD(UNREAD_UDP_PORT, 53), 300 };
	s->wide.unread[1] = (struct unread_share){ UNREAD(UNREAD_UDP_PORT, 6081), 5 };
}

/* The port is right, so it is not proposed. */
static void expression_shuts_out(struct symptoms *s)
{
	s->narrow = (struct narrow_view){ 0 };
	s->ports = "80,8080";
	s->expression = "host 192.0.2.1";
}

static void big_tcp(struct symptoms *s)
{
	s->narrow.books.packets.cut_payload = 8;
	s->wide.largest_cut = 500000;
	s->wide.largest_kept = 262000;
}

static void late_clock(struct symptoms *s)
{
	s->wide.clock_off_ns = 90 * NS_PER_S;
}

static void files_clock_back(struct symptoms *s)
{
	s->live = false;
	s->wide.clock_back_ns = 90 * NS_PER_S;
}

static void clock_of_a_recording(struct symptoms *s)
{
	s->live = false;
	s->wide.clock_off_ns = 90 * NS_PER_S; /* it was recorded last year: that is no fault */
}

static void all_of(struct symptoms *s, enum decision v)
{
	s->narrow.books.requests.decision[DECISION_CHOSEN] = 0;
	s->narrow.books.requests.decision[v] = 90;
	s->narrow.books.requests.decision[v == DECISION_FILTERED_METHOD ? DECISION_FILTERED_PATH : DECISION_FILTERED_METHOD] = 10;
	strcpy(s->narrow.methods, "GET");
	strcpy(s->narrow.paths, "/predict");
}

static void all_by_method(struct symptoms *s)
{
	all_of(s, DECISION_FILTERED_METHOD);
}

static void all_denied(struct symptoms *s)
{
	all_of(s, DECISION_FILTERED_DENIED);
}

static void all_by_path(struct symptoms *s)
{
	all_of(s, DECISION_FILTERED_PATH);
	s->preset = "v2";
}

static void all_by_host(struct symptoms *s)
{
	all_of(s, DECISION_FILTERED_HOST);
}

static void all_by_header(struct symptoms *s)
{
	all_of(s, DECISION_FILTERED_HEADER);
}

static void all_loop(struct symptoms *s)
{
	all_of(s, DECISION_FILTERED_LOOP);
}

static void all_unsampled(struct symptoms *s)
{
	all_of(s, DECISION_UNSAMPLED);
	s->sample = 0.0001;
}

static void unsampled_in_a_file(struct symptoms *s)
{
	all_unsampled(s);
	s->live = false;
}

static void few_match_and_none_is_sampled(struct symptoms *s)
{
	all_by_method(s);
	s->narrow.books.requests.decision[DECISION_UNSAMPLED] = 1;
	s->sample = 0.5;
}

static void gaps(struct symptoms *s)
{
	s->narrow.books.requests.complete = 90;
	s->narrow.books.requests.decision[DECISION_CHOSEN] = 90;
	s->narrow.books.requests.lost[LOST_GAP] = 10;
}

static void nothing_but_gaps(struct symptoms *s)
{
	s->narrow.books.requests.complete = s->narrow.books.requests.decision[DECISION_CHOSEN] = 0;
	s->narrow.books.requests.lost[LOST_TOO_LARGE] = 100;
}

/* The doctor stopped in the middle of a request: that is how a watch ends. */
static void cut_at_the_end(struct symptoms *s)
{
	s->narrow.books.requests.seen = 101;
	s->narrow.books.requests.lost[LOST_CUT_AT_END] = 1;
}

static struct probe probe = { .name = "default", .shown = "http://shadow:9000" };

static void ask(struct symptoms *s, enum outcome_kind kind, int status)
{
	probe.kind = kind;
	probe.status_code = status;
	probe.connect_us = 200;
	probe.total_us = 1100;
	probe.skipped = probe.is_production = false;
	probe.path = "";
	probe.options_code = 0;
	probe.detail = NULL;
	s->probes = &probe;
	s->probe_count = 1;
}

static void target_well(struct symptoms *s)
{
	ask(s, OUTCOME_ANSWERED_4XX, 404);
}

static void target_ill(struct symptoms *s)
{
	ask(s, OUTCOME_ANSWERED_5XX, 503);
}

static void target_refuses(struct symptoms *s)
{
	ask(s, OUTCOME_FAILED_CONNECT, 0);
}

static void target_unknown(struct symptoms *s)
{
	ask(s, OUTCOME_FAILED_DNS, 0);
}

static void target_tls(struct symptoms *s)
{
	ask(s, OUTCOME_FAILED_TLS, 0);
}

static void target_plain(struct symptoms *s)
{
	ask(s, OUTCOME_FAILED_TLS, 0);
	probe.detail = "what came is not TLS; is the target's port one for plain HTTP?";
}

static void target_knows_no_head(struct symptoms *s)
{
	ask(s, OUTCOME_ANSWERED_4XX, 405);
	probe.path = "/v1/x";
}

static void target_has_no_head(struct symptoms *s)
{
	ask(s, OUTCOME_ANSWERED_5XX, 501);
	probe.path = "/v1/x";
}

static void target_has_no_such_path(struct symptoms *s)
{
	ask(s, OUTCOME_ANSWERED_4XX, 404);
	probe.path = "/nothere/v1/x";
}

static void target_knows_no_such_path(struct symptoms *s)
{
	target_has_no_such_path(s);
	probe.options_code = 404;
}

static void target_has_no_head_there(struct symptoms *s)
{
	target_has_no_such_path(s);
	probe.options_code = 405;
}

static void target_slow(struct symptoms *s)
{
	ask(s, OUTCOME_FAILED_TIMEOUT, 0);
}

static void target_mad(struct symptoms *s)
{
	ask(s, OUTCOME_FAILED_PROTOCOL, 0);
}

static void target_production(struct symptoms *s)
{
	target_well(s);
	probe.is_production = true;
	endpoint_set_ipv4(&probe.server, 0xc0000207, 8080);
}

static void target_sink(struct symptoms *s)
{
	target_refuses(s);
	probe.skipped = true;
}

/* A broker that is well: a stream as we make it, a few megabytes in it. One test at a time has it. */
static struct broker_view broker;

static void broker_well(struct symptoms *s)
{
	broker = (struct broker_view){
		.shown = "nats://nats:4222/digits",
		.service = "digits",
		.group = "replay",
		.connect_ns = 400000,
		.max_payload = 8 << 20,
		.stream = BROKER_STREAM_THERE,
		.may_publish = BROKER_MAY,
		.partitions = 16,
		.has = { .messages = 4000, .bytes = 3 << 20, .max_bytes = 1 << 30, .max_age_ns = 3600 * NS_PER_S,
			 .duplicates_ns = 10 * NS_PER_S, .last_ago_ns = NS_PER_S, .replicas = 1, .takes_service = true },
	};
	s->max_body = 8 << 20;
	s->brokers = &broker;
	s->broker_count = 1;
}

static void broker_away(struct symptoms *s)
{
	broker_well(s);
	broker.err = -111;
	strcpy(broker.why, "the broker nats:4222 cannot be reached: no server available for connection");
}

static void broker_without_jetstream(struct symptoms *s)
{
	broker_well(s);
	broker.lacks_jetstream = true;
}

static void broker_denies_tap(struct symptoms *s)
{
	broker_well(s);
	broker.may_publish = BROKER_MAY_NOT;
}

static void broker_denies_reading(struct symptoms *s)
{
	broker_well(s);
	s->reads_broker = broker.is_source = true;
	broker.may_read = BROKER_MAY_NOT;
}

static void broker_denies_claims(struct symptoms *s)
{
	broker_denies_reading(s);
	broker.may_read = BROKER_MAY;
	broker.may_claim = BROKER_MAY_NOT;
}

static void broker_takes_little(struct symptoms *s)
{
	broker_well(s);
	broker.max_payload = 1 << 20;
}

static void broker_takes_just_less(struct symptoms *s)
{
	broker_well(s);
}

static void broker_empty(struct symptoms *s)
{
	broker_well(s);
	broker.stream = BROKER_STREAM_NONE;
	broker.may_make = BROKER_MAY;
}

static void broker_empty_for_all(struct symptoms *s)
{
	broker_empty(s);
	broker.may_make = BROKER_MAY_NOT;
}

static void broker_secretive(struct symptoms *s)
{
	broker_well(s);
	broker.stream = BROKER_STREAM_UNKNOWN;
}

static void broker_unheard(struct symptoms *s)
{
	broker_secretive(s);
	broker.is_deaf = true;
	strcpy(broker.trouble, "Permissions Violation for Subscription to \"_INBOX.x.*\"");
}

static void broker_unlimited(struct symptoms *s)
{
	broker_well(s);
	broker.has.max_bytes = 0;
}

static void broker_refuses_when_full(struct symptoms *s)
{
	broker_well(s);
	broker.has.refuses_when_full = true;
}

static void broker_remembers_all(struct symptoms *s)
{
	broker_well(s);
	broker.has.duplicates_ns = 120 * NS_PER_S;
}

static void broker_forgets(struct symptoms *s)
{
	broker_well(s);
	broker.has.duplicates_ns = NS_PER_S / 10;
}

static void broker_of_others(struct symptoms *s)
{
	broker_well(s);
	broker.has.takes_service = false;
}

static void broker_silent(struct symptoms *s)
{
	broker_well(s);
	s->reads_broker = broker.is_source = true;
	broker.has.last_ago_ns = 90 * NS_PER_S;
}

static void broker_never_used(struct symptoms *s)
{
	broker_silent(s);
	broker.has.last_ago_ns = -1;
}

static void broker_read(struct symptoms *s)
{
	silence(s);
	broker_well(s);
	s->reads_broker = broker.is_source = true;
	broker.may_read = broker.may_claim = BROKER_MAY;
}

static void broker_lags(struct symptoms *s)
{
	broker_read(s);
	broker.claimed_partitions = 16;
	broker.lag = 1234;
}

static const struct {
	void (*change)(struct symptoms *);
	const char *code; /* of the finding that must be there */
	enum finding_severity severity;
	bool works;
	const char *text, *remedy; /* parts of them */
} rows[] = {
	{ nothing_changed, "requests", FINDING_GOOD, true, "100 requests passed whole; 100 would be mirrored.", "" },
	{ target_production, "production", FINDING_FAULT, false, "a request went to 192.0.2.7:8080", "--target-is-production" },
	{ no_permission, "capture", FINDING_FAULT, false, "permission denied", "" },
	{ sandbox_says_no, "sandbox", FINDING_FAULT, false, "refused the system call io_uring_enter", "--no-sandbox runs without" },
	{ sandbox_is_quiet, "sandbox", FINDING_FAULT, false, "ended by signal 31", "--no-sandbox runs without" },
	{ silence, "no_packets", FINDING_FAULT, false, "No packet passed in 5.0 s", "-i any" },
	{ empty_recording, "no_packets", FINDING_FAULT, false, "holds no packets", "tcpdump" },
	{ other_port, "filter", FINDING_FAULT, false, "on port 9999. HTTP requests are seen on port 8080 (100).", "-p 8080" },
	{ other_expression, "filter", FINDING_FAULT, false, "matches \"host 192.0.2.1\"", "another filter expression" },
	{ all_macsec, "unread", FINDING_FAULT, false, "900 packets passed, and none of them holds TCP that could be read: 800 of 900 packets have ethertype 0x88e5 (MACsec).",
	  "it is encrypted" },
	{ all_unknown_udp, "unread", FINDING_FAULT, false, "800 of 900 packets have UDP port 10000.", "--vxlan-port 10000" },
	{ all_of_a_given_port, "unread", FINDING_FAULT, false, "UDP port 10000.", "although --vxlan-port names the port" },
	{ a_third_in_vxlan_and_no_port, "unread", FINDING_FAULT, false, "300 of 900 packets have UDP port 4789 (VXLAN)", "report this" },
	{ a_third_in_vxlan, "unread", FINDING_WARNING, true, "300 of 900 packets have UDP port 4789 (VXLAN) and could not be read", "report this" },
	{ much_name_lookup, "requests", FINDING_GOOD, true, "100 requests passed whole; 100 would be mirrored.", "" },
	{ expression_shuts_out, "filter", FINDING_FAULT, false, "HTTP requests are seen on port 8080 (100).", "another filter expression: it is" },
	{ big_tcp, "truncated", FINDING_WARNING, true, "of 500000 bytes, 262000 were captured", "gro_max_size 196608" },
	{ no_requests_at_all, "no_requests", FINDING_FAULT, false, "with no HTTP request in them", "--duration" },
	{ only_tls, "tls", FINDING_FAULT, false, "20 connections with TLS passed, on port 8443 (20); clients ask for models.example", "sidecar" },
	{ some_tls, "tls", FINDING_WARNING, true, "1 connection with TLS", "(--keylog)" },
	{ keys_of_nothing, "keylog_empty", FINDING_WARNING, true, "--keylog has no secret; 1 line is none of a key log.", "SSLKEYLOGFILE" },
	{ keys_there, "keylog", FINDING_NOTE, true, "--keylog has 2 master secrets of TLS 1.2, 1 secret of clients with TLS 1.3.", "" },
	{ keys_unreadable, "keylog_unreadable", FINDING_FAULT, false, "cannot read the key log \"x\": denied.", "name the file" },
	{ keys_shared, "keylog_shared", FINDING_WARNING, true, "\"x\" can be read by every user of this host", "chmod 600" },
	{ tls_without_keys, "tls_no_keys", FINDING_FAULT, false, "3 of 5 connections with TLS had no secret in time.", "--file-flush-interval-msec 100" },
	{ tls_without_keys, "tls_misfit", FINDING_FAULT, false, "2 of 5 connections with TLS have secrets in the key log that open nothing.", "write a new one" },
	{ tls_without_room, "tls_no_room", FINDING_FAULT, false, "3 of 5 connections with TLS had no secret while there was memory to wait for it.", "--max-memory" },
	{ tls_some_without_keys, "tls_no_keys", FINDING_WARNING, true, "1 of 5 connections with TLS had no secret in time.", "raise --keylog-wait" },
	{ tls_of_all_kinds, "tls_unsupported", FINDING_FAULT, false, "1 of 6 connections with TLS have a version or a cipher suite that is not read (1 of TLS 1.2 with 0xc012 (TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA)).", "allow TLS 1.3" },
	{ tls_of_all_kinds, "tls_midstream", FINDING_FAULT, false, "2 of 6 connections with TLS began before the capture", "start shadowtap first" },
	{ tls_of_all_kinds, "tls_ech", FINDING_FAULT, false, "1 of 6 connections with TLS may hide another ClientHello (ECH)", "turn ECH off" },
	{ tls_of_all_kinds, "tls_lost", FINDING_FAULT, false, "2 of 6 connections with TLS lost their handshake", "raise -B" },
	{ tls_read_late, "tls_after_wait", FINDING_WARNING, true, "1 of 3 connections with TLS had their secrets only when these were not waited for any more", "Envoy is up to 10 s late" },
	{ tls_read_late, "tls_read", FINDING_GOOD, true, "3 of 3 connections with TLS were read; 1 of them began before the capture; keys came after the data in 2 of them, by up to 1.50 s", "" },
	{ tls_read_no_http, "no_requests", FINDING_FAULT, false, "with no HTTP request in them", "--duration" },
	{ only_http2, "http2", FINDING_FAULT, false, "on port 8001 (1), and no request on them was seen to begin", "packets from the clients" },
	{ http2_left_out, "http2", FINDING_FAULT, false, "on port 8001 (1), which --h2 off leaves out", "leave out --h2" },
	{ ports_of_both, "requests", FINDING_GOOD, true, "passed whole, on port 8000 (7), with HTTP/2 on port 8001 (2); 100 would", "" },
	{ port_of_http2, "requests", FINDING_GOOD, true, "passed whole, with HTTP/2 on port 8001 (2); 100 would", "" },
	{ old_connections, "head_unknown", FINDING_WARNING, true, "4 requests of HTTP/2 got lost (head_unknown)", "restart the client" },
	{ only_midstream, "midstream", FINDING_FAULT, false, "no request has begun", "longer" },
	{ midstream_on_any_port, "midstream", FINDING_FAULT, false, "no request has begun", "name the port (-p)" },
	{ some_midstream, "midstream", FINDING_NOTE, true, "3 connections began before the capture; of their requests", "" },
	{ one_midstream, "midstream", FINDING_NOTE, true, "1 connection began before the capture; of its requests", "" },
	{ one_direction, "one_way", FINDING_WARNING, true, "20 of 20 connections", "SPAN" },
	{ nothing_to_compare, "one_way", FINDING_FAULT, false, "responses cannot be compared", "SPAN" },
	{ some_to_compare, "one_way", FINDING_WARNING, true, "19 of 20 connections", "SPAN" },
	{ several_paths, "multipath", FINDING_WARNING, true, "2 connections of Multipath TCP", "net.mptcp.enabled=0" },
	{ nothing_but_subflows, "multipath", FINDING_FAULT, false, "1 connection of Multipath TCP", "ends Multipath TCP" },
	{ behind_a_proxy, "proxied", FINDING_NOTE, true, "20 connections passed behind a header of the PROXY protocol", "" },
	{ proxy_unread, "proxy_unread", FINDING_FAULT, false, "malformed header of the PROXY protocol", "send-proxy" },
	{ something_before_requests, "no_requests", FINDING_FAULT, false, "pass on port 8080, but the connections do not", "tcpdump -X port 8080" },
	{ requests_elsewhere, "no_requests", FINDING_FAULT, false, "HTTP requests are seen on port 8080 (8)", "-p 8080" },
	{ kernel_drops, "drops", FINDING_WARNING, true, "12,345 packets", "-B 256M" },
	{ cut_by_snaplen, "truncated", FINDING_WARNING, true, "of 65226 bytes, 1500 were captured. Packets above", "-s 262144" },
	{ two_interfaces, "twice", FINDING_NOTE, true, "50.0 %", "-i" },
	{ few_retransmissions, "requests", FINDING_GOOD, true, "", "" },
	{ two_networks, "copies", FINDING_NOTE, true, "20 connections", "" },
	{ behind_vxlan, "tunnel", FINDING_FAULT, false, "800 packets in vxlan tunnels", "--decap vxlan" },
	{ late_clock, "clock", FINDING_WARNING, true, "90.0 s", "timedatectl" },
	{ files_clock_back, "clock", FINDING_WARNING, true, "steps back", "" },
	{ clock_of_a_recording, "requests", FINDING_GOOD, true, "", "" },
	{ all_by_method, "method", FINDING_FAULT, false, "None of 100 requests would be mirrored: filtered.method 90, filtered.path 10. Methods seen: GET.", "-X any" },
	{ all_denied, "denied", FINDING_FAULT, false, "/predict", "--allow-side-effects" },
	{ all_by_path, "path", FINDING_FAULT, false, "Paths seen: /predict.", "another --preset than v2" },
	{ all_by_host, "host", FINDING_FAULT, false, "", "--match-host" },
	{ all_by_header, "header", FINDING_FAULT, false, "", "--match-header" },
	{ all_loop, "loop", FINDING_FAULT, false, "shadowtap's own", "production" },
	{ all_unsampled, "unsampled", FINDING_NOTE, true, "90 requests match, and the sample of 0.010 % took none of them: at this rate it takes one in about 9.26 min.", "-S" },
	{ unsampled_in_a_file, "unsampled", FINDING_NOTE, true, "took none of them: it takes one in 10,000.", "-S" },
	{ few_match_and_none_is_sampled, "unsampled", FINDING_NOTE, true, "1 request matches, and the sample of 50.0 % took none", "-S" },
	{ gaps, "lost", FINDING_WARNING, true, "10 of 100 requests got lost: gap 10.", "missing" },
	{ nothing_but_gaps, "lost", FINDING_FAULT, false, "too_large 100", "--max-body" },
	{ cut_at_the_end, "requests", FINDING_GOOD, true, "", "" },
	{ target_well, "target", FINDING_GOOD, true, "connected in 200 µs, HEAD gave status 404 after 1.10 ms", "" },
	{ target_ill, "target", FINDING_WARNING, true, "503", "log" },
	{ target_knows_no_head, "target", FINDING_GOOD, true, "HEAD /v1/x gave status 405 after", "" },
	{ target_has_no_head, "target", FINDING_GOOD, true, "gave status 501", "" },
	{ target_has_no_such_path, "target", FINDING_WARNING, true, "HEAD /nothere/v1/x gave status 404", "the path of -t or --rewrite-path" },
	{ target_knows_no_such_path, "target", FINDING_FAULT, false, "OPTIONS 404 as well: it does not know that path.", "another path in -t" },
	{ target_has_no_head_there, "target", FINDING_WARNING, true, "gave status 404 after 1.10 ms.", "say 404 to a HEAD" },
	{ target_refuses, "target", FINDING_FAULT, false, "does not accept connections", "running" },
	{ target_unknown, "target", FINDING_FAULT, false, "looked up", "getent" },
	{ target_tls, "target", FINDING_FAULT, false, "TLS", "--cacert" },
	{ target_slow, "target", FINDING_FAULT, false, "in time", "-m" },
	{ target_plain, "target", FINDING_FAULT, false, "what came is not TLS; is the target's port one for plain HTTP?", "--cacert" },
	{ target_mad, "target", FINDING_FAULT, false, "something else than HTTP/1", "" },
	{ target_sink, "requests", FINDING_GOOD, true, "", "" },
	{ broker_well, "broker", FINDING_GOOD, true,
	  "answers: connected in 400 µs; shadowtap_digits holds 4,000 messages in 3.00 MiB of 1.00 GiB, for 1 h, in 16 partitions.", "" },
	{ broker_read, "broker", FINDING_GOOD, true, "4,000 messages", "" },
	{ broker_read, "lag", FINDING_GOOD, true, "The group replay is new there", "" },
	{ broker_lags, "lag", FINDING_GOOD, true, "has 1,234 records still to read", "" },
	{ broker_away, "broker", FINDING_FAULT, false, "No connection: the broker nats:4222 cannot be reached", "nats-server" },
	{ broker_without_jetstream, "jetstream", FINDING_FAULT, false, "no JetStream", "-js" },
	{ broker_denies_tap, "denied", FINDING_FAULT, false, "publish to st.v1.digits.>", "nats.conf" },
	{ broker_denies_reading, "denied", FINDING_FAULT, false, "read from the stream shadowtap_digits", "nats.conf" },
	{ broker_denies_claims, "denied", FINDING_FAULT, false, "write into the bucket shadowtap_digits", "nats.conf" },
	{ broker_takes_little, "max_payload", FINDING_WARNING, true, "at most 1.00 MiB", "max_payload: 8MB" },
	{ broker_takes_just_less, "max_payload", FINDING_NOTE, true, "at most 8.00 MiB, heads included", "" },
	{ broker_empty, "stream", FINDING_NOTE, true, "has no stream shadowtap_digits yet; a run makes it", "" },
	{ broker_empty_for_all, "stream", FINDING_FAULT, false, "and we may not make one", "start a replayer first" },
	{ broker_secretive, "stream", FINDING_WARNING, true, "does not tell us", "$JS.API.STREAM.INFO.shadowtap_digits" },
	{ broker_unheard, "denied", FINDING_FAULT, false, "Subscription to \"_INBOX.x.*\"", "nats.conf" },
	{ broker_unlimited, "limits", FINDING_WARNING, true, "without a limit in bytes, nor one for the account", "max_file" },
	{ broker_refuses_when_full, "limits", FINDING_WARNING, true, "refuses what is new", "discard: old" },
	{ broker_remembers_all, "duplicates", FINDING_NOTE, true, "for 2.00 min, and keeps 200 bytes", "10s" },
	{ broker_forgets, "duplicates", FINDING_WARNING, true, "for 100 ms: two taps", "10s" },
	{ broker_of_others, "stream", FINDING_FAULT, false, "other subjects than st.v1.digits.>", "delete it" },
	{ broker_silent, "silent", FINDING_WARNING, true, "has had nothing from a tap of digits for 90.0 s", "is one running?" },
	{ broker_never_used, "silent", FINDING_WARNING, true, "never had anything", "is one running?" },
};

static const struct diagnosis_line *find(const struct diagnosis *d, const char *code)
{
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->line[i].code, code) == 0)
			return &d->line[i];
	return NULL;
}

static void test_each_symptom(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct symptoms s = healthy();
		struct diagnosis d;
		struct diagnosis_line *line;

		rows[i].change(&s);
		diagnose(&s, &d);
		line = (struct diagnosis_line *)find(&d, rows[i].code);
		if (!line)
			fail_msg("row %zu: no finding \"%s\"", i, rows[i].code);
		assert_int_equal(line->severity, rows[i].severity);
		assert_int_equal(diagnosis_works(&d), rows[i].works);
		assert_null(strstr(buffer_text(&line->text), "?."));
		if (!strstr(buffer_text(&line->text), rows[i].text) || !strstr(buffer_text(&line->remedy), rows[i].remedy))
			fail_msg("row %zu: \"%s\" / \"%s\"", i, buffer_text(&line->text), buffer_text(&line->remedy));
		if (rows[i].severity <= FINDING_WARNING && strcmp(rows[i].code, "capture") != 0 && line->remedy.len == 0)
			fail_msg("row %zu: nothing is advised", i);
		for (size_t k = 1; k < d.count; k++)
			assert_true(d.line[k - 1].severity <= d.line[k].severity);
		diagnosis_deinit(&d);
	}
}

/* A healthy run has nothing to complain of. */
static void test_healthy_is_silent(void **state)
{
	void (*const calm[])(struct symptoms *) = { nothing_changed, few_retransmissions, clock_of_a_recording,
						    cut_at_the_end, target_well };

	(void)state;
	for (size_t i = 0; i < sizeof(calm) / sizeof(calm[0]); i++) {
		struct symptoms s = healthy();
		struct diagnosis d;

		calm[i](&s);
		diagnose(&s, &d);
		for (size_t k = 0; k < d.count; k++)
			assert_int_equal(d.line[k].severity, FINDING_GOOD);
		diagnosis_deinit(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_symptom), cmocka_unit_test(test_healthy_is_silent) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
