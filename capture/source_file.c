/*
 * source_file.c - packets from recordings, in order of time
 *
 * Theory of operation. libpcap opens the files (pcap and pcapng, either byte
 * order, micro- or nanoseconds), compiles filters for them and takes packets
 * from them; input.c gives it their bytes. From a plain pcap file packets are
 * taken by plain_pcap.c, which is faster and otherwise the same. Each file
 * holds one packet ready, its head; a read takes the earliest head and refills
 * that file. Equal times keep the order in which the files were named, so a
 * merge is the same every time. The packet that the callback borrows is the
 * reader's, valid until that file is read again, which is after the callback.
 *
 * Everything before the first damage of a file is used; then that file ends
 * with a complaint and the others go on. What libpcap says about damage is
 * turned into a sentence that says what to do.
 *
 * A regular file is read up to its first packet at opening, because a pcapng
 * with several link types shows itself only there. If all its packets are of one,
 * it is opened again as if all its interfaces were (lift.h). A pipe is not, since its
 * writer may be silent for long; for the same reason a read from a pipe that
 * has nothing returns without a packet, as a live source does.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache_line.h"
#include "capture/filter.h"
#include "capture/input.h"
#include "capture/plain_pcap.h"
#include "capture/source_impl.h"

#define WAIT_MS 20
#define LINKTYPE_RAW 101

enum step {
	STEP_HEAD,    /* a packet is ready */
	STEP_NOTHING, /* one was read and filtered out */
	STEP_WAIT,    /* a pipe has nothing yet */
	STEP_END,     /* the file ended, well or not */
};

struct file {
	const char *path; /* borrowed from the options */
	int fd;           /* of the path, borrowed; or -1 */
	struct input *input;
	pcap_t *pcap;
	struct plain_pcap *plain; /* reads in place of pcap; or NULL */
	struct bpf_program filter;
	bool has_filter, has_head, ended;
	uint64_t packets; /* read, filtered-out ones included */
	int linktype;
	struct packet head;
};

struct file_source {
	struct source base;
	bool stopped;
	_Atomic bool interrupted;
	size_t count;
	struct file file[];
};

static bool says(const char *libpcap_error, const char *words)
{
	return strstr(libpcap_error, words) != NULL;
}

/* libpcap's words, what they mean, and what to do. Other words are passed on as they are. */
static const struct {
	const char *words, *meaning;
} damages[] = {
	{ "different from the type of the first interface",
	  "it mixes link types; write the packets of each interface to a file of its own (capinfos FILE names their "
	  "encapsulations; for number 0 with Ethernet: tshark -r FILE -Y 'frame.interface_id == 0' -w - | "
	  "editcap -F pcap -T ether - only0.pcap) and name each with -r" },
	{ "truncated", "the file is cut" },
};

static bool mixes_linktypes(const char *libpcap_error)
{
	return says(libpcap_error, "different from the type of the first");
}

/* A clause that goes behind "cannot read X: " or "X could be read only up to packet N: ". */
static void add_reason(struct buffer *out, const struct file *f, const char *libpcap_error)
{
	if (input_trouble(f->input)) {
		buffer_add_str(out, input_trouble(f->input));
		return;
	}
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		if (says(libpcap_error, damages[i].words)) {
			buffer_add_str(out, damages[i].meaning);
			return;
		}
	}
	buffer_printf(out, "it is damaged there (%s)", libpcap_error);
}

static void complain(struct file_source *s, const struct file *f, const char *libpcap_error)
{
	struct buffer *text = source_complain(&s->base);

	buffer_printf(text, "\"%s\" could be read only up to packet %llu (those were used): ", f->path,
		      (unsigned long long)f->packets);
	add_reason(text, f, libpcap_error);
}

static const char *file_error(const struct file *f)
{
	return f->plain ? plain_pcap_error(f->plain) : pcap_geterr(f->pcap);
}

/* The file gives no more packets; say so if it should have. */
static enum step end_file(struct file_source *s, struct file *f, int pcap_result)
{
	f->ended = true;
	if (atomic_load_explicit(&s->interrupted, memory_order_relaxed))
		return STEP_END; /* we broke it off ourselves */
	if (pcap_result == PCAP_ERROR)
		complain(s, f, file_error(f));
	else if (input_trouble(f->input)) /* broke off exactly between two packets */
		complain(s, f, "");
	return STEP_END;
}

