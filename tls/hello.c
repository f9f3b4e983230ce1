/* hello.c - see hello.h */
#include "tls/hello.h"

#include "tls/records.h"

#define MESSAGE_HEADER_BYTES 4
#define CLIENT_HELLO 1
#define SERVER_HELLO 2

#define EXTENSION_NAME               0
#define EXTENSION_ENCRYPT_THEN_MAC   22
#define EXTENSION_EARLY_DATA         42
#define EXTENSION_SUPPORTED_VERSIONS 43
#define EXTENSION_ECH                0xfe0d

#define NAME_HOST 0

/* SHA-256 of "HelloRetryRequest": RFC 8446, 4.1.3 */
static const uint8_t retry_random[TLS_RANDOM_BYTES] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c
};

/** struct handshake - a side's bytes, as messages */
struct handshake {
	struct span stream; /* records that were not looked at */
	struct span record; /* what is left of the one before them */
	struct buffer *scratch;
};

static bool take_vector8(struct span *in, struct span *out)
{
	uint8_t len;

	return span_u8(in, &len) && span_take(in, len, out);
}

static bool take_vector16(struct span *in, struct span *out)
{
	uint16_t len;

	return span_u16(in, &len) && span_take(in, len, out);
}

/** next_record() - the next one with handshake bytes becomes the current one */
static enum hello_result next_record(struct handshake *h)
{
	struct record r;

	for (;;) {
		switch (record_take(&h->stream, &r)) {
		case FRAMING_MORE:
			return HELLO_MORE;
		case FRAMING_BAD:
			return HELLO_BAD;
		case FRAMING_WHOLE:
			break;
		}
		switch (r.type) {
		case RECORD_HANDSHAKE:
			if (r.payload.len == 0)
				return HELLO_BAD;
			h->record = r.payload;
			return HELLO_WHOLE;
		case RECORD_CHANGE_CIPHER_SPEC: /* RFC 8446, D.4: between a HelloRetryRequest and what follows it */
			break;
		case RECORD_ALERT:
			return HELLO_ALERT;
		default:
			return HELLO_BAD;
		}
	}
}

/** message_length() - with its header, of a message that begins with @bytes; 0: that is not here */
static size_t message_length(struct span bytes)
{
	if (bytes.len < MESSAGE_HEADER_BYTES)
		return 0;
	return MESSAGE_HEADER_BYTES + ((size_t)bytes.at[1] << 16 | (size_t)bytes.at[2] << 8 | bytes.at[3]);
}

static bool is_in_record(const struct handshake *h)
{
	size_t len = message_length(h->record);

	return len > 0 && len <= h->record.len;
}

/** gather() - ... which lies in several records */
static enum hello_result gather(struct handshake *h, struct span *message)
{
	size_t len, want;
	struct span part;

	buffer_clear(h->scratch);
	for (;;) {
		len = message_length(buffer_span(h->scratch));
		if (len > HELLO_MAX)
			return HELLO_BAD;
		want = (len ? len : MESSAGE_HEADER_BYTES) - h->scratch->len;
		if (want == 0)
			break;
		if (h->record.len == 0) {
			enum hello_result result = next_record(h);

			if (result != HELLO_WHOLE)
				return result;
		}
		span_take(&h->record, want < h->record.len ? want : h->record.len, &part);
		buffer_add_span(h->scratch, part);
		if (!buffer_ok(h->scratch))
			return HELLO_BAD;
	}
	*message = buffer_span(h->scratch);
	return HELLO_WHOLE;
}

/** next_message() - of type @type, or it is bad; @out: without its header */
static enum hello_result next_message(struct handshake *h, uint8_t type, struct span *out)
{
	struct span message;
	enum hello_result result;

	if (h->record.len == 0) {
		result = next_record(h);
		if (result != HELLO_WHOLE)
			return result;
	}
	if (h->record.at[0] != type)
		return HELLO_BAD;
	if (is_in_record(h)) {
		span_take(&h->record, message_length(h->record), &message);
	} else {
		result = gather(h, &message);
		if (result != HELLO_WHOLE)
			return result;
	}
	span_skip(&message, MESSAGE_HEADER_BYTES);
	*out = message;
	return HELLO_WHOLE;
}

static void take_random(struct span bytes, uint8_t *out)
{
	memcpy(out, bytes.at, TLS_RANDOM_BYTES);
}

static void take_name(struct span extension, struct client_hello *out)
{
	struct span list, name;
	uint8_t kind;

	if (!take_vector16(&extension, &list) || !span_u8(&list, &kind) || kind != NAME_HOST || !take_vector16(&list, &name) ||
	    name.len >= sizeof(out->name))
		return;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
			return;
	memcpy(out->name, name.at, name.len);
	out->name[name.len] = 0;
}

