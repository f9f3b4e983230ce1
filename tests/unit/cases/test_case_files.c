/*
 * test_case_files.c - what is in the files of a case: nothing that is a credential, and nothing that acts
 *
 * The script is run, with a curl that writes down its arguments and a shadowtap
 * that writes down its own, in a folder where a command that got out of its quotes
 * would leave a file.
 */
#include "tests/rig/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cases/case_files.h"
#include "app/cases/case_folder.h"
#include "app/cases/case_quote.h"

#define FIELD(n, v) { SPAN_LITERAL(n), SPAN_LITERAL(v) }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct case_rules plain_rules = { .rtol = 1e-5, .atol = 1e-8 };
static const struct header json_field[] = { FIELD("Content-Type", "application/json") };

static struct case_facts facts_of(const char *method, const char *target)
{
	return (struct case_facts){
		.id = "0123456789abcdef",
		.target_name = "default",
		.verdict = "value",
		.method = span_str(method),
		.target = span_str(target),
		.headers = json_field,
		.header_count = 1,
		.body = SPAN_LITERAL("{\"a\":1}"),
		.production = { 200, json_field, 1, SPAN_LITERAL("{\"b\":1}") },
		.shadow = { 500, json_field, 1, SPAN_LITERAL("{}") },
		.rules = &plain_rules,
		.differences = SPAN_LITERAL("value: ...\n"),
	};
}

static const char *text_of(struct case_file *files, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(files[i].name, name) == 0)
			return buffer_text(&files[i].content);
	fail_msg("there is no %s", name);
	return NULL;
}

/* ---- credentials ---- */

static void test_no_credentials(void **state)
{
	static const struct header fields[] = {
		FIELD("Authorization", "Bearer hidden-1"),
		FIELD("Proxy-Authorization", "hidden-2"),
		FIELD("Cookie", "hidden-3"),
		FIELD("X-Api-Key", "hidden-4"),
		FIELD("X-Amz-Security-Token", "hidden-5"),
		FIELD("x-odd", "bearer hidden-6"),
		FIELD("x-other", "eyJhidden-7.x.y"),
		FIELD("x-trace-bin", "hidden-8"),
		FIELD("Host", "hidden-9"),
		FIELD("User-Agent", "hidden-10"),
		FIELD("X-Broken", "a\r\nhidden-11: b"),
		FIELD("bad name", "hidden-12"),
		FIELD("X-Model", "shown"),
		FIELD("X-Empty", ""),
		FIELD("Content-Type", "application/json"),
	};
	static const struct header said[] = { FIELD("Set-Cookie", "hidden-13"), FIELD("content-type", "application/json"),
					      FIELD("Content-Encoding", "gzip"), FIELD("inference-header-content-length", "7") };
	struct case_facts f = facts_of("POST", "/v1?api_key=hidden-14&n=3&Acc%65ss_Token=hidden-15&sig=hidden-16&empty=&key");
	struct case_file files[CASE_FILES_MAX];
	size_t count;

	(void)state;
	f.headers = fields;
	f.header_count = COUNT(fields);
	f.production = (struct case_response){ 200, said, COUNT(said), SPAN_LITERAL("{}") };
	count = case_files_make(&f, files);
	assert_int_equal(count, 9); /* no rules.txt */
	for (size_t i = 0; i < count; i++)
		if (memmem(files[i].content.bytes, files[i].content.len, "hidden", 6))
			fail_msg("%s: %s", files[i].name, buffer_text(&files[i].content));
	assert_string_equal(text_of(files, count, "headers"), "X-Shadowtap: 0123456789abcdef\nX-Model: shown\nX-Empty;\nContent-Type: application/json\n");
	assert_string_equal(text_of(files, count, "production.response"),
			    "HTTP/1.1 200\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
			    "Inference-Header-Content-Length: 7\r\nContent-Length: 2\r\n\r\n{}");
	assert_non_null(strstr(text_of(files, count, "run.sh"),
			       "Left out, as what may be a credential: Authorization, Proxy-Authorization, Cookie, X-Api-Key, "
			       "X-Amz-Security-Token, x-odd, x-other, x-trace-bin\n"));
	assert_non_null(strstr(text_of(files, count, "run.sh"), "values of 3 of its parameters"));
	assert_non_null(strstr(text_of(files, count, "run.sh"),
			       "'/v1?api_key=removed&n=3&Acc%65ss_Token=removed&sig=removed&empty=&key'"));
	case_files_deinit(files);
}

