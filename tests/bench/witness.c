/*
 * witness.c - how long after a request its copy leaves for the shadow
 *
 * usage: witness INTERFACE PRODUCTION-PORT SHADOW-PORT REQUESTS   (until SIGINT)
 *
 * Captures both on one interface ("any"), so that both have the same clock: the
 * kernel's, at the moment when the packet passes. A request is known by the
 * number in its x-request-id (pace.c), and of each the first packet counts: small
 * requests have one. One line of JSON on stdout: how many were seen on each side,
 * and quantiles of the difference in microseconds. It is not shadowtap, so what
 * it sees does not depend on what shadowtap says of itself.
 */
#include <pcap/pcap.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD "x-request-id: "

static pcap_t *pcap;
static int64_t *seen[2]; /* ns by number, 0: not yet; production, shadow */
static uint64_t requests;
static uint16_t ports[2];

static void on_signal(int signum)
{
	(void)signum;
	pcap_breakloop(pcap);
}

static unsigned field16(const u_char *at)
{
	return (unsigned)(at[0] << 8 | at[1]);
}

/* IPv4 behind a cooked header (SLL: 16 bytes, SLL2: 20). */
static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	size_t link = pcap_datalink(pcap) == DLT_LINUX_SLL2 ? 20 : 16, ip, tcp;
	const char *field;
	uint64_t number;

	(void)user;
	if (h->caplen < link + 40)
		return;
	ip = link + (bytes[link] & 15) * 4u;
	if (h->caplen < ip + 20)
		return;
	tcp = ip + (bytes[ip + 12] >> 4) * 4u;
	if (h->caplen <= tcp)
		return;
	field = memmem(bytes + tcp, h->caplen - tcp, FIELD, sizeof(FIELD) - 1);
	if (!field || (const u_char *)field + sizeof(FIELD) - 1 + 10 > bytes + h->caplen)
		return;
	number = strtoull(field + sizeof(FIELD) - 1, NULL, 10);
	for (int side = 0; side < 2 && number < requests; side++)
		if (field16(bytes + ip + 2) == ports[side] && seen[side][number] == 0)
			seen[side][number] = (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE], text[100];
	struct bpf_program filter;
	uint64_t both = 0, count[2] = { 0, 0 };
	int64_t *took;
	struct pcap_stat stat = { 0 };

	if (argc != 5)
		return 2;
	ports[0] = (uint16_t)atoi(argv[2]);
	ports[1] = (uint16_t)atoi(argv[3]);
	requests = strtoull(argv[4], NULL, 10);
	took = calloc(requests + 1, sizeof(*took));
	seen[0] = calloc(requests, sizeof(*seen[0]));
	seen[1] = calloc(requests, sizeof(*seen[1]));
	pcap = pcap_create(argv[1], error);
	if (!pcap || !took || !seen[0] || !seen[1])
		return 1;
	pcap_set_snaplen(pcap, 512);
	pcap_set_timeout(pcap, 100);
	pcap_set_buffer_size(pcap, 64 << 20);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	snprintf(text, sizeof(text), "tcp dst port %u or tcp dst port %u", ports[0], ports[1]);
	if (pcap_activate(pcap) < 0 || pcap_compile(pcap, &filter, text, 1, 0) < 0 || pcap_setfilter(pcap, &filter) < 0) {
		fprintf(stderr, "witness: %s\n", pcap_geterr(pcap));
		return 1;
	}
	signal(SIGINT, on_signal);
	fprintf(stderr, "listening\n");
	pcap_loop(pcap, -1, on_packet, NULL);
	pcap_stats(pcap, &stat);
	for (uint64_t n = 0; n < requests; n++) {
		count[0] += seen[0][n] != 0;
		count[1] += seen[1][n] != 0;
		if (seen[0][n] && seen[1][n])
			took[both++] = seen[1][n] - seen[0][n];
	}
	qsort(took, both, sizeof(*took), by_size);
	printf("{\"production\":%llu,\"shadow\":%llu,\"missed\":%u", (unsigned long long)count[0],
	       (unsigned long long)count[1], stat.ps_drop);
	if (both)
		printf(",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f", (double)took[both / 2] / 1e3,
		       (double)took[both * 9 / 10] / 1e3, (double)took[both * 99 / 100] / 1e3, (double)took[both - 1] / 1e3);
	printf("}\n");
	return 0;
}
