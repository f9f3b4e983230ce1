/*
 * head_scan.h - a whole head of the plain kind, read in one pass
 *
 * Nearly every head lies whole in one segment and holds nothing that servers
 * could read in two ways. These are read here, at a tenth of llhttp's cost and
 * without a copy. Whatever is not plain is refused, and llhttp decides: a
 * refusal says nothing about the head. What is accepted is what llhttp makes of
 * the same bytes; fuzz_head_scan.c and the property tests compare the two.
 *
 * Heads of one client, and of one server, are alike up to a few values. Of the
 * last one the lines are remembered, and those that come again, from the first
 * byte on, are not looked at again.
 */
#ifndef REASSEMBLY_HEAD_SCAN_H
#define REASSEMBLY_HEAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "reassembly/message.h"

#define SCAN_FIELDS_MAX 64

#define MEMO_LINES 24
#define MEMO_BYTES 512
#define MEMO_SLACK 16 /* bytes that a vector may reach beyond what is remembered */

/** struct scan_memo - the first lines of a head that was scanned; the zero value remembers nothing */
struct scan_memo {
	uint16_t first;          /* length of the first line; 0: nothing is remembered */
	uint16_t len;            /* of it and the lines below */
	uint16_t method, target; /* where they end; an answer's status is in method */
	uint8_t lines;
	uint8_t length_line; /* the line with Content-Length; MEMO_LINES: none */
	uint64_t content_length;
	struct {
		uint16_t colon, value, end, next; /* offsets; end: without white space */
	} line[MEMO_LINES];
	uint8_t bytes[MEMO_BYTES + MEMO_SLACK];
};

/** struct scanned_request - a head, and what follows from it */
struct scanned_request {
	struct request_head head; /* spans into the bytes, fields in the caller's array */
	uint64_t content_length;  /* 0 if there is none */
	size_t len;               /* of the head, with the empty line */
	bool asks_head;           /* HEAD: its answer has no body */
};

/**
 * scan_request() - is a request's head here, whole and plain, from the first byte on?
 * @memo:  of requests only; makes no difference but for the time it takes
 */
bool scan_request(struct span in, struct scan_memo *memo, struct header fields[SCAN_FIELDS_MAX],
		  struct scanned_request *out);

/** struct scanned_answer - what of an answer's head decides where the next answer begins */
struct scanned_answer {
	uint64_t content_length; /* 0 if there is none */
	size_t len;
	int status;
	bool has_length;
};

/** scan_answer() - likewise for an answer; @memo: of answers only */
bool scan_answer(struct span in, struct scan_memo *memo, struct scanned_answer *out);

#endif
