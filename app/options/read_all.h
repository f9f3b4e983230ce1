/*
 * read_all.h - the whole of a file or pipe
 */
#ifndef APP_OPTIONS_READ_ALL_H
#define APP_OPTIONS_READ_ALL_H

#include <stddef.h>

#include "base/buffer.h"

/** read_all() - append what @fd holds, to its end; 0, -EFBIG (more than @limit bytes), -ENOMEM or another negative errno */
int read_all(int fd, size_t limit, struct buffer *out);

#endif
