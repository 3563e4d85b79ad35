/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies that dockerd sends, and every way in which one can be wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "docker/request.h"

#define MOUNT  (REQUEST_NAME | REQUEST_ID)
#define CREATE (REQUEST_NAME | REQUEST_OPTS)

static void a_mount_has_name_and_id(void **state)
{
	static const char body[] = "{\"Name\":\"db\",\"ID\":\"00ff\",\"New\":[1]}\n";
	struct request request;
	struct error err;

	assert_int_equal(request_decode(&request, body, strlen(body), MOUNT, &err), 0);
	assert_string_equal(request.name, "db");
	assert_string_equal(request.id, "00ff");
	request_fini(&request);
}

static void options_may_be_null_missing_or_strings(void **state)
{
	static const char *const without[] = {
		"{\"Name\":\"db\",\"Opts\":null}",
		"{\"Name\":\"db\"}",
	};
	static const char body[] = "{\"Name\":\"db\",\"Opts\":{\"size\":\"20G\"}}";
	struct request request;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(without); i++) {
		assert_int_equal(
			request_decode(&request, without[i], strlen(without[i]), CREATE, &err), 0);
		assert_null(request.options);
		request_fini(&request);
	}
	assert_int_equal(request_decode(&request, body, strlen(body), CREATE, &err), 0);
	assert_int_equal(json_object_size(request.options), 1);
	request_fini(&request);
}

static void a_call_without_members_takes_any_body(void **state)
{
	struct request request;
	struct error err;

	assert_int_equal(request_decode(&request, NULL, 0, 0, &err), 0);
	request_fini(&request);
	assert_int_equal(request_decode(&request, "{}\n", 3, 0, &err), 0);
	request_fini(&request);
}

static void wrong_bodies_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *body;
		const char *sentence;
	} wrong[] = {
		{"", "the request is empty"},
		{"\n", "is not JSON"},
		{"{\"Name\":\"db\"", "is not JSON"},
		{"{\"Name\":\"db\",\"ID\":\"1\"} x", "is not JSON"},
		{"{\"Name\":\"a\",\"Name\":\"b\",\"ID\":\"1\"}", "is not JSON"},
		{"{\"Name\":\"a\\u0000b\",\"ID\":\"1\"}", "is not JSON"},
		{"{\"Name\":\"\xff\",\"ID\":\"1\"}", "is not JSON"},
		{"[]", "is not a JSON object"},
		{"\"db\"", "not"},
		{"{}", "has no Name"},
		{"{\"Name\":null,\"ID\":\"1\"}", "has no Name"},
		{"{\"Name\":7,\"ID\":\"1\"}", "has no Name"},
		{"{\"Name\":\"\",\"ID\":\"1\"}", "Name is empty"},
		{"{\"Name\":\"db\"}", "has no ID"},
		{"{\"Name\":\"db\",\"ID\":[]}", "has no ID"},
		{"{\"Name\":\"db\",\"ID\":\"\"}", "ID is empty"},
		{"{\"Name\":\"db\",\"ID\":\"1\",\"Opts\":[]}", "Opts is not an object"},
		{"{\"Name\":\"db\",\"ID\":\"1\",\"Opts\":{\"size\":20}}", "'size' is no string"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct request request;
		struct error err = {0};

		assert_int_equal(request_decode(&request, wrong[i].body, strlen(wrong[i].body),
						MOUNT | CREATE, &err),
				 -EINVAL);
		if (!strstr(err.text, wrong[i].sentence))
			fail_msg("%s: expected '%s', got '%s'", wrong[i].body, wrong[i].sentence,
				 err.text);
		request_fini(&request);
	}
}

static void an_id_of_any_length_does_not_reach_the_agent(void **state)
{
	char body[512];
	struct request request;
	struct error err;

	(void)snprintf(body, sizeof(body), "{\"Name\":\"db\",\"ID\":\"%0*d\"}", REQUEST_ID_MAX, 1);
	assert_int_equal(request_decode(&request, body, strlen(body), MOUNT, &err), 0);
	request_fini(&request);
	(void)snprintf(body, sizeof(body), "{\"Name\":\"db\",\"ID\":\"%0*d\"}", REQUEST_ID_MAX + 1,
		       1);
	assert_int_equal(request_decode(&request, body, strlen(body), MOUNT, &err), -EINVAL);
	request_fini(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mount_has_name_and_id),
		cmocka_unit_test(options_may_be_null_missing_or_strings),
		cmocka_unit_test(a_call_without_members_takes_any_body),
		cmocka_unit_test(wrong_bodies_are_refused_with_a_sentence),
		cmocka_unit_test(an_id_of_any_length_does_not_reach_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
