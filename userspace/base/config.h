/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of a daemon: one table, read from an INI file (inih) and from flags (getopt_long).
 * The option "listen" is `--listen VALUE` on the command line and `listen = VALUE` in the
 * daemon's section of the file that --config names. The file is read first, so a flag wins; an
 * option that may be repeated adds to what the file said.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stddef.h>

#include "base/error.h"

struct config_option {
	const char *name;     /* "listen" */
	const char *argument; /* what --help calls its value: "HOST:PORT" */
	const char *help;     /* one line */
	/* Take a value; 0, or a negative errno with a sentence. */
	int (*set)(void *owner, const char *value, struct error *err);
};

struct config {
	const char *program; /* "berth-node" */
	const char *section; /* of the file: "node" */
	const char *summary; /* one line for --help */
	const char *example; /* a whole command, for --help */
	const struct config_option *options;
	size_t option_count; /* at most CONFIG_OPTION_MAX */
	void *owner;	     /* handed to set */
};

#define CONFIG_OPTION_MAX 48

/*
 * Read flags and file. 0: go on. 1: --help or --version was asked for and answered, exit 0.
 * -EINVAL: the sentence names flag, or file and line; exit 2.
 */
int config_load(const struct config *config, int argc, char **argv, struct error *err);

#endif
