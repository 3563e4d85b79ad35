/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What berth-node was told: flags and configuration file. */
#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include <limits.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/name.h"

#define NODE_ADDRESS_MAX  8 /* of each kind */
#define NODE_ADDRESS_SIZE 128

struct node_settings {
	char name[NAME_SIZE]; /* part of every target name; default: the host's name */
	char state_folder[PATH_MAX];
	char listen[NODE_ADDRESS_MAX][NODE_ADDRESS_SIZE];
	unsigned listen_count;
	char advertise[NODE_ADDRESS_MAX][NODE_ADDRESS_SIZE];
	unsigned advertise_count;
	char api[NODE_ADDRESS_MAX][NODE_ADDRESS_SIZE];
	unsigned api_count;
	char hook[PATH_MAX];   /* program to run for each event; "": none */
	unsigned hook_limit_s; /* that one run of it may take */
	uint64_t cache_bytes;  /* leaf cache of each pool */
	enum log_level log_level;
};

/* As config_load: 0 go on, 1 answered, -EINVAL with a sentence. Fills in the defaults. */
int node_settings_load(struct node_settings *settings, int argc, char **argv, struct error *err);

#endif
