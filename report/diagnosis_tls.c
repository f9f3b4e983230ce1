/*
 * diagnosis_tls.c - TLS with a key log: can it be read, what is in it, and does that open what passes?
 *
 * A finding for each fate that connections had, with the sentences that a run's last line has for it (why.h).
 */
#include "report/diagnosis_impl.h"

#include <inttypes.h>
#include <string.h>

#include "report/format.h"
#include "report/suite_text.h"
#include "report/why.h"

static const struct {
	const char *noun, *of;
} secret_names[TLS_SECRET_KINDS] = {
	[TLS_MASTER_SECRET] = { "master secret", " of TLS 1.2" },
	[TLS_CLIENT_EARLY] = { "secret", " of early data (0-RTT)" },
	[TLS_CLIENT_TRAFFIC] = { "secret", " of clients with TLS 1.3" },
	[TLS_SERVER_TRAFFIC] = { "secret", " of servers with TLS 1.3" },
	[TLS_CLIENT_HANDSHAKE] = { "secret", " of clients' handshakes" },
	[TLS_SERVER_HANDSHAKE] = { "secret", " of servers' handshakes" },
};

static void shared_file(const struct keys_view *k, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (!k->readers)
		return;
	line = diagnosis_add(d, FINDING_WARNING, "keylog_shared");
	line_say(line, "The key log \"%s\" can be read by %s, and who reads it reads these connections.", k->readable, k->readers);
	line_advise(line, "chmod 600, and a folder that only the server and you can enter");
}

static void secrets_there(const struct keys_view *k, struct diagnosis *d)
{
	struct diagnosis_line *line;
	uint64_t all = 0;

	for (int kind = 0; kind < TLS_SECRET_KINDS; kind++)
		all += k->secrets[kind];
	line = diagnosis_add(d, all > 0 ? FINDING_NOTE : FINDING_WARNING, all > 0 ? "keylog" : "keylog_empty");
	line_say(line, all > 0 ? "--keylog has " : "--keylog has no secret");
	for (int kind = 0, n = 0; kind < TLS_SECRET_KINDS; kind++) {
		if (k->secrets[kind] == 0)
			continue;
		line_say(line, "%s", n++ > 0 ? ", " : "");
		line_count(line, k->secrets[kind], secret_names[kind].noun);
		line_say(line, "%s", secret_names[kind].of);
	}
	if (k->malformed > 0) {
		line_say(line, "; ");
		line_count(line, k->malformed, "line");
		line_say(line, k->malformed == 1 ? " is none of a key log" : " are none of a key log");
	}
	line_say(line, ".");
	if (all == 0)
		line_advise(line, "see that the process that ends TLS writes there (SSLKEYLOGFILE, Envoy's key_log), and that a connection "
				  "began since");
}

/** say_fate() - @what: a sentence of why.h, whose cure stands behind its first colon; @suites: those that it is about, or NULL */
static void say_fate(struct diagnosis_line *line, uint64_t n, uint64_t of, const char *what, const struct unsupported_share *suites)
{
	const char *cure = strstr(what, ": ");

	line_say(line, "%" PRIu64 " of ", n);
	line_count(line, of, "connection");
	line_say(line, " with TLS %.*s", (int)(cure - what), what);
	if (suites)
		suite_texts(suites, &line->text);
	line_say(line, ".");
	line_advise(line, "%s", cure + 2);
}

static void fates(const struct symptoms *s, struct diagnosis *d)
{
	static const char *const codes[TLS_FATE_COUNT] = {
		[TLS_NO_KEYS] = "tls_no_keys", [TLS_UNSUPPORTED] = "tls_unsupported", [TLS_MIDSTREAM] = "tls_midstream",
		[TLS_ECH] = "tls_ech",         [TLS_LOST] = "tls_lost",
	};
	const struct books_tls *t = &s->narrow.books.tls;
	enum finding_severity severity = s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING;

	if (t->misfit > 0)
		say_fate(diagnosis_add(d, severity, "tls_misfit"), t->misfit, t->seen, why_tls_misfit(), NULL);
	if (t->no_room > 0)
		say_fate(diagnosis_add(d, severity, "tls_no_room"), t->no_room, t->seen, why_tls_no_room(), NULL);
	if (t->after_wait > 0)
		say_fate(diagnosis_add(d, FINDING_WARNING, "tls_after_wait"), t->after_wait, t->seen, why_tls_after_wait(), NULL);
	for (int fate = 0; fate < TLS_FATE_COUNT; fate++) {
		uint64_t n = t->tls_fate[fate] - (fate == TLS_NO_KEYS ? t->misfit + t->no_room : 0);

		if (codes[fate] && n > 0)
			say_fate(diagnosis_add(d, severity, codes[fate]), n, t->seen, why_tls((enum tls_fate)fate),
				 fate == TLS_UNSUPPORTED ? t->unsupported : NULL);
	}
}

static void read_ones(const struct books_tls *t, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (t->tls_fate[TLS_READ] == 0)
		return;
	line = diagnosis_add(d, FINDING_GOOD, "tls_read");
	line_say(line, "%" PRIu64 " of ", t->tls_fate[TLS_READ]);
	line_count(line, t->seen, "connection");
	line_say(line, " with TLS %s read", t->seen == 1 ? "was" : "were");
	if (t->joined > 0)
		line_say(line, "; %" PRIu64 " of them began before the capture", t->joined);
	if (t->late.count > 0) {
		line_say(line, "; keys came after the data in %" PRIu64 " of them, by up to ", t->late.count);
		format_time(&line->text, (double)t->late.max);
		line_say(line, ", and are waited for as long as --keylog-wait says");
	}
	line_say(line, ".");
}

void diagnose_tls(const struct symptoms *s, struct diagnosis *d)
{
	const struct keys_view *k = &s->keys;
	struct diagnosis_line *line;

	if (k->unreadable) {
		line = diagnosis_add(d, FINDING_FAULT, "keylog_unreadable");
		line_say(line, "%s.", k->unreadable);
		line_advise(line, "name the file that the server writes, and start shadowtap as a user who may read it; it is opened before "
				  "privileges are dropped");
		return;
	}
	shared_file(k, d);
	if (k->is_given)
		secrets_there(k, d);
	fates(s, d);
	read_ones(&s->narrow.books.tls, d);
}
