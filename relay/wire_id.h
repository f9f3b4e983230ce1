/*
 * wire_id.h - who a request is, wherever it is captured
 *
 * Theory of operation. A request's id on one tap (request_origin.id) is made of its
 * ends and its time, and a second tap sees other ones: behind a translation of
 * addresses, and by another clock. What all see alike are TCP's numbers, which are
 * drawn at random by the ends of each connection and which neither routers, nor
 * translators, nor bridges change, and the head itself. So the wire id is a hash of
 *
 *   the sequence number of the request's first byte, and what its segment acknowledged
 *   HTTP/2: of its HEADERS frame's first byte; and the stream
 *   method and target
 *   HTTP/1: the fields, as captured. Of HTTP/2 a tap that has come late may know fewer of
 *   them than another one, so there they have no part in it
 *
 * How segments are cut or merged makes no difference, since each number belongs to a
 * byte. Not in it: time, addresses, ports, the request's number on its connection, the body. It differs
 * where a device on the way draws new sequence numbers (some firewalls), at both sides of a
 * proxy, which makes another request of it, and where one tap has missed the first copy of a segment
 * that was sent again with another acknowledgement.
 *
 * It is SipHash-2-4 with 128 bits under a published key: nobody can draw its numbers, but
 * whoever captures can compute it: of the numbers above as four bytes each in network order, then the texts, each behind
 * its length as such a number; the key is "shadowtap wireid". Two different requests with the same numbers and the same head
 * have the same id: on connections with random numbers, one pair of 2^64.
 */
#ifndef RELAY_WIRE_ID_H
#define RELAY_WIRE_ID_H

#include <stdbool.h>

#include "base/span.h"
#include "message/message.h"

/** wire_id_of() - of a request whose head and place are known; never zero */
struct wire_id wire_id_of(const struct request_head *head, const struct request_origin *origin);

/** wire_id_parse() - exactly 32 hexadecimal digits of either case, not all zero */
bool wire_id_parse(struct span text, struct wire_id *out);

/** wire_id_of_event() - of a record of another producer, whose source and id name it together (CloudEvents 1.0, "id") */
struct wire_id wire_id_of_event(struct span source, struct span id);

#endif
