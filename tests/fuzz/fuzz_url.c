/*
 * fuzz_url.c - any text at all as a target
 *
 * What is accepted must be safe to write into a request: no byte of it may be
 * white space or a control character, and parsing what is shown gives the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static void must_be_clean(const char *text, size_t room)
{
	must(memchr(text, '\0', room) != NULL);
	for (; *text; text++)
		must((unsigned char)*text > ' ' && (unsigned char)*text < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer error = { 0 };
	struct target_url u, again;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (target_url_parse(text, &u, &error) < 0) {
		must(error.len > 0);
	} else {
		must(error.len == 0);
		must_be_clean(u.name, sizeof(u.name));
		must_be_clean(u.host, sizeof(u.host));
		must_be_clean(u.authority, sizeof(u.authority));
		must_be_clean(u.prefix, sizeof(u.prefix));
		must_be_clean(u.shown, sizeof(u.shown));
		must_be_clean(u.socket, sizeof(u.socket));
		must(u.is_sink + (u.socket[0] == '/') + (u.port != 0 && u.host[0]) == 1);
		must(target_url_parse(u.shown, &again, &error) == 0);
		must(strcmp(u.prefix, again.prefix) == 0 && strcmp(u.authority, again.authority) == 0 &&
		     strcmp(u.socket, again.socket) == 0 && u.is_tls == again.is_tls);
	}
	buffer_deinit(&error);
	free(text);
	return 0;
}
