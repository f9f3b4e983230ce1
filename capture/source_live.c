/*
 * source_live.c - packets from interfaces, through libpcap and the kernel's ring
 *
 * Theory of operation. Each interface has a TPACKET_V3 ring: the kernel fills
 * blocks of many packets and hands a block over when it is full or when its
 * time-out is over, so one wake-up brings many packets.
 *
 * The time-out is 1 ms, which is what a request waits when there is little
 * traffic. Kernels before 6.18 time it by their tick, so with 250 ticks a second
 * it is up to 4 ms there. Under load a wake-up for every millisecond would cost
 * as much as all the rest (0.42 s of CPU for 100,000 requests, of which 5 % were
 * sent, at 20,000 a second; 0.20 with a time-out of 10 ms). So a reader that
 * found BUSY_PACKETS since its last rest (of several lanes each: its part of
 * them) rests for REST_NS before it sleeps again: 0.24 s, and a request waits at
 * most block and rest, 4 ms. After a turn that gave MANY_WAIT requests to send, the
 * rest is HURRIED_REST_NS: sending a batch takes a part of the time that its last
 * request may wait, and beside what it costs one wake-up more does not show.
 *
 * Immediate mode was no better when idle (0.2 ms) and cost 0.8 to 2.3 s under
 * the same load; and its ring has a slot of 64 KiB for every packet, however
 * small, so that 64 MiB hold a thousand. Blocks have 256 KiB, which libpcap
 * chooses: 64 MiB are 256 of them, so however few packets there are, a ring of
 * them is full a quarter of a second after the lane stopped reading. Therefore
 * half of the room is a second ring with blocks that stay open for longer, which
 * the kernel uses where the first is full (spill.h): 64 MiB hold 3 s of small
 * packets, or as many bytes. Not of several lanes, whose sockets are in a group for
 * another reason, nor where -B is small: there the one ring has all of it.
 *
 * A read that follows one which left nothing first rests or sleeps in poll(),
 * 20 ms at most, so that the lane can look at its stop flag; then it takes what
 * is ready. Whether the ring is empty is not asked: a read that got less than
 * it may has shown it, and each such question is a system call, libpcap's own
 * poll().
 *
 * Loopback shows each packet twice to a packet socket, on its way out and in.
 * libpcap throws the first away in user space, after it went through the ring;
 * PACKET_IGNORE_OUTGOING keeps it out (a quarter of the cost). On any other
 * interface outgoing packets are half of what we want.
 *
 * Stopping is exact: the kernel is given a filter that takes nothing more, then
 * the ring is read until two block time-outs brought nothing, and packets dated
 * after the stop are dropped. Closing without that would silently lose up to
 * the whole ring. What can be in the ring is bounded by its size, so draining
 * ends even if the clock is set back meanwhile or the filter was refused.
 *
 * An interface that goes away ends with a complaint; the others go on.
 *
 * Lanes. Several sources share the packets of an interface as a fanout group of
 * the kernel, which deals them by a hash of addresses and ports that is the same
 * for both directions (__skb_get_hash_symmetric()). The hash is the kernel's own,
 * keyed once at its start, and the members of every group are in the order of the
 * lanes, so a connection that is seen on two interfaces comes to one lane as well,
 * and duplicates.c can know it. What decides are the outer addresses where the kernel
 * does not look inside (VXLAN, Geneve, ERSPAN, MPLS), and there both directions
 * can part: the options refuse --decap with several lanes. Fragments have no
 * ports; the group puts those of IPv4 together first (PACKET_FANOUT_FLAG_DEFRAG).
 * Those of IPv6 meet, but maybe in another lane than the rest of their connection.
 *
 * Nothing is captured twice or dealt by half a group: a socket can join only when
 * it is bound, and then it already gets everything. So each is first bound to a
 * protocol that does not exist, made deaf, bound to all, and joined; only when all
 * are members they get their filters. (A hash of the addresses alone would need no
 * ports and keep fragments together, but behind one proxy all requests have one
 * pair of addresses.) Closing a member deals all flows anew, so that is done when
 * all lanes have ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/cache_line.h"
#include "capture/filter.h"
#include "capture/source_impl.h"
#include "capture/spill.h"

#define BLOCK_TIMEOUT_MS 1
#define POLL_MS 20
#define BUSY_PACKETS 16
#define REST_NS (3 * NS_PER_MS)
#define HURRIED_REST_NS (2 * NS_PER_MS)
#define MANY_WAIT 32
#define IDLE_POLLS 2 /* each longer than a block's time-out and its timer's lateness */
#define DRAIN_NS (2 * NS_PER_S)
#define PAIR_MIN_BYTES (32u << 20) /* half of them: what comes in the time for which the second ring is waited for */

