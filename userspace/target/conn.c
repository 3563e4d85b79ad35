/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a connection: its start, its phases, its timer, its end. */
#include "target/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "iscsi/pdu_response.h"
#include "target/portal.h"
#include "target/session.h"

static void conn_timer_expired(struct loop_timer *timer);

static void conn_set_timer(struct conn *conn, uint64_t delay_ms)
{
	loop_timer_set(conn->reactor->loop, &conn->timer, delay_ms);
}

static struct conn *conn_new(struct reactor *reactor, int fd)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->reactor = reactor;
	conn->fd = fd;
	conn->phase = CONN_LOGIN;
	conn->receive.done = conn_receive_done;
	conn->send.done = conn_send_done;
	conn->timer.expired = conn_timer_expired;
	list_node_init(&conn->link);
	list_node_init(&conn->arrival);
	if (conn_login_new(conn) < 0) {
		free(conn);
		return NULL;
	}
	return conn;
}

void conn_start(struct reactor *reactor, int fd)
{
	struct target *target = reactor->target;
	char address[PEER_ADDRESS_SIZE];
	struct peer *peer = NULL;
	struct conn *conn;
	int one = 1;

	if (portal_peer_address(fd, address) == 0)
		peer = peers_begin(&target->peers, address, loop_now_ms(reactor->loop));
	conn = peer ? conn_new(reactor, fd) : NULL;
	if (!conn) {
		if (peer)
			peers_end(&target->peers, peer);
		close(fd);
		return;
	}
	conn->peer = peer;
	memcpy(conn->peer_address, address, sizeof(address));
	/* We gather ourselves; a delay would only hurt. It is no loss where it fails. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	list_append(&reactor->conns, &conn->link);
	conn_set_timer(conn, target->settings.login_timeout_ms);
	conn_receive(conn);
}

static void conn_free(struct conn *conn)
{
	struct reactor *reactor = conn->reactor;

	loop_timer_clear(reactor->loop, &conn->timer);
	list_remove(&conn->link);
	conn_login_free(conn);
	close(conn->fd);
	free(conn);
	if (list_is_empty(&reactor->conns)) {
		struct list_node *node;

		buffers_trim(&reactor->buffers);
		while ((node = list_take_first(&reactor->emptied)))
			call_finish(list_entry(node, struct call, link));
	}
}

bool conn_wants_pdus(const struct conn *conn)
{
	if (conn->phase == CONN_LOGIN)
		return !conn_login_is_answered(conn);
	return conn->phase == CONN_FULL_FEATURE && !conn->session->logout;
}

/* --- the end --- */

static bool conn_is_idle(const struct conn *conn)
{
	return !conn->receive.is_in_flight && !conn->send.is_in_flight && !conn->is_flush_posted &&
	       !conn->is_settle_posted && !conn_login_is_leaving(conn);
}

/* Always from the loop, never inside another function of the connection: it may free it. */
static void conn_settle_now(struct loop_task *task)
{
	struct conn *conn = container_of(task, struct conn, settle);

	conn->is_settle_posted = false;
	if (!conn_wants_pdus(conn) && !conn->receive.is_in_flight && conn->rx.command) {
		/* The rest of its PDU will not be looked at. */
		struct command *command = conn->rx.command;

		conn->rx.command = NULL;
		command_release(command);
	}
	if (conn->session)
		session_settle(conn->session);
	if (conn->phase == CONN_CLOSING && !conn->session && conn_is_idle(conn))
		conn_free(conn);
}

void conn_settle(struct conn *conn)
{
	if (conn->is_settle_posted)
		return;
	conn->is_settle_posted = true;
	conn->settle.run = conn_settle_now;
	loop_post(conn->reactor->loop, &conn->settle);
}

/* Out of login, whichever way. */
static void conn_leave_login(struct conn *conn)
{
	if (conn->peer) {
		peers_end(&conn->reactor->target->peers, conn->peer);
		conn->peer = NULL;
	}
	list_remove(&conn->arrival);
}

void conn_finish(struct conn *conn, const char *reason)
{
	if (!conn_is_open(conn))
		return;
	log_debug("connection ends peer=%s reason=\"%s\"", conn->peer_address, reason);
	conn_leave_login(conn);
	conn->reason = reason;
	conn->phase = CONN_FLUSHING;
	conn_set_timer(conn, CONN_LINGER_MS);
	if (conn->session)
		session_stop(conn->session);
	conn_flush_later(conn);
	conn_settle(conn);
}

void conn_linger(struct conn *conn)
{
	conn->phase = CONN_LINGERING;
	(void)shutdown(conn->fd, SHUT_WR); /* the peer may be gone already */
	conn_receive(conn);
}

void conn_drop(struct conn *conn, const char *reason)
{
	if (conn->phase == CONN_CLOSING)
		return;
	if (conn_is_open(conn)) {
		log_debug("connection ends peer=%s reason=\"%s\"", conn->peer_address, reason);
		conn->reason = reason;
	}
	conn_leave_login(conn);
	conn->phase = CONN_CLOSING;
	loop_timer_clear(conn->reactor->loop, &conn->timer);
	(void)shutdown(conn->fd, SHUT_RDWR); /* the peer may be gone already */
	loop_cancel(conn->reactor->loop, &conn->receive);
	loop_cancel(conn->reactor->loop, &conn->send);
	conn_tx_discard(conn);
	if (conn->session)
		session_stop(conn->session);
	conn_settle(conn);
}

/* --- the timer --- */

static void conn_ping(struct conn *conn)
{
	struct conn_tx_pdu *pdu = conn_tx_new(conn);

	conn->pinged_ms = loop_now_ms(conn->reactor->loop);
	if (!pdu)
		return; /* the peer has not read for long: it will not answer this either */
	pdu->bhs.opcode = PDU_NOP_IN;
	pdu->bhs.flags = PDU_FINAL;
	put_be32(pdu->bhs.initiator_task_tag, PDU_TAG_NONE);
	put_be32(((struct pdu_response *)&pdu->bhs)->target_transfer_tag,
		 session_new_transfer_tag(conn->session));
	conn_tx_commit(conn, pdu, CONN_TX_NEXT, NULL, 0);
}

void conn_watch(struct conn *conn)
{
	const struct target_settings *settings = &conn->reactor->target->settings;
	uint64_t now_ms = loop_now_ms(conn->reactor->loop);
	uint64_t idle_ms = now_ms - conn->received_ms;

	if (conn->pinged_ms && conn->received_ms >= conn->pinged_ms)
		conn->pinged_ms = 0; /* whatever came shows that the peer is alive */
	if (conn->pinged_ms) {
		conn_drop(conn, "no answer to NOP-In");
		return;
	}
	if (idle_ms < settings->nop_interval_ms) {
		conn_set_timer(conn, settings->nop_interval_ms - idle_ms);
		return;
	}
	conn_ping(conn);
	conn_set_timer(conn, settings->nop_timeout_ms);
}

static void conn_timer_expired(struct loop_timer *timer)
{
	struct conn *conn = container_of(timer, struct conn, timer);

	switch (conn->phase) {
	case CONN_LOGIN:
	case CONN_MOVING:
		conn_login_expired(conn);
		break;
	case CONN_FULL_FEATURE:
		conn_watch(conn);
		break;
	default:
		conn_drop(conn, "the peer did not read the end");
		break;
	}
}

void conn_ask_logout(struct conn *conn, unsigned grace_ms)
{
	struct conn_tx_pdu *pdu = conn->phase == CONN_FULL_FEATURE ? conn_tx_new(conn) : NULL;
	struct pdu_async *async;

	if (!pdu) {
		conn_drop(conn, "the target is shutting down");
		return;
	}
	async = (struct pdu_async *)&pdu->bhs;
	async->opcode = PDU_ASYNC;
	async->flags = PDU_FINAL;
	async->event = ASYNC_LOGOUT_REQUEST;
	put_be32(async->all_ones, PDU_TAG_NONE);
	put_be16(async->parameter_3, (uint16_t)MIN((grace_ms + 999) / 1000, 65535U));
	conn_tx_commit(conn, pdu, CONN_TX_STATUS, NULL, 0);
}
