/*
 * fuzz_page.c - any JSON at all as a report, drawn on both media
 *
 * A report's values were chosen by whoever sent the requests, and the file may
 * have been changed since. Whatever it says, the page holds no tag but those
 * that the program writes, and no table loses its columns.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "report/page.h"
#include "tests/rig/page_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc doc = { 0 };
	struct buffer html = { 0 }, text = { 0 };

	if (json_doc_parse(&doc, span_of(data, size)) == 0) {
		int err = page_draw(&doc, MEDIUM_HTML, &html);

		must(err == 0 || err == -EINVAL);
		must(page_draw(&doc, MEDIUM_MARKDOWN, &text) == err);
		if (err == 0) {
			must(page_html_is_safe(buffer_text(&html)));
			must(page_markdown_is_whole(buffer_text(&text)));
		}
	}
	buffer_deinit(&html);
	buffer_deinit(&text);
	json_doc_deinit(&doc);
	return 0;
}
