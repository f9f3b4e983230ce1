/* case_files.c - see case_files.h */
#include "app/cases/case_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cases/case_quote.h"
#include "base/json.h"
#include "base/shown.h"
#include "policy/allow.h"
#include "message/http_text.h"

#define RTOL_DEFAULT 1e-5
#define ATOL_DEFAULT 1e-8
#define SECONDS_MAX  60

/* ---- what travels ---- */

/** looks_secret() - a value that is a credential whatever its field is called */
static bool looks_secret(struct span value)
{
	static const char *const begins[] = { "bearer ", "basic ", "digest ", "negotiate ", "aws4-hmac-sha256 ", "eyJ", "sk-" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct span head = value;

		span_truncate(&head, strlen(begins[i]));
		if (span_equal_nocase(head, span_str(begins[i])))
			return true;
	}
	return false;
}

bool case_field_is_secret(struct span name, struct span value)
{
	enum field_kind kind = field_kind(name);

	return kind == FIELD_CREDENTIAL || kind == FIELD_BINARY || looks_secret(value);
}

/** travels() - is it for the file of fields? Those that a client writes by itself are not */
static bool travels(const struct header *h)
{
	return field_kind(h->name) == FIELD_PLAIN && !span_equal_nocase(h->name, SPAN_LITERAL("user-agent")) &&
	       http_is_token(h->name) && http_is_field_value(h->value) && !case_field_is_secret(h->name, h->value);
}

static const struct header *find(const struct header *at, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal_nocase(at[i].name, name))
			return &at[i];
	return NULL;
}

/** add_left_out() - lines of comment about credentials, behind @mark */
static void add_left_out(struct buffer *out, const struct case_facts *f, const char *mark)
{
	size_t removed = quote_removed(f->target), fields = 0;

	for (size_t i = 0; i < f->header_count; i++) {
		if (!case_field_is_secret(f->headers[i].name, f->headers[i].value) || !http_is_token(f->headers[i].name))
			continue;
		if (fields++ == 0)
			buffer_printf(out, "%sLeft out, as what may be a credential: ", mark);
		else
			buffer_add_str(out, ", ");
		shown_add(out, f->headers[i].name);
	}
	if (fields)
		buffer_add_str(out, "\n");
	if (removed)
		buffer_printf(out, "%sThe query has lost the values of %zu of its parameters, which may be credentials.\n", mark, removed);
}

/* ---- files of data ---- */

/*
 * "Name;" is how curl is told to send a field without a value, and "Name:" to send none of its own. X-Shadowtap is
 * there for the taps: none mirrors what another has sent.
 */
static void make_headers(const struct case_facts *f, struct buffer *out)
{
	buffer_printf(out, "X-Shadowtap: %s\n", f->id);
	for (size_t i = 0; i < f->header_count; i++) {
		if (!travels(&f->headers[i]))
			continue;
		buffer_add_span(out, f->headers[i].name);
		buffer_add_str(out, f->headers[i].value.len ? ": " : ";");
		buffer_add_span(out, f->headers[i].value);
		buffer_add_str(out, "\n");
	}
	if (!find(f->headers, f->header_count, SPAN_LITERAL("content-type")))
		buffer_add_str(out, "Content-Type:\n");
}

static void make_response(const struct case_response *r, struct buffer *out)
{
	static const char *const names[] = { "Content-Type", "Content-Encoding", "Inference-Header-Content-Length" };

	buffer_printf(out, "HTTP/1.1 %d\r\n", r->status_code);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct header *h = find(r->headers, r->header_count, span_str(names[i]));

		if (!h || !http_is_field_value(h->value))
			continue;
		buffer_printf(out, "%s: ", names[i]);
		buffer_add_span(out, h->value);
		buffer_add_str(out, "\r\n");
	}
	buffer_printf(out, "Content-Length: %zu\r\n\r\n", r->body.len);
	buffer_add_span(out, r->body);
}

/* ---- the options of shadowtap diff ---- */

/** struct words - arguments, for a shell or as elements of a list in Python */
struct words {
	struct buffer *out;
	struct json list; /* of Python's */
	bool is_python;
};

