/*
 * diagnosis_broker.c - would a broker take what is to be handed over, or give it?
 */
#include "report/diagnosis_impl.h"

#include "base/clock.h"
#include "relay/broker_view.h"
#include "report/format.h"

#define HEAD_ROOM (UINT64_C(16) << 10) /* of a message: headers of the broker's, and a request's head */
#define KNOWN_LONG_NS (60 * NS_PER_S)  /* an id that is known again */
#define KNOWN_LEAST_NS NS_PER_S
#define HOUR_NS (3600 * NS_PER_S)
#define SILENT_NS (10 * NS_PER_S)

static struct diagnosis_line *add(const struct broker_view *v, struct diagnosis *d, enum finding_severity severity,
				  const char *code)
{
	struct diagnosis_line *line = diagnosis_add(d, severity, code);

	line_say(line, "The broker %s ", v->shown);
	return line;
}

static void say_size(struct buffer *out, uint64_t bytes)
{
	format_bytes(out, (double)bytes);
}

/** say_span() - how long the broker keeps things is said in hours, too */
static void say_span(struct buffer *out, int64_t ns)
{
	if (ns >= HOUR_NS)
		buffer_printf(out, "%.3g h", (double)ns / (double)HOUR_NS);
	else
		format_time(out, (double)ns / 1e3);
}

/** diagnose_rights() - what the user of the URL, or of --creds or --nkey, may not do */
static void diagnose_rights(const struct broker_view *v, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (v->may_publish == BROKER_MAY_NOT) {
		line = add(v, d, FINDING_FAULT, "denied");
		line_say(line, "does not let us publish to st.v1.%s.>.", v->service);
		line_advise(line, "another user; packaging/nats/nats.conf has one for taps, with what it needs");
	}
	if (v->may_read == BROKER_MAY_NOT || v->may_claim == BROKER_MAY_NOT) {
		line = add(v, d, FINDING_FAULT, "denied");
		line_say(line, "does not let us %s shadowtap_%s.", v->may_read == BROKER_MAY_NOT ? "read from the stream" : "write into the bucket",
			 v->service);
		line_advise(line, "another user; packaging/nats/nats.conf has one for replayers, with what it needs");
	}
}

static void diagnose_absence(const struct broker_view *v, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (v->is_deaf) {
		line = add(v, d, FINDING_FAULT, "denied");
		line_say(line, "does not let us hear its responses: %s.", v->trouble);
		line_advise(line, "another user; packaging/nats/nats.conf has one for taps and one for replayers, with what each needs");
		return;
	}
	if (v->stream == BROKER_STREAM_UNKNOWN) {
		line = add(v, d, FINDING_WARNING, "stream");
		line_say(line, "does not tell us of the stream shadowtap_%s: we may not ask.", v->service);
		line_advise(line, "let the user publish to $JS.API.STREAM.INFO.shadowtap_%s", v->service);
		return;
	}
	line = add(v, d, v->may_make == BROKER_MAY_NOT ? FINDING_FAULT : FINDING_NOTE, "stream");
	line_say(line, "has no stream shadowtap_%s yet", v->service);
	if (v->may_make == BROKER_MAY_NOT) {
		line_say(line, ", and we may not make one.");
		line_advise(line, v->is_source ? "a user who may" : "start a replayer first, whose user may; or give this one the right");
	} else {
		line_say(line, "; a run makes it, as --retain, --retain-size and --partitions say.");
	}
}