static void test_what_there_is(void **state)
{
	const char *const ignore[] = { "/it's" };
	const struct case_rules rules = { .rtol = 0.1, .atol = 1.0 / 3, .preset = "v2", .ignore = ignore, .ignore_count = 1,
					  .text = SPAN_LITERAL("/a ignore\n") };
	struct case_facts f = facts_of("POST", "/");
	struct case_file files[CASE_FILES_MAX];
	size_t count;

	(void)state;
	f.rules = &rules;
	f.shadow = (struct case_response){ 0 };
	f.headers = NULL;
	f.header_count = 0;
	count = case_files_make(&f, files);
	assert_int_equal(count, 9); /* no shadow.response */
	assert_string_equal(text_of(files, count, "headers"), "X-Shadowtap: 0123456789abcdef\nContent-Type:\n"); /* curl would say what it is not */
	assert_string_equal(text_of(files, count, "rules.txt"), "/a ignore\n");
	assert_non_null(strstr(text_of(files, count, "run.sh"),
			       " '--rules' 'rules.txt' '--preset' 'v2' '--rtol' '0.1' '--atol' '0.33333333333333331' "
			       "'--ignore' '/it'\\''s' '--request' 'request.bin'\n"));
	case_files_deinit(files);
	f.method = SPAN_LITERAL("POST / HTTP/1.1\r\nX: y");
	assert_int_equal(case_files_make(&f, files), 0);
	case_files_deinit(files);
}

/* Editors fill in what is between two braces, from the environment too. */
static void test_request_file(void **state)
{
	static const struct header fields[] = { FIELD("X-A", "{{$processEnv HOME}}"), FIELD("X-B", "{b}") };
	struct case_facts f = facts_of("POST", "/a{{$processEnv HOME}}?{{x}}");
	struct case_file files[CASE_FILES_MAX];
	const char *text;
	size_t count;

	(void)state;
	f.headers = fields;
	f.header_count = 2;
	count = case_files_make(&f, files);
	text = text_of(files, count, "request.http");
	assert_non_null(strstr(text, "\nPOST {{target}}/a%7B%7B$processEnv%20HOME%7D%7D?%7B%7Bx%7D%7D HTTP/1.1\nX-Shadowtap: 0123456789abcdef\nX-B: {b}\n\n< ./request.bin\n"));
	assert_null(strstr(strstr(text, "{{target}}") + 4, "{{"));
	case_files_deinit(files);
}

/* ---- the script ---- */

