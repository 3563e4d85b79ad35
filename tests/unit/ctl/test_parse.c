/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: what is read from right ones, and the sentence for each kind of wrong one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/size.h"
#include "ctl/command.h"

#define WORD_MAX 16

struct line {
	char text[256];
	char *argv[WORD_MAX + 1];
	int argc;
};

/* Cut at blanks; "''" stands for an empty word. */
static void line_init(struct line *line, const char *text)
{
	char *save;

	*line = (struct line){0};
	(void)snprintf(line->text, sizeof(line->text), "berth %s", text);
	for (char *word = strtok_r(line->text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(line->argc < WORD_MAX);
		line->argv[line->argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
	}
}

static struct line line;
static struct call call;
static const struct group *group;
static struct error err;

static int parsed(const char *text)
{
	line_init(&line, text);
	err = (struct error){0};
	return call_parse(&call, line.argc, line.argv, &group, &err);
}

static void operands_and_options_come_in_any_order(void **state)
{
	assert_int_equal(parsed("pool create fast --size 100G /srv/x"), 0);
	assert_string_equal(call.command->verb, "create");
	assert_string_equal(call.name, "fast");
	assert_string_equal(call.path, "/srv/x");
	assert_int_equal(call.size_bytes, 100 * GIB);

	assert_int_equal(parsed("--json volume --pool=fast create db 1.5TiB --node host:1"), 0);
	assert_string_equal(call.name, "db");
	assert_string_equal(call.pool, "fast");
	assert_string_equal(call.node, "host:1");
	assert_int_equal(call.size_bytes, TIB + TIB / 2);
	assert_true(call.is_json);
}

static void the_node_comes_from_option_environment_or_default(void **state)
{
	assert_int_equal(setenv("BERTH_NODE", "unix:/e", 1), 0);
	assert_int_equal(parsed("pool list"), 0);
	assert_string_equal(call.node, "unix:/e");
	assert_int_equal(parsed("pool list --node unix:/o"), 0);
	assert_string_equal(call.node, "unix:/o");
	assert_int_equal(unsetenv("BERTH_NODE"), 0);
	assert_int_equal(parsed("pool list"), 0);
	assert_string_equal(call.node, "unix:/run/berth/node.sock");
}

static void an_operand_in_brackets_may_be_left_out(void **state)
{
	assert_int_equal(parsed("attachment list"), 0);
	assert_null(call.volume);
	assert_int_equal(parsed("attachment list db"), 0);
	assert_string_equal(call.volume, "db");
}

static void names_are_all_that_is_left(void **state)
{
	assert_int_equal(parsed("snapshot preview a --json b c"), 0);
	assert_int_equal(call.name_count, 3);
	assert_string_equal(call.names[0], "a");
	assert_string_equal(call.names[2], "c");
	assert_true(call.is_json);
}

static void none_takes_a_bound_away(void **state)
{
	assert_int_equal(parsed("volume set db --reserve 1M --limit none"), 0);
	assert_int_equal(call.given & (OPTION_RESERVE | OPTION_LIMIT),
			 OPTION_RESERVE | OPTION_LIMIT);
	assert_int_equal(call.reservation_bytes, 1 << 20);
	assert_int_equal(call.limit_bytes, 0);
	assert_int_equal(parsed("pool set p --warn none --overcommit 250%"), 0);
	assert_int_equal(call.warn_percent, 0);
	assert_int_equal(call.overcommit_percent, 250);
}

static void a_clone_needs_no_size(void **state)
{
	assert_int_equal(parsed("volume create copy --snapshot monday"), 0);
	assert_string_equal(call.name, "copy");
	assert_string_equal(call.snapshot, "monday");
	assert_int_equal(call.size_bytes, 0);
	assert_int_equal(parsed("snapshot create db monday"), 0);
	assert_string_equal(call.volume, "db");
	assert_string_equal(call.name, "monday");
}

static void help_works_at_every_depth(void **state)
{
	assert_int_equal(parsed("--help"), 0);
	assert_null(group);
	assert_int_equal(parsed("pool -h"), 0);
	assert_string_equal(group->noun, "pool");
	assert_null(call.command);
	assert_int_equal(parsed("volume publish --help"), 0);
	assert_string_equal(call.command->verb, "publish");
	assert_int_equal(parsed("poll --help"), -EINVAL);
}

static void wrong_usage_has_a_sentence_of_its_own(void **state)
{
	static const struct {
		const char *line;
		const char *sentence;
	} wrong[] = {
		{"", "what should be done?"},
		{"pool", "what should be done with the pool?"},
		{"poll list", "there is no command 'poll'"},
		{"pool lisst", "there is no command 'pool lisst'"},
		{"pool show", "NAME is missing"},
		{"pool show ''", "NAME is empty"},
		{"pool show a b", "'b' is one word too many"},
		{"pool list --size 1G", "'pool list' takes no --size"},
		{"pool create a /x --size", "option --size needs a value"},
		{"pool create a /x --size big", "'big' is not a size"},
		{"pool create A /x", "pool name 'A' is refused"},
		{"pool create a", "PATH is missing"},
		{"volume create db", "SIZE is missing"},
		{"volume create db 10Q", "'10Q' is not a size"},
		{"volume create db -- -1G", "'-1G' is not a size"},
		{"volume create db 1G --pool ../x", "pool name '../x' is refused"},
		{"volume publish db", "--initiator is missing"},
		{"volume list --frob", "there is no option --frob"},
		{"volume list --json=1", "there is no option --json=1, or it takes no value"},
		{"volume list --node here", "'here' is not an address"},
		{"attachment list --agent 7", "'7' is not an address"},
		{"pool rename a", "NEW-NAME is missing"},
		{"pool set a", "give --warn, --overcommit, or both"},
		{"pool set a --warn 0", "'0' is not a percentage"},
		{"pool set a --warn 80x", "'80x' is not a percentage"},
		{"volume set a", "give at least one of --reserve"},
		{"volume set a --limit some", "'some' is not a size"},
		{"snapshot preview", "NAME is missing"},
		{"snapshot preview a B", "snapshot or volume name 'B' is refused"},
		{"volume create db --snapshot", "option --snapshot needs a value"},
		{"volume revert db --yes", "SNAPSHOT is missing"},
		{"attachment list A", "volume name 'A' is refused"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parsed(wrong[i].line), -EINVAL);
		if (!strstr(err.text, wrong[i].sentence))
			fail_msg("berth %s: expected '%s', got '%s'", wrong[i].line,
				 wrong[i].sentence, err.text);
	}
}

static void destroying_without_a_terminal_needs_yes(void **state)
{
	if (isatty(STDIN_FILENO))
		skip();
	assert_int_equal(parsed("volume delete db"), -EINVAL);
	assert_non_null(strstr(err.text, "give --yes"));
	assert_int_equal(parsed("volume delete db --yes"), 0);
}

/* What each row must have, so that help is never empty and options are never forgotten. */
static void every_command_has_help_with_an_example(void **state)
{
	for (size_t i = 0; groups[i]; i++) {
		for (size_t k = 0; k < groups[i]->command_count; k++) {
			const struct command *command = &groups[i]->commands[k];
			char *text = NULL;
			size_t len;
			FILE *out = open_memstream(&text, &len);

			assert_ptr_equal(group_find(command->noun), groups[i]);
			assert_ptr_equal(command_find(groups[i], command->verb), command);
			assert_int_equal(command->required & ~command->options, 0);
			help_print(out, groups[i], command);
			assert_int_equal(fclose(out), 0);
			assert_non_null(strstr(text, "Example:\n  berth "));
			assert_null(strstr(text, " \n"));
			for (char *row = strtok(text, "\n"); row; row = strtok(NULL, "\n"))
				assert_in_range(strlen(row), 1, 80);
			free(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands_and_options_come_in_any_order),
		cmocka_unit_test(the_node_comes_from_option_environment_or_default),
		cmocka_unit_test(an_operand_in_brackets_may_be_left_out),
		cmocka_unit_test(names_are_all_that_is_left),
		cmocka_unit_test(a_clone_needs_no_size),
		cmocka_unit_test(none_takes_a_bound_away),
		cmocka_unit_test(help_works_at_every_depth),
		cmocka_unit_test(wrong_usage_has_a_sentence_of_its_own),
		cmocka_unit_test(destroying_without_a_terminal_needs_yes),
		cmocka_unit_test(every_command_has_help_with_an_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
