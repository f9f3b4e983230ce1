/*
 * tls_trust.c - see tls_trust.h
 *
 * Theory of operation: OpenSSL's own default reads a directory of hashed names,
 * file by file, in the middle of a handshake. That would block the loop, and by
 * then we are another user, perhaps one that sees no files any more. So all is
 * read here, before: $SSL_CERT_FILE and $SSL_CERT_DIR if they are set, as
 * OpenSSL's programs do, else the first bundle that exists in the places where
 * distributions keep theirs, else every file of OpenSSL's directory.
 */
#include "base/tls_trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define CA_FILES_MAX 4096 /* of a directory */
#define READ_SIZE 65536
#define TEXT_MAX (4u << 20) /* of all authorities of a system, which are 220 KB */

/* ---- whom we believe ---- */

/**
 * alert_text() - of a peer's alert for which OpenSSL has a name, but no text as a reason
 *
 * OpenSSL 3.0.13, which Ubuntu 24.04 has, has none of "no application protocol".
 */
static const char *alert_text(unsigned long error)
{
	int reason = ERR_GET_REASON(error);
	const char *text = ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET
				   ? SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET)
				   : NULL;

	return text && strcmp(text, "unknown") != 0 ? text : NULL;
}

const char *tls_reason(void)
{
	unsigned long first = ERR_peek_error();
	const char *text =
		ERR_SYSTEM_ERROR(first) ? strerror(ERR_GET_REASON(first)) : ERR_reason_error_string(first);

	ERR_clear_error();
	if (!text)
		text = alert_text(first);
	return text ? text : "no reason given";
}

/* ---- the system's ---- */

/** from_directory() - every file of @path; true if @take has taken one of them */
static bool from_directory(bool (*take)(void *ctx, const char *path), void *ctx, const char *path)
{
	DIR *dir = path ? opendir(path) : NULL;
	bool any = false;
	struct dirent *entry;
	char file[4096];

	if (!dir)
		return false;
	for (int n = 0; n < CA_FILES_MAX && (entry = readdir(dir)); n++) {
		int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(file) && take(ctx, file))
			any = true;
	}
	closedir(dir);
	return any;
}

/** from_system() - the files of the system's authorities; true if @take has taken one of them */
static bool from_system(bool (*take)(void *ctx, const char *path), void *ctx)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
		"/etc/ssl/ca-bundle.pem",             /* openSUSE */
	};
	const char *file = getenv(X509_get_default_cert_file_env()),
		   *dir = getenv(X509_get_default_cert_dir_env());

	if (file || dir) {
		bool of_file = file && take(ctx, file), of_dir = from_directory(take, ctx, dir);

		return of_file || of_dir;
	}
	if (take(ctx, X509_get_default_cert_file()))
		return true;
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (take(ctx, bundles[i]))
			return true;
	return from_directory(take, ctx, X509_get_default_cert_dir());
}

static bool load_file(void *ctx, const char *path)
{
	bool ok = access(path, R_OK) == 0 && SSL_CTX_load_verify_file(ctx, path) == 1;

	ERR_clear_error();
	return ok;
}

static bool read_text(void *ctx, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct buffer *out = ctx;
	size_t before = out->len;
	ssize_t n = fd < 0 ? 0 : 1;

	while (n > 0 && out->len < TEXT_MAX && buffer_reserve(out, READ_SIZE)) {
		n = read(fd, out->bytes + out->len, READ_SIZE);
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return out->len > before;
}

void tls_trust_text(struct buffer *out)
{
	from_system(read_text, out);
}

bool tls_trust_add(SSL_CTX *ctx, struct span text)
{
	BIO *bio = BIO_new_mem_buf(text.at, (int)text.len);
	X509 *one;
	bool any = false;

	while (bio && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		any |= X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), one) == 1;
		X509_free(one);
	}
	BIO_free(bio);
	ERR_clear_error();
	return any;
}

/* ---- what is named ---- */

/** why_not_readable() - what the system says about opening @path; 0 if it can be opened */
static int why_not_readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int tls_trust_load(SSL_CTX *ctx, const char *ca_file, struct buffer *error)
{
	int err;

	if (!ca_file) {
		if (from_system(load_file, ctx))
			return 0;
		buffer_add_str(
			error,
			"cannot check certificates: this system has no bundle of authorities; install its "
			"ca-certificates package, name a file with --cacert, or do without (-k)");
		return -ENOENT;
	}
	err = why_not_readable(ca_file);
	if (err == 0 && SSL_CTX_load_verify_file(ctx, ca_file) == 1)
		return 0;
	buffer_printf(
		error,
		"cannot read the authorities of --cacert \"%s\": %s; name a file of certificates in PEM form",
		ca_file, err ? strerror(err) : tls_reason());
	ERR_clear_error();
	return err ? -err : -EINVAL;
}

/* ---- who we are ---- */

/* OpenSSL: a key is encrypted. Its own answer would be to ask on the terminal. */
static int on_passphrase(char *out, int size, int for_writing, void *unused)
{
	(void)out;
	(void)size;
	(void)for_writing;
	(void)unused;
	return -1;
}

static int refuse_file(struct buffer *error, const char *what, const char *path, const char *advice)
{
	buffer_printf(error, "cannot use the %s \"%s\": %s; %s", what, path, tls_reason(), advice);
	return -EINVAL;
}

int tls_identity_load(SSL_CTX *ctx, const char *cert_file, const char *key_file, struct buffer *error)
{
	const char *key = key_file ? key_file : cert_file;

	if (!cert_file)
		return 0;
	SSL_CTX_set_default_passwd_cb(ctx, on_passphrase);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
		return refuse_file(error, "certificate of --cert", cert_file, "name a readable file with a certificate in PEM form");
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse_file(error, key_file ? "key of --key" : "key in the file of --cert", key,
				   key_file ? "name a readable file with the key of --cert in PEM form, without a passphrase"
					    : "name its file with --key, in PEM form, without a passphrase");
	return 0;
}
