/*
 * suite_text.c - see suite_text.h
 *
 * Names are IANA's (TLS Cipher Suites), of those that servers still choose and that have no row in tls/suites.c: with an
 * older version than TLS 1.2 the suite does not matter, and one that is not here has its number.
 */
#include "report/suite_text.h"

#include <inttypes.h>

static const struct {
	uint16_t number;
	const char *name;
} names[] = {
	{ 0x0001, "TLS_RSA_WITH_NULL_MD5" },
	{ 0x0002, "TLS_RSA_WITH_NULL_SHA" },
	{ 0x0004, "TLS_RSA_WITH_RC4_128_MD5" },
	{ 0x0005, "TLS_RSA_WITH_RC4_128_SHA" },
	{ 0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0x003b, "TLS_RSA_WITH_NULL_SHA256" },
	{ 0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA" },
	{ 0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA" },
	{ 0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA" },
	{ 0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA" },
	{ 0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256" },
	{ 0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384" },
	{ 0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA" },
	{ 0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0xc05c, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256" },
	{ 0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384" },
	{ 0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256" },
	{ 0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384" },
	{ 0xc072, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256" },
	{ 0xc073, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384" },
	{ 0xc076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256" },
	{ 0xc077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384" },
};

static void version_text(uint16_t version, struct buffer *out)
{
	if (version == 0x0300)
		buffer_add_str(out, "SSL 3.0");
	else if (version >> 8 == 3 && (version & 0xff) <= 4)
		buffer_printf(out, "TLS 1.%u", (version & 0xffu) - 1);
	else
		buffer_printf(out, "version 0x%04x", version);
}

void suite_text(uint64_t what, struct buffer *out)
{
	uint16_t version = UNSUPPORTED_VERSION(what), suite = UNSUPPORTED_SUITE(what);

	version_text(version, out);
	if (UNSUPPORTED_COMPRESSES(what)) {
		buffer_add_str(out, " with compression");
		return;
	}
	if (version != 0x0303 && version != 0x0304) /* TLS 1.2, 1.3 */
		return;
	buffer_printf(out, " with 0x%04x", suite);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == suite)
			buffer_printf(out, " (%s)", names[i].name);
}

void suite_texts(const struct unsupported_share *shares, struct buffer *out)
{
	for (size_t i = 0; i < UNSUPPORTED_MAX && shares[i].connections > 0; i++) {
		buffer_printf(out, "%s%" PRIu64 " of ", i == 0 ? " (" : ", ", shares[i].connections);
		suite_text(shares[i].what, out);
	}
	if (shares[0].connections > 0)
		buffer_add_str(out, ")");
}
