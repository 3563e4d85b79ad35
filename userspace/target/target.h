/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iSCSI target of a node: portals, exports, and who may log in to them (RFC 7143).
 *
 * An export is one target name with one LUN 0, a struct block. It belongs to the reactor (loop)
 * that owns its block; connections are accepted on the first loop, log in there, and then move
 * to the loop of their export. Discovery sessions stay where they were accepted.
 *
 * The functions here may be called from any thread that is not a reactor (the control API's
 * workers); they wait until the reactors have done what was asked.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"
#include "block/block.h"
#include "loop/loop.h"

#define ISCSI_NAME_LEN_MAX 223 /* RFC 7143, 4.2.7.1 */
#define ISCSI_NAME_SIZE	   (ISCSI_NAME_LEN_MAX + 1)
#define CHAP_TEXT_SIZE	   256

struct target;

/* One initiator that may log in to an export. */
struct target_access {
	char initiator[ISCSI_NAME_SIZE];
	char chap_user[CHAP_TEXT_SIZE]; /* empty: AuthMethod None for this initiator */
	char chap_secret[CHAP_TEXT_SIZE];
	char chap_target_user[CHAP_TEXT_SIZE]; /* empty: no mutual CHAP */
	char chap_target_secret[CHAP_TEXT_SIZE];
};

struct target_export {
	char name[ISCSI_NAME_SIZE]; /* the iSCSI target name */
	struct uuid uuid;	    /* of the volume: VPD 80h and 83h */
	const char *label;	    /* the volume's name; VPD 83h T10 vendor designator; copied */
	struct loop *loop;	    /* that owns `block` */
	struct block *block;	    /* the caller's; must live until target_remove returned */
};

/* What a session did, told on the thread of a reactor: must not block. */
struct target_event {
	enum {
		TARGET_SESSION_OPENED,
		TARGET_SESSION_CLOSED,
		TARGET_LOGIN_REFUSED,
	} kind;
	const char *target_name;
	const char *initiator;
	const char *peer_address;
	const char *reason; /* CLOSED, REFUSED */
};

struct target_settings {
	struct loop **loops; /* already running, or about to; at least one; copied */
	unsigned loop_count;
	unsigned session_max;	    /* 0: 1024 */
	unsigned tasks_per_session; /* command window; 0: 128 */
	unsigned login_timeout_ms;  /* 0: 30000 */
	unsigned nop_interval_ms;   /* idle time before a NOP-In; 0: 15000 */
	unsigned nop_timeout_ms;    /* wait for its answer; 0: 10000 */
	void (*on_event)(void *owner, const struct target_event *event); /* NULL: none */
	void *owner;
};

int target_new(const struct target_settings *settings, struct target **out_target,
	       struct error *err);

/*
 * Accept connections on "HOST:PORT" or "[V6]:PORT" (port 0 picks one; out_address, 128 bytes or
 * NULL, gets the address as bound). This is the address that SendTargets tells.
 */
int target_listen(struct target *target, const char *address, char *out_address, struct error *err);

/* -EEXIST if the name is taken. Nobody can log in until target_set_access names somebody. */
int target_add(struct target *target, const struct target_export *settings, struct error *err);

/*
 * Replace the list of who may log in. Sessions of initiators that are not in the new list, or whose
 * secrets changed, are ended, and none of their commands touches the block any more, before this
 * returns. -ENOENT.
 */
int target_set_access(struct target *target, const char *name, const struct target_access *list,
		      unsigned count, struct error *err);

/* Sessions that `initiator` (NULL: anybody) has on an export. */
unsigned target_session_count(struct target *target, const char *name, const char *initiator);

/* The capacity of the export's block changed: sessions get a unit attention (2Ah/09h). */
void target_capacity_changed(struct target *target, const char *name);

/* End its sessions, wait for its commands, forget the export. Not there: nothing. */
void target_remove(struct target *target, const char *name);

/*
 * Orderly end: stop accepting, ask initiators to log out (async event), wait at most `grace_ms`,
 * drop the rest, wait for their commands. The exports stay until target_free.
 */
void target_drain(struct target *target, unsigned grace_ms);

/* After target_drain and target_remove of every export, with the loops still running. */
void target_free(struct target *target);

#endif
