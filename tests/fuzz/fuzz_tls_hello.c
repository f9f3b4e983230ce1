/* fuzz_tls_hello.c - any bytes as a side's first: of fewer of them nothing else is said than that they are too few */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static void check_name(const char *name)
{
	must(memchr(name, 0, 256) != NULL);
	for (; *name; name++)
		must(*name > ' ' && *name < 0x7f);
}

/* A copy of its size, so that one byte too far is seen */
static enum hello_result read_part(struct span in, size_t n, int of_server, struct client_hello *client,
				   struct server_hello *server)
{
	struct buffer scratch = { 0 };
	uint8_t *exact = malloc(n ? n : 1);
	enum hello_result result;

	must(exact != NULL);
	memcpy(exact, in.at, n);
	in = span_of(exact, n);
	result = of_server ? server_hello_read(in, &scratch, server) : client_hello_read(in, &scratch, client);
	buffer_deinit(&scratch);
	free(exact);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_hello client, client_part;
	struct server_hello server, server_part;
	struct span in = span_of(data, size);
	enum hello_result whole, part;
	uint8_t choice;

	if (!span_u8(&in, &choice))
		return 0;
	if (client_hello_begin(in, &client_part))
		check_name(client_part.name);
	whole = read_part(in, in.len, choice & 1, &client, &server);
	part = read_part(in, in.len * (choice >> 1) / 128, choice & 1, &client_part, &server_part);
	must(part == HELLO_MORE || part == whole);
	if (whole != HELLO_WHOLE || part != HELLO_WHOLE)
		return 0;
	if (choice & 1) {
		must(server.suite == server_part.suite && server.version == server_part.version);
	} else {
		must(memcmp(&client, &client_part, sizeof(client)) == 0);
		check_name(client.name);
	}
	return 0;
}
