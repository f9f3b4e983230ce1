/*
 * why.c - walk down the funnel and name the step where the last request was lost
 *
 * Packets, then segments, connections, requests, decisions, targets: the first
 * stage at which everything that was left fell away is the cause; what came
 * before is healthy and what comes after has seen nothing.
 */
#include "report/why.h"

#include <inttypes.h>

#include "base/units.h"
#include "report/books_names.h"
#include "report/suite_text.h"
#include "report/unread.h"

#define MULTIPATH_ADVICE                                                                                       \
	"tap behind the point that ends Multipath TCP, or turn it off on the service's machine (net.mptcp.enabled=0)"

#define UNREAD_HANDFUL 5

static size_t largest(const uint64_t *values, size_t from, size_t to)
{
	size_t at = from;

	for (size_t i = from; i <= to; i++)
		if (values[i] > values[at])
			at = i;
	return at;
}

/* The most frequent thing that could not be read, if the packets of @result carry it; or 0. */
static uint32_t most_unread(const struct books *b, enum packet_result result)
{
	for (size_t i = 0; i < UNREAD_MAX && b->unread[i].packets > 0; i++) {
		enum unread_kind kind = UNREAD_KIND(b->unread[i].what);

		if (result == (kind == UNREAD_ETHERTYPE  ? PACKET_IGNORED_NOT_IP :
			     kind == UNREAD_LINKTYPE ? PACKET_IGNORED_LINKTYPE :
						       PACKET_IGNORED_NOT_TCP))
			return b->unread[i].what;
	}
	return 0;
}

/* Where it can be said what they carry, that says more than why they were ignored. */
static bool name_unread(const struct books *b, const struct run_shape *shape, enum packet_result result, struct buffer *out)
{
	uint32_t what = most_unread(b, result);

	if (!what)
		return false;
	if (result == PACKET_IGNORED_LINKTYPE) {
		buffer_printf(out, "their link type, %u, is not one that shadowtap reads: record on Ethernet, or with -i any",
			      UNREAD_NUMBER(what));
		return true;
	}
	buffer_printf(out, "they carry no %s, most have ", result == PACKET_IGNORED_NOT_TCP ? "TCP" : "IP");
	unread_name(what, out);
	buffer_add_str(out, ": ");
	unread_advise(what, shape->vxlan_ports, shape->vxlan_port_count, out);
	return true;
}

static const char *packets_advice(size_t result)
{
	switch ((enum packet_result)result) {
	case PACKET_IGNORED_PORT:
		return "neither end of their connections is on a port of -p: check the service's port, or leave -p out";
	case PACKET_IGNORED_NOT_IP:
		return "they carry no IP: tap nearer to the service, where its traffic is plain Ethernet and IP";
	case PACKET_IGNORED_NOT_TCP:
		return "they carry no TCP: a tunnel's packets look like that if its UDP port is not the usual one "
		       "(--vxlan-port) or shadowtap does not open its kind: tap where it has been unpacked";
	case PACKET_IGNORED_FRAGMENT:
		return "they are pieces of larger IP packets of which other pieces are missing: tap where they are not "
		       "fragmented, or where all pieces pass";
	case PACKET_IGNORED_NESTED:
		return "they are tunnels in tunnels, deeper than is opened: tap where some have been unpacked";
	case PACKET_IGNORED_LINKTYPE:
		return "their link type is not one that shadowtap reads: record on Ethernet, or with -i any";
	case PACKET_MALFORMED_TRUNCATED:
		return "they were cut before their payload: record with a snaplen of 262144 (tcpdump -s 0)";
	case PACKET_MALFORMED_LINK:
	case PACKET_MALFORMED_IP:
	case PACKET_MALFORMED_TCP:
		return "they are damaged: compare with tcpdump -r";
	case PACKET_DECODED:
	case PACKET_RESULT_COUNT:
		break;
	}
	return "see packets.ignored and packets.malformed above";
}

static void no_packets(const struct run_shape *shape, struct buffer *out)
{
	if (!shape->live)
		buffer_printf(out, "the capture holds no packets%s",
			      shape->has_expression ? " that match the filter expression" : "");
	else
		buffer_printf(out,
			      "no packet arrived%s; is there traffic now, and is this the interface it uses (-i any sees all)?",
			      shape->has_ports || shape->has_expression ? " that matches the port and the filter" : "");
}

