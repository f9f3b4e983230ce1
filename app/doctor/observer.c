/*
 * observer.c - see observer.h
 *
 * Theory of operation. The narrow source has the kernel filter of a run, and
 * what it yields goes through the decoder, tracker and policy of a run; the
 * decisions are counted and nothing is kept. The wide source has no filter but
 * that of tunnels, all of which it lets through; of its segments only the first
 * bytes are looked at: does an HTTP request begin here, a TLS or an HTTP/2
 * connection, and on which port? That needs no streams, and says what the
 * options shut out. Recordings are read twice, one after the other.
 */
#include "app/doctor/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/tunnel_kind.h"
#include "reassembly/client_hello.h"
#include "reassembly/proxy_header.h"
#include "reassembly/tracker.h"
#include "http/http1/http1_reader.h"
#include "http/http1/request_line.h"
#include "http/http2/http2_reader.h"
#include "tls/tls_reader.h"

#define BATCH_PACKETS 256
#define WIDE_SNAPLEN  4096 /* a ClientHello fits, bodies need not */
#define WIDE_BUFFER   (16u << 20)
#define ALL_TUNNELS   ((1u << TUNNEL_KIND_COUNT) - 1)
#define DISTINCT_MAX  4 /* methods and paths that a sentence names */

static const char http2_preface[] = "PRI * HTTP/2.0\r\n";

struct observer {
	struct observer_settings set;
	struct policy *policy;
	bool live;
	struct source *narrow, *wide;
	struct decoder *narrow_decoder, *wide_decoder;
	struct tracker *tracker;
	struct next_protocol http2, http2_in_tls; /* to which connections of HTTP/1 may change */
	struct tls_lane tls;
	struct tls_stats tls_stats;
	struct counted_histogram tls_late_us;
	struct histogram tls_late;
	struct mono read_at;
	struct budget budget;
	struct capture_stats capture;
	struct unread narrow_unread, wide_unread;
	struct http_stats http;
	struct policy_stats decisions;
	struct wide_view wide_view;
	struct narrow_view narrow_view;
	unsigned methods, paths; /* named so far */
	struct wall last;
	bool any;
	int narrow_state, wide_state; /* of source_read(): 0 while there is more */
};

/* ---- as a run sees it ---- */

/** name_once() - add @text to a list in @out unless it is in it already; unprintable bytes as "?" */
static void name_once(char *out, size_t size, unsigned *named, struct span text)
{
	size_t len = strlen(out);

	span_truncate(&text, 60);
	if (*named >= DISTINCT_MAX || text.len == 0 || len + text.len + 3 > size || memmem(out, len, text.at, text.len))
		return;
	if (len > 0) {
		memcpy(out + len, ", ", 2);
		len += 2;
	}
	for (size_t i = 0; i < text.len; i++)
		out[len + i] = (char)(text.at[i] > ' ' && text.at[i] < 0x7f ? text.at[i] : '?');
	out[len + text.len] = '\0';
	(*named)++;
}

static bool is_port_of_target(const struct observer_settings *set, uint16_t port)
{
	for (size_t i = 0; i < set->target_count; i++)
		if (set->targets[i].url.port == port)
			return true;
	return false;
}

/** note_server() - where a request went, for the question whether a target is that */
static void note_server(struct observer *ob, const struct endpoint *server)
{
	struct narrow_view *n = &ob->narrow_view;

	if (n->server_count == VIEW_SERVERS_MAX || !is_port_of_target(&ob->set, server->port))
		return;
	for (size_t i = 0; i < n->server_count; i++)
		if (memcmp(&n->server[i], server, sizeof(*server)) == 0)
			return;
	n->server[n->server_count++] = *server;
}

