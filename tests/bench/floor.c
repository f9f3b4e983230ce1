/*
 * floor.c - the least that reading a capture with libpcap can cost: count packets and bytes, look at nothing
 *
 * Usage: floor FILE. What tests/bench/run divides every other figure by.
 */
#include <inttypes.h>
#include <stdio.h>

#include <pcap/pcap.h>

int main(int argc, char **argv)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header;
	const u_char *bytes;
	uint64_t packets = 0, octets = 0;
	pcap_t *pcap;
	int result;

	if (argc != 2) {
		fprintf(stderr, "usage: floor FILE\n");
		return 2;
	}
	pcap = pcap_open_offline(argv[1], reason);
	if (!pcap) {
		fprintf(stderr, "floor: %s\n", reason);
		return 1;
	}
	while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1) {
		packets++;
		octets += header->caplen;
	}
	printf("%" PRIu64 " %" PRIu64 "\n", packets, octets);
	pcap_close(pcap);
	return result == PCAP_ERROR;
}
