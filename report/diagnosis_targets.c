/*
 * diagnosis_targets.c - would requests be chosen, and would the targets take them?
 */
#include "report/diagnosis_impl.h"

#include "report/books_names.h"
#include "report/format.h"

/* ---- would they be mirrored? ---- */

/** advise_on_rule() - what lets requests pass that @v takes */
static void advise_on_rule(const struct symptoms *s, struct diagnosis_line *line, enum decision v)
{
	switch (v) {
	case DECISION_FILTERED_METHOD:
		line_say(line, " Methods seen: %s.", s->narrow.methods);
		line_advise(line, "-X any, or -X with one of these");
		break;
	case DECISION_FILTERED_DENIED:
		line_say(line, " They go to routes with side effects, health checks or metrics: %s.", s->narrow.paths);
		line_advise(line, "send inference requests while the doctor watches; --allow-side-effects mirrors these too");
		break;
	case DECISION_FILTERED_PATH:
		line_say(line, " Paths seen: %s.", s->narrow.paths);
		if (s->preset && strcmp(s->preset, "any") != 0)
			line_advise(line, "another --preset than %s, or --path with a pattern for these", s->preset);
		else
			line_advise(line, "--path and --not-path with patterns that let these through");
		break;
	case DECISION_FILTERED_HOST:
		line_advise(line, "another --match-host; theirs does not match");
		break;
	case DECISION_FILTERED_HEADER:
		line_advise(line, "another --match-header; they lack what it wants");
		break;
	case DECISION_FILTERED_LOOP:
		line_say(line, " They are shadowtap's own: this is the shadow's traffic, not production's.");
		line_advise(line, "tap the port of production");
		break;
	case DECISION_SHED_HANDOVER:
	case DECISION_SHED_MEMORY:
		line_advise(line, "a larger --max-memory");
		break;
	case DECISION_SHED_STOPPED: /* the doctor hands nothing over */
	case DECISION_UNSAMPLED: /* sampled_none() */
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
		line_say(line, "%s%s%s%s ", first ? ": " : ", ", decision_names[v].group, decision_names[v].name ? "." : "",
		    decision_names[v].name ? decision_names[v].name : "");
		format_count(&line->text, b->requests.decision[v]);
		first = false;
	}
	line_say(line, ".");
}

static enum decision largest_rule(const struct books *b)
{
	size_t best = DECISION_CHOSEN + 1;

	for (size_t v = best; v < DECISION_COUNT; v++)
		if (b->requests.decision[v] > b->requests.decision[best])
			best = v;
	return (enum decision)best;
}

/** say_ports() - @before and the ports, or nothing if there are none */
static void say_ports(struct diagnosis_line *line, const struct symptoms *s, const char *before,
		      uint64_t (*count)(const struct port_view *))
{
	struct buffer ports = { 0 };

	if (ports_list(&ports, &s->wide, count) > 0)
		line_say(line, "%s%s", before, buffer_text(&ports));
	buffer_deinit(&ports);
}

/** sampled_none() - requests match, and the sample is too small for the while that was looked on: no fault */
static void sampled_none(const struct symptoms *s, struct diagnosis *d)
{
	uint64_t matching = s->narrow.books.requests.decision[DECISION_UNSAMPLED];
	struct diagnosis_line *line = diagnosis_add(d, FINDING_NOTE, "unsampled");

	line_count(line, matching, "request");
	line_say(line, " match%s, and the sample of ", matching == 1 ? "es" : "");
	format_share(&line->text, s->sample);
	line_say(line, " took none of them");
	if (s->sample > 0 && s->live && s->seconds > 0) {
		line_say(line, ": at this rate it takes one in about ");
		format_time(&line->text, s->seconds * 1e6 / ((double)matching * s->sample));
	} else if (s->sample > 0) {
		line_say(line, ": it takes one in ");
		format_count(&line->text, (uint64_t)(1 / s->sample + 0.5));
	}
	line_say(line, ".");
	line_advise(line, "a larger share with -S, if that is too few");
}

