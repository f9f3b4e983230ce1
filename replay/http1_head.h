/*
 * http1_head.h - the head of a request as HTTP/1.1 puts it on the wire (RFC 9112)
 */
#ifndef REPLAY_HTTP1_HEAD_H
#define REPLAY_HTTP1_HEAD_H

#include "base/buffer.h"
#include "message/outgoing.h"

/**
 * http1_head_write() - append request line, fields and the empty line to @out
 *
 * Byte for byte what @o says: that no byte of it ends a line is its maker's promise (policy/rewrite.h). No
 * Connection field is added: HTTP/1.1 connections persist without one. When out of memory, buffer_ok() is false.
 */
void http1_head_write(const struct outgoing *o, struct buffer *out);

#endif
