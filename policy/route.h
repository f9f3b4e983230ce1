/*
 * route.h - does a path follow one of the known routes of model servers?
 *
 * A route is text: segments between slashes. "*" inside a segment stands for
 * any bytes of that segment, "**" as the last one for any number of segments.
 * A route may stand behind any prefix, at a segment boundary, since servers are
 * deployed under paths: "v2/logging" is also found in /gateway/v2/logging. It
 * must reach to the end of the path.
 */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define ROUTE_PATH_MAX 8192   /* bytes of a path after decoding */
#define ROUTE_SEGMENTS_MAX 64 /* of a path */

enum route_flag {
	ROUTE_SPARES_INFERENCE = 1, /* an ordinary word: a path that is an inference route may end so */
	ROUTE_SPARES_POST = 2,      /* means something else with POST */
};

struct route {
	const char *pattern;
	uint8_t flags; /* enum route_flag */
};

/**
 * enum path_reading - what a server might make of the path
 *
 * PATH_AS_SENT: %2F is a byte of its segment. PATH_SUSPICIOUSLY: %2F is a slash
 * and what follows ";" in a segment is a parameter, as frameworks that decode
 * first and servlet containers have it.
 */
enum path_reading { PATH_AS_SENT, PATH_SUSPICIOUSLY };

struct route_path {
	struct span segment[ROUTE_SEGMENTS_MAX]; /* into @bytes; none is empty */
	size_t count;
	bool odd; /* servers disagree about it: too long, "." or ".." segments, control characters */
	size_t used;
	uint8_t bytes[ROUTE_PATH_MAX];
};

/**
 * route_path_read() - cut the path of @target into segments
 * @target:  any form; the query is left out
 *
 * Percent escapes are decoded, also those that come of decoding (%2541);
 * doubled slashes count as one.
 */
void route_path_read(struct route_path *path, struct span target, enum path_reading reading);

/** struct route_set - routes, ready to be searched; immutable */
struct route_set;

/** route_set_new() - @routes are borrowed for as long as the set lives; @nocase for all of them; NULL when out of memory */
struct route_set *route_set_new(const struct route *routes, size_t count, bool nocase);

/** route_set_find() - a route that @path follows and that has none of the flags @except; NULL if there is none */
const struct route *route_set_find(const struct route_set *set, const struct route_path *path, unsigned except);

void route_set_free(struct route_set *set);

#endif
