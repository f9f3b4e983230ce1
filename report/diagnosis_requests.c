/*
 * diagnosis_requests.c - are there requests in what passes, and is anything of them missing?
 */
#include "report/diagnosis_impl.h"

#include "report/books_names.h"
#include "report/format.h"
#include "report/unread.h"
#include "report/why.h"

#define LONGEST_PACKET (262144 - 256) /* what -s can be, less what the kernel needs of it */
#define TWICE_SHARE    0.3            /* of the payload bytes: more than any network loses */

/* ---- can they be read? ---- */

static void encrypted(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t seen = s->narrow.books.connections.tls;
	struct diagnosis_line *line;

	if (seen == 0)
		return;
	line = diagnosis_add(d, s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "tls");
	line_count(line, seen, "connection");
	line_say(line, " with TLS passed, on port ");
	if (ports_list(&line->text, &s->wide, port_tls) == 0)
		line_say(line, "%s", s->ports ? s->ports : "?");
	for (size_t i = 0; i < s->wide.tls_name_count; i++)
		line_say(line, "%s%s", i == 0 ? "; clients ask for " : ", ", s->wide.tls_name[i]);
	line_say(line, ". A passive tap cannot read TLS without its secrets.");
	line_advise(line, "tap where the traffic is plain: behind the ingress or load balancer that ends TLS, or on the loopback between a "
			  "sidecar and the model server; or, with test data only, run with a key log of the server (--keylog)");
}

static void http2(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t seen = s->narrow.books.connections.http2;
	struct diagnosis_line *line;

	if (seen == 0 || (!s->leaves_http2 && s->narrow.books.http2.streams > 0))
		return;
	line = diagnosis_add(d, s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "http2");
	line_count(line, seen, "connection");
	line_say(line, " with HTTP/2 (gRPC?) passed, on port ");
	if (ports_list(&line->text, &s->wide, port_http2) == 0)
		line_say(line, "%s", s->ports ? s->ports : "?");
	if (s->leaves_http2) {
		line_say(line, ", which --h2 off leaves out.");
		line_advise(line, "leave out --h2");
		return;
	}
	line_say(line, ", and no request on them was seen to begin.");
	line_advise(line, "watch for longer (--duration 30s); if it stays so, check that packets from the clients pass here");
}

static void unknown_heads(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->requests.lost[LOST_HEAD_UNKNOWN] == 0)
		return;
	line = diagnosis_add(d, b->requests.complete == 0 ? FINDING_FAULT : FINDING_WARNING, "head_unknown");
	line_count(line, b->requests.lost[LOST_HEAD_UNKNOWN], "request");
	line_say(line, " of HTTP/2 got lost (head_unknown): their heads name method, path or other fields only by numbers, which "
		       "client and server agreed on before the capture, or in a gap of it.");
	why_renew(b, &line->remedy);
}

/** tls_unread() - connections with TLS of which something else is said already */
static uint64_t tls_unread(const struct books *b)
{
	return b->connections.tls + b->tls.seen - b->tls.tls_fate[TLS_READ];
}

static void joined_late(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.midstream == 0)
		return;
	if (b->requests.seen > 0) {
		line = diagnosis_add(d, FINDING_NOTE, "midstream");
		line_count(line, b->connections.midstream, "connection");
		line_say(line, " began before the capture; of %s requests those are read that begin after it.",
			 b->connections.midstream == 1 ? "its" : "their");
		return;
	}
	if (tls_unread(b) + b->connections.http2 > 0)
		return;
	line = diagnosis_add(d, FINDING_FAULT, "midstream");
	line_count(line, b->connections.midstream, "connection");
	line_say(line, " began before the capture, and no request has begun since.");
	line_advise(line, "watch for longer (--duration 30s); if it stays so, only the responses pass here, or it is something else than HTTP/1%s",
		    !s->ports && !s->leaves_http2 ? ": for gRPC and other HTTP/2 name the port (-p), since connections that are older than the "
						    "capture are read on the ports of -p alone"
						  : "");
}

static void one_way(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.one_way == 0)
		return;
	line = diagnosis_add(d, s->compares && b->connections.one_way == b->connections.seen ? FINDING_FAULT : FINDING_WARNING, "one_way");
	format_count(&line->text, b->connections.one_way);
	line_say(line, " of ");
	line_count(line, b->connections.seen, "connection");
	line_say(line, " passed in one direction only. Their requests are mirrored, but after a loss the next one is harder to find, "
		       "and responses cannot be compared.");
	line_advise(line, "mirror both directions to this interface (SPAN: \"both\"; cloud mirroring: a rule for each direction)");
}

static void several_paths(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.multipath == 0)
		return;
	line = diagnosis_add(d, b->requests.complete == 0 ? FINDING_FAULT : FINDING_WARNING, "multipath");
	line_count(line, b->connections.multipath, "connection");
	line_say(line, " of Multipath TCP passed that cannot be followed, since others carry some of their bytes. Requests on them are lost (multipath).");
	line_advise(line, "tap behind the point that ends Multipath TCP, or turn it off on the service's machine: sysctl net.mptcp.enabled=0");
}

static void proxy_protocol(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	struct diagnosis_line *line;

	if (b->connections.proxied > 0) {
		line = diagnosis_add(d, FINDING_NOTE, "proxied");
		line_count(line, b->connections.proxied, "connection");
		line_say(line, " passed behind a header of the PROXY protocol, which is skipped. Events name the client from it.");
	}
	if (b->connections.proxy_unread == 0)
		return;
	line = diagnosis_add(d, b->requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "proxy_unread");
	line_count(line, b->connections.proxy_unread, "connection");
	line_say(line, " passed with a malformed header of the PROXY protocol; nothing on them is read.");
	line_advise(line, "look at what the proxy sends (send-proxy, proxy_protocol): tcpdump -X; or tap before that proxy");
}

