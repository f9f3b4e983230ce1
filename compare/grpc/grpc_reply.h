/*
 * grpc_reply.h - the response to a call of gRPC: its status and its messages
 *
 * By the gRPC project's PROTOCOL-HTTP2 and http-grpc-status-mapping documents.
 */
#ifndef COMPARE_GRPC_REPLY_H
#define COMPARE_GRPC_REPLY_H

#include "base/budget.h"
#include "base/buffer.h"
#include "compare/inflate.h"
#include "compare/grpc/proto_set.h"
#include "message/grpc.h"
#include "message/message.h"
#include "message/response.h"

/** enum grpc_content - what the messages of a method are */
enum grpc_content {
	GRPC_CONTENT_UNKNOWN,
	GRPC_CONTENT_V2,        /* grpc_v2.h */
	GRPC_CONTENT_V2_STREAM, /* the same, each with an error or an id */
	GRPC_CONTENT_PREDICT,   /* grpc_tf.h */
	GRPC_CONTENT_TYPED,     /* of a type that is known */
};

struct grpc_method {
	enum grpc_content content;
	const struct proto_type *type; /* of GRPC_CONTENT_TYPED */
};

/** grpc_method_of() - by the path of a request; @types: of --proto */
struct grpc_method grpc_method_of(const struct request_head *head, const struct proto_set *types);

/**
 * grpc_reply_status() - from the trailers, else the headers, else as the HTTP status says it
 * @text:  grpc-message, as it is sent (borrowed); empty if there is none
 *
 * Return: the status; NONE: none was seen, and there may have been one.
 */
enum grpc_status grpc_reply_status(const struct response *r, struct span *text);

/** struct grpc_part - one message, unfolded; spans are borrowed from the reply */
struct grpc_part {
	struct span bytes;
	struct span id; /* of the request, in streams that have one */
};

/** struct grpc_reply - used again for the next response; the zero value is empty */
struct grpc_reply {
	struct budget *memory; /* borrowed, or NULL: what parts are charged to */
	struct grpc_part *parts;
	size_t count, cap;
	bool has_error; /* a message of a stream says that something failed */
	struct buffer unfolded;
	struct inflater inflater;
};

/**
 * grpc_reply_read() - take the messages of @r apart, unfolding those that are compressed
 * Those of a stream that say only that it ends are left out.
 * @max_len:  most bytes that all of them together may unfold to
 *
 * Return: 0; -EBADMSG: no row of whole messages, or one is damaged; -ENOTSUP: an unknown grpc-encoding; -EFBIG; -ENOMEM.
 */
int grpc_reply_read(struct grpc_reply *reply, const struct response *r, enum grpc_content content, uint64_t max_len);

void grpc_reply_deinit(struct grpc_reply *reply);

/**
 * grpc_reply_pair() - put the messages of @shadow in the order in which they belong to those of @production
 * Where requests have ids: the n-th message of one id to the n-th of the same id on the other side; those without partner are
 * put behind, on both sides. Where none is the same on both sides, nothing moves.
 * Return: how many have a partner: the first so many of both. Negative: -ENOMEM.
 */
long grpc_reply_pair(struct grpc_reply *production, struct grpc_reply *shadow);

#endif
