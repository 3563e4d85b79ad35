/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * berth: the command of whoever looks after capacity. Reads its command line, calls the
 * node (or the agent) and prints: data to stdout, everything else to stderr. Exit status 0 done,
 * 1 failed, 2 wrong usage.
 */
#include <errno.h>
#include <string.h>

#include "ctl/command.h"

static enum exit_status wrong_usage(const struct call *call, const struct group *group,
				    const struct error *err)
{
	const struct command *command = call->command;

	fprintf(stderr, "berth: %s\n", err->text);
	if (command)
		fprintf(stderr, "Try 'berth %s %s --help'.\n", command->noun, command->verb);
	else if (group)
		fprintf(stderr, "Try 'berth %s --help'.\n", group->noun);
	else
		fputs("Try 'berth --help'.\n", stderr);
	return EXIT_WRONG_USAGE;
}

/* Data that could not be written is a failure: a full disk must not look like an empty list. */
static enum exit_status output_finish(FILE *out)
{
	if (fflush(out) == 0 && !ferror(out))
		return EXIT_DONE;
	fprintf(stderr, "berth: cannot write the output: %s\n", strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct group *group;
	struct error err = {0};
	struct call call;

	if (call_parse(&call, argc, argv, &group, &err) < 0)
		return wrong_usage(&call, group, &err);
	if (call.given & OPTION_VERSION) {
		fprintf(call.out, "berth %s\n", BERTH_VERSION);
		return output_finish(call.out);
	}
	if (call.given & OPTION_HELP) {
		help_print(call.out, group, call.command);
		return output_finish(call.out);
	}
	if (call.command->run(&call, &err) < 0) {
		(void)fflush(call.out);
		fprintf(stderr, "berth: %s\n", err.text);
		return EXIT_FAILED;
	}
	return output_finish(call.out);
}
