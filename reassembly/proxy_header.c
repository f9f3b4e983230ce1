/* proxy_header.c - see proxy_header.h */
#include "reassembly/proxy_header.h"

#include <arpa/inet.h>

#define V2_FIXED     16
#define V2_VERSION   0x20
#define V2_LOCAL     0
#define V2_PROXIED   1
#define V2_TCP4      0x11
#define V2_TCP6      0x21
#define V2_IPV4_SIZE 12 /* two addresses and two ports */
#define V2_IPV6_SIZE 36

static const uint8_t v2_begin[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

/** begins() - PROXY_WHOLE if @s begins with all of @with, PROXY_MORE if it ends too early to say, else PROXY_NONE */
static enum proxy_match begins(struct span s, struct span with)
{
	struct span head = s;

	span_truncate(&head, with.len);
	if (!span_starts(with, head))
		return PROXY_NONE;
	return s.len < with.len ? PROXY_MORE : PROXY_WHOLE;
}

/** take_word() - what stands before the next space of @line, which goes too, or all that is left */
static struct span take_word(struct span *line)
{
	const uint8_t *space = line->len ? memchr(line->at, ' ', line->len) : NULL;
	struct span word = *line;

	if (!space) {
		span_skip(line, line->len);
		return word;
	}
	span_truncate(&word, (size_t)(space - line->at));
	span_skip(line, word.len + 1);
	return word;
}

static bool read_port(struct span word, uint16_t *out)
{
	uint32_t n = 0;
	size_t digits = word.len;
	uint8_t c;

	if (digits == 0 || digits > 5 || (digits > 1 && word.at[0] == '0'))
		return false;
	while (span_u8(&word, &c)) {
		if (c < '0' || c > '9')
			return false;
		n = n * 10 + (c - '0');
	}
	*out = (uint16_t)n;
	return n <= UINT16_MAX;
}

static bool read_address(struct span word, uint8_t family, struct endpoint *out)
{
	char text[INET6_ADDRSTRLEN];

	if (word.len == 0 || word.len >= sizeof(text) || memchr(word.at, '\0', word.len))
		return false;
	memcpy(text, word.at, word.len);
	text[word.len] = '\0';
	*out = (struct endpoint){ .family = family };
	return inet_pton(family == 4 ? AF_INET : AF_INET6, text, family == 4 ? out->addr + 12 : out->addr) == 1;
}

/** read_addresses() - "source destination port port", and nothing else */
static bool read_addresses(struct span line, uint8_t family, struct endpoint *client)
{
	struct span source = take_word(&line), target = take_word(&line);
	struct span source_port = take_word(&line), target_port = take_word(&line);
	struct endpoint server;

	return read_address(target, family, &server) && read_address(source, family, client) &&
	       read_port(source_port, &client->port) && read_port(target_port, &server.port) && line.len == 0;
}

/** read_line() - version 1; @s begins with "PROXY " */
static enum proxy_match read_line(struct span s, struct proxy_header *out)
{
	const uint8_t *lf;
	struct span line = s, kind;

	span_truncate(&line, PROXY_HEADER_MAX);
	lf = memchr(line.at, '\n', line.len);
	if (!lf)
		return s.len < PROXY_HEADER_MAX ? PROXY_MORE : PROXY_WRONG;
	span_truncate(&line, (size_t)(lf - line.at));
	*out = (struct proxy_header){ .len = (uint32_t)line.len + 1 };
	if (line.at[line.len - 1] != '\r') /* there is a byte before: the space */
		return PROXY_WRONG;
	span_truncate(&line, line.len - 1);
	take_word(&line); /* PROXY */
	kind = take_word(&line);
	if (span_equal(kind, SPAN_LITERAL("UNKNOWN"))) /* the rest is not to be looked at */
		return PROXY_WHOLE;
	if (span_equal(kind, SPAN_LITERAL("TCP4")))
		return read_addresses(line, 4, &out->client) ? PROXY_WHOLE : PROXY_WRONG;
	if (span_equal(kind, SPAN_LITERAL("TCP6")))
		return read_addresses(line, 6, &out->client) ? PROXY_WHOLE : PROXY_WRONG;
	return PROXY_WRONG;
}

/** take_client() - the source of @size bytes of addresses and ports */
static enum proxy_match take_client(struct span rest, uint16_t length, size_t size, struct endpoint *client)
{
	size_t width = (size - 4) / 2;
	struct span source, ports;

	if (length < size)
		return PROXY_WRONG;
	if (!span_take(&rest, width, &source) || !span_skip(&rest, width) || !span_take(&rest, 4, &ports))
		return PROXY_MORE;
	*client = (struct endpoint){ .family = width == 4 ? 4 : 6 };
	memcpy(client->addr + sizeof(client->addr) - width, source.at, width);
	span_u16(&ports, &client->port);
	return PROXY_WHOLE;
}

/** read_binary() - version 2; @s begins with its twelve bytes */
static enum proxy_match read_binary(struct span s, struct proxy_header *out)
{
	uint8_t command, kind;
	uint16_t length;

	span_skip(&s, sizeof(v2_begin));
	if (!span_u8(&s, &command))
		return PROXY_MORE;
	if (command != (V2_VERSION | V2_LOCAL) && command != (V2_VERSION | V2_PROXIED))
		return PROXY_WRONG;
	if (!span_u8(&s, &kind) || !span_u16(&s, &length))
		return PROXY_MORE;
	*out = (struct proxy_header){ .len = V2_FIXED + (uint32_t)length };
	if (command == (V2_VERSION | V2_LOCAL))
		return PROXY_WHOLE;
	if (kind == V2_TCP4)
		return take_client(s, length, V2_IPV4_SIZE, &out->client);
	if (kind == V2_TCP6)
		return take_client(s, length, V2_IPV6_SIZE, &out->client);
	return PROXY_WHOLE;
}

enum proxy_match proxy_header_read(struct span s, struct proxy_header *out)
{
	enum proxy_match m = begins(s, SPAN_LITERAL("PROXY "));

	if (m == PROXY_WHOLE)
		return read_line(s, out);
	if (m == PROXY_NONE)
		m = begins(s, span_of(v2_begin, sizeof(v2_begin)));
	return m == PROXY_WHOLE ? read_binary(s, out) : m;
}

static void pass_over(struct proxy_reader *p, struct span *in)
{
	size_t n = in->len < p->left ? in->len : p->left;

	span_skip(in, n);
	p->left -= (uint32_t)n;
	p->is_over = p->left == 0;
}

enum proxy_match proxy_reader_feed(struct proxy_reader *p, struct span *in)
{
	struct proxy_header header;
	struct span more = *in;
	enum proxy_match m;

	if (p->left > 0) {
		pass_over(p, in);
		return PROXY_WHOLE;
	}
	span_truncate(&more, sizeof(p->bytes) - p->len);
	if (more.len > 0)
		memcpy(p->bytes + p->len, more.at, more.len);
	m = proxy_header_read(span_of(p->bytes, p->len + more.len), &header);
	switch (m) {
	case PROXY_NONE:
	case PROXY_WRONG:
		p->is_over = true;
		break;
	case PROXY_MORE:
		p->len = (uint8_t)(p->len + more.len);
		span_skip(in, more.len);
		break;
	case PROXY_WHOLE:
		p->header = header;
		p->left = header.len - p->len; /* what was kept before was too short for one */
		pass_over(p, in);
		break;
	}
	return m;
}

void proxy_reader_gap(struct proxy_reader *p, uint32_t *bytes)
{
	uint32_t n = *bytes < p->left ? *bytes : p->left;

	if (*bytes == UINT32_MAX) /* not known how many */
		n = p->left;
	else
		*bytes -= n;
	p->left -= n;
	p->is_over = p->left == 0;
}
