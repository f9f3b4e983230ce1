/* test_recorder.c - stories of flows: what is held, what is written, what is forgotten; files that are slow or full */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/record/recorder.h"

#define MIB (1024 * 1024)

struct rig {
	struct recorder *recorder;
	struct budget budget;
	char path[64];
	int fd;
	struct recorder_stats stats;
	int64_t now_ns;
};

static void begin_lanes(struct rig *g, int fd, size_t memory, bool waits, size_t lanes)
{
	struct recorder_options options = { .files = { { fd, DLT_RAW } },
					    .file_count = 1,
					    .snaplen = 262144,
					    .max_memory = memory,
					    .lanes = lanes,
					    .budget = &g->budget,
					    .waits = waits };

	g->fd = fd;
	g->now_ns = 1700000000123456789;
	budget_init(&g->budget, memory);
	assert_int_equal(recorder_new(&options, &g->recorder), 0);
}

static void begin_in(struct rig *g, int fd, size_t memory, bool waits)
{
	begin_lanes(g, fd, memory, waits, 1);
}

static void begin(struct rig *g, size_t memory, bool waits)
{
	strcpy(g->path, "/tmp/test-recorder-XXXXXX");
	begin_in(g, mkstemp(g->path), memory, waits);
}

/* Whatever happened: nothing stays charged. */
static void end(struct rig *g)
{
	g->stats = recorder_close(g->recorder);
	assert_int_equal(budget_used(&g->budget), 0);
	close(g->fd);
}

static struct endpoint endpoint_of(unsigned host, uint16_t port)
{
	return (struct endpoint){
		.addr = { [10] = (uint8_t)(host >> 16), [14] = (uint8_t)(host >> 8), [15] = (uint8_t)host },
		.port = port,
		.family = 4
	};
}

static struct request_origin origin_of(unsigned client, uint64_t id)
{
	return (struct request_origin){ .client = endpoint_of(client, 4000),
					.server = endpoint_of(0, 80),
					.id = id };
}

/* a packet of client @client; its bytes are @text and zeros up to @len */
static void packet_on(struct rig *g, int linktype, unsigned client, bool to_server, uint32_t domain, uint8_t flags,
		      const char *text, size_t len)
{
	static uint8_t bytes[65536];
	struct endpoint a = endpoint_of(client, 4000), b = endpoint_of(0, 80);
	struct packet p = { .linktype = linktype, .wire_len = (uint32_t)len, .ts = { g->now_ns++ } };
	struct segment s = { .src = to_server ? a : b,
			     .dst = to_server ? b : a,
			     .domain = domain,
			     .flags = flags,
			     .ts = p.ts };

	memset(bytes, 0, len);
	memcpy(bytes, text, strlen(text));
	p.bytes = span_of(bytes, len);
	recorder_packet(g->recorder, &p, &s);
}

static void packet(struct rig *g, unsigned client, bool to_server, uint32_t domain, uint8_t flags, const char *text,
		   size_t len)
{
	packet_on(g, DLT_RAW, client, to_server, domain, flags, text, len);
}

/* The first letters of all packets of the file, in order. */
static const char *letters_in(const char *path)
{
	static char letters[4096];
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	size_t n = 0;
	int result;

	if (!pcap)
		fail_msg("libpcap refuses the file: %s", reason);
	while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1 && n + 1 < sizeof(letters))
		letters[n++] = (char)bytes[0];
	if (result != PCAP_ERROR_BREAK)
		fail_msg("after %zu packets: %s", n, pcap_geterr(pcap));
	pcap_close(pcap);
	letters[n] = '\0';
	return letters;
}

/*
 * A story is a text of steps: a letter is a packet to the server with that
 * letter, in angle brackets <x> from the server. After it stand marks:
 *   digit  the client's number, 1 until another is given
 *   !      this packet completes a chosen request     ^ S / F / R: SYN, FIN, RST
 *   ~      time goes on by 11 s, # by two hours; these stand alone, before a packet
 *   *C     a chosen request of client C that no packet completed (a gap was given up)
 */
