/* client_hello.c - see client_hello.h */
#include "reassembly/client_hello.h"

#define RECORD_HANDSHAKE    22
#define HANDSHAKE_HELLO     1
#define EXTENSION_NAME      0
#define NAME_HOST           0
#define RANDOM_BYTES        32
#define NAME_MAX_BYTES      255
#define EXTENSIONS_MAX      64 /* clients send about twenty */

/* A vector with a length before it; what is not captured of it is left out */
static bool take_vector8(struct span *in, struct span *out)
{
	uint8_t len;

	return span_u8(in, &len) && span_take(in, len, out);
}

static bool take_vector16(struct span *in, struct span *out, bool may_be_cut)
{
	uint16_t len;

	if (!span_u16(in, &len))
		return false;
	if (len > in->len && may_be_cut)
		len = (uint16_t)in->len;
	return span_take(in, len, out);
}

static bool is_name(struct span s)
{
	if (s.len == 0 || s.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f)
			return false;
	return true;
}

static void take_name(struct span extension, struct span *out)
{
	struct span list, name;
	uint8_t kind;

	if (take_vector16(&extension, &list, false) && span_u8(&list, &kind) && kind == NAME_HOST &&
	    take_vector16(&list, &name, false) && is_name(name))
		*out = name;
}

static void find_name(struct span hello, struct span *out)
{
	struct span session, suites, methods, extensions, extension;
	uint16_t kind;

	if (!span_skip(&hello, 2 + RANDOM_BYTES) || !take_vector8(&hello, &session) ||
	    !take_vector16(&hello, &suites, false) || !take_vector8(&hello, &methods) ||
	    !take_vector16(&hello, &extensions, true))
		return;
	for (int i = 0; i < EXTENSIONS_MAX && out->len == 0; i++) {
		if (!span_u16(&extensions, &kind) || !take_vector16(&extensions, &extension, false))
			return;
		if (kind == EXTENSION_NAME)
			take_name(extension, out);
	}
}

bool client_hello_name(struct span bytes, struct span *out)
{
	uint8_t type, message, length_high;
	uint16_t version, record_len, length_low;

	*out = span_of(bytes.at, 0);
	if (!span_u8(&bytes, &type) || type != RECORD_HANDSHAKE || !span_u16(&bytes, &version) || version >> 8 != 3 ||
	    !span_u16(&bytes, &record_len) || !span_u8(&bytes, &message) || message != HANDSHAKE_HELLO ||
	    !span_u8(&bytes, &length_high) || !span_u16(&bytes, &length_low))
		return false;
	find_name(bytes, out);
	return true;
}

bool tls_hello_match(struct span s)
{
	return s.len >= 3 && s.at[0] == 0x16 && s.at[1] == 0x03 && s.at[2] <= 0x04;
}
