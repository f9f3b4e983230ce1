/*
 * slices.h - by what requests are divided: their path, their model, a header
 *
 * A model that is as good as the old one on the whole may be worse for one
 * tenant or one route; slices show it. The path is cut at the query. The model
 * is what the header says that routes to it (seldon-model,
 * serve_multiplexed_model_id), else what the path names after /v1/models/,
 * /v2/models/, /predictions/ or /explanations/.
 */
#ifndef COMPARE_SLICES_H
#define COMPARE_SLICES_H

#include "base/span.h"
#include "message/message.h"

/** slice_value() - of the dimension "path", "model" or "header:NAME"; empty if the request has none; borrowed */
struct span slice_value(const struct request_head *head, struct span dimension);

#endif