/* The next packet of @f. Return: 1 or what libpcap calls the end. */
static int next_packet(struct file *f, struct packet *out)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int result;

	if (f->plain)
		return plain_pcap_next(f->plain, out);
	result = pcap_next_ex(f->pcap, &header, &bytes);
	if (result == 1)
		*out = packet_of_pcap(header, bytes, f->linktype);
	return result;
}

static bool is_wanted(const struct file *f, const struct packet *packet)
{
	struct pcap_pkthdr header = { .caplen = (bpf_u_int32)packet->bytes.len, .len = packet->wire_len };

	return !f->has_filter || pcap_offline_filter(&f->filter, &header, packet->bytes.at);
}

static enum step file_step(struct file_source *s, struct file *f, int wait_ms)
{
	int result;

	if (!f->plain && !input_ready(f->input, wait_ms) && !atomic_load_explicit(&s->interrupted, memory_order_relaxed))
		return STEP_WAIT;
	result = next_packet(f, &f->head);
	if (result != 1)
		return end_file(s, f, result);
	f->packets++;
	f->has_head = is_wanted(f, &f->head);
	return f->has_head ? STEP_HEAD : STEP_NOTHING;
}

static struct file *earliest(struct file_source *s)
{
	struct file *first = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct file *f = &s->file[i];

		if (f->has_head && (!first || f->head.ts.ns < first->head.ts.ns))
			first = f;
	}
	return first;
}

/* Give every file that goes on a head, at the cost of at most one packet each. */
static enum step refill(struct file_source *s, int wait_ms)
{
	enum step result = STEP_END;

	for (size_t i = 0; i < s->count; i++) {
		struct file *f = &s->file[i];
		enum step step;

		if (f->ended)
			continue;
		step = f->has_head ? STEP_HEAD : file_step(s, f, wait_ms);
		if (step == STEP_NOTHING || step == STEP_WAIT)
			return step; /* without this head it is not known which is the earliest */
		if (step == STEP_HEAD)
			result = STEP_HEAD;
	}
	return result;
}

/** read_plain() - from one plain file, of which all is wanted: nothing to merge, to wait for, or to keep ready */
static int read_plain(struct file_source *s, size_t max, packet_fn *fn, void *ctx)
{
	struct file *f = &s->file[0];

	for (size_t turn = 0; turn < max && !s->stopped; turn++) {
		struct packet packet;
		int result = plain_pcap_next(f->plain, &packet);

		if (result != 1) {
			end_file(s, f, result);
			return SOURCE_EOF;
		}
		f->packets++;
		fn(ctx, &packet);
	}
	return s->stopped ? SOURCE_EOF : 0;
}

static int file_source_read(struct source *base, size_t max, packet_fn *fn, void *ctx)
{
	struct file_source *s = (struct file_source *)base;
	bool borrowed = false;

	if (s->count == 1 && s->file[0].plain && !s->file[0].has_filter && !s->file[0].has_head && !s->file[0].ended)
		return read_plain(s, max, fn, ctx);

	for (size_t turn = 0; turn < max && !s->stopped; turn++) {
		struct file *f = &s->file[0];
		enum step step = refill(s, borrowed ? 0 : WAIT_MS);

		if (step == STEP_WAIT)
			return 0;
		if (step == STEP_NOTHING)
			continue;
		if (step == STEP_END)
			return SOURCE_EOF;
		if (s->count > 1)
			f = earliest(s);
		f->has_head = false;
		fn(ctx, &f->head);
		borrowed = true;
	}
	return s->stopped ? SOURCE_EOF : 0;
}

static void file_source_stop(struct source *base, struct wall now)
{
	((struct file_source *)base)->stopped = true;
}

static void file_source_interrupt(struct source *base)
{
	struct file_source *s = (struct file_source *)base;

	atomic_store_explicit(&s->interrupted, true, memory_order_relaxed);
	for (size_t i = 0; i < s->count; i++)
		if (!input_is_file(s->file[i].input))
			input_interrupt(s->file[i].input);
}

/* No kernel took part, so nothing was dropped. */
static void file_source_update_stats(struct source *base, struct capture_stats *stats)
{
	counter_set(&stats->dropped_kernel, 0);
	counter_set(&stats->dropped_interface, 0);
}

static void file_source_progress(const struct source *base, uint64_t *done, uint64_t *total)
{
	const struct file_source *s = (const struct file_source *)base;
	bool all_known = true;

	*done = *total = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct file *f = &s->file[i];

		*done += f->plain ? plain_pcap_done(f->plain) : input_done(f->input);
		*total += input_total(f->input);
		if (!input_is_file(f->input))
			all_known = false;
	}
	if (!all_known)
		*total = 0;
}