#ifndef PACKET_IGNORE_OUTGOING /* linux/if_packet.h has it since 4.20 */
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING /* since 5.17; in a group the members' own setting has no effect */
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

#define NO_PROTOCOL 0xffff /* reserved (RFC 1701), on no wire */

/*
 * OPEN    packets are read
 * DRAINING stop was asked for: what the ring holds is read
 * DONE    drained; nothing will follow
 * GONE    the interface failed; a complaint says how
 */
enum interface_state { INTERFACE_OPEN, INTERFACE_DRAINING, INTERFACE_DONE, INTERFACE_GONE };

struct interface {
	const char *name; /* borrowed from the options */
	pcap_t *pcap;
	struct spill *spill; /* NULL: one ring only */
	enum interface_state state;
	int linktype;
	int ns_per_unit;  /* of tv_usec: 1, or 1000 where the kernel or libpcap has no nanoseconds */
	struct wall stop; /* DRAINING: packets after this are not ours */
	struct wall first_drained;
	uint64_t drained_bytes;
	unsigned idle_polls;
	unsigned last_drop, last_ifdrop, last_spill_drop; /* libpcap's counters are 32 bits wide and wrap */
	uint64_t drop, ifdrop;
	packet_fn *fn; /* of the read that runs */
	void *ctx;
	size_t borrowed;
};

struct live_source {
	struct source base;
	uint32_t buffer_bytes;
	bool counts_interface; /* of several lanes one: drops of the device are no lane's own */
	size_t borrowed_since_rest, busy_packets;
	size_t waited_for; /* by source_hurry(), since the last rest */
	bool is_drained;   /* the last read took all there was */
	int last_error;    /* why the last interface went away; negative errno */
	size_t count;
	struct pollfd *poll; /* one per interface; fd -1 once it is over */
	struct interface interface[];
};

static bool is_over(const struct interface *in)
{
	return in->state == INTERFACE_DONE || in->state == INTERFACE_GONE;
}

/* Is a packet past what was in the ring when we were asked to stop? */
static bool is_after_stop(struct interface *in, const struct packet *packet, uint32_t ring_bytes)
{
	if (in->drained_bytes == 0)
		in->first_drained = packet->ts;
	in->drained_bytes += packet->bytes.len + 1;
	return packet->ts.ns > in->stop.ns || packet->ts.ns - in->first_drained.ns > DRAIN_NS ||
	       in->drained_bytes > ring_bytes;
}

struct lending {
	struct interface *in;
	uint32_t ring_bytes;
};

static struct packet make_packet(void *ctx, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
	const struct interface *in = ((const struct lending *)ctx)->in;
	struct pcap_pkthdr exact = *header;

	exact.ts.tv_usec *= in->ns_per_unit;
	return packet_of_pcap(&exact, bytes, in->linktype);
}

/* False: it and what follows came after the stop. */
static bool lend_packet(void *ctx, const struct packet *packet)
{
	const struct lending *lending = ctx;
	struct interface *in = lending->in;

	if (in->state == INTERFACE_DONE)
		return false;
	if (in->state == INTERFACE_DRAINING && is_after_stop(in, packet, lending->ring_bytes)) {
		in->state = INTERFACE_DONE;
		return false;
	}
	in->borrowed++;
	in->fn(in->ctx, packet);
	return true;
}

static void lend(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct lending *lending = (struct lending *)user;
	struct packet packet = make_packet(lending, header, bytes);

	if (!lend_packet(lending, &packet))
		pcap_breakloop(lending->in->pcap);
}

