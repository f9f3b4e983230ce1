/* fault_certs.c - see fault_certs.h */
#include "tests/rig/fault_certs.h"
#include "tests/rig/unit.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S (24L * 3600)

struct made {
	X509 *cert;
	EVP_PKEY *key;
};

static const char *const names[] = {
#define X(id, name) name,
	FAULT_CERTS(X)
#undef X
};
static char directory[64], paths[2 * FAULT_CERT_COUNT][128];

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/** make() - valid from @from_s to @to_s, from now; @issuer NULL: signed by itself */
static struct made make(const char *name, const char *san, const struct made *issuer, bool is_ca, long from_s,
			long to_s)
{
	static long serial = 1;
	struct made m = { X509_new(), EVP_EC_gen("P-256") };
	X509_NAME *subject;

	assert_true(m.cert && m.key);
	subject = X509_get_subject_name(m.cert);
	assert_int_equal(
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0),
		1);
	X509_set_version(m.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(m.cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(m.cert), to_s);
	X509_set_pubkey(m.cert, m.key);
	X509_set_issuer_name(m.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
	add_extension(m.cert, issuer ? issuer->cert : m.cert, NID_basic_constraints,
		      is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (san)
		add_extension(m.cert, issuer ? issuer->cert : m.cert, NID_subject_alt_name, san);
	assert_true(X509_sign(m.cert, issuer ? issuer->key : m.key, EVP_sha256()) > 0);
	return m;
}

static void drop(struct made *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
}

static void save(enum fault_cert which, struct made m)
{
	FILE *pem, *key;

	snprintf(paths[2 * which], sizeof(paths[0]), "%s/%s.pem", directory, names[which]);
	snprintf(paths[2 * which + 1], sizeof(paths[0]), "%s/%s.key", directory, names[which]);
	pem = fopen(fault_certs_pem(which), "w");
	key = fopen(fault_certs_key(which), "w");
	assert_true(pem && key);
	assert_int_equal(PEM_write_X509(pem, m.cert), 1);
	assert_int_equal(PEM_write_PrivateKey(pem, m.key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(PEM_write_PrivateKey(key, m.key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(pem);
	fclose(key);
	if (which != FAULT_CERT_CA)
		drop(&m);
}

void fault_certs_make(void)
{
	static const char good[] = "DNS:shadow.test,DNS:*.shadow.test,IP:127.0.0.1";
	struct made ca, unknown;

	strcpy(directory, "/tmp/shadowtap-certs-XXXXXX");
	assert_non_null(mkdtemp(directory));
	ca = make("test authority", NULL, NULL, true, -DAY_S, DAY_S);
	unknown = make("unknown authority", NULL, NULL, true, -DAY_S, DAY_S);
	save(FAULT_CERT_GOOD, make("good", good, &ca, false, -DAY_S, DAY_S));
	save(FAULT_CERT_SELF_SIGNED, make("self", good, NULL, false, -DAY_S, DAY_S));
	save(FAULT_CERT_EXPIRED, make("expired", good, &ca, false, -2 * DAY_S, -DAY_S));
	save(FAULT_CERT_FUTURE, make("future", good, &ca, false, DAY_S, 2 * DAY_S));
	save(FAULT_CERT_OTHER_HOST, make("other", "DNS:other.test,IP:127.0.0.9", &ca, false, -DAY_S, DAY_S));
	save(FAULT_CERT_STRANGER, make("stranger", good, &unknown, false, -DAY_S, DAY_S));
	save(FAULT_CERT_CLIENT, make("client", NULL, &ca, false, -DAY_S, DAY_S));
	save(FAULT_CERT_CA, ca);
	drop(&ca);
	drop(&unknown);
}

void fault_certs_remove(void)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(directory), 0);
}

const char *fault_certs_pem(enum fault_cert cert)
{
	return paths[2 * cert];
}

const char *fault_certs_key(enum fault_cert cert)
{
	return paths[2 * cert + 1];
}

const char *fault_certs_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}
