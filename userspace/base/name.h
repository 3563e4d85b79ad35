/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of pools and volumes. One rule for all: 1 to 64 characters, lower-case letters,
 * digits, '.', '_' and '-', beginning with a letter or a digit. (64, because Docker's
 * anonymous volumes have that many.) A name goes unchanged into paths and device-mapper names:
 * '/' and a lone ".." cannot be spelled. In iSCSI names, which RFC 3722 folds to lower case and
 * which have no '_', capitals are refused rather than folded and '_' becomes ':'.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include "base/error.h"

#define NAME_LEN_MAX 64
#define NAME_SIZE    (NAME_LEN_MAX + 1)

/* 0, or -EINVAL with a sentence that begins with `what` ("volume", "pool"). */
int name_check(const char *what, const char *name, struct error *err);

#endif
