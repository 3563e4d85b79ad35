/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/size.h"

#define HOOK_LIMIT_MAX_S 3600

static int address_add(char list[][NODE_ADDRESS_SIZE], unsigned *count, const char *value,
		       struct error *err)
{
	if (*count == NODE_ADDRESS_MAX)
		return error_set(err, -EINVAL, "at most %d addresses fit", NODE_ADDRESS_MAX);
	if (strlen(value) >= NODE_ADDRESS_SIZE)
		return error_set(err, -EINVAL, "address '%.40s...' is too long", value);
	strcpy(list[(*count)++], value);
	return 0;
}

static int set_listen(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;

	return address_add(settings->listen, &settings->listen_count, value, err);
}

static int set_advertise(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;

	return address_add(settings->advertise, &settings->advertise_count, value, err);
}

static int set_api(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;

	return address_add(settings->api, &settings->api_count, value, err);
}

static int set_name(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;
	int ret = name_check("node", value, err);

	if (ret == 0)
		strcpy(settings->name, value);
	return ret;
}

static int set_state(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;

	if (*value != '/' || strlen(value) > PATH_MAX / 2)
		return error_set(err, -EINVAL, "'%.100s' is not an absolute path", value);
	strcpy(settings->state_folder, value);
	return 0;
}

static int set_cache(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;
	int ret = size_parse(value, &settings->cache_bytes, err);

	if (ret == 0 && settings->cache_bytes < MIB)
		return error_set(err, -EINVAL, "a cache of '%s' is too small, give at least 1M",
				 value);
	return ret;
}

static int set_hook(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;

	if (*value != '/' || strlen(value) >= sizeof(settings->hook))
		return error_set(err, -EINVAL, "'%.100s' is not an absolute path", value);
	strcpy(settings->hook, value);
	return 0;
}

static int set_hook_limit(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;
	char *end;
	unsigned long seconds;

	errno = 0;
	seconds = strtoul(value, &end, 10);
	if (errno != 0 || *end || *value < '0' || *value > '9' || seconds == 0 ||
	    seconds > HOOK_LIMIT_MAX_S)
		return error_set(err, -EINVAL, "'%.20s' is not a number of seconds from 1 to %d",
				 value, HOOK_LIMIT_MAX_S);
	settings->hook_limit_s = (unsigned)seconds;
	return 0;
}

static int set_log(void *owner, const char *value, struct error *err)
{
	struct node_settings *settings = owner;

	if (!log_level_parse(value, &settings->log_level))
		return error_set(err, -EINVAL, "'%.20s' is none of error, warn, info, debug",
				 value);
	return 0;
}

static const struct config_option options[] = {
	{"listen", "HOST:PORT", "serve iSCSI here (repeatable; default 127.0.0.1:3260)",
	 set_listen},
	{"advertise", "HOST:PORT", "tell initiators this address instead (repeatable)",
	 set_advertise},
	{"api", "ADDRESS", "serve the control API on unix:PATH or HOST:PORT (repeatable)", set_api},
	{"state", "DIR", "keep pools and publications here (default /var/lib/berth/node)",
	 set_state},
	{"name", "NAME", "this node's name in target names (default: the host's)", set_name},
	{"cache", "SIZE", "memory for the map of each pool (default 64M)", set_cache},
	{"hook", "PROGRAM", "run this for each event, told in its environment", set_hook},
	{"hook-limit", "SECONDS", "kill a run of the hook after this time (default 30)",
	 set_hook_limit},
	{"log-level", "LEVEL", "error, warn, info or debug (default info)", set_log},
};

/* The host's name up to the first dot, in lower case, if that makes a name. */
static void name_from_host(char *name)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	host[strcspn(host, ".")] = '\0';
	for (char *at = host; *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	}
	(void)snprintf(name, NAME_SIZE, "%s", name_check("node", host, NULL) == 0 ? host : "node");
}

int node_settings_load(struct node_settings *settings, int argc, char **argv, struct error *err)
{
	const struct config config = {
		.program = "berth-node",
		.section = "node",
		.summary = "The storage node: thin volumes on pools, served by iSCSI.\n"
			   "berth-node check PATH looks at a pool that no node serves; also dump\n"
			   "and repair (berth-node COMMAND --help).",
		.example = "berth-node --listen 192.0.2.1:3260 --api unix:/run/berth/node.sock",
		.options = options,
		.option_count = ARRAY_SIZE(options),
		.owner = settings,
	};
	int ret;

	*settings = (struct node_settings){.log_level = LOG_LEVEL_INFO, .hook_limit_s = 30};
	strcpy(settings->state_folder, "/var/lib/berth/node");
	name_from_host(settings->name);
	ret = config_load(&config, argc, argv, err);
	if (ret != 0)
		return ret;
	if (settings->listen_count == 0)
		strcpy(settings->listen[settings->listen_count++], "127.0.0.1:3260");
	if (settings->api_count == 0)
		strcpy(settings->api[settings->api_count++], "unix:/run/berth/node.sock");
	return 0;
}
