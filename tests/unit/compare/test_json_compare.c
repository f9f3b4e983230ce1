/* test_json_compare.c - two documents: what is found, where, how often, and which verdict comes of it */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compare/json/json_compare.h"
#include "tests/rig/json_bench.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/** describe() - "kind path count;" of each finding */
static void describe(struct findings found, struct buffer *out)
{
	buffer_clear(out);
	for (size_t i = 0; i < found.count; i++)
		buffer_printf(out, "%s%s %s %d", i ? "; " : "", difference_name(found.at[i].kind),
			      found.at[i].path, (int)found.at[i].count);
}

/* a, b: ' stands for " ; found: in the order of gravity */
static const struct {
	const char *rules, *a, *b, *found;
} rows[] = {
	{ "", "1", "1", "" },
	{ "", "1", "1.0", "" },
	{ "", "100", "1e2", "" },
	{ "", "1", "2", "value  1" },
	{ "", "0.1", "0.10000000000000000555", "" },
	{ "", "1", "1.000001", "close  1" },
	{ "", "1", "1.0001", "value  1" },
	{ "", "0", "1e-9", "close  1" },
	{ "", "0", "1e-7", "value  1" },
	{ "", "-0.0", "0", "" },
	{ "", "NaN", "-NaN", "" },
	{ "", "NaN", "0", "value  1" },
	{ "", "Infinity", "1e400", "" },
	{ "", "Infinity", "-Infinity", "value  1" },
	{ "", "1e308", "Infinity", "value  1" },
	{ "", "9007199254740993", "9007199254740992", "value  1" },
	{ "", "9007199254740993", "9007199254740993.0", "" },
	{ "", "123456789012345678901234567890", "123456789012345678901234567891", "value  1" },
	{ "", "9007199254740991", "9007199254740992", "close  1" },
	{ "/** num", "[9007199254740995]", "[9007199254740993]", "close /0 1" },
	{ "", "true", "false", "value  1" },
	{ "", "true", "1", "type  1" },
	{ "", "null", "NaN", "type  1" },
	{ "", "null", "null", "" },
	{ "", "'a'", "'b'", "value  1" },
	{ "", "'a'", "'\\u0061'", "" },
	{ "", "'\\u00e9\\n'", "'\xc3\xa9\\u000A'", "" },
	{ "", "'\\ud83d\\ude00'", "'\xf0\x9f\x98\x80'", "" },
	{ "", "'1'", "1", "type  1" },
	{ "", "[]", "{}", "type  1" },
	{ "", "[]", "[1]", "extra /0 1" },
	{ "", "[1,2,3]", "[1]", "missing /1 2" },
	{ "", "[[1,2],[3,4]]", "[[1,2],[3]]", "missing /1/1 1" },
	{ "", "[1,2,3]", "[1,5,6]", "value /1 2" }, /* 3 is more of 2 than of 3 */
	{ "", "[[1,2],[3,4]]", "[[1,2],[3,9]]", "value /1/1 1" },
	{ "", "[[1],[2],[3]]", "[[9],[8],[3]]", "value /0/0 2" },
	{ "", "{'a':1,'b':2}", "{'b':2,'a':1}", "" },
	{ "", "{'a':1,'b':2}", "{'b':1,'a':2}", "value /a 1; value /b 1" },
	{ "", "{'a':1}", "{'b':1}", "missing /a 1; extra /b 1" },
	{ "", "{'a':1}", "{'\\u0061':1}", "" },
	{ "", "{'a':1,'a':2}", "{'a':2}", "" },
	{ "", "{'a':1,'a':2}", "{'a':3,'a':2}", "" },
	{ "", "{'a':1,'\\u0061':2}", "{'\\u0061':3,'a':2}", "" },
	{ "", "{'a':2,'a':1}", "{'a':2}", "value /a 1" },
	{ "", "{'a/b~c':{'*':1}}", "{'a/b~c':{'*':2}}", "value /a~1b~0c/* 1" },
	{ "", "{'':{'':1}}", "{'':{'':2}}", "value // 1" },
	{ "", "{'a':{'b':[{'c':1},{'c':2}]}}", "{'a':{'b':[{'c':1},{'c':3}]}}", "value /a/b/1/c 1" },
	{ "", "[1,'a',[2],{'x':3}]", "[1,[],'a',{'x':3}]", "type /1 2" },
	/* another order of things that have names */
	{ "", "['a','b','c']", "['c','a','b']", "order  1" },
	{ "", "[{'i':0},{'i':1}]", "[{'i':1},{'i':0}]", "order  1" },
	{ "", "{'l':[['cat',0.75],['dog',0.25]]}", "{'l':[['dog',0.25],['cat',0.75]]}", "order /l 1" },
	{ "", "['a','b','a']", "['b','a','b']", "value /0 3" },
	{ "", "[0.5,0.3,0.2]", "[0.5,0.2,0.3]", "value /2 2" },
	{ "", "[[1,2],[3,4]]", "[[3,4],[1,2]]", "value /0/0 4" },
	/* sets */
	{ "'' set", "[1,2,3]", "[3,1.0,2]", "ignored  1" },
	{ "'' set", "[1,2,3]", "[3.00001,1,2]", "close /2 1; ignored  1" },
	{ "'' set", "[1,2,3]", "[3,1]", "missing /1 1" },
	{ "'' set", "[1,1]", "[1,1,1]", "extra /2 1" },
	{ "/a set", "{'a':[{'x':1,'y':'p'},{'x':2,'y':'q'}]}", "{'a':[{'y':'q','x':2},{'y':'p','x':1e0}]}",
	  "ignored /a 1" },
	{ "/a set", "{'a':[{'x':1,'y':'p'},{'x':2,'y':'q'}]}", "{'a':[{'y':'q','x':7},{'y':'p','x':1}]}",
	  "value /a/1/x 1; ignored /a 1" },
	{ "/a set\n/a/*/id ignore", "{'a':[{'id':1,'y':'p'},{'id':2,'y':'q'}]}",
	  "{'a':[{'id':3,'y':'q'},{'id':4,'y':'p'}]}", "ignored /a 1; ignored /a/0/id 2" },
	{ "/a set\n/a/*/id ignore", "{'a':[{'id':1,'y':'p'},{'id':2,'y':'q'}]}",
	  "{'a':[{'id':1,'y':'p'},{'id':3,'y':'q'}]}", "ignored /a/1/id 1" },
	{ "/** set", "[[1,2],[3,[4,5]]]", "[[[5,4],3],[2,1]]", "ignored  1; ignored /0 2; ignored /1/1 1" },
	{ "'' set", "['a','b']", "['b','c']", "value /0 1; ignored  1" },
	/* rules */
	{ "/a ignore", "{'a':1,'b':1}", "{'b':1}", "ignored /a 1" },
	{ "/a ignore", "{'b':1}", "{'b':1,'a':{}}", "ignored /a 1" },
	{ "/a ignore", "{'a':{'x':[1,'a'],'y':null}}", "{'a':{'y':null,'x':[1.0,'\\u0061']}}", "" },
	{ "/a ignore", "{'a':{'x':[1,2]}}", "{'a':{'x':[2,1]}}", "ignored /a 1" },
	{ "/a ignore\n/a/b exact", "{'a':{'b':1}}", "{'a':{'b':2}}", "ignored /a 1" },
	{ "/*/id ignore", "[{'id':1}]", "[{'id':2},{'id':3}]", "extra /1 1; ignored /0/id 1" },
	{ "/0 ignore", "[1,2]", "[2,2]", "ignored /0 1" },
	{ "/1 ignore", "[1]", "[1,2]", "ignored /1 1" },
	{ "/**/t ignore", "{'t':1,'a':{'t':2,'b':[{'t':3,'u':4}]}}", "{'t':5,'a':{'t':6,'b':[{'u':5}]}}",
	  "value /a/b/0/u 1; ignored /t 1; ignored /a/t 1; ignored /a/b/0/t 1" },
	{ "'' ignore", "[1]", "{}", "ignored  1" },
	{ "'' exact", "[1,1.5]", "[1.0,1.5000000001]", "value /1 1" },
	{ "/a num rtol=0.1", "{'a':[1,{'b':1}],'c':1}", "{'a':[1.05,{'b':1.09}],'c':1.05}",
	  "value /c 1; close /a/0 1; close /a/1/b 1" },
	{ "/a num rtol=0 atol=5", "{'a':9007199254740995}", "{'a':9007199254740993}", "close /a 1" },
	{ "/a num atol=1", "{'a':'3.5'}", "{'a':'4.25'}", "close /a 1" },
	{ "/a num atol=1", "{'a':'3.5 '}", "{'a':'4.25'}", "value /a 1" },
	{ "/* exact\n/a num rtol=1", "{'a':1,'b':1}", "{'a':1.5,'b':1.000001}", "value /b 1; close /a 1" },
	{ "/a num rtol=1\n/* exact", "{'a':1,'b':1}", "{'a':1.5,'b':1}", "value /a 1" },
	{ "/a text", "{'a':' the  cat\\n'}", "{'a':'the cat'}", "close /a 1" },
	{ "/a text", "{'a':'the cat'}", "{'a':'thecat'}", "value /a 1" },
	{ "/a ignore\n/a exact", "{'a':1}", "{'a':2}", "value /a 1" },
	{ "/a~1b/~2 ignore", "{'a/b':{'*':1,'c':1}}", "{'a/b':{'*':2,'c':2}}", "value /a~1b/c 1; ignored /a~1b/* 1" },
	{ "'/a b' ignore # why\n# all\n\n", "{'a b':1}", "{'a b':2}", "ignored /a b 1" },
	{ "/\xc3\xa9 ignore", "{'\\u00e9':1}", "{'\xc3\xa9':2}", "ignored /\xc3\xa9 1" },
};

