/* stages.c - see stages.h */
#include "app/run/stages.h"

#include <errno.h>

#include "app/process/listen_only.h"
#include "app/process/privileges.h"
#include "base/log.h"

#define HOLD_BYTES (256 * 1024)               /* out of order, per direction */
#define IDLE_NS    (INT64_C(3600) * NS_PER_S) /* model clients keep connections for long silences */

struct live_options stages_live(const struct options *o, struct buffer *program)
{
	privileges_program(program);
	return (struct live_options){
		.interfaces = o->interfaces.at,
		.interface_count = o->interfaces.count,
		.expression = o->expression,
		.ports = o->ports,
		.vxlan_ports = o->vxlan_ports,
		.tunnels = o->tunnels,
		.snaplen = o->snaplen,
		.buffer_bytes = o->buffer_bytes,
		.promiscuous = o->promiscuous,
		.program = program->len ? buffer_text(program) : NULL,
	};
}

struct file_options stages_files(const struct options *o)
{
	return (struct file_options){
		.paths = o->files.at,
		.path_count = o->files.count,
		.expression = o->expression,
	};
}

struct tracker_options stages_tracker(const struct options *o, struct budget *budget)
{
	return (struct tracker_options){
		.server_ports = o->ports.port,
		.server_port_count = o->ports.count,
		.hold_bytes = HOLD_BYTES,
		.idle_ns = IDLE_NS,
		.budget = budget,
	};
}

int stages_listen_only(const struct options *o, struct source *const *sources, size_t count, struct buffer *error)
{
	int fds[LISTEN_ONLY_MAX + 1], err;
	size_t sockets = 0;

	for (size_t i = 0; i < count; i++)
		sockets += source_sockets(sources[i], fds + sockets, LISTEN_ONLY_MAX + 1 - sockets);
	err = listen_only_enter(fds, sockets, error);
	if (err == 0 || err == -E2BIG)
		return err;
	if (o->sandbox) {
		buffer_add_str(error, "; --no-sandbox captures all the same");
		return err;
	}
	log_warn("%s: that nothing is ever sent there is kept, but not enforced", buffer_text(error));
	buffer_clear(error);
	return 0;
}

struct lane_settings stages_lane(const struct options *o)
{
	struct lane_settings set = {
		.ports = &o->ports,
		.vxlan_ports = &o->vxlan_ports,
		.tracker = stages_tracker(o, NULL),
		.max_body = o->max_body,
		.max_response = o->compare.max_response,
		.loops = o->loops,
		.sends = !o->dry_run,
		.has_events = o->events_path != NULL,
		.compares = o->compare.on,
		.show_query = o->show_query,
	};

	set.tracker.reads_servers = o->compare.on;
	return set;
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
		.memory = o->compare.on ? o->max_memory / 4 : 0,
		.speed = o->speed,
		.speed_max = o->speed_max,
		.has_report = o->reports.count > 0,
	};
}

struct output_settings stages_outputs(const struct options *o)
{
	return (struct output_settings){ .events_path = o->events_path, .reports = o->reports, .read = o->files };
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

struct explain_settings stages_explain(const struct options *o)
{
	return (struct explain_settings){
		.is_on = o->explain,
		.waits = o->dry_run && o->files.count > 0,
		.show_query = o->show_query,
		.policy = &o->policy,
	};
}
