/*
 * sink.h - "sink:", a target that needs no server: it answers 200 to everything
 */
#ifndef REPLAY_SINK_H
#define REPLAY_SINK_H

#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"

struct sink;

/** sink_new() - listen on a free port of 127.0.0.1; 0, or negative errno and one sentence in @error */
int sink_new(uv_loop_t *loop, struct sink **out, struct buffer *error);

uint16_t sink_port(const struct sink *s);
uint64_t sink_requests(const struct sink *s); /* answered so far */

/** sink_close() - close all handles; when the loop has run to its end, sink_free() */
void sink_close(struct sink *s);
void sink_free(struct sink *s);

#endif
