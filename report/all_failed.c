/*
 * all_failed.c - see all_failed.h
 *
 * What counts is what ended: exchanges, but for those that the end of the run
 * cancelled, and requests that the breaker left out, which failed like those
 * that opened it. One that was answered with a status of 200 to 299, and
 * nothing is said. A redirect counts as a failure too, since none is followed.
 *
 * If all ended alike, the sentence has the one reason and what to do about it;
 * if not, the reasons with their counts, and what to do about the largest.
 */
#include "report/all_failed.h"

#include <inttypes.h>

#include "base/clock.h"
#include "report/format.h"

static const char *status_remedy(uint64_t status)
{
	switch (status) {
	case 401:
	case 403:
	case 407:
		return "it wants a credential of its own: -H @FILE";
	case 404:
	case 410:
		return "the path is another one there: give -t a prefix (-t URL/PREFIX), or use --rewrite-path; or the model has another name";
	case 405:
		return "the path does not take this method there: check the prefix of -t and --rewrite-path, and -X";
	case 400:
	case 406:
	case 415:
	case 422:
		return "it does not understand what it gets: see its log; a header may be missing (--allow-header)";
	case 413:
		return "its limit for bodies is lower than production's: raise it there, or lower --max-body";
	case 421:
		return "it does not know this Host: --host-header";
	case 408:
	case 429:
		return "it is asked too much: lower -S, or set -R";
	default:
		break;
	}
	return status >= 500   ? "the shadow is not well: look at its log"
	       : status >= 400 ? "look at the shadow's log"
			       : "redirects are not followed: name the URL that it leads to with -t";
}

static void tell_status(const struct books_target *t, struct all_failed *out)
{
	if (t->other_statuses > 0) {
		buffer_add_str(&out->how, "were answered with statuses that are no success");
		buffer_add_str(&out->remedy, "look at the failure log and at the shadow's own");
		return;
	}
	buffer_printf(&out->how, "were answered with status %" PRIu64, t->first_status);
	buffer_add_str(&out->remedy, status_remedy(t->first_status));
}

/* As people write it to -m: no more digits than it has. */
static void limit_text(struct buffer *out, int64_t ns)
{
	bool is_short = ns < NS_PER_S;

	format_number(out, (double)ns / (double)(is_short ? NS_PER_MS : NS_PER_S));
	buffer_add_str(out, is_short ? " ms" : " s");
}

static void tell(const struct books_target *t, enum outcome_kind kind, int64_t max_time_ns, struct all_failed *out)
{
	switch (kind) {
	case OUTCOME_FAILED_TIMEOUT:
		buffer_add_str(&out->how, "timed out after ");
		limit_text(&out->how, max_time_ns);
		buffer_add_str(&out->remedy, "raise -m, or look at the shadow");
		return;
	case OUTCOME_FAILED_CONNECT:
		buffer_add_str(&out->how, "failed to connect");
		buffer_printf(&out->remedy, "is the shadow running, and listening at %s? Does a firewall lie between?", t->shown);
		return;
	case OUTCOME_FAILED_DNS:
		buffer_add_str(&out->how, "failed since the target's name cannot be looked up");
		buffer_add_str(&out->remedy, "check the name in -t, and the resolver of this machine (getent hosts NAME)");
		return;
	case OUTCOME_FAILED_TLS:
		buffer_add_str(&out->how, "failed in TLS");
		buffer_add_str(&out->remedy, "the failure log says why under detail; --cacert for an authority of your own, the name of the "
					     "certificate in -t, or http://");
		return;
	case OUTCOME_FAILED_RESET:
		buffer_add_str(&out->how, "were cut off by the shadow before their response was whole");
		buffer_add_str(&out->remedy, "look at its log, and at detail in the failure log");
		return;
	case OUTCOME_FAILED_STALE:
		buffer_add_str(&out->how, "met a connection that the shadow had closed");
		buffer_add_str(&out->remedy, "raise its keep-alive time");
		return;
	case OUTCOME_FAILED_PROTOCOL:
		buffer_add_str(&out->how, "were answered with something else than HTTP");
		buffer_add_str(&out->remedy, "is this the port of an HTTP server, is http:// or https:// right for it, and does it speak the HTTP/1 or HTTP/2 in which "
					     "requests come (--http-version)?");
		return;
	case OUTCOME_FAILED_REFUSED:
		buffer_add_str(&out->how, "were refused by the shadow (REFUSED_STREAM)");
		buffer_add_str(&out->remedy, "look at its log; --streams lowers how many it gets at once on a connection");
		return;
	case OUTCOME_FAILED_GOAWAY:
		buffer_add_str(&out->how, "came when the shadow was closing the connection (GOAWAY)");
		buffer_add_str(&out->remedy, "look at its log, and at the longest age that it allows connections");
		return;
	case OUTCOME_FAILED_STREAM_RESET:
		buffer_add_str(&out->how, "were cut off by the shadow (RST_STREAM)");
		buffer_add_str(&out->remedy, "the failure log says with which error under detail; look at its log");
		return;
	case OUTCOME_ANSWERED_3XX:
	case OUTCOME_ANSWERED_4XX:
	case OUTCOME_ANSWERED_5XX:
		tell_status(t, out);
		return;
	case OUTCOME_ANSWERED_2XX:
	case OUTCOME_CANCELLED_AT_EXIT:
	case OUTCOME_COUNT:
		return;
	}
}