/** note_path() - of the first request that matches: a target may be asked whether it has that; a HEAD is no call of gRPC */
static void note_path(struct observer *ob, const struct request_head *head, struct span path)
{
	char *out = ob->narrow_view.path;

	if (out[0] || head->is_grpc || path.len >= sizeof(ob->narrow_view.path))
		return;
	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] <= ' ' || path.at[i] >= 0x7f)
			return;
	memcpy(out, path.at, path.len); /* the rest is zero */
}

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	struct observer *ob = ctx;
	enum decision decision = policy_decide(ob->policy, head, origin);
	struct span path = head->target;
	const uint8_t *query = path.len ? memchr(path.at, '?', path.len) : NULL;

	if (query)
		span_truncate(&path, (size_t)(query - path.at));
	if (decision == DECISION_CHOSEN || decision == DECISION_UNSAMPLED) {
		note_server(ob, &origin->server);
		note_path(ob, head, path);
	}
	if (decision == DECISION_FILTERED_METHOD)
		name_once(ob->narrow_view.methods, sizeof(ob->narrow_view.methods), &ob->methods, head->method);
	else if (decision == DECISION_FILTERED_DENIED || decision == DECISION_FILTERED_PATH)
		name_once(ob->narrow_view.paths, sizeof(ob->narrow_view.paths), &ob->paths, path);
	return (struct head_decision){ .keep = KEEP_NOTHING,
				       .decision = (uint8_t)decision,
				       .needs_whole = policy_needs_whole(ob->policy),
				       .limited = decision == DECISION_CHOSEN };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct observer *ob = ctx;

	(void)out_of_memory;
	message_unref(m);
	counter_add(&ob->decisions.decision[decision], 1);
}

static void on_narrow(void *ctx, const struct packet *packet)
{
	struct observer *ob = ctx;
	struct segment segment;
	enum packet_result result = decoder_packet(ob->narrow_decoder, packet, &segment);

	counter_add(&ob->capture.received, 1);
	counter_add(&ob->capture.received_bytes, packet->wire_len);
	counter_add(&ob->capture.result[result], 1);
	unread_add(&ob->narrow_unread, decoder_unread(ob->narrow_decoder), 1);
	if (packet->wire_len > packet->bytes.len && packet->wire_len > ob->wide_view.largest_cut) {
		ob->wide_view.largest_cut = packet->wire_len;
		ob->wide_view.largest_kept = (uint32_t)packet->bytes.len;
	}
	if (result != PACKET_DECODED)
		return;
	if (segment.missing_bytes > 0)
		counter_add(&ob->capture.cut_payload, 1);
	ob->narrow_view.segments++;
	ob->narrow_view.payload_bytes += segment.payload.len;
	tracker_feed(ob->tracker, &segment);
}

/* ---- without its filters ---- */

static struct port_view *port_of(struct wide_view *w, uint16_t port)
{
	for (size_t i = 0; i < w->port_count; i++)
		if (w->port[i].port == port)
			return &w->port[i];
	if (w->port_count == VIEW_PORTS_MAX)
		return NULL;
	w->port[w->port_count].port = port;
	return &w->port[w->port_count++];
}

static void note_tls_name(struct wide_view *w, struct span name)
{
	if (name.len == 0 || name.len >= VIEW_NAME_TEXT || w->tls_name_count == VIEW_NAMES_MAX)
		return;
	for (size_t i = 0; i < w->tls_name_count; i++)
		if (span_equal(span_str(w->tls_name[i]), name))
			return;
	memcpy(w->tls_name[w->tls_name_count++], name.at, name.len); /* the rest is zero */
}

static void look_at_payload(struct wide_view *w, const struct segment *s)
{
	struct proxy_header proxy;
	struct span name, payload = s->payload;
	struct port_view *port;

	if (proxy_header_possible(payload) && proxy_header_read(payload, &proxy) == PROXY_WHOLE && !span_skip(&payload, proxy.len))
		return;
	if (request_line_match(payload) == LINE_YES) {
		port = port_of(w, s->dst.port);
		if (port)
			port->requests++;
	} else if (client_hello_name(payload, &name)) {
		port = port_of(w, s->dst.port);
		if (port)
			port->tls++;
		note_tls_name(w, name);
	} else if (span_starts(payload, span_str(http2_preface))) {
		port = port_of(w, s->dst.port);
		if (port)
			port->http2++;
	}
}

