/* stages.c - see stages.h */
#include "app/run/stages.h"

#include <unistd.h>

#include <string.h>

#include "app/options/options.h"

#define HOLD_BYTES (256 * 1024)               /* out of order, per direction */
#define RELAY_MAX_AGE_NS (10 * NS_PER_S)
#define IDLE_NS    (INT64_C(3600) * NS_PER_S) /* model clients keep connections for long silences */

struct input_settings stages_inputs(const struct options *o)
{
	return (struct input_settings){
		.files = { .paths = o->files.at, .path_count = o->files.count, .expression = o->expression },
		.live = {
			.interfaces = o->interfaces.at,
			.interface_count = o->interfaces.count,
			.expression = o->expression,
			.ports = o->ports,
			.vxlan_ports = o->vxlan_ports,
			.tunnels = o->tunnels,
			.snaplen = o->snaplen,
			.buffer_bytes = o->buffer_bytes,
			.promiscuous = o->promiscuous,
		},
		.loops = o->loops,
		.has_broker = stages_has_broker(o),
		.sandbox = o->sandbox,
	};
}

/** broker_is_plain() - would what is handed over leave this host as plain text? */
static bool broker_is_plain(const struct broker_url *url)
{
	for (size_t i = 0; i < url->host_count; i++)
		if (!url->is_tls && !host_is_loopback(url->host[i].name))
			return true;
	return false;
}

struct key_log_settings stages_key_logs(const struct options *o)
{
	return (struct key_log_settings){
		.paths = o->read_tls.key_logs.at,
		.path_count = o->read_tls.key_logs.count,
		.live = o->files.count == 0,
		.recordings = o->files.count > 0,
		.hands_on = o->read_tls.write_secrets,
		.join = o->read_tls.join,
		.no_way_out = broker_is_plain(&o->relay.target) && !o->read_tls.to_plain && !o->dry_run,
	};
}

/* A pipe says its secrets between its packets; all other recordings are asked for them before the first. */
static bool secrets_may_come(const struct options *o)
{
	for (size_t i = 0; i < o->files.count; i++)
		if (strcmp(o->files.at[i], "-") == 0)
			return true;
	return o->files.count == 0;
}

struct tracker_options stages_tracker(const struct options *o)
{
	return (struct tracker_options){
		.server_ports = o->ports.port,
		.server_port_count = o->ports.count,
		.hold_bytes = HOLD_BYTES,
		.idle_ns = IDLE_NS,
	};
}

bool stages_reads_http2(const struct options *o)
{
	return o->h2 != H2_OFF;
}

/* What looks like frames of HTTP/2 in the middle of a connection is more likely that where the service is. */
bool stages_joins_http2(const struct options *o)
{
	return o->h2 == H2_ON || (o->h2 == H2_AUTO && o->ports.count > 0);
}

struct lane_settings stages_lane(const struct options *o)
{
	struct lane_settings set = {
		.ports = &o->ports,
		.vxlan_ports = &o->vxlan_ports,
		.tracker = stages_tracker(o),
		.max_body = o->max_body,
		.max_stream_ns = o->max_stream_ns,
		.max_response = o->compare.max_response,
		.loops = o->loops,
		.sends = !o->dry_run,
		.has_events = o->events_path != NULL,
		.compares = o->compare.on,
		.show_query = o->show_query,
	};

	set.tls_may_come = secrets_may_come(o);
	set.tls_wait_ns = o->read_tls.wait_ns;
	set.tracker.reads_servers = o->compare.on;
	set.reads_http2 = stages_reads_http2(o);
	set.joins_http2 = stages_joins_http2(o);
	return set;
}

struct target_options stages_target(const struct options *o, size_t i)
{
	const struct target_settings *target = &o->targets[i];
	bool is_live = o->files.count == 0 && !stages_has_broker(o);

	return (struct target_options){
		.url = target->url,
		.tls = o->tls,
		.http_version = target->http_version,
		.streams = o->streams,
		.connections = o->connections,
		.queue = o->queue,
		.max_time_ns = o->max_time_ns,
		.speed = o->speed_max ? 0 : o->speed,
		.connect_timeout_ns = o->connect_timeout_ns,
		.breaker = o->breaker,
		.rate = target->rate,
		.sample_share = target->sample_share,
		.shed_stale = is_live,
		.is_here = is_live,
		.may_be_production = o->target_is_production,
		.tls_to_plain = o->read_tls.to_plain,
		.keep_responses = o->compare.on,
		.max_response = o->compare.max_response,
	};
}

struct sample_settings stages_sample(const struct options *o)
{
	return (struct sample_settings){ .share = o->policy.sample_share, .ramp = o->ramp, .max_cpu = o->max_cpu };
}

/* A quarter of --max-memory: responses of 8 MB, of usual JSON, take 50 MB. */
struct comparing_settings stages_comparing(const struct options *o)
{
	return (struct comparing_settings){
		.compare = &o->compare,
		.targets = o->targets,
		.target_count = o->target_count,
		.preset = o->policy.preset,
		.memory = stages_compares(o) ? o->max_memory / 4 : 0,
		.case_memory = o->compare.repro_path ? o->max_memory / 16 : 0,
		.speed = o->speed,
		.speed_max = o->speed_max,
		.has_report = o->reports.count > 0,
		.is_watched = o->files.count == 0 || o->compare.stop_when == STOP_WHEN_DECIDED || o->ramp.decide_ns > 0,
		.allow_headers = &o->allow_headers,
	};
}

