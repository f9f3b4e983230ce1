/*
 * spill.c - see spill.h
 *
 * Theory of operation. A ring of TPACKET_V3 holds blocks. Its reader gets a
 * block when it is full or its time is over, and that time is what a packet
 * waits where there are few: a millisecond. But a block that is given away
 * after a millisecond holds what came in one, so a ring of 256 blocks is full
 * after a quarter of a second without a read, however little that was: 4 MB of
 * 64 at 13,000 small packets in a second. Blocks cannot be smaller than the
 * largest packet that hosts build, so there cannot be many more of them.
 *
 * So half of the room is a second ring whose blocks have more time. The two are
 * a fanout group of the kernel in which every packet belongs to the first ring
 * (a program that says 0) and goes to the second where that is full
 * (PACKET_FANOUT_FLAG_ROLLOVER). As long as the reader keeps up the second ring
 * is empty, its blocks are not waited for, and it costs the kernel a look at
 * the first ring's state for each packet.
 *
 * After the reader stood still, the first ring has the older packets, the second
 * the newer ones, and as soon as something is read from the first the newest go
 * there again. The reader puts them in order: it keeps the head of each ring, and
 * lends the earlier. When the second ring seems empty, a block of it may still be
 * open. So the first ring waits until nothing has come in twice POLL_MS, which is
 * longer than a block's time, and the kernel counts no more packets that went
 * there; it must hold what comes meanwhile, which is what its size is for. Both
 * heads are copies, since libpcap gives a block back with the last packet in it:
 * that is slower than lending, and only done while catching up.
 */
#include "capture/spill.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define POLL_MS 20
#define QUIET_POLLS 2

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING /* since 5.17 */
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

struct head {
	pcap_t *pcap;
	struct pcap_pkthdr header;
	uint8_t *bytes; /* @header.caplen of them */
	size_t room;
	bool is_there, lost; /* lost: no memory for it */
};

struct spill {
	struct head first, second;
	uint64_t rolled; /* how many packets the kernel says it put into the second ring, when it was last asked */
	unsigned quiet;  /* polls in which nothing came of them */
	bool is_used;
};

/* All packets are the first member's, and the others' where it has no room. */
static int make_group(pcap_t *first, pcap_t *second, bool ignore_outgoing)
{
	struct sock_filter zero[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = zero };
	unsigned flags = PACKET_FANOUT_FLAG_ROLLOVER | PACKET_FANOUT_FLAG_UNIQUEID |
			 (ignore_outgoing ? PACKET_FANOUT_FLAG_IGNORE_OUTGOING : 0);
	int group = (int)((PACKET_FANOUT_CBPF | flags) << 16), fd = pcap_fileno(first);
	socklen_t size = sizeof(group);

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) != 0 ||
	    getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, &size) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) != 0 ||
	    setsockopt(pcap_fileno(second), SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) != 0)
		return -errno;
	return 0;
}

static int count_rolled(const struct spill *sp, uint64_t *out)
{
	struct tpacket_rollover_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(pcap_fileno(sp->first.pcap), SOL_PACKET, PACKET_ROLLOVER_STATS, &stats, &size) != 0)
		return -errno;
	*out = stats.tp_all;
	return 0;
}

int spill_new(pcap_t *first, pcap_t *second, bool ignore_outgoing, struct spill **out)
{
	struct spill *sp = calloc(1, sizeof(*sp));
	int result = sp ? make_group(first, second, ignore_outgoing) : -ENOMEM;

	if (result == 0) {
		sp->first.pcap = first;
		sp->second.pcap = second;
		result = count_rolled(sp, &sp->rolled);
	}
	if (result != 0) {
		free(sp);
		return result;
	}
	*out = sp;
	return 0;
}

pcap_t *spill_pcap(const struct spill *sp)
{
	return sp->second.pcap;
}

/* Has the kernel put more into the second ring since it was last asked? */
static bool has_rolled(struct spill *sp)
{
	uint64_t rolled = 0;

	if (count_rolled(sp, &rolled) != 0 || rolled == sp->rolled)
		return false;
	sp->rolled = rolled;
	return true;
}

bool spill_is_used(struct spill *sp)
{
	if (!sp->is_used && has_rolled(sp)) {
		sp->is_used = true;
		sp->quiet = 0;
	}
	return sp->is_used;
}

static void keep(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct head *head = (struct head *)user;

	if (header->caplen > head->room) {
		uint8_t *more = realloc(head->bytes, header->caplen);

		head->lost = !more;
		if (!more)
			return;
		head->bytes = more;
		head->room = header->caplen;
	}
	if (header->caplen)
		memcpy(head->bytes, bytes, header->caplen);
	head->header = *header;
	head->is_there = true;
}

/* See that the head is there if the ring has one. Return: 0 or -1 */
static int fill(struct head *head)
{
	int result = 0;

	if (!head->is_there)
		result = pcap_dispatch(head->pcap, 1, keep, (u_char *)head);
	return result < 0 && result != PCAP_ERROR_BREAK ? -1 : 0;
}

/* Nothing is in the second ring that can be seen: is there nothing at all? Waits for what is in an open block. */
static bool is_quiet(struct spill *sp)
{
	struct pollfd ready = { .fd = pcap_get_selectable_fd(sp->second.pcap), .events = POLLIN };
	bool came = poll(&ready, 1, POLL_MS) > 0;

	sp->quiet = came || has_rolled(sp) ? 0 : sp->quiet + 1;
	return sp->quiet >= QUIET_POLLS;
}

static bool lend_head(struct head *head, spill_make_fn *make, spill_lend_fn *lend, void *ctx)
{
	struct packet packet = make(ctx, &head->header, head->bytes);

	head->is_there = false;
	return lend(ctx, &packet);
}

static bool is_earlier(const struct head *a, const struct head *b)
{
	const struct timeval *x = &a->header.ts, *y = &b->header.ts;

	return x->tv_sec != y->tv_sec ? x->tv_sec < y->tv_sec : x->tv_usec <= y->tv_usec;
}

int spill_read(struct spill *sp, size_t max, spill_make_fn *make, spill_lend_fn *lend, void *ctx)
{
	size_t borrowed = 0;

	while (borrowed < max) {
		struct head *next = &sp->second;

		if (fill(&sp->first) < 0 || fill(&sp->second) < 0)
			return -1;
		if (!next->is_there) {
			if (borrowed > 0 || !is_quiet(sp))
				break;
			sp->is_used = false;
			if (sp->first.is_there)
				borrowed += lend_head(&sp->first, make, lend, ctx);
			break;
		}
		sp->quiet = 0;
		if (sp->first.is_there && is_earlier(&sp->first, next))
			next = &sp->first;
		borrowed++;
		if (!lend_head(next, make, lend, ctx))
			break;
	}
	return (int)borrowed;
}

void spill_free(struct spill *sp)
{
	if (!sp)
		return;
	pcap_close(sp->second.pcap);
	free(sp->first.bytes);
	free(sp->second.bytes);
	free(sp);
}
