/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent knows durably about one volume: a small JSON file, replaced as a whole. It is
 * the only state that survives a crash; everything else is looked up in the kernel.
 *
 * No secrets: those are made anew or told again by the node's Publish. A record that cannot be
 * read, or that a newer agent wrote, is reported and neither acted on nor overwritten.
 */
#ifndef AGENT_RECORD_H
#define AGENT_RECORD_H

#include <stdint.h>

#include "agent/holders.h"
#include "base/error.h"
#include "base/name.h"
#include "base/uuid.h"

#define RECORD_VERSION	       1
#define RECORD_FILE_MAX_BYTES  (4u << 20)
#define RECORD_ISCSI_NAME_SIZE 224 /* RFC 7143, 4.2.7.1: 223 bytes */
#define RECORD_TEXT_SIZE       512
#define RECORD_FS_SIZE	       16

/* How far the making of the file system got; see agent/format_rule.h. */
enum record_format {
	RECORD_FORMAT_NONE,    /* nothing was written by us */
	RECORD_FORMAT_STARTED, /* mkfs may have been writing, under format_publication */
	RECORD_FORMAT_MADE,    /* mkfs ended well; the node may not know yet */
	RECORD_FORMAT_DONE,    /* the node knows: never format again */
};

struct record {
	char name[NAME_SIZE];
	char uuid[UUID_TEXT_SIZE];
	char node[RECORD_TEXT_SIZE]; /* "unix:PATH" or "HOST:PORT" */
	char pool[NAME_SIZE];
	uint64_t size_bytes;
	int64_t created_at_s;

	char filesystem[RECORD_FS_SIZE]; /* "ext4", "xfs"; empty: whatever is found on it */
	char fs_uuid[UUID_TEXT_SIZE];	 /* chosen before mkfs; empty: none was chosen here */
	char mkfs_options[RECORD_TEXT_SIZE];
	char owner[32]; /* "uid:gid" of the root folder; empty: as it is */
	char mode[8];	/* octal; empty: 0755 */
	enum record_format format;
	int64_t format_publication; /* published_at of the publication that mkfs ran under */
	bool is_root_ready;	    /* owner, mode and an empty root were seen to */

	/* What is, or may be, in place on this host. */
	char attachment[RECORD_FS_SIZE]; /* "user", "kernel"; empty: nothing */
	bool is_published;
	char target_name[RECORD_ISCSI_NAME_SIZE];
	char initiator[RECORD_ISCSI_NAME_SIZE];
	char portal[RECORD_TEXT_SIZE];
	char device[RECORD_TEXT_SIZE]; /* as last seen; a hint for people only */
	char boot_id[UUID_TEXT_SIZE];  /* of the run of the kernel that the holders belong to */

	char last_error[RECORD_TEXT_SIZE];
	struct holders holders;
};

/* Zeroed memory is an empty record; fini accepts it. */
void record_fini(struct record *record);
int record_copy(struct record *to, const struct record *from, struct error *err);

/* JSON text that the caller frees; -ENOMEM. */
int record_encode(const struct record *record, char **out_text, struct error *err);

/*
 * From JSON text. -ENODATA with a sentence if it is not JSON, of another version, or if any
 * member is missing, unknown, of the wrong type or out of bounds. The text may hold anything.
 */
int record_decode(const char *text, size_t len, struct record *out_record, struct error *err);

/* The file FOLDER/NAME.json. Load is -ENODATA for a bad one and checks that the name fits. */
int record_load(const char *folder, const char *name, struct record *out_record, struct error *err);
int record_save(const char *folder, const struct record *record, struct error *err);
int record_remove(const char *folder, const char *name, struct error *err);

#endif
