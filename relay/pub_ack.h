/* pub_ack.h - what JetStream says of one published message */
#ifndef RELAY_PUB_ACK_H
#define RELAY_PUB_ACK_H

#include "base/json_doc.h"
#include "relay/relay_stats.h"

/**
 * pub_ack_read() - the JSON of an acknowledgement, from anywhere
 * @doc:  scratch memory of the caller's
 * Return: never RELAY_UNKNOWN; what cannot be read, or is an error of no known number, is RELAY_REFUSED_OTHER.
 */
enum relay_result pub_ack_read(struct json_doc *doc, struct span text);

#endif
