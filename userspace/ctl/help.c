/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, from the tables of commands: for all of berth, for a group, for one command. */
#include <string.h>

#include "ctl/command.h"

#define USAGE_WIDTH  68 /* where a usage line is broken */
#define USAGE_INDENT 10

/* The options as a usage line shows them. */
static const struct {
	unsigned bit;
	const char *text;
} option_texts[] = {
	{OPTION_SIZE, "--size SIZE"},
	{OPTION_SNAPSHOT, "--snapshot NAME"},
	{OPTION_POOL, "--pool NAME"},
	{OPTION_RESERVE, "--reserve SIZE"},
	{OPTION_LIMIT, "--limit SIZE"},
	{OPTION_WARN_USED, "--warn-used SIZE"},
	{OPTION_WARN_AVAILABLE, "--warn-available SIZE"},
	{OPTION_WARN_PERCENT, "--warn PERCENT"},
	{OPTION_OVERCOMMIT, "--overcommit PERCENT"},
	{OPTION_INITIATOR, "--initiator IQN"},
	{OPTION_NO_CHAP, "--no-chap"},
	{OPTION_SHARED, "--shared"},
	{OPTION_AGENT, "--agent ADDRESS"},
	{OPTION_YES, "--yes"},
};

static void usage_print(FILE *out, const struct command *command)
{
	int width = fprintf(out, "berth %s %s", command->noun, command->verb);

	if (*command->operands)
		width += fprintf(out, " %s", command->operands);
	for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++) {
		bool is_required = command->required & option_texts[i].bit;

		if (!is_required && !(command->options & option_texts[i].bit))
			continue;
		if (width + (int)strlen(option_texts[i].text) > USAGE_WIDTH)
			width = fprintf(out, "\n%*s", USAGE_INDENT, "");
		width += fprintf(out, is_required ? " %s" : " [%s]", option_texts[i].text);
	}
	fputc('\n', out);
}

static void command_help_print(FILE *out, const struct command *command)
{
	fputs("usage: ", out);
	usage_print(out, command);
	fprintf(out, "\n%s\n", command->help);
	fputs("\nEvery command takes --node ADDRESS (unix:PATH or HOST:PORT; else BERTH_NODE says\n"
	      "which node, else unix:/run/berth/node.sock) and --json.\n",
	      out);
}

static void summaries_print(FILE *out, const struct group *group)
{
	for (size_t i = 0; i < group->command_count; i++) {
		const struct command *command = &group->commands[i];
		char words[32];

		(void)snprintf(words, sizeof(words), "%s %s", command->noun, command->verb);
		fprintf(out, "  %-19s %s\n", words, command->summary);
	}
}

static void group_help_print(FILE *out, const struct group *group)
{
	fprintf(out, "%s\n\n", group->summary);
	for (size_t i = 0; i < group->command_count; i++) {
		fputs("  ", out);
		usage_print(out, &group->commands[i]);
	}
	fprintf(out, "\n%s\n\n'berth %s VERB --help' tells more.\n",
		strstr(group->commands[0].help, "Example:"), group->noun);
}

static void berth_help_print(FILE *out)
{
	fputs("usage: berth NOUN VERB [OPERANDS] [OPTIONS]\n\n"
	      "Administers the capacity of a berth storage node.\n",
	      out);
	for (size_t i = 0; groups[i]; i++) {
		fputc('\n', out);
		summaries_print(out, groups[i]);
	}
	fputs("\n"
	      "  --node ADDRESS      which node: unix:PATH or HOST:PORT (or set BERTH_NODE;\n"
	      "                      default unix:/run/berth/node.sock)\n"
	      "  --json              for programs: the same fields, sizes as exact bytes\n"
	      "  --yes               do not ask before something is destroyed\n"
	      "  --help, --version\n"
	      "\n"
	      "Sizes are 512M, 20G, 1.5TiB; units are powers of 1024.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n"
	      "\n"
	      "Example:\n"
	      "  berth pool create fast --size 100G /srv/berth/fast.pool\n"
	      "  berth volume create db 20G --pool fast\n"
	      "  berth volume list\n",
	      out);
}

void help_print(FILE *out, const struct group *group, const struct command *command)
{
	if (command)
		command_help_print(out, command);
	else if (group)
		group_help_print(out, group);
	else
		berth_help_print(out);
}