static void look_at_clock(struct observer *ob, struct wall ts)
{
	struct wide_view *w = &ob->wide_view;
	int64_t off = ob->live ? wall_between(ts, wall_now()) : 0;

	off = off < 0 ? -(off + (off == INT64_MIN)) : off; /* the lowest has no opposite */
	if (off > w->clock_off_ns)
		w->clock_off_ns = off;
	if (ob->any && wall_between(ts, ob->last) > w->clock_back_ns)
		w->clock_back_ns = wall_between(ts, ob->last);
	ob->last = ts;
	ob->any = true;
}

static void on_wide(void *ctx, const struct packet *packet)
{
	struct observer *ob = ctx;
	struct wide_view *w = &ob->wide_view;
	unsigned tunnels;
	struct segment segment;

	w->packets++;
	look_at_clock(ob, packet->ts);
	if (decoder_packet(ob->wide_decoder, packet, &segment) != PACKET_DECODED) {
		unread_add(&ob->wide_unread, decoder_unread(ob->wide_decoder), 1);
		return;
	}
	w->segments++;
	w->payload_bytes += segment.payload.len;
	look_at_payload(w, &segment);
	tunnels = decoder_tunnels(ob->wide_decoder) & ~ob->set.input.live.tunnels;
	if (ob->set.input.live.tunnels & (TUNNEL_BIT(TUNNEL_GRE) | TUNNEL_BIT(TUNNEL_ERSPAN)))
		tunnels &= ~TUNNEL_BIT(TUNNEL_GRE);
	for (size_t i = 0; ob->live && tunnels && i < TUNNEL_KIND_COUNT; i++)
		w->hidden[i] += (tunnels >> i) & 1;
}

/* ---- incarnation ---- */

struct observer *observer_new(const struct observer_settings *set, struct policy *policy)
{
	static const struct port_set every_port;
	struct observer *ob = calloc(1, sizeof(*ob));
	struct tracker_options tracker = set->tracker;
	struct http1_options http = { .sink = { .ctx = ob, .on_head = on_head, .on_request = on_request },
				     .next = set->reads_http2 ? &ob->http2 : NULL };
	struct http2_options http2 = { .sink = http.sink, .next = &ob->http2, .joins = set->joins_http2 };
	struct http1_options inner_http;
	struct http2_options inner_http2;
	struct tls_reader_options tls = { .secrets = set->secrets,
					  .may_come = set->tls_may_come,
					  .wait_ns = set->tls_wait_ns,
					  .joiner = set->joiner,
					  .awaits_joiner = set->input.files.path_count > 0 };
	struct reader_kind kinds[READER_KINDS_MAX] = { http1_reader(&http) };
	size_t kind_count = 1;

	if (!ob)
		return NULL;
	ob->set = *set;
	ob->policy = policy;
	ob->live = set->input.files.path_count == 0;
	budget_init(&ob->budget, set->max_memory);
	tracker.budget = &ob->budget;
	http.max_body = http2.max_body = set->max_body;
	http.budget = http2.budget = &ob->budget;
	http.stats = http2.stats = &ob->http;
	inner_http = http;
	inner_http.next = set->reads_http2 ? &ob->http2_in_tls : NULL;
	inner_http2 = http2;
	inner_http2.next = &ob->http2_in_tls;
	tls.inner[0] = http1_reader(&inner_http);
	tls.inner[1] = http2_reader(&inner_http2);
	tls.inner_count = set->reads_http2 ? 2 : 1;
	tls.budget = &ob->budget;
	tls.stats = &ob->tls_stats;
	tls.late_us = &ob->tls_late_us;
	tls.lane = &ob->tls;
	if (set->reads_http2)
		kinds[kind_count++] = http2_reader(&http2);
	if (set->secrets)
		kinds[kind_count++] = tls_reader(&tls);
	ob->read_at = mono_now();
	ob->narrow_decoder = decoder_new(set->ports, set->vxlan_ports);
	ob->wide_decoder = decoder_new(&every_port, set->vxlan_ports);
	ob->tracker = tracker_new(&tracker, kinds, kind_count);
	if (ob->narrow_decoder && ob->wide_decoder && ob->tracker)
		return ob;
	observer_free(ob);
	return NULL;
}

