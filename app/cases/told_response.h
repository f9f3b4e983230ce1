/*
 * told_response.h - a response in a file: its body alone, or the whole of it as curl -i prints it
 *
 * The whole begins with "HTTP/", which no body of a model's response does. Its
 * lines may end with or without CR. Interim responses (1xx) before it are left
 * out. What is chunked is put together; curl does that itself and still prints
 * the field that says so, so a body that is no sequence of chunks is taken as it is.
 */
#ifndef APP_CASES_TOLD_RESPONSE_H
#define APP_CASES_TOLD_RESPONSE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"
#include "message/response.h"

/** struct told_response - the zero value is empty */
struct told_response {
	int status_code; /* 0: the file is a body alone */
	struct response_head head;
	bool has_type;     /* Content-Type is among its fields */
	bool is_delimited; /* its length or its last chunk says that nothing of it is missing */
	struct span type;
	struct span body; /* borrowed from the text, or of @joined */
	struct buffer joined;
};

/**
 * told_response_read() - @text is borrowed while @r is used
 * @error:  static text: what is wrong
 * Return: 0, -EINVAL (it begins like a response and is none, or is cut) or -ENOMEM. told_response_deinit() in any case.
 */
int told_response_read(struct told_response *r, struct span text, const char **error);

/** told_response_guess() - the media type that the bytes of a body look like; static text */
struct span told_response_guess(struct span body);

void told_response_deinit(struct told_response *r);

#endif
