/* tls_peer.c - see tls_peer.h */
#include "base/tls_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <openssl/x509v3.h>

bool tls_peer_set(struct tls_peer *p, const char *host)
{
	uint8_t address[16];
	size_t len = strcspn(host, "%"); /* a zone is this machine's own business */

	if (len >= sizeof(p->host))
		return false;
	memcpy(p->host, host, len);
	p->host[len] = '\0';
	p->is_name = inet_pton(AF_INET, p->host, address) != 1 && inet_pton(AF_INET6, p->host, address) != 1;
	if (p->is_name && len > 1 && p->host[len - 1] == '.') /* "shadow." in DNS is "shadow" in certificates */
		p->host[len - 1] = '\0';
	return true;
}

int tls_peer_expect(const struct tls_peer *p, X509_VERIFY_PARAM *param)
{
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (p->is_name)
		return X509_VERIFY_PARAM_set1_host(param, p->host, 0) == 1 ? 0 : -ENOMEM;
	return X509_VERIFY_PARAM_set1_ip_asc(param, p->host) == 1 ? 0 : -EINVAL;
}