/* By enum tls_fate: behind "connections with TLS"; NULL: is not said of a connection that was not read */
static const char *const tls_unread_advice[TLS_FATE_COUNT] = {
	[TLS_NO_KEYS] = "had no secret in time: is the key log that of the process that ends TLS at this port, and is it written by the time "
			"that data comes? Envoy is up to 10 s late: start it with --file-flush-interval-msec 100, or raise --keylog-wait",
	[TLS_UNSUPPORTED] = "have a version or a cipher suite that is not read: allow TLS 1.3, or AES-GCM, at the server",
	[TLS_MIDSTREAM] = "began before the capture, and are read from their handshake only: start shadowtap first, let the server end old "
			  "connections, or look for the secrets of those with TLS 1.3 by --tls-join N, where N records or fewer of a side went by",
	[TLS_ECH] = "may hide another ClientHello (ECH) than the one that the key log has secrets for: turn ECH off at the server",
	[TLS_LOST] = "lost their handshake, or too much behind it, in gaps of the capture: see dropped_kernel, raise -B, or tap nearer",
};

static const char misfit_advice[] = "have secrets in the key log that open nothing: it is damaged, or of other connections; have the process "
				    "that ends TLS at this port write a new one";

static const char no_room_advice[] = "had no secret while there was memory to wait for it: raise --max-memory; one that carries more than 1 MiB "
				     "before its secret is there needs that sooner (Envoy: --file-flush-interval-msec 100)";

/* Of connections that were read, but not from their start */
static const char after_wait_advice[] = "had their secrets only when these were not waited for any more, and what had come before is not read: "
					"Envoy is up to 10 s late: start it with --file-flush-interval-msec 100, or raise --keylog-wait "
					"(and --max-memory, within which encrypted bytes wait)";

const char *why_tls(enum tls_fate fate)
{
	return tls_unread_advice[fate];
}

const char *why_tls_misfit(void)
{
	return misfit_advice;
}

const char *why_tls_no_room(void)
{
	return no_room_advice;
}

const char *why_tls_after_wait(void)
{
	return after_wait_advice;
}

/* What most connections with TLS that were not read have in common; TLS_READ: there are none */
static enum tls_fate tls_most_unread(const struct books *b)
{
	size_t fate = largest(b->tls.tls_fate, TLS_READ + 1, TLS_FATE_COUNT - 1);

	return b->tls.tls_fate[fate] > 0 ? (enum tls_fate)fate : TLS_READ;
}

static void tls_unread(const struct books *b, struct buffer *out)
{
	enum tls_fate fate = tls_most_unread(b);
	uint64_t n = b->tls.tls_fate[fate];
	const char *advice = tls_unread_advice[fate], *cure;

	if (fate == TLS_NO_KEYS && b->tls.misfit > n / 2) {
		n = b->tls.misfit;
		advice = misfit_advice;
	} else if (fate == TLS_NO_KEYS && b->tls.no_room > n / 2) {
		n = b->tls.no_room;
		advice = no_room_advice;
	}
	cure = strstr(advice, ": ");
	buffer_printf(out, "%" PRIu64 " of %" PRIu64 " connections with TLS %.*s", n, b->tls.seen, (int)(cure - advice), advice);
	if (fate == TLS_UNSUPPORTED)
		suite_texts(b->tls.unsupported, out);
	buffer_add_str(out, cure);
}

