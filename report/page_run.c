/* page_run.c - from the wire to the shadow: where requests went, and whether the capture can be trusted */
#include "report/page_impl.h"

#include <inttypes.h>
#include <string.h>

/* ---- the funnel ---- */

/** struct step - one row: what went on, of what came in, and where the rest went */
struct step {
	const char *name;
	uint64_t in, out;
	struct view losses[4]; /* counts, or objects of counts */
	const char *words[4];  /* before the names of an object's members; the name of a single count */
};

static void loss(struct markup *p, struct buffer *text, const char *group, struct view name, uint64_t count)
{
	if (count == 0)
		return;
	buffer_add_str(text, text->len ? " · " : "");
	buffer_add_str(text, group);
	if (name.there) {
		buffer_add_str(text, " ");
		for (struct span s = json_doc_text(name.doc, name.at); s.len > 0; span_skip(&s, 1))
			buffer_add_str(text, s.at[0] == '_' ? " " : (char[]){ (char)s.at[0], 0 });
	}
	buffer_add_str(text, " ");
	format_count(text, count);
}

static void losses(struct markup *p, const struct step *s, struct buffer *text)
{
	struct view none = { 0 };

	for (size_t i = 0; i < 4 && s->words[i]; i++) {
		if (view_is(s->losses[i], JSON_OBJECT)) {
			for (struct view_walk w = view_walk(s->losses[i]); view_next(&w);)
				loss(p, text, s->words[i], w.name, view_count(w.value));
		} else {
			loss(p, text, s->words[i], none, view_count(s->losses[i]));
		}
	}
}

static void draw_step(struct markup *p, const struct step *s)
{
	double share = s->in ? (double)s->out / (double)s->in : 0;
	struct buffer text = { 0 };

	losses(p, s, &text);
	if (!markup_is_html(p)) {
		markup_cell(p, "%s", s->name);
		markup_cell_count(p, s->out);
		markup_cell_share(p, share);
		markup_cell(p, "%s", buffer_text(&text));
		buffer_deinit(&text);
		return;
	}
	markup_raw(p, "<div class=\"step\"><div><b>");
	format_count(p->out, s->out);
	markup_raw(p, "</b> ");
	markup_escaped(p, span_str(s->name));
	markup_raw(p,
		   "</div><div class=\"bar\" title=\"%.2f %% of the step before\"><i "
		   "style=\"width:%.2f%%\"></i></div>",
		   share * 100, share * 100);
	if (text.len > 0) {
		markup_raw(p, "<div class=\"lost\">");
		markup_escaped(p, buffer_span(&text));
		markup_raw(p, "</div>");
	}
	markup_raw(p, "</div>\n");
	buffer_deinit(&text);
}

/* Of a tap: what the broker has, requests and responses */
static void broker_steps(struct markup *p, struct view relay)
{
	uint64_t published = view_count(view_get(relay, "published"));
	struct step s = { "handed over",
			  view_count(view_get(relay, "offered")),
			  published,
			  { view_get(relay, "shed") },
			  { "shed" } };

	draw_step(p, &s);
	s = (struct step){ "at the broker",
			   published,
			   view_count(view_get(relay, "acked")) + view_count(view_get(relay, "duplicate")),
			   { view_get(relay, "refused"), view_get(relay, "unknown") },
			   { "refused", "no word of it" } };
	draw_step(p, &s);
}

static void target_steps(struct markup *p, struct view name, struct view target, struct view compared,
			 bool alone)
{
	uint64_t chosen = view_count(view_get(target, "chosen")), sent = view_count(view_get(target, "sent")),
		 answered = 0, failed = 0;
	struct buffer words = { 0 };
	struct step s;

	for (struct view_walk w = view_walk(view_get(target, "answered")); view_next(&w);)
		answered += view_count(w.value);
	for (struct view_walk w = view_walk(view_get(target, "failed")); view_next(&w);)
		failed += view_count(w.value);
	buffer_add_str(&words, answered == 0 && failed > 0 ? "attempted" : "sent");
	if (!alone) {
		buffer_add_str(&words, answered == 0 && failed > 0 ? " at " : " to ");
		view_text(name, &words);
	}
	s = (struct step){ buffer_text(&words),
			   chosen,
			   sent,
			   { view_get(target, "shed"), view_get(target, "unsampled") },
			   { "shed", "unsampled" } };
	draw_step(p, &s);
	s = (struct step){ "answered",
			   sent,
			   answered,
			   { view_get(target, "failed"), view_get(target, "cancelled_at_exit") },
			   { "failed", "cancelled at exit" } };
	draw_step(p, &s);
	if (compared.there) {
		s = (struct step){ "compared",
				   view_count(view_get(compared, "pairs")),
				   view_count(view_get(compared, "compared")),
				   { view_get(compared, "errors"), view_get(compared, "not_comparable") },
				   { "error", "not comparable" } };
		draw_step(p, &s);
	}
	buffer_deinit(&words);
}

