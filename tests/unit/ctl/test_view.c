/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables and records: golden text, and JSON with the same fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "base/size.h"
#include "ctl/view.h"

static const struct field fields[] = {
	{"name", "NAME", FIELD_TEXT, IN_BOTH},	     {"size", "SIZE", FIELD_BYTES, IN_BOTH},
	{"count", "COUNT", FIELD_COUNT, IN_BOTH},    {"ratio", "RATIO", FIELD_RATIO, IN_BOTH},
	{"percent", "USE%", FIELD_PERCENT, IN_BOTH}, {"ok", "OK", FIELD_BOOL, IN_BOTH},
	{"at", "AT", FIELD_TIME, IN_RECORD},	     {"hosts", "HOSTS", FIELD_LIST, IN_BOTH},
};
static const struct view view = {fields, ARRAY_SIZE(fields)};

static json_t *row_new(const char *name, json_int_t size, double ratio, json_t *hosts)
{
	return json_pack("{s:o, s:I, s:i, s:f, s:i, s:b, s:i, s:o}", "name", view_text(name),
			 "size", size, "count", 3, "ratio", ratio, "percent", 7, "ok", 1, "at", 0,
			 "hosts", hosts);
}

enum print {
	PRINT_ROWS,
	PRINT_RECORD,
};

static char *printed(enum print print, json_t *value, bool is_json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (print == PRINT_ROWS)
		view_print_rows(&view, value, is_json, out);
	else
		view_print_record(&view, value, is_json, out);
	assert_int_equal(fclose(out), 0);
	json_decref(value);
	return text;
}

static json_t *two_rows(void)
{
	char *hosts[] = {(char *)"iqn.a", (char *)"iqn.b"};

	return json_pack("[o, o]", row_new("db", 10 * (json_int_t)GIB, 0.1, view_texts(hosts, 2)),
			 row_new("a-long-name", 512, 12.5, json_array()));
}

static void numbers_stand_to_the_right_and_text_to_the_left(void **state)
{
	char *text = printed(PRINT_ROWS, two_rows(), false);

	assert_string_equal(text, "NAME           SIZE  COUNT  RATIO  USE%  OK   HOSTS\n"
				  "db           10 GiB      3   0.10    7%  yes  iqn.a, iqn.b\n"
				  "a-long-name   512 B      3  12.50    7%  yes  -\n");
	free(text);
}

static void no_rows_print_the_titles_alone(void **state)
{
	char *text = printed(PRINT_ROWS, json_array(), false);

	assert_string_equal(text, "NAME  SIZE  COUNT  RATIO  USE%  OK  HOSTS\n");
	free(text);
}

static void no_line_ends_in_blanks(void **state)
{
	char *hosts[] = {(char *)"a-host-with-a-very-long-name"};
	json_t *rows = json_pack("[o, o]", row_new("a", 1, 1, view_texts(hosts, 1)),
				 row_new("b", 1, 1, json_array()));
	char *text = printed(PRINT_ROWS, rows, false);

	assert_null(strstr(text, " \n"));
	free(text);
}

static void a_record_has_a_line_for_each_field(void **state)
{
	char *text = printed(PRINT_RECORD, row_new("db", 4096, 0.5, json_array()), false);

	assert_string_equal(text, "NAME   db\n"
				  "SIZE   4 KiB\n"
				  "COUNT  3\n"
				  "RATIO  0.50\n"
				  "USE%   7%\n"
				  "OK     yes\n"
				  "AT     -\n"
				  "HOSTS  -\n");
	free(text);
}

static void json_has_exact_bytes_as_numbers(void **state)
{
	char *text = printed(PRINT_ROWS, two_rows(), true);
	json_t *rows = json_loads(text, 0, NULL);
	json_t *row = json_array_get(rows, 0);

	assert_non_null(rows);
	assert_int_equal(json_integer_value(json_object_get(row, "size")), 10 * GIB);
	assert_true(json_is_true(json_object_get(row, "ok")));
	assert_int_equal(json_array_size(json_object_get(row, "hosts")), 2);
	for (size_t i = 0; i < view.count; i++)
		assert_non_null(json_object_get(row, view.fields[i].key));
	json_decref(rows);
	free(text);
}

static void wide_characters_keep_the_columns_straight(void **state)
{
	json_t *rows = json_pack("[o, o]",
				 row_new("gr\xc3\xb6\xc3\x9f"
					 "e",
					 1, 1, json_array()),
				 row_new("abcde", 1, 1, json_array()));
	char *text = printed(PRINT_ROWS, rows, false);

	assert_non_null(strstr(text, "gr\xc3\xb6\xc3\x9f"
				     "e   1 B"));
	assert_non_null(strstr(text, "abcde   1 B"));
	free(text);
}

static void what_a_peer_sends_cannot_steer_the_terminal(void **state)
{
	char *text = printed(PRINT_ROWS,
			     json_pack("[o]", row_new("a\x1b[2Jb\nc", 1, 1, json_array())), false);

	assert_non_null(strstr(text, "a?[2Jb?c"));
	free(text);
}

static void bytes_that_are_not_utf8_become_question_marks(void **state)
{
	json_t *string = view_text("a\xff\xfe z");

	assert_string_equal(json_string_value(string), "a?? z");
	json_decref(string);
	string = view_text(NULL);
	assert_string_equal(json_string_value(string), "");
	json_decref(string);
}

static void percent_of_nothing_is_zero(void **state)
{
	assert_int_equal(view_percent(5, 0), 0);
	assert_int_equal(view_percent(1, 3), 33);
	assert_int_equal(view_percent(UINT64_MAX, UINT64_MAX), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stand_to_the_right_and_text_to_the_left),
		cmocka_unit_test(no_rows_print_the_titles_alone),
		cmocka_unit_test(no_line_ends_in_blanks),
		cmocka_unit_test(a_record_has_a_line_for_each_field),
		cmocka_unit_test(json_has_exact_bytes_as_numbers),
		cmocka_unit_test(wide_characters_keep_the_columns_straight),
		cmocka_unit_test(what_a_peer_sends_cannot_steer_the_terminal),
		cmocka_unit_test(bytes_that_are_not_utf8_become_question_marks),
		cmocka_unit_test(percent_of_nothing_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
