/* test_joiner.c - which secret, and which number: found among others, and nothing where there is nothing */
#include "tests/rig/unit.h"

#include <string.h>

#include "tests/rig/tls_talk_keys.h"
#include "tls/hello.h"
#include "tls/joiner.h"

#define OTHERS 64

static uint8_t body[100];

/** struct scene - a talk, its secrets among others, and who tries */
struct scene {
	struct tls_talk talk;
	struct secrets *secrets;
	struct joiner *joiner;
};

static void open_scene(struct scene *s, const char *suite, uint32_t numbers)
{
	struct dice d = dice_of_seed(7);

	tls_talk_init(&s->talk, &(struct tls_talk_options){ .version = TLS1_3_VERSION, .suite = suite });
	tls_talk_handshake(&s->talk);
	s->secrets = secrets_new(2000, 0);
	add_other_secrets(s->secrets, &d, OTHERS / 2);
	add_talk_secrets(s->secrets, &s->talk);
	add_other_secrets(s->secrets, &d, OTHERS / 2);
	s->joiner = joiner_new(s->secrets, numbers);
	assert_non_null(s->joiner);
}

static void close_scene(struct scene *s)
{
	joiner_free(s->joiner);
	secrets_free(s->secrets);
	tls_talk_deinit(&s->talk);
}

static void write_records(struct scene *s, int side, size_t count)
{
	while (count-- > 0)
		tls_talk_write(&s->talk, side, span_of(body, sizeof(body)));
}

static enum joiner_answer ask(struct scene *s, struct joiner_question question, struct joiner_found *found)
{
	struct joiner_task *task = joiner_ask(s->joiner, &question);
	enum joiner_answer answer;

	assert_non_null(task);
	answer = joiner_wait(task, found);
	joiner_forget(task);
	return answer;
}

static enum joiner_answer ask_client(struct scene *s, struct joiner_found *found)
{
	return ask(s, (struct joiner_question){ .record = last_record(&s->talk), .upto = secrets_last(s->secrets) }, found);
}

static void check_suite(const char *name, uint16_t number)
{
	struct scene s;
	struct joiner_question question;
	struct joiner_found found;

	open_scene(&s, name, 2000);
	write_records(&s, 0, 1);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	assert_int_equal(found.number, 0);
	assert_int_equal(found.suite->number, number);
	write_records(&s, 0, 1200);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	assert_int_equal(found.number, 1200);
	write_records(&s, 1, 70);
	question = (struct joiner_question){ .record = last_record(&s.talk), .suite = found.suite, .random = found.random };
	assert_int_equal(ask(&s, question, &found), JOINER_FOUND);
	assert_int_equal(found.number, 71); /* behind two tickets */
	assert_int_equal(ask_client(&s, &found), JOINER_NONE); /* it is the server's */
	close_scene(&s);
}

static void test_suites(void **state)
{
	(void)state;
	check_suite("TLS_AES_128_GCM_SHA256", 0x1301);
	check_suite("TLS_AES_256_GCM_SHA384", 0x1302);
	check_suite("TLS_CHACHA20_POLY1305_SHA256", 0x1303);
	check_suite("TLS_AES_128_CCM_SHA256", 0x1304);
	check_suite("TLS_AES_128_CCM_8_SHA256", 0x1305);
}

/* The last number that is tried, and the one behind it; no number but 0 */
static void test_bound(void **state)
{
	struct scene s;
	struct joiner_found found;

	(void)state;
	open_scene(&s, "TLS_AES_256_GCM_SHA384", 1100);
	write_records(&s, 0, 1101);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	assert_int_equal(found.number, 1100);
	write_records(&s, 0, 1);
	assert_int_equal(ask_client(&s, &found), JOINER_NONE);
	close_scene(&s);
	open_scene(&s, "TLS_AES_128_GCM_SHA256", 0);
	write_records(&s, 0, 1);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	write_records(&s, 0, 1);
	assert_int_equal(ask_client(&s, &found), JOINER_NONE);
	close_scene(&s);
}

/* One that some connection has asked for, and those that were tried, are not tried */
static void test_which(void **state)
{
	struct scene s;
	struct joiner_found found;
	struct secrets_found secrets;
	struct joiner_question question;

	(void)state;
	open_scene(&s, "TLS_AES_128_GCM_SHA256", 10);
	write_records(&s, 0, 1);
	question = (struct joiner_question){ .record = last_record(&s.talk), .after = OTHERS / 2, .upto = OTHERS / 2 + 1 };
	assert_int_equal(ask(&s, question, &found), JOINER_FOUND);
	question.after++;
	question.upto = secrets_last(s.secrets);
	assert_int_equal(ask(&s, question, &found), JOINER_NONE);
	question.after = 0;
	question.upto = OTHERS / 2;
	assert_int_equal(ask(&s, question, &found), JOINER_NONE);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	assert_true(secrets_find(s.secrets, found.random, &secrets));
	assert_int_equal(ask_client(&s, &found), JOINER_NONE);
	close_scene(&s);
}

/* However many secrets there are, the last so many are tried */
static void test_many_secrets(void **state)
{
	struct dice d = dice_of_seed(8);
	struct scene s;
	struct joiner_found found;

	(void)state;
	open_scene(&s, "TLS_AES_256_GCM_SHA384", 0);
	write_records(&s, 0, 1);
	add_other_secrets(s.secrets, &d, JOINER_SECRETS_MAX - OTHERS / 2 - 1);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	add_other_secrets(s.secrets, &d, 1);
	assert_int_equal(ask_client(&s, &found), JOINER_NONE);
	assert_true(joiner_is_locked(s.joiner) || !secrets_are_locked(s.secrets));
	close_scene(&s);
}

/* So many questions at most; what is forgotten makes room, and one without an answer delays no other */
static void test_full(void **state)
{
	static struct joiner_task *tasks[JOINER_QUESTIONS_MAX + 1];
	struct scene s;
	struct joiner_found found;
	struct joiner_question question;
	uint64_t answers;

	(void)state;
	open_scene(&s, "TLS_AES_128_GCM_SHA256", JOINER_NUMBERS_MAX);
	write_records(&s, 1, 1); /* a server's: none is found for as long as this test takes */
	question = (struct joiner_question){ .record = last_record(&s.talk), .upto = secrets_last(s.secrets) };
	for (size_t i = 0; i < JOINER_QUESTIONS_MAX; i++) {
		tasks[i] = joiner_ask(s.joiner, &question);
		assert_non_null(tasks[i]);
	}
	assert_null(joiner_ask(s.joiner, &question));
	for (size_t i = 8; i < JOINER_QUESTIONS_MAX; i++)
		joiner_forget(tasks[i]);
	answers = joiner_answers(s.joiner);
	write_records(&s, 0, 1);
	assert_int_equal(ask_client(&s, &found), JOINER_FOUND);
	while (joiner_answers(s.joiner) == answers)
		;
	assert_int_equal(joiner_answer(tasks[0], &found), JOINER_TRIES);
	joiner_stop(s.joiner);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(joiner_wait(tasks[i], &found), JOINER_NONE);
		joiner_forget(tasks[i]);
	}
	joiner_forget(NULL);
	close_scene(&s);
	joiner_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_many_secrets),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
