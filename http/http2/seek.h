/*
 * seek.h - may a frame start here? where the place in a direction is not known
 */
#ifndef HTTP_HTTP2_SEEK_H
#define HTTP_HTTP2_SEEK_H

#include <stdbool.h>

#include "base/span.h"
#include "reassembly/reader.h"

/**
 * seek_plausible() - do these bytes, with which a segment starts, look like frames of @side?
 *
 * They do if frame follows frame, each as its type demands, to the last byte of
 * the segment or over several heads. Bytes of a body may imitate that: it is
 * where to look, and proves nothing (http2.h, "What was found").
 */
bool seek_plausible(struct span bytes, enum stream_side side);

/** seek_settings() - are these bytes, at least one, the first of SETTINGS, or all that is here of them? No ACK is meant */
bool seek_settings(struct span bytes);

#endif
