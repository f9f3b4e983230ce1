/*
 * request_features.h - what is to be said of a request, for slices that are found by themselves (contrast.h)
 *
 * A feature is one thing that a request has, with the one number or text that it
 * has there: its path, the model, an allowed header, the network of the client, the
 * hour, the length of its body; and of a body in JSON what stands at a pointer.
 * Indices below FEATURE_INDICES are kept as they are, what is behind them is only
 * counted.
 *
 * Bounded whatever is sent: the first FEATURE_BODY_MAX bytes of a body and FEATURE_NODES_MAX values of it are
 * looked at, FEATURE_DEPTH_MAX levels deep, and FEATURES_MAX features kept. Names that are longer than
 * FEATURE_NAME_MAX, or are not UTF-8, make no feature. A list or a text that goes on behind what is looked at
 * counts as longer than any.
 *
 * A body that is compressed, or no JSON, has only its length. Of a call of gRPC with KServe's protocol, or TensorFlow
 * Serving's Predict, names, types and shapes of the inputs of its first message are known, under the pointers that they
 * have in JSON; of other calls nothing.
 */
#ifndef COMPARE_TALLY_REQUEST_FEATURES_H
#define COMPARE_TALLY_REQUEST_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "message/message.h"

#define FEATURES_MAX      512
#define FEATURE_NAME_MAX  64 /* with the NUL */
#define FEATURE_BODY_MAX  (64u << 10)
#define FEATURE_NODES_MAX 2000
#define FEATURE_DEPTH_MAX 16
#define FEATURE_INDICES   8
#define FEATURE_TEXT_MAX  32 /* bytes of a text in a body whose value counts; of a longer one only its length does */

/*
 * What of the thing is meant, as reports name it. VALUE is a text, true, false or null, and one of them as good as
 * another; all others are numbers in order.
 */
#define FEATURE_ASPECTS(X)                                                                                   \
	X(VALUE, "value")                                                                                    \
	X(NUMBER, "number")                                                                                  \
	X(ELEMENTS, "elements") /* of a list */                                                              \
	X(BYTES, "bytes")       /* of a text, as it is written */                                            \
	X(LEAST, "least")       /* of a list of more than FEATURE_INDICES numbers, as far as it is looked at */ \
	X(GREATEST, "greatest")                                                                              \
	X(ZEROS, "zeros") /* their share */                                                                  \
	X(HOUR, "hour")   /* of the day, UTC */

enum feature_aspect {
#define X(id, name) FEATURE_##id,
	FEATURE_ASPECTS(X)
#undef X
	FEATURE_ASPECT_COUNT
};

const char *feature_aspect_name(enum feature_aspect aspect);

/** feature_is_name() - shorter than FEATURE_NAME_MAX, and UTF-8 without NUL */
bool feature_is_name(struct span name);

/** struct feature_value - @name and @text are borrowed from the request and the features */
struct feature_value {
	struct span name; /* "path", "header:x-tenant", or a JSON pointer; valid UTF-8 without NUL */
	enum feature_aspect aspect;
	int16_t code;     /* of numbers: their cell, see feature_code() */
	bool is_whole;    /* of numbers: it is an integer */
	bool is_open;     /* of VALUE: the report says it anyway */
	struct span text; /* of VALUE */
};

/*
 * Numbers are told apart by cells, four to each power of two, of which the upper end belongs to the cell:
 * code c > 0 is (edge(c - 1), edge(c)]. Cell 0 is what is nearest to 0, up to 2^-20. Hours and shares of zeros have
 * cells of one width.
 */
#define FEATURE_CODE_TOP 337 /* infinite, or longer than what is looked at */

/** feature_code() - the cell of @x, which is no NaN; -FEATURE_CODE_TOP to FEATURE_CODE_TOP */
int16_t feature_code(double x);

/** feature_edge() - the upper end of a cell of @aspect */
double feature_edge(enum feature_aspect aspect, int code);

struct features;

/** struct features_options - copied; what it points to is borrowed for life */
struct features_options {
	/* does a header of this name make a feature? NULL: none does */
	bool (*has_header)(const void *ctx, struct span name, bool is_grpc);
	const void *ctx;
	const char *const *open_headers; /* whose values reports say anyway */
	size_t open_header_count;
};

/** features_new() - NULL when out of memory */
struct features *features_new(const struct features_options *options);

/**
 * features_read() - those of @m; valid until the next call, as long as @m is
 * @path, @model:  of the request, see slices.h
 * @count:         out
 */
const struct feature_value *features_read(struct features *f, const struct message *m, struct span path, struct span model,
					  size_t *count);

/** features_free() - NULL allowed */
void features_free(struct features *f);

#endif
