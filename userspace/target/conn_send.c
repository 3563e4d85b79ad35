/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PDUs into bytes. PDUs gather in a ring; at the end of a turn all of them go out in one
 * sendmsg, header, data and padding of each in its place. While one is under way the next ones
 * gather.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "iscsi/pdu_response.h"
#include "target/conn.h"
#include "target/session.h"

static struct conn_tx_pdu *conn_tx_at(struct conn *conn, unsigned index)
{
	return &conn->tx.pdus[(conn->tx.first + index) % CONN_TX_COUNT];
}

struct conn_tx_pdu *conn_tx_new(struct conn *conn)
{
	struct conn_tx_pdu *pdu;

	if (conn->tx.count == CONN_TX_COUNT)
		return NULL;
	pdu = conn_tx_at(conn, conn->tx.count);
	memset(&pdu->bhs, 0, sizeof(pdu->bhs));
	pdu->command = NULL;
	return pdu;
}

static void conn_tx_number(struct conn *conn, struct pdu_response *response,
			   enum conn_tx_sequence sequence)
{
	const struct session *session = conn->session;

	if (sequence != CONN_TX_NONE)
		put_be32(response->stat_sn, conn->stat_sn);
	if (sequence == CONN_TX_STATUS)
		conn->stat_sn++;
	if (session) {
		put_be32(response->exp_cmd_sn, session->exp_cmd_sn);
		put_be32(response->max_cmd_sn, session_max_cmd_sn(session));
	}
}

void conn_tx_commit(struct conn *conn, struct conn_tx_pdu *pdu, enum conn_tx_sequence sequence,
		    const void *data, uint32_t len)
{
	uint32_t pad_len = pdu_pad_len(len);

	put_be24(pdu->bhs.data_segment_length, len);
	conn_tx_number(conn, (struct pdu_response *)&pdu->bhs, sequence);
	pdu->head_len = PDU_BHS_SIZE;
	if (conn->has_header_digest) {
		pdu_header_digest(&pdu->bhs, sizeof(pdu->bhs), pdu->digest);
		pdu->head_len += PDU_DIGEST_SIZE;
	}
	pdu->data = data;
	pdu->data_len = len;
	memset(pdu->tail, 0, pad_len);
	pdu->tail_len = (uint8_t)pad_len;
	if (conn->has_data_digest && len > 0) {
		pdu_data_digest(data, len, pdu->tail + pad_len);
		pdu->tail_len += PDU_DIGEST_SIZE;
	}
	if (pdu->command)
		pdu->command->tx_count++;
	conn->tx.count++;
	conn_flush_later(conn);
}

static void conn_tx_drop_command(struct conn_tx_pdu *pdu)
{
	struct command *command = pdu->command;

	if (!command)
		return;
	pdu->command = NULL;
	command->tx_count--;
	command_release(command);
}

void conn_tx_discard(struct conn *conn)
{
	while (conn->tx.count > conn->tx.under_way) {
		conn->tx.count--;
		conn_tx_drop_command(conn_tx_at(conn, conn->tx.count));
	}
}

static void conn_tx_pop(struct conn *conn)
{
	conn_tx_drop_command(conn_tx_at(conn, 0));
	conn->tx.first = (conn->tx.first + 1) % CONN_TX_COUNT;
	conn->tx.count--;
	conn->tx.under_way--;
}

/* `*skip` bytes of what follows are out already. */
static void conn_tx_gather(struct conn *conn, const void *data, size_t len, size_t *skip)
{
	size_t out = MIN(*skip, len);

	*skip -= out;
	if (len == out)
		return;
	conn->tx.iov[conn->tx.message.msg_iovlen++] =
		(struct iovec){(uint8_t *)(uintptr_t)data + out, len - out};
}

static void conn_send(struct conn *conn)
{
	struct conn_tx *tx = &conn->tx;
	size_t skip = tx->sent;

	tx->message = (struct msghdr){.msg_iov = tx->iov};
	for (unsigned i = 0; i < tx->count; i++) {
		struct conn_tx_pdu *pdu = conn_tx_at(conn, i);

		conn_tx_gather(conn, &pdu->bhs, pdu->head_len, &skip);
		conn_tx_gather(conn, pdu->data, pdu->data_len, &skip);
		conn_tx_gather(conn, pdu->tail, pdu->tail_len, &skip);
	}
	tx->under_way = tx->count;
	loop_sendmsg(conn->reactor->loop, &conn->send, conn->fd, &tx->message);
}

static void conn_flush(struct loop_task *task)
{
	struct conn *conn = container_of(task, struct conn, flush);

	conn->is_flush_posted = false;
	if (conn->phase == CONN_CLOSING) {
		conn_settle(conn);
		return;
	}
	if (conn->send.is_in_flight)
		return;
	if (conn->session)
		session_fill(conn->session);
	if (conn->tx.count > 0)
		conn_send(conn);
	else if (conn->phase == CONN_FLUSHING)
		conn_linger(conn);
}

void conn_flush_later(struct conn *conn)
{
	if (conn->is_flush_posted || conn->send.is_in_flight)
		return;
	conn->is_flush_posted = true;
	conn->flush.run = conn_flush;
	loop_post(conn->reactor->loop, &conn->flush);
}

void conn_send_done(struct loop_op *op, int result)
{
	struct conn *conn = container_of(op, struct conn, send);
	struct conn_tx *tx = &conn->tx;

	if (conn->phase == CONN_CLOSING || result <= 0) {
		while (tx->under_way > 0)
			conn_tx_pop(conn);
		conn_drop(conn, "cannot send to the peer");
		conn_settle(conn);
		return;
	}
	tx->sent += (size_t)result;
	while (tx->under_way > 0) {
		const struct conn_tx_pdu *pdu = conn_tx_at(conn, 0);
		size_t len = (size_t)pdu->head_len + pdu->data_len + pdu->tail_len;

		if (tx->sent < len)
			break;
		tx->sent -= len;
		conn_tx_pop(conn);
	}
	tx->under_way = 0;
	if (tx->count == 0 && conn->session && conn->login)
		conn_login_free(conn); /* its last answer is out */
	conn_flush_later(conn);
	if (conn->is_receive_paused)
		conn_receive(conn);
}

void conn_reject(struct conn *conn, uint8_t reason)
{
	struct conn_tx_pdu *pdu = conn_tx_new(conn);

	if (!pdu) {
		conn_drop(conn, "too many bad requests");
		return;
	}
	pdu->bhs.opcode = PDU_REJECT;
	pdu->bhs.flags = PDU_FINAL;
	pdu->bhs.specific_2[0] = reason;
	put_be32(pdu->bhs.initiator_task_tag, PDU_TAG_NONE);
	memcpy(pdu->small, &conn->rx.bhs, sizeof(conn->rx.bhs));
	conn_tx_commit(conn, pdu, CONN_TX_STATUS, pdu->small, sizeof(conn->rx.bhs));
}
