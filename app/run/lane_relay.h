/*
 * lane_relay.h - a lane without packets: its requests come from a broker
 *
 * Theory of operation: the reader of the broker (relay/reader.h) runs on the lane's
 * thread and gives it requests that are this replayer's alone. They take the way of
 * captured ones from there on: the sink decides at the head, what is chosen goes
 * into the ring, production's response follows its request. Nothing is claimed that
 * the ring has no room for, so nothing is shed here, and a slow shadow makes the
 * requests wait at the broker. Little is claimed ahead: what is in the ring when the
 * process is killed is lost.
 */
#ifndef APP_RUN_LANE_RELAY_H
#define APP_RUN_LANE_RELAY_H

#include "relay/reader.h"

struct lane;

/** struct lane_relay_settings - what the options say, see stages_lane_relay(); texts are borrowed */
struct lane_relay_settings {
	const char *service, *group;
	char name[RELAY_NAME_MAX + 1];
	enum reader_from from;
	struct wall from_time;
	int64_t max_age_ns;
	bool is_paced, ends_caught_up;
	struct stream_limits limits;
};

/** lane_relay_open() - @link is taken on success; 0 or a negative errno */
int lane_relay_open(struct lane *l, const struct lane_relay_settings *set, struct nats_link *link);

/** lane_relay_run() - the lane's thread, to the end */
void lane_relay_run(struct lane *l);

#endif
