/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The volumes this agent knows, their records on disk, and who is working on which. One operation
 * at a time owns a volume; operations on different volumes run side by side, and views
 * (volumes_view) wait for nobody. So a volume whose storage hangs stops only those who want that
 * very volume, and them no longer than their own deadline.
 *
 * A volume's record changes only through volumes_save, by its owner: first on disk, then here.
 */
#ifndef AGENT_VOLUMES_H
#define AGENT_VOLUMES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/record.h"

enum volume_state {
	VOLUME_DETACHED,
	VOLUME_ATTACHING,
	VOLUME_ATTACHED,
	VOLUME_DETACHING, /* under way, or a part of it is still to be done */
	VOLUME_LINGERING, /* not mounted here, but the kernel says somebody has it open */
	VOLUME_DAMAGED,	  /* its record cannot be used */
};

const char *volume_state_name(enum volume_state state);

struct volumes;
struct volume; /* owned between volumes_lock and volumes_unlock */

/* What anybody may know about a volume at any time: a copy. */
struct volume_view {
	struct record record; /* only the name, if damaged or not registered */
	enum volume_state state;
	int64_t retry_at_ms;		/* when the keeper may try again to let go */
	char trouble[RECORD_TEXT_SIZE]; /* why the record cannot be used; else empty */
};

/* How long somebody waits for a volume. */
struct patience {
	int64_t deadline_ms;
	bool (*is_unwanted)(void *owner); /* nobody wants the result any more; NULL: never */
	void *owner;
};

/* Read all records of the folder (made if missing). A bad record is no error. */
int volumes_open(const char *folder, struct volumes **out_volumes, struct error *err);
void volumes_close(struct volumes *volumes); /* nobody may own a volume any more */

/*
 * Own the volume of that name; one that is not known is known while it is owned (has no record).
 * Waits as long as the caller's patience: -ETIMEDOUT with who is busy since when, -ECANCELED,
 * -EAGAIN when too many wait already, -ENODATA for a damaged record.
 */
int volumes_lock(struct volumes *volumes, const char *name, const struct patience *patience,
		 struct volume **out_volume, struct error *err);
/* The same at once or not at all; NULL if it is owned by somebody, damaged, or unknown. */
struct volume *volumes_try_lock(struct volumes *volumes, const char *name);
void volumes_unlock(struct volumes *volumes, struct volume *volume);

/* For the owner. NULL without a record. Good until the next save or forget. */
const struct record *volume_record(const struct volume *volume);
int volumes_save(struct volumes *volumes, struct volume *volume, const struct record *record,
		 struct error *err);
int volumes_forget(struct volumes *volumes, struct volume *volume, struct error *err);
void volumes_set_state(struct volumes *volumes, struct volume *volume, enum volume_state state);
/* The keeper tried in vain: the next time later, each time longer, up to `limit_ms`. A volume that
 * gets attached or detached starts afresh. */
void volumes_retry_later(struct volumes *volumes, struct volume *volume, int64_t limit_ms);
enum volume_state volume_state_of(const struct volume *volume);

/* -ENOENT if there is no such record. The view is freed with volume_view_fini. */
int volumes_view(struct volumes *volumes, const char *name, struct volume_view *out_view,
		 struct error *err);
/* All of them, in order of name; an array that the caller frees with volumes_views_free. */
int volumes_view_all(struct volumes *volumes, struct volume_view **out_views, size_t *out_count,
		     struct error *err);
void volume_view_fini(struct volume_view *view);
void volumes_views_free(struct volume_view *views, size_t count);

#endif
