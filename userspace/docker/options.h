/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of `docker volume create -o`: one table, pure. */
#ifndef DOCKER_OPTIONS_H
#define DOCKER_OPTIONS_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

/* What was asked for; strings belong to the JSON. NULL or 0 where nothing was said. */
struct volume_options {
	uint64_t size_bytes;
	const char *pool;
	const char *filesystem;
	const char *owner; /* "uid:gid", numbers */
	const char *mode;  /* octal */
	const char *mkfs_options;
};

/*
 * -EINVAL with a sentence for an option that is not known (with the list of those that are)
 * or a value that does not fit. The option "help" is answered the same way, with the list:
 * Docker has no other way to show it. `options` NULL: none were given.
 */
int volume_options_parse(struct volume_options *options, const json_t *json, struct error *err);

#endif
