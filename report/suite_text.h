/* suite_text.h - versions and cipher suites of TLS that cannot be read, in words */
#ifndef REPORT_SUITE_TEXT_H
#define REPORT_SUITE_TEXT_H

#include "report/books.h"

/** suite_text() - append "TLS 1.1", "TLS 1.2 with 0x000a (TLS_RSA_WITH_3DES_EDE_CBC_SHA)"; @what: an UNSUPPORTED() */
void suite_text(uint64_t what, struct buffer *out);

/** suite_texts() - append all that there are, most connections first: " (5 of TLS 1.1, 1 of TLS 1.2 with ...)"; nothing if none is known */
void suite_texts(const struct unsupported_share *shares, struct buffer *out);

#endif
