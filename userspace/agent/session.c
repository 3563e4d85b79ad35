/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that knows libudev. */
#include "agent/session.h"

#include <dirent.h>
#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/helper.h"
#include "base/cleanup.h"
#include "base/file.h"

#define SESSIONS      "/sys/class/iscsi_session"
#define UDEV_CONTROL  "/run/udev/control" /* there while udevd runs */
#define WAIT_SLICE_MS 200
#define ATTRIBUTE_MAX 4096

/* True if the session's attribute targetname is this one. */
static bool is_target(const char *session, const char *target_name)
{
	CLEANUP_FREE char *text = NULL;
	char path[PATH_MAX];
	size_t len;

	(void)snprintf(path, sizeof(path), SESSIONS "/%s/targetname", session);
	if (file_read(path, ATTRIBUTE_MAX, &text, &len, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, target_name) == 0;
}

static int place_fill(const char *session, struct session_place *out_place, struct error *err)
{
	char link[PATH_MAX];
	char *host;

	(void)snprintf(link, sizeof(link), SESSIONS "/%s/device", session);
	if (!realpath(link, out_place->folder)) {
		out_place->folder[0] = '\0'; /* it went just now */
		return 0;
	}
	host = strstr(out_place->folder, "/host");
	/* NOLINTNEXTLINE(cert-err34-c): a path that the kernel made */
	if (!host || sscanf(host, "/host%u/", &out_place->host) != 1)
		return error_set(err, -EIO, "session '%s' has no SCSI host", session);
	return 0;
}

int session_find(const char *target_name, struct session_place *out_place, struct error *err)
{
	DIR *dir = opendir(SESSIONS);
	int ret = 0;

	*out_place = (struct session_place){0};
	if (!dir && errno == ENOENT)
		return 0; /* the module is not loaded: no sessions */
	if (!dir)
		return error_set(err, -errno, "cannot read '%s': %s", SESSIONS, strerror(errno));
	for (struct dirent *entry; ret == 0 && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || !is_target(entry->d_name, target_name))
			continue;
		ret = place_fill(entry->d_name, out_place, err);
		break;
	}
	(void)closedir(dir); /* only read from */
	return ret;
}

/* The first entry of `folder` that begins with `prefix`; false if there is none. */
static bool entry_find(const char *folder, const char *prefix, char out_name[64])
{
	DIR *dir = opendir(folder);
	bool is_found = false;

	if (!dir)
		return false;
	for (struct dirent *entry; !is_found && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		(void)snprintf(out_name, 64, "%.63s", entry->d_name);
		is_found = true;
	}
	(void)closedir(dir); /* only read from */
	return is_found;
}

int session_disk(const struct session_place *place, char out_name[64], struct error *err)
{
	char folder[PATH_MAX + 192];
	char prefix[32];
	char target[64];
	char lun[64];

	out_name[0] = '\0';
	/* hostH/sessionS/targetH:0:T/H:0:T:0/block/sdX; each session has one target. */
	if (!entry_find(place->folder, "target", target))
		return 0;
	(void)snprintf(prefix, sizeof(prefix), "%.24s:0", target + strlen("target"));
	(void)snprintf(folder, sizeof(folder), "%s/%s", place->folder, target);
	if (!entry_find(folder, prefix, lun) || strcmp(lun, prefix) != 0)
		return 0;
	(void)snprintf(folder, sizeof(folder), "%s/%s/%s/block", place->folder, target, lun);
	(void)entry_find(folder, "", out_name);
	return 0;
}

/* The device is there for programs: its node is made, and where udev runs, udev is done. */
static bool is_ready(struct udev *udev, const char *name)
{
	struct udev_device *device;
	char node[96];
	bool is_done;

	(void)snprintf(node, sizeof(node), "/dev/%s", name);
	if (access(node, F_OK) < 0)
		return false;
	if (access(UDEV_CONTROL, F_OK) < 0)
		return true;
	device = udev_device_new_from_subsystem_sysname(udev, "block", name);
	is_done = device && udev_device_get_is_initialized(device) > 0;
	udev_device_unref(device);
	return is_done;
}

/* Until something happens to some block device, or a slice of time is over. */
static void event_wait(struct udev_monitor *monitor, int64_t deadline_ms)
{
	struct pollfd wait = {.fd = udev_monitor_get_fd(monitor), .events = POLLIN};
	int64_t until_ms = clock_within(deadline_ms, WAIT_SLICE_MS);

	if (poll(&wait, 1, clock_left_ms(until_ms)) > 0)
		udev_device_unref(udev_monitor_receive_device(monitor));
}

static int disk_wait(const struct session_place *place, struct udev *udev,
		     struct udev_monitor *monitor, int64_t deadline_ms, char out_name[64],
		     struct error *err)
{
	do {
		int ret = session_disk(place, out_name, err);

		if (ret < 0 || (*out_name != '\0' && is_ready(udev, out_name)))
			return ret;
		event_wait(monitor, deadline_ms);
	} while (clock_left_ms(deadline_ms) > 0);
	return error_set(err, -ETIMEDOUT, "the kernel logged in, but its disk did not appear");
}

int session_scan(const struct session_place *place, int64_t deadline_ms, char out_name[64],
		 struct error *err)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor =
		udev ? udev_monitor_new_from_netlink(
			       udev, access(UDEV_CONTROL, F_OK) == 0 ? "udev" : "kernel")
		     : NULL;
	char path[96];
	int ret = 0;

	if (!monitor ||
	    udev_monitor_filter_add_match_subsystem_devtype(monitor, "block", NULL) < 0 ||
	    udev_monitor_enable_receiving(monitor) < 0)
		ret = error_set(err, -EIO, "cannot listen for new devices");
	(void)snprintf(path, sizeof(path), "/sys/class/scsi_host/host%u/scan", place->host);
	if (ret == 0)
		ret = helper_sysfs_write(path, "- - 0", deadline_ms, err);
	if (ret == 0)
		ret = disk_wait(place, udev, monitor, deadline_ms, out_name, err);
	udev_monitor_unref(monitor);
	udev_unref(udev);
	return ret;
}