static void quotes(struct buffer *b, const char *text)
{
	buffer_clear(b);
	buffer_add_str(b, text);
	for (size_t i = 0; i < b->len; i++)
		if (b->bytes[i] == '\'')
			b->bytes[i] = '"';
}

static void test_rows(void **state)
{
	struct buffer rules = { 0 }, a = { 0 }, b = { 0 }, found = { 0 };
	int wrong = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bench t;

		quotes(&rules, rows[i].rules);
		quotes(&a, rows[i].a);
		quotes(&b, rows[i].b);
		bench_open(&t, buffer_text(&rules));
		describe(bench_run(&t, buffer_span(&a), buffer_span(&b)), &found);
		if (strcmp(buffer_text(&found), rows[i].found) != 0)
			wrong++, print_error("row %zu: %s and %s under '%s': '%s'\n", i, rows[i].a, rows[i].b,
					     rows[i].rules, buffer_text(&found));
		bench_close(&t);
	}
	buffer_deinit(&rules);
	buffer_deinit(&a);
	buffer_deinit(&b);
	buffer_deinit(&found);
	assert_int_equal(wrong, 0);
}

/* a, b: ' stands for "; decisions: "production>shadow", = where they agree; then the DECISION finding's path */
static const struct {
	const char *rules, *a, *b, *decisions;
} decided[] = {
	/* V1 */
	{ "", "{'predictions':[[0.1,0.9],[0.8,0.2]]}", "{'predictions':[[0.2,0.8],[0.4,0.6]]}",
	  "1=1 0>1 /predictions/1" },
	{ "", "{'predictions':[[[1,2],[4,3]]]}", "{'predictions':[[[1,2],[4,5]]]}",
	  "1=1 0>1 /predictions/0/1" },
	{ "", "{'predictions':[0.5,1.5]}", "{'predictions':[1.5,0.5]}", "" },
	{ "", "{'predictions':[3,8]}", "{'predictions':[3,7]}", "3=3 8>7 /predictions/1" },
	{ "", "{'predictions':[3,8]}", "{'predictions':[3,8.5]}", "" },
	{ "", "{'predictions':[-1,1]}", "{'predictions':[1,1]}", "-1>1 1=1 /predictions/0" },
	{ "", "{'predictions':['a','\\u0062']}", "{'predictions':['a','b']}", "a=a b=b" },
	{ "", "{'predictions':[true]}", "{'predictions':[false]}", "true>false /predictions/0" },
	{ "", "{'predictions':[[0.7]]}", "{'predictions':[[0.2]]}", "" },
	{ "", "{'predictions':[[3],[4]]}", "{'predictions':[[3],[5]]}", "3=3 4>5 /predictions/1/0" },
	{ "", "{'predictions':[[['cat',0.9],['dog',0.1]]]}", "{'predictions':[[['dog',0.6],['cat',0.4]]]}",
	  "cat>dog /predictions/0" },
	{ "", "{'predictions':[{'label':'a','score':0.9},{'label':'b','score':0.8}]}",
	  "{'predictions':[{'score':0.7,'label':'a'},{'label':'c','score':0.6}]}",
	  "a=a b>c /predictions/1/label" },
	{ "", "{'predictions':[[{'label':'a','score':0.9},{'label':'b','score':0.1}]]}",
	  "{'predictions':[[{'label':'b','score':0.1},{'label':'a','score':0.9}]]}", "a=a" },
	{ "", "{'predictions':[{'probabilities':[0.1,0.9],'x':1}]}",
	  "{'predictions':[{'probabilities':[0.9,0.1],'x':1}]}", "1>0 /predictions/0/probabilities" },
	/* ties, NaN, tolerance */
	{ "", "{'predictions':[[0.5,0.5]]}", "{'predictions':[[0.4,0.6]]}", "0=1" },
	{ "", "{'predictions':[[0.500001,0.5]]}", "{'predictions':[[0.4,0.6]]}", "0=1" },
	{ "", "{'predictions':[[0.6,0.4]]}", "{'predictions':[[0.5,0.5000001]]}", "0=1" },
	{ "", "{'predictions':[[NaN,0.1]]}", "{'predictions':[[0.2,NaN]]}", "1>0 /predictions/0" },
	{ "", "{'predictions':[[NaN,NaN]]}", "{'predictions':[[0.2,0.1]]}", "none>0 /predictions/0" },
	{ "", "{'predictions':[[NaN,NaN]]}", "{'predictions':[[NaN,NaN]]}", "" },
	{ "", "{'predictions':[[-Infinity,-1e400,-5]]}", "{'predictions':[[Infinity,0,0]]}",
	  "2>0 /predictions/0" },
	{ "", "{'predictions':[[1,2],[3,4]]}", "{'predictions':[[1,2]]}", "1=1" },
	/* TF Serving */
	{ "", "{'outputs':[[0.1,0.9]]}", "{'outputs':[[0.9,0.1]]}", "1>0 /outputs/0" },
	{ "", "{'outputs':{'scores':[[0.1,0.9]],'classes':[['a','b']]}}",
	  "{'outputs':{'classes':[['a','b']],'scores':[[0.9,0.1]]}}", "b>a /outputs/scores/0" },
	{ "", "{'outputs':{'p':[[0.1,0.9]],'y':[1.5],'c':[4]}}",
	  "{'outputs':{'p':[[0.1,0.9]],'y':[2.5],'c':[5]}}", "1=1 4>5 /outputs/c/0" },
	{ "", "{'results':[[['a',0.2],['b',0.8]],[['a',0.7],['b',0.3]]]}",
	  "{'results':[[['a',0.1],['b',0.9]],[['a',0.2],['b',0.8]]]}", "b=b a>b /results/1" },
	{ "", "{'results':[1,2]}", "{'results':[1,3]}", "" },
	/* scores by label: only shares that add up */
	{ "", "{'cat':0.9,'dog':0.1}", "{'cat':0.25,'dog':0.75}", "cat>dog " },
	{ "", "{'cat':0.9,'dog':0.1}", "{'dog':0.0,'cat':1}", "cat=cat" },
	{ "", "[{'cat':0.9,'dog':0.1},{'cat':0.5,'dog':0.5}]", "[{'cat':0.9,'dog':0.1},{'cat':0.4,'dog':0.6}]", "cat=cat cat=dog" },
	{ "", "{'predictions':[{'a':0.3,'b':0.7}]}", "{'predictions':[{'a':0.6,'b':0.4}]}", "b>a /predictions/0" },
	{ "", "{'cat':0.9,'dog':0.05}", "{'cat':0.3,'dog':0.6}", "" },
	{ "", "{'auc':0.9,'loss':0.4}", "{'auc':0.3,'loss':0.6}", "" },
	{ "", "{'x':-0.5,'y':1.5}", "{'x':0.5,'y':0.5}", "" },
	{ "", "{'cat':0.9,'dog':0.1}", "{'cat':0.9,'dog':'0.1'}", "" },
	{ "", "{'cat':1.0}", "{'dog':1.0}", "" },
	/* V2 */
	{ "", "{'outputs':[{'name':'p','datatype':'FP32','shape':[2,2],'data':[0.1,0.9,0.8,0.2]}]}",
	  "{'outputs':[{'name':'p','datatype':'FP32','shape':[2,2],'data':[0.1,0.9,0.3,0.7]}]}",
	  "1=1 0>1 /outputs/0/data/2" },
	{ "", "{'outputs':[{'datatype':'FP32','shape':[2,2],'data':[[0.1,0.9],[0.8,0.2]]}]}",
	  "{'outputs':[{'datatype':'FP32','shape':[2,2],'data':[[0.1,0.9],[0.3,0.7]]}]}",
	  "1=1 0>1 /outputs/0/data/1" },
	{ "", "{'outputs':[{'datatype':'INT64','shape':[2],'data':[3,4]}]}",
	  "{'outputs':[{'datatype':'INT64','shape':[2],'data':[3,5]}]}", "3=3 4>5 /outputs/0/data/1" },
	{ "", "{'outputs':[{'datatype':'UINT8','shape':[1,2],'data':[3,4]}]}",
	  "{'outputs':[{'datatype':'UINT8','shape':[1,2],'data':[5,4]}]}", "1>0 /outputs/0/data/0" },
	{ "", "{'outputs':[{'datatype':'FP32','shape':[2],'data':[3,4]}]}",
	  "{'outputs':[{'datatype':'FP32','shape':[2],'data':[5,4]}]}", "" },
	{ "", "{'outputs':[{'datatype':'FP32','shape':[3],'data':[0.2,0.7,0.1]}]}",
	  "{'outputs':[{'datatype':'FP32','shape':[3],'data':[0.7,0.2,0.1]}]}", "1>0 /outputs/0/data" },
	{ "", "{'outputs':[{'datatype':'FP32','shape':[2,1],'data':[0.5,0.5]}]}",
	  "{'outputs':[{'datatype':'FP32','shape':[2,1],'data':[0.6,0.4]}]}", "" },
	{ "", "{'outputs':[{'datatype':'BYTES','shape':[1],'data':['cat']}]}",
	  "{'outputs':[{'datatype':'BYTES','shape':[1],'data':['dog']}]}", "cat>dog /outputs/0/data/0" },
	{ "", "{'outputs':[{'datatype':'FP32','shape':[1,4294967297],'data':[1,2]}]}",
	  "{'outputs':[{'datatype':'FP32','shape':[1,4294967297],'data':[2,1]}]}", "" },
	{ "", "{'outputs':[{'datatype':'FP32','shape':[2,2],'data':[1,2,3]}]}",
	  "{'outputs':[{'datatype':'FP32','shape':[2,2],'data':[1,2]}]}", "1=1" },
	/* others */
	{ "", "{'data':[{'index':0,'label':'x','probs':[0.1,0.9]}]}",
	  "{'data':[{'index':0,'label':'y','probs':[0.9,0.1]}]}", "x>y /data/0/label" },
	{ "", "{'data':[{'embedding':[1,2]}]}", "{'data':[{'embedding':[2,1]}]}", "" },
	{ "", "{'data':[[1,2]]}", "{'data':[[2,1]]}", "" },
	{ "", "{'results':[{'index':2,'relevance_score':0.9},{'index':0,'relevance_score':0.1}]}",
	  "{'results':[{'index':0,'relevance_score':0.9},{'index':2,'relevance_score':0.1}]}", "2>0 /results" },
	{ "", "{'label':'x','probabilities':[0.1,0.9]}", "{'label':'y','probabilities':[0.1,0.9]}",
	  "x>y /label" },
	{ "", "{'probabilities':{'a':0.2,'b':0.8}}", "{'probabilities':{'a':0.9,'b':0.1}}",
	  "b>a /probabilities" },
	{ "", "{'labels':['a','b'],'scores':[0.1,0.9]}", "{'labels':['b','a'],'scores':[0.8,0.2]}", "b=b" },
	{ "", "{'prediction':1.5}", "{'prediction':2.5}", "" },
	{ "", "[[{'label':'a','score':0.9},{'label':'b','score':0.1}]]",
	  "[[{'label':'b','score':0.9},{'label':'a','score':0.1}]]", "a>b /0" },
	{ "", "[[0.1,0.9]]", "[[0.9,0.1]]", "" },
	{ "", "[1,2]", "[2,1]", "" },
	{ "", "{'x':[0.1,0.9]}", "{'x':[0.9,0.1]}", "" },
	/* rules */
	{ "/predictions ignore", "{'predictions':[3]}", "{'predictions':[4]}", "" },
	{ "/predictions/1 ignore", "{'predictions':[3,4]}", "{'predictions':[4,5]}", "3>4 /predictions/0" },
	{ "/x argmax", "{'x':[0.1,0.9]}", "{'x':[0.9,0.1]}", "1>0 /x" },
	{ "/x argmax", "{'x':[[0.1,0.9],[1,0]],'predictions':[1]}", "{'x':[[0.9,0.1],[1,0]],'predictions':[2]}",
	  "1>0 0=0 /x/0" },
	{ "/x topk k=2", "{'x':[0.1,0.5,0.4]}", "{'x':[0.1,0.4,0.5]}", "1,2=2,1" },
	{ "/x topk k=2", "{'x':[0.1,0.5,0.4]}", "{'x':[0.4,0.5,0.1]}", "1,2>1,0 /x" },
	{ "/x topk k=2", "{'x':[0.4,0.5,0.4]}", "{'x':[0.1,0.5,0.4]}", "1,0=1,2" },
	{ "/x topk k=2", "{'x':['a','b','c']}", "{'x':['b','a','d']}", "a,b=b,a" },
	{ "/x topk k=2", "{'x':['a','b','c']}", "{'x':['c','a','b']}", "a,b>c,a /x" },
	{ "/x topk k=9", "{'x':[1,2]}", "{'x':[2,1]}", "1,0=0,1" },
	{ "/x argmax", "{'x':{'a':1,'b':2}}", "{'x':{'b':1,'a':2}}", "b>a /x" },
};

