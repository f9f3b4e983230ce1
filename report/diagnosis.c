/*
 * diagnosis.c - see diagnosis.h
 *
 * The order of the questions is the order of a packet's way: can it be captured
 * at all, does it pass the filters, is it TCP that we can read, are there
 * requests in it, are they whole, would they be chosen, would the target take
 * them. A stage that sees nothing is a fault, and the stages behind it are not
 * asked, since they could only repeat it. What is merely worse than it could be
 * is a warning.
 */
#include "report/diagnosis.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "report/books_names.h"
#include "report/format.h"
#include "report/unread.h"

#define CLOCK_OFF_NS  (2 * NS_PER_S)
#define CLOCK_BACK_NS NS_PER_S
#define UNREAD_HANDFUL 5  /* packets: fewer are not worth a word */
#define UNREAD_SAID_MAX 3 /* kinds */
#define LONGEST_PACKET (262144 - 256) /* what -s can be, less what the kernel needs of it */
#define TWICE_SHARE   0.3 /* of the payload bytes: more than any network loses */

/* There is a place for each symptom, tunnel and target: what is said once is said once. */
static struct diagnosis_line *add(struct diagnosis *d, enum finding_severity severity, const char *code)
{
	struct diagnosis_line *line = &d->line[d->count++];

	assert(d->count <= DIAGNOSIS_MAX);
	line->severity = severity;
	line->code = code;
	return line;
}

static void say(struct diagnosis_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct diagnosis_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(&line->text, format, args);
	va_end(args);
}

