/* path_presets.h - what the answers of each kind of server vary in for no reason, as patterns to ignore */
#ifndef COMPARE_PATH_PRESETS_H
#define COMPARE_PATH_PRESETS_H

#include <stddef.h>

/** path_preset() - its patterns; NULL if there is no preset of that name */
const char *const *path_preset(const char *name, size_t *count);

#endif