static const char fake[] = "#!/bin/sh\n"
			   "for a in \"$0\" \"$@\"; do printf '%s\\n' \"$a\" >>\"$LOG\"; done\n"
			   "[ \"${0##*/}\" = curl ] || exit 3\n";

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void read_file(const char *folder, const char *name, char *out, size_t size)
{
	char path[200];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? 0 : read(fd, out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	if (fd >= 0)
		close(fd);
}

static const char *const hostile[] = {
	"/plain",
	"/it's/$(touch${IFS}owned)/`touch owned`",
	"/';touch owned;'",
	"/\";touch owned;\"\\",
	"/a b\tc\n#d\r%00",
	"/[1-9]{a,b}?q=*&r=~&\xff\xc3\xa9",
	"/../../-o/etc/passwd",
	"//evil.example/x",
	"/@evil:80/",
};

static void test_script(void **state)
{
	char folder[] = "/tmp/test_case_files.XXXXXX", command[500], log[8192], url[300];

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_file(folder, "curl", fake);
	write_file(folder, "shadowtap", fake);
	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct case_facts f = facts_of("POST'$(touch", hostile[i]);
		struct case_file files[CASE_FILES_MAX];
		struct buffer target = { 0 };
		int at = open(folder, O_RDONLY | O_DIRECTORY), status;
		size_t count;

		f.method = i % 2 ? SPAN_LITERAL("PO'ST`touch") : SPAN_LITERAL("POST"); /* a token, which quotes may be in */
		count = case_files_make(&f, files);
		assert_true(at >= 0 && count > 0);
		assert_int_equal(case_folder_begin(at, "case"), 0);
		for (const struct case_file *x = files; x < files + count; x++)
			assert_int_equal(case_folder_write(at, "case", x->name, x->is_program, buffer_span(&x->content)), 0);
		snprintf(command, sizeof(command), "cd / && rm -f %s/log && PATH=%s:$PATH LOG=%s/log TARGET=http://shadow:1/base/ %s/case/run.sh",
			 folder, folder, folder, folder);
		status = system(command);
		assert_int_equal(WEXITSTATUS(status), 3); /* what the fake shadowtap says */
		read_file(folder, "log", log, sizeof(log));
		quote_target(&target, f.target);
		snprintf(url, sizeof(url), "\nhttp://shadow:1/base%s\n", buffer_text(&target));
		if (!strstr(log, url) || strstr(log, "\nowned\n") || !strstr(log, "\n--data-binary\n@request.bin\n"))
			fail_msg("%zu: %s", i, log);
		assert_non_null(strstr(log, i % 2 ? "\n-X\nPO'ST`touch\n" : "\n-X\nPOST\n"));
		assert_non_null(strstr(log, "/shadowtap\ndiff\nproduction.response\n"));
		snprintf(command, sizeof(command), "test -z \"$(find / %s %s/case -maxdepth 1 -name owned)\"", folder, folder);
		assert_int_equal(system(command), 0);
		snprintf(command, sizeof(command), "env -u TARGET PATH=%s:$PATH %s/case/run.sh 2>/dev/null", folder, folder);
		status = system(command);
		assert_int_equal(WEXITSTATUS(status), 2);
		snprintf(command, sizeof(command), "cd / && rm %s/log && PATH=%s:$PATH LOG=%s/log SHADOWTAP=/nowhere/shadowtap "
						   "TARGET=http://shadow:1 %s/case/run.sh 2>&1 | grep -q '^/nowhere/shadowtap is not found'",
			 folder, folder, folder, folder);
		assert_int_equal(system(command), 0);
		assert_int_equal(faccessat(at, "log", F_OK, 0), -1); /* what nobody could compare is not sent */
		buffer_deinit(&target);
		case_files_deinit(files);
		close(at);
	}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void test_again(void **state)
{
	static const struct {
		const char *program, *url, *dir, *want;
	} rows[] = {
		{ "/usr/bin/shadowtap", "http://10.0.0.7:9000/v2", "cases", "TARGET=http://10.0.0.7:9000/v2 cases/aa/run.sh" },
		{ "/srv/shadowtap/build/shadowtap", "https://shadow", "cases", "SHADOWTAP=/srv/shadowtap/build/shadowtap TARGET=https://shadow cases/aa/run.sh" },
		{ "", "unix:/run/model.sock", "cases", "TARGET=http://shadow:9000 cases/aa/run.sh" },
		{ "", NULL, "cases", "TARGET=http://shadow:9000 cases/aa/run.sh" },
		{ "/srv/an engineer's/shadowtap", "http://shadow/v2?a=1&b=2", "my cases",
		  "SHADOWTAP='/srv/an engineer'\\''s/shadowtap' TARGET='http://shadow/v2?a=1&b=2' 'my cases/aa/run.sh'" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out = { 0 };

		case_add_again(&out, span_str(rows[i].program), rows[i].url, rows[i].dir, "aa");
		assert_string_equal(buffer_text(&out), rows[i].want);
		buffer_deinit(&out);
	}
}

/* A target becomes one word of one line, of ASCII letters; what is plain stays as it is. */
static void test_target(void **state)
{
	static const struct {
		const char *target, *quoted;
	} rows[] = {
		{ "/v1/models/m:predict", "/v1/models/m:predict" },
		{ "/a?b=c&d", "/a?b=c&d" },
		{ "/a b#c", "/a%20b%23c" },
		{ "/\xc3\xa9\x7f", "/%C3%A9%7F" },
		{ "/a?token=x", "/a?token=removed" },
		{ "/a?TOKEN=x&x-api-key=y", "/a?TOKEN=removed&x-api-key=removed" },
		{ "/a?%74oken=x", "/a?%74oken=removed" },
		{ "/a?tok%", "/a?tok%" },
		{ "/token=x", "/token=x" },
		{ "/a?b=token=x", "/a?b=token=x" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out = { 0 };

		quote_target(&out, span_str(rows[i].target));
		assert_string_equal(buffer_text(&out), rows[i].quoted);
		buffer_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_no_credentials),
		cmocka_unit_test(test_what_there_is),
		cmocka_unit_test(test_request_file),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