/* An interface whose device is removed or renamed away; libpcap names only some of the reasons. */
static void give_up(struct live_source *s, struct interface *in)
{
	struct buffer *text = source_complain(&s->base);

	s->last_error = if_nametoindex(in->name) || strcmp(in->name, "any") == 0 ? -ENETDOWN : -ENODEV;
	in->state = INTERFACE_GONE;
	buffer_printf(text, "capturing on \"%s\" ended: %s", in->name,
		      s->last_error == -ENODEV ? "the interface is gone" : pcap_geterr(in->pcap));
}

/* Lend at most about @max packets that are ready. */
static void read_interface(struct live_source *s, struct interface *in, size_t max, packet_fn *fn, void *ctx)
{
	struct lending lending = { in, s->buffer_bytes };
	int result;

	in->fn = fn;
	in->ctx = ctx;
	in->borrowed = 0;
	if (in->spill && spill_is_used(in->spill))
		result = spill_read(in->spill, max, make_packet, lend_packet, &lending);
	else
		result = pcap_dispatch(in->pcap, max < INT_MAX ? (int)max : INT_MAX, lend, (u_char *)&lending);
	if (result < 0 && result != PCAP_ERROR_BREAK)
		give_up(s, in);
	if (in->borrowed)
		in->idle_polls = 0;
}

/* What is ready, at most about @max; an interface that lends less than its share has nothing more. */
static size_t read_ready(struct live_source *s, size_t max, packet_fn *fn, void *ctx)
{
	size_t share = max / s->count ? max / s->count : 1;
	size_t borrowed = 0;

	s->is_drained = true;
	for (size_t i = 0; i < s->count; i++) {
		struct interface *in = &s->interface[i];

		if (is_over(in))
			continue;
		read_interface(s, in, share, fn, ctx);
		s->is_drained &= in->borrowed < share;
		borrowed += in->borrowed;
	}
	return borrowed;
}

/* Under load one wake-up for several blocks, and whatever they are, something is ready after it; without, none is late. */
static bool rest(struct live_source *s)
{
	const struct timespec pause = { .tv_nsec = s->waited_for < MANY_WAIT ? REST_NS : HURRIED_REST_NS };
	bool is_busy = s->borrowed_since_rest >= s->busy_packets;

	s->borrowed_since_rest = s->waited_for = 0;
	if (is_busy)
		nanosleep(&pause, NULL);
	return is_busy;
}

/* Sleep until a block is ready. A drained ring shows by polls that brought nothing. */
static void wait_for_block(struct live_source *s)
{
	int ready;

	for (size_t i = 0; i < s->count; i++)
		s->poll[i] = (struct pollfd){ .fd = is_over(&s->interface[i])
							    ? -1
							    : pcap_get_selectable_fd(s->interface[i].pcap),
					      .events = POLLIN };
	ready = poll(s->poll, s->count, POLL_MS);
	for (size_t i = 0; i < s->count; i++) {
		struct interface *in = &s->interface[i];

		if (ready >= 0 && in->state == INTERFACE_DRAINING && !s->poll[i].revents &&
		    !(in->spill && spill_is_used(in->spill)) && ++in->idle_polls > IDLE_POLLS)
			in->state = INTERFACE_DONE;
	}
}

static bool all_over(const struct live_source *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!is_over(&s->interface[i]))
			return false;
	return true;
}

static bool all_gone(const struct live_source *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->interface[i].state != INTERFACE_GONE)
			return false;
	return true;
}

static int live_source_read(struct source *base, size_t max, packet_fn *fn, void *ctx)
{
	struct live_source *s = (struct live_source *)base;

	if (s->is_drained && !all_over(s) && !rest(s))
		wait_for_block(s);
	s->borrowed_since_rest += read_ready(s, max, fn, ctx);
	if (all_gone(s))
		return s->last_error;
	return all_over(s) ? SOURCE_EOF : 0;
}

static void live_source_hurry(struct source *base, size_t count)
{
	((struct live_source *)base)->waited_for += count;
}

