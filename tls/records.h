/*
 * records.h - where a record of TLS begins and ends, and where one may begin again
 *
 * Theory of operation. A record is a type, a version and a length, and so many
 * bytes; nothing in it says that it is one. In order, its place says so. Behind a
 * gap a place is a guess: five bytes that may be a header, which a random
 * place passes once in 2^26, and where enough bytes are there, a second one behind
 * the first record. The guess is only worth a trial, and the record's tag decides
 * (stream_keys.h). Nothing here knows a key.
 *
 * Sources: RFC 8446, 5; RFC 5246, 6.2.
 */
#ifndef TLS_RECORDS_H
#define TLS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define RECORD_HEADER_BYTES 5
#define RECORD_PLAIN_MAX    (1 << 14)
#define RECORD_PAYLOAD_MAX  (RECORD_PLAIN_MAX + 2048) /* of TLS 1.2; of 1.3 it is 256 */
#define RECORD_MAX          (RECORD_HEADER_BYTES + RECORD_PAYLOAD_MAX)

enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_APPLICATION_DATA = 23,
	RECORD_HEARTBEAT = 24,
};

/** struct record - borrowed from the bytes it was taken from */
struct record {
	struct span header, payload;
	uint8_t type;
	uint16_t version;
};

enum framing {
	FRAMING_WHOLE,
	FRAMING_MORE, /* what is there may be the start of one */
	FRAMING_BAD,  /* it is none */
};

/** record_take() - move the record with which @bytes begin to @out; untouched unless FRAMING_WHOLE */
enum framing record_take(struct span *bytes, struct record *out);

/** record_length() - header included, of the record that begins with @bytes; 0 if the header is not whole, or is none */
size_t record_length(struct span bytes);

/**
 * record_search() - the first place from @from on where a record with protected data may begin
 *
 * Where fewer bytes are left than tell, that is such a place, too. Return: @bytes.len if there is none.
 */
size_t record_search(struct span bytes, size_t from);

/** record_claims() - are these, somewhere inside a connection, likely records with protected data? */
bool record_claims(struct span bytes);

#endif