static const struct story {
	const char *name, *steps, *written;
	uint64_t flows, forgotten;
} stories[] = {
	{ "nothing chosen, nothing written", "a <b> c2 <d>2", "", 0, 0 },
	{ "held until chosen, written from then on, both directions", "a^S <b> c! <d> e", "abcde", 1, 0 },
	{ "only the flow that was chosen", "a1 x2 b1! y2 <c>1 z2", "abc", 1, 0 },
	{ "two flows, one after the other", "a1 x2 b1! y2! c1 z2", "abxycz", 2, 0 },
	{ "the very first packet chooses", "a! b", "ab", 1, 0 },
	{ "chosen twice, written once", "a! b! c!", "abc", 1, 0 },
	{ "a hole given up by a packet of another flow", "a1 b1 x2 *1 y2 c1", "abc", 1, 0 },
	{ "given up at the end", "a1 b1 x2 *1", "ab", 1, 0 },
	{ "a port used again is another flow", "a^S b! c^F <d>^F e p^S q", "abcde", 1, 0 },
	{ "and its predecessor's packets are not its own", "a^S b c^F <d>^F e p^S q!", "pq", 1, 0 },
	{ "after a reset too", "a^S b <c>^R p^S q!", "pq", 1, 0 },
	{ "a SYN inside of an open flow changes nothing", "a^S b p^S q! c", "abpqc", 1, 0 },
	{ "late packets complete a request after both FINs", "a^S b^F <c>^F d!", "abcd", 1, 0 },
	{ "a closed flow is forgotten", "a^S b^F <c>^F ~ d2 e!", "e", 1, 0 },
	{ "an open one is not", "a^S b ~ d2 e!", "abe", 1, 0 },
	{ "but after an hour", "a^S b # d2 e!", "e", 1, 0 },
};

static void play(struct rig *g, const char *at)
{
	uint64_t id = 1;

	while (*at) {
		unsigned client = 1;
		uint8_t flags = TCP_ACK;
		char text[2] = { 0 };
		bool to_server = *at != '<', chosen = false;
		struct request_origin origin;

		if (*at == ' ' || *at == '~' || *at == '#') {
			g->now_ns += *at == '~' ? 11 * NS_PER_S : *at == '#' ? 7200 * NS_PER_S : 0;
			at++;
			continue;
		}
		if (*at == '*') {
			origin = origin_of((unsigned)(at[1] - '0'), id++);
			recorder_chosen(g->recorder, &origin);
			at += 2;
			continue;
		}
		text[0] = to_server ? *at : at[1];
		at += to_server ? 1 : 3;
		for (; *at && *at != ' '; at++) {
			if (*at == '^') {
				at++;
				flags = *at == 'S' ? TCP_SYN : *at == 'F' ? TCP_FIN | TCP_ACK : TCP_RST;
			} else if (*at == '!') {
				chosen = true;
			} else {
				client = (unsigned)(*at - '0');
			}
		}
		origin = origin_of(client, id++);
		if (chosen)
			recorder_chosen(g->recorder, &origin);
		packet(g, client, to_server, 0, flags, text, 60);
	}
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		const struct story *s = &stories[i];
		struct rig g;
		const char *letters;

		begin(&g, 64 * MIB, true);
		play(&g, s->steps);
		end(&g);
		letters = letters_in(g.path);
		if (strcmp(letters, s->written) != 0 || g.stats.flows != s->flows || g.stats.dropped != 0 ||
		    g.stats.forgotten != s->forgotten || g.stats.packets != strlen(s->written))
			fail_msg("%s: wrote \"%s\", flows %lu, packets %lu", s->name, letters,
				 (unsigned long)g.stats.flows, (unsigned long)g.stats.packets);
		unlink(g.path);
	}
}

/* The same four numbers in another VLAN or tunnel are another flow. */
static void test_domains(void **state)
{
	struct request_origin origin = origin_of(1, 7);
	struct rig g;

	(void)state;
	begin(&g, 64 * MIB, true);
	packet(&g, 1, true, 5, TCP_SYN, "a", 60);
	packet(&g, 1, true, 6, TCP_SYN, "x", 60);
	recorder_chosen(g.recorder, &origin);
	packet(&g, 1, true, 5, TCP_ACK, "b", 60);
	packet(&g, 1, true, 6, TCP_ACK, "y", 60);
	end(&g);
	assert_string_equal(letters_in(g.path), "ab");
	unlink(g.path);
}

