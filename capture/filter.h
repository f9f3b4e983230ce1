/*
 * filter.h - the packet filter: what the kernel lets through, or a recording keeps
 *
 * The text is made from the ports and the user's expression and compiled by
 * libpcap for one handle, since each link layer has its own offsets.
 */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include <stdbool.h>

#include <pcap/pcap.h>

#include "base/buffer.h"
#include "capture/decode.h"

/**
 * filter_check_expression() - would libpcap take the user's expression, on any link layer that we decode?
 * Needs no privilege, no file and no interface, so it can come before everything else.
 * Return: 0, or -EINVAL with a sentence in @error.
 */
int filter_check_expression(const char *expression, struct buffer *error);

/** struct live_filter - what the kernel is to let through; pointers are borrowed */
struct live_filter {
	const struct port_set *ports;
	const struct port_set *vxlan_ports; /* beside 4789 and 8472; NULL = none */
	unsigned tunnels;                   /* TUNNEL_BIT()s: all their packets, since ports are those inside */
	const char *expression;             /* the user's, on the outer packet; NULL or blank = none */
};

/**
 * filter_live_text() - append the kernel filter: TCP of these ports or a tunnel, also in VLANs, AND the expression
 * @vlan:  the link layer knows the word "vlan" (filter_knows_vlan())
 */
void filter_live_text(const struct live_filter *filter, bool vlan, struct buffer *out);

/** filter_file_text() - append the filter of a recording: the expression, also in VLANs; nothing if there is none */
void filter_file_text(const char *expression, bool vlan, struct buffer *out);

/** filter_knows_vlan() - does libpcap take "vlan" for the link layer of this handle? */
bool filter_knows_vlan(pcap_t *pcap);

/**
 * filter_compile() - compile @text for @pcap
 * @expression:  the user's part, for the message; NULL = none
 * @where:       the file or interface, for the message
 * @out:         given: pcap_freecode()
 * Return: 0, -EINVAL with a sentence in @error, or -ENOMEM.
 */
int filter_compile(pcap_t *pcap, struct buffer *text, const char *expression, const char *where,
		   struct bpf_program *out, struct buffer *error);

#endif
