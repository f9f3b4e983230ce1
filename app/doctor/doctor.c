/*
 * doctor.c - see doctor.h
 *
 * Options are those of a run, and so are the steps: check, try the
 * sandbox (trial.h), open, give up privileges, look. Then each target is asked once (prober.c), a broker as well
 * (broker_prober.c), the judgement is made (report/diagnosis.c) and printed, worst first. Nothing is mirrored, and
 * a target that turns out to be production is not asked.
 */
#include "app/doctor/doctor.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/doctor/broker_prober.h"
#include "app/doctor/observer.h"
#include "app/options/options.h"
#include "app/process/privileges.h"
#include "app/doctor/prober.h"
#include "app/run/key_logs.h"
#include "app/run/rules.h"
#include "app/run/stages.h"
#include "app/process/sandbox.h"
#include "app/doctor/trial.h"
#include "base/log.h"
#include "base/units.h"
#include "capture/tunnel_kind.h"

#define WATCH_NS (5 * NS_PER_S)

static const char *const tunnel_names[] = {
#define X(id, name, filter) name,
	TUNNEL_KINDS(X)
#undef X
};

static_assert(TUNNEL_KIND_COUNT <= VIEW_TUNNELS, "a place for each kind");

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signum)
{
	(void)signum;
	interrupted = 1;
}

static void catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND }; /* a second one ends at once */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/** struct examination - what the sentences point to */
struct examination {
	const struct rules *rules;
	struct probe probes[TARGETS_MAX];
	struct broker_view brokers[BROKERS_MAX];
	struct broker_prober *broker_prober;
	struct key_logs keys;
	struct buffer keys_error;
	struct buffer said;                    /* by the sandbox */
	struct buffer path_text[TARGETS_MAX];
	const char *path[TARGETS_MAX];         /* what a target is asked for; NULL: its base */
};

static struct observer_settings observer_of(const struct options *o, struct key_logs *keys)
{
	struct input_settings input = stages_inputs(o);

	input.files.on_secrets = keys->secrets ? key_logs_add : NULL;
	input.files.secrets_ctx = keys;
	return (struct observer_settings){
		.input = input,
		.secrets = keys->secrets,
		.tls_may_come = stages_lane(o).tls_may_come,
		.tls_wait_ns = o->read_tls.wait_ns,
		.joiner = keys->joiner,
		.ports = &o->ports,
		.vxlan_ports = &o->vxlan_ports,
		.tracker = stages_tracker(o),
		.max_memory = o->max_memory,
		.max_body = o->max_body,
		.reads_http2 = stages_reads_http2(o),
		.joins_http2 = stages_joins_http2(o),
		.targets = o->targets,
		.target_count = o->target_count,
	};
}

static struct prober_settings prober_of(const struct options *o, const struct examination *e)
{
	return (struct prober_settings){
		.targets = o->targets,
		.target_count = o->target_count,
		.tls = o->tls,
		.max_time_ns = o->max_time_ns,
		.connect_timeout_ns = o->connect_timeout_ns,
		.live = o->files.count == 0,
		.may_be_production = o->target_is_production,
		.paths = e->path,
	};
}

/** watch() - until the time is up, a signal comes, or the recording ends */
static int watch(const struct options *o, struct key_logs *keys, struct observer *ob, double *seconds)
{
	int64_t limit = o->duration_ns > 0 ? o->duration_ns : WATCH_NS;
	struct mono began = mono_now(), now = began, keys_at = began;
	bool stopped = false;
	int got;

	do {
		got = observer_turn(ob);
		now = mono_now();
		if (keys->secrets && keys->set.live && now.ns - keys_at.ns >= KEY_LOGS_MS * NS_PER_MS) {
			key_logs_read_on(keys);
			keys_at = now;
		}
		if (!stopped && (interrupted || (o->files.count == 0 && now.ns - began.ns >= limit))) {
			observer_stop(ob);
			stopped = true;
		}
	} while (got == 0);
	*seconds = (double)(now.ns - began.ns) / (double)NS_PER_S;
	return got < 0 ? got : 0;
}

