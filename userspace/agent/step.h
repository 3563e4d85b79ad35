/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching a volume is a table of steps, each of which can be checked, applied and undone:
 *
 *   user:    publish -> serve -> loop -> format -> mount
 *   kernel:  publish -> login -> disk -> map -> format -> mount
 *
 * A job is one walk over the table for one volume, by the volume's owner (volumes_lock). Before
 * the first step is applied the record says durably that something may be in place; what exactly,
 * the steps find out by looking at the kernel, never from memory. So a crash at any point is
 * mended by walking again, up or down.
 */
#ifndef AGENT_STEP_H
#define AGENT_STEP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/nodes.h"
#include "rpc/server.h"

#define STEP_UP	  1
#define STEP_DOWN 0

struct job {
	struct agent *agent;
	struct volume *volume; /* owned */
	struct record record;  /* working copy; job_save makes it durable */
	int64_t deadline_ms;
	struct rpc_call *call; /* who asked; NULL: the agent itself */
	bool is_removing;      /* the volume goes; what is on it counts no longer */

	/* Found or made by the steps on their way. */
	Berth__V1__Publication *publication; /* with secrets; NULL: not asked for in this job */
	char disk[64];			     /* below the map: "/dev/sda"; kernel only */
	char device[64];	     /* what carries the file system; "" until it is there */
	char folder[PATH_MAX];	     /* where the file system is mounted */
	char serve_folder[PATH_MAX]; /* where berth-attach serves; user only */
};

struct step {
	const char *name;
	/* STEP_UP, STEP_DOWN, or a negative errno if it cannot be told. Changes nothing. */
	int (*check)(struct job *job, struct error *err);
	int (*apply)(struct job *job, struct error *err);
	/* Whatever of it is there, however much: away with it. Nothing there is success. -EBUSY if
	 * somebody still uses it. */
	int (*undo)(struct job *job, struct error *err);
};

extern const struct step step_publish;
extern const struct step step_serve;
extern const struct step step_loop;
extern const struct step step_login;
extern const struct step step_disk;
extern const struct step step_map;
extern const struct step step_format;
extern const struct step step_mount;

/* A way to get a block device. */
struct attachment {
	const char *name; /* "user", "kernel" */
	const struct step *const *steps;
	unsigned step_count;
	/* 0 if this host can; else an errno with what is missing. */
	int (*is_offered)(const struct settings *settings, struct error *err);
	/* Compare the volume's UUID with the very device of the job; -ESTALE if it is another's. */
	int (*identify)(struct job *job, struct error *err);
	/* Make every layer as large as the volume is now, and see that it is. */
	int (*resize)(struct job *job, struct error *err);
};

extern const struct attachment attachment_user;
extern const struct attachment attachment_kernel;

/* NULL for a name that is none. */
const struct attachment *attachment_find(const char *name);

/* As configured, or what the host's kernel offers, kernel first. */
int attachment_choose(const struct settings *settings, const struct attachment **out_attachment,
		      struct error *err);

/* --- job.c --- */

/* Take a copy of the volume's record and the paths. `volume` must be owned and have a record. */
int job_init(struct job *job, struct agent *agent, struct volume *volume, int64_t deadline_ms,
	     struct error *err);
void job_fini(struct job *job);
int job_save(struct job *job, struct error *err);

/*
 * Walk up to the step of that name (NULL: all). Where a lower step is missing, what stands above
 * it is undone first. If a step fails, all is walked down again unless somebody holds the volume.
 */
int job_bring_up(struct job *job, const char *last_step, struct error *err);

/*
 * Walk down. -EBUSY: somebody still uses it; it lingers. -EINPROGRESS: a format was interrupted,
 * and the publication under which it may be repeated stays (format_rule.h). The volume's state says
 * how far it is.
 */
int job_bring_down(struct job *job, struct error *err);

/* Look only: are all steps up? For a volume that may be attached when the agent starts. */
int job_look(struct job *job, bool *out_is_up, struct error *err);

/* Note what went wrong (NULL: nothing) in the record, where people see it. */
void job_note_error(struct job *job, const struct error *trouble);

/*
 * For tests: if BERTH_AGENT_DIE_AFTER names this moment (a step "loop", the undoing of one
 * "undo-loop", or "mkfs": it has written, and nobody noted it), the agent kills itself.
 */
void job_die_if_asked(const char *moment);

/* A job that found the host logged in has not asked for the publication yet: ask. */
int job_need_publication(struct job *job, struct error *err);

/* --- attachment_user.c and attachment_kernel.c share --- */

int job_identify(struct job *job, struct error *err);

#endif