static void no_requests(const struct books *b, const struct run_shape *shape, struct buffer *out)
{
	uint64_t n = b->connections.seen;

	if (b->connections.multipath > 0)
		buffer_printf(out,
			      "%" PRIu64 " of %" PRIu64 " connections are subflows of Multipath TCP, which cannot be followed: " MULTIPATH_ADVICE,
			      b->connections.multipath, n);
	else if (tls_most_unread(b) != TLS_READ)
		tls_unread(b, out);
	else if (b->connections.tls > 0 && b->connections.tls >= b->connections.http2)
		buffer_printf(out,
			      "%" PRIu64 " of %" PRIu64 " connections are TLS, which a passive tap cannot read: tap behind what "
			      "terminates it (ingress, sidecar, loopback), or have its secrets written (--keylog)",
			      b->connections.tls, n);
	else if (b->connections.http2 > 0 && shape->leaves_http2)
		buffer_printf(out, "%" PRIu64 " of %" PRIu64 " connections speak HTTP/2 (gRPC?), which --h2 off leaves out",
			      b->connections.http2, n);
	else if (b->connections.http2 > 0)
		buffer_printf(out,
			      "%" PRIu64 " of %" PRIu64 " connections speak HTTP/2 (gRPC?), but no request on them was seen to begin; "
			      "capture for longer, or check that the client's direction is captured too",
			      b->connections.http2, n);
	else if (b->connections.outgoing == n)
		buffer_printf(out,
			      "all %" PRIu64 " connections were opened from a port of -p, to other services: is -p the port on "
			      "which the model service listens?",
			      n);
	else if (b->connections.proxy_unread > 0 && b->connections.proxy_unread == b->connections.not_http)
		buffer_printf(out,
			      "%" PRIu64 " of %" PRIu64 " connections begin with a header of the PROXY protocol that is malformed: "
			      "compare what the proxy sends (send-proxy, proxy_protocol) with tcpdump -X",
			      b->connections.proxy_unread, n);
	else if (b->connections.not_http > 0)
		buffer_printf(out, "%" PRIu64 " of %" PRIu64 " connections carry something else than HTTP%s",
			      b->connections.not_http, n,
			      shape->has_ports ? ": is -p the model service's port?" : ": name the service's port with -p");
	else if (b->connections.midstream > 0)
		buffer_printf(out,
			      "the capture joined %" PRIu64 " connections in their middle and saw no request begin; "
			      "capture for longer, or check that the client's direction is captured too",
			      b->connections.midstream);
	else
		buffer_printf(out,
			      "%" PRIu64 " connections were seen, but no request in them: are the packets from the clients "
			      "captured, and not only the answers?",
			      n);
}

/*
 * The kernel's blocks hold 262144 bytes, headers of its own among them, and -s takes no more. Longer packets exist
 * only inside of hosts that put segments together (BIG TCP).
 */
#define LONGEST_PACKET (262144 - 256)

static void truncated(const struct books *b, struct buffer *out)
{
	if (b->packets.longest_cut < LONGEST_PACKET)
		buffer_add_str(out, "the packets were cut: capture with a snaplen of 262144 (-s)");
	else
		buffer_printf(out, "there are packets of %" PRIu64 " bytes (BIG TCP), and no snaplen above 262144 (-s): " BIG_TCP_ADVICE,
			      b->packets.longest_cut);
}

/*
 * HPACK gives fields numbers, and what they mean was said when the connection was young. Nothing makes an old one
 * readable but its end: the servers' options for that are named, since few who run a model know that they exist. A
 * passive tap ends no connection, however easy a forged reset would be.
 */
void why_renew(const struct books *b, struct buffer *out)
{
	buffer_add_str(out, "restart the client, or let the server end connections of a certain age (Triton "
			    "--grpc-max-connection-age MS, TensorFlow Serving "
			    "--grpc_channel_arguments=grpc.max_connection_age_ms=MS, grpc-go keepalive.ServerParameters, Envoy "
			    "max_connection_duration), as shadowtap never does");
	if (b->http2.http2_head[HTTP2_PART] > 0)
		buffer_add_str(out, "; where method and path are known and no header field chooses the model, --h2-heads needed "
				    "mirrors them");
}

static void unknown_heads(const struct books *b, struct buffer *out)
{
	buffer_printf(out,
		      "their heads name method, path or other fields only by numbers, which client and server agreed on before the "
		      "capture%s; they become readable when the connections are renewed: ",
		      b->http2.epochs > 0 ? ", or in a gap of it" : "");
	why_renew(b, out);
}

