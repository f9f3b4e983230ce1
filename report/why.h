/*
 * why.h - the sentence that says why nothing was sent
 */
#ifndef REPORT_WHY_H
#define REPORT_WHY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "report/books.h"

/** struct run_shape - what the user asked for, as far as the sentence needs it */
struct run_shape {
	bool live, dry_run;
	bool has_ports, has_expression;
	bool leaves_http2; /* --h2 off */
	const uint16_t *vxlan_ports; /* those of --vxlan-port; borrowed */
	size_t vxlan_port_count;
	uint64_t sample_share; /* parts per SHARE_ONE */
};

/**
 * why_nothing() - if no request was sent (in a dry run: chosen), append one line that names the step that
 * stopped them and what to try; false, nothing appended, if something was
 */
bool why_nothing(const struct books *b, const struct run_shape *shape, struct buffer *out);

/** why_renew() - append what makes heads of HTTP/2 readable that are not (LOST_HEAD_UNKNOWN) */
void why_renew(const struct books *b, struct buffer *out);

/** why_lacking() - whatever else was sent: append what the capture could not follow or read, and what to try; or nothing */
void why_lacking(const struct books *b, const struct run_shape *shape, struct buffer *out);

/**
 * why_tls() - what is behind "3 of 4 connections with TLS": why they were not read, a colon, and the cure; not of TLS_READ
 * why_tls_misfit() - of those in TLS_NO_KEYS that have secrets; why_tls_no_room() - of those that there was no memory for
 * why_tls_after_wait() - of those read, but not from their start
 */
const char *why_tls(enum tls_fate fate);
const char *why_tls_misfit(void);
const char *why_tls_no_room(void);
const char *why_tls_after_wait(void);

#endif
