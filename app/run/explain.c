/* explain.c - see explain.h */
#include "app/run/explain.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/units.h"
#include "policy/reasons.h"
#include "policy/request_target.h"

#define METHOD_MAX 20
#define TARGET_MAX 400 /* with all the rest below PIPE_BUF, even if every byte has to be written as \xNN */

struct explain {
	bool show_query;
	struct reasons *reasons;  /* NULL: only decisions are told */
	struct buffer line, rule; /* reused */
	bool waits;
	uint64_t told;
};

static const struct {
	const char *lost[LOST_REASON_COUNT], *shed[SHED_COUNT];
} words = {
	.lost = {
		[LOST_GAP] = "bytes of it were never captured",
		[LOST_TRUNCATED] = "the capture has only the beginning of its packets (snaplen)",
		[LOST_RESET] = "the connection ended before it was whole",
		[LOST_IDLE] = "nothing more came of it for an hour",
		[LOST_TOO_LARGE] = "longer than --max-body",
		[LOST_MALFORMED] = "not HTTP as servers agree on it",
		[LOST_UPGRADED] = "the connection became another protocol",
		[LOST_MEMORY] = "--max-memory was used up",
		[LOST_MULTIPATH] = "Multipath TCP: its bytes may have come over several connections",
		[LOST_URGENT] = "TCP urgent data in it: which bytes the service read cannot be seen",
		[LOST_HEAD_UNKNOWN] = "HTTP/2: its head names fields by numbers agreed on before the capture, or in a gap of it",
		[LOST_FRAMING] = "HTTP/2: its frames, or its gRPC messages, break their framing",
		[LOST_STREAM_LONG] = "HTTP/2: its call was open for longer than --max-stream-time",
		[LOST_STREAM_RESET] = "HTTP/2: its stream was reset before it was whole",
		[LOST_REFUSED] = "HTTP/2: production refused its stream and did not process it",
		[LOST_CUT_AT_END] = "the capture ended first",
	},
	.shed = {
		[SHED_RATE] = "over --rate",
		[SHED_QUEUE] = "--queue requests were waiting already",
		[SHED_STALE] = "it waited longer than --max-time, or until the end",
		[SHED_BREAKER] = "the target is left alone, --breaker connects failed",
		[SHED_PRODUCTION] = "the target is the service that is watched",
		[SHED_NEEDS_HTTP2] = "a call of gRPC, and --http-version is 1 for the target",
		[SHED_PLAIN] = "it was read from TLS, and the target is reached by plain text; --tls-to-plain",
	},
};

struct explain *explain_new(struct explain_settings set)
{
	struct explain *e = set.is_on ? calloc(1, sizeof(*e)) : NULL;

	if (!e) {
		if (set.is_on)
			log_warn("--explain is left out: out of memory");
		return NULL;
	}
	e->waits = set.waits;
	explain_rules(e, set);
	return e;
}

void explain_rules(struct explain *e, struct explain_settings set)
{
	struct buffer error = { 0 };

	if (!e)
		return;
	e->show_query = set.show_query;
	reasons_free(e->reasons);
	e->reasons = NULL;
	if (reasons_new(set.policy, &e->reasons, &error) < 0)
		log_warn("--explain tells verdicts without their rules: out of memory");
	buffer_deinit(&error);
}

static void begin(struct explain *e, struct wall at, uint64_t id)
{
	char time[TIME_TEXT_MAX], text[MESSAGE_ID_TEXT_MAX];

	/* 2026-11-22T10:02:03.123456789Z */
	buffer_clear(&e->line);
	buffer_printf(&e->line, "%.12s %s ", time_text(at, time) + sizeof("2026-11-22T") - 1,
		      message_id_text(id, text));
}

static void end(struct explain *e)
{
	buffer_add_str(&e->line, "\n");
	if (!buffer_ok(&e->line))
		return;
	if (e->waits)
		e->waits = log_blocking(e->line.bytes, e->line.len);
	else
		log_finished(e->line.bytes, e->line.len);
}

static void ends_add(struct buffer *out, const struct request_origin *origin)
{
	char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];

	buffer_printf(out, "%s > %s", endpoint_text(&origin->client, from), endpoint_text(&origin->server, to));
}

/* The origin form: an absolute one may hold a user and a password before the host. */
static void target_add(struct explain *e, struct span target)
{
	struct span text = target_path_and_query(target, NULL);
	const uint8_t *query = e->show_query || text.len == 0 ? NULL : memchr(text.at, '?', text.len);

	if (query)
		span_truncate(&text, (size_t)(query - text.at));
	printable_add(&e->line, text, TARGET_MAX);
}

