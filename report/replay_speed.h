/*
 * replay_speed.h - may the shadow's latency be held against production's?
 *
 * Production's was measured under its own load. A shadow that gets the same
 * requests at another pace is under another load: its times beside production's
 * say nothing about the model. At another multiple of the recorded pace its own
 * times are still those of that load. As fast as possible they are no load's:
 * the shadow has as many requests as it can bear, and more of them only wait
 * longer.
 */
#ifndef REPORT_REPLAY_SPEED_H
#define REPORT_REPLAY_SPEED_H

#include "base/json.h"
#include "base/json_doc.h"

enum replay_speed {
	SPEED_RECORDED, /* live, or at the recorded pace */
	SPEED_OTHER,    /* at a multiple of it: nothing to compare with */
	SPEED_MAX,      /* as fast as possible, or at several paces: nothing at all */
};

/** replay_speed_of() - of a whole report; one that does not say was made at the recorded pace */
enum replay_speed replay_speed_of(const struct json_doc *report);

/** replay_speed_words() - "replayed as fast as possible"; static text */
const char *replay_speed_words(enum replay_speed speed);

/** replay_speed_json() - the member "speed": a multiple of the recorded pace, 1 if live, or "max" */
void replay_speed_json(struct json *j, double speed, bool is_max);

#endif
