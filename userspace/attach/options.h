/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of berth-attach, and the secrets that come by a descriptor. */
#ifndef ATTACH_OPTIONS_H
#define ATTACH_OPTIONS_H

#include <limits.h>

#include "base/error.h"
#include "base/uuid.h"
#include "initiator/login.h"

#define QUEUE_DEPTH_MIN	    1
#define QUEUE_DEPTH_MAX	    256
#define QUEUE_DEPTH_DEFAULT 64

struct options {
	struct login login;
	struct uuid uuid;
	char mountpoint[PATH_MAX];
	unsigned queue_depth;
	unsigned fail_after_s; /* 0: never */
	unsigned login_timeout_ms;
	int secrets_fd; /* 0: standard input */
	int ready_fd;	/* -1: none */
};

/*
 * Read the flags. 0: go on. 1: --help or --version was answered, exit 0. -EINVAL with a
 * sentence, exit 2. ready_fd is set as soon as it is known, also when something else is wrong.
 */
int options_load(struct options *options, int argc, char **argv, struct error *err);

/*
 * Read CHAP user and secrets until the end of the descriptor, into options->login. Lines:
 *
 *     chap-user=NAME
 *     chap-secret=SECRET
 *     chap-target-user=NAME
 *     chap-target-secret=SECRET
 *
 * Each at most once; the value is all that follows the '='; empty lines are skipped; nothing at
 * all means no authentication. -EINVAL (the sentence never holds a secret), or what read gave.
 */
int secrets_read(int fd, struct login *login, struct error *err);

/* The same for text of `len` bytes that is already here. */
int secrets_parse(const char *text, size_t len, struct login *login, struct error *err);

#endif