static void advise(struct diagnosis_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void advise(struct diagnosis_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(&line->remedy, format, args);
	va_end(args);
}

/** say_count() - "1 packet", "12,372 packets": @noun is the singular */
static void say_count(struct diagnosis_line *line, uint64_t n, const char *noun)
{
	format_count(&line->text, n);
	say(line, " %s%s", noun, n == 1 ? "" : "s");
}

/* "8000 (120 requests), 9090 (3)" of the ports where @count finds something */
static size_t list_ports(struct buffer *out, const struct wide_view *w, uint64_t (*count)(const struct port_view *))
{
	size_t listed = 0;

	for (size_t i = 0; i < w->port_count; i++) {
		uint64_t n = count(&w->port[i]);

		if (n == 0)
			continue;
		buffer_printf(out, "%s%u (", listed++ ? ", " : "", w->port[i].port);
		format_count(out, n);
		buffer_add_str(out, ")");
	}
	return listed;
}

static uint64_t requests_of(const struct port_view *p)
{
	return p->requests;
}

static uint64_t tls_of(const struct port_view *p)
{
	return p->tls;
}

static uint64_t http2_of(const struct port_view *p)
{
	return p->http2;
}

static const struct port_view *busiest(const struct wide_view *w, uint64_t (*count)(const struct port_view *))
{
	const struct port_view *best = NULL;

	for (size_t i = 0; i < w->port_count; i++)
		if (count(&w->port[i]) > 0 && (!best || count(&w->port[i]) > count(best)))
			best = &w->port[i];
	return best;
}

/* ---- can packets be had? ---- */

static bool capture_fails(const struct symptoms *s, struct diagnosis *d)
{
	if (!s->cannot_capture)
		return false;
	say(add(d, FINDING_FAULT, "capture"), "%s", s->cannot_capture);
	return true;
}

static bool sandbox_fails(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (!s->sandbox_fails)
		return false;
	line = add(d, FINDING_FAULT, "sandbox");
	say(line, "%s", s->sandbox_fails);
	advise(line, "report this with the output of shadowtap -V; --no-sandbox runs without the sandbox meanwhile");
	return true;
}

static bool nothing_passes(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (s->wide.packets > 0)
		return false;
	line = add(d, FINDING_FAULT, "no_packets");
	if (s->live) {
		say(line, "No packet passed in %.1f s.", s->seconds);
		advise(line, "%s; send some requests while the doctor watches, or watch for longer: --duration 30s",
		       s->any_interface ? "is there traffic now?" : "is this the interface that the service's traffic uses? -i any sees all");
	} else {
		say(line, "The recording holds no packets.");
		advise(line, "record again, e.g. tcpdump -i any -s 0 -w FILE port 8080");
	}
	return true;
}

/* ---- what cannot be read ---- */

/* "72 of 80 packets have ethertype 0x88e5 (MACsec)", and what to do about it */
static void name_unread(const struct symptoms *s, struct diagnosis_line *line, const struct unread_share *share)
{
	format_count(&line->text, share->packets);
	say(line, " of ");
	say_count(line, s->wide.packets, "packet");
	say(line, " ha%s ", share->packets == 1 ? "s" : "ve");
	unread_name(share->what, &line->text);
}

/** nothing_readable() - packets pass, and none of them could be read, whatever is asked for */
static bool nothing_readable(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (s->wide.segments > 0 || s->wide.unread[0].packets == 0)
		return false;
	line = add(d, FINDING_FAULT, "unread");
	say_count(line, s->wide.packets, "packet");
	say(line, " passed, and none of them holds TCP that could be read: ");
	name_unread(s, line, &s->wide.unread[0]);
	say(line, ".");
	unread_advise(s->wide.unread[0].what, s->vxlan_ports, s->vxlan_port_count, &line->remedy);
	return true;
}

/** partly_readable() - a tenth of the packets is of a kind that may hide connections */
static void partly_readable(const struct symptoms *s, struct diagnosis *d)
{
	size_t said = 0;

	for (size_t i = 0; i < UNREAD_MAX && said < UNREAD_SAID_MAX; i++) {
		const struct unread_share *share = &s->wide.unread[i];
		struct diagnosis_line *line;

		if (share->packets <= UNREAD_HANDFUL || share->packets < s->wide.packets / 10 || !unread_hides(share->what))
			continue;
		line = add(d, FINDING_WARNING, "unread");
		name_unread(s, line, share);
		say(line, " and could not be read; requests in them are missed.");
		unread_advise(share->what, s->vxlan_ports, s->vxlan_port_count, &line->remedy);
		said++;
	}
}

/** is_given() - did the user name this port with -p? */
static bool is_given(const struct symptoms *s, uint16_t port)
{
	for (const char *at = s->ports; at && *at; at += strspn(at, ",")) {
		char *end;

		if (strtoul(at, &end, 10) == port)
			return true;
		at = end + strcspn(end, ",");
	}
	return false;
}

/** shut_out() - packets pass, and the filters of the options let none of them through */
static bool shut_out(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;
	const struct port_view *best = busiest(&s->wide, requests_of);

	if (s->narrow.segments > 0)
		return false;
	line = add(d, FINDING_FAULT, "filter");
	say_count(line, s->wide.packets, "packet");
	say(line, " passed, and none of them ");
	if (s->ports)
		say(line, "belongs to a TCP connection on port %s", s->ports);
	else
		say(line, "is of a TCP connection that could be read");
	say(line, "%s%s%s.", s->expression ? " and matches \"" : "", s->expression ? s->expression : "", s->expression ? "\"" : "");
	if (best) {
		say(line, " HTTP requests are seen on port ");
		list_ports(&line->text, &s->wide, requests_of);
		say(line, ".");
	}
	if (best && !is_given(s, best->port))
		advise(line, "-p %u%s", best->port, s->expression ? ", or another filter expression" : "");
	else if (best && s->expression)
		advise(line, "another filter expression: it is about the outermost packet, and the port is right");
	else if (!best && s->ports)
		advise(line, "check the port that the service listens on (ss -ltn), and the interface: -i any sees all");
	return true;
}

static void tunnels(const struct symptoms *s, struct diagnosis *d)
{
	for (size_t i = 0; i < VIEW_TUNNELS; i++) {
		struct diagnosis_line *line;

		if (s->wide.hidden[i] == 0)
			continue;
		line = add(d, s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "tunnel");
		say_count(line, s->wide.hidden[i], "packet");
		say(line, " in %s tunnels passed, which the kernel's filter keeps out.", s->tunnel_names[i]);
		advise(line, "--decap %s", s->tunnel_names[i]);
	}
}

/* ---- can they be read? ---- */

static void encrypted(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t seen = s->narrow.books.connections.tls;
	struct diagnosis_line *line;

	if (seen == 0)
		return;
	line = add(d, s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "tls");
	say_count(line, seen, "connection");
	say(line, " with TLS passed, on port ");
	if (list_ports(&line->text, &s->wide, tls_of) == 0)
		say(line, "%s", s->ports ? s->ports : "?");
	for (size_t i = 0; i < s->wide.tls_name_count; i++)
		say(line, "%s%s", i == 0 ? "; clients ask for " : ", ", s->wide.tls_name[i]);
	say(line, ". A passive tap cannot read TLS.");
	advise(line, "tap where the traffic is plain: behind the ingress or load balancer that ends TLS, or on the loopback between a "
		     "sidecar and the model server");
}

static void http2(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t seen = s->narrow.books.connections.http2;
	struct diagnosis_line *line;

	if (seen == 0)
		return;
	line = add(d, s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "http2");
	say_count(line, seen, "connection");
	say(line, " with HTTP/2 (gRPC?) passed, on port ");
	if (list_ports(&line->text, &s->wide, http2_of) == 0)
		say(line, "%s", s->ports ? s->ports : "?");
	say(line, ". shadowtap reads HTTP/1.x.");
	advise(line, "mirror the server's HTTP/1.1 port instead, where it has one");
}

static void joined_late(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.midstream == 0)
		return;
	if (b->requests.seen > 0) {
		line = add(d, FINDING_NOTE, "midstream");
		say_count(line, b->connections.midstream, "connection");
		say(line, " began before the capture; requests are found from the next one on.");
		return;
	}
	if (b->connections.tls + b->connections.http2 > 0)
		return;
	line = add(d, FINDING_FAULT, "midstream");
	say_count(line, b->connections.midstream, "connection");
	say(line, " began before the capture, and no request has begun since.");
	advise(line, "watch for longer (--duration 30s); if it stays so, they carry something else than HTTP/1, or only the answers pass here");
}

