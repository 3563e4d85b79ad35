/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From argv to a struct call. getopt_long reads the options wherever they stand; noun, verb and
 * operands are what is left. All checks that need no node are here, so that wrong usage is told
 * before anything is asked or changed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/name.h"
#include "base/size.h"
#include "ctl/command.h"
#include "rpc/address.h"

#define PERCENT_MAX 1000000 /* an overcommit that nobody means */

#define NODE_DEFAULT "unix:/run/berth/node.sock"

/* The `val` of each is its bit, which no letter has: there are no short options but -h. */
static const struct option long_options[] = {
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"node", required_argument, NULL, OPTION_NODE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"yes", no_argument, NULL, OPTION_YES},
	{"pool", required_argument, NULL, OPTION_POOL},
	{"size", required_argument, NULL, OPTION_SIZE},
	{"initiator", required_argument, NULL, OPTION_INITIATOR},
	{"no-chap", no_argument, NULL, OPTION_NO_CHAP},
	{"shared", no_argument, NULL, OPTION_SHARED},
	{"agent", required_argument, NULL, OPTION_AGENT},
	{"snapshot", required_argument, NULL, OPTION_SNAPSHOT},
	{"reserve", required_argument, NULL, OPTION_RESERVE},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	{"warn-used", required_argument, NULL, OPTION_WARN_USED},
	{"warn-available", required_argument, NULL, OPTION_WARN_AVAILABLE},
	{"warn", required_argument, NULL, OPTION_WARN_PERCENT},
	{"overcommit", required_argument, NULL, OPTION_OVERCOMMIT},
	{NULL, 0, NULL, 0},
};

static const char *option_name(unsigned bit)
{
	for (const struct option *option = long_options; option->name; option++) {
		if ((unsigned)option->val == bit)
			return option->name;
	}
	return NULL;
}

static unsigned lowest_bit(unsigned bits)
{
	return bits & -bits;
}

/* A size, or "none" for 0. */
static int bound_parse(const char *text, uint64_t *out_bytes, struct error *err)
{
	if (strcmp(text, "none") == 0) {
		*out_bytes = 0;
		return 0;
	}
	return size_parse(text, out_bytes, err);
}

/* "80" or "80%", or "none" for 0. */
static int percent_parse(const char *text, uint32_t *out_percent, struct error *err)
{
	unsigned long percent;
	char *end;

	if (strcmp(text, "none") == 0) {
		*out_percent = 0;
		return 0;
	}
	errno = 0;
	percent = strtoul(text, &end, 10);
	if (*end == '%')
		end++;
	if (errno != 0 || *end || *text < '0' || *text > '9' || percent == 0 ||
	    percent > PERCENT_MAX)
		return error_set(err, -EINVAL, "'%.20s' is not a percentage such as 80%%, or none",
				 text);
	*out_percent = (uint32_t)percent;
	return 0;
}

/* Options that bound how space is used. */
static int bound_store(struct call *call, unsigned bit, const char *value, struct error *err)
{
	switch (bit) {
	case OPTION_RESERVE:
		return bound_parse(value, &call->reservation_bytes, err);
	case OPTION_LIMIT:
		return bound_parse(value, &call->limit_bytes, err);
	case OPTION_WARN_USED:
		return bound_parse(value, &call->warn_used_bytes, err);
	case OPTION_WARN_AVAILABLE:
		return bound_parse(value, &call->warn_available_bytes, err);
	case OPTION_WARN_PERCENT:
		return percent_parse(value, &call->warn_percent, err);
	case OPTION_OVERCOMMIT:
		return percent_parse(value, &call->overcommit_percent, err);
	default:
		return 0;
	}
}

static int option_store(struct call *call, unsigned bit, char *value, struct error *err)
{
	struct address address;

	call->given |= bit;
	switch (bit) {
	case OPTION_NODE:
		call->node = value;
		return address_parse(value, &address, err);
	case OPTION_AGENT:
		call->agent = value;
		return address_parse(value, &address, err);
	case OPTION_JSON:
		call->is_json = true;
		break;
	case OPTION_INITIATOR:
		call->initiator = value;
		break;
	case OPTION_POOL:
		call->pool = value;
		return name_check("pool", value, err);
	case OPTION_SNAPSHOT:
		call->snapshot = value;
		return name_check("snapshot", value, err);
	case OPTION_SIZE:
		return size_parse(value, &call->size_bytes, err);
	default:
		return bound_store(call, bit, value, err);
	}
	return 0;
}