static void lost(const struct books *b, struct buffer *out)
{
	size_t reason = largest(b->requests.lost, 0, LOST_REASON_COUNT - 1);
	const char *advice = "";

	switch ((enum lost_reason)reason) {
	case LOST_GAP:
		advice = "packets are missing from the capture: see dropped_kernel, raise -B, or tap nearer";
		break;
	case LOST_TRUNCATED:
	case LOST_HEAD_UNKNOWN:
		break;
	case LOST_TOO_LARGE:
		advice = "their bodies are longer than --max-body: raise it";
		break;
	case LOST_MEMORY:
		advice = "raise --max-memory";
		break;
	case LOST_CUT_AT_END:
		advice = "the capture ended before they did";
		break;
	case LOST_RESET:
		advice = "their connections broke off before they were whole";
		break;
	case LOST_MULTIPATH:
		advice = MULTIPATH_ADVICE;
		break;
	case LOST_STREAM_LONG:
		advice = "their calls of gRPC stay open for longer than --max-stream-time: raise it, if they end at all";
		break;
	case LOST_REFUSED:
		advice = "production refused them";
		break;
	case LOST_IDLE:
	case LOST_MALFORMED:
	case LOST_UPGRADED:
	case LOST_URGENT:
	case LOST_FRAMING:
	case LOST_STREAM_RESET:
	case LOST_REASON_COUNT:
		advice = "see requests.lost above";
		break;
	}
	if (b->requests.complete == 0)
		buffer_add_str(out, "all ");
	else
		buffer_printf(out, "%" PRIu64 " of ", b->requests.seen - b->requests.complete);
	buffer_printf(out, "%" PRIu64 " requests were lost, %" PRIu64 " of them as %s: %s", b->requests.seen,
		      b->requests.lost[reason], lost_names[reason].name, advice);
	if (reason == LOST_TRUNCATED)
		truncated(b, out);
	if (reason == LOST_HEAD_UNKNOWN)
		unknown_heads(b, out);
}

static const char *decision_advice(size_t decision, const struct run_shape *shape)
{
	switch ((enum decision)decision) {
	case DECISION_FILTERED_METHOD:
		return "their method is not mirrored (POST and PUT are): add -X GET, or -X any";
	case DECISION_FILTERED_DENIED:
		return "their routes have side effects or are health checks: --allow-side-effects mirrors them all the same";
	case DECISION_FILTERED_PATH:
		return "their path passes neither --preset nor --path and --not-path: check these against the service's routes";
	case DECISION_FILTERED_HOST:
		return "their Host does not match --match-host";
	case DECISION_FILTERED_HEADER:
		return "they do not match --match-header";
	case DECISION_FILTERED_LOOP:
		return "they are shadowtap's own requests: tap production, not the shadow (name its port with -p)";
	case DECISION_UNSAMPLED:
		return "the sample took none of them: raise -S, or wait for more requests";
	case DECISION_SHED_HANDOVER:
		return "the targets were not given them in time: see the targets' lines";
	case DECISION_SHED_MEMORY:
		return "there was no room to hold them: raise --max-memory";
	case DECISION_SHED_STOPPED:
		return shape->live ? "the run was ended before they were sent"
				   : "the run was ended before their time came: --max-sleep 1s shortens the pauses of a recording, -x max "
				     "leaves them out";
	case DECISION_CHOSEN:
	case DECISION_COUNT:
		break;
	}
	return "";
}

/* Most requests never became whole: what the few others were filtered by is not the reason. */
static bool most_were_lost(const struct books *b)
{
	return b->requests.seen - b->requests.complete > b->requests.complete;
}

static void none_chosen(const struct books *b, const struct run_shape *shape, struct buffer *out)
{
	size_t decision = largest(b->requests.decision, DECISION_CHOSEN + 1, DECISION_COUNT - 1);
	const struct book_name *name = &decision_names[decision];

	buffer_printf(out, "of %" PRIu64 " complete requests, %" PRIu64 " were %s%s%s: %s", b->requests.complete,
		      b->requests.decision[decision], name->group, name->name ? "." : "", name->name ? name->name : "",
		      decision_advice(decision, shape));
}