struct broker_options stages_broker(const struct options *o, bool is_source)
{
	return (struct broker_options){
		.url = is_source ? &o->relay.source : &o->relay.target,
		.creds_file = o->relay.creds_file,
		.nkey_file = o->relay.nkey_file,
		.ca_file = o->tls.ca_file,
		.cert_file = o->tls.cert_file,
		.key_file = o->tls.key_file,
		.insecure = o->tls.insecure,
	};
}

struct stream_limits stages_stream(const struct options *o)
{
	return (struct stream_limits){ o->relay.retain_ns, o->relay.retain_bytes, o->relay.partitions };
}

void stages_relay_name(const struct options *o, char *out)
{
	char host[256] = "";

	if (!o->relay.name && gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	relay_name_fit(o->relay.name ? o->relay.name : host, out);
}

bool stages_hands_over(const struct options *o)
{
	return o->relay.target.host_count > 0 && !o->dry_run;
}

/* Where a broker is the only target, the other half of each pair comes about at the replayers. */
bool stages_compares(const struct options *o)
{
	return o->compare.on && o->target_count > 0;
}

struct handing_over_settings stages_handing_over(const struct options *o)
{
	struct handing_over_settings set = {
		.broker = stages_broker(o, false),
		.stream = stages_stream(o),
		.buffer_bytes = o->relay.buffer_bytes,
		.max_body = o->max_body,
		.compares = o->compare.on,
	};

	stages_relay_name(o, set.tap);
	return set;
}

bool stages_has_broker(const struct options *o)
{
	return o->relay.source.host_count > 0;
}

bool stages_is_paced(const struct options *o)
{
	return stages_has_broker(o) && o->relay.from.start != RELAY_FROM_NOW && !o->speed_max && !o->dry_run;
}

struct lane_relay_settings stages_lane_relay(const struct options *o)
{
	static const enum reader_from from[] = {
		[RELAY_FROM_NOW] = READER_FROM_NOW,
		[RELAY_FROM_START] = READER_FROM_START,
		[RELAY_FROM_AGO] = READER_FROM_TIME,
		[RELAY_FROM_TIME] = READER_FROM_TIME,
	};
	struct lane_relay_settings set = {
		.service = o->relay.source.service,
		.group = o->relay.group,
		.from = from[o->relay.from.start],
		.max_age_ns = stages_max_age_ns(o),
		.is_paced = stages_is_paced(o),
		.ends_caught_up = o->compare.stop_when == STOP_WHEN_CAUGHT_UP,
		.limits = stages_stream(o),
	};

	stages_relay_name(o, set.name);
	set.from_time.ns = o->relay.from.start == RELAY_FROM_AGO ? wall_now().ns - o->relay.from.ns : o->relay.from.ns;
	return set;
}

int64_t stages_max_age_ns(const struct options *o)
{
	return o->relay.max_age_ns > 0 ? o->relay.max_age_ns : o->relay.from.start == RELAY_FROM_NOW ? RELAY_MAX_AGE_NS : 0;
}

struct output_settings stages_outputs(const struct options *o)
{
	return (struct output_settings){ .events_path = o->events_path, .reports = o->reports, .read = o->files };
}

struct end_command_settings stages_end_command(const struct options *o)
{
	return (struct end_command_settings){
		.command = o->on_end,
		.report = o->reports.count > 0 ? o->reports.at[0] : NULL,
		.user = o->user,
		.prefers_caller = o->user_was_chosen,
	};
}

struct recording_settings stages_recording(const struct options *o)
{
	return (struct recording_settings){
		.path = o->write_path,
		.snaplen = o->snaplen,
		.max_memory = o->max_memory,
		.read = o->files,
	};
}

struct progress_settings stages_progress(const struct options *o)
{
	return (struct progress_settings){
		.files = o->files,
		.interfaces = o->interfaces,
		.broker = stages_has_broker(o) ? o->relay.source.shown : NULL,
		.group = o->relay.group,
		.ports = &o->ports,
		.targets = o->targets,
		.target_count = o->target_count,
		.to_broker = stages_hands_over(o) ? o->relay.target.shown : NULL,
		.sample_share = o->policy.sample_share,
		.speed = o->speed,
		.speed_max = o->speed_max,
		.stats_every_ns = o->stats_every_ns,
		.sends = !o->dry_run,
		.has_events = o->events_path != NULL,
		.quiet = o->quiet,
	};
}

struct explain_settings stages_explain(const struct options *o)
{
	return (struct explain_settings){
		.is_on = o->explain,
		.waits = o->dry_run && o->files.count > 0,
		.show_query = o->show_query,
		.policy = &o->policy,
	};
}

bool stages_failures_as_json(const struct options *o, bool on_terminal)
{
	switch (o->log_format) {
	case LOG_FORMAT_JSON:
		return true;
	case LOG_FORMAT_TEXT:
		return false;
	case LOG_FORMAT_BY_TERMINAL:
		break;
	}
	return !on_terminal;
}
