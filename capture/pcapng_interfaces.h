/*
 * pcapng_interfaces.h - the interfaces that a section of a pcapng describes: link type, longest packet, clock
 *
 * Packets name theirs by number, in the order of the descriptions.
 */
#ifndef CAPTURE_PCAPNG_INTERFACES_H
#define CAPTURE_PCAPNG_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define PCAPNG_INTERFACES_MAX 65536 /* of a section; programs that add one for each file they merge have hundreds */

struct pcapng_interface {
	int linktype;     /* DLT_* of libpcap */
	uint32_t snaplen; /* 0: none */
	/* for times below @easy_end: ns = time * @easy_ns + @easy_offset_ns */
	uint64_t easy_end, easy_ns;
	int64_t easy_offset_ns;
	uint64_t units;   /* in a second */
	int64_t offset_s; /* to be added */
};

struct pcapng_interfaces {
	struct pcapng_interface *of;
	size_t count, room;
};

/**
 * pcapng_interfaces_add() - one more
 * @body:     of its block: behind type and length, before the length at the end
 * @swapped:  the byte order is not ours
 * @problem:  static text, if the description is not one
 * Return: 0, -EINVAL with @problem, or -ENOMEM.
 */
int pcapng_interfaces_add(struct pcapng_interfaces *in, struct span body, bool swapped, const char **problem);

/** pcapng_interface_hard_ns() - any time; what does not fit into 292 years around 1970 is the nearest that does */
int64_t pcapng_interface_hard_ns(const struct pcapng_interface *in, uint64_t time);

/** pcapng_interface_ns() - nanoseconds since 1970 of a packet's @time */
static inline int64_t pcapng_interface_ns(const struct pcapng_interface *in, uint64_t time)
{
	if (time < in->easy_end)
		return (int64_t)(time * in->easy_ns) + in->easy_offset_ns;
	return pcapng_interface_hard_ns(in, time);
}

void pcapng_interfaces_deinit(struct pcapng_interfaces *in);

#endif
