/*
 * request_model.h - which model a request asks for
 *
 * The first that is there: the header that routes to it (seldon-model, serve_multiplexed_model_id), what the path
 * names after /v1/models/, /v2/models/, /predictions/ or /explanations/, what the member "model" of a body in JSON
 * says, as those of OpenAI have it; of a call of gRPC, what its first message says (KServe's model_name, TensorFlow
 * Serving's model_spec).
 */
#ifndef COMPARE_TALLY_REQUEST_MODEL_H
#define COMPARE_TALLY_REQUEST_MODEL_H

#include "base/buffer.h"
#include "base/span.h"
#include "message/message.h"

/** REQUEST_MODEL_BODY_MAX - so much of a body is looked at: "model" may stand behind a long prompt */
#define REQUEST_MODEL_BODY_MAX (1u << 20)

/**
 * request_model() - empty if it names none; borrowed from the request, or from @scratch until its next change
 * @scratch:  for a name that is written with escapes
 */
struct span request_model(const struct message *m, struct buffer *scratch);

#endif