/* The kernel takes nothing more; what is in the ring stays. Refused or not, lend() checks the time. */
static bool close_the_tap(pcap_t *pcap)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = nothing };

	return setsockopt(pcap_fileno(pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static void live_source_stop(struct source *base, struct wall now)
{
	struct live_source *s = (struct live_source *)base;

	for (size_t i = 0; i < s->count; i++) {
		struct interface *in = &s->interface[i];

		if (in->state != INTERFACE_OPEN)
			continue;
		in->state = INTERFACE_DRAINING;
		in->stop = now;
		close_the_tap(in->pcap);
		if (in->spill)
			close_the_tap(spill_pcap(in->spill));
	}
}

/* Reads never wait longer than POLL_MS. */
static void live_source_interrupt(struct source *base)
{
}

/*
 * The kernel forgets its counters when asked; libpcap adds them up since the
 * opening. They are 32 bits wide, so we add up the differences.
 */
static void update_interface(struct interface *in)
{
	struct pcap_stat stat;

	if (in->state == INTERFACE_GONE || pcap_stats(in->pcap, &stat) != 0)
		return;
	in->drop += (unsigned)(stat.ps_drop - in->last_drop);
	in->ifdrop += (unsigned)(stat.ps_ifdrop - in->last_ifdrop);
	in->last_drop = stat.ps_drop;
	in->last_ifdrop = stat.ps_ifdrop;
	if (!in->spill || pcap_stats(spill_pcap(in->spill), &stat) != 0)
		return;
	in->drop += (unsigned)(stat.ps_drop - in->last_spill_drop);
	in->last_spill_drop = stat.ps_drop;
}

static void live_source_update_stats(struct source *base, struct capture_stats *stats)
{
	struct live_source *s = (struct live_source *)base;
	uint64_t drop = 0, ifdrop = 0;

	for (size_t i = 0; i < s->count; i++) {
		update_interface(&s->interface[i]);
		drop += s->interface[i].drop;
		ifdrop += s->interface[i].ifdrop;
	}
	counter_set(&stats->dropped_kernel, drop);
	counter_set(&stats->dropped_interface, s->counts_interface ? ifdrop : 0);
}

static void live_source_progress(const struct source *base, uint64_t *done, uint64_t *total)
{
	*done = *total = 0;
}

static int live_source_linktype(struct source *base, size_t i)
{
	const struct live_source *s = (const struct live_source *)base;

	return i < s->count ? s->interface[i].linktype : -1;
}

static int live_source_socket(const struct source *base, size_t i)
{
	const struct live_source *s = (const struct live_source *)base;

	for (size_t k = 0; k < s->count; k++) {
		if (i-- == 0)
			return pcap_fileno(s->interface[k].pcap);
		if (s->interface[k].spill && i-- == 0)
			return pcap_fileno(spill_pcap(s->interface[k].spill));
	}
	return -1;
}

static void close_interface(struct interface *in)
{
	spill_free(in->spill);
	in->spill = NULL;
	if (in->pcap)
		pcap_close(in->pcap);
	in->pcap = NULL;
}

static void live_source_close(struct source *base)
{
	struct live_source *s = (struct live_source *)base;

	for (size_t i = 0; i < s->count; i++)
		close_interface(&s->interface[i]);
	free(s->poll);
	free(s);
}

static const struct source_ops live_source_ops = {
	.read = live_source_read,
	.hurry = live_source_hurry,
	.stop = live_source_stop,
	.interrupt = live_source_interrupt,
	.update_stats = live_source_update_stats,
	.progress = live_source_progress,
	.linktype = live_source_linktype,
	.socket = live_source_socket,
	.close = live_source_close,
	.live = true,
};

/* A path as a shell takes it: between single quotes, each of its own ended, escaped and begun again. */
static void add_quoted(struct buffer *out, const char *path)
{
	buffer_add_str(out, "'");
	for (; *path; path++)
		buffer_add(out, *path == '\'' ? "'\\''" : path, *path == '\'' ? 4 : 1);
	buffer_add_str(out, "'");
}

static void advise_capability(const char *program, struct buffer *error)
{
	bool plain =
		program &&
		!program[strspn(program, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-")];

	buffer_add_str(error, "permission denied; run as root, or: setcap cap_net_raw+ep ");
	if (!program || plain)
		buffer_add_str(error, program ? program : "<binary>");
	else
		add_quoted(error, program);
}

static int refuse(const char *name, int result, const char *detail, const struct live_options *options,
		  struct buffer *error)
{
	buffer_printf(error, "cannot capture on \"%s\": ", name);
	switch (result) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		advise_capability(options->program, error);
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		buffer_add_str(error, "there is no such interface; there are: ");
		interface_names(error);
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		buffer_printf(error, "the interface is down; bring it up: ip link set %s up", name);
		return -ENETDOWN;
	}
	buffer_add_str(error, detail);
	return -EIO;
}

static bool has_flag(int fd, const char *name, short flag)
{
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return false;
	memcpy(request.ifr_name, name, strlen(name));
	return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & flag;
}

/* How a socket is opened, beside what the options say */
struct ring_shape {
	bool deaf; /* to be bound by bind_deaf(): a member of a group */
	uint32_t bytes;
	int timeout_ms;
};

/* Settings are refused only for a handle that is active already, which this one is not. */
static int activate_pcap(pcap_t *pcap, const char *name, const struct live_options *options,
			 const struct ring_shape *shape)
{
	if (shape->deaf)
		pcap_set_protocol_linux(pcap, NO_PROTOCOL);
	pcap_set_snaplen(pcap, (int)options->snaplen);
	pcap_set_buffer_size(pcap, (int)shape->bytes);
	pcap_set_promisc(pcap, options->promiscuous && strcmp(name, "any") != 0);
	pcap_set_timeout(pcap, shape->timeout_ms);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	return pcap_activate(pcap);
}

static int activate(struct interface *in, const struct live_options *options, const struct ring_shape *shape,
		    struct buffer *error)
{
	int result = activate_pcap(in->pcap, in->name, options, shape);

	if (result < 0)
		return refuse(in->name, result, pcap_geterr(in->pcap), options, error);
	in->linktype = pcap_datalink(in->pcap);
	in->ns_per_unit = pcap_get_tstamp_precision(in->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
	return 0;
}

static int check_linktype(const struct interface *in, struct buffer *error)
{
	const char *name = pcap_datalink_val_to_name(in->linktype);

	if (decode_knows_linktype(in->linktype))
		return 0;
	buffer_printf(
		error,
		"cannot capture on \"%s\": its link type %s is not decoded; capture where the packets are "
		"Ethernet or plain IP, or on \"any\"",
		in->name, name ? name : "(unknown)");
	return -ENOTSUP;
}

static int set_filter(const struct interface *in, pcap_t *pcap, const struct live_options *options, struct buffer *error)
{
	struct live_filter filter = { .ports = &options->ports,
				      .vxlan_ports = &options->vxlan_ports,
				      .tunnels = options->tunnels,
				      .expression = options->expression };
	struct buffer text = { 0 };
	struct bpf_program program;
	int result;

	filter_live_text(&filter, filter_knows_vlan(pcap), &text);
	result = filter_compile(pcap, &text, options->expression, in->name, &program, error);
	buffer_deinit(&text);
	if (result != 0)
		return result;
	if (pcap_setfilter(pcap, &program) != 0)
		result = refuse(in->name, PCAP_ERROR, pcap_geterr(pcap), options, error);
	pcap_freecode(&program);
	return result;
}

static bool is_any(const struct interface *in)
{
	return strcmp(in->name, "any") == 0;
}

static bool is_loopback(const struct interface *in)
{
	return has_flag(pcap_fileno(in->pcap), in->name, IFF_LOOPBACK);
}

/* From the protocol that does not exist to all of them, deaf until its filter is set. */
static int bind_deaf(const struct interface *in, pcap_t *pcap)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = is_any(in) ? 0 : (int)if_nametoindex(in->name) };

	if (!close_the_tap(pcap))
		return -errno;
	return bind(pcap_fileno(pcap), (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
}

static int open_first(struct interface *in, const struct live_options *options, const struct ring_shape *shape,
		      struct buffer *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	int result;

	in->pcap = pcap_create(in->name, reason);
	if (!in->pcap)
		return refuse(in->name, PCAP_ERROR, reason, options, error);
	result = activate(in, options, shape, error);
	if (result == 0)
		result = check_linktype(in, error);
	if (result == 0 && !is_any(in) && !has_flag(pcap_fileno(in->pcap), in->name, IFF_UP))
		result = refuse(in->name, PCAP_ERROR_IFACE_NOT_UP, "", options, error);
	if (result == 0 && pcap_setnonblock(in->pcap, 1, reason) != 0)
		result = refuse(in->name, PCAP_ERROR, reason, options, error);
	return result;
}

/* NULL: it cannot be had */
static pcap_t *open_second(const struct interface *in, const struct live_options *options)
{
	const struct ring_shape shape = { true, options->buffer_bytes - options->buffer_bytes / 2, SPILL_TIMEOUT_MS };
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(in->name, reason);

	if (pcap && (activate_pcap(pcap, in->name, options, &shape) < 0 || pcap_datalink(pcap) != in->linktype ||
		     pcap_setnonblock(pcap, 1, reason) != 0)) {
		pcap_close(pcap);
		return NULL;
	}
	return pcap;
}

/*
 * Loopback shows each packet twice, and in a group only the group's own flag keeps one out: since 5.17. A kernel that
 * does not know it takes it all the same, so its version is asked for.
 */
static bool group_ignores_outgoing(void)
{
	unsigned major = 0, minor = 0;
	struct utsname name;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 17));
}

/*
 * Both rings and their filters. Return: whether it worked; if not, all is closed again, and opening one ring says
 * what is wrong, or works where only the group did not (an old kernel).
 */
static bool open_pair(struct interface *in, const struct live_options *options)
{
	const struct ring_shape half = { true, options->buffer_bytes / 2, BLOCK_TIMEOUT_MS };
	struct buffer ignored = { 0 };
	bool works = open_first(in, options, &half, &ignored) == 0;
	pcap_t *second = works ? open_second(in, options) : NULL;

	works = second && (!is_loopback(in) || group_ignores_outgoing()) && bind_deaf(in, in->pcap) == 0 &&
		bind_deaf(in, second) == 0 &&
		spill_new(in->pcap, second, is_loopback(in), &in->spill) == 0;
	if (second && !in->spill)
		pcap_close(second);
	/* The second first: what goes to the first one by then is never without it. */
	works = works && set_filter(in, second, options, &ignored) == 0 && set_filter(in, in->pcap, options, &ignored) == 0;
	buffer_deinit(&ignored);
	if (!works)
		close_interface(in);
	return works;
}

static int open_interface(struct interface *in, const struct live_options *options, bool is_lane,
			  struct buffer *error)
{
	const struct ring_shape whole = { is_lane, options->buffer_bytes, BLOCK_TIMEOUT_MS };
	int on = 1, result;

	if (!is_lane && options->buffer_bytes >= PAIR_MIN_BYTES && open_pair(in, options))
		return 0;
	result = open_first(in, options, &whole, error);
	if (result == 0 && !is_lane)
		result = set_filter(in, in->pcap, options, error);
	if (result != 0)
		return result;
	/* A kernel before 4.20 doesn't know it; libpcap then drops the copies itself. */
	if (is_loopback(in))
		setsockopt(pcap_fileno(in->pcap), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	return 0;
}

/**
 * join_group() - become a member of the fanout group of this interface
 * @group:  0 for the first one, who founds it; then what the others need
 */
static int join_group(struct interface *in, int *group)
{
	int fd = pcap_fileno(in->pcap);
	unsigned flags = PACKET_FANOUT_FLAG_DEFRAG | PACKET_FANOUT_FLAG_UNIQUEID;
	socklen_t size = sizeof(*group);
	int found;

	if (*group != 0)
		return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, group, sizeof(*group)) == 0 ? 0 : -errno;
	if (is_loopback(in))
		flags |= PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
	found = (int)((PACKET_FANOUT_HASH | flags) << 16);
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &found, sizeof(found)) != 0 ||
	    getsockopt(fd, SOL_PACKET, PACKET_FANOUT, group, &size) != 0)
		return -errno;
	return 0;
}

