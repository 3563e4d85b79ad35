/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A publication (who may reach a volume, and how) as data and as advice. */
#ifndef CTL_PUBLICATION_H
#define CTL_PUBLICATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "rpc/node.pb-c.h"

/* All fields but the secrets. */
json_t *publication_json(const Berth__V1__Publication *publication);

/*
 * What an initiator needs, as fields with secrets and "url", and for people the commands that
 * point open-iscsi and libiscsi at the volume.
 */
void publication_print_access(const Berth__V1__Publication *publication, bool is_json, FILE *out);

#endif
