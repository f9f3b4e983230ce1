/*
 * grpc_times.h - when the messages of a response to a call of gRPC came
 */
#ifndef COMPARE_GRPC_TIMES_H
#define COMPARE_GRPC_TIMES_H

#include "base/buffer.h"
#include "compare/comparison.h"
#include "message/response.h"

/**
 * grpc_times() - each message of @r as an event with text; it came with its last byte
 * @gaps:  used again for the next; the facts borrow from it
 *
 * Return: true. Out of memory: false, and there are no facts.
 */
bool grpc_times(const struct response *r, struct buffer *gaps, struct stream_facts *out);

#endif