static const char *relay_advice(const struct books_relay *r, size_t result)
{
	switch ((enum relay_result)result) {
	case RELAY_REFUSED_NO_STREAM:
		return "it has no stream for them: let shadowtap's user make one, or make one with the subjects st.v1.SERVICE.>";
	case RELAY_REFUSED_DENIED:
		return "our user may not publish there: allow it st.v1.SERVICE.>";
	case RELAY_REFUSED_FULL:
		return "its stream is full and refuses what is new: let it discard the oldest, or make it larger";
	case RELAY_REFUSED_TOO_LARGE:
		return "its stream takes no message of their size: raise max_msg_size";
	case RELAY_REFUSED_STORAGE:
		return "it cannot store them: see its log and its disk";
	case RELAY_REFUSED_BUSY:
		return "it has too much to do, or its cluster has no leader";
	case RELAY_UNKNOWN:
		return "it says nothing: may our user subscribe to _INBOX.shadowtap_tap.>?";
	case RELAY_ACKED:
	case RELAY_DUPLICATE:
	case RELAY_REFUSED_OTHER:
	case RELAY_RESULT_COUNT:
		break;
	}
	return r->published > 0 ? "see relay.published above" : "";
}

/* Nothing got to the broker, or it kept nothing of it. */
static void none_handed_over(const struct books_relay *r, struct buffer *out)
{
	size_t shed = largest(r->relay_shed, 0, RELAY_SHED_COUNT - 1);
	size_t result = largest(r->relay_result, RELAY_DUPLICATE + 1, RELAY_UNKNOWN);

	if (r->published > 0)
		buffer_printf(out, "of %" PRIu64 " records published, the broker %s kept none: %s", r->published, r->shown,
			      relay_advice(r, result));
	else if (shed == RELAY_SHED_TOO_LARGE)
		buffer_printf(out, "the broker %s takes no message of their size: raise max_payload in its configuration", r->shown);
	else
		buffer_printf(out, "the broker %s was given none: %" PRIu64 " of %" PRIu64 " were shed.%s", r->shown, r->relay_shed[shed],
			      r->offered, relay_shed_names[shed].name);
}

static bool is_kept(const struct books_relay *r)
{
	return r->relay_result[RELAY_ACKED] + r->relay_result[RELAY_DUPLICATE] > 0;
}

static void none_sent(const struct books *b, struct buffer *out)
{
	const struct books_target *t = &b->target[0];
	size_t reason = largest(t->shed, 0, SHED_COUNT - 1);

	if (b->relay.shown && b->target_count == 0) {
		none_handed_over(&b->relay, out);
	} else if (b->target_count == 0) {
		buffer_add_str(out, "there is no target");
	} else if (t->shed[SHED_PRODUCTION] > 0) {
		buffer_printf(out, "target %s (%s) is the service that is watched: name the shadow with -t, or add "
				   "--target-is-production",
			      t->name, t->shown);
	} else if (t->unsampled >= t->shed[reason]) {
		buffer_printf(out, "the sample of target %s took none of %" PRIu64 " chosen requests: raise its -S", t->name,
			      t->chosen);
	} else {
		buffer_printf(out, "target %s (%s) took none: %" PRIu64 " of %" PRIu64 " were shed.%s", t->name, t->shown,
			      t->shed[reason], t->chosen, shed_names[reason].name);
	}
}

/* A tenth of all packets, and more than a handful: what is in them may be missed. */
static void lacking_unread(const struct books *b, const struct run_shape *shape, struct buffer *out)
{
	for (size_t i = 0; i < UNREAD_MAX && b->unread[i].packets > UNREAD_HANDFUL; i++) {
		if (b->packets.result[PACKET_DECODED] == 0 || b->unread[i].packets < b->packets.received / 10 ||
		    !unread_hides(b->unread[i].what))
			continue;
		buffer_printf(out, "%s%" PRIu64 " of %" PRIu64 " packets have ", out->len ? "; " : "", b->unread[i].packets,
			      b->packets.received);
		unread_name(b->unread[i].what, out);
		buffer_add_str(out, " and could not be read: ");
		unread_advise(b->unread[i].what, shape->vxlan_ports, shape->vxlan_port_count, out);
	}
}

