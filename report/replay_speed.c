/* replay_speed.c - see replay_speed.h */
#include "report/replay_speed.h"

enum replay_speed replay_speed_of(const struct json_doc *report)
{
	uint32_t at = report->count > 0 ? json_doc_member(report, 0, SPAN_LITERAL("speed")) : 0;

	if (!at || report->nodes[at].type == JSON_NULL)
		return SPEED_RECORDED;
	if (report->nodes[at].type != JSON_NUMBER)
		return SPEED_MAX;
	return json_doc_double(report, at) == 1 ? SPEED_RECORDED : SPEED_OTHER;
}

const char *replay_speed_words(enum replay_speed speed)
{
	switch (speed) {
	case SPEED_RECORDED:
		return "replayed at the recorded pace";
	case SPEED_OTHER:
		return "not replayed at the recorded pace";
	case SPEED_MAX:
		return "replayed as fast as possible";
	}
	return "";
}

void replay_speed_json(struct json *j, double speed, bool is_max)
{
	json_key(j, "speed");
	if (is_max)
		json_str(j, "max");
	else
		json_exact(j, speed);
}