static void describe_decisions(struct findings found, struct buffer *out)
{
	buffer_clear(out);
	for (size_t i = 0; i < found.decision_count; i++)
		buffer_printf(out, "%s%s%s%s", i ? " " : "", found.decisions[i].production,
			      found.decisions[i].agrees ? "=" : ">", found.decisions[i].shadow);
	for (size_t i = 0; i < found.count; i++)
		if (found.at[i].kind == DIFFERENCE_DECISION)
			buffer_printf(out, " %s", found.at[i].path);
}

static void test_decisions(void **state)
{
	struct buffer rules = { 0 }, a = { 0 }, b = { 0 }, found = { 0 };
	int wrong = 0;
	uint64_t otherwise_in_all = 0;

	for (size_t i = 0; i < COUNT(decided); i++) {
		uint64_t otherwise = 0;
		struct findings f;
		struct bench t;

		quotes(&rules, decided[i].rules);
		quotes(&a, decided[i].a);
		quotes(&b, decided[i].b);
		bench_open(&t, buffer_text(&rules));
		f = bench_run(&t, buffer_span(&a), buffer_span(&b));
		describe_decisions(f, &found);
		if (strcmp(buffer_text(&found), decided[i].decisions) != 0)
			wrong++, print_error("%s and %s under '%s': '%s'\n", decided[i].a, decided[i].b,
					     decided[i].rules, buffer_text(&found));
		for (size_t k = 0; k < f.decision_count; k++)
			otherwise += f.decisions[k].agrees && strcmp(f.decisions[k].production, f.decisions[k].shadow) != 0;
		assert_int_equal(f.decisions_otherwise, otherwise);
		otherwise_in_all += otherwise;
		/* of one document for both, everything agrees and nothing else is found */
		assert_int_equal(json_doc_parse(&t.a, buffer_span(&a)), 0);
		collector_clear(t.out);
		assert_int_equal(json_compare(t.jc, &t.a, &t.a, t.out), 0);
		f = collector_findings(t.out);
		assert_int_equal(f.count, 0);
		assert_true(f.decisions_agree == f.decisions_total);
		bench_close(&t);
	}
	buffer_deinit(&rules);
	buffer_deinit(&a);
	buffer_deinit(&b);
	buffer_deinit(&found);
	assert_true(otherwise_in_all > 3);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
