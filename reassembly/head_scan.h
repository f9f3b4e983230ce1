/*
 * head_scan.h - a whole head of the plain kind, read in one pass
 *
 * Nearly every head lies whole in one segment and holds nothing that servers
 * could read in two ways. These are read here, at a tenth of llhttp's cost and
 * without a copy. Whatever is not plain is refused, and llhttp decides: a
 * refusal says nothing about the head. What is accepted is what llhttp makes of
 * the same bytes; fuzz_head_scan.c and the property tests compare the two.
 */
#ifndef REASSEMBLY_HEAD_SCAN_H
#define REASSEMBLY_HEAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "reassembly/message.h"

#define SCAN_FIELDS_MAX 64

/** struct scanned_request - a head, and what follows from it */
struct scanned_request {
	struct request_head head; /* spans into the bytes, fields in the caller's array */
	uint64_t content_length;  /* 0 if there is none */
	size_t len;               /* of the head, with the empty line */
	bool asks_head;           /* HEAD: its answer has no body */
};

/** scan_request() - is a request's head here, whole and plain, from the first byte on? */
bool scan_request(struct span in, struct header fields[SCAN_FIELDS_MAX], struct scanned_request *out);

/** struct scanned_answer - what of an answer's head decides where the next answer begins */
struct scanned_answer {
	uint64_t content_length; /* 0 if there is none */
	size_t len;
	int status;
	bool has_length;
};

/** scan_answer() - likewise for an answer */
bool scan_answer(struct span in, struct scanned_answer *out);

#endif
