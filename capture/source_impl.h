/*
 * source_impl.h - what every kind of source has in common; for source_*.c only
 *
 * A kind of source embeds struct source as its first member and fills in the
 * operations; source.c only passes calls on.
 */
#ifndef CAPTURE_SOURCE_IMPL_H
#define CAPTURE_SOURCE_IMPL_H

#include <pcap/pcap.h>

#include "capture/source.h"

struct source_ops {
	int (*read)(struct source *s, size_t max, packet_fn *fn, void *ctx);
	void (*hurry)(struct source *s, size_t count); /* NULL: it never rests */
	void (*stop)(struct source *s, struct wall now);
	void (*interrupt)(struct source *s);
	void (*update_stats)(struct source *s, struct capture_stats *stats);
	void (*progress)(const struct source *s, uint64_t *done, uint64_t *total);
	int (*linktype)(struct source *s, size_t i);       /* the i-th, maybe one again; negative: there are fewer */
	int (*socket)(const struct source *s, size_t i);   /* as linktype; NULL: it has none */
	void (*close)(struct source *s);                   /* frees @s itself too */
	bool live;
};

struct source {
	const struct source_ops *ops;
	struct buffer complaints; /* sentences, "; " between them */
};

/** source_complain() - start a sentence of trouble that does not stop the run; the caller writes it into the result */
struct buffer *source_complain(struct source *s);

/** packet_of_pcap() - @header as libpcap gives it with nanosecond precision; @bytes stay libpcap's */
struct packet packet_of_pcap(const struct pcap_pkthdr *header, const uint8_t *bytes, int linktype);

/** interface_names() - append the names of all interfaces and `any`, ", " between them, to @out */
void interface_names(struct buffer *out);

#endif