/* Several reasons: how often each, and the words of the largest only as advice. */
static void tell_mixed(const struct books_target *t, enum outcome_kind largest, int64_t max_time_ns, struct all_failed *out)
{
	const char *between = "";

	tell(t, largest, max_time_ns, out);
	buffer_clear(&out->how);
	buffer_add_str(&out->how, "failed (");
	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		if (t->outcome[i] == 0 || i == OUTCOME_CANCELLED_AT_EXIT)
			continue;
		buffer_printf(&out->how, "%s%s%s %" PRIu64, between, outcome_is_answered(i) ? "status " : "", outcome_name((enum outcome_kind)i),
			      t->outcome[i]);
		between = ", ";
	}
	if (t->shed[SHED_BREAKER] > 0)
		buffer_printf(&out->how, "%sleft alone %" PRIu64, between, t->shed[SHED_BREAKER]);
	buffer_add_str(&out->how, ")");
}

void all_failed_look(const struct books_target *t, int64_t max_time_ns, bool statuses_count, struct all_failed *out)
{
	size_t largest = OUTCOME_COUNT, kinds = 0;
	uint64_t count = t->shed[SHED_BREAKER];

	*out = (struct all_failed){ 0 };
	if (t->outcome[OUTCOME_ANSWERED_2XX] > 0)
		return;
	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		if (t->outcome[i] == 0 || i == OUTCOME_CANCELLED_AT_EXIT)
			continue;
		if (outcome_is_answered(i) && !statuses_count)
			return;
		kinds++;
		count += t->outcome[i];
		if (largest == OUTCOME_COUNT || t->outcome[i] > t->outcome[largest])
			largest = i;
	}
	if (kinds == 0)
		return;
	out->count = count;
	if (kinds == 1)
		tell(t, (enum outcome_kind)largest, max_time_ns, out);
	else
		tell_mixed(t, (enum outcome_kind)largest, max_time_ns, out);
	if (t->shed[SHED_BREAKER] > 0 && kinds == 1)
		buffer_printf(&out->how, " (%" PRIu64 " were tried, then it was left alone)", count - t->shed[SHED_BREAKER]);
}

void all_failed_deinit(struct all_failed *a)
{
	buffer_deinit(&a->how);
	buffer_deinit(&a->remedy);
}

void all_failed_sentence(const struct all_failed *a, const struct books_target *t, bool names_target, struct buffer *out)
{
	if (names_target)
		buffer_printf(out, "target %s (%s): ", t->name, t->shown);
	buffer_add_str(out, "all ");
	format_count(out, a->count);
	buffer_add_str(out, " ");
	buffer_add_span(out, buffer_span(&a->how));
	buffer_add_str(out, ": ");
	buffer_add_span(out, buffer_span(&a->remedy));
}

void all_failed_json(const struct all_failed *a, const struct books *b, struct json *j)
{
	json_key(j, "all_failed");
	json_open(j, '{');
	for (size_t i = 0; a && i < b->target_count; i++) {
		if (a[i].count == 0)
			continue;
		json_key(j, b->target[i].name);
		json_open(j, '{');
		json_count(j, "count", a[i].count);
		json_key(j, "how");
		json_text(j, buffer_span(&a[i].how));
		json_key(j, "try");
		json_text(j, buffer_span(&a[i].remedy));
		json_close(j, '}');
	}
	json_close(j, '}');
}