static void add_word(struct words *w, struct span word)
{
	if (w->is_python) {
		json_text(&w->list, word);
	} else {
		buffer_add_str(w->out, " ");
		quote_shell(w->out, word);
	}
}

static void add_option(struct words *w, const char *name, const char *value)
{
	add_word(w, span_str(name));
	add_word(w, span_str(value));
}

/** add_number() - with as many digits as it takes to read the same number back */
static void add_number(struct words *w, const char *name, double x)
{
	char text[40];

	snprintf(text, sizeof(text), "%g", x);
	if (strtod(text, NULL) != x)
		snprintf(text, sizeof(text), "%.17g", x);
	add_option(w, name, text);
}

static void add_rules(struct words *w, const struct case_rules *r)
{
	if (r->text.len > 0)
		add_option(w, "--rules", "rules.txt");
	if (r->preset)
		add_option(w, "--preset", r->preset);
	if (r->rtol != RTOL_DEFAULT)
		add_number(w, "--rtol", r->rtol);
	if (r->atol != ATOL_DEFAULT)
		add_number(w, "--atol", r->atol);
	for (size_t i = 0; i < r->ignore_count; i++)
		add_option(w, "--ignore", r->ignore[i]);
	for (size_t i = 0; i < r->unordered_count; i++)
		add_option(w, "--unordered", r->unordered[i]);
	add_option(w, "--request", "request.bin");
}

/* ---- programs ---- */

static void add_title(struct buffer *out, const struct case_facts *f, const char *mark)
{
	buffer_printf(out, "%sshadowtap %s, case %s: ", mark, SHADOWTAP_VERSION, f->id);
	shown_add(out, span_str(f->target_name));
	buffer_printf(out, ", %s\n", f->verdict);
}

static void make_script(const struct case_facts *f, struct buffer *out)
{
	struct words w = { .out = out };
	struct buffer target = { 0 };

	buffer_add_str(out, "#!/bin/sh\n");
	add_title(out, f, "# ");
	buffer_add_str(out, "#\n"
			    "# Sends the request to a shadow, and compares what it says with what production said:\n"
			    "#   TARGET=http://127.0.0.1:9000 ./run.sh\n"
			    "# Exit status: 0 the same, 3 not, 1 no response, 2 TARGET is not set, or there is no shadowtap to compare with.\n"
			    "# What the shadow wants as a credential goes into a file called token beside this one:\n"
			    "#   Authorization: Bearer ...\n");
	add_left_out(out, f, "# ");
	buffer_add_str(out, "cd \"$(dirname \"$0\")\" || exit 1\n"
			    "if [ -z \"${TARGET:-}\" ]; then\n"
			    "\techo \"say where the shadow is: TARGET=http://127.0.0.1:9000 $0\" >&2\n"
			    "\texit 2\n"
			    "fi\n"
			    "if ! command -v \"${SHADOWTAP:=shadowtap}\" >/dev/null; then\n"
			    "\techo \"$SHADOWTAP is not found, which compares: SHADOWTAP=/path/to/shadowtap TARGET=$TARGET $0\" >&2\n"
			    "\texit 2\n"
			    "fi\n"
			    "response=$(mktemp) || exit 1\n"
			    "trap 'rm -f \"$response\"' EXIT\n"
			    "set -- -H @headers -H Expect:\n"
			    "[ -f token ] && set -- \"$@\" -H @token\n");
	buffer_printf(out, "curl -q -sS -i -g --path-as-is -m %d -X ", SECONDS_MAX);
	quote_shell(out, f->method);
	buffer_printf(out, " \"$@\"%s -o \"$response\" \\\n\t\"${TARGET%%/}\"", f->body.len ? " --data-binary @request.bin" : "");
	quote_target(&target, f->target);
	quote_shell(out, buffer_span(&target));
	if (!buffer_ok(&target))
		out->failed = true;
	buffer_deinit(&target);
	buffer_add_str(out, " || exit 1\n\"$SHADOWTAP\" diff production.response \"$response\"");
	add_rules(&w, f->rules);
	buffer_add_str(out, "\n");
}

