/*
 * pcapng_interfaces.c - see pcapng_interfaces.h
 *
 * Theory of operation. A time is a number of units since an offset, both of the
 * interface: any power of ten or of two, microseconds where nothing is said, and whole
 * seconds to be added. Nearly every file has a power of ten up to nanoseconds. There
 * one multiplication does, of times up to 2262; the bound is worked out once. The rest
 * takes two divisions and 128 bits: only there nothing overflows for every power that
 * the option can say. (libpcap has 64, and wrong fractions beyond 2^34.)
 */
#include "capture/pcapng_interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "capture/pcapng_format.h"

#define MICROSECONDS 6
#define POWER_OF_TWO 0x80

static uint32_t u32(struct span s, size_t at, bool swapped)
{
	uint32_t value;

	memcpy(&value, s.at + at, sizeof(value));
	return swapped ? __builtin_bswap32(value) : value;
}

static uint16_t u16(struct span s, size_t at, bool swapped)
{
	uint16_t value;

	memcpy(&value, s.at + at, sizeof(value));
	return swapped ? __builtin_bswap16(value) : value;
}

/* Units in a second. Return: false if there are more than 64 bits count. */
static bool set_resolution(struct pcapng_interface *in, uint8_t resolution)
{
	uint64_t units = 1;

	if (resolution & POWER_OF_TWO) {
		if ((resolution & ~POWER_OF_TWO) > 63)
			return false;
		in->units = units << (resolution & ~POWER_OF_TWO);
		return true;
	}
	for (uint8_t i = 0; i < resolution; i++)
		if (__builtin_mul_overflow(units, 10, &units))
			return false;
	in->units = units;
	return true;
}

static bool set_offset(struct pcapng_interface *in, struct span value, bool swapped)
{
	uint64_t offset;

	if (value.len != sizeof(offset))
		return false;
	memcpy(&offset, value.at, sizeof(offset));
	in->offset_s = (int64_t)(swapped ? __builtin_bswap64(offset) : offset);
	return true;
}

static const char *take_option(struct pcapng_interface *in, uint16_t code, struct span value, bool swapped)
{
	if (code == PCAPNG_OPTION_TSRESOL && (value.len != 1 || !set_resolution(in, value.at[0])))
		return "the clock of an interface has a resolution that is none";
	if (code == PCAPNG_OPTION_TSOFFSET && !set_offset(in, value, swapped))
		return "the clock of an interface has an offset that is none";
	return NULL;
}

static const char *take_options(struct pcapng_interface *in, struct span options, bool swapped)
{
	static const char cut[] = "the options of an interface are cut";

	while (options.len > 0) {
		struct span head, value;
		const char *problem;
		uint16_t code, len;

		if (!span_take(&options, PCAPNG_OPTION_HEAD, &head))
			return cut;
		code = u16(head, 0, swapped);
		len = u16(head, 2, swapped);
		if (code == PCAPNG_OPTION_END)
			return NULL;
		if (!span_take(&options, pcapng_padded(len), &value))
			return cut;
		problem = take_option(in, code, span_of(value.at, len), swapped);
		if (problem)
			return problem;
	}
	return NULL;
}

/* What is left out stays 0: no time is easy then. */
static void find_easy_times(struct pcapng_interface *in)
{
	int64_t offset_ns, room = INT64_MAX;

	if (in->units > (uint64_t)NS_PER_S || (uint64_t)NS_PER_S % in->units != 0)
		return;
	if (__builtin_mul_overflow(in->offset_s, (int64_t)NS_PER_S, &offset_ns))
		return;
	if (offset_ns > 0)
		room -= offset_ns;
	in->easy_ns = (uint64_t)NS_PER_S / in->units;
	in->easy_offset_ns = offset_ns;
	in->easy_end = (uint64_t)room / in->easy_ns;
}

int64_t pcapng_interface_hard_ns(const struct pcapng_interface *in, uint64_t time)
{
	__extension__ typedef __int128 wide;
	wide seconds = (wide)(time / in->units) + in->offset_s;
	wide ns = seconds * NS_PER_S + (wide)(time % in->units) * NS_PER_S / (wide)in->units;

	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

static int make_room(struct pcapng_interfaces *in)
{
	size_t room = in->room ? in->room * 2 : 4;
	struct pcapng_interface *more;

	if (in->count < in->room)
		return 0;
	more = realloc(in->of, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	in->of = more;
	in->room = room;
	return 0;
}

int pcapng_interfaces_add(struct pcapng_interfaces *in, struct span body, bool swapped, const char **problem)
{
	struct pcapng_interface new = { .offset_s = 0 };
	struct span fields;

	set_resolution(&new, MICROSECONDS);
	*problem = NULL;
	if (!span_take(&body, 8, &fields))
		*problem = "the description of an interface is cut";
	else if (in->count == PCAPNG_INTERFACES_MAX)
		*problem = "there are too many interfaces";
	else
		*problem = take_options(&new, body, swapped);
	if (*problem)
		return -EINVAL;
	if (make_room(in) != 0)
		return -ENOMEM;
	new.linktype = pcapng_dlt_of(u16(fields, 0, swapped));
	new.snaplen = u32(fields, 4, swapped);
	find_easy_times(&new);
	in->of[in->count++] = new;
	return 0;
}

void pcapng_interfaces_deinit(struct pcapng_interfaces *in)
{
	free(in->of);
	*in = (struct pcapng_interfaces){ 0 };
}
