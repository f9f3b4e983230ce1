/*
 * member.h - the value by which a replayer says that it lives, and which partitions it reads
 */
#ifndef RELAY_MEMBER_H
#define RELAY_MEMBER_H

#include "base/buffer.h"
#include "base/span.h"
#include "relay/ownership.h"

/** member_write() - append it, JSON; @beat: another number each time */
void member_write(const struct partition_set *reads, uint64_t beat, struct buffer *out);

/** member_read() - one from anywhere. Return: 0, -EINVAL, -ENOMEM. */
int member_read(struct span text, struct partition_set *reads);

#endif
