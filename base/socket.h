/*
 * socket.h - our own stream sockets: TCP over IPv4 and IPv6, and Unix
 */
#ifndef BASE_SOCKET_H
#define BASE_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/endpoint.h"

/** socket_connect() - a non-blocking socket that is connecting, or connected, to @address; or negative errno */
int socket_connect(const struct sockaddr_storage *address);

/** socket_error() - how connect() ended: 0 or an errno */
int socket_error(int fd);

/** socket_endpoint() - @address as packets show it, ::ffff:192.0.2.1 as IPv4; false for a Unix socket */
bool socket_endpoint(const struct sockaddr_storage *address, struct endpoint *out);

/** socket_ends() - both ends of @fd as packets show them; false for a Unix socket, and for one that was reset */
bool socket_ends(int fd, struct endpoint *local, struct endpoint *remote);

#endif