/* Old connections and gaps are nothing unusual; the others could have been read. */
static void lacking_tls(const struct books *b, struct buffer *out)
{
	enum tls_fate fate = tls_most_unread(b);

	if (b->tls.after_wait > 0)
		buffer_printf(out, "%s%" PRIu64 " of %" PRIu64 " connections with TLS %s", out->len ? "; " : "", b->tls.after_wait, b->tls.seen,
			      after_wait_advice);
	if (b->requests.seen == 0 || fate == TLS_READ || fate == TLS_MIDSTREAM || fate == TLS_LOST)
		return;
	buffer_add_str(out, out->len ? "; " : "");
	tls_unread(b, out);
}

void why_lacking(const struct books *b, const struct run_shape *shape, struct buffer *out)
{
	if (b->connections.multipath > 0 && b->requests.seen > 0)
		buffer_printf(out,
			      "%" PRIu64 " connections are subflows of Multipath TCP that cannot be followed, and %" PRIu64
			      " requests on them were lost: " MULTIPATH_ADVICE,
			      b->connections.multipath, b->requests.lost[LOST_MULTIPATH]);
	if (b->requests.lost[LOST_TRUNCATED] > 0 && b->packets.longest_cut >= LONGEST_PACKET && b->requests.complete > 0) {
		buffer_printf(out, "%s%" PRIu64 " requests were lost as truncated: ", out->len ? "; " : "",
			      b->requests.lost[LOST_TRUNCATED]);
		truncated(b, out);
	}
	if (b->requests.lost[LOST_HEAD_UNKNOWN] > 0 && b->requests.complete > 0) {
		buffer_printf(out, "%s%" PRIu64 " requests of HTTP/2 were lost as head_unknown: ", out->len ? "; " : "",
			      b->requests.lost[LOST_HEAD_UNKNOWN]);
		unknown_heads(b, out);
	}
	lacking_tls(b, out);
	lacking_unread(b, shape, out);
}

/* Of a broker: what was there, and why none of it is ours */
static void none_claimed(const struct books_fleet *f, struct buffer *out)
{
	size_t fault = largest(f->malformed, 0, RECORD_FAULT_COUNT - 1);

	if (f->partitions == 0)
		buffer_add_str(out, "the broker could not be read; try: shadowtap doctor with the same -r");
	else if (f->received == 0)
		buffer_add_str(out, "the broker had no requests for this group; do taps publish there (-t with the same URL)? What was there before "
				    "the group began is read with --from start and another --group");
	else if (f->expired == f->received)
		buffer_printf(out, "all %" PRIu64 " requests were older than --max-age at the broker; raise it, or add replayers", f->expired);
	else if (f->malformed[fault] > 0 && f->expired + f->fenced_off == 0)
		buffer_printf(out, "none of %" PRIu64 " records is what it should be, most for their %s; does another program publish there?",
			      f->received, malformed_names[fault].name);
	else
		buffer_printf(out, "of %" PRIu64 " requests %" PRIu64 " were claimed by other replayers and %" PRIu64 " too old", f->received,
			      f->fenced_off, f->expired);
}

bool why_nothing(const struct books *b, const struct run_shape *shape, struct buffer *out)
{
	uint64_t chosen = b->requests.decision[DECISION_CHOSEN];

	if (shape->dry_run ? chosen > 0 : books_sent(b) > 0 || is_kept(&b->relay))
		return false;
	buffer_printf(out, "nothing was %s: ", shape->dry_run ? "chosen" : "sent");
	if (b->fleet.is_on && b->fleet.claimed == 0) {
		none_claimed(&b->fleet, out);
	} else if (b->packets.received == 0 && !b->fleet.is_on) {
		no_packets(shape, out);
	} else if (b->packets.result[PACKET_DECODED] == 0 && !b->fleet.is_on) {
		size_t result = largest(b->packets.result, 0, PACKET_RESULT_COUNT - 1);

		buffer_printf(out, "none of %" PRIu64 " packets could be used; ", b->packets.received);
		if (!name_unread(b, shape, (enum packet_result)result, out))
			buffer_add_str(out, packets_advice(result));
	} else if (b->requests.seen == 0) {
		no_requests(b, shape, out);
	} else if (b->requests.complete == 0 || (chosen == 0 && most_were_lost(b))) {
		lost(b, out);
	} else if (chosen == 0) {
		none_chosen(b, shape, out);
	} else {
		none_sent(b, out);
	}
	buffer_add_str(out, "\n");
	return true;
}
