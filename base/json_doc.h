/*
 * json_doc.h - read JSON from elsewhere, without trusting it
 *
 * A document is parsed into one flat array of nodes in the order of the text:
 * no tree of pointers, no recursion over the input's depth, no copy of the
 * text. A node knows where its whole value ends, so a value is skipped in one
 * step. Numbers and strings stay text until they are asked for.
 *
 * More than RFC 8259 is accepted, since model servers write it: NaN, Infinity,
 * -Infinity, -NaN; numbers of any length (1e400, integers above 2^53); members
 * of the same name, of which the last counts.
 */
#ifndef BASE_JSON_DOC_H
#define BASE_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "base/span.h"

#define JSON_DEPTH_MAX 512

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/**
 * struct json_node - one value, or the name of a member (a JSON_STRING right before its value)
 * @at, @len:  its text in the document; of a string without the quotes
 * @next:      index of the node after this value and all that is in it
 * @count:     members of an object, elements of an array
 * @escaped:   a string with backslashes: json_doc_unescape() tells what it says
 */
struct json_node {
	uint32_t at, len, next, count;
	uint8_t type;
	bool escaped;
};

/** struct json_doc - reused from document to document; the zero value is empty */
struct json_doc {
	struct span text; /* borrowed */
	struct json_node *nodes;
	size_t count, cap;
	size_t error_at;       /* byte at which json_doc_parse() failed */
	const char *error;     /* what was wrong there, static text */
	struct budget *memory; /* NULL, or (borrowed) what the nodes are charged to */
	bool refused;          /* by @memory */
};

/**
 * json_doc_parse() - take @text (borrowed while the doc is used) apart; what the doc held before is forgotten
 *
 * Linear in the text; up to 20 bytes of nodes for each byte of it, 10 in a long array of digits, 1 to 2 in most.
 * Return: 0 (node 0 is the value), -EINVAL (not JSON, or deeper than JSON_DEPTH_MAX), -EFBIG (4 GiB or more, or
 * more nodes than the budget allows), -ENOMEM. After an error the doc has no nodes; error and error_at say what was wrong.
 */
int json_doc_parse(struct json_doc *d, struct span text);
void json_doc_deinit(struct json_doc *d);

static inline struct span json_doc_text(const struct json_doc *d, uint32_t node)
{
	return span_of(d->text.at + d->nodes[node].at, d->nodes[node].len);
}

/** json_doc_member() - index of the value of the last member of object @node called @name; 0 if there is none or it is no object */
uint32_t json_doc_member(const struct json_doc *d, uint32_t node, struct span name);

/** json_doc_double() - the value of a number, rightly rounded; NaN and infinities too; 1e400 is infinite; of no number: NaN */
double json_doc_double(const struct json_doc *d, uint32_t node);

/** json_doc_uint() - an integer written in digits alone, up to 2^64-1; false if the node is none */
bool json_doc_uint(const struct json_doc *d, uint32_t node, uint64_t *out);

/**
 * json_doc_unescape() - append what a string says, as UTF-8
 * A lone surrogate becomes U+FFFD; bytes in the text that are not UTF-8 stay as they are.
 */
void json_doc_unescape(const struct json_doc *d, uint32_t node, struct buffer *out);

/** json_unescape() - the same for the text between the quotes of any string that was part of a document */
void json_unescape(struct span text, struct buffer *out);

/** json_doc_says() - does a string say @what, whatever its escapes? */
bool json_doc_says(const struct json_doc *d, uint32_t node, struct span what);

#endif