/* Each packet would come twice. */
static int refuse_overlap(const struct live_options *options, struct buffer *error)
{
	for (size_t i = 0; i < options->interface_count; i++) {
		const char *name = options->interfaces[i];

		if (strcmp(name, "any") == 0 && options->interface_count > 1) {
			buffer_add_str(error, "cannot capture on \"any\" beside other interfaces: it has their "
					      "packets too; name either \"any\" or the interfaces");
			return -EINVAL;
		}
		for (size_t j = 0; j < i; j++) {
			if (strcmp(options->interfaces[j], name) == 0) {
				buffer_printf(error, "cannot capture on \"%s\" twice: name it once", name);
				return -EINVAL;
			}
		}
	}
	return 0;
}

static int check_options(const struct live_options *options, struct buffer *error)
{
	int result = filter_check_expression(options->expression, error);

	if (result == 0 && options->interface_count == 0) {
		buffer_add_str(error, "cannot capture: no interface is named");
		result = -EINVAL;
	}
	if (result == 0 && (options->snaplen > INT_MAX || options->buffer_bytes > INT_MAX)) {
		buffer_printf(error, "cannot capture: snaplen and buffer size must be below %d bytes", INT_MAX);
		result = -EINVAL;
	}
	return result ? result : refuse_overlap(options, error);
}