void diagnose_rules(const struct symptoms *s, struct diagnosis *d)
{
	const struct books *b = &s->narrow.books;
	uint64_t n = b->requests.decision[DECISION_CHOSEN];
	enum decision rule = largest_rule(b);
	struct diagnosis_line *line;

	if (b->requests.complete == 0)
		return;
	if (n == 0 && b->requests.decision[DECISION_UNSAMPLED] > 0) {
		sampled_none(s, d);
		return;
	}
	if (n == 0) {
		line = diagnosis_add(d, FINDING_FAULT,
				     decision_names[rule].name ? decision_names[rule].name : decision_names[rule].group);
		line_say(line, "None of ");
		line_count(line, b->requests.complete, "request");
		line_say(line, " would be mirrored");
		list_decisions(line, b);
		advise_on_rule(s, line, rule);
		return;
	}
	line = diagnosis_add(d, FINDING_GOOD, "requests");
	line_count(line, b->requests.complete, "request");
	line_say(line, " passed whole");
	if (!s->ports) {
		say_ports(line, s, ", on port ", port_requests);
		say_ports(line, s, ", with HTTP/2 on port ", port_http2);
	}
	line_say(line, "; ");
	format_count(&line->text, n);
	line_say(line, " would be mirrored%s", n < b->requests.complete ? ", the others not" : "");
	list_decisions(line, b);
}

/* ---- would the target take them? ---- */

static void probe_failed(const struct probe *p, struct diagnosis *d)
{
	struct diagnosis_line *line = diagnosis_add(d, FINDING_FAULT, "target");

	line_say(line, "The target %s (%s) ", p->name, p->shown);
	switch (p->kind) {
	case OUTCOME_FAILED_DNS:
		line_say(line, "has a name that cannot be looked up");
		line_advise(line, "check the name, and the resolver of this machine (getent hosts NAME)");
		break;
	case OUTCOME_FAILED_CONNECT:
		line_say(line, "does not accept connections");
		line_advise(line, "is the shadow running, and listening on this address and port? Does a firewall lie between?");
		break;
	case OUTCOME_FAILED_TLS:
		line_say(line, "cannot be reached with TLS");
		line_advise(line, "--cacert FILE for an authority of your own, or http:// if it speaks no TLS");
		break;
	case OUTCOME_FAILED_TIMEOUT:
		line_say(line, "did not answer in time");
		line_advise(line, "-m with a longer time; language models want e.g. -m 60s");
		break;
	default:
		line_say(line, "broke the exchange off or answered with something else than HTTP/1");
		line_advise(line, "is it an HTTP/1.1 server?");
		break;
	}
	if (p->detail)
		line_say(line, ": %s", p->detail);
	if (!p->detail || !strchr(p->detail, '?'))
		line_say(line, ".");
}

/** judge_status() - a HEAD is not what the shadow is for: that it knows none (405, 501) says that it is there */
static enum finding_severity judge_status(const struct probe *p)
{
	if (p->status_code == 404 && p->path[0])
		return p->options_code == 404 ? FINDING_FAULT : FINDING_WARNING;
	return p->status_code >= 500 && p->status_code != 501 ? FINDING_WARNING : FINDING_GOOD;
}

static void probe_refused(const struct probe *p, struct diagnosis *d)
{
	struct diagnosis_line *line = diagnosis_add(d, FINDING_FAULT, "production");
	char text[ENDPOINT_TEXT_MAX];

	line_say(line, "The target %s (%s) is the service that is watched: a request went to %s, and that is where this target leads.",
		 p->name, p->shown, endpoint_text(&p->server, text));
	line_advise(line, "-t with the shadow's address; --target-is-production if production is to get its requests twice");
}

void diagnose_targets(const struct symptoms *s, struct diagnosis *d)
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
		line = diagnosis_add(d, judge_status(p), "target");
		line_say(line, "The target %s (%s) answers: connected in ", p->name, p->shown);
		format_time(&line->text, (double)p->connect_us);
		line_say(line, ", HEAD %s%sgave status %d after ", p->path, p->path[0] ? " " : "", p->status_code);
		format_time(&line->text, (double)p->total_us);
		line_say(line, "%s.", line->severity == FINDING_FAULT ? ", and OPTIONS 404 as well: it does not know that path" : "");
		if (line->severity == FINDING_GOOD)
			continue;
		if (line->severity == FINDING_FAULT)
			line_advise(line, "another path in -t, or --rewrite-path; if a POST to it with curl gives another status than 404, this server "
					  "hides its paths from other methods, and it would work");
		else if (p->status_code == 404)
			line_advise(line, "a POST to this path of the shadow, such as with curl: if that is 404 too, the path of -t or --rewrite-path is "
					  "wrong; some servers say 404 to a HEAD of what they know by POST");
		else
			line_advise(line, "a status of 500 and above says that the shadow is not well: look at its log");
	}
}
