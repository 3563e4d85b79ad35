/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that knows inih. */
#include "base/config.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define OPTION_CONFIG  1000
#define OPTION_HELP    1001
#define OPTION_VERSION 1002

static const struct config_option *option_find(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->option_count; i++) {
		if (strcmp(config->options[i].name, name) == 0)
			return &config->options[i];
	}
	return NULL;
}

struct file_reading {
	const struct config *config;
	struct error *err;
	int code; /* of the first line that was refused */
};

/* Called by inih for each line; 0 makes ini_parse answer with the number of the first such. */
static int file_line(void *user, const char *section, const char *name, const char *value)
{
	struct file_reading *reading = user;
	const struct config *config = reading->config;
	const struct config_option *option;

	if (reading->code < 0)
		return 0;
	if (strcmp(section, config->section) != 0) {
		reading->code = error_set(reading->err, -EINVAL,
					  "section [%s] is not for %s, which reads [%s]", section,
					  config->program, config->section);
		return 0;
	}
	option = option_find(config, name);
	if (!option)
		reading->code =
			error_set(reading->err, -EINVAL, "unknown key '%s'; %s --help lists them",
				  name, config->program);
	else
		reading->code = option->set(config->owner, value, reading->err);
	return reading->code == 0;
}

static int file_load(const struct config *config, const char *path, struct error *err)
{
	struct file_reading reading = {.config = config, .err = err};
	int line = ini_parse(path, file_line, &reading);

	if (line == 0)
		return 0;
	if (line < 0)
		return error_set(err, -ENOENT, "cannot read configuration file '%s'", path);
	if (reading.code == 0)
		error_set(err, -EINVAL, "not of the form 'key = value'");
	error_prefix(err, "%s:%d", path, line);
	return -EINVAL;
}

static void print_help(const struct config *config)
{
	printf("Usage: %s [--OPTION VALUE]...\n%s\n\n", config->program, config->summary);
	for (size_t i = 0; i < config->option_count; i++) {
		const struct config_option *option = &config->options[i];
		char flag[64];

		(void)snprintf(flag, sizeof(flag), "--%s %s", option->name, option->argument);
		printf("  %-28s %s\n", flag, option->help);
	}
	printf("  %-28s %s\n", "--config FILE",
	       "read an INI file first; its keys are the options above");
	printf("  %-28s %s\n  %-28s %s\n", "--help", "print this", "--version",
	       "print the version");
	printf("\nIn FILE the options stand as 'name = value' under [%s].\n\nExample:\n  %s\n",
	       config->section, config->example);
}

static void options_fill(const struct config *config, struct option *out_table)
{
	size_t i;

	assert(config->option_count <= CONFIG_OPTION_MAX);
	for (i = 0; i < config->option_count; i++)
		out_table[i] =
			(struct option){config->options[i].name, required_argument, NULL, (int)i};
	out_table[i++] = (struct option){"config", required_argument, NULL, OPTION_CONFIG};
	out_table[i++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	out_table[i++] = (struct option){"version", no_argument, NULL, OPTION_VERSION};
	out_table[i] = (struct option){0};
}

/* Two passes over the flags: the first reads the file, so that the second overrides it. */
static int flags_load(const struct config *config, int argc, char **argv, bool want_file,
		      struct error *err)
{
	struct option table[CONFIG_OPTION_MAX + 4];
	int ret = 0;
	int which;

	options_fill(config, table);
	optind = 0; /* GNU: start anew */
	opterr = 0; /* the sentences are ours */
	while (ret == 0 && (which = getopt_long(argc, argv, ":", table, NULL)) != -1) {
		if (which == '?' || which == ':')
			return error_set(err, -EINVAL, "%s '%s'; try %s --help",
					 which == ':' ? "value missing after" : "unknown option",
					 argv[optind - 1], config->program);
		if (which == OPTION_HELP) {
			print_help(config);
			return 1;
		}
		if (which == OPTION_VERSION) {
			printf("%s %s\n", config->program, BERTH_VERSION);
			return 1;
		}
		if (which == OPTION_CONFIG)
			ret = want_file ? file_load(config, optarg, err) : 0;
		else if (!want_file)
			ret = config->options[which].set(config->owner, optarg, err);
		if (ret < 0 && !want_file)
			error_prefix(err, "--%s", config->options[which].name);
	}
	if (ret == 0 && optind < argc)
		return error_set(err, -EINVAL, "unexpected argument '%s'; try %s --help",
				 argv[optind], config->program);
	return ret;
}

int config_load(const struct config *config, int argc, char **argv, struct error *err)
{
	int ret = flags_load(config, argc, argv, true, err);

	if (ret == 0)
		ret = flags_load(config, argc, argv, false, err);
	return ret;
}