static int open_live(struct observer *ob, struct buffer *error)
{
	struct buffer program = { 0 };
	struct live_options options = inputs_live(&ob->set.input, &program);
	int err = source_open_live(&options, &ob->narrow, error);

	options.expression = NULL;
	options.ports.count = 0;
	options.tunnels = ALL_TUNNELS;
	options.snaplen = WIDE_SNAPLEN;
	options.buffer_bytes = WIDE_BUFFER;
	if (err == 0)
		err = source_open_live(&options, &ob->wide, error);
	buffer_deinit(&program);
	return err < 0 ? err : inputs_listen_only(&ob->set.input, (struct source *const[]){ ob->narrow, ob->wide }, 2, error);
}

static int open_files(struct observer *ob, struct buffer *error)
{
	struct file_options options = ob->set.input.files;
	int err = source_open_files(&options, &ob->narrow, error);

	options.expression = NULL;
	return err < 0 ? err : source_open_files(&options, &ob->wide, error);
}

int observer_open(struct observer *ob, struct buffer *error)
{
	return ob->live ? open_live(ob, error) : open_files(ob, error);
}

/** pass_time() - live: secrets are waited for by our clock where no packet tells the time */
static void pass_time(struct observer *ob, bool quiet)
{
	struct mono now;

	if (!ob->live)
		return;
	now = mono_now();
	tls_look(&ob->tls, quiet ? now.ns - ob->read_at.ns : 0);
	ob->read_at = now;
}

int observer_turn(struct observer *ob)
{
	uint64_t before = counter_get(&ob->capture.received);

	if (ob->narrow_state == 0)
		ob->narrow_state = source_read(ob->narrow, BATCH_PACKETS, on_narrow, ob);
	pass_time(ob, counter_get(&ob->capture.received) == before);
	if (ob->wide_state == 0)
		ob->wide_state = source_read(ob->wide, BATCH_PACKETS, on_wide, ob);
	if (ob->narrow_state < 0 || ob->wide_state < 0)
		return ob->narrow_state < 0 ? ob->narrow_state : ob->wide_state;
	return ob->narrow_state == SOURCE_EOF && ob->wide_state == SOURCE_EOF ? SOURCE_EOF : 0;
}

void observer_stop(struct observer *ob)
{
	struct wall now = wall_now();

	source_update_stats(ob->narrow, &ob->capture);
	source_stop(ob->narrow, now);
	source_stop(ob->wide, now);
}

void observer_finish(struct observer *ob, struct symptoms *s)
{
	struct books_sources from = { .capture = &ob->capture, .unread = &ob->narrow_unread,
				      .reassembly = tracker_stats(ob->tracker), .http = &ob->http,
				      .policy = &ob->decisions, .tls = &ob->tls_stats, .tls_late_us = &ob->tls_late,
				      .tls_unsupported = &ob->tls.unsupported };

	tracker_finish(ob->tracker);
	tls_finish(&ob->tls);
	histogram_take(&ob->tls_late, &ob->tls_late_us);
	books_take(&from, &ob->narrow_view.books);
	unread_shares(&ob->wide_unread, ob->wide_view.unread);
	s->wide = ob->wide_view;
	s->narrow = ob->narrow_view;
}

void observer_free(struct observer *ob)
{
	if (!ob)
		return;
	source_close(ob->narrow);
	source_close(ob->wide);
	decoder_free(ob->narrow_decoder);
	decoder_free(ob->wide_decoder);
	tracker_free(ob->tracker);
	free(ob);
}
