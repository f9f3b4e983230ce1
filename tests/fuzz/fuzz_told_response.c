/* fuzz_told_response.c - any bytes as a file with a response: its body lies in them, or is no longer than they are */
#include <stdint.h>
#include <stdlib.h>

#include "app/cases/told_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told_response r = { 0 };
	const char *error;
	int err = told_response_read(&r, span_of(data, size), &error);

	if (err == 0 && (r.body.len > size || (r.status_code != 0 && (r.status_code < 100 || r.status_code > 599))))
		abort();
	if (err == 0 && told_response_guess(r.body).len == 0)
		abort();
	told_response_deinit(&r);
	return 0;
}