static void one_way(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.one_way == 0)
		return;
	line = add(d, FINDING_WARNING, "one_way");
	format_count(&line->text, b->connections.one_way);
	say(line, " of ");
	say_count(line, b->connections.seen, "connection");
	say(line, " passed in one direction only. Their requests are mirrored, but after a loss the next one is harder to find, "
		  "and answers cannot be compared.");
	advise(line, "mirror both directions to this interface (SPAN: \"both\"; cloud mirroring: a rule for each direction)");
}

static void several_paths(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.multipath == 0)
		return;
	line = add(d, b->requests.complete == 0 ? FINDING_FAULT : FINDING_WARNING, "multipath");
	say_count(line, b->connections.multipath, "connection");
	say(line, " of Multipath TCP passed that cannot be followed, since others carry some of their bytes. Requests on them are lost (multipath).");
	advise(line, "tap behind the point that ends Multipath TCP, or turn it off on the service's machine: sysctl net.mptcp.enabled=0");
}

static void proxy_protocol(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.proxied > 0) {
		line = add(d, FINDING_NOTE, "proxied");
		say_count(line, b->connections.proxied, "connection");
		say(line, " passed behind a header of the PROXY protocol, which is skipped. Events name the client from it.");
	}
	if (b->connections.proxy_unread == 0)
		return;
	line = add(d, b->requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "proxy_unread");
	say_count(line, b->connections.proxy_unread, "connection");
	say(line, " passed with a malformed header of the PROXY protocol; nothing on them is read.");
	advise(line, "look at what the proxy sends (send-proxy, proxy_protocol): tcpdump -X; or tap before that proxy");
}

static void no_requests(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	const struct port_view *best = busiest(&s->wide, requests_of);
	const struct books_connections *c = &b->connections;
	struct diagnosis_line *line;

	if (b->requests.seen > 0 || c->tls + c->http2 + c->midstream + c->multipath + c->proxy_unread > 0)
		return;
	line = add(d, FINDING_FAULT, "no_requests");
	say_count(line, s->narrow.segments, "packet");
	say(line, " of ");
	say_count(line, b->connections.seen, "connection");
	say(line, " passed, with no HTTP request in them.");
	if (b->connections.outgoing > 0) {
		say(line, " ");
		say_count(line, b->connections.outgoing, "connection");
		say(line, " went out from the port to another service.");
	}
	if (best && is_given(s, best->port)) {
		say(line, " Lines of requests pass on port %u, but the connections do not begin with them.", best->port);
		advise(line, "look at what goes before them: tcpdump -X port %u", best->port);
	} else if (best) {
		say(line, " HTTP requests are seen on port ");
		list_ports(&line->text, &s->wide, requests_of);
		say(line, ".");
		advise(line, "-p %u", best->port);
	} else {
		advise(line, "send some requests while the doctor watches, or watch for longer: --duration 30s");
	}
}

/* ---- is anything missing? ---- */

