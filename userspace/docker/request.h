/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dockerd sends: the JSON body of a VolumeDriver call. Pure. dockerd repeats a call
 * whose connection broke with an empty body, so "nothing" is a body that really arrives.
 */
#ifndef DOCKER_REQUEST_H
#define DOCKER_REQUEST_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

#define REQUEST_BODY_MAX (256 * 1024)
#define REQUEST_ID_MAX	 128 /* dockerd's are 64 hexadecimal digits */

/* Members that a call must have, as bits. */
enum request_member {
	REQUEST_NAME = 1 << 0,
	REQUEST_ID = 1 << 1,
	REQUEST_OPTS = 1 << 2, /* may be null or missing; if it is there it must be right */
};

struct request {
	const char *name;      /* any text but ""; names are checked by who uses them */
	const char *id;	       /* not "" */
	const json_t *options; /* object whose values are all strings, or NULL */
	json_t *root;	       /* owns all of them */
};

/*
 * -EINVAL with a sentence if the body is not a JSON object, or a member is missing or of the
 * wrong type. With `members` 0 any body is fine, also none. request_fini in any case.
 */
int request_decode(struct request *request, const char *body, size_t len, unsigned members,
		   struct error *err);
void request_fini(struct request *request);

#endif
