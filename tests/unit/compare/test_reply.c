/*
 * test_reply.c - replies of language models, in every dialect, whole and streamed: what they decide is never excused
 *
 * Each row is a pair of responses. In the texts ' stands for " and ` for \" (JSON
 * in a string). Each is run with the preset of such servers and without, as the
 * shadow's and as production's; a decision is a decision either way.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "compare/comparer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* OpenAI's chat */
#define MESSAGE(message, finish)                                                                                      \
	"{'id':'c','choices':[{'index':0,'message':{'role':'assistant'," message "},'finish_reason':" finish             \
	"}],'usage':{'prompt_tokens':9,'completion_tokens':7}}"
#define SAYS(text)	 MESSAGE("'content':'" text "'", "'stop'")
#define CALL(name, args) "{'id':'call_1','type':'function','function':{'name':'" name "','arguments':'" args "'}}"
#define CALLS(calls)	 MESSAGE("'content':null,'tool_calls':[" calls "]", "'tool_calls'")

/* its stream */
#define CHUNK(delta, finish) "data: {'id':'c','choices':[{'index':0,'delta':{" delta "},'finish_reason':" finish "}]}\n\n"
#define DONE		     "data: [DONE]\n\n"
#define TEXT_CHUNK(text)     CHUNK("'content':'" text "'", "null")
#define CALL_CHUNK(i, name, args)                                                                                     \
	CHUNK("'tool_calls':[{'index':" i ",'id':'t','type':'function','function':{'name':'" name "','arguments':''}}]", "null") \
	CHUNK("'tool_calls':[{'index':" i ",'function':{'arguments':'" args "'}}]", "null")
#define END_CHUNK(finish) CHUNK("", "'" finish "'") DONE

/* OpenAI's responses */
#define OUTPUT(items, status) "{'id':'r','object':'response','status':'" status "','output':[" items "],'usage':{'output_tokens':3}}"
#define OUT_TEXT(text)	      "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'" text "'}]}"
#define OUT_CALL(name, args)  "{'type':'function_call','call_id':'x','name':'" name "','arguments':'" args "'}"
#define EVENT(type, rest)     "event: " type "\ndata: {'type':'" type "'," rest "}\n\n"
#define CALL_EVENTS(i, name, half, args)                                                                              \
	EVENT("response.output_item.added",                                                                               \
	      "'output_index':" i ",'item':{'type':'function_call','name':'" name "','arguments':''}")                     \
	EVENT("response.function_call_arguments.delta", "'output_index':" i ",'delta':'" half "'")                         \
	EVENT("response.function_call_arguments.done", "'output_index':" i ",'arguments':'" args "'")                      \
	EVENT("response.output_item.done", "'output_index':" i ",'item':" OUT_CALL(name, args))
#define COMPLETED(items, status) EVENT("response.completed", "'response':" OUTPUT(items, status))
#define TEXT_EVENT(text)	 EVENT("response.output_text.delta", "'output_index':0,'delta':'" text "'")

/* Anthropic's messages */
#define MESSAGES(blocks, stop)  "{'id':'m','type':'message','content':[" blocks "],'stop_reason':'" stop "','usage':{'output_tokens':3}}"
#define BLOCK(text)	       "{'type':'text','text':'" text "'}"
#define TOOL_USE(name, input)  "{'type':'tool_use','id':'t','name':'" name "','input':" input "}"
#define START(i, block)	       EVENT("content_block_start", "'index':" i ",'content_block':" block)
#define TEXT_BLOCK(i, text)                                                                                           \
	START(i, "{'type':'text','text':''}")                                                                              \
	EVENT("content_block_delta", "'index':" i ",'delta':{'type':'text_delta','text':'" text "'}")                       \
	EVENT("content_block_stop", "'index':" i)
#define TOOL_BLOCK(i, name, input)                                                                                    \
	START(i, TOOL_USE(name, "{}"))                                                                                     \
	EVENT("content_block_delta", "'index':" i ",'delta':{'type':'input_json_delta','partial_json':'" input "'}")        \
	EVENT("content_block_stop", "'index':" i)
#define STOP(reason) EVENT("message_delta", "'delta':{'stop_reason':'" reason "'},'usage':{'output_tokens':5}") "event: message_stop\ndata: {'type':'message_stop'}\n\n"

#define PARIS	 "{`city`:`Paris`,`days`:2}"
#define PARIS_AS "{ `days`: 2.0,\\n `city`: `P\\\\u0061ris` }"
#define ROME	 "{`city`:`Rome`,`days`:2}"

