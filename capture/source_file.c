/*
 * source_file.c - packets from recordings, in order of time
 *
 * Theory of operation. pcapng is read by pcapng_reader.c, whatever it comes from. pcap
 * (either byte order, micro- or nanoseconds) is opened by libpcap, which gets its bytes
 * from input.c; from a plain file packets are then taken by plain_pcap.c, which is faster
 * and otherwise the same, and from what is packed or a pipe by libpcap. Each file
 * holds one packet ready, its head; a read takes the earliest head and refills
 * that file. Equal times keep the order in which the files were named, so a
 * merge is the same every time. The packet that the callback borrows is the
 * reader's, valid until that file is read again, which is after the callback.
 *
 * A filter is libpcap's in any case, one for each link type, since a pcapng can have packets of
 * several. Those that are known at opening must be able to have it, or one of them where there
 * are more: "ether host X" means nothing on loopback, and no packet there is wanted then.
 *
 * Everything before the first damage of a file is used; then that file ends
 * with a complaint and the others go on. What the readers say about damage is
 * turned into a sentence that says what to do.
 *
 * A pipe may have a writer that is silent for long, so a read from a pipe that
 * has nothing returns without a packet, as a live source does.
 *
 * Secrets are handed out before anything else is read, and link types are asked for before, too: both take a walk
 * through a pcapng. One that is packed is opened anew behind it. Of a pipe there is no walk.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache_line.h"
#include "capture/filter.h"
#include "capture/input.h"
#include "capture/pcapng_reader.h"
#include "capture/plain_pcap.h"
#include "capture/source_impl.h"

#define WAIT_MS 20
#define LINKTYPES_MAX PCAPNG_LINKTYPES_MAX
#define SNAPLEN_TO_COMPILE_WITH 262144

enum step {
	STEP_HEAD,    /* a packet is ready */
	STEP_NOTHING, /* one was read and filtered out */
	STEP_WAIT,    /* a pipe has nothing yet */
	STEP_END,     /* the file ended, well or not */
};

/** struct link_filter - the user's expression for one link type */
struct link_filter {
	int linktype;
	bool compiled; /* false: it means nothing there */
	struct bpf_program program;
};

struct file {
	const char *path; /* borrowed from the options */
	int fd;           /* of the path, borrowed; or -1 */
	struct input *input;
	struct pcapng_reader *pcapng; /* of a pcapng; all others have pcap */
	pcap_t *pcap;
	struct plain_pcap *plain; /* reads in place of pcap; or NULL */
	char *expression;         /* NULL: all packets are wanted */
	struct link_filter filter[LINKTYPES_MAX];
	size_t filter_count;
	bool has_head, ended;
	bool has_told;    /* ... that secrets are damaged */
	bool is_walked;   /* of a pcapng: what pcapng_reader_linktype() says is final */
	uint64_t packets; /* read, filtered-out ones included */
	int linktype;     /* of all packets of a pcap */
	struct packet head;
};

struct file_source {
	struct source base;
	bool stopped;
	_Atomic bool interrupted;
	size_t count;
	struct file file[];
};

static bool says(const char *reader_error, const char *words)
{
	return strstr(reader_error, words) != NULL;
}

/* A clause that goes behind "cannot read X: " or "X could be read only up to packet N: ". */
static void add_reason(struct buffer *out, const struct file *f, const char *reader_error)
{
	if (input_trouble(f->input)) {
		buffer_add_str(out, input_trouble(f->input));
		return;
	}
	if (says(reader_error, "truncated"))
		buffer_add_str(out, "the file is cut");
	else
		buffer_printf(out, "it is damaged there (%s)", reader_error);
}

static void complain(struct file_source *s, const struct file *f, const char *reader_error)
{
	struct buffer *text = source_complain(&s->base);

	buffer_printf(text, "\"%s\" could be read only up to packet %llu (those were used): ", f->path,
		      (unsigned long long)f->packets);
	add_reason(text, f, reader_error);
}

static const char *file_error(const struct file *f)
{
	return f->pcapng ? pcapng_reader_error(f->pcapng) : f->plain ? plain_pcap_error(f->plain) : pcap_geterr(f->pcap);
}

/* Once for a file, when all of its blocks were seen. */
static void tell_damaged_secrets(struct file_source *s, struct file *f)
{
	uint64_t n = f->pcapng ? pcapng_reader_counts(f->pcapng)->skipped[BLOCK_SKIP_DAMAGED_SECRETS] : 0;

	if (n == 0 || f->has_told)
		return;
	f->has_told = true;
	buffer_printf(source_complain(&s->base),
		      "\"%s\" has %llu damaged block%s of secrets, passed over: connections of which no other secret is known "
		      "were not read; name their key log with --keylog",
		      f->path, (unsigned long long)n, n == 1 ? "" : "s");
}

