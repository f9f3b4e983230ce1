/* records.c - see records.h */
#include "tls/records.h"

#define VERSION_MAJOR    3
#define VERSION_MINOR_MAX 4
#define PROTECTED_MIN    17 /* the smallest payload of data: a type and a tag, or with CCM-8 an explicit nonce and that */

static bool is_type(uint8_t type)
{
	return type >= RECORD_CHANGE_CIPHER_SPEC && type <= RECORD_HEARTBEAT;
}

/** header_fits() - may @bytes, of which there may be none, be or begin a header? */
static bool header_fits(struct span bytes)
{
	return (bytes.len < 1 || is_type(bytes.at[0])) && (bytes.len < 2 || bytes.at[1] == VERSION_MAJOR) &&
	       (bytes.len < 3 || bytes.at[2] <= VERSION_MINOR_MAX) &&
	       (bytes.len < RECORD_HEADER_BYTES || (bytes.at[3] << 8 | bytes.at[4]) <= RECORD_PAYLOAD_MAX);
}

size_t record_length(struct span bytes)
{
	if (bytes.len < RECORD_HEADER_BYTES || !header_fits(bytes))
		return 0;
	return RECORD_HEADER_BYTES + (size_t)(bytes.at[3] << 8 | bytes.at[4]);
}

enum framing record_take(struct span *bytes, struct record *out)
{
	size_t len = record_length(*bytes);

	if (len == 0)
		return header_fits(*bytes) ? FRAMING_MORE : FRAMING_BAD;
	if (len > bytes->len)
		return FRAMING_MORE;
	span_take(bytes, RECORD_HEADER_BYTES, &out->header);
	span_take(bytes, len - RECORD_HEADER_BYTES, &out->payload);
	out->type = out->header.at[0];
	out->version = (uint16_t)(out->header.at[1] << 8 | out->header.at[2]);
	return FRAMING_WHOLE;
}

/** data_fits() - header_fits() of what a stream consists of behind its handshake: data under TLS 1.2 or later */
static bool data_fits(struct span bytes)
{
	return header_fits(bytes) && (bytes.len < 1 || bytes.at[0] == RECORD_APPLICATION_DATA) &&
	       (bytes.len < 3 || bytes.at[2] == 3) &&
	       (bytes.len < RECORD_HEADER_BYTES || (bytes.at[3] << 8 | bytes.at[4]) >= PROTECTED_MIN);
}

/** is_followed() - does a header follow on the record that begins with @bytes, as far as there is anything? */
static bool is_followed(struct span bytes)
{
	size_t len = record_length(bytes);

	return len == 0 || !span_skip(&bytes, len) || header_fits(bytes);
}

size_t record_search(struct span bytes, size_t from)
{
	if (!span_skip(&bytes, from))
		return from;
	while (bytes.len > 0) {
		const uint8_t *at = memchr(bytes.at, RECORD_APPLICATION_DATA, bytes.len);
		size_t skip = at ? (size_t)(at - bytes.at) : bytes.len;

		from += skip;
		span_skip(&bytes, skip);
		if (bytes.len > 0 && data_fits(bytes) && is_followed(bytes))
			break;
		from += bytes.len > 0;
		span_skip(&bytes, 1);
	}
	return from;
}

bool record_claims(struct span bytes)
{
	return bytes.len >= RECORD_HEADER_BYTES && data_fits(bytes) && is_followed(bytes);
}
