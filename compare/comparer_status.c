/*
 * comparer_status.c - see comparer_impl.h; the ladder of comparison.h from the top: what needs no bodies
 *
 * Nothing can be said about the shadow's response where production's is not
 * whole. Then come an exchange that failed, and another status: of a call of
 * gRPC the one that counts is grpc-status, whatever HTTP's is.
 */
#include <stdio.h>

#include "compare/comparer_impl.h"

/** shadow_result() - why the shadow's response is not there although it answered */
static const char *shadow_result(enum response_result result)
{
	static const char *const names[] = {
#define X(id, name) [RESPONSE_##id] = "shadow_" name,
		RESPONSE_RESULTS(X)
#undef X
	};

	return names[result];
}

/** failure_of() - the name of how the exchange failed; NULL if it did not */
static const char *failure_of(const struct outcome *o)
{
	static const char *const names[] = {
#define X(id, group, name, reason) [OUTCOME_##id] = name,
		OUTCOMES(X)
#undef X
	};

	switch (o->kind) {
	case OUTCOME_FAILED_TIMEOUT:
	case OUTCOME_FAILED_CONNECT:
	case OUTCOME_FAILED_DNS:
	case OUTCOME_FAILED_TLS:
	case OUTCOME_FAILED_RESET:
	case OUTCOME_FAILED_PROTOCOL:
	case OUTCOME_FAILED_REFUSED:
	case OUTCOME_FAILED_GOAWAY:
	case OUTCOME_FAILED_STREAM_RESET:
		return names[o->kind];
	case OUTCOME_ANSWERED_2XX:
	case OUTCOME_ANSWERED_3XX:
	case OUTCOME_ANSWERED_4XX:
	case OUTCOME_ANSWERED_5XX:
	case OUTCOME_FAILED_STALE: /* of our connection, not of the shadow's response */
	case OUTCOME_CANCELLED_AT_EXIT:
	case OUTCOME_COUNT:
		break;
	}
	return NULL;
}

/** show_status() - "OK", or "UNAVAILABLE: what the server says of it" */
static void show_status(char out[FINDING_TEXT], enum grpc_status status, struct span message)
{
	char text[2 * FINDING_TEXT];
	int len = snprintf(text, sizeof(text), "%s%s%.*s", grpc_status_name(status), message.len > 0 ? ": " : "",
			   message.len < FINDING_TEXT ? (int)message.len : FINDING_TEXT, (const char *)message.at);

	finding_text(out, span_of(text, (size_t)len));
}

/** add_statuses() - for the record; words of the same error are told and not compared */
static void add_statuses(struct comparer *c, enum grpc_status production, struct span production_says,
			 enum grpc_status shadow, struct span shadow_says)
{
	struct finding *f;

	collector_enter_key(c->collector, SPAN_LITERAL("grpc-status"), false);
	f = production == shadow ? collector_add_ignored(c->collector, "grpc-message") : collector_add(c->collector, DIFFERENCE_VALUE);
	collector_leave(c->collector);
	if (f) {
		show_status(f->production, production, production_says);
		show_status(f->shadow, shadow, shadow_says);
	}
	c->result.findings = collector_findings(c->collector);
}

/** compare_statuses() - of a call of gRPC; false: both are OK, and what they say counts */
static bool compare_statuses(struct comparer *c, const struct response *p, const struct response *s)
{
	struct span production_says, shadow_says;
	enum grpc_status production = grpc_reply_status(p, &production_says), shadow = grpc_reply_status(s, &shadow_says);

	if (production == GRPC_STATUS_NONE || shadow == GRPC_STATUS_NONE) {
		comparer_gives_up(c, "status_unseen");
		return true;
	}
	if (production == shadow && production == GRPC_OK)
		return false;
	if (production != shadow)
		comparer_decide(c, COMPARISON_STATUS, "grpc");
	else if (!span_equal(production_says, shadow_says))
		comparer_decide(c, COMPARISON_CLOSE, REASON_IGNORED);
	if (c->result.verdict != COMPARISON_EQUAL)
		add_statuses(c, production, production_says, shadow, shadow_says);
	return true;
}

bool comparer_without_bodies(struct comparer *c, const struct pair *pair)
{
	const struct response *p = pair->production, *s = pair->shadow;

	if (!response_is_whole(p))
		comparer_gives_up(c, response_result_name(p ? p->result : RESPONSE_UNSEEN));
	else if (pair->outcome->kind == OUTCOME_CANCELLED_AT_EXIT)
		comparer_gives_up(c, "cancelled_at_exit");
	else if (pair->outcome->kind == OUTCOME_FAILED_STALE)
		comparer_gives_up(c, "stale");
	else if (failure_of(pair->outcome))
		comparer_decide(c, COMPARISON_ERROR, failure_of(pair->outcome));
	else if (!response_is_whole(s))
		comparer_gives_up(c, shadow_result(s ? s->result : RESPONSE_UNSEEN));
	else if (pair_is_grpc(pair))
		return compare_statuses(c, p, s);
	else if (p->status_code != s->status_code)
		comparer_decide(c, COMPARISON_STATUS, p->status_code / 100 != s->status_code / 100 ? "class" : "code");
	else
		return false;
	return true;
}
