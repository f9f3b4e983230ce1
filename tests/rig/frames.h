/*
 * frames.h - hand-made frames for the tests of capture/
 *
 * A frame is written as text: hexadecimal for what the test is about, and words
 * in brackets for what it isn't:
 *
 *   [mac]    destination and source address of Ethernet
 *   [a4]     10.0.0.1 to 10.0.0.2          [a6]   2001:db8::1 to 2001:db8::2
 *   [tcp]    a 20 byte header 1000 > 8080, seq 1, ack 2, PSH+ACK
 *   [tcp81]  the same to port 81           [data] "hello"
 *   [+n]     n zero bytes
 */
#ifndef TESTS_RIG_FRAMES_H
#define TESTS_RIG_FRAMES_H

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

struct frame {
	uint8_t bytes[4096];
	size_t len;
};

static const struct {
	const char *word, *hex;
} frame_words[] = {
	{ "mac", "020000000002 020000000001" },
	{ "a4", "0a000001 0a000002" },
	{ "a6", "20010db8000000000000000000000001 20010db8000000000000000000000002" },
	{ "tcp", "03e8 1f90 00000001 00000002 50 18 0100 0000 0000" },
	{ "tcp81", "03e8 0051 00000001 00000002 50 18 0100 0000 0000" },
	{ "data", "68656c6c6f" },
};

static inline const char *frame_word(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(frame_words) / sizeof(frame_words[0]); i++)
		if (strlen(frame_words[i].word) == len && memcmp(frame_words[i].word, text, len) == 0)
			return frame_words[i].hex;
	fprintf(stderr, "no such word in a frame: %.*s\n", (int)len, text);
	abort();
}

static inline void frame_add(struct frame *f, const char *text)
{
	while (*text) {
		unsigned byte;

		if (isspace((unsigned char)*text)) {
			text++;
		} else if (*text == '[') {
			size_t len = strcspn(text, "]");

			if (text[1] == '+')
				f->len += strtoul(text + 2, NULL, 10); /* the bytes are zero already */
			else
				frame_add(f, frame_word(text + 1, len - 1));
			text += len + 1;
		} else {
			assert(sscanf(text, "%2x", &byte) == 1);
			f->bytes[f->len++] = (uint8_t)byte;
			text += 2;
		}
		assert(f->len < sizeof(f->bytes));
	}
}

static inline struct frame frame_of(const char *text)
{
	struct frame f = { .len = 0 };

	frame_add(&f, text);
	return f;
}

#endif
