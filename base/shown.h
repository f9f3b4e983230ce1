/*
 * shown.h - text from strangers, made fit to be shown
 *
 * Paths, headers and labels are chosen by those who send requests, and a
 * terminal or a page obeys some of what can be in them. Control characters move
 * the cursor, colour and overwrite (ESC as well as the one-byte CSI 0x9b, which
 * in UTF-8 is U+009B); the marks of bidirectional text make a line read in
 * another order than its bytes. So such text is never written as it is: JSON
 * goes through json_text(), pages through markup_escaped(), and text through
 * shown_add(). Which characters are not to be shown is decided here, for all
 * three.
 */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

/**
 * shown_is_unsafe() - is this character obeyed rather than shown?
 * C0 (below 0x20), 0x7f, C1 (0x80 to 0x9f); the marks, embeddings, overrides and isolates of bidirectional
 * text (U+061C, U+200E and F, U+202A to E, U+2066 to 9); the separators of lines and paragraphs (U+2028 and 9).
 */
bool shown_is_unsafe(uint32_t character);

/** struct shown_piece - what stands at the front of a text: one character, or a byte that belongs to none */
struct shown_piece {
	size_t len; /* bytes, at least one */
	uint32_t character;
	bool valid; /* UTF-8; else @character is the byte */
};

/** shown_next() - the piece at the front of @text, which is not empty */
struct shown_piece shown_next(struct span text);

/**
 * shown_add() - append text from anywhere to a line of text
 * What is unsafe becomes \u009b, a byte that is not UTF-8 \x9b; a line break, too, so that one line stays one line.
 */
void shown_add(struct buffer *out, struct span text);

#endif