static void list_ports(const struct options *o, struct buffer *out)
{
	for (size_t i = 0; i < o->ports.count; i++)
		buffer_printf(out, "%s%u", i ? "," : "", o->ports.port[i]);
}

/**
 * try_sandbox() - in a process of its own; before anything is opened, for its packets on lo are not the service's traffic
 * Return: false when it does not work on this machine, which is a finding: @s says what happened, in @said
 */
static bool try_sandbox(const struct options *o, struct symptoms *s, struct buffer *said)
{
	if (!o->sandbox || trial_run(o->user, said))
		return true;
	s->sandbox_fails = buffer_text(said);
	return false;
}

static int enter_sandbox(const struct options *o, struct buffer *error)
{
	int err = o->sandbox ? sandbox_prepare(error) : 0;

	if (err == 0)
		err = privileges_drop(o->user, error);
	return err < 0 || !o->sandbox ? err : sandbox_enter(error);
}

/** find_paths() - of the request that was seen, as each target would get it */
static void find_paths(const struct options *o, const char *seen, struct examination *e)
{
	const struct message m = { .head = { .method = SPAN_LITERAL("HEAD"), .target = span_str(seen) } };

	for (size_t i = 0; seen[0] && i < o->target_count; i++) {
		struct outgoing out = { 0 };

		if (rewrite_request(e->rules->rewrite[i], &m, &out) == 0) {
			buffer_add_span(&e->path_text[i], out.target);
			e->path[i] = buffer_ok(&e->path_text[i]) ? buffer_text(&e->path_text[i]) : NULL;
		}
		outgoing_deinit(&out);
	}
}

/** examine() - from open sources to all that is known; what cannot be captured is a symptom, not a failure of ours */
static int examine(const struct options *o, struct observer *ob, struct symptoms *s, struct examination *e, struct buffer *error)
{
	const struct prober_settings prober = prober_of(o, e);
	const struct broker_options target = stages_broker(o, false), source = stages_broker(o, true);
	bool works = try_sandbox(o, s, &e->said);
	int err = s->reads_broker ? 0 : observer_open(ob, error);

	if (err < 0 && o->files.count > 0)
		return err; /* a file that is no capture is a wrong argument */
	if (err < 0)
		s->cannot_capture = buffer_text(error);
	if (!works) /* outside of the sandbox no packet is looked at */
		return 0;
	err = broker_prober_new(&target, &source, o->relay.group, &e->broker_prober, error);
	if (err == 0)
		err = enter_sandbox(o, error);
	if (err < 0)
		return err;
	if (!s->cannot_capture && !s->reads_broker) {
		if (s->live)
			log_info("doctor: watching for %.0f s; send some requests to the service",
				 (double)(o->duration_ns > 0 ? o->duration_ns : WATCH_NS) / (double)NS_PER_S);
		err = watch(o, &e->keys, ob, &s->seconds);
		if (err < 0) {
			buffer_add_str(error, "the capture broke off; is the interface still there?");
			return err;
		}
		observer_finish(ob, s);
	}
	if (o->dry_run)
		return 0;
	s->brokers = e->brokers;
	s->broker_count = broker_prober_ask(e->broker_prober, e->brokers);
	if (o->target_count == 0)
		return 0;
	s->probes = e->probes;
	s->probe_count = o->target_count;
	find_paths(o, s->narrow.path, e);
	return prober_ask(&prober, &s->narrow, e->probes, error);
}