/** sum_of() - of a count, or of all that an object counts */
static uint64_t sum_of(struct view v)
{
	uint64_t sum = view_count(v);

	for (struct view_walk w = view_walk(v); view_next(&w);)
		sum += view_count(w.value);
	return sum;
}

static uint64_t sum_of_members(struct view v, const char *const *names, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += sum_of(view_get(v, names[i]));
	return sum;
}

/** lost_on_the_way() - packets dropped, requests and pairs that went another way than on */
static uint64_t lost_on_the_way(struct view report, struct view comparison)
{
	static const char *const packets[] = { "dropped_kernel", "malformed" };
	static const char *const requests[] = { "lost", "filtered", "unsampled", "shed" };
	static const char *const target[] = { "shed", "unsampled", "failed", "cancelled_at_exit" };
	static const char *const compared[] = { "errors", "not_comparable" };
	uint64_t sum = sum_of_members(view_get(report, "packets"), packets, 2) +
		       sum_of_members(view_get(report, "requests"), requests, 4);

	for (struct view_walk w = view_walk(view_get(report, "targets")); view_next(&w);)
		sum += sum_of_members(w.value, target, 4);
	for (struct view_walk w = view_walk(view_get(comparison, "targets")); view_next(&w);)
		sum += sum_of_members(w.value, compared, 2);
	return sum;
}

/** nothing_lost() - in one sentence what the bars would say in six */
static void nothing_lost(struct markup *p, struct view report, struct view comparison)
{
	bool compared = view_size(view_get(comparison, "targets")) > 0;
	struct buffer text = { 0 };

	buffer_add_str(&text, "Nothing was lost: ");
	format_count(&text, view_count(view_get(report, "requests.seen")));
	buffer_add_str(&text, " requests in ");
	format_count(&text, view_count(view_get(report, "packets.decoded")));
	buffer_add_str(&text, compared ? " packets were seen, all of them were sent, answered and compared."
				       : " packets were seen, all of them were sent and answered.");
	markup_say(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

void page_funnel(struct markup *p, struct view report, struct view comparison)
{
	struct view packets = view_get(report, "packets"), requests = view_get(report, "requests");
	struct view targets = view_get(report, "targets"), all = view_get(comparison, "targets");
	uint64_t received = view_count(view_get(packets, "received")),
		 decoded = view_count(view_get(packets, "decoded"));
	uint64_t seen = view_count(view_get(requests, "seen")),
		 complete = view_count(view_get(requests, "complete"));
	struct step s;

	markup_section(p, 2, "funnel", "From the wire to the comparison");
	if (seen > 0 && seen == view_count(view_get(requests, "chosen")) && view_size(targets) > 0 &&
	    !view_is_true(view_get(report, "dry_run")) && lost_on_the_way(report, comparison) == 0) {
		nothing_lost(p, report, comparison);
		markup_section_end(p);
		return;
	}
	if (!markup_is_html(p))
		markup_table(p, "lrrw", "step|count|of the step before|where the rest went");
	s = (struct step){ "packets decoded",
			   received + view_count(view_get(packets, "dropped_kernel")),
			   decoded,
			   { view_get(packets, "ignored"), view_get(packets, "malformed"),
			     view_get(packets, "dropped_kernel") },
			   { "ignored", "malformed", "dropped by the kernel" } };
	draw_step(p, &s);
	s = (struct step){ "requests complete", seen, complete, { view_get(requests, "lost") }, { "lost" } };
	draw_step(p, &s);
	s = (struct step){ "requests chosen",
			   complete,
			   view_count(view_get(requests, "chosen")),
			   { view_get(requests, "filtered"), view_get(requests, "unsampled"),
			     view_get(requests, "shed") },
			   { "filtered", "unsampled", "shed" } };
	draw_step(p, &s);
	if (view_get(report, "relay").there)
		broker_steps(p, view_get(report, "relay"));
	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		struct view compared = { report.doc, 0, false };

		for (struct view_walk c = view_walk(all); view_next(&c);)
			if (span_equal(json_doc_text(report.doc, c.name.at),
				       json_doc_text(report.doc, w.name.at)))
				compared = c.value;
		target_steps(p, w.name, w.value, compared, view_size(targets) == 1);
	}
	if (!markup_is_html(p))
		markup_table_end(p);
	else
		markup_note(p, "A bar shows the share of the step before that went on. Of packets to requests "
			       "there is no share: packets "
			       "carry answers and acknowledgements too.");
	markup_section_end(p);
}

/* ---- the targets ---- */

void page_targets(struct markup *p, struct view report)
{
	struct view targets = view_get(report, "targets");

	if (view_size(targets) == 0)
		return;
	markup_section(p, 2, "targets", "Targets");
	markup_table(p, "llrrrrrrrr", "name|URL|sent|2xx|3xx|4xx|5xx|failed|p50|p99");
	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		uint64_t failed = 0;

		for (struct view_walk f = view_walk(view_get(w.value, "failed")); view_next(&f);)
			failed += view_count(f.value);
		markup_cell_code(p, w.name);
		markup_cell_code(p, view_get(w.value, "url"));
		markup_cell_count(p, view_count(view_get(w.value, "sent")));
		markup_cell_count(p, view_count(view_get(w.value, "answered.2xx")));
		markup_cell_count(p, view_count(view_get(w.value, "answered.3xx")));
		markup_cell_count(p, view_count(view_get(w.value, "answered.4xx")));
		markup_cell_count(p, view_count(view_get(w.value, "answered.5xx")));
		markup_cell_count(p, failed);
		page_cell_quantile(p, view_get(w.value, "total_us"), "p50");
		page_cell_quantile(p, view_get(w.value, "total_us"), "p99");
	}
	markup_table_end(p);
	markup_section_end(p);
}

