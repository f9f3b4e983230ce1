/*
 * http2_head.h - what HTTP/2 says of a request before its body
 */
#ifndef REPLAY_HTTP2_HEAD_H
#define REPLAY_HTTP2_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "message/grpc.h"
#include "message/message.h"
#include "message/outgoing.h"

/** struct http2_head - fields as nghttp2 takes them; borrows from what it was made of; zero before the first */
struct http2_head {
	nghttp2_nv *at; /* own memory; the bytes are not */
	size_t count, cap;
	bool failed;
	char timeout[GRPC_TIMEOUT_TEXT_MAX];
};

/**
 * http2_head_make() - @o, made of @m, as fields of HTTP/2 in place of what @h had
 * @scheme:   "http" or "https"
 * @left_ns:  of the exchange's time; a call of gRPC says that, or production's own grpc-timeout if that is shorter
 *
 * Names are as they came: nghttp2 writes them in lower case.
 * Return: 0 or -ENOMEM.
 */
int http2_head_make(struct http2_head *h, const struct message *m, const struct outgoing *o, const char *scheme, int64_t left_ns);

void http2_head_deinit(struct http2_head *h);

#endif