static void file_close(struct file *f)
{
	if (f->has_filter)
		pcap_freecode(&f->filter);
	plain_pcap_free(f->plain);
	if (f->pcap)
		pcap_close(f->pcap); /* closes the stream */
	input_free(f->input);
}

static void file_source_close(struct source *base)
{
	struct file_source *s = (struct file_source *)base;

	for (size_t i = 0; i < s->count; i++)
		file_close(&s->file[i]);
	free(s);
}

static int file_source_linktype(const struct source *base, size_t i)
{
	const struct file_source *s = (const struct file_source *)base;

	return i < s->count ? s->file[i].linktype : -1;
}

static const struct source_ops file_source_ops = {
	.read = file_source_read,
	.stop = file_source_stop,
	.interrupt = file_source_interrupt,
	.update_stats = file_source_update_stats,
	.progress = file_source_progress,
	.linktype = file_source_linktype,
	.close = file_source_close,
	.live = false,
};

static int refuse(const struct file *f, const char *libpcap_error, struct buffer *error)
{
	buffer_printf(error, "cannot read \"%s\": ", f->path);
	if (says(libpcap_error, "unknown file format"))
		buffer_add_str(error, "it is no pcap or pcapng file; record one with: tcpdump -w FILE");
	else if (says(libpcap_error, "truncated") && !input_trouble(f->input))
		buffer_add_str(error, "it ends before the file header does; copy or record it again");
	else
		add_reason(error, f, libpcap_error);
	return -EINVAL;
}

/* The stream is pcap's once this succeeds. */
static int open_pcap(struct file *f, struct buffer *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	FILE *stream = input_stream(f->input);

	if (!stream) {
		buffer_printf(error, "cannot read \"%s\": out of memory", f->path);
		return -ENOMEM;
	}
	f->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (!f->pcap) {
		fclose(stream);
		return refuse(f, reason, error);
	}
	f->linktype = pcap_datalink(f->pcap);
	return 0;
}

static int set_filter(struct file *f, const char *expression, struct buffer *error)
{
	struct buffer text = { 0 };
	int result = 0;

	filter_file_text(expression, filter_knows_vlan(f->pcap), &text);
	if (text.len)
		result = filter_compile(f->pcap, &text, expression, f->path, &f->filter, error);
	f->has_filter = text.len && result == 0;
	buffer_deinit(&text);
	return result;
}

/* As editcap -T calls them; NULL: nothing that we decode. */
static const char *editcap_name(int linktype)
{
	static const struct {
		int linktype;
		const char *name;
	} names[] = {
		{ 0, "null" },        { 1, "ether" },        { 101, "rawip" },      { 104, "chdlc" }, { 105, "ieee-802-11" },
		{ 108, "loop" },      { 113, "linux-sll" },  { 127, "ieee-802-11-radiotap" },
		{ 228, "rawip4" },    { 229, "rawip6" },     { 276, "linux-sll2" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].linktype == linktype)
			return names[i].name;
	return NULL;
}

/* By the names that the rest of the world uses, or by number */
static void add_linktype(struct buffer *out, int linktype)
{
	const char *name = editcap_name(linktype);

	if (name)
		buffer_add_str(out, name);
	else
		buffer_printf(out, "link type %d", linktype);
}

/* Which interface has which packets, and how to take those apart that can be read. */
static int refuse_mixture(const struct file *f, const struct lift *seen, struct buffer *error)
{
	bool advised = false;

	buffer_printf(error, "cannot read \"%s\": it has packets of several link types (", f->path);
	for (size_t i = 0; i < seen->interface_count && i < LIFT_INTERFACES_MAX; i++) {
		buffer_printf(error, "%sinterface %zu: ", i ? ", " : "", i);
		add_linktype(error, seen->interface[i].linktype);
		buffer_printf(error, " with %llu packet%s", (unsigned long long)seen->interface[i].packets,
			      seen->interface[i].packets == 1 ? "" : "s");
	}
	buffer_add_str(error, "); write those of each to a file of its own, and name each with -r: ");
	for (size_t i = 0; i < seen->interface_count && i < LIFT_INTERFACES_MAX; i++) {
		const char *name = editcap_name(seen->interface[i].linktype);

		if (!name || seen->interface[i].packets == 0)
			continue;
		buffer_printf(error, "%stshark -r FILE -Y 'frame.interface_id == %zu' -w - | editcap -F pcap -T %s - only%zu.pcap",
			      advised ? "; " : "", i, name, i);
		advised = true;
	}
	return -EINVAL;
}