static int print(const struct options *o, const struct symptoms *s, const struct diagnosis *d)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	if (o->json) {
		json_open(&j, '{');
		json_key(&j, "shadowtap");
		json_str(&j, SHADOWTAP_VERSION);
		json_key(&j, "seconds");
		json_double(&j, s->seconds);
		diagnosis_json(d, &j);
		books_json(&s->narrow.books, &j);
		json_close(&j, '}');
		buffer_add_str(&out, "\n");
	} else {
		diagnosis_text(d, &out);
		buffer_add_str(&out, diagnosis_works(d) ? "\nThis would work.\n" : "\nThis would not work yet.\n");
	}
	fwrite(out.bytes, 1, out.len, stdout);
	buffer_deinit(&out);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_COULD_NOT;
}

static int judge(const struct options *o, const struct symptoms *s)
{
	struct diagnosis d;
	int status;

	diagnose(s, &d);
	status = print(o, s, &d);
	if (status == EXIT_DONE && !diagnosis_works(&d))
		status = EXIT_COULD_NOT;
	diagnosis_deinit(&d);
	return status;
}

/** open_keys() - what cannot be read of them is a symptom; without secrets the rest can be looked at all the same */
static void open_keys(const struct options *o, struct examination *e, struct keys_view *out)
{
	struct key_log_settings set = stages_key_logs(o);

	set.tells_shared = true;
	out->is_given = set.path_count > 0;
	if (key_logs_open(&e->keys, set, &e->keys_error) >= 0)
		return;
	out->unreadable = buffer_text(&e->keys_error);
	key_logs_close(&e->keys);
}

static void note_secrets(const struct key_logs *k, struct keys_view *out)
{
	memcpy(out->secrets, k->counts.secrets, sizeof(out->secrets));
	out->malformed = k->counts.malformed;
	out->readable = k->shared_path;
	out->readers = k->shared_with;
}

static int run(const struct options *o, struct buffer *error)
{
	struct symptoms s = {
		.expression = o->expression,
		.vxlan_ports = o->vxlan_ports.port,
		.vxlan_port_count = o->vxlan_ports.count,
		.preset = o->policy.preset,
		.live = o->files.count == 0 && o->relay.source.host_count == 0,
		.snaplen = o->snaplen,
		.leaves_http2 = !stages_reads_http2(o),
		.tunnel_names = tunnel_names,
		.compares = o->compare.on,
		.sample = (double)o->policy.sample_share / (double)SHARE_ONE,
		.reads_broker = o->relay.source.host_count > 0,
		.max_body = o->max_body,
	};
	struct observer_settings settings;
	struct examination e = { 0 };
	struct observer *ob = NULL;
	struct rules rules = { 0 };
	struct buffer ports = { 0 };
	int err = rules_make(o, 1, NULL, &rules, error), status = EXIT_COULD_NOT;

	e.rules = &rules;
	list_ports(o, &ports);
	s.ports = ports.len ? buffer_text(&ports) : NULL;
	s.any_interface = s.live && o->interfaces.count == 1 && span_equal(span_str(o->interfaces.at[0]), SPAN_LITERAL("any"));
	if (err == 0) {
		open_keys(o, &e, &s.keys);
		settings = observer_of(o, &e.keys);
		ob = observer_new(&settings, rules.lane[0]->policy);
		err = ob ? examine(o, ob, &s, &e, error) : -ENOMEM;
	}
	note_secrets(&e.keys, &s.keys);
	if (err == 0)
		status = judge(o, &s);
	else
		log_error("%s", error->len ? buffer_text(error) : "out of memory");
	observer_free(ob);
	rules_deinit(&rules);
	buffer_deinit(&ports);
	broker_prober_free(e.broker_prober);
	key_logs_close(&e.keys);
	buffer_deinit(&e.keys_error);
	buffer_deinit(&e.said);
	for (size_t i = 0; i < TARGETS_MAX; i++)
		buffer_deinit(&e.path_text[i]);
	return err == -EINVAL && o->files.count == 0 ? EXIT_USAGE : status;
}

int doctor_run(const struct options *o)
{
	struct buffer error = { 0 };
	int status;

	catch_interrupts();
	status = run(o, &error);
	buffer_deinit(&error);
	return status;
}
