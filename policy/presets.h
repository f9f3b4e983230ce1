/*
 * presets.h - what model servers call their routes
 */
#ifndef POLICY_PRESETS_H
#define POLICY_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "policy/route.h"

struct route_table {
	const struct route *routes;
	size_t count;
};

/** preset_find() - inference routes of the server called @name; NULL for an unknown name, no routes for "any" */
const struct route_table *preset_find(const char *name);

/** preset_names_model() - do path and body of its requests say which model is asked, and no header field? */
bool preset_names_model(const char *name);

/** inference_routes() - those of all presets */
const struct route_table *inference_routes(void);

/** struct denied_group - the part of the deny list that comes from some servers */
struct denied_group {
	const char *sources; /* servers, their versions */
	struct route_table table;
};

size_t denied_group_count(void);
const struct denied_group *denied_group(size_t i);

/** presets_text() - append all presets and the deny list, with their sources, for people */
void presets_text(struct buffer *out);

/** denied_routes() - what is not mirrored without --allow-side-effects; letters of either case */
const struct route_table *denied_routes(void);

/**
 * denied_route() - the route for which the deny list refuses @path, or NULL
 * @deny, @spared:  sets of denied_routes() and of inference_routes()
 * @path:           read PATH_SUSPICIOUSLY, and not odd
 */
const struct route *denied_route(const struct route_set *deny, const struct route_set *spared,
				 const struct route_path *path, struct span method);

#endif