/* ---- the capture ---- */

struct sign {
	const char *path;
	const char *what, *then; /* @then: what follows from it, where it is not nothing */
};

static const struct sign signs[] = {
	{ "packets.dropped_kernel", "packets dropped by the kernel",
	  "requests are missing; try a larger -B or a smaller -p" },
	{ "packets.dropped_interface", "packets dropped by the interface", "requests are missing" },
	{ "packets.cut_payload", "packets cut short",
	  "raise -s, or switch the offload off that made them so large" },
	{ "connections.one_way", "connections seen in one direction only", "their answers cannot be compared" },
	{ "connections.midstream", "connections that began before the capture", NULL },
	{ "connections.gaps", "holes in streams", "the requests and answers that they touch are lost" },
	{ "connections.outgoing", "connections from the service's port to other services", NULL },
	{ "connections.proxy_unread", "connections that begin with a malformed PROXY header", "their requests are missing" },
	{ "connections.not_http", "connections that speak no HTTP", NULL },
	{ "connections.tls", "connections with TLS", "shadowtap cannot read them: tap where it is plain" },
	{ "tls.no_keys", "connections with TLS without a secret in time", "they were not read: see the key log, or raise --keylog-wait" },
	{ "tls.misfit", "of these, connections whose secrets open nothing", "the key log is damaged, or of other connections" },
	{ "tls.no_room", "of these, connections for which there was no memory to wait", "raise --max-memory" },
	{ "tls.after_wait", "connections with TLS whose secrets were not waited for any more when they came",
	  "what came before was not read; raise --keylog-wait" },
	{ "tls.joined", "connections with TLS that began before the capture, found by --tls-join", "what came before was not read" },
	{ "tls.unsupported", "connections with a version or suite of TLS that is not read", "allow TLS 1.3, or AES-GCM" },
	{ "tls.midstream", "connections with TLS that began before the capture", "they were not read: start first, or see --tls-join" },
	{ "tls.ech", "connections with TLS that may hide another ClientHello (ECH)", "turn ECH off at the server" },
	{ "tls.lost", "connections with TLS lost in gaps", "raise -B, or tap nearer" },
	{ "packets.blocks_skipped.custom", "custom blocks of a pcapng recording that were passed over", NULL },
	{ "packets.blocks_skipped.unknown", "blocks of a pcapng recording of a kind that is not known", NULL },
	{ "packets.blocks_skipped.damaged_secrets", "damaged blocks of secrets in a pcapng recording",
	  "connections of which no other secret is known were not read" },
	{ "packets.blocks_skipped.malformed", "blocks of a pcapng recording that do not add up", "what is behind them was not read" },
	{ "connections.http2", "connections with HTTP/2", NULL },
	{ "connections.multipath", "connections of Multipath TCP that could not be followed",
	  "tap behind what ends Multipath TCP, or set net.mptcp.enabled=0 on the service" },
	{ "connections.copies", "connections seen on several networks, and counted once", NULL },
	{ "connections.evicted", "connections forgotten to keep memory bounded", "raise --max-memory" },
	{ "events_dropped", "events that could not be written in time", NULL },
};

