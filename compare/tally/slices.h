/*
 * slices.h - by what requests are divided: their path, their model, a header
 *
 * A model that is as good as the old one on the whole may be worse for one
 * tenant or one route; slices show it. The path is cut at the query. The model
 * is what request_model.h finds.
 */
#ifndef COMPARE_TALLY_SLICES_H
#define COMPARE_TALLY_SLICES_H

#include "base/buffer.h"
#include "base/span.h"
#include "message/message.h"

/** slice_path() - of a target, also of "http://host/path", as a client of a proxy writes it; borrowed */
struct span slice_path(struct span target);

/** slice_value() - of the dimension "path", "model", which is @model, or "header:NAME"; empty if the request has none; borrowed */
struct span slice_value(const struct request_head *head, struct span model, struct span dimension);

#endif
