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
#include <openssl/x509.h>

#define CA_FILES_MAX 4096 /* of a directory */

/* ---- whom we believe ---- */

const char *tls_reason(void)
{
	unsigned long first = ERR_peek_error();
	const char *text =
		ERR_SYSTEM_ERROR(first) ? strerror(ERR_GET_REASON(first)) : ERR_reason_error_string(first);

	ERR_clear_error();
	return text ? text : "no reason given";
}

static bool load_file(SSL_CTX *ctx, const char *path)
{
	bool ok = path && access(path, R_OK) == 0 && SSL_CTX_load_verify_file(ctx, path) == 1;

	ERR_clear_error();
	return ok;
}

/** load_directory() - every file of @path; true if one of them held a certificate */
static bool load_directory(SSL_CTX *ctx, const char *path)
{
	DIR *dir = path ? opendir(path) : NULL;
	bool any = false;
	struct dirent *entry;
	char file[4096];

	if (!dir)
		return false;
	for (int n = 0; n < CA_FILES_MAX && (entry = readdir(dir)); n++) {
		int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(file) && load_file(ctx, file))
			any = true;
	}
	closedir(dir);
	return any;
}

static bool load_system(SSL_CTX *ctx)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
		"/etc/ssl/ca-bundle.pem",             /* openSUSE */
	};
	const char *file = getenv(X509_get_default_cert_file_env()),
		   *dir = getenv(X509_get_default_cert_dir_env());

	if (file || dir) {
		bool from_file = load_file(ctx, file), from_dir = load_directory(ctx, dir);

		return from_file || from_dir;
	}
	if (load_file(ctx, X509_get_default_cert_file()))
		return true;
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (load_file(ctx, bundles[i]))
			return true;
	return load_directory(ctx, X509_get_default_cert_dir());
}

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
		if (load_system(ctx))
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