/* The file gives no more packets; say so if it should have. */
static enum step end_file(struct file_source *s, struct file *f, int pcap_result)
{
	f->ended = true;
	tell_damaged_secrets(s, f);
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
	if (f->pcapng)
		return pcapng_reader_next(f->pcapng, out);
	result = pcap_next_ex(f->pcap, &header, &bytes);
	if (result == 1)
		*out = packet_of_pcap(header, bytes, f->linktype);
	return result;
}

/* For packets of the link type of @pcap. Return: 0, -EINVAL with a sentence in @error, or -ENOMEM. */
static int add_filter(struct file *f, pcap_t *pcap, struct buffer *error)
{
	struct link_filter *filter = &f->filter[f->filter_count++];
	struct buffer text = { 0 };
	int result;

	filter_file_text(f->expression, filter_knows_vlan(pcap), &text);
	result = filter_compile(pcap, &text, f->expression, f->path, &filter->program, error);
	filter->linktype = pcap_datalink(pcap);
	filter->compiled = result == 0;
	buffer_deinit(&text);
	return result;
}

/* Also for one that comes up late. Return: NULL if there is no room. */
static struct link_filter *filter_of(struct file *f, int linktype)
{
	struct buffer error = { 0 };
	pcap_t *dead;

	for (size_t i = 0; i < f->filter_count; i++)
		if (f->filter[i].linktype == linktype)
			return &f->filter[i];
	dead = f->filter_count < LINKTYPES_MAX ? pcap_open_dead(linktype, SNAPLEN_TO_COMPILE_WITH) : NULL;
	if (!dead)
		return NULL;
	add_filter(f, dead, &error);
	pcap_close(dead);
	buffer_deinit(&error);
	return &f->filter[f->filter_count - 1];
}

/* What we cannot decode passes, so that it is counted as that. */
static bool is_wanted(struct file *f, const struct packet *packet)
{
	struct pcap_pkthdr header = { .caplen = (bpf_u_int32)packet->bytes.len, .len = packet->wire_len };
	const struct link_filter *filter;

	if (!f->expression)
		return true;
	filter = filter_of(f, packet->linktype);
	if (!filter || !filter->compiled)
		return !decode_knows_linktype(packet->linktype);
	return pcap_offline_filter(&filter->program, &header, packet->bytes.at);
}

/* Would the next packet have to be waited for? */
static bool must_wait(struct file_source *s, const struct file *f, int wait_ms)
{
	if (f->plain || (f->pcapng && pcapng_reader_ready(f->pcapng)))
		return false;
	return !input_ready(f->input, wait_ms) && !atomic_load_explicit(&s->interrupted, memory_order_relaxed);
}

static enum step file_step(struct file_source *s, struct file *f, int wait_ms)
{
	int result;

