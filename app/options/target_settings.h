/*
 * target_settings.h - one target, as -t and the options with its name in front describe it
 */
#ifndef APP_OPTIONS_TARGET_SETTINGS_H
#define APP_OPTIONS_TARGET_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h" /* struct texts */
#include "replay/http_version.h"
#include "replay/url.h"

#define TARGETS_MAX 16
#define CONTROL_NAME "control" /* of the target that --control adds */

/** struct target_settings - one -t, with what NAME: prefixes gave it alone */
struct target_settings {
	struct target_url url;
	struct texts set_headers; /* -H 'N: V' for all targets and -H NAME:'N: V' for this one, in order */
	uint64_t sample_share;    /* -S NAME:10%; SHARE_ONE when not given */
	uint64_t rate;            /* requests/s; 0 = no limit */
	enum http_version http_version; /* --http-version, for all or NAME:2 */
	bool is_control;          /* --control: a second copy of production's model */
};

#endif
