/* suites.c - see suites.h */
#include "tls/suites.h"

#include "tls/hello.h"
#include "tls/records.h"

#define TAG      16
#define TAG_CCM8 8
#define SHA1     20
#define SHA256   32
#define SHA384   48
#define BLOCK    16

/* clang-format off */
static const struct suite suites[] = {
	{ 0x1301, TLS_1_3, SUITE_GCM,    16, TAG,      SUITE_SHA256, "TLS_AES_128_GCM_SHA256" },
	{ 0x1302, TLS_1_3, SUITE_GCM,    32, TAG,      SUITE_SHA384, "TLS_AES_256_GCM_SHA384" },
	{ 0x1303, TLS_1_3, SUITE_CHACHA, 32, TAG,      SUITE_SHA256, "TLS_CHACHA20_POLY1305_SHA256" },
	{ 0x1304, TLS_1_3, SUITE_CCM,    16, TAG,      SUITE_SHA256, "TLS_AES_128_CCM_SHA256" },
	{ 0x1305, TLS_1_3, SUITE_CCM,    16, TAG_CCM8, SUITE_SHA256, "TLS_AES_128_CCM_8_SHA256" },
	{ 0xc02b, TLS_1_2, SUITE_GCM,    16, TAG,      SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02c, TLS_1_2, SUITE_GCM,    32, TAG,      SUITE_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc02f, TLS_1_2, SUITE_GCM,    16, TAG,      SUITE_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc030, TLS_1_2, SUITE_GCM,    32, TAG,      SUITE_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0x009c, TLS_1_2, SUITE_GCM,    16, TAG,      SUITE_SHA256, "TLS_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009d, TLS_1_2, SUITE_GCM,    32, TAG,      SUITE_SHA384, "TLS_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0x009e, TLS_1_2, SUITE_GCM,    16, TAG,      SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009f, TLS_1_2, SUITE_GCM,    32, TAG,      SUITE_SHA384, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xcca8, TLS_1_2, SUITE_CHACHA, 32, TAG,      SUITE_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xcca9, TLS_1_2, SUITE_CHACHA, 32, TAG,      SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xccaa, TLS_1_2, SUITE_CHACHA, 32, TAG,      SUITE_SHA256, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xc09c, TLS_1_2, SUITE_CCM,    16, TAG,      SUITE_SHA256, "TLS_RSA_WITH_AES_128_CCM" },
	{ 0xc09d, TLS_1_2, SUITE_CCM,    32, TAG,      SUITE_SHA256, "TLS_RSA_WITH_AES_256_CCM" },
	{ 0xc09e, TLS_1_2, SUITE_CCM,    16, TAG,      SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_128_CCM" },
	{ 0xc09f, TLS_1_2, SUITE_CCM,    32, TAG,      SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_256_CCM" },
	{ 0xc0a0, TLS_1_2, SUITE_CCM,    16, TAG_CCM8, SUITE_SHA256, "TLS_RSA_WITH_AES_128_CCM_8" },
	{ 0xc0a1, TLS_1_2, SUITE_CCM,    32, TAG_CCM8, SUITE_SHA256, "TLS_RSA_WITH_AES_256_CCM_8" },
	{ 0xc0a2, TLS_1_2, SUITE_CCM,    16, TAG_CCM8, SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_128_CCM_8" },
	{ 0xc0a3, TLS_1_2, SUITE_CCM,    32, TAG_CCM8, SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_256_CCM_8" },
	{ 0xc0ac, TLS_1_2, SUITE_CCM,    16, TAG,      SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM" },
	{ 0xc0ad, TLS_1_2, SUITE_CCM,    32, TAG,      SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM" },
	{ 0xc0ae, TLS_1_2, SUITE_CCM,    16, TAG_CCM8, SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8" },
	{ 0xc0af, TLS_1_2, SUITE_CCM,    32, TAG_CCM8, SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8" },
	{ 0x002f, TLS_1_2, SUITE_CBC,    16, SHA1,     SUITE_SHA1,   "TLS_RSA_WITH_AES_128_CBC_SHA" },
	{ 0x0035, TLS_1_2, SUITE_CBC,    32, SHA1,     SUITE_SHA1,   "TLS_RSA_WITH_AES_256_CBC_SHA" },
	{ 0x0033, TLS_1_2, SUITE_CBC,    16, SHA1,     SUITE_SHA1,   "TLS_DHE_RSA_WITH_AES_128_CBC_SHA" },
	{ 0x0039, TLS_1_2, SUITE_CBC,    32, SHA1,     SUITE_SHA1,   "TLS_DHE_RSA_WITH_AES_256_CBC_SHA" },
	{ 0xc009, TLS_1_2, SUITE_CBC,    16, SHA1,     SUITE_SHA1,   "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
	{ 0xc00a, TLS_1_2, SUITE_CBC,    32, SHA1,     SUITE_SHA1,   "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
	{ 0xc013, TLS_1_2, SUITE_CBC,    16, SHA1,     SUITE_SHA1,   "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" },
	{ 0xc014, TLS_1_2, SUITE_CBC,    32, SHA1,     SUITE_SHA1,   "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" },
	{ 0x003c, TLS_1_2, SUITE_CBC,    16, SHA256,   SUITE_SHA256, "TLS_RSA_WITH_AES_128_CBC_SHA256" },
	{ 0x003d, TLS_1_2, SUITE_CBC,    32, SHA256,   SUITE_SHA256, "TLS_RSA_WITH_AES_256_CBC_SHA256" },
	{ 0x0067, TLS_1_2, SUITE_CBC,    16, SHA256,   SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256" },
	{ 0x006b, TLS_1_2, SUITE_CBC,    32, SHA256,   SUITE_SHA256, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256" },
	{ 0xc023, TLS_1_2, SUITE_CBC,    16, SHA256,   SUITE_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
	{ 0xc024, TLS_1_2, SUITE_CBC,    32, SHA384,   SUITE_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384" },
	{ 0xc027, TLS_1_2, SUITE_CBC,    16, SHA256,   SUITE_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
	{ 0xc028, TLS_1_2, SUITE_CBC,    32, SHA384,   SUITE_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" },
};
/* clang-format on */

const struct suite *suite_find(uint16_t version, uint16_t number)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].number == number && suites[i].version == version)
			return &suites[i];
	return NULL;
}

size_t suite_secret_len(const struct suite *s)
{
	return s->hash == SUITE_SHA384 ? SHA384 : SHA256;
}

const struct suite *suite_of_secret(size_t secret_len, size_t i)
{
	for (size_t k = 0; k < sizeof(suites) / sizeof(suites[0]); k++)
		if (suites[k].version == TLS_1_3 && suite_secret_len(&suites[k]) == secret_len && i-- == 0)
			return &suites[k];
	return NULL;
}

size_t suite_fixed_iv(const struct suite *s)
{
	if (s->mode == SUITE_CBC)
		return 0;
	return s->version == TLS_1_3 || s->mode == SUITE_CHACHA ? 12 : 4;
}

size_t suite_explicit_iv(const struct suite *s)
{
	if (s->mode == SUITE_CBC)
		return BLOCK;
	return 12 - suite_fixed_iv(s);
}

size_t suite_overhead(const struct suite *s)
{
	if (s->mode == SUITE_CBC)
		return 0;
	return RECORD_HEADER_BYTES + suite_explicit_iv(s) + s->tag_len + (s->version == TLS_1_3);
}

size_t suite_record_min(const struct suite *s)
{
	if (s->mode == SUITE_CBC) /* one block of padding in place of the MAC's last would still be more */
		return RECORD_HEADER_BYTES + 2 * BLOCK + s->tag_len / BLOCK * BLOCK;
	return suite_overhead(s);
}
