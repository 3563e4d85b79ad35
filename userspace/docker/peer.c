/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docker/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* The first line of a small file of /proc, without its newline. */
static bool line_read(const char *path, char *buf, size_t size)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");

	if (!file || !fgets(buf, (int)size, file))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/*
 * Field 22 of /proc/PID/stat (proc(5)), as text. Field 2 is the program's name in parentheses and
 * may hold anything, so counting begins behind the last ')'.
 */
static const char *start_time_find(char *stat)
{
	char *at = strrchr(stat, ')');
	char *save = NULL;

	if (!at)
		return NULL;
	at = strtok_r(at + 1, " ", &save); /* field 3 */
	for (int field = 3; at && field < 22; field++)
		at = strtok_r(NULL, " ", &save);
	return at;
}

int peer_instance(int fd, char *buf, struct error *err)
{
	char path[32], stat[1024], boot[64];
	socklen_t size = sizeof(struct ucred);
	const char *start_time;
	struct ucred peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return error_set(err, -errno, "cannot tell who is calling: %s", strerror(errno));
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)peer.pid);
	if (!line_read(path, stat, sizeof(stat)) || !line_read(BOOT_ID_PATH, boot, sizeof(boot)))
		return error_set(err, -ESRCH,
				 "the calling process (pid %d) cannot be seen in /proc",
				 (int)peer.pid);
	start_time = start_time_find(stat);
	if (!start_time)
		return error_set(err, -ESRCH, "%s has no start time", path);
	(void)snprintf(buf, PEER_INSTANCE_SIZE, "docker:%s/%d/%s", boot, (int)peer.pid, start_time);
	return 0;
}

bool peer_is_gone(int fd)
{
	struct pollfd poll_fd = {.fd = fd};

	/* POLLHUP comes only when both directions are closed: a half-closed peer still reads. */
	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLHUP | POLLERR);
}