static void dropped(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t n = s->narrow.books.packets.dropped_kernel + s->narrow.books.packets.dropped_interface;
	struct diagnosis_line *line;

	if (n == 0)
		return;
	line = add(d, FINDING_WARNING, "drops");
	say_count(line, n, "packet");
	say(line, " got lost before they could be read, and requests with them.");
	advise(line, "a larger kernel buffer (-B 256M), fewer packets (-p, a filter expression), or more lanes (--lanes 2)");
}

static void cut(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	uint64_t n = b->packets.cut_payload + b->packets.result[PACKET_MALFORMED_TRUNCATED];
	struct diagnosis_line *line;

	if (n == 0)
		return;
	line = add(d, FINDING_WARNING, "truncated");
	say_count(line, n, "packet");
	say(line, " came cut: of %u bytes, %u were captured.", s->wide.largest_cut, s->wide.largest_kept);
	if (s->wide.largest_cut > 1600 && s->live)
		say(line, " Packets above the network's 1500 bytes come from offloads (TSO, GRO), which is normal.");
	if (s->wide.largest_cut >= LONGEST_PACKET)
		advise(line, "no snaplen is longer than 262144, and these packets are (BIG TCP): " BIG_TCP_ADVICE);
	else if (s->live)
		advise(line, "-s 262144, which is the default (now %u)", s->snaplen);
	else
		advise(line, "record again with all bytes: tcpdump -s 0; cloud mirroring: raise its packet length");
}

static void twice(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	double again = (double)b->connections.retransmitted_bytes, all = (double)s->narrow.payload_bytes;
	struct diagnosis_line *line;

	if (b->connections.copies > 0) {
		line = add(d, FINDING_NOTE, "copies");
		say_count(line, b->connections.copies, "connection");
		say(line, " passed in several networks (VLANs, tunnels); each is counted once.");
	}
	if (all <= 0 || again / all < TWICE_SHARE)
		return;
	line = add(d, FINDING_NOTE, "twice");
	format_share(&line->text, again / all);
	say(line, " of the bytes came more than once: the same packets pass several of the interfaces. They are counted once.");
	if (s->any_interface)
		advise(line, "to save the work, name one interface with -i");
}

static void clocks(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (s->live && s->wide.clock_off_ns > CLOCK_OFF_NS) {
		line = add(d, FINDING_WARNING, "clock");
		say(line, "Packets carry times up to %.1f s away from this machine's clock.", (double)s->wide.clock_off_ns / (double)NS_PER_S);
		advise(line, "check the clock (timedatectl) and the interface's hardware timestamps");
	} else if (!s->live && s->wide.clock_back_ns > CLOCK_BACK_NS) {
		line = add(d, FINDING_WARNING, "clock");
		say(line, "The recording's time steps back by up to %.1f s.", (double)s->wide.clock_back_ns / (double)NS_PER_S);
		advise(line, "merge parts in their order (several -r are merged by time)");
	}
}

static void lost(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	uint64_t all = 0;
	struct diagnosis_line *line;
	bool first = true;

	for (size_t i = 0; i < LOST_REASON_COUNT; i++)
		all += i == LOST_CUT_AT_END ? 0 : b->requests.lost[i];
	if (all == 0)
		return;
	line = add(d, b->requests.complete == 0 ? FINDING_FAULT : FINDING_WARNING, "lost");
	format_count(&line->text, all);
	say(line, " of ");
	say_count(line, b->requests.seen, "request");
	say(line, " got lost: ");
	for (size_t i = 0; i < LOST_REASON_COUNT; i++) {
		if (b->requests.lost[i] == 0 || i == LOST_CUT_AT_END)
			continue;
		say(line, "%s%s ", first ? "" : ", ", lost_names[i].name);
		format_count(&line->text, b->requests.lost[i]);
		first = false;
	}
	say(line, ".");
	if (b->requests.lost[LOST_TOO_LARGE] > 0)
		advise(line, "--max-body 64M for longer bodies");
	else if (b->requests.lost[LOST_GAP] + b->requests.lost[LOST_TRUNCATED] > 0)
		advise(line, "packets are missing: see drops and truncated above, or tap nearer to the service");
}

/* ---- would they be mirrored? ---- */

