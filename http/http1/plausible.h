/*
 * plausible.h - may a request start here? After a gap, and when the client did not wait
 */
#ifndef HTTP_HTTP1_PLAUSIBLE_H
#define HTTP_HTTP1_PLAUSIBLE_H

#include <stdbool.h>

#include "base/span.h"

struct http;

/** plausible_is_pipelined() - did the client not wait for the response to the request before? */
bool plausible_is_pipelined(const struct http *h);

enum plausible { PLAUSIBLE_NOT,
		 PLAUSIBLE_ON_TRIAL,
		 PLAUSIBLE_YES };

/** plausible_request() - the segment at hand starts with a request line, or seems to: is it one? */
enum plausible plausible_request(const struct http *h, struct span segment);

/** plausible_final_owed() - is an interim response the last that the client had read when it sent the segment at hand? */
bool plausible_final_owed(const struct http *h);

/** plausible_instead_of_body() - may the segment at hand start the next request rather than the body that was announced? */
bool plausible_instead_of_body(const struct http *h, struct span segment);

/** plausible_body_accepted() - did the server ask for the body of the pending request? */
bool plausible_body_accepted(const struct http *h);

/** plausible_trial_over() - the client has sent the segment at hand: can the request on trial not be upheld any more? */
bool plausible_trial_over(const struct http *h, struct span segment);

/** plausible_trial_won() - a response that has started is that of the request on trial, which is whole and held */
bool plausible_trial_won(const struct http *h);

#endif
