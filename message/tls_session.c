/* tls_session.c - see tls_session.h */
#include "message/tls_session.h"

#include <stdlib.h>
#include <string.h>

struct tls_session *tls_session_new(uint16_t version, const char *cipher, const char *name,
				    const uint8_t random[TLS_SESSION_RANDOM])
{
	size_t size = strlen(name) + 1;
	struct tls_session *s = malloc(sizeof(*s) + size);

	if (!s)
		return NULL;
	atomic_init(&s->references, 1);
	s->version = version;
	s->cipher = cipher;
	memcpy(s->random, random, sizeof(s->random));
	memcpy(s->name, name, size);
	return s;
}

struct tls_session *tls_session_ref(struct tls_session *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	return s;
}

void tls_session_unref(struct tls_session *s)
{
	if (s && atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) == 1)
		free(s);
}

const char *tls_session_version(const struct tls_session *s)
{
	return s->version == 0x0304 ? "1.3" : "1.2";
}