/* A link type that no file is for: its packets are missed, of chosen flows, before and after they are chosen. */
static void test_no_file(void **state)
{
	struct request_origin origin = origin_of(1, 7);
	struct rig g;

	(void)state;
	begin(&g, 64 * MIB, true);
	packet_on(&g, DLT_NULL, 1, true, 0, TCP_SYN, "a", 60);
	packet_on(&g, DLT_NULL, 2, true, 0, TCP_SYN, "x", 60);
	packet(&g, 1, true, 0, TCP_ACK, "b", 60);
	recorder_chosen(g.recorder, &origin);
	packet(&g, 1, true, 0, TCP_ACK, "c", 60);
	packet_on(&g, DLT_NULL, 1, false, 0, TCP_ACK, "d", 60);
	end(&g);
	assert_string_equal(letters_in(g.path), "bc");
	assert_int_equal(g.stats.unfiled, 2);
	assert_int_equal(g.stats.dropped + g.stats.forgotten, 0);
	unlink(g.path);
}

/* Recorders of three lanes and one file: each writes its flows, in whatever order they close; the last has the sum. */
static void test_lanes(void **state)
{
	for (int last = 0; last < 3; last++) {
		struct request_origin origin = origin_of(1, 7);
		struct recorder *lanes[3];
		struct recorder_stats stats[3];
		const char *letters;
		struct rig g;

		strcpy(g.path, "/tmp/test-recorder-XXXXXX");
		begin_lanes(&g, mkstemp(g.path), 64 * MIB, true, 3);
		lanes[0] = g.recorder;
		assert_int_equal(recorder_join(lanes[0], 1, &lanes[1]), 0);
		assert_int_equal(recorder_join(lanes[0], 2, &lanes[2]), 0);
		for (int i = 0; i < 3; i++) {
			const char first[] = { (char)('a' + i), '\0' }, second[] = { (char)('p' + i), '\0' };

			g.recorder = lanes[i];
			packet(&g, 1, true, 0, TCP_SYN, first, 60);
			if (i < 2) /* nothing of lane 2 is chosen */
				recorder_chosen(g.recorder, &origin);
			packet(&g, 1, true, 0, TCP_ACK, second, 60);
		}
		for (int i = 0; i < 3; i++)
			stats[(last + 1 + i) % 3] = recorder_close(lanes[(last + 1 + i) % 3]);
		assert_int_equal(budget_used(&g.budget), 0);
		close(g.fd);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(stats[i].flows, i < 2);
			assert_int_equal(stats[i].packets, i == last ? 4 : 0);
			assert_int_equal(stats[i].dropped, 0);
		}
		letters = letters_in(g.path);
		assert_int_equal(strlen(letters), 4);
		assert_true(strchr(letters, 'a') && strchr(letters, 'a') < strchr(letters, 'p'));
		assert_true(strchr(letters, 'b') && strchr(letters, 'b') < strchr(letters, 'q'));
		unlink(g.path);
	}
}

static bool file_has(const char *path, const char *text)
{
	static char bytes[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, bytes, sizeof(bytes));

	close(fd);
	return len > 0 && memmem(bytes, (size_t)len, text, strlen(text)) != NULL;
}

/* The packet that completes requests names them, however many there are. */
static void test_comments(void **state)
{
	struct rig g;

	(void)state;
	begin(&g, 64 * MIB, true);
	for (unsigned i = 0; i < 5000; i++) {
		struct request_origin origin = origin_of(1, 0xabc000 + i);

		recorder_chosen(g.recorder, &origin);
	}
	packet(&g, 1, true, 0, TCP_ACK, "a", 60);
	packet(&g, 1, true, 0, TCP_ACK, "b", 60);
	end(&g);
	assert_string_equal(letters_in(g.path), "ab");
	assert_true(file_has(g.path, "shadowtap request 0000000000abc000 0000000000abc001 "));
	unlink(g.path);
}