/** late_keys() - by how much secrets came after their data */
static void late_keys(struct markup *p, struct view late)
{
	struct buffer half = { 0 }, most = { 0 };

	if (view_count(view_get(late, "count")) == 0)
		return;
	format_time(&half, (double)view_count(view_get(late, "p50")));
	format_time(&most, (double)view_count(view_get(late, "max")));
	markup_say(p, "Secrets of TLS came after the data in %" PRIu64 " connections: in half of them by up to %s, in all by up to %s.",
		   view_count(view_get(late, "count")), buffer_text(&half), buffer_text(&most));
	buffer_deinit(&half);
	buffer_deinit(&most);
}

void page_capture(struct markup *p, struct view report)
{
	unsigned shown = 0;

	markup_section(p, 2, "capture", "Health of the capture");
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		uint64_t n = view_count(view_get(report, signs[i].path));

		if (n == 0)
			continue;
		if (shown++ == 0)
			markup_table(p, "rww", "count|what|what follows");
		markup_cell_count(p, n);
		markup_cell(p, "%s", signs[i].what);
		markup_cell(p, "%s", signs[i].then ? signs[i].then : "");
	}
	if (shown > 0)
		markup_table_end(p);
	else
		markup_say(p, "Nothing was dropped, cut, missed or seen in one direction only.");
	late_keys(p, view_get(report, "tls.late_us"));
	for (struct view_walk w = view_walk(view_get(report, "warnings")); view_size(view_get(report, "merged")) == 0 && view_next(&w);) {
		struct buffer text = { 0 };

		view_text(w.value, &text);
		markup_note(p, "%s", buffer_text(&text));
		buffer_deinit(&text);
	}
	markup_section_end(p);
}

/* ---- what was asked for ---- */

static void setting(struct markup *p, const char *name, struct view v)
{
	struct buffer text = { 0 };

	if (view_is(v, JSON_ARRAY)) {
		for (struct view_walk w = view_walk(v); view_next(&w);) {
			buffer_add_str(&text, text.len ? ", " : "");
			view_text(w.value, &text);
		}
	} else if (v.there && !view_is(v, JSON_NULL)) {
		view_text(v, &text);
	}
	if (text.len > 0) {
		markup_cell(p, "%s", name);
		markup_cell(p, "%s", buffer_text(&text));
	}
	buffer_deinit(&text);
}

/** what_it_is_of() - which traffic, when, where, by whom, by which options */
static void what_it_is_of(struct markup *p, struct view report)
{
	static const struct {
		const char *words, *path;
	} rows[] = {
		{ "host", "host" },
		{ "run by", "user" },
		{ "interfaces", "source.interfaces" },
		{ "recordings", "source.files" },
		{ "first request", "first_request" },
		{ "last request", "last_request" },
		{ "options", "options" },
	};

	for (struct view_walk w = view_walk(view_get(report, "labels")); view_next(&w);) {
		struct buffer name = { 0 };

		view_text(w.name, &name);
		setting(p, buffer_text(&name), w.value);
		buffer_deinit(&name);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		setting(p, rows[i].words, view_get(report, rows[i].path));
}

void page_configuration(struct markup *p, struct view report)
{
	struct view options = view_get(report, "comparison.options");

	markup_section(p, 2, "configuration", "What was compared, and how");
	markup_table(p, "lw", "what|value");
	what_it_is_of(p, report);
	if (view_is_number(view_get(report, "sample"))) {
		markup_cell(p, "sample");
		markup_cell_share(p, view_number(view_get(report, "sample")));
	}
	setting(p, "version", view_get(report, "shadowtap"));
	for (struct view_walk w = view_walk(options); view_next(&w);) {
		struct buffer name = { 0 };

		view_text(w.name, &name);
		setting(p, buffer_text(&name), w.value);
		buffer_deinit(&name);
	}
	setting(p, "rules that never matched", view_get(report, "comparison.rules_unmatched"));
	setting(p, "gate", view_get(report, "gate.expression"));
	markup_table_end(p);
	if (view_is(view_get(report, "rules_text"), JSON_STRING))
		page_body(p, "The rules", view_get(report, "rules_text"));
	markup_section_end(p);
}
