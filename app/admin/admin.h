/*
 * admin.h - --admin: metrics, health, books and the sample, over HTTP, for the operator
 *
 * Theory of operation: the address is opened while privileges last and before
 * the capture is, so that a port in use is found before anything happens; it is
 * served on the loop, in between. What a peer sees and may do is admin_http.h;
 * this file keeps peers from costing anything:
 *
 * - 16 connections are served. When there are more, the oldest makes room for
 *   the new one: of those that are idle between two requests, else of those
 *   whose request is not there in whole, else of those that were answered and
 *   don't hang up. So who connects and says nothing cannot keep a probe of
 *   /healthz out. If all 16 are being answered, the new one is told 503; it is
 *   the first to make room for the next.
 * - A request has 5 seconds to come, a response 5 to leave, an idle connection
 *   75 seconds, and one that is being closed one second.
 * - Accepting and answering take turns, 20 in a tenth of a second for all peers
 *   together. When they are used up, the listener is left alone (the kernel's
 *   queue of 16 fills, and refuses for us), and each connection gets one answer
 *   more at most, until the next tenth. A flood by ab, of 100 connections kept or
 *   new, got 100 to 360 answers a second and cost below 3 % of a core.
 *
 * A Unix socket is created 0600, owned by who started shadowtap: that user and
 * root may connect. Its file is left behind at the end, because by then our
 * user may not remove it, and the sandbox has no call for it; the next start
 * replaces a socket on which no process listens, as it has to after a crash
 * anyway.
 *
 * The capture may see our own connections, on lo for one. admin_is_own() knows
 * the address before the first connection, so none of its requests is mirrored.
 */
#ifndef APP_ADMIN_ADMIN_H
#define APP_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "app/options/admin_address.h"
#include "app/admin/admin_http.h"
#include "base/buffer.h"

struct admin;

/** admin_open() - listen, answer no request yet; 0, or a negative errno with one sentence in @error */
int admin_open(const struct admin_address *address, struct admin **out, struct buffer *error);

/** admin_start() - answer from now on; 0 or a negative errno. @routes is copied */
int admin_start(struct admin *a, uv_loop_t *loop, const struct admin_routes *routes);

/** admin_is_own() - any thread: is a connection to @server one to us? */
bool admin_is_own(const struct admin *a, const struct endpoint *server);

/** admin_responses() / admin_refused() - answers given, and connections that were refused for being too many; 0 of NULL */
uint64_t admin_responses(const struct admin *a);
uint64_t admin_refused(const struct admin *a);

/** admin_close() - close all handles; when the loop has run to its end, admin_free(). Both take NULL */
void admin_close(struct admin *a);
void admin_free(struct admin *a);

#endif
