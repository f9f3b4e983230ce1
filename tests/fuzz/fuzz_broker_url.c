/*
 * fuzz_broker_url.c - any text at all as a broker, and as a file with credentials
 *
 * What is accepted as a URL is made of few characters, and parsing what is shown gives the same but for user and password.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/broker_url.h"
#include "relay/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static void must_be_same(const struct broker_url *u, const struct broker_url *again)
{
	must(u->host_count == again->host_count && u->is_tls == again->is_tls && strcmp(u->service, again->service) == 0);
	for (size_t i = 0; i < u->host_count; i++)
		must(strcmp(u->host[i].name, again->host[i].name) == 0 && u->host[i].port == again->host[i].port);
}

static void try_url(const char *text)
{
	struct buffer error = { 0 };
	struct broker_url u, again;

	if (broker_url_parse(text, &u, &error) < 0) {
		must(error.len > 0 && u.host_count == 0);
	} else {
		must(error.len == 0 && u.host_count > 0 && u.host_count <= BROKER_HOSTS_MAX && broker_url_is(text));
		must(relay_name_is_good(span_str(u.service)));
		must(strchr(u.shown, '@') == NULL);
		for (const char *c = u.shown; *c; c++)
			must((unsigned char)*c > ' ' && (unsigned char)*c < 0x7f);
		if (strlen(u.shown) + 1 < sizeof(u.shown)) {
			must(broker_url_parse(u.shown, &again, &error) == 0);
			must_be_same(&u, &again);
		}
	}
	buffer_deinit(&error);
}

static void try_file(struct span text)
{
	struct credentials key = { 0 }, creds = { 0 };

	if (credentials_nkey(text, &key) == 0)
		must(key.seed[0] == 'S' && key.public_key[0] == 'U');
	if (credentials_creds(text, &creds) == 0)
		must(creds.token.len > 1 && creds.public_key[0] == 'U');
	credentials_deinit(&key);
	credentials_deinit(&creds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try_url(text);
	try_file(span_of(data, size));
	free(text);
	return 0;
}
