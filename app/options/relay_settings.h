/*
 * relay_settings.h - handing requests over through a broker: -t and -r with nats://, and the options that belong to them
 */
#ifndef APP_OPTIONS_RELAY_SETTINGS_H
#define APP_OPTIONS_RELAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/broker_url.h"

/** enum relay_start - --from: where a group begins that has no place yet */
enum relay_start {
	RELAY_FROM_NOW,
	RELAY_FROM_START,
	RELAY_FROM_AGO, /* .ns before now */
	RELAY_FROM_TIME /* .ns, Unix */
};

struct relay_from {
	enum relay_start start;
	int64_t ns;
};

/** struct relay_settings - without hosts, a URL is none */
struct relay_settings {
	struct broker_url target; /* -t nats://: records go there, beside what goes to other targets */
	struct broker_url source; /* -r nats://: records come from there, in place of packets */
	const char *creds_file, *nkey_file;
	const char *name;            /* --relay-name; NULL: made of the host's */
	uint32_t partitions;         /* with the next two: of a stream that we make */
	int64_t retain_ns;
	uint64_t retain_bytes;
	uint64_t buffer_bytes;       /* of records that wait to be published */
	const char *group;           /* of replayers */
	struct relay_from from;
	int64_t max_age_ns;          /* 0: not given */
};

#endif
