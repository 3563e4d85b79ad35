/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/loopdev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ATTACH_TRIES   64
#define DETACH_WAIT_US 20000
#define DETACH_TRIES   100

/* The path that sysfs shows for a loop device, without the newline; false if it is not in use. */
static bool backing_read(const char *folder, const char *name, char *out_path)
{
	char path[PATH_MAX];
	CLEANUP_CLOSE int fd = -1;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/%s/loop/backing_file", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, out_path, PATH_MAX - 1);
	if (len <= 0)
		return false;
	out_path[len] = '\0';
	out_path[strcspn(out_path, "\n")] = '\0';
	return true;
}

int loopdev_find(const char *folder, const char *file, char out_device[LOOPDEV_NAME_SIZE],
		 struct error *err)
{
	DIR *dir = opendir(folder);
	char backing[PATH_MAX];

	if (!dir)
		return error_set(err, -errno, "cannot read '%s': %s", folder, strerror(errno));
	out_device[0] = '\0';
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strncmp(entry->d_name, "loop", 4) != 0 || strlen(entry->d_name) > 20)
			continue;
		if (!backing_read(folder, entry->d_name, backing) || strcmp(backing, file) != 0)
			continue;
		(void)snprintf(out_device, LOOPDEV_NAME_SIZE, "/dev/%.20s", entry->d_name);
		break;
	}
	(void)closedir(dir); /* only read from */
	return 0;
}

/* One try; -EBUSY if another process took the device between asking and configuring. */
static int attach_once(int control, int file_fd, unsigned block_bytes, char *out_device)
{
	struct loop_config config = {.fd = (__u32)file_fd, .block_size = block_bytes};
	CLEANUP_CLOSE int fd = -1;
	int index = ioctl(control, LOOP_CTL_GET_FREE);

	if (index < 0)
		return -errno;
	(void)snprintf(out_device, LOOPDEV_NAME_SIZE, "/dev/loop%d", index);
	fd = open(out_device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	config.info.lo_flags = LO_FLAGS_DIRECT_IO;
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		return -errno;
	return 0;
}

int loopdev_attach(const char *file, unsigned block_bytes, char out_device[LOOPDEV_NAME_SIZE],
		   struct error *err)
{
	CLEANUP_CLOSE int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	CLEANUP_CLOSE int file_fd = -1;
	int ret = -EBUSY;

	if (control < 0)
		return error_set(err, -errno,
				 "cannot open /dev/loop-control: %s; does the kernel have loop "
				 "devices? try: modprobe loop",
				 strerror(errno));
	file_fd = open(file, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (file_fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", file, strerror(errno));
	/* Devices are handed out by asking first and taking then; everybody may be quicker. */
	for (int i = 0; i < ATTACH_TRIES && ret == -EBUSY; i++)
		ret = attach_once(control, file_fd, block_bytes, out_device);
	if (ret < 0)
		return error_set(err, ret, "cannot set up a loop device over '%s': %s", file,
				 strerror(-ret));
	return 0;
}

/* With the device open it stays what it is; a number that was free may have a new owner. */
static bool is_over(const char *device, const char *file)
{
	char backing[PATH_MAX];

	return backing_read("/sys/block", device + strlen("/dev/"), backing) &&
	       strcmp(backing, file) == 0;
}

int loopdev_detach(const char *device, const char *file, struct error *err)
{
	/* The exclusive open fails while a file system or another owner has the device, in
	 * whatever mount namespace: this is the kernel's word that nobody holds on. */
	CLEANUP_CLOSE int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY)
		return error_set(err, -EBUSY, "'%s' is still in use", device);
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", device, strerror(errno));
	if (!is_over(device, file))
		return 0;
	/* A storage that is gone takes no data any more; its device must go nevertheless, and
	 * every fsync before told the writer the truth. */
	(void)fsync(fd);
	if (ioctl(fd, LOOP_CLR_FD) < 0 && errno != ENXIO)
		return error_set(err, -errno, "cannot detach '%s': %s", device, strerror(errno));
	/* While somebody else looks at the device (udev, blkid), the kernel detaches it at their
	 * last close. */
	for (int i = 0; i < DETACH_TRIES; i++) {
		if (!is_over(device, file))
			return 0;
		(void)close(fd); /* nothing more to write */
		(void)usleep(DETACH_WAIT_US);
		fd = open(device, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
	}
	return error_set(err, -EBUSY, "'%s' is still open somewhere", device);
}

int loopdev_resize(const char *device, struct error *err)
{
	CLEANUP_CLOSE int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", device, strerror(errno));
	if (ioctl(fd, LOOP_SET_CAPACITY) < 0)
		return error_set(err, -errno, "cannot resize '%s': %s", device, strerror(errno));
	return 0;
}