static const char python_end[] =
	"\n\n"
	"def fields(name):\n"
	"    path = HERE / name\n"
	"    for line in path.read_bytes().splitlines() if path.exists() else ():\n"
	"        key, _, value = line.partition(b\":\")\n"
	"        if value.strip() or line.endswith(b\";\"):\n"
	"            yield key.rstrip(b\";\").decode(\"latin-1\"), value.strip()\n"
	"\n\n"
	"def response_of(url):\n"
	"    \"\"\"The whole response, as shadowtap diff reads it.\"\"\"\n"
	"    kind = http.client.HTTPSConnection if url.scheme == \"https\" else http.client.HTTPConnection\n"
	"    connection = kind(url.netloc, timeout=60)\n"
	"    headers = dict([*fields(\"headers\"), *fields(\"token\")])\n"
	"    connection.request(METHOD, url.path.rstrip(\"/\") + PATH, (HERE / \"request.bin\").read_bytes() or None, headers)\n"
	"    response = connection.getresponse()\n"
	"    head = \"\".join(f\"{k}: {v}\\r\\n\" for k, v in response.getheaders() if k.lower() not in (\"transfer-encoding\", \"content-length\"))\n"
	"    return f\"HTTP/1.1 {response.status}\\r\\n{head}\\r\\n\".encode(\"latin-1\") + response.read()\n"
	"\n\n"
	"def test_shadow_answers_as_production_did():\n"
	"    url = urllib.parse.urlsplit(os.environ[\"TARGET\"])\n"
	"    done = subprocess.run([os.environ.get(\"SHADOWTAP\", \"shadowtap\"), \"diff\", \"production.response\", \"-\", *OPTIONS],\n"
	"                          input=response_of(url), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HERE, check=False)\n"
	"    assert done.returncode == 0, done.stdout.decode()\n";

static void add_python(struct buffer *out, const char *name, struct span value)
{
	struct json j = json_to(out);

	buffer_printf(out, "%s = ", name);
	json_text(&j, value);
	buffer_add_str(out, "\n");
}

static void make_python(const struct case_facts *f, struct buffer *out)
{
	struct words w = { .out = out, .list = json_to(out), .is_python = true };
	struct buffer target = { 0 };

	add_title(out, f, "# ");
	buffer_add_str(out, "# TARGET=http://127.0.0.1:9000 pytest test_shadow.py; SHADOWTAP=/path/to/shadowtap if it is not in PATH; a file called token may hold fields with credentials\n");
	add_left_out(out, f, "# ");
	buffer_add_str(out, "import http.client\nimport os\nimport pathlib\nimport subprocess\nimport urllib.parse\n\n"
			    "HERE = pathlib.Path(__file__).resolve().parent\n");
	quote_target(&target, f->target);
	add_python(out, "METHOD", f->method);
	add_python(out, "PATH", buffer_span(&target));
	if (!buffer_ok(&target))
		out->failed = true;
	buffer_deinit(&target);
	buffer_add_str(out, "OPTIONS = ");
	json_open(&w.list, '[');
	add_rules(&w, f->rules);
	json_close(&w.list, ']');
	buffer_add_str(out, "\n");
	buffer_add_str(out, python_end);
}

/* Editors put variables, even those of the environment, in place of what stands between two braces. */
static void make_request(const struct case_facts *f, struct buffer *out)
{
	add_title(out, f, "# ");
	add_left_out(out, f, "# ");
	buffer_add_str(out, "@target = http://127.0.0.1:9000\n\n");
	buffer_add_span(out, f->method);
	buffer_add_str(out, " {{target}}");
	quote_target(out, f->target);
	buffer_printf(out, " HTTP/1.1\nX-Shadowtap: %s\n", f->id);
	for (size_t i = 0; i < f->header_count; i++) {
		const struct header *h = &f->headers[i];

		if (!travels(h) || (h->value.len > 1 && memmem(h->value.at, h->value.len, "{{", 2)))
			continue;
		buffer_add_span(out, h->name);
		buffer_add_str(out, ": ");
		buffer_add_span(out, h->value);
		buffer_add_str(out, "\n");
	}
	if (f->body.len > 0)
		buffer_add_str(out, "\n< ./request.bin\n");
}

/* ---- for programs ---- */

