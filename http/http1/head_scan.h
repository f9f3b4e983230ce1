/*
 * head_scan.h - a whole head of the plain kind, read in one pass
 *
 * Nearly every head lies whole in one segment and holds nothing that servers
 * could read in two ways. These are read here, at a tenth of llhttp's cost and
 * without a copy. Whatever is not plain is refused, and llhttp decides: a
 * refusal says nothing about the head. What is accepted is what llhttp makes of
 * the same bytes; fuzz_head_scan.c and the property tests compare the two.
 *
 * Heads of one client, and of one server, are alike up to a few values. The last
 * one is remembered line by line, with what was read from it. One that is the
 * same to its end is only compared; of another one, only the lines that differ
 * are looked at, and those behind the first that has another length.
 */
#ifndef HTTP_HTTP1_HEAD_SCAN_H
#define HTTP_HTTP1_HEAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "message/message.h"

#define SCAN_FIELDS_MAX 64

#define SCAN_MEMOS 4 /* that one tracker has of a kind */
#define MEMO_LINES 24
#define MEMO_BYTES 512
#define MEMO_SLACK 16 /* bytes that a vector may reach beyond what is remembered */

/** struct scanned_head - a head, and what follows from it */
struct scanned_head {
	struct request_head head; /* a response's has fields only */
	uint64_t content_length;  /* 0 if there is none */
	size_t len;               /* of the head, with the empty line */
	int status;               /* of a response */
	bool has_length;
	bool asks_head; /* HEAD: its response has no body */
};

/** struct scan_memo - the last head, and as many of its lines as there is room for; zero: none was scanned */
struct scan_memo {
	struct scanned_head last;
	uint64_t number; /* request_head.same of the last one that was remembered whole; memos begin with 0, 1 ... */
	uint16_t whole;  /* its length, if all of it is remembered, or 0 */
	uint16_t line_end[MEMO_LINES];
	uint8_t lines;                         /* that are remembered: the first one and fields, but not the empty one */
	uint8_t length_line;                   /* the line with Content-Length, if it is one of these */
	struct header fields[SCAN_FIELDS_MAX]; /* in bytes[] as far as their lines are there */
	uint8_t bytes[MEMO_BYTES + MEMO_SLACK];
};

/**
 * scan_request() - is a request's head here, whole and plain, from the first byte on?
 * @memo:  of requests only; makes no difference but for the time it takes
 *
 * Return: the head, NULL if not. Borrowed until @memo is used again, or the bytes of @in go.
 */
const struct scanned_head *scan_request(struct span in, struct scan_memo *memo);

/** scan_response() - likewise for a response; @memo: of responses only */
const struct scanned_head *scan_response(struct span in, struct scan_memo *memo);

#endif
