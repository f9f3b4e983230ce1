/*
 * diagnosis.c - see diagnosis.h
 *
 * The order of the questions is the order of a packet's way: can it be captured
 * at all, does it pass the filters, is it TCP that we can read, are there
 * requests in it, are they whole, would they be chosen, would the target or the
 * broker take them. A stage that sees nothing is a fault, and the stages behind it are not
 * asked, since they could only repeat it. What is merely worse than it could be
 * is a warning.
 *
 * The questions are asked in the files that diagnosis_impl.h names; here are
 * their order, and the findings as text and as JSON.
 */
#include "report/diagnosis_impl.h"

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

void diagnose(const struct symptoms *s, struct diagnosis *out)
{
	*out = (struct diagnosis){ 0 };
	if (!s->reads_broker && diagnose_capture(s, out)) {
		diagnose_tls(s, out);
		diagnose_requests(s, out);
		diagnose_rules(s, out);
	}
	diagnose_brokers(s, out);
	diagnose_targets(s, out);
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
