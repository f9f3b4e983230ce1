/*
 * path_presets.h - what is known of the responses of each kind of server: what they vary in for no reason, as patterns
 * to ignore, and where their outputs stand, as rules
 *
 * In force only for a preset that the user named. docs/comparing-rules.md has
 * all of them; a test compares it with this table.
 */
#ifndef COMPARE_PATH_PRESETS_H
#define COMPARE_PATH_PRESETS_H

#include <stddef.h>

struct path_preset {
	const char *name;
	const char *const *patterns; /* NULL: none */
	size_t count;
	const char *const *outputs; /* lines of a rules file; NULL: none */
	size_t output_count;
};

extern const struct path_preset path_presets[];
extern const size_t path_preset_count;

/** path_preset_find() - the preset called @name, or NULL */
const struct path_preset *path_preset_find(const char *name);

#endif