static void take_extension(uint16_t kind, struct span extension, struct client_hello *out)
{
	if (kind == EXTENSION_NAME)
		take_name(extension, out);
	else if (kind == EXTENSION_ECH)
		out->has_ech = true;
	else if (kind == EXTENSION_EARLY_DATA)
		out->early_data = true;
}

enum hello_result client_hello_read(struct span bytes, struct buffer *scratch, struct client_hello *out)
{
	struct handshake h = { .stream = bytes, .scratch = scratch };
	struct span hello, random, unused, extensions, extension;
	enum hello_result result = next_message(&h, CLIENT_HELLO, &hello);
	uint16_t kind;

	if (result != HELLO_WHOLE)
		return result;
	memset(out, 0, sizeof(*out));
	if (!span_skip(&hello, 2) || !span_take(&hello, TLS_RANDOM_BYTES, &random) || !take_vector8(&hello, &unused) ||
	    !take_vector16(&hello, &unused) || !take_vector8(&hello, &unused))
		return HELLO_BAD;
	take_random(random, out->random);
	if (hello.len == 0)
		return HELLO_WHOLE;
	if (!take_vector16(&hello, &extensions))
		return HELLO_BAD;
	while (extensions.len > 0) {
		if (!span_u16(&extensions, &kind) || !take_vector16(&extensions, &extension))
			return HELLO_BAD;
		take_extension(kind, extension, out);
	}
	return HELLO_WHOLE;
}

/* What is read is in the first record, or it is taken for missing. */
bool client_hello_begin(struct span bytes, struct client_hello *out)
{
	size_t len = record_length(bytes);
	struct span random, unused, extension;
	uint16_t kind, extensions_len;

	memset(out, 0, sizeof(*out));
	span_truncate(&bytes, len);
	if (len == 0 || bytes.at[0] != RECORD_HANDSHAKE || !span_skip(&bytes, RECORD_HEADER_BYTES))
		return false;
	if (bytes.len < MESSAGE_HEADER_BYTES || bytes.at[0] != CLIENT_HELLO)
		return false;
	if (!span_skip(&bytes, MESSAGE_HEADER_BYTES + 2) || !span_take(&bytes, TLS_RANDOM_BYTES, &random))
		return false;
	take_random(random, out->random);
	if (!take_vector8(&bytes, &unused) || !take_vector16(&bytes, &unused) || !take_vector8(&bytes, &unused) ||
	    !span_u16(&bytes, &extensions_len))
		return true;
	span_truncate(&bytes, extensions_len);
	while (span_u16(&bytes, &kind) && take_vector16(&bytes, &extension))
		take_extension(kind, extension, out);
	return true;
}

static enum hello_result read_server_hello(struct span hello, struct server_hello *out)
{
	struct span random, unused, extensions, extension;
	uint8_t compression;
	uint16_t kind;

	memset(out, 0, sizeof(*out));
	if (!span_u16(&hello, &out->version) || !span_take(&hello, TLS_RANDOM_BYTES, &random) || !take_vector8(&hello, &unused) ||
	    !span_u16(&hello, &out->suite) || !span_u8(&hello, &compression))
		return HELLO_BAD;
	take_random(random, out->random);
	out->compresses = compression != 0;
	if (hello.len == 0)
		return HELLO_WHOLE;
	if (!take_vector16(&hello, &extensions))
		return HELLO_BAD;
	while (extensions.len > 0) {
		if (!span_u16(&extensions, &kind) || !take_vector16(&extensions, &extension))
			return HELLO_BAD;
		if (kind == EXTENSION_SUPPORTED_VERSIONS && !span_u16(&extension, &out->version))
			return HELLO_BAD;
		if (kind == EXTENSION_ENCRYPT_THEN_MAC)
			out->encrypt_then_mac = true;
	}
	return HELLO_WHOLE;
}

enum hello_result server_hello_read(struct span bytes, struct buffer *scratch, struct server_hello *out)
{
	struct handshake h = { .stream = bytes, .scratch = scratch };
	enum hello_result result;
	struct span hello;

	for (int i = 0; i < 2; i++) { /* a server asks for another hello once at most */
		result = next_message(&h, SERVER_HELLO, &hello);
		if (result == HELLO_WHOLE)
			result = read_server_hello(hello, out);
		if (result != HELLO_WHOLE || memcmp(out->random, retry_random, TLS_RANDOM_BYTES) != 0)
			return result;
	}
	return HELLO_BAD;
}