/** diagnose_limits() - of the stream and of the server, as they are for what would come */
static void diagnose_limits(const struct broker_view *v, uint64_t max_body, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (!v->is_source && v->max_payload < max_body + HEAD_ROOM) {
		/* 8M and 8MB: what does not fit is so little that it is only said */
		line = add(v, d, v->max_payload < max_body ? FINDING_WARNING : FINDING_NOTE, "max_payload");
		line_say(line, "takes messages of at most ");
		say_size(&line->text, v->max_payload);
		line_say(line, ", heads included; requests up to --max-body (");
		say_size(&line->text, max_body);
		line_say(line, ") that are larger would not be handed over (too_large).");
		if (v->max_payload < max_body)
			line_advise(line, "\"max_payload: 8MB\" in the server's configuration");
	}
	if (v->stream != BROKER_STREAM_THERE)
		return;
	if (!v->has.takes_service) {
		line = add(v, d, FINDING_FAULT, "stream");
		line_say(line, "has a stream shadowtap_%s that is of other subjects than st.v1.%s.>.", v->service, v->service);
		line_advise(line, "add these to it, or delete it, so that it is made anew");
	}
	if (v->has.max_bytes == 0) {
		line = add(v, d, FINDING_WARNING, "limits");
		line_say(line, "has a stream shadowtap_%s without a limit in bytes%s.", v->service,
			 v->account_limit == 0 ? ", nor one for the account: it may fill the disk" : "");
		line_advise(line, "a max_bytes for the stream, and max_file for the server, below what the disk has");
	}
	if (v->has.refuses_when_full) {
		line = add(v, d, FINDING_WARNING, "limits");
		line_say(line, "has a stream shadowtap_%s that refuses what is new when it is full, until what is old expires.", v->service);
		line_advise(line, "\"discard: old\", as a stream that shadowtap makes");
	}
	if (v->has.duplicates_ns > KNOWN_LONG_NS || v->has.duplicates_ns < KNOWN_LEAST_NS) {
		line = add(v, d, v->has.duplicates_ns < KNOWN_LEAST_NS ? FINDING_WARNING : FINDING_NOTE, "duplicates");
		line_say(line, "knows an id again for ");
		say_span(&line->text, v->has.duplicates_ns);
		line_say(line, v->has.duplicates_ns > KNOWN_LONG_NS ? ", and keeps 200 bytes of memory for each." : ": two taps of one request may be further apart, and it would be sent twice.");
		line_advise(line, "a duplicate window of 10s for the stream");
	}
}

static void diagnose_lag(const struct broker_view *v, struct diagnosis *d)
{
	struct diagnosis_line *line = diagnosis_add(d, FINDING_GOOD, "lag");

	line_say(line, "The group %s ", v->group);
	if (v->claimed_partitions == 0) {
		line_say(line, "is new there, and begins as --from says.");
		return;
	}
	line_say(line, "has been there, and has ");
	line_count(line, v->lag, "record");
	line_say(line, " still to read.");
}

/** diagnose_use() - what is in it, and for a replayer: does anything come? */
static void diagnose_use(const struct broker_view *v, struct diagnosis *d)
{
	bool silent = v->is_source && (v->has.last_ago_ns < 0 || v->has.last_ago_ns > SILENT_NS);
	struct diagnosis_line *line = add(v, d, FINDING_GOOD, "broker");

	line_say(line, "answers: connected in ");
	say_span(&line->text, v->connect_ns);
	line_say(line, "; shadowtap_%s holds ", v->service);
	line_count(line, v->has.messages, "message");
	line_say(line, " in ");
	say_size(&line->text, v->has.bytes);
	if (v->has.max_bytes > 0) {
		line_say(line, " of ");
		say_size(&line->text, v->has.max_bytes);
	}
	if (v->has.max_age_ns > 0) {
		line_say(line, ", for ");
		say_span(&line->text, v->has.max_age_ns);
	}
	if (v->partitions > 0)
		line_say(line, ", in %u partitions", v->partitions);
	line_say(line, ".");
	if (v->is_source)
		diagnose_lag(v, d);
	if (!silent)
		return;
	line = add(v, d, FINDING_WARNING, "silent");
	if (v->has.last_ago_ns < 0) {
		line_say(line, "has never had anything from a tap of %s.", v->service);
	} else {
		line_say(line, "has had nothing from a tap of %s for ", v->service);
		say_span(&line->text, v->has.last_ago_ns);
		line_say(line, "; a tap that runs says something each second.");
	}
	line_advise(line, "is one running? \"shadowtap doctor\" with its options on its host says whether it would work");
}

static void diagnose_one(const struct broker_view *v, uint64_t max_body, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (v->err < 0) {
		line = diagnosis_add(d, FINDING_FAULT, "broker");
		line_say(line, "No connection: %s.", v->why);
		line_advise(line, "is nats-server running, and is this its host, its port and a user of it? \"nats-server -js\" is enough to begin with");
		return;
	}
	if (v->lacks_jetstream) {
		line = add(v, d, FINDING_FAULT, "jetstream");
		line_say(line, "has no JetStream for us.");
		line_advise(line, "start nats-server with -js or a \"jetstream\" block, and enable it for the account");
		return;
	}
	diagnose_rights(v, d);
	diagnose_limits(v, max_body, d);
	if (v->stream == BROKER_STREAM_THERE)
		diagnose_use(v, d);
	else
		diagnose_absence(v, d);
}

void diagnose_brokers(const struct symptoms *s, struct diagnosis *d)
{
	for (size_t i = 0; i < s->broker_count; i++)
		diagnose_one(&s->brokers[i], s->max_body, d);
}
