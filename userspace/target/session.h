/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session with its one connection (MaxConnections=1): the command window, the commands by
 * their tags, and their order. A discovery session has no export. On the thread of its
 * connection's reactor.
 *
 * The window counts commands from their turn until their status is queued; the slots are more,
 * because a slot stays taken while its answer is on its way.
 */
#ifndef TARGET_SESSION_H
#define TARGET_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slots.h"
#include "iscsi/keys.h"
#include "target/command.h"
#include "target/conn.h"
#include "target/export.h"

#define SESSION_IMMEDIATE_MAX 8
#define SESSION_TAG_BUCKETS   256

/* What other threads may know of it, under target->lock. */
struct session_record {
	struct list_node link; /* target->sessions */
	char initiator[ISCSI_NAME_SIZE];
	char target_name[ISCSI_NAME_SIZE];
	uint8_t isid[6];
	uint16_t tsih;
};

/* A text negotiation in several PDUs (session_text.c). */
struct session_text {
	uint32_t target_transfer_tag; /* PDU_TAG_NONE: none is open */
	unsigned request_count;
	char *in;
	uint32_t in_len;
	char *out;
	uint32_t out_len;
	uint32_t out_sent;
};

struct session {
	struct list_node link; /* export->sessions */
	struct target *target;
	struct export *export; /* NULL: discovery */
	struct conn *conn;
	struct nexus *nexus;
	struct session_record record;
	struct target_access access; /* what it logged in with */
	struct keys keys;
	uint16_t cid;
	bool is_stopping;

	uint32_t exp_cmd_sn;
	uint32_t window; /* largest number of commands in it */
	uint32_t window_used;
	uint32_t immediate_used;
	uint32_t next_transfer_tag;

	struct slots commands;
	struct list tags[SESSION_TAG_BUCKETS];
	struct list parked;  /* whose turn has not come */
	struct list answers; /* with PDUs to queue */
	struct command *logout;
	struct session_text text;
};

/* --- session.c --- */

/* For a login that is finished; the conn's login is read. Negative errno. */
int session_new(struct conn *conn, struct export *export, struct session **out_session);

/* End all commands silently; the session is freed when the last is gone, and the conn told. */
void session_stop(struct session *session);

/* Perhaps that was the last command. */
void session_settle(struct session *session);

/* A header in full feature phase (conn->rx.bhs): sets where its data goes. */
void session_header(struct session *session);
/* The PDU is whole. */
void session_pdu(struct session *session, bool is_digest_good);

/* A target transfer tag that is not in use, never PDU_TAG_NONE. */
uint32_t session_new_transfer_tag(struct session *session);

uint32_t session_max_cmd_sn(const struct session *session);

/* A slot for the request, findable by its tag; NULL if all are taken. */
struct command *session_new_command(struct session *session, const struct pdu_bhs *bhs);

struct command *session_find(struct session *session, uint32_t initiator_task_tag);

/* Its turn has come: it takes its place in the window, or among the immediate ones. */
void session_count(struct session *session, struct command *command);

/* The command is over for the initiator: its tag and its place in the window are free. */
void session_uncount(struct session *session, struct command *command);

/* Queue PDUs of answers while there is room for them. */
void session_fill(struct session *session);

/* Abort the SCSI commands of the session that have begun. */
void session_abort_scsi(struct session *session, uint32_t number);

/* login_host.refuse_join (login.h). */
enum login_status session_refuse_join(struct login_host *host, const struct login *login);

void session_take_logout(struct session *session, struct command *command);

/* --- session_task.c: task management --- */

void session_manage_task(struct session *session, struct command *command);

/* --- session_text.c --- */

void session_take_text(struct session *session, struct command *command);
void session_text_reset(struct session_text *text);

#endif