/* Options go into `call`; what is left stands in argv from optind on. */
static int options_parse(struct call *call, int argc, char **argv, struct error *err)
{
	int opt;

	opterr = 0;
	optind = 0; /* start over, also in a test that parses many lines */
	while ((opt = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (opt == ':')
			return error_set(err, -EINVAL, "option %s needs a value", argv[optind - 1]);
		if (opt == '?')
			return error_set(err, -EINVAL,
					 "there is no option %s, or it takes no value",
					 argv[optind - 1]);
		if (opt == 'h')
			opt = OPTION_HELP;
		if (option_store(call, (unsigned)opt, optarg, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int command_choose(struct call *call, char **words, const struct group **out_group,
			  struct error *err)
{
	const struct group *group;

	if (!words[0])
		return error_set(err, -EINVAL, "what should be done?");
	group = group_find(words[0]);
	if (!group)
		return error_set(err, -EINVAL, "there is no command '%s'", words[0]);
	*out_group = group;
	if (!words[1])
		return error_set(err, -EINVAL, "what should be done with the %s?", group->noun);
	call->command = command_find(group, words[1]);
	if (!call->command)
		return error_set(err, -EINVAL, "there is no command '%s %s'", group->noun,
				 words[1]);
	return 0;
}

static int operand_store(struct call *call, const char *kind, char *word, struct error *err)
{
	if (*word == '\0')
		return error_set(err, -EINVAL, "%s is empty", kind);
	if (strcmp(kind, "SIZE") == 0)
		return size_parse(word, &call->size_bytes, err);
	if (strcmp(kind, "PATH") == 0) {
		call->path = word;
		return 0;
	}
	if (strcmp(kind, "VOLUME") == 0) {
		call->volume = word;
		return name_check("volume", word, err);
	}
	if (strcmp(kind, "SNAPSHOT") == 0) {
		call->snapshot = word;
		return name_check("snapshot", word, err);
	}
	if (strcmp(kind, "NEW-NAME") == 0)
		call->new_name = word;
	else
		call->name = word;
	return name_check(call->command->noun, word, err);
}

/* All words that are left: at least one. */
static int names_store(struct call *call, char **words, struct error *err)
{
	if (!*words)
		return error_set(err, -EINVAL, "NAME is missing");
	call->names = words;
	for (; *words; words++, call->name_count++) {
		if (name_check("snapshot or volume", *words, err) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Walk the words of `operands` and of the command line together. */
static int operands_parse(struct call *call, char **words, struct error *err)
{
	const char *at = call->command->operands;

	while (*at) {
		char kind[16];
		size_t len = strcspn(at, " ");
		bool is_optional = *at == '[';

		(void)snprintf(kind, sizeof(kind), "%.*s", (int)(len - (is_optional ? 2 : 0)),
			       at + (is_optional ? 1 : 0));
		at += len + strspn(at + len, " ");
		if (strcmp(kind, "NAME...") == 0)
			return names_store(call, words, err);
		if (!*words && is_optional)
			continue;
		if (!*words)
			return error_set(err, -EINVAL, "%s is missing", kind);
		if (operand_store(call, kind, *words++, err) < 0)
			return -EINVAL;
	}
	if (*words)
		return error_set(err, -EINVAL, "'%s' is one word too many", *words);
	return 0;
}

static int options_check(const struct call *call, struct error *err)
{
	const struct command *command = call->command;
	unsigned refused = call->given & ~(command->options | OPTIONS_ALWAYS);
	unsigned missing = command->required & ~call->given;

	if (refused)
		return error_set(err, -EINVAL, "'%s %s' takes no --%s", command->noun,
				 command->verb, option_name(lowest_bit(refused)));
	if (missing)
		return error_set(err, -EINVAL, "--%s is missing", option_name(lowest_bit(missing)));
	if (command->options & ~call->given & OPTION_YES && !isatty(STDIN_FILENO))
		return error_set(err, -EINVAL,
				 "'%s %s' destroys, and there is no terminal to ask on; give --yes",
				 command->noun, command->verb);
	return 0;
}

int call_parse(struct call *call, int argc, char **argv, const struct group **out_group,
	       struct error *err)
{
	const char *node = getenv("BERTH_NODE");
	int ret;

	*call = (struct call){
		.node = node && *node ? node : NODE_DEFAULT,
		.out = stdout,
	};
	*out_group = NULL;
	ret = options_parse(call, argc, argv, err);
	if (call->given & OPTION_VERSION)
		return 0;
	if (ret == 0 || call->given & OPTION_HELP) {
		int chosen = command_choose(call, argv + optind, out_group, err);

		/* `berth --help` and `berth pool --help` name no whole command. */
		if (call->given & OPTION_HELP)
			return chosen < 0 && argv[optind] && !*out_group ? chosen : 0;
		ret = chosen;
	}
	if (ret < 0)
		return ret;
	ret = options_check(call, err);
	if (ret < 0)
		return ret;
	ret = operands_parse(call, argv + optind + 2, err);
	return ret == 0 && call->command->check ? call->command->check(call, err) : ret;
}
