/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's side of agent/helper.h. */
#include "agent/helper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/child.h"

#define ARGUMENT_MAX 6

static int call(const char *const arguments[], int64_t deadline_ms, char *out, size_t out_size,
		struct error *err)
{
	const char *argv[ARGUMENT_MAX + 3] = {"/proc/self/exe", HELPER_FLAG};
	struct child child = {
		.argv = argv, .deadline_ms = deadline_ms, .out = out, .out_size = out_size};
	int ret;

	for (int i = 0; i < ARGUMENT_MAX && arguments[i]; i++)
		argv[i + 2] = arguments[i];
	ret = child_run(&child, err);
	if (ret == -ETIMEDOUT)
		return error_set(err, ret, "'%s' of '%s' hangs; is the storage unreachable?",
				 arguments[0], arguments[1]);
	if (ret <= 0)
		return ret;
	if (ret >= 126)
		return -EIO; /* a signal: child_run said which */
	return error_set(err, -ret, "%s",
			 *child.last_words ? child.last_words : "it failed without a reason");
}

static void field_take(char *out_text, const char *text)
{
	(void)snprintf(out_text, PROBE_TEXT_SIZE, "%s", strcmp(text, "-") == 0 ? "" : text);
}

int helper_probe(const char *device, int64_t deadline_ms, struct probe *out_probe,
		 struct error *err)
{
	const char *const arguments[] = {"probe", device, NULL};
	char type[PROBE_TEXT_SIZE];
	char uuid[PROBE_TEXT_SIZE];
	char out[256];
	int is_blank;
	int ret = call(arguments, deadline_ms, out, sizeof(out), err);

	if (ret < 0)
		return ret;
	*out_probe = (struct probe){0};
	/* NOLINTNEXTLINE(cert-err34-c): our own words, whole numbers that we printed */
	if (sscanf(out, "%63s %63s %d %" SCNu64 " %" SCNu64, type, uuid, &is_blank,
		   &out_probe->device_bytes, &out_probe->fs_bytes) != 5)
		return error_set(err, -EIO, "looking at '%s' gave no answer", device);
	field_take(out_probe->type, type);
	field_take(out_probe->uuid, uuid);
	out_probe->is_blank = is_blank == 1;
	return 0;
}

int helper_exclusive(const char *device, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"exclusive", device, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_mount(const char *const device_folder_type_options[4], int64_t deadline_ms,
		 struct error *err)
{
	const char *const *given = device_folder_type_options;
	const char *const arguments[] = {"mount", given[0], given[1], given[2], given[3], NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_unmount(const char *folder, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"unmount", folder, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_prepare_root(const char *folder, const char *owner, const char *mode,
			int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"prepare-root", folder, owner, mode, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_loop_attach(const char *file, unsigned block_bytes, int64_t deadline_ms,
		       char out_device[LOOPDEV_NAME_SIZE], struct error *err)
{
	char block_text[16];
	const char *const arguments[] = {"loop-attach", file, block_text, NULL};
	int ret;

	(void)snprintf(block_text, sizeof(block_text), "%u", block_bytes);
	ret = call(arguments, deadline_ms, out_device, LOOPDEV_NAME_SIZE, err);
	out_device[strcspn(out_device, "\n")] = '\0';
	return ret;
}

int helper_loop_detach(const char *device, const char *file, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"loop-detach", device, file, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_loop_resize(const char *device, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"loop-resize", device, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_identify(const char *disk, const char *uuid, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"identify", disk, uuid, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_sysfs_write(const char *path, const char *text, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"sysfs-write", path, text, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_map_find(const char *name, const char *uuid, int64_t deadline_ms,
		    struct mapper_state *out_state, struct error *err)
{
	const char *const arguments[] = {"map-find", name, uuid, NULL};
	uint64_t disk;
	int exists;
	char out[64];
	int ret = call(arguments, deadline_ms, out, sizeof(out), err);

	if (ret < 0)
		return ret;
	/* NOLINTNEXTLINE(cert-err34-c): our own words, whole numbers that we printed */
	if (sscanf(out, "%d %" SCNu64, &exists, &disk) != 2)
		return error_set(err, -EIO, "looking at '%s' gave no answer", name);
	*out_state = (struct mapper_state){.exists = exists == 1, .disk = disk};
	return 0;
}

int helper_map_set(const char *verb, const char *const name_uuid_disk[3], int64_t deadline_ms,
		   struct error *err)
{
	const char *const *given = name_uuid_disk;
	const char *const arguments[] = {verb, given[0], given[1], given[2], NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}

int helper_map_remove(const char *name, const char *uuid, int64_t deadline_ms, struct error *err)
{
	const char *const arguments[] = {"map-remove", name, uuid, NULL};

	return call(arguments, deadline_ms, NULL, 0, err);
}