/** advise_on_rule() - what lets requests pass that @v takes */
static void advise_on_rule(const struct symptoms *s, struct diagnosis_line *line, enum decision v)
{
	switch (v) {
	case DECISION_FILTERED_METHOD:
		say(line, " Methods seen: %s.", s->narrow.methods);
		advise(line, "-X any, or -X with one of these");
		break;
	case DECISION_FILTERED_DENIED:
		say(line, " They go to routes with side effects, health checks or metrics: %s.", s->narrow.paths);
		advise(line, "send inference requests while the doctor watches; --allow-side-effects mirrors these too");
		break;
	case DECISION_FILTERED_PATH:
		say(line, " Paths seen: %s.", s->narrow.paths);
		if (s->preset && strcmp(s->preset, "any") != 0)
			advise(line, "another --preset than %s, or --path with a pattern for these", s->preset);
		else
			advise(line, "--path and --not-path with patterns that let these through");
		break;
	case DECISION_FILTERED_HOST:
		advise(line, "another --match-host; theirs does not match");
		break;
	case DECISION_FILTERED_HEADER:
		advise(line, "another --match-header; they lack what it wants");
		break;
	case DECISION_FILTERED_LOOP:
		say(line, " They are shadowtap's own: this is the shadow's traffic, not production's.");
		advise(line, "tap the port of production");
		break;
	case DECISION_UNSAMPLED:
		advise(line, "a larger share with -S, or watch for longer");
		break;
	case DECISION_SHED_HANDOVER:
	case DECISION_SHED_MEMORY:
		advise(line, "a larger --max-memory");
		break;
	case DECISION_CHOSEN:
	case DECISION_COUNT:
		break;
	}
}

static void list_decisions(struct diagnosis_line *line, const struct books *b)
{
	bool first = true;

	for (size_t v = DECISION_CHOSEN + 1; v < DECISION_COUNT; v++) {
		if (b->requests.decision[v] == 0)
			continue;
		say(line, "%s%s%s%s ", first ? ": " : ", ", decision_names[v].group, decision_names[v].name ? "." : "",
		    decision_names[v].name ? decision_names[v].name : "");
		format_count(&line->text, b->requests.decision[v]);
		first = false;
	}
	say(line, ".");
}

static enum decision largest_rule(const struct books *b)
{
	size_t best = DECISION_CHOSEN + 1;

	for (size_t v = best; v < DECISION_COUNT; v++)
		if (b->requests.decision[v] > b->requests.decision[best])
			best = v;
	return (enum decision)best;
}

static void chosen(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	uint64_t n = b->requests.decision[DECISION_CHOSEN];
	enum decision rule = largest_rule(b);
	struct diagnosis_line *line;

	if (b->requests.complete == 0)
		return;
	if (n == 0) {
		line = add(d, FINDING_FAULT,
			   decision_names[rule].name ? decision_names[rule].name : decision_names[rule].group);
		say(line, "None of ");
		say_count(line, b->requests.complete, "request");
		say(line, " would be mirrored");
		list_decisions(line, b);
		advise_on_rule(s, line, rule);
		return;
	}
	line = add(d, FINDING_GOOD, "requests");
	say_count(line, b->requests.complete, "request");
	say(line, " passed whole");
	if (!s->ports) {
		say(line, ", on port ");
		list_ports(&line->text, &s->wide, requests_of);
	}
	say(line, "; ");
	format_count(&line->text, n);
	say(line, " would be mirrored%s", n < b->requests.complete ? ", the others not" : "");
	list_decisions(line, b);
}

/* ---- would the target take them? ---- */

static void probe_failed(const struct probe *p, struct diagnosis *d)
{
	struct diagnosis_line *line = add(d, FINDING_FAULT, "target");

	say(line, "The target %s (%s) ", p->name, p->shown);
	switch (p->kind) {
	case OUTCOME_FAILED_DNS:
		say(line, "has a name that cannot be looked up");
		advise(line, "check the name, and the resolver of this machine (getent hosts NAME)");
		break;
	case OUTCOME_FAILED_CONNECT:
		say(line, "does not accept connections");
		advise(line, "is the shadow running, and listening on this address and port? Does a firewall lie between?");
		break;
	case OUTCOME_FAILED_TLS:
		say(line, "cannot be reached with TLS");
		advise(line, "--cacert FILE for an authority of your own, or http:// if it speaks no TLS");
		break;
	case OUTCOME_FAILED_TIMEOUT:
		say(line, "did not answer in time");
		advise(line, "-m with a longer time; language models want e.g. -m 60s");
		break;
	default:
		say(line, "broke the exchange off or answered with something else than HTTP/1");
		advise(line, "is it an HTTP/1.1 server?");
		break;
	}
	if (p->detail)
		say(line, ": %s", p->detail);
	say(line, ".");
}