static struct live_source *live_source_new(const struct live_options *options)
{
	struct live_source *s = cache_line_calloc(sizeof(*s) + options->interface_count * sizeof(s->interface[0]));

	if (!s)
		return NULL;
	s->poll = calloc(options->interface_count, sizeof(s->poll[0]));
	if (!s->poll) {
		free(s);
		return NULL;
	}
	s->base.ops = &live_source_ops;
	s->buffer_bytes = options->buffer_bytes;
	s->busy_packets = BUSY_PACKETS;
	return s;
}

/* One lane: its interfaces, which are deaf if it is one of several. */
static int open_lane(const struct live_options *options, bool is_lane, struct source **out,
		     struct buffer *error)
{
	struct live_source *s = live_source_new(options);
	int result = 0;

	if (!s) {
		buffer_add_str(error, "cannot capture: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < options->interface_count && result == 0; i++) {
		s->interface[i].name = options->interfaces[i];
		s->count = i + 1;
		result = open_interface(&s->interface[i], options, is_lane, error);
	}
	if (result != 0) {
		source_close(&s->base);
		return result;
	}
	*out = &s->base;
	return 0;
}

/* All lanes' sockets of one interface, in the order of the lanes. */
static int make_group(struct source **lanes, size_t count, size_t interface, struct buffer *error)
{
	int group = 0;

	for (size_t lane = 0; lane < count; lane++) {
		struct interface *in = &((struct live_source *)lanes[lane])->interface[interface];
		int result = bind_deaf(in, in->pcap);

		if (result == 0)
			result = join_group(in, &group);
		if (result == 0)
			continue;
		buffer_printf(
			error,
			"cannot capture on \"%s\" with several lanes: this kernel refused a fanout group (%s); "
			"leave --lanes out",
			in->name, strerror(-result));
		return result;
	}
	return 0;
}

static int set_lane_filter(struct live_source *s, size_t i, const struct live_options *options, struct buffer *error)
{
	return set_filter(&s->interface[i], s->interface[i].pcap, options, error);
}

/* From deaf sockets to a capture: groups first, then all filters. */
static int let_in(struct source **lanes, size_t count, const struct live_options *options, struct buffer *error)
{
	int result = 0;

	for (size_t i = 0; i < options->interface_count && result == 0; i++)
		result = make_group(lanes, count, i, error);
	for (size_t lane = 0; lane < count; lane++)
		for (size_t i = 0; i < options->interface_count && result == 0; i++)
			result = set_lane_filter((struct live_source *)lanes[lane], i, options, error);
	return result;
}

int source_open_lanes(const struct live_options *options, size_t count, struct source **out,
		      struct buffer *error)
{
	size_t opened = 0;
	int result = check_options(options, error);

	for (; opened < count && result == 0; opened += result == 0) {
		result = open_lane(options, count > 1, &out[opened], error);
		if (result == 0) {
			struct live_source *s = (struct live_source *)out[opened];

			s->counts_interface = opened == 0;
			s->busy_packets = BUSY_PACKETS / count + 1; /* it sees its part of them */
		}
	}
	if (result == 0 && count > 1)
		result = let_in(out, count, options, error);
	while (result != 0 && opened > 0)
		source_close(out[--opened]);
	return result;
}

int source_open_live(const struct live_options *options, struct source **out, struct buffer *error)
{
	return source_open_lanes(options, 1, out, error);
}
