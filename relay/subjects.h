/*
 * subjects.h - the names of things at the broker: subjects, stream, bucket, keys
 *
 * Theory of operation: the requests and answers of one SERVICE are one stream,
 * shadowtap_SERVICE, of the subjects st.v1.SERVICE.>. They are spread over
 * partitions, st.v1.SERVICE.req.PP, each of which one replayer of a group has at
 * a time; a tap says each second how it is on st.v1.SERVICE.tap.TAP. What
 * replayers agree on is in the bucket of keys and values shadowtap_SERVICE. A
 * subject's words are parted by dots, and * and > stand for words, so names are
 * of letters, digits, - and _ alone. Inboxes begin with what their owner is, so
 * that a broker can let a tap read its own and no replayer's.
 */
#ifndef RELAY_SUBJECTS_H
#define RELAY_SUBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define RELAY_NAME_MAX 64        /* bytes of the name of a service, a tap, a group */
#define RELAY_PARTITIONS_MAX 100 /* they have two digits */
#define RELAY_PARTITIONS 16      /* of a stream that does not say how many it has */

#define SUBJECT_MAX 192 /* bytes of any name made here, with its NUL */

/** subject_word_take() - the next word, up to a dot or the end, from the front of @in; false if there is none, or it is empty */
bool subject_word_take(struct span *in, struct span *word);

/** relay_name_is_good() - 1 to RELAY_NAME_MAX letters, digits, - and _ */
bool relay_name_is_good(struct span name);

/** relay_name_fit() - a name made of any text, such as a host's: what cannot be in one is -; @out has RELAY_NAME_MAX + 1 bytes */
void relay_name_fit(const char *text, char *out);

/** relay_partition() - where the record with these low bits of its id goes */
static inline uint32_t relay_partition(uint64_t id_low, uint32_t partitions)
{
	return (uint32_t)(id_low % partitions);
}

/* Into @out of SUBJECT_MAX bytes; each returns @out. */
const char *subject_all(const char *service, char *out);                          /* st.v1.SERVICE.> */
const char *subject_partition(const char *service, uint32_t partition, char *out); /* st.v1.SERVICE.req.PP */
const char *subject_tap(const char *service, const char *tap, char *out);         /* st.v1.SERVICE.tap.TAP */
const char *stream_name(const char *service, char *out);                          /* shadowtap_SERVICE; the bucket's name, too */
const char *key_claim(const char *group, uint32_t partition, char *out);          /* claim.GROUP.PP */
const char *key_member(const char *group, const char *id, char *out);             /* member.GROUP.ID */
const char *inbox_tap(const char *tap, char *out);                                /* _INBOX.shadowtap_tap.TAP */
const char *inbox_replayer(const char *group, char *out);                         /* _INBOX.shadowtap_replayer.GROUP */
#define KEY_PARTITIONS "partitions" /* of the bucket: how many the stream has */

/** subject_partition_of() - the partition of @subject, if it is one of @service's; else -1 */
int subject_partition_of(const char *service, struct span subject);

#endif