static void no_requests(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	const struct port_view *best = ports_busiest(&s->wide, port_requests);
	const struct books_connections *c = &b->connections;
	struct diagnosis_line *line;

	if (b->requests.seen > 0 || tls_unread(b) + c->http2 + c->midstream + c->multipath + c->proxy_unread > 0)
		return;
	line = diagnosis_add(d, FINDING_FAULT, "no_requests");
	line_count(line, s->narrow.segments, "packet");
	line_say(line, " of ");
	line_count(line, b->connections.seen, "connection");
	line_say(line, " passed, with no HTTP request in them.");
	if (b->connections.outgoing > 0) {
		line_say(line, " ");
		line_count(line, b->connections.outgoing, "connection");
		line_say(line, " went out from the port to another service.");
	}
	if (best && symptoms_names_port(s, best->port)) {
		line_say(line, " Lines of requests pass on port %u, but the connections do not begin with them.", best->port);
		line_advise(line, "look at what goes before them: tcpdump -X port %u", best->port);
	} else if (best) {
		line_say(line, " HTTP requests are seen on port ");
		ports_list(&line->text, &s->wide, port_requests);
		line_say(line, ".");
		line_advise(line, "-p %u", best->port);
	} else {
		line_advise(line, "send some requests while the doctor watches, or watch for longer: --duration 30s");
	}
}

/* ---- is anything missing? ---- */

static void dropped(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t n = s->narrow.books.packets.dropped_kernel + s->narrow.books.packets.dropped_interface;
	struct diagnosis_line *line;

	if (n == 0)
		return;
	line = diagnosis_add(d, FINDING_WARNING, "drops");
	line_count(line, n, "packet");
	line_say(line, " got lost before they could be read, and requests with them.");
	line_advise(line, "a larger kernel buffer (-B 256M), fewer packets (-p, a filter expression), or more lanes (--lanes 2)");
}

static void cut(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	uint64_t n = b->packets.cut_payload + b->packets.result[PACKET_MALFORMED_TRUNCATED];
	struct diagnosis_line *line;

	if (n == 0)
		return;
	line = diagnosis_add(d, FINDING_WARNING, "truncated");
	line_count(line, n, "packet");
	line_say(line, " came cut: of %u bytes, %u were captured.", s->wide.largest_cut, s->wide.largest_kept);
	if (s->wide.largest_cut > 1600 && s->live)
		line_say(line, " Packets above the network's 1500 bytes come from offloads (TSO, GRO), which is normal.");
	if (s->wide.largest_cut >= LONGEST_PACKET)
		line_advise(line, "no snaplen is longer than 262144, and these packets are (BIG TCP): " BIG_TCP_ADVICE);
	else if (s->live)
		line_advise(line, "-s 262144, which is the default (now %u)", s->snaplen);
	else
		line_advise(line, "record again with all bytes: tcpdump -s 0; cloud mirroring: raise its packet length");
}

static void twice(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	double again = (double)b->connections.retransmitted_bytes, all = (double)s->narrow.payload_bytes;
	struct diagnosis_line *line;

	if (b->connections.copies > 0) {
		line = diagnosis_add(d, FINDING_NOTE, "copies");
		line_count(line, b->connections.copies, "connection");
		line_say(line, " passed in several networks (VLANs, tunnels); each is counted once.");
	}
	if (all <= 0 || again / all < TWICE_SHARE)
		return;
	line = diagnosis_add(d, FINDING_NOTE, "twice");
	format_share(&line->text, again / all);
	line_say(line, " of the bytes came more than once: the same packets pass several of the interfaces. They are counted once.");
	if (s->any_interface)
		line_advise(line, "to save the work, name one interface with -i");
}

/* ... or is no finding: the watch ended in the middle of a request */
static bool has_own_finding(size_t reason)
{
	return reason == LOST_CUT_AT_END || reason == LOST_HEAD_UNKNOWN || reason == LOST_MULTIPATH;
}

static void lost(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	uint64_t all = 0;
	struct diagnosis_line *line;
	bool first = true;

	for (size_t i = 0; i < LOST_REASON_COUNT; i++)
		all += has_own_finding(i) ? 0 : b->requests.lost[i];
	if (all == 0)
		return;
	line = diagnosis_add(d, b->requests.complete == 0 ? FINDING_FAULT : FINDING_WARNING, "lost");
	format_count(&line->text, all);
	line_say(line, " of ");
	line_count(line, b->requests.seen, "request");
	line_say(line, " got lost: ");
	for (size_t i = 0; i < LOST_REASON_COUNT; i++) {
		if (b->requests.lost[i] == 0 || has_own_finding(i))
			continue;
		line_say(line, "%s%s ", first ? "" : ", ", lost_names[i].name);
		format_count(&line->text, b->requests.lost[i]);
		first = false;
	}
	line_say(line, ".");
	if (b->requests.lost[LOST_TOO_LARGE] > 0)
		line_advise(line, "--max-body 64M for longer bodies");
	else if (b->requests.lost[LOST_GAP] + b->requests.lost[LOST_TRUNCATED] > 0)
		line_advise(line, "packets are missing: see drops and truncated above, or tap nearer to the service");
}

void diagnose_requests(const struct symptoms *s, struct diagnosis *d)
{
	encrypted(s, d);
	http2(s, d);
	unknown_heads(s, d);
	joined_late(s, d);
	one_way(s, d);
	several_paths(s, d);
	proxy_protocol(s, d);
	no_requests(s, d);
	dropped(s, d);
	cut(s, d);
	twice(s, d);
	lost(s, d);
}
