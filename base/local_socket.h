/*
 * local_socket.h - listening on a Unix socket that is its owner's alone
 */
#ifndef BASE_LOCAL_SOCKET_H
#define BASE_LOCAL_SOCKET_H

/**
 * local_socket_listen() - a socket at @path, of mode 0600, that listens and never blocks
 *
 * A socket of that name on which no process listens any more is replaced; anything else stays.
 * Return: a descriptor, or a negative errno: -EADDRINUSE (something has the name), -ENAMETOOLONG, ...
 */
int local_socket_listen(const char *path, int backlog);

#endif