	if (must_wait(s, f, wait_ms))
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

/* Is there one plain file, of which all is wanted? */
static bool is_simple(const struct file_source *s)
{
	const struct file *f = &s->file[0];

	return s->count == 1 && input_is_plain(f->input) && (f->plain || f->pcapng) && !f->expression && !f->ended;
}

/** read_simple() - then there is nothing to merge, to wait for, or to keep ready */
static int read_simple(struct file_source *s, size_t max, packet_fn *fn, void *ctx)
{
	struct file *f = &s->file[0];

	for (size_t turn = 0; turn < max && !s->stopped; turn++) {
		struct packet packet;
		int result = f->plain ? plain_pcap_next(f->plain, &packet) : pcapng_reader_next(f->pcapng, &packet);

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

	if (is_simple(s))
		return read_simple(s, max, fn, ctx);

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
	const struct file_source *s = (const struct file_source *)base;

	counter_set(&stats->dropped_kernel, 0);
	counter_set(&stats->dropped_interface, 0);
	for (int kind = 0; kind < BLOCK_SKIP_COUNT; kind++) {
		uint64_t n = 0;

		for (size_t i = 0; i < s->count; i++)
			n += s->file[i].pcapng ? pcapng_reader_counts(s->file[i].pcapng)->skipped[kind] : 0;
		counter_set(&stats->block_skip[kind], n);
	}
}

static uint64_t file_done(const struct file *f)
{
	if (f->plain)
		return plain_pcap_done(f->plain);
	return f->pcapng && input_is_plain(f->input) ? pcapng_reader_done(f->pcapng) : input_done(f->input);
}

static void file_source_progress(const struct source *base, uint64_t *done, uint64_t *total)
{
	const struct file_source *s = (const struct file_source *)base;
	bool all_known = true;

	*done = *total = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct file *f = &s->file[i];

		*done += file_done(f);
		*total += input_total(f->input);
		if (!input_is_file(f->input))
			all_known = false;
	}
	if (!all_known)
		*total = 0;
}

static void file_close(struct file *f)
{
	for (size_t i = 0; i < f->filter_count; i++)
		if (f->filter[i].compiled)
			pcap_freecode(&f->filter[i].program);
	free(f->expression);
	plain_pcap_free(f->plain);
	pcapng_reader_free(f->pcapng);
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

static int refuse(const struct file *f, const char *reader_error, struct buffer *error)
{
	buffer_printf(error, "cannot read \"%s\": ", f->path);
	if (says(reader_error, "unknown file format"))
		buffer_add_str(error, "it is no pcap or pcapng file; record one with: tcpdump -w FILE");
	else if (says(reader_error, "truncated") && !input_trouble(f->input))
		buffer_add_str(error, "it ends before the file header does; copy or record it again");
	else
		add_reason(error, f, reader_error);
	return -EINVAL;
}

/* Return: 0, or a negative errno with a sentence in @error. */
static int begin_pcapng(struct file *f, struct buffer *error)
{
	return pcapng_reader_begin(f->pcapng) == 1 ? 0 : refuse(f, pcapng_reader_error(f->pcapng), error);
}

/* Before the first packet: secrets are handed out, and link types known. Return: 0 or a negative errno. */
static int walk(struct file *f, struct buffer *error)
{
	struct input *again;
	int result;

	pcapng_reader_walk(f->pcapng);
	f->is_walked = true;
	if (!input_is_plain(f->input)) {
		result = input_open(f->path, f->fd, &again, error);
		if (result != 0)
			return result;
		pcapng_reader_restart(f->pcapng, again);
		input_free(f->input);
		f->input = again;
	} else {
		pcapng_reader_restart(f->pcapng, f->input);
	}
	return begin_pcapng(f, error);
}

/* For its link types. Once packets were read, what is known must do. */
static void walk_late(struct file_source *s, struct file *f)
{
	struct buffer error = { 0 };

	if (f->is_walked || f->packets > 0 || !input_is_file(f->input))
		return;
	if (walk(f, &error) != 0) {
		buffer_add_span(source_complain(&s->base), buffer_span(&error));
		f->ended = true;
	}
	buffer_deinit(&error);
}

static int linktype_of(struct file_source *s, struct file *f, size_t i)
{
	if (!f->pcapng)
		return i == 0 ? f->linktype : -1;
	walk_late(s, f);
	return pcapng_reader_linktype(f->pcapng, i);
}

static int file_source_linktype(struct source *base, size_t i)
{
	struct file_source *s = (struct file_source *)base;

	for (size_t n = 0; n < s->count; n++) {
		size_t in_file = 0;
		int linktype;

		while ((linktype = linktype_of(s, &s->file[n], in_file)) >= 0 && i > 0) {
			in_file++;
			i--;
		}
		if (linktype >= 0)
			return linktype;
	}
	return -1;
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

static int open_pcapng(struct file *f, const struct file_options *options, struct buffer *error)
{
	int result;

	f->pcapng = pcapng_reader_new(f->input, options->on_secrets, options->secrets_ctx);
	if (!f->pcapng) {
		buffer_printf(error, "cannot read \"%s\": out of memory", f->path);
		return -ENOMEM;
	}
	result = begin_pcapng(f, error);
	if (result == 0 && options->on_secrets && input_is_file(f->input))
		result = walk(f, error);
	return result;
}

/* Of several link types one must be able to have it. */
static int filter_pcapng(struct file *f, struct buffer *error)
{
	bool compiled = false;
	int result = 0, linktype;

	for (size_t i = 0; result != -ENOMEM && (linktype = pcapng_reader_linktype(f->pcapng, i)) >= 0; i++) {
		pcap_t *dead = pcap_open_dead(linktype, SNAPLEN_TO_COMPILE_WITH);

		buffer_clear(error);
		result = dead ? add_filter(f, dead, error) : -ENOMEM;
		compiled |= result == 0;
		if (dead)
			pcap_close(dead);
	}
	if (compiled && result != -ENOMEM) {
		buffer_clear(error);
		result = 0;
	}
	return result;
}

static int set_filter(struct file *f, const char *expression, struct buffer *error)
{
	struct buffer text = { 0 };
	bool has_filter;

	filter_file_text(expression, false, &text);
	has_filter = text.len > 0;
	buffer_deinit(&text);
	if (!has_filter)
		return 0;
	f->expression = strdup(expression);
	if (!f->expression)
		return -ENOMEM;
	return f->pcapng ? filter_pcapng(f, error) : add_filter(f, f->pcap, error);
}

static int open_plain(struct file *f, struct buffer *error)
{
	int result = plain_pcap_new(f->pcap, f->input, &f->plain);

	if (result != 0)
		buffer_printf(error, "cannot read \"%s\": out of memory", f->path);
	return result;
}

static int open_file(struct file *f, const struct file_options *options, struct buffer *error)
{
	int result = input_open(f->path, f->fd, &f->input, error);

	if (result != 0)
		return result;
	if (pcapng_reader_knows(f->input) && !options->libpcap_only) {
		result = open_pcapng(f, options, error);
	} else {
		result = open_pcap(f, error);
		if (result == 0 && !options->libpcap_only)
			result = open_plain(f, error);
	}
	return result == 0 ? set_filter(f, options->expression, error) : result;
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
		result = open_file(&s->file[i], options, error);
	}
	if (result != 0) {
		source_close(&s->base);
		return result;
	}
	*out = &s->base;
	return 0;
}
