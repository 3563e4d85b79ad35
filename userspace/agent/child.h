/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other programs, run with a deadline. All that may hang in the kernel (mount, umount, opening
 * a device whose storage is gone) happens in a child too: see agent/helper.h. A child that
 * does not even die is given up and collected later, so that nobody waits for it.
 */
#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define CHILD_WORDS_SIZE 320

struct child {
	const char *const *argv; /* NULL at the end; argv[0] is looked up in PATH */
	int64_t deadline_ms;
	char *out; /* what it prints to stdout, cut to out_size - 1, NUL at the end; or NULL */
	size_t out_size;
	char last_words[CHILD_WORDS_SIZE]; /* set by child_run: last line of its stderr */
};

/*
 * Run to the end. Returns the exit status (0 to 255; 128 + signal if it was killed). -ENOENT:
 * the program is not installed. -ETIMEDOUT: it did not end in time and was killed, with its
 * process group. Any thread.
 */
int child_run(struct child *child, struct error *err);

/* child_run, and anything but exit status 0 is -EIO with the child's last words. */
int child_must(const char *const argv[], int64_t deadline_ms, struct error *err);

/* A child that goes on by itself: collected when it ends, so that no zombie is left. */
void child_disown(pid_t pid);

/* Collect children that were given up or disowned and have ended since. */
void child_collect(void);

#endif