/* A second look at a file that libpcap refused: all of it, by a stream of its own. Return: 0 or a negative errno. */
static int look_through(const struct file *f, struct lift *seen, struct buffer *error)
{
	struct input *input;
	FILE *stream;
	char bytes[BUFSIZ];
	int result = input_open(f->path, f->fd, &input, error);

	if (result != 0)
		return result;
	stream = input_stream(input);
	while (stream && fread(bytes, 1, sizeof(bytes), stream) > 0)
		;
	*seen = *input_seen(input);
	if (stream)
		fclose(stream);
	input_free(input);
	return stream ? 0 : -ENOMEM;
}

static void file_close(struct file *f);
static int open_file_as(struct file_source *s, struct file *f, const struct file_options *options, int linktype,
			struct buffer *error);

/*
 * libpcap refuses interfaces of several link types even if all packets are of one: then the others are given that
 * one, and the file is opened anew.
 */
static int open_mixture(struct file_source *s, struct file *f, const struct file_options *options, struct buffer *error)
{
	const struct file named = { .path = f->path, .fd = f->fd };
	struct lift seen;
	int result = look_through(f, &seen, error), linktype;

	if (result != 0)
		return result;
	linktype = lift_used_linktype(&seen);
	if (linktype < 0)
		return refuse_mixture(f, &seen, error);
	file_close(f);
	*f = named;
	if (linktype == LINKTYPE_RAW) /* libpcap compares what the file says with what it makes of it */
		linktype = DLT_RAW;
	return open_file_as(s, f, options, linktype, error);
}

/*
 * Look at the first packet, so that a file that cannot be read at all is refused before anything happens.
 * Return: 0, or 1 if that is because libpcap does not take its interfaces together
 */
static int check_first_packet(struct file_source *s, struct file *f)
{
	size_t complaints = s->base.complaints.len;

	if (!input_is_file(f->input))
		return 0;
	file_step(s, f, 0);
	if (!f->ended || f->packets > 0 || f->plain || !mixes_linktypes(pcap_geterr(f->pcap)))
		return 0;
	s->base.complaints.len = complaints;
	return 1;
}

static int open_plain(struct file *f, struct buffer *error)
{
	int result = plain_pcap_new(f->pcap, f->input, &f->plain);

	if (result != 0)
		buffer_printf(error, "cannot read \"%s\": out of memory", f->path);
	return result;
}

static int open_file_as(struct file_source *s, struct file *f, const struct file_options *options, int linktype,
			struct buffer *error)
{
	int result = input_open(f->path, f->fd, &f->input, error);

	if (result != 0)
		return result;
	input_relabel(f->input, linktype);
	result = open_pcap(f, error);
	if (result == 0 && !options->libpcap_only)
		result = open_plain(f, error);
	if (result == 0)
		result = set_filter(f, options->expression, error);
	if (result == 0)
		result = check_first_packet(s, f);
	if (result != 1)
		return result;
	return linktype < 0 ? open_mixture(s, f, options, error) : refuse(f, pcap_geterr(f->pcap), error);
}

static int refuse_stdin_twice(const struct file_options *options, struct buffer *error)
{
	size_t count = 0;

	for (size_t i = 0; i < options->path_count; i++)
		count += strcmp(options->paths[i], "-") == 0;
	if (count < 2)
		return 0;
	buffer_add_str(error, "cannot read standard input twice: \"-\" is named more than once");
	return -EINVAL;
}

int source_open_files(const struct file_options *options, struct source **out, struct buffer *error)
{
	struct file_source *s;
	int result = filter_check_expression(options->expression, error);

	if (result == 0)
		result = refuse_stdin_twice(options, error);
	if (result != 0)
		return result;
	s = cache_line_calloc(sizeof(*s) + options->path_count * sizeof(s->file[0]));
	if (!s) {
		buffer_add_str(error, "cannot read the capture files: out of memory");
		return -ENOMEM;
	}
	s->base.ops = &file_source_ops;
	for (size_t i = 0; i < options->path_count && result == 0; i++) {
		s->file[i].path = options->paths[i];
		s->file[i].fd = options->fds ? options->fds[i] : -1;
		s->count = i + 1;
		result = open_file_as(s, &s->file[i], options, -1, error);
	}
	if (result != 0) {
		source_close(&s->base);
		return result;
	}
	*out = &s->base;
	return 0;
}
