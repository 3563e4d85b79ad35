/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands, and their command lines. */
#include "node/tool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define TOOL_OPTION_JSON    1u
#define TOOL_OPTION_ALL	    2u
#define TOOL_OPTION_MAP	    4u
#define TOOL_OPTION_JOURNAL 8u
#define TOOL_OPTION_DECIDE  16u

struct tool {
	const char *name;
	unsigned options;
	int (*run)(const struct tool_call *call);
	const char *summary;
	const char *help;
};

static const struct tool tools[] = {
	{"check", TOOL_OPTION_JSON | TOOL_OPTION_ALL, tool_check,
	 "look for everything that can be wrong with a pool; writes nothing",
	 "Reads all metadata of the pool on PATH (a file or a block device), counts every extent\n"
	 "and compares: the last checkpoint, and the pool as it would be after a replay of its\n"
	 "journal. Writes nothing. A pool that is too damaged to open is checked as far as it can\n"
	 "be read. The pool must not be in use.\n\n"
	 "Exit status: 0 sound, 1 something was found, 2 it could not be checked.\n\n"
	 "Example:\n  berth-node check /srv/berth/fast.pool\n"},
	{"dump", TOOL_OPTION_JSON | TOOL_OPTION_MAP | TOOL_OPTION_JOURNAL, tool_dump,
	 "show what the metadata of a pool says; writes nothing",
	 "Superblock, policy, volumes and snapshots with the layers below them, as they would be\n"
	 "after a replay of the journal. What cannot be read is told on stderr and left out. "
	 "There\n"
	 "are no secrets in a pool. The pool must not be in use.\n\n"
	 "Exit status: 0 all could be read, 1 something could not, 2 nothing could.\n\n"
	 "Example:\n  berth-node dump --json --map db /srv/berth/fast.pool\n"},
	{"repair", TOOL_OPTION_DECIDE, tool_repair,
	 "make a damaged pool usable, without destroying anything",
	 "Keeps all that is sound, gives up what cannot be read (those ranges answer an error "
	 "from\n"
	 "then on, never zeros), counts bitmaps and counters anew. The new metadata is written "
	 "beside\n"
	 "the old one, into free slots; the pool then opens read-only, so that you can look, "
	 "until\n"
	 "--keep accepts the repair or --undo goes back. The pool must not be in use.\n\n"
	 "Exit status: 0 nothing to repair (or kept, undone), 1 repaired, 2 it could not be.\n\n"
	 "Example:\n  berth-node repair /srv/berth/fast.pool\n"},
};

static const struct {
	const char *name;
	unsigned bit;
	int value;
	const char *argument;
	const char *help;
} options[] = {
	{"json", TOOL_OPTION_JSON, 'j', NULL, "for programs: one JSON object"},
	{"all", TOOL_OPTION_ALL, 'a', NULL, "every finding, not only the first ten of a kind"},
	{"map", TOOL_OPTION_MAP, 'm', "NAME", "where each part of this volume or snapshot lies"},
	{"journal", TOOL_OPTION_JOURNAL, 'r', NULL, "the words that the journal changes"},
	{"dry-run", TOOL_OPTION_DECIDE, 'd', NULL, "say what would be done; write nothing"},
	{"keep", TOOL_OPTION_DECIDE, 'k', NULL, "accept what an earlier repair made"},
	{"undo", TOOL_OPTION_DECIDE, 'u', NULL, "go back to what was before an earlier repair"},
};

static void print_help(const struct tool *tool)
{
	printf("Usage: berth-node %s PATH [OPTION]...\n%s\n\n%s\n", tool->name, tool->summary,
	       tool->help);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char flag[64];

		if (!(tool->options & options[i].bit))
			continue;
		(void)snprintf(flag, sizeof(flag), "--%s %s", options[i].name,
			       options[i].argument ? options[i].argument : "");
		printf("  %-18s %s\n", flag, options[i].help);
	}
}

static const struct tool *tool_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	}
	return NULL;
}

static void call_set(struct tool_call *call, int value, const char *argument)
{
	switch (value) {
	case 'j':
		call->is_json = true;
		break;
	case 'a':
		call->shows_all = true;
		break;
	case 'm':
		call->map = argument;
		break;
	case 'r':
		call->has_journal = true;
		break;
	case 'd':
		call->is_dry_run = true;
		break;
	case 'k':
		call->is_kept = true;
		break;
	case 'u':
		call->is_undone = true;
		break;
	}
}

/* 0, 1 help was printed, -1 wrong usage, which was told. */
static int call_parse(const struct tool *tool, int argc, char **argv, struct tool_call *call)
{
	struct option table[ARRAY_SIZE(options) + 2] = {{"help", no_argument, NULL, 'h'}};
	size_t count = 1;
	int value;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (tool->options & options[i].bit)
			table[count++] = (struct option){options[i].name,
							 options[i].argument ? required_argument
									     : no_argument,
							 NULL, options[i].value};
	}
	while ((value = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (value == '?')
			return -1;
		if (value == 'h') {
			print_help(tool);
			return 1;
		}
		call_set(call, value, optarg);
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "berth-node %s: give one PATH; --help tells more\n", tool->name);
		return -1;
	}
	call->path = argv[optind];
	return 0;
}

bool tool_main(int argc, char **argv, int *out_status)
{
	struct tool_call call = {0};
	const struct tool *tool;
	int ret;

	if (argc < 2 || argv[1][0] == '-')
		return false;
	*out_status = TOOL_CANNOT;
	tool = tool_find(argv[1]);
	if (!tool) {
		fprintf(stderr,
			"berth-node: there is no command '%s', only check, dump and repair; "
			"berth-node --help tells more\n",
			argv[1]);
		return true;
	}
	ret = call_parse(tool, argc - 1, argv + 1, &call);
	if (ret == 1)
		*out_status = TOOL_CLEAN;
	else if (ret == 0)
		*out_status = tool->run(&call);
	return true;
}
