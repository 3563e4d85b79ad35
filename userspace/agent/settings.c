/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/file.h"
#include "base/size.h"

#define SECONDS_MAX 86400

static int text_set(char *out_text, size_t size, const char *value, struct error *err)
{
	if (*value == '\0' || strlen(value) >= size)
		return error_set(err, -EINVAL, "it must have 1 to %zu characters", size - 1);
	(void)snprintf(out_text, size, "%s", value);
	return 0;
}

static int seconds_set(unsigned *out_seconds, const char *value, struct error *err)
{
	char *end;
	unsigned long seconds;

	errno = 0;
	seconds = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || seconds > SECONDS_MAX)
		return error_set(err, -EINVAL, "'%.40s' is not a number of seconds up to %d", value,
				 SECONDS_MAX);
	*out_seconds = (unsigned)seconds;
	return 0;
}

static int set_api(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return text_set(settings->api, sizeof(settings->api), value, err);
}

static int set_state(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return text_set(settings->state, sizeof(settings->state), value, err);
}

static int set_mounts(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return text_set(settings->mounts, sizeof(settings->mounts), value, err);
}

static int set_node(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	if (settings->node_count >= SETTINGS_NODE_MAX)
		return error_set(err, -EINVAL, "there may be %d nodes at most", SETTINGS_NODE_MAX);
	if (text_set(settings->nodes[settings->node_count], sizeof(settings->nodes[0]), value,
		     err) < 0)
		return -EINVAL;
	settings->node_count++;
	return 0;
}

static int set_attachment(void *owner, const char *value, struct error *err)
{
	static const char *const names[] = {"auto", "user", "kernel"};
	struct settings *settings = owner;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			settings->attachment = (enum settings_attachment)i;
			return 0;
		}
	}
	return error_set(err, -EINVAL, "'%.40s' is none of auto, user and kernel", value);
}

static int set_initiator(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	if (strncmp(value, "iqn.", 4) != 0 && strncmp(value, "eui.", 4) != 0 &&
	    strncmp(value, "naa.", 4) != 0)
		return error_set(err, -EINVAL, "'%.40s' is not an iSCSI name", value);
	return text_set(settings->initiator, sizeof(settings->initiator), value, err);
}

static int set_default_size(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return size_parse(value, &settings->default_size_bytes, err);
}

int settings_check_filesystem(const char *filesystem, struct error *err)
{
	if (strcmp(filesystem, "ext4") == 0 || strcmp(filesystem, "xfs") == 0)
		return 0;
	return error_set(err, -EINVAL, "file system '%.20s' is not offered; ext4 and xfs are",
			 filesystem);
}

static int set_default_filesystem(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	if (settings_check_filesystem(value, err) < 0)
		return -EINVAL;
	return text_set(settings->default_filesystem, sizeof(settings->default_filesystem), value,
			err);
}

static int set_attach_program(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return text_set(settings->attach_program, sizeof(settings->attach_program), value, err);
}

static int set_fail_after(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return seconds_set(&settings->fail_after_s, value, err);
}

static int set_suspect_grace(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	return seconds_set(&settings->suspect_grace_s, value, err);
}

static int set_log_level(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	if (!log_level_parse(value, &settings->log_level))
		return error_set(err, -EINVAL, "'%.40s' is none of error, warn, info and debug",
				 value);
	return 0;
}

static const struct config_option options[] = {
	{"api", "unix:PATH", "where the agent is called (default unix:/run/berth/agent.sock)",
	 set_api},
	{"state", "FOLDER", "durable records (default /var/lib/berth/agent)", set_state},
	{"mounts", "FOLDER", "where volumes are mounted (default /var/lib/berth/mounts)",
	 set_mounts},
	{"node", "ADDRESS", "a storage node, unix:PATH or HOST:PORT; may be repeated", set_node},
	{"attachment", "KIND", "auto, user or kernel (default auto)", set_attachment},
	{"initiator", "IQN", "this host's iSCSI name (default: open-iscsi's, or one made once)",
	 set_initiator},
	{"default-size", "SIZE", "of a volume made without a size (default 10G)", set_default_size},
	{"default-filesystem", "NAME", "ext4 or xfs (default ext4)", set_default_filesystem},
	{"attach-program", "PATH", "the program of user attachments (default: beside the agent)",
	 set_attach_program},
	{"fail-after", "SECONDS", "I/O fails when its node is gone so long; 0: never (default 0)",
	 set_fail_after},
	{"suspect-grace", "SECONDS",
	 "holders of an ended run of a front end count so long (default 60)", set_suspect_grace},
	{"log-level", "LEVEL", "error, warn, info or debug (default info)", set_log_level},
};

static const struct settings defaults = {
	.api = "unix:/run/berth/agent.sock",
	.state = "/var/lib/berth/agent",
	.mounts = "/var/lib/berth/mounts",
	.default_size_bytes = 10 * GIB,
	.default_filesystem = "ext4",
	.suspect_grace_s = 60,
	.log_level = LOG_LEVEL_INFO,
};

/* Mounts and loop devices are found by path, so ours must be spelled as the kernel spells them. */
static int folder_resolve(char *path, size_t size, mode_t mode, struct error *err)
{
	CLEANUP_FREE char *resolved = NULL;
	int ret = file_make_folder(path, mode, err);

	if (ret < 0)
		return ret;
	resolved = realpath(path, NULL);
	if (!resolved)
		return error_set(err, -errno, "cannot resolve '%s': %s", path, strerror(errno));
	return text_set(path, size, resolved, err);
}

/* berth-attach lies beside the agent; where it does not, PATH finds it. */
static void attach_program_default(struct settings *settings)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	(void)snprintf(settings->attach_program, sizeof(settings->attach_program), "berth-attach");
	if (len <= 0)
		return;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/berth-attach") > sizeof(path))
		return;
	memcpy(slash, "/berth-attach", sizeof("/berth-attach"));
	if (access(path, X_OK) == 0)
		(void)snprintf(settings->attach_program, sizeof(settings->attach_program), "%s",
			       path);
}

int settings_load(struct settings *out_settings, int argc, char **argv, struct error *err)
{
	struct settings *settings = out_settings;
	const struct config config = {
		.program = "berth-agent",
		.section = "agent",
		.summary =
			"Attaches berth volumes to this host: publishes, logs in, formats, mounts.",
		.example = "berth-agent --node unix:/run/berth/node.sock",
		.options = options,
		.option_count = ARRAY_SIZE(options),
		.owner = settings,
	};
	int ret;

	*settings = defaults;
	ret = config_load(&config, argc, argv, err);
	if (ret != 0)
		return ret;
	if (settings->node_count == 0)
		return error_set(err, -EINVAL,
				 "no storage node is named; give at least one "
				 "--node unix:PATH or --node HOST:PORT");
	if (*settings->attach_program == '\0')
		attach_program_default(settings);
	ret = folder_resolve(settings->state, sizeof(settings->state), 0700, err);
	if (ret == 0)
		ret = folder_resolve(settings->mounts, sizeof(settings->mounts), 0711, err);
	return ret;
}
