/* stages.c - see stages.h */
#include "app/stages.h"

#include "app/privileges.h"

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

struct reassembly_options stages_reassembly(const struct options *o, struct budget *budget)
{
	return (struct reassembly_options){
		.server_ports = o->ports.port,
		.server_port_count = o->ports.count,
		.hold_bytes = HOLD_BYTES,
		.max_body = o->max_body,
		.idle_ns = IDLE_NS,
		.budget = budget,
	};
}
