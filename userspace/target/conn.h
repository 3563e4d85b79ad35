/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection: a socket, what is being received from it and sent to it. conn.c: its life;
 * conn_receive.c: bytes into PDUs; conn_send.c: PDUs into bytes; conn_login.c: the login phase
 * and the move to the export's reactor. In full feature phase PDUs go to its session.
 *
 *   LOGIN --> MOVING --> FULL_FEATURE --+--> FLUSHING --> LINGERING --+--> CLOSING --> freed
 *     |         |                       |    (send the last answer,   |    (operations end,
 *     +---------+-----------------------+     wait for the peer's end)|     commands end)
 *                                       +-----------------------------+
 *
 * All of it is on the thread of conn->reactor, which changes once, in MOVING.
 */
#ifndef TARGET_CONN_H
#define TARGET_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "iscsi/pdu.h"
#include "loop/loop.h"
#include "target/conn_wire.h"
#include "target/reactor.h"

#define CONN_LINGER_MS 2000

struct conn_login;
struct session;

enum conn_phase {
	CONN_LOGIN,
	CONN_MOVING,
	CONN_FULL_FEATURE,
	CONN_FLUSHING,
	CONN_LINGERING,
	CONN_CLOSING,
};

struct conn {
	struct list_node link; /* reactor->conns */
	struct reactor *reactor;
	enum conn_phase phase;
	int fd;
	char peer_address[PEER_ADDRESS_SIZE];
	struct peer *peer;  /* while in login */
	const char *reason; /* why it is closed */

	struct loop_op receive;
	struct msghdr receive_message;
	struct iovec receive_iov[2];
	bool is_receive_paused; /* until something was sent */
	struct conn_rx rx;

	struct loop_op send;
	struct loop_task flush;
	bool is_flush_posted;
	struct conn_tx tx;

	struct loop_timer timer;
	uint64_t received_ms; /* when the last bytes came */
	uint64_t pinged_ms;   /* when a NOP-In asked for an answer; 0: none is open */

	bool has_header_digest; /* both for PDUs after login */
	bool has_data_digest;
	uint32_t max_send_len; /* data in one PDU to the initiator */
	uint32_t stat_sn;      /* of the next response */

	struct conn_login *login; /* until there is a session */
	struct list_node arrival; /* export->arrivals */
	struct session *session;

	struct loop_task settle;
	bool is_settle_posted;
};

/* --- conn.c --- */

/* Take over an accepted socket, on the first reactor; closes it where it cannot. */
void conn_start(struct reactor *reactor, int fd);

/* Send what is queued, then end the connection (idempotent, as all three). */
void conn_finish(struct conn *conn, const char *reason);

/* End the connection now. The conn is freed later, never inside. */
void conn_drop(struct conn *conn, const char *reason);

/* Something that a closing connection waited for is over. */
void conn_settle(struct conn *conn);

/* True until the end of the connection was decided. */
static inline bool conn_is_open(const struct conn *conn)
{
	return conn->phase <= CONN_FULL_FEATURE;
}

/* True while PDUs of the peer are looked at: in between, and once it logs out, they wait. */
bool conn_wants_pdus(const struct conn *conn);

/* All is sent: tell the peer so, and give it time to read before the socket goes. */
void conn_linger(struct conn *conn);

/* Full feature phase begins: watch that the peer is alive. */
void conn_watch(struct conn *conn);

/* Ask the initiator to log out within `grace_ms`; drop what is not logged in. */
void conn_ask_logout(struct conn *conn, unsigned grace_ms);

/* --- conn_receive.c --- */

/* Go on receiving: look at what is there, and ask for more. */
void conn_receive(struct conn *conn);
void conn_receive_done(struct loop_op *op, int result);

/* --- conn_send.c --- */

/* A cleared PDU at the end of the queue; NULL if it is full. */
struct conn_tx_pdu *conn_tx_new(struct conn *conn);

/* Complete it: StatSN (a status takes the next one), command window, digests, padding. `data`
 * may be NULL (none), and belongs to `command`, the connection, or the PDU (small). */
enum conn_tx_sequence {
	CONN_TX_STATUS, /* carries StatSN and moves it on */
	CONN_TX_NEXT,	/* shows the next StatSN without using it: R2T, NOP-In of ours */
	CONN_TX_NONE,	/* no StatSN: Data-In without status */
};
void conn_tx_commit(struct conn *conn, struct conn_tx_pdu *pdu, enum conn_tx_sequence sequence,
		    const void *data, uint32_t len);

/* Send at the end of this turn. */
void conn_flush_later(struct conn *conn);
void conn_send_done(struct loop_op *op, int result);

/* Forget all that was not handed to the socket. */
void conn_tx_discard(struct conn *conn);

/* Reject the PDU at hand (RFC 7143, 11.17). */
void conn_reject(struct conn *conn, uint8_t reason);

/* --- conn_login.c --- */

/* -ENOMEM. */
int conn_login_new(struct conn *conn);
void conn_login_free(struct conn *conn);

const struct login *conn_login_of(const struct conn *conn);

/* True while the connection must not be freed: it is about to change reactors. */
bool conn_login_is_leaving(const struct conn *conn);

/* True once the last reply is decided: what the peer still sends is not looked at. */
bool conn_login_is_answered(const struct conn *conn);

/* A header in login phase; sets where its data goes. */
void conn_login_header(struct conn *conn);
/* The PDU is whole. */
void conn_login_pdu(struct conn *conn);
/* The time for the login is over; or that of a refusal that had to wait. */
void conn_login_expired(struct conn *conn);
/* On the export's reactor: a session that stood in the way may be gone, look again. */
void conn_login_admit(struct conn *conn);

#endif
