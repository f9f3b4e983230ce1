/*
 * admin_address.h - where --admin listens: ADDR:PORT, [ADDR]:PORT, localhost:PORT or unix:/path
 *
 * Addresses are numbers: a name would have to be looked up, and what it leads
 * to decides who may change the sample. The one exception is localhost, which
 * is 127.0.0.1.
 */
#ifndef APP_OPTIONS_ADMIN_ADDRESS_H
#define APP_OPTIONS_ADMIN_ADDRESS_H

#include <stdbool.h>

#include "base/endpoint.h"

#define ADMIN_PATH_MAX 108 /* what sockaddr_un holds, with its NUL */

struct admin_address {
	struct endpoint at;        /* family 0: a Unix socket, or nothing (an empty path too) */
	char path[ADMIN_PATH_MAX]; /* "" unless it is a Unix socket */
};

/** admin_address_parse() - NULL, or why @text is no such address, with what to write instead; static text */
const char *admin_address_parse(const char *text, struct admin_address *out);

/** admin_address_is_loopback() - 127.0.0.0/8 or ::1; false for Unix sockets */
bool admin_address_is_loopback(const struct admin_address *a);

/** admin_address_is_any() - 0.0.0.0 or :: */
bool admin_address_is_any(const struct admin_address *a);

#endif