/* One flow holds at most half of our eighth: its oldest packets go, and are counted when it is chosen. */
static void test_flow_bound(void **state)
{
	struct request_origin origin = origin_of(1, 1);
	struct rig g;
	size_t packets = MIB / 60000 + 1;

	(void)state;
	begin(&g, 16 * MIB, true);
	for (size_t i = 0; i < 3 * packets; i++)
		packet(&g, 1, true, 0, TCP_ACK, i < packets ? "a" : "b", 60000);
	packet(&g, 2, true, 0, TCP_ACK, "x", 60);
	assert_true(budget_used(&g.budget) < 3 * MIB / 2);
	recorder_chosen(g.recorder, &origin);
	packet(&g, 1, true, 0, TCP_ACK, "c", 60);
	end(&g);
	assert_null(strchr(letters_in(g.path), 'a'));
	assert_non_null(strstr(letters_in(g.path), "bbbbbbbbbc"));
	assert_int_equal(g.stats.packets + g.stats.forgotten, 3 * packets + 1);
	assert_int_equal(g.stats.dropped, 0);
	unlink(g.path);
}

/* A million flows that never become anything stay inside of the bound; the youngest packets are there. */
static void test_total_bound(void **state)
{
	struct request_origin origin = origin_of(999999, 1);
	struct rig g;

	(void)state;
	begin(&g, 16 * MIB, false);
	for (unsigned i = 0; i < 1000000; i++) {
		packet(&g, i, true, 0, TCP_SYN, "a", 60);
		assert_true(budget_used(&g.budget) <= 2 * MIB);
	}
	recorder_chosen(g.recorder, &origin);
	packet(&g, 999999, true, 0, TCP_ACK, "b", 60);
	end(&g);
	assert_string_equal(letters_in(g.path), "ab");
	unlink(g.path);
}

struct reader {
	pthread_t thread;
	int fd;
	size_t bytes;
};

static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	char bytes[65536];
	ssize_t n;

	while ((n = read(r->fd, bytes, sizeof(bytes))) > 0)
		r->bytes += (size_t)n;
	close(r->fd);
	return NULL;
}

static void feed_chosen(struct rig *g, unsigned count)
{
	struct request_origin origin = origin_of(1, 1);

	recorder_chosen(g->recorder, &origin);
	for (unsigned i = 0; i < count; i++)
		packet(g, 1, true, 0, TCP_ACK, "a", 60000);
}

/* A recording waits for a slow file, so nothing is lost; memory stays inside of the bound. */
static void test_waits(void **state)
{
	struct reader reader = { .bytes = 0 };
	struct rig g;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	reader.fd = ends[0];
	begin_in(&g, ends[1], 16 * MIB, true);
	pthread_create(&reader.thread, NULL, read_slowly, &reader);
	feed_chosen(&g, 2000);
	end(&g);
	pthread_join(reader.thread, NULL);
	assert_int_equal(g.stats.packets, 2000);
	assert_int_equal(g.stats.dropped, 0);
	assert_int_equal(reader.bytes, g.stats.bytes);
	assert_true(reader.bytes > 2000 * 60000);
}

/* Live, nobody waits for a reader that hangs: packets are lost and counted, and the end comes. */
static void test_hanging_reader(void **state)
{
	struct rig g;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	begin_in(&g, ends[1], 16 * MIB, false);
	feed_chosen(&g, 2000);
	end(&g);
	close(ends[0]);
	assert_int_equal(g.stats.error, -ETIMEDOUT);
	assert_int_equal(g.stats.packets + g.stats.dropped, 2000);
	assert_true(g.stats.dropped > 1000);
}

static void *interrupt(void *arg)
{
	recorder_interrupt(arg);
	return NULL;
}

/* A recording that waits for a reader that hangs is let go by an interrupt. */
static void test_interrupt(void **state)
{
	pthread_t thread;
	struct rig g;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	begin_in(&g, ends[1], 16 * MIB, true);
	pthread_create(&thread, NULL, interrupt, g.recorder);
	feed_chosen(&g, 2000);
	pthread_join(thread, NULL);
	end(&g);
	close(ends[0]);
	assert_int_equal(g.stats.packets + g.stats.dropped, 2000);
}