static void probe_refused(const struct probe *p, struct diagnosis *d)
{
	struct diagnosis_line *line = add(d, FINDING_FAULT, "production");
	char text[ENDPOINT_TEXT_MAX];

	say(line, "The target %s (%s) is the service that is watched: a request went to %s, and that is where this target leads.",
	    p->name, p->shown, endpoint_text(&p->server, text));
	advise(line, "-t with the shadow's address; --target-is-production if production is to get its requests twice");
}

static void targets(const struct symptoms *s, struct diagnosis *d)
{
	for (size_t i = 0; i < s->probe_count; i++) {
		const struct probe *p = &s->probes[i];
		struct diagnosis_line *line;

		if (p->skipped)
			continue;
		if (p->is_production) {
			probe_refused(p, d);
			continue;
		}
		if (!outcome_is_answered(p->kind)) {
			probe_failed(p, d);
			continue;
		}
		line = add(d, p->kind == OUTCOME_ANSWERED_5XX ? FINDING_WARNING : FINDING_GOOD, "target");
		say(line, "The target %s (%s) answers: connected in ", p->name, p->shown);
		format_time(&line->text, (double)p->connect_us);
		say(line, ", HEAD gave status %d after ", p->status_code);
		format_time(&line->text, (double)p->total_us);
		say(line, ".");
		if (p->kind == OUTCOME_ANSWERED_5XX)
			advise(line, "a status of 500 and above says that the shadow is not well: look at its log");
	}
}

/* ---- the whole ---- */

/* insertion sort: few lines, and equal ones keep the order of a packet's way */
static void worst_first(struct diagnosis *d)
{
	for (size_t i = 1; i < d->count; i++)
		for (size_t k = i; k > 0 && d->line[k - 1].severity > d->line[k].severity; k--) {
			struct diagnosis_line swap = d->line[k];

			d->line[k] = d->line[k - 1];
			d->line[k - 1] = swap;
		}
}

static void traffic(const struct symptoms *s, struct diagnosis *d)
{
	bool blind = capture_fails(s, d);

	if (sandbox_fails(s, d) || blind || nothing_passes(s, d))
		return;
	tunnels(s, d);
	clocks(s, d);
	if (nothing_readable(s, d) || shut_out(s, d))
		return;
	partly_readable(s, d);
	encrypted(s, d);
	http2(s, d);
	joined_late(s, d);
	one_way(s, d);
	several_paths(s, d);
	proxy_protocol(s, d);
	no_requests(s, d);
	dropped(s, d);
	cut(s, d);
	twice(s, d);
	lost(s, d);
	chosen(s, d);
}

void diagnose(const struct symptoms *s, struct diagnosis *out)
{
	*out = (struct diagnosis){ 0 };
	traffic(s, out);
	targets(s, out);
	worst_first(out);
}

void diagnosis_deinit(struct diagnosis *d)
{
	for (size_t i = 0; i < d->count; i++) {
		buffer_deinit(&d->line[i].text);
		buffer_deinit(&d->line[i].remedy);
	}
	d->count = 0;
}

bool diagnosis_works(const struct diagnosis *d)
{
	return d->count == 0 || d->line[0].severity != FINDING_FAULT;
}

static const char *const severity_names[] = { "fault", "warning", "note", "ok" };

void diagnosis_text(const struct diagnosis *d, struct buffer *out)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diagnosis_line *line = &d->line[i];

		buffer_printf(out, "%-8s ", severity_names[line->severity]);
		buffer_add_span(out, buffer_span(&line->text));
		if (line->remedy.len > 0) {
			buffer_add_str(out, "\n         Try: ");
			buffer_add_span(out, buffer_span(&line->remedy));
		}
		buffer_add_str(out, "\n");
	}
}

void diagnosis_json(const struct diagnosis *d, struct json *j)
{
	json_key(j, "works");
	json_bool(j, diagnosis_works(d));
	json_key(j, "findings");
	json_open(j, '[');
	for (size_t i = 0; i < d->count; i++) {
		const struct diagnosis_line *line = &d->line[i];

		json_open(j, '{');
		json_key(j, "severity");
		json_str(j, severity_names[line->severity]);
		json_key(j, "code");
		json_str(j, line->code);
		json_key(j, "text");
		json_text(j, buffer_span(&line->text));
		json_key(j, "try");
		json_text(j, buffer_span(&line->remedy));
		json_close(j, '}');
	}
	json_close(j, ']');
}