static void decision_add(struct buffer *out, enum decision v)
{
	const char *reason = decision_reason(v);

	buffer_add_str(out, decision_name(v));
	if (v == DECISION_FILTERED_DENIED)
		buffer_add_str(out, " by the deny list");
	else if (reason)
		buffer_printf(out,
			      v >= DECISION_FILTERED_METHOD && v <= DECISION_FILTERED_LOOP ? " by %s" : ": %s",
			      reason);
}

static void rule_of(struct explain *e, const struct message *m, enum decision decision, uint64_t share)
{
	char text[UNITS_TEXT_MAX];

	buffer_clear(&e->rule);
	if (decision == DECISION_UNSAMPLED && share == SHARE_ONE)
		buffer_add_str(&e->rule, "-c has as many as it asked for");
	else if (decision == DECISION_UNSAMPLED)
		buffer_printf(&e->rule, "--sample %s ", share_text(share, text));
	if (e->reasons && (decision != DECISION_UNSAMPLED || share != SHARE_ONE))
		reasons_add(e->reasons, decision, &m->head, &e->rule);
}

static void what_add(struct explain *e, const struct request_head *head)
{
	printable_add(&e->line, head->method, METHOD_MAX);
	buffer_add_str(&e->line, " ");
	target_add(e, head->target);
	buffer_add_str(&e->line, " ");
}

struct span explain_request(struct explain *e, const struct message *m, enum decision decision, uint64_t share)
{
	if (!e)
		return (struct span){ 0 };
	begin(e, m->origin.ts_last, m->origin.id);
	what_add(e, &m->head);
	ends_add(&e->line, &m->origin);
	buffer_printf(&e->line, " %llu bytes", (unsigned long long)m->body_len);
	if (m->head.is_grpc)
		buffer_printf(&e->line, ", %u gRPC message%s", m->grpc_messages, m->grpc_messages == 1 ? "" : "s");
	buffer_add_str(&e->line, ": ");
	decision_add(&e->line, decision);
	rule_of(e, m, decision, share);
	if (e->rule.len > 0)
		buffer_add_str(&e->line, ": ");
	buffer_add_span(&e->line, buffer_span(&e->rule));
	e->told++;
	end(e);
	return buffer_span(&e->rule);
}

void explain_lost(struct explain *e, const struct request_origin *origin, enum lost_reason reason, const struct request_head *head)
{
	if (!e)
		return;
	begin(e, origin->ts_first, origin->id);
	if (head && head->method.len > 0)
		what_add(e, head);
	ends_add(&e->line, origin);
	buffer_printf(&e->line, ": lost: %s: %s", lost_reason_name(reason), words.lost[reason]);
	e->told++;
	end(e);
}

void explain_outcome(struct explain *e, const char *target, const struct message *m, const struct outcome *o)
{
	if (!e)
		return;
	begin(e, m->origin.ts_last, m->origin.id);
	buffer_printf(&e->line, "%s: %s", target, outcome_group(o->kind));
	if (o->status_code)
		buffer_printf(&e->line, " %d", o->status_code);
	else if (outcome_name(o->kind))
		buffer_printf(&e->line, ": %s", outcome_name(o->kind));
	if (o->grpc_status != GRPC_STATUS_NONE)
		buffer_printf(&e->line, ", grpc %s", grpc_status_name(o->grpc_status));
	if (o->total_us >= 0)
		buffer_printf(&e->line, " %s %.1f ms", o->status_code ? "in" : "after",
			      (double)o->total_us / 1000);
	if (o->detail)
		buffer_printf(&e->line, " (%s)", o->detail);
	end(e);
}

void explain_unsent(struct explain *e, const char *target, const struct message *m, enum shed_reason why)
{
	if (!e)
		return;
	begin(e, m->origin.ts_last, m->origin.id);
	if (why < SHED_COUNT)
		buffer_printf(&e->line, "%s: shed: %s: %s", target, shed_name(why), words.shed[why]);
	else
		buffer_printf(&e->line, "%s: unsampled: not in this target's own sample", target);
	end(e);
}

void explain_end(struct explain *e, const struct books *b)
{
	uint64_t seen = b ? b->requests.complete : 0;

	if (!e)
		return;
	for (size_t i = 0; b && i < LOST_REASON_COUNT; i++)
		seen += b->requests.lost[i];
	if (e->told < seen)
		log_warn("%llu requests were not explained: they came faster than lines can be made; a "
			 "recording (-w, then -r) "
			 "tells all",
			 (unsigned long long)(seen - e->told));
	reasons_free(e->reasons);
	buffer_deinit(&e->line);
	buffer_deinit(&e->rule);
	free(e);
}
