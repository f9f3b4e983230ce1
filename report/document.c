/*
 * document.c - see document.h
 *
 * A gate reads what any reader of the file could read, so it is given the
 * document as it is without its own member: closed for it, and opened again.
 */
#include "report/document.h"

#include <errno.h>

#include "base/digest.h"
#include "base/json_doc.h"
#include "base/lines.h"
#include "report/replay_speed.h"

static void number(struct json *j, const char *name, double value)
{
	json_key(j, name);
	json_double(j, value);
}

static void boolean(struct json *j, const char *name, bool value)
{
	json_key(j, name);
	json_bool(j, value);
}

static void lines_json(struct json *j, const char *name, struct span lines)
{
	struct span line;

	json_key(j, name);
	json_open(j, '[');
	while (line_take(&lines, &line))
		json_text(j, line);
	json_close(j, ']');
}

/* ---- the run ---------------------------------------------------------------- */

static void ramp_json(struct json *j, const struct document_ramp *r)
{
	json_key(j, "ramp");
	if (!r) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	number(j, "from", r->from);
	number(j, "to", r->to);
	number(j, "share", r->share);
	boolean(j, "held", r->is_held);
	json_count(j, "held_times", r->held_times);
	if (r->decide_within > 0) {
		number(j, "decide_within", r->decide_within);
		json_key(j, "evidence");
		json_str(j, r->evidence);
	}
	json_close(j, '}');
}

static void governor_json(struct json *j, const struct document_governor *g)
{
	json_key(j, "cpu_governor");
	if (!g) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	number(j, "limit", g->limit);
	json_count(j, "lowered_times", g->lowered_times);
	number(j, "factor", g->factor);
	json_close(j, '}');
}

/** rules_json() - of --rules: the text, and its SHA-256, by which two runs can be told to have had the same */
static void rules_json(struct json *j, const struct document_comparison *c)
{
	bool is_read = c && c->rules_path;
	struct digest *d = is_read ? digest_new() : NULL;
	uint8_t sum[DIGEST_SHA256_BYTES];

	json_key(j, "rules_text");
	if (is_read)
		json_text(j, c->rules_text);
	else
		json_null(j);
	json_key(j, "rules_sha256");
	if (d && digest_add(d, c->rules_text.at, c->rules_text.len) && digest_finish(d, sum))
		json_hex(j, sum, sizeof(sum));
	else
		json_null(j);
	digest_free(d);
}

static void run_json(struct json *j, const struct document_facts *f)
{
	json_key(j, "shadowtap");
	json_str(j, f->version);
	json_key(j, "started");
	json_str(j, f->started);
	number(j, "seconds", f->seconds);
	provenance_json(&f->provenance, j);
	rules_json(j, f->comparison);
	boolean(j, "interrupted", f->interrupted);
	boolean(j, "dry_run", f->dry_run);
	replay_speed_json(j, f->speed, f->speed_max);
	number(j, "sample", f->sample);
	ramp_json(j, f->ramp);
	governor_json(j, f->governor);
	json_key(j, "config");
	json_open(j, '{');
	json_count(j, "read_again", f->config_read);
	json_count(j, "refused", f->config_refused);
	json_close(j, '}');
	json_text_or_null(j, "nothing_sent", f->nothing_sent);
	all_failed_json(f->all_failed, f->books, j);
	json_count(j, "events_dropped", f->events_dropped);
	json_count(j, "sink_requests", f->sink_requests);
}

static void recording_json(struct json *j, const struct document_recording *r)
{
	json_key(j, "recording");
	if (!r) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_count(j, "flows", r->flows);
	json_count(j, "packets", r->packets);
	json_count(j, "bytes", r->bytes);
	json_count(j, "forgotten", r->forgotten);
	json_count(j, "dropped", r->dropped);
	json_close(j, '}');
}

/* ---- --compare --------------------------------------------------------------- */

static void options_json(struct json *j, const struct document_comparison *c)
{
	json_key(j, "options");
	json_open(j, '{');
	number(j, "rtol", c->rtol);
	number(j, "atol", c->atol);
	json_key(j, "preset");
	json_str(j, c->preset);
	json_text_or_null(j, "rules", c->rules_path);
	document_texts_json(j, "ignore", &c->ignore);
	document_texts_json(j, "unordered", &c->unordered);
	json_count(j, "max_answer", c->max_answer);
	document_texts_json(j, "slice_by", &c->slice_by);
	boolean(j, "show_bodies", c->show_bodies);
	json_close(j, '}');
}

/** decide() - of the report so far, whose comparison is open; it is closed for that, and opened again */
static int decide(struct json *j, const struct decision_settings *set, struct decision_made *out)
{
	struct json_doc doc = { 0 };
	size_t open = j->out->len;
	int err;

	json_close(j, '}');
	json_close(j, '}');
	err = buffer_ok(j->out) ? json_doc_parse(&doc, buffer_span(j->out)) : -ENOMEM;
	if (err == 0)
		decision_make(set, &doc, out);
	json_doc_deinit(&doc);
	j->out->len = open;
	return err;
}

void document_decision(struct json *j, const struct decision_settings *set)
{
	struct decision_made d;

	if (decide(j, set, &d) < 0)
		return;
	json_key(j, "decision");
	decision_json(&d, j);
}

static void comparison_json(struct json *j, const struct document_comparison *c)
{
	json_key(j, "comparison");
	json_open(j, '{');
	options_json(j, c);
	lines_json(j, "rules_unmatched", c->unmatched);
	tally_json(c->tally, TALLY_WHOLE, j);
	if (c->decision)
		document_decision(j, c->decision);
	json_close(j, '}');
}

int document_decide(const struct document_facts *f, struct buffer *scratch, struct decision_made *out)
{
	struct json j = json_to(scratch);

	buffer_clear(scratch);
	json_open(&j, '{');
	run_json(&j, f);
	books_json(f->books, &j);
	json_key(&j, "comparison");
	json_open(&j, '{');
	tally_json(f->comparison->tally, TALLY_FIGURES, &j);
	return decide(&j, f->comparison->decision, out);
}

/* ---- the whole ---------------------------------------------------------------- */

static void judge(struct json *j, struct document_gate *gate)
{
	struct json_doc doc = { 0 };
	size_t open = j->out->len;

	json_close(j, '}');
	gate->result = (struct gate_result){ 0 };
	gate->err = json_doc_parse(&doc, buffer_span(j->out));
	if (gate->err == 0)
		gate_evaluate(gate->gate, &doc, &gate->result);
	json_doc_deinit(&doc);
	j->out->len = open;
}

void document_end(struct json *j, struct document_gate *gate)
{
	if (gate) {
		judge(j, gate);
		json_key(j, "gate");
		gate_json(gate->gate, &gate->result, j);
	}
	json_close(j, '}');
	buffer_add_str(j->out, "\n");
}

void document_json(const struct document_facts *f, struct document_gate *gate, struct buffer *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	run_json(&j, f);
	recording_json(&j, f->recording);
	json_key(&j, "pace");
	pace_json(f->pace, &j);
	lines_json(&j, "warnings", f->warnings);
	books_json(f->books, &j);
	if (f->comparison)
		comparison_json(&j, f->comparison);
	document_end(&j, gate);
}