static const struct row {
	const char *name, *production, *shadow;
	enum comparison_verdict verdict; /* with the preset */
	const char *reason;
	bool generated; /* counted among the texts that differ */
} rows[] = {
	/* chat: what is excused, and what never is */
	{ "chat: other words", SAYS("the cat"), SAYS("a dog, and more"), COMPARISON_VALUE, NULL, true },
	{ "chat: the same", SAYS("the cat"), SAYS("the cat"), COMPARISON_EQUAL, NULL, false },
	{ "chat: another tool", CALLS(CALL("weather", PARIS)), CALLS(CALL("delete_all", PARIS)), COMPARISON_DECISION, "tool_call", false },
	{ "chat: other arguments", CALLS(CALL("weather", PARIS)), CALLS(CALL("weather", ROME)), COMPARISON_DECISION, "tool_call", false },
	{ "chat: arguments spelled otherwise", CALLS(CALL("weather", PARIS)), CALLS(CALL("weather", PARIS_AS)), COMPARISON_EQUAL, NULL, false },
	{ "chat: arguments that are no JSON", CALLS(CALL("weather", PARIS)), CALLS(CALL("weather", "{`city`:`Paris`")), COMPARISON_DECISION,
	  "tool_call", false },
	{ "chat: no arguments is not an empty object", CALLS(CALL("now", "{}")), CALLS(CALL("now", "")), COMPARISON_DECISION, "tool_call", false },
	{ "chat: the call as text", CALLS(CALL("weather", PARIS)),
	  MESSAGE("'content':'<tool_call>weather" PARIS "</tool_call>','tool_calls':[]", "'stop'"), COMPARISON_DECISION, "tool_call", false },
	{ "chat: the call as text, no list", CALLS(CALL("weather", PARIS)), SAYS("<tool_call>weather</tool_call>"), COMPARISON_DECISION, "tool_call", false },
	{ "chat: a call more", CALLS(CALL("weather", PARIS)), CALLS(CALL("weather", PARIS) "," CALL("weather", ROME)), COMPARISON_DECISION, "tool_call",
	  false },
	{ "chat: two calls, turned around", CALLS(CALL("a", "{}") "," CALL("b", "{}")), CALLS(CALL("b", "{}") "," CALL("a", "{}")), COMPARISON_DECISION,
	  "tool_call", false },
	{ "chat: the same call, other words beside it", MESSAGE("'content':'Let me see','tool_calls':[" CALL("weather", PARIS) "]", "'tool_calls'"),
	  MESSAGE("'content':'I look','tool_calls':[" CALL("weather", PARIS_AS) "]", "'tool_calls'"), COMPARISON_VALUE, NULL, true },
	{ "chat: an old function call", MESSAGE("'content':null,'function_call':{'name':'f','arguments':'{}'}", "'function_call'"),
	  MESSAGE("'content':null,'function_call':{'name':'g','arguments':'{}'}", "'function_call'"), COMPARISON_DECISION, "tool_call", false },
	{ "chat: empty", SAYS("the cat"), SAYS(""), COMPARISON_DECISION, "empty", false },
	{ "chat: blank", SAYS("the cat"), SAYS(" \\n\\n"), COMPARISON_DECISION, "empty", false },
	{ "chat: null", SAYS("the cat"), MESSAGE("'content':null", "'stop'"), COMPARISON_DECISION, "empty", false },
	{ "chat: thought of, not said", SAYS("the cat"), MESSAGE("'content':null,'reasoning_content':'hm, the cat'", "'stop'"), COMPARISON_DECISION, "empty",
	  false },
	{ "chat: cut", SAYS("the cat sat on the mat"), MESSAGE("'content':'the cat sat'", "'length'"), COMPARISON_DECISION, "finish_reason", false },
	{ "chat: cut, the words are the same", SAYS("the cat"), MESSAGE("'content':'the cat'", "'length'"), COMPARISON_DECISION, "finish_reason", false },
	{ "chat: filtered", SAYS("the cat"), MESSAGE("'content':'the c'", "'content_filter'"), COMPARISON_DECISION, "finish_reason", false },
	{ "chat: refused", SAYS("the cat"), MESSAGE("'content':null,'refusal':'I must not'", "'stop'"), COMPARISON_DECISION, "refusal", false },
	{ "chat: parts of text", MESSAGE("'content':[{'type':'text','text':'the cat'}]", "'stop'"), MESSAGE("'content':[{'type':'text','text':''}]", "'stop'"),
	  COMPARISON_DECISION, "empty", false },
	{ "chat: what follows from no words", MESSAGE("'content':'a'", "'stop'"),
	  "{'id':'c','choices':[{'index':0,'message':{'role':'assistant','content':'b'},'finish_reason':'stop'}],'usage':{'prompt_tokens':8,'completion_"
	  "tokens':7}}", COMPARISON_VALUE, NULL, false },
	{ "chat: a member more in the choice", SAYS("a"),
	  "{'id':'c','choices':[{'index':0,'message':{'role':'assistant','content':'b'},'finish_reason':'stop','surprise':1}],'usage':{'prompt_tokens':9,"
	  "'completion_tokens':7}}", COMPARISON_SCHEMA, NULL, false },
	{ "chat: a choice less", "{'choices':[{'message':{'content':'a'}},{'message':{'content':'b'}}]}", "{'choices':[{'message':{'content':'c'}}]}",
	  COMPARISON_SCHEMA, NULL, false },
	{ "chat: the second choice", "{'choices':[{'message':{'content':'a'}},{'message':{'content':'b'}}]}",
	  "{'choices':[{'message':{'content':'c'}},{'message':{'content':''}}]}", COMPARISON_DECISION, "empty", false },
	{ "chat: another shape, and another tool", CALLS(CALL("a", "{}")), "{'extra':1," "'choices':[{'index':0,'message':{'role':'assistant','content':null,"
	  "'tool_calls':[" CALL("b", "{}") "]},'finish_reason':'tool_calls'}],'usage':{'prompt_tokens':9,'completion_tokens':7}}", COMPARISON_SCHEMA, NULL,
	  false },
	/* its stream */
	{ "stream: other words", TEXT_CHUNK("the ") TEXT_CHUNK("cat") END_CHUNK("stop"), TEXT_CHUNK("a dog") END_CHUNK("stop"), COMPARISON_VALUE, NULL, true },
	{ "stream: other pieces", TEXT_CHUNK("the ") TEXT_CHUNK("cat") END_CHUNK("stop"), TEXT_CHUNK("the cat") END_CHUNK("stop"), COMPARISON_EQUAL, NULL,
	  false },
	{ "stream: another tool", CALL_CHUNK("0", "weather", PARIS) END_CHUNK("tool_calls"), CALL_CHUNK("0", "delete_all", PARIS) END_CHUNK("tool_calls"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "stream: other arguments", CALL_CHUNK("0", "weather", PARIS) END_CHUNK("tool_calls"), CALL_CHUNK("0", "weather", ROME) END_CHUNK("tool_calls"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "stream: arguments spelled otherwise", CALL_CHUNK("0", "weather", PARIS) END_CHUNK("tool_calls"),
	  CALL_CHUNK("0", "weather", PARIS_AS) END_CHUNK("tool_calls"), COMPARISON_EQUAL, NULL, false },
	{ "stream: the call as text", CALL_CHUNK("0", "weather", PARIS) END_CHUNK("tool_calls"), TEXT_CHUNK("<tool_call>weather") END_CHUNK("stop"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "stream: the second of two", CALL_CHUNK("0", "a", "{}") CALL_CHUNK("1", "b", PARIS) END_CHUNK("tool_calls"),
	  CALL_CHUNK("0", "a", "{}") CALL_CHUNK("1", "b", ROME) END_CHUNK("tool_calls"), COMPARISON_DECISION, "tool_call", false },
	{ "stream: empty", TEXT_CHUNK("the cat") END_CHUNK("stop"), CHUNK("'role':'assistant','content':''", "null") END_CHUNK("stop"), COMPARISON_DECISION,
	  "empty", false },
	{ "stream: cut", TEXT_CHUNK("the cat") END_CHUNK("stop"), TEXT_CHUNK("the") END_CHUNK("length"), COMPARISON_DECISION, "finish_reason", false },
	{ "stream: no end", TEXT_CHUNK("the cat") END_CHUNK("stop"), TEXT_CHUNK("the") DONE, COMPARISON_DECISION, "finish_reason", false },
	/* completions */
	{ "completions: other words", "{'choices':[{'text':'a','finish_reason':'stop'}]}", "{'choices':[{'text':'b','finish_reason':'stop'}]}",
	  COMPARISON_VALUE, NULL, true },
	{ "completions: empty", "{'choices':[{'text':'a','finish_reason':'stop'}]}", "{'choices':[{'text':'','finish_reason':'stop'}]}",
	  COMPARISON_DECISION, "empty", false },
	{ "completions: cut", "{'choices':[{'text':'a','finish_reason':'stop'}]}", "{'choices':[{'text':'b','finish_reason':'length'}]}",
	  COMPARISON_DECISION, "finish_reason", false },
	{ "completions, streamed: cut", "data: {'choices':[{'index':0,'text':'a','finish_reason':'stop'}]}\n\n" DONE,
	  "data: {'choices':[{'index':0,'text':'b','finish_reason':'length'}]}\n\n" DONE, COMPARISON_DECISION, "finish_reason", false },
	/* responses */
	{ "responses: other words", OUTPUT(OUT_TEXT("the cat"), "completed"), OUTPUT(OUT_TEXT("a dog"), "completed"), COMPARISON_VALUE, NULL, true },
	{ "responses: another tool", OUTPUT(OUT_CALL("weather", PARIS), "completed"), OUTPUT(OUT_CALL("delete_all", PARIS), "completed"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "responses: arguments spelled otherwise", OUTPUT(OUT_TEXT("hm") "," OUT_CALL("weather", PARIS), "completed"),
	  OUTPUT(OUT_TEXT("hm") "," OUT_CALL("weather", PARIS_AS), "completed"), COMPARISON_EQUAL, NULL, false },
	{ "responses: other arguments", OUTPUT(OUT_TEXT("hm") "," OUT_CALL("weather", PARIS), "completed"),
	  OUTPUT(OUT_TEXT("so") "," OUT_CALL("weather", ROME), "completed"), COMPARISON_DECISION, "tool_call", false },
	{ "responses: the call as text", OUTPUT(OUT_TEXT("hm") "," OUT_CALL("weather", PARIS), "completed"), OUTPUT(OUT_TEXT("weather()"), "completed"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "responses: empty", OUTPUT(OUT_TEXT("the cat"), "completed"), OUTPUT(OUT_TEXT(""), "completed"), COMPARISON_DECISION, "empty", false },
	{ "responses: cut", OUTPUT(OUT_TEXT("the cat"), "completed"), OUTPUT(OUT_TEXT("the"), "incomplete"), COMPARISON_DECISION, "finish_reason", false },
	{ "responses: refused", OUTPUT(OUT_TEXT("the cat"), "completed"),
	  OUTPUT("{'type':'message','role':'assistant','content':[{'type':'refusal','refusal':'no'},{'type':'output_text','text':'x'}]}", "completed"),
	  COMPARISON_DECISION, "refusal", false },
	{ "responses, streamed: other words", TEXT_EVENT("the ") TEXT_EVENT("cat") COMPLETED(OUT_TEXT("the cat"), "completed"),
	  TEXT_EVENT("a dog") COMPLETED(OUT_TEXT("a dog"), "completed"), COMPARISON_VALUE, NULL, true },
	{ "responses, streamed: other arguments", CALL_EVENTS("0", "weather", PARIS, PARIS) COMPLETED(OUT_CALL("weather", PARIS), "completed"),
	  CALL_EVENTS("0", "weather", ROME, ROME) COMPLETED(OUT_CALL("weather", ROME), "completed"), COMPARISON_DECISION, "tool_call", false },
	{ "responses, streamed: arguments spelled otherwise",
	  TEXT_EVENT("hm") CALL_EVENTS("1", "weather", PARIS, PARIS) COMPLETED(OUT_TEXT("hm") "," OUT_CALL("weather", PARIS), "completed"),
	  TEXT_EVENT("hm") CALL_EVENTS("1", "weather", PARIS_AS, PARIS_AS) COMPLETED(OUT_TEXT("hm") "," OUT_CALL("weather", PARIS_AS), "completed"),
	  COMPARISON_EQUAL, NULL, false },
	{ "responses, streamed: empty", TEXT_EVENT("the cat") COMPLETED(OUT_TEXT("the cat"), "completed"), TEXT_EVENT("") COMPLETED(OUT_TEXT(""), "completed"),
	  COMPARISON_DECISION, "empty", false },
	{ "responses, streamed: never completed", TEXT_EVENT("hm") CALL_EVENTS("1", "weather", PARIS, PARIS),
	  TEXT_EVENT("hm") CALL_EVENTS("1", "delete_all", PARIS, PARIS), COMPARISON_DECISION, "tool_call", false },
	/* messages */
	{ "messages: other words", MESSAGES(BLOCK("the cat"), "end_turn"), MESSAGES(BLOCK("a dog"), "end_turn"), COMPARISON_VALUE, NULL, true },
	{ "messages: another tool", MESSAGES(BLOCK("hm") "," TOOL_USE("weather", "{'city':'Paris'}"), "tool_use"),
	  MESSAGES(BLOCK("so") "," TOOL_USE("delete_all", "{'city':'Paris'}"), "tool_use"), COMPARISON_DECISION, "tool_call", false },
	{ "messages: other input", MESSAGES(TOOL_USE("weather", "{'city':'Paris'}"), "tool_use"), MESSAGES(TOOL_USE("weather", "{'city':'Rome'}"), "tool_use"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "messages: input spelled otherwise", MESSAGES(TOOL_USE("weather", "{'city':'Paris','n':1}"), "tool_use"),
	  MESSAGES(TOOL_USE("weather", "{ 'n': 1.0, 'city': 'P\\u0061ris' }"), "tool_use"), COMPARISON_EQUAL, NULL, false },
	{ "messages: the call as text", MESSAGES(TOOL_USE("weather", "{'city':'Paris'}"), "tool_use"), MESSAGES(BLOCK("weather()"), "end_turn"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "messages: empty", MESSAGES(BLOCK("the cat"), "end_turn"), MESSAGES("", "end_turn"), COMPARISON_DECISION, "empty", false },
	{ "messages: cut", MESSAGES(BLOCK("the cat"), "end_turn"), MESSAGES(BLOCK("the"), "max_tokens"), COMPARISON_DECISION, "finish_reason", false },
	{ "messages: refused", MESSAGES(BLOCK("the cat"), "end_turn"), MESSAGES(BLOCK("no"), "refusal"), COMPARISON_DECISION, "refusal", false },
	{ "messages, streamed: other words", TEXT_BLOCK("0", "the cat") STOP("end_turn"), TEXT_BLOCK("0", "a dog") STOP("end_turn"), COMPARISON_VALUE, NULL,
	  true },
	{ "messages, streamed: the first of two tools", TOOL_BLOCK("0", "weather", PARIS) TOOL_BLOCK("1", "now", "{}") STOP("tool_use"),
	  TOOL_BLOCK("0", "delete_all", PARIS) TOOL_BLOCK("1", "now", "{}") STOP("tool_use"), COMPARISON_DECISION, "tool_call", false },
	{ "messages, streamed: arguments change places", TOOL_BLOCK("0", "a", PARIS) TOOL_BLOCK("1", "b", ROME) STOP("tool_use"),
	  TOOL_BLOCK("0", "a", ROME) TOOL_BLOCK("1", "b", PARIS) STOP("tool_use"), COMPARISON_DECISION, "tool_call", false },
	{ "messages, streamed: input spelled otherwise", TEXT_BLOCK("0", "hm") TOOL_BLOCK("1", "weather", PARIS) STOP("tool_use"),
	  TEXT_BLOCK("0", "hm") TOOL_BLOCK("1", "weather", PARIS_AS) STOP("tool_use"), COMPARISON_EQUAL, NULL, false },
	{ "messages, streamed: the call as text", TOOL_BLOCK("0", "weather", PARIS) STOP("tool_use"), TEXT_BLOCK("0", "weather()") STOP("end_turn"),
	  COMPARISON_DECISION, "tool_call", false },
	{ "messages, streamed: empty", TEXT_BLOCK("0", "the cat") STOP("end_turn"), TEXT_BLOCK("0", "") STOP("end_turn"), COMPARISON_DECISION, "empty", false },
	{ "messages, streamed: cut", TEXT_BLOCK("0", "the cat") STOP("end_turn"), TEXT_BLOCK("0", "the") STOP("max_tokens"), COMPARISON_DECISION,
	  "finish_reason", false },
	/* generate */
	{ "generate: other words", "{'text_output':'a'}", "{'text_output':'b'}", COMPARISON_VALUE, NULL, true },
	{ "generate: empty", "{'text_output':'a'}", "{'text_output':''}", COMPARISON_DECISION, "empty", false },
	{ "generate, streamed: empty", "data: {'text_output':'a'}\n\n", "data: {'text_output':''}\n\n", COMPARISON_DECISION, "empty", false },
	{ "TGI: cut", "[{'generated_text':'a','details':{'finish_reason':'eos_token'}}]", "[{'generated_text':'b','details':{'finish_reason':'length'}}]",
	  COMPARISON_DECISION, "finish_reason", false },
	{ "TGI, streamed: cut", "data: {'token':{'id':1,'text':'a'},'generated_text':'a','details':{'finish_reason':'eos_token'}}\n\n",
	  "data: {'token':{'id':2,'text':'b'},'generated_text':'b','details':{'finish_reason':'length'}}\n\n", COMPARISON_DECISION, "finish_reason", false },
	/* what is none of these is compared as ever */
	{ "no reply: arguments of a service", "{'arguments':'{`a`:1}'}", "{'arguments':'{ `a`:1}'}", COMPARISON_VALUE, NULL, false },
};

static void spell(struct buffer *out, const char *text)
{
	buffer_clear(out);
	for (; *text; text++) {
		if (*text == '`')
			buffer_add(out, "\\", 1);
		buffer_add(out, *text == '\'' || *text == '`' ? "\"" : text, 1);
	}
	buffer_text(out);
}

static struct comparer *comparer_of(const char *preset, const char *rules)
{
	struct compare_options options = { .rtol = 1e-5, .atol = 1e-8, .preset = preset, .max_body = 1 << 20,
					   .rules = span_str(rules), .rules_name = "rules" };
	struct buffer error = { 0 };
	struct comparer *c = NULL;

	if (comparer_new(&options, &c, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return c;
}

/* @request: NULL, or what was asked */
static const struct comparison *run_asked(struct comparer *c, struct buffer *request, struct buffer *production,
					  struct buffer *shadow)
{
	struct message post = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	static struct header json = { SPAN_LITERAL("content-type"), SPAN_LITERAL("application/json") },
			     events = { SPAN_LITERAL("content-type"), SPAN_LITERAL("text/event-stream") };
	bool streamed = production->bytes[0] != '{' && production->bytes[0] != '[';
	struct response p = { .result = RESPONSE_WHOLE, .status_code = 200,
			      .headers = streamed ? &events : &json, .header_count = 1 }, s = p;
	struct pair pair = { &post, &p, &s, &answered };

	if (request) {
		post.body = request->bytes;
		post.body_len = request->len;
	}
	p.body = production->bytes;
	p.body_len = production->len;
	s.body = shadow->bytes;
	s.body_len = shadow->len;
	return comparer_run(c, &pair);
}

static const struct comparison *run(struct comparer *c, struct buffer *production, struct buffer *shadow)
{
	return run_asked(c, NULL, production, shadow);
}

static void expect(const char *name, const char *way, const struct comparison *got,
		   enum comparison_verdict verdict, const char *reason,
		   bool generated)
{
	const char *why = got->reason ? got->reason : "-", *first = got->findings.count ? got->findings.at[0].path : "nowhere";

	if (got->verdict != verdict || strcmp(why, reason ? reason : "-") != 0)
		fail_msg("%s, %s: %s (%s) at %s, not %s (%s)", name, way, comparison_name(got->verdict), why, first, comparison_name(verdict),
			 reason ? reason : "-");
	if ((got->generated && got->verdict == COMPARISON_VALUE) != generated)
		fail_msg("%s, %s: %s as words of a model", name, way, generated ? "not excused" : "excused");
}

static void test_rows(void **state)
{
	static const char *const presets[] = { "openai", NULL };
	struct buffer a = { 0 }, b = { 0 };

	for (size_t p = 0; p < COUNT(presets); p++) {
		struct comparer *c = comparer_of(presets[p], "");

		for (size_t i = 0; i < COUNT(rows); i++) {
			const struct row *r = &rows[i];
			const struct comparison *got;

			spell(&a, r->production);
			spell(&b, r->shadow);
			expect(r->name, presets[p] ? "openai" : "no preset", run(c, &a, &b), r->verdict, r->reason, r->generated);
			expect(r->name, "turned around", run(c, &b, &a), r->verdict, r->reason, r->generated);
			got = run(c, &b, &a);
			assert_int_equal(got->reply != REPLY_ALIKE, r->reason != NULL || strstr(r->name, "and another tool") != NULL);
			expect(r->name, "with itself", run(c, &a, &a), COMPARISON_EQUAL, NULL, false);
		}
		comparer_free(c);
	}
	buffer_deinit(&a);
	buffer_deinit(&b);
}

/* Ids differ in every response, and hide nothing: the decision is told whatever else differs. */
static void test_beside_ids(void **state)
{
	struct comparer *c = comparer_of(NULL, "");
	struct buffer a = { 0 }, b = { 0 };

	spell(&a, CALLS(CALL("weather", PARIS)));
	spell(&b, "{'id':'d','choices':[{'index':0,'message':{'role':'assistant','content':'<tool_call>','tool_calls':[]},'finish_reason':'stop'}],"
		  "'usage':{'prompt_tokens':9,'completion_tokens':7}}");
	expect("another id", "no preset", run(c, &a, &b), COMPARISON_DECISION, "tool_call", false);
	comparer_free(c);
	c = comparer_of("openai", "");
	expect("another id", "openai", run(c, &a, &b), COMPARISON_DECISION, "tool_call", false);
	assert_int_equal(run(c, &a, &b)->findings.ignored, 1);
	comparer_free(c);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

/* The user has the last word: what his rules leave out decides nothing. */
static void test_rules(void **state)
{
	static const struct {
		const char *rules, *production, *shadow;
		enum comparison_verdict verdict;
		const char *reason;
	} ruled[] = {
		{ "/choices/*/finish_reason ignore\n", SAYS("a"), MESSAGE("'content':'a'", "'length'"), COMPARISON_CLOSE, "ignored" },
		{ "/choices/*/message/tool_calls/*/function/arguments ignore\n", CALLS(CALL("f", PARIS)), CALLS(CALL("f", ROME)), COMPARISON_CLOSE, "ignored" },
		{ "/choices/*/message/tool_calls/*/function/arguments ignore\n", CALLS(CALL("f", PARIS)), CALLS(CALL("g", ROME)), COMPARISON_DECISION, "tool_call" },
		{ "/choices/*/message/content ignore\n", SAYS("a"), SAYS(""), COMPARISON_CLOSE, "ignored" },
		{ "/choices/*/message/content ignore\n", SAYS("a"), SAYS("b"), COMPARISON_CLOSE, "ignored" },
		{ "/content/*/input/** num atol=1\n", MESSAGES(TOOL_USE("f", "{'n':1}"), "tool_use"), MESSAGES(TOOL_USE("f", "{'n':1.5}"), "tool_use"),
		  COMPARISON_CLOSE, NULL },
	};
	struct buffer a = { 0 }, b = { 0 };

	for (size_t i = 0; i < COUNT(ruled); i++) {
		struct comparer *c = comparer_of(NULL, ruled[i].rules);

		spell(&a, ruled[i].production);
		spell(&b, ruled[i].shadow);
		expect(ruled[i].rules, ruled[i].shadow, run(c, &a, &b), ruled[i].verdict, ruled[i].reason, false);
		comparer_free(c);
	}
	buffer_deinit(&a);
	buffer_deinit(&b);
}

struct asked_row {
	const char *name, *request, *production, *shadow;
	enum comparison_verdict verdict;
	const char *reason;
	bool generated;
};

static void expect_asked(const struct asked_row *r, const char *way, const struct comparison *got)
{
	expect(r->name, way, got, r->verdict, r->reason, r->generated);
}

#define PARAMETERS                                                                                                        \
	"{'type':'object','properties':{'city':{'type':'string'},'days':{'type':'integer'},'unit':{'enum':['C','F',7]},"       \
	"'tags':{'type':'array','items':{'type':['string','null']}}},'required':['city'],'additionalProperties':false}"
#define TOOLS	 "{'tools':[{'type':'function','function':{'name':'weather','parameters':" PARAMETERS "}},{'type':'function','function':{'name':'now'}}]}"
#define WEATHER(args) CALLS(CALL("weather", args))
#define IN_JSON	      "{'response_format':{'type':'json_object'}}"
#define IN_SCHEMA     "{'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':" PARAMETERS "}}}"

/* What the request asks for is held against both replies: only what one of them keeps and the other breaks is told. */
static void test_asked(void **state)
{
	static const struct asked_row asked[] = {
		{ "allowed both", TOOLS, WEATHER(PARIS), WEATHER(ROME), COMPARISON_DECISION, "tool_call", false },
		{ "no such tool", TOOLS, WEATHER(PARIS), CALLS(CALL("wetter", PARIS)), COMPARISON_DECISION, "tool_schema", false },
		{ "another tool", TOOLS, WEATHER(PARIS), CALLS(CALL("now", "{}")), COMPARISON_DECISION, "tool_call", false },
		{ "a member is missing", TOOLS, WEATHER(PARIS), WEATHER("{`days`:2}"), COMPARISON_DECISION, "tool_schema", false },
		{ "a member more", TOOLS, WEATHER(PARIS), WEATHER("{`city`:`Paris`,`days`:2,`x`:1}"), COMPARISON_DECISION, "tool_schema", false },
		{ "another type", TOOLS, WEATHER(PARIS), WEATHER("{`city`:7,`days`:2}"), COMPARISON_DECISION, "tool_schema", false },
		{ "no integer", TOOLS, WEATHER(PARIS), WEATHER("{`city`:`Paris`,`days`:2.5}"), COMPARISON_DECISION, "tool_schema", false },
		{ "an integer all the same", TOOLS, WEATHER(PARIS), WEATHER("{`city`:`Paris`,`days`:3.0}"), COMPARISON_DECISION, "tool_call", false },
		{ "not among the values", TOOLS, WEATHER("{`city`:`Paris`,`unit`:`C`}"), WEATHER("{`city`:`Paris`,`unit`:`K`}"), COMPARISON_DECISION,
		  "tool_schema", false },
		{ "among the values", TOOLS, WEATHER("{`city`:`Paris`,`unit`:`C`}"), WEATHER("{`city`:`Paris`,`unit`:7}"), COMPARISON_DECISION, "tool_call",
		  false },
		{ "an element", TOOLS, WEATHER("{`city`:`Paris`,`tags`:[`a`,null]}"), WEATHER("{`city`:`Paris`,`tags`:[`a`,1]}"), COMPARISON_DECISION,
		  "tool_schema", false },
		{ "arguments cut off", TOOLS, WEATHER(PARIS), WEATHER("{`city`:`Paris`"), COMPARISON_DECISION, "tool_schema", false },
		{ "neither is allowed", TOOLS, WEATHER("{}"), WEATHER("{`city`:7}"), COMPARISON_DECISION, "tool_call", false },
		{ "the same is not told", TOOLS, WEATHER("{}"), WEATHER("{ }"), COMPARISON_EQUAL, NULL, false },
		{ "no tools in the request", "{'model':'m'}", WEATHER(PARIS), WEATHER("{`days`:2}"), COMPARISON_DECISION, "tool_call", false },
		{ "a request that is no JSON", "{", WEATHER(PARIS), WEATHER("{`days`:2}"), COMPARISON_DECISION, "tool_call", false },
		{ "Anthropic", "{'tools':[{'name':'weather','input_schema':" PARAMETERS "}]}",
		  MESSAGES(TOOL_USE("weather", "{'city':'Paris'}"), "tool_use"), MESSAGES(TOOL_USE("weather", "{'city':7}"), "tool_use"),
		  COMPARISON_DECISION, "tool_schema", false },
		{ "responses", "{'tools':[{'type':'function','name':'weather','parameters':" PARAMETERS "}]}", OUTPUT(OUT_CALL("weather", PARIS), "completed"),
		  OUTPUT(OUT_CALL("weather", "{}"), "completed"), COMPARISON_DECISION, "tool_schema", false },
		{ "functions", "{'functions':[{'name':'f','parameters':" PARAMETERS "}]}",
		  MESSAGE("'content':null,'function_call':{'name':'f','arguments':'" PARIS "'}", "'function_call'"),
		  MESSAGE("'content':null,'function_call':{'name':'f','arguments':'{}'}", "'function_call'"), COMPARISON_DECISION, "tool_schema", false },
		{ "streamed", TOOLS, CALL_CHUNK("0", "weather", PARIS) END_CHUNK("tool_calls"), CALL_CHUNK("0", "weather", "{}") END_CHUNK("tool_calls"),
		  COMPARISON_DECISION, "tool_schema", false },
		{ "JSON both", IN_JSON, SAYS("{`a`:1}"), SAYS("{`a`:2}"), COMPARISON_VALUE, NULL, true },
		{ "JSON in a fence", IN_JSON, SAYS("{`a`:1}"), SAYS("```json\\n{`a`:1}\\n```"), COMPARISON_DECISION, "no_json", false },
		{ "JSON cut off", IN_JSON, SAYS("{`a`:1}"), MESSAGE("'content':'{`a`:'", "'length'"), COMPARISON_DECISION, "no_json", false },
		{ "JSON was not asked for", "{'response_format':{'type':'text'}}", SAYS("{`a`:1}"), SAYS("a: 1"), COMPARISON_VALUE, NULL, true },
		{ "JSON by a schema", IN_SCHEMA, SAYS("{`city`:`Paris`}"), SAYS("{`town`:`Paris`}"), COMPARISON_DECISION, "no_json", false },
		{ "JSON by a schema, both", IN_SCHEMA, SAYS("{`city`:`Paris`}"), SAYS("{`city`:`Rome`}"), COMPARISON_VALUE, NULL, true },
		{ "JSON of responses", "{'text':{'format':{'type':'json_schema','schema':" PARAMETERS "}}}", OUTPUT(OUT_TEXT("{`city`:`Paris`}"), "completed"),
		  OUTPUT(OUT_TEXT("Paris"), "completed"), COMPARISON_DECISION, "no_json", false },
		{ "JSON of TGI", "{'parameters':{'grammar':{'type':'json','value':" PARAMETERS "}}}", "{'generated_text':'{`city`:`Paris`}'}",
		  "{'generated_text':'{}'}", COMPARISON_DECISION, "no_json", false },
		{ "JSON, streamed", IN_JSON, TEXT_CHUNK("{`a`:") TEXT_CHUNK("1}") END_CHUNK("stop"), TEXT_CHUNK("{`a`:") TEXT_CHUNK("1") END_CHUNK("stop"),
		  COMPARISON_DECISION, "no_json", false },
		{ "JSON was asked for, and nothing is said", IN_JSON, SAYS("{}"), SAYS(""), COMPARISON_DECISION, "empty", false },
	};
	struct buffer request = { 0 }, a = { 0 }, b = { 0 };
	struct comparer *c = comparer_of("openai", "");

	for (size_t i = 0; i < COUNT(asked); i++) {
		spell(&request, asked[i].request);
		spell(&a, asked[i].production);
		spell(&b, asked[i].shadow);
		expect_asked(&asked[i], "asked", run_asked(c, &request, &a, &b));
		expect_asked(&asked[i], "turned around", run_asked(c, &request, &b, &a));
	}
	comparer_free(c);
	buffer_deinit(&request);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

#define TOP(tokens)	   "[" tokens "]"
#define LIKELY(token)	   "{'token':'" token "','logprob':-1}"
#define TOKEN(token, top)  "{'token':'" token "','logprob':-1,'top_logprobs':" top "}"
#define CHAT(text, tokens) "{'choices':[{'message':{'content':'" text "'},'logprobs':{'content':[" tokens "]},'finish_reason':'stop'}]}"
#define A_OR_B		   TOP(LIKELY("a") "," LIKELY("b"))
#define A_OR_C		   TOP(LIKELY("a") "," LIKELY("c"))
#define COMPLETION(text, tokens, top)                                                                                    \
	"{'choices':[{'text':'" text "','logprobs':{'tokens':[" tokens "],'top_logprobs':[" top "]},'finish_reason':'stop'}]}"
#define GREEDY "{'temperature':0}"
#define DRAWN  "{'temperature':0.7}"

/* Where log-probabilities say that two replies part between two likely tokens, they are close; else no lot explains it. */
static void test_logprobs(void **state)
{
	static const struct asked_row parted[] = {
		{ "both likely", GREEDY, CHAT("xa", TOKEN("x", A_OR_B) "," TOKEN("a", A_OR_B)), CHAT("xb", TOKEN("x", A_OR_B) "," TOKEN("b", A_OR_B)),
		  COMPARISON_CLOSE, "logprobs", false },
		{ "both likely, other words after it", GREEDY, CHAT("az", TOKEN("a", A_OR_B) "," TOKEN("z", "[]")),
		  CHAT("by", TOKEN("b", A_OR_B) "," TOKEN("y", "[]")), COMPARISON_CLOSE, "logprobs", false },
		{ "both likely, and drawn", DRAWN, CHAT("a", TOKEN("a", A_OR_B)), CHAT("b", TOKEN("b", A_OR_B)), COMPARISON_CLOSE, "logprobs", false },
		{ "likely for one alone", GREEDY, CHAT("a", TOKEN("a", A_OR_C)), CHAT("b", TOKEN("b", A_OR_B)), COMPARISON_VALUE, "logprobs", false },
		{ "likely for one alone, and drawn", DRAWN, CHAT("a", TOKEN("a", A_OR_C)), CHAT("b", TOKEN("b", A_OR_B)), COMPARISON_VALUE, NULL, true },
		{ "likely for one alone, nothing said of lots", "{}", CHAT("a", TOKEN("a", A_OR_C)), CHAT("b", TOKEN("b", A_OR_B)), COMPARISON_VALUE, NULL, true },
		{ "no likeliest", GREEDY, CHAT("a", TOKEN("a", "[]")), CHAT("b", TOKEN("b", "[]")), COMPARISON_VALUE, NULL, true },
		{ "one ends", GREEDY, CHAT("a", TOKEN("a", A_OR_B)), CHAT("aa", TOKEN("a", A_OR_B) "," TOKEN("a", A_OR_B)),
		  COMPARISON_VALUE, NULL, true },
		{ "none asked for", GREEDY, SAYS("a"), SAYS("b"), COMPARISON_VALUE, NULL, true },
		{ "escapes", GREEDY, CHAT("\\u0061", TOKEN("\\u0061", A_OR_B)), CHAT("b", TOKEN("b", A_OR_B)), COMPARISON_CLOSE, "logprobs", false },
		{ "completions", GREEDY, COMPLETION("xa", "'x','a'", "{'x':-1},{'a':-1,'b':-2}"), COMPLETION("xb", "'x','b'", "{'x':-1},{'b':-1,'a':-2}"),
		  COMPARISON_CLOSE, "logprobs", false },
		{ "completions, apart", GREEDY, COMPLETION("xa", "'x','a'", "{'x':-1},{'a':-1}"), COMPLETION("xb", "'x','b'", "{'x':-1},{'b':-1,'a':-2}"),
		  COMPARISON_VALUE, "logprobs", false },
	};
	struct buffer request = { 0 }, a = { 0 }, b = { 0 };
	struct comparer *c = comparer_of("openai", "");

	for (size_t i = 0; i < COUNT(parted); i++) {
		spell(&request, parted[i].request);
		spell(&a, parted[i].production);
		spell(&b, parted[i].shadow);
		expect_asked(&parted[i], "asked", run_asked(c, &request, &a, &b));
		expect_asked(&parted[i], "turned around", run_asked(c, &request, &b, &a));
	}
	comparer_free(c);
	buffer_deinit(&request);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_beside_ids),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_logprobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