static void text_member(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	if (text)
		json_str(j, text);
	else
		json_null(j);
}

static void number_member(struct json *j, const char *name, double x)
{
	json_key(j, name);
	json_exact(j, x);
}

static void texts_member(struct json *j, const char *name, const char *const *at, size_t count)
{
	json_key(j, name);
	json_open(j, '[');
	for (size_t i = 0; i < count; i++)
		json_str(j, at[i]);
	json_close(j, ']');
}

/* The options are named as those of a report's comparison. */
static void make_description(const struct case_facts *f, struct buffer *out)
{
	struct buffer target = { 0 };
	struct json j = json_to(out);

	quote_target(&target, f->target);
	json_open(&j, '{');
	text_member(&j, "shadowtap", SHADOWTAP_VERSION);
	text_member(&j, "id", f->id);
	text_member(&j, "target_name", f->target_name);
	text_member(&j, "verdict", f->verdict);
	text_member(&j, "server", f->server);
	json_key(&j, "method");
	json_text(&j, f->method);
	text_member(&j, "target", buffer_text(&target));
	json_key(&j, "options");
	json_open(&j, '{');
	number_member(&j, "rtol", f->rules->rtol);
	number_member(&j, "atol", f->rules->atol);
	text_member(&j, "preset", f->rules->preset);
	texts_member(&j, "ignore", f->rules->ignore, f->rules->ignore_count);
	texts_member(&j, "unordered", f->rules->unordered, f->rules->unordered_count);
	json_close(&j, '}');
	json_close(&j, '}');
	buffer_add_str(out, "\n");
	if (!buffer_ok(&target))
		out->failed = true;
	buffer_deinit(&target);
}

/* ---- the whole ---- */

static struct buffer *add_file(struct case_file *files, size_t *count, const char *name, bool is_program)
{
	struct case_file *file = &files[(*count)++];

	*file = (struct case_file){ .name = name, .is_program = is_program };
	return &file->content;
}

size_t case_files_make(const struct case_facts *f, struct case_file *files)
{
	size_t count = 0;

	memset(files, 0, CASE_FILES_MAX * sizeof(*files));
	if (!http_is_token(f->method)) /* it would not be one request where it is written as a line */
		return 0;
	make_description(f, add_file(files, &count, "case.json", false));
	buffer_add_span(add_file(files, &count, "request.bin", false), f->body);
	make_headers(f, add_file(files, &count, "headers", false));
	make_response(&f->production, add_file(files, &count, "production.response", false));
	if (f->shadow.status_code != 0)
		make_response(&f->shadow, add_file(files, &count, "shadow.response", false));
	if (f->rules->text.len > 0)
		buffer_add_span(add_file(files, &count, "rules.txt", false), f->rules->text);
	buffer_add_span(add_file(files, &count, "diff.txt", false), f->differences);
	make_script(f, add_file(files, &count, "run.sh", true));
	make_python(f, add_file(files, &count, "test_shadow.py", false));
	make_request(f, add_file(files, &count, "request.http", false));
	for (size_t i = 0; i < count; i++)
		if (!buffer_ok(&files[i].content))
			return 0;
	return count;
}

void case_files_deinit(struct case_file *files)
{
	for (size_t i = 0; i < CASE_FILES_MAX; i++)
		buffer_deinit(&files[i].content);
}

void case_add_again(struct buffer *out, struct span program, const char *url, const char *dir, const char *name)
{
	bool is_http = url && (span_starts(span_str(url), span_str("http://")) || span_starts(span_str(url), span_str("https://")));
	struct buffer script = { 0 };

	if (program.len > 0 && !span_starts(program, span_str("/usr/"))) {
		buffer_add_str(out, "SHADOWTAP=");
		quote_shell_if_needed(out, program);
		buffer_add_str(out, " ");
	}
	buffer_add_str(out, "TARGET=");
	quote_shell_if_needed(out, span_str(is_http ? url : "http://shadow:9000"));
	buffer_add_str(out, " ");
	buffer_printf(&script, "%s/%s/run.sh", dir, name);
	quote_shell_if_needed(out, buffer_span(&script));
	buffer_deinit(&script);
}
