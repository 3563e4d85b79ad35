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

#include "base/cleanup.h"

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
	FILE *file;
	int line;     /* the last one read, counted from 1 */
	int bad_line; /* the first one refused here; 0: none */
	int bad_code; /* of that line */
	struct error *err;
};

/* Called by inih for its next line, as fgets is. */
static char *file_read_line(char *buf, int size, void *user)
{
	struct file_reading *reading = user;
	char *line = reading->bad_line ? NULL : fgets(buf, size, reading->file);

	if (!line)
		return NULL;
	reading->line++;
	if (strlen(line) + 1 < (size_t)size || strchr(line, '\n'))
		return line;
	/* inih would take the rest for a line of its own. */
	reading->bad_line = reading->line;
	reading->bad_code =
		error_set(reading->err, -EINVAL, "the line is longer than %d characters", size - 2);
	return NULL;
}

static int line_set(const struct config *config, const char *section, const char *name,
		    const char *value, struct error *err)
{
	const struct config_option *option = option_find(config, name);

	if (strcmp(section, config->section) != 0)
		return error_set(err, -EINVAL, "section [%s] is not for %s, which reads [%s]",
				 section, config->program, config->section);
	if (!option)
		return error_set(err, -EINVAL, "unknown key '%s'; %s --help lists them", name,
				 config->program);
	return option->set(config->owner, value, err);
}

/* Called by inih for each setting; 0 makes ini_parse_stream answer with the number of the line. */
static int on_setting(void *user, const char *section, const char *name, const char *value)
{
	struct file_reading *reading = user;
	int ret = line_set(reading->config, section, name, value, reading->err);

	if (ret < 0) {
		reading->bad_line = reading->line;
		reading->bad_code = ret;
	}
	return ret == 0;
}

static int file_load(const struct config *config, const char *path, struct error *err)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	struct file_reading reading = {.config = config, .file = file, .err = err};
	int line;

	if (!file)
		return error_set(err, -EINVAL, "cannot read configuration file '%s': %s", path,
				 strerror(errno));
	line = ini_parse_stream(file_read_line, &reading, on_setting, &reading);
	/* inih goes on after a line that is none, so what it answers with may come before ours. */
	if (line > 0 && line != reading.bad_line)
		reading.bad_code = error_set(err, -EINVAL, "not of the form 'key = value'");
	else
		line = reading.bad_line;
	if (line > 0)
		error_prefix(err, "%s:%d", path, line);
	return reading.bad_code;
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