/* The disk gets full: said, counted, and what is there ends with a whole packet. */
static void test_full_disk(void **state)
{
	struct rlimit before, little;
	struct rig g;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = before;
	little.rlim_cur = 3 * MIB + 12345;
	begin(&g, 16 * MIB, true);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	feed_chosen(&g, 500);
	end(&g);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(g.stats.error, -EFBIG);
	assert_int_equal(g.stats.packets + g.stats.dropped, 500);
	assert_int_equal(strlen(letters_in(g.path)), g.stats.packets);
	assert_true(g.stats.packets > 30 && g.stats.packets < 60);
	unlink(g.path);
}

/* ---- secrets ---- */

static void secrets_of_test(void *ctx, const uint8_t *random, struct buffer *out)
{
	(*(unsigned *)ctx)++;
	if (random[0] == 7)
		buffer_add_str(out, "CLIENT_RANDOM 07 1234\n");
}

/** places_of() - of @text in the file, from the first on, and of a packet's first letter behind its block's head */
static size_t places_of(const char *path, const char *text, size_t *places, size_t most)
{
	static char bytes[65536];
	FILE *f = fopen(path, "rb");
	size_t len = fread(bytes, 1, sizeof(bytes), f), n = 0;

	fclose(f);
	for (const char *at = bytes; n < most && (at = memmem(at, len - (size_t)(at - bytes), text, strlen(text))); at++)
		places[n++] = (size_t)(at - bytes);
	return n;
}

/* Of each flow with TLS that gave a chosen request, once for each connection, and before its packets */
static void test_secrets(void **state)
{
	static const uint8_t known[TLS_SESSION_RANDOM] = { 7 }, unknown[TLS_SESSION_RANDOM] = { 8 };
	unsigned asked = 0;
	struct recorder_options options = { .file_count = 1,
					    .snaplen = 262144,
					    .max_memory = 16 * MIB,
					    .secrets_of = secrets_of_test,
					    .secrets_ctx = &asked };
	struct rig g = { .now_ns = 1 };
	struct tls_session *session[2] = { tls_session_new(0x0304, "x", "", known), tls_session_new(0x0304, "x", "", unknown) };
	size_t secrets[8], first = 0, second = 0;

	(void)state;
	strcpy(g.path, "/tmp/test-recorder-XXXXXX");
	g.fd = mkstemp(g.path);
	options.files[0] = (struct recorder_file){ g.fd, DLT_RAW };
	options.budget = &g.budget;
	budget_init(&g.budget, 16 * MIB);
	assert_int_equal(recorder_new(&options, &g.recorder), 0);
	for (unsigned client = 1; client <= 4; client++) /* two with secrets, one without, one that is plain */
		packet(&g, client, true, 0, 0, client == 1 ? "first" : client == 2 ? "second" : "other", 40);
	for (unsigned i = 0; i < 12; i++) {
		unsigned client = 1 + i % 4;
		struct request_origin origin = origin_of(client, i);

		origin.tls = client < 3 ? session[0] : client == 3 ? session[1] : NULL;
		recorder_chosen(g.recorder, &origin);
		packet(&g, client, true, 0, 0, "x", 40);
	}
	end(&g);
	assert_int_equal(asked, 3);
	assert_int_equal(g.stats.secrets, 2);
	assert_int_equal(g.stats.packets, 16);
	assert_int_equal(places_of(g.path, "CLIENT_RANDOM 07 1234\n", secrets, 8), 2);
	assert_int_equal(places_of(g.path, "first", &first, 1), 1);
	assert_int_equal(places_of(g.path, "second", &second, 1), 1);
	assert_true(secrets[0] < first && first < secrets[1] && secrets[1] < second);
	assert_int_equal(strlen(letters_in(g.path)), 16);
	tls_session_unref(session[0]);
	tls_session_unref(session[1]);
	unlink(g.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),        cmocka_unit_test(test_domains),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_comments),       cmocka_unit_test(test_flow_bound),
		cmocka_unit_test(test_total_bound),    cmocka_unit_test(test_waits),
		cmocka_unit_test(test_hanging_reader), cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_secrets),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
