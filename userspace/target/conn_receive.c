/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes into PDUs. Headers are read into a buffer together with whatever follows; data beyond it
 * is received straight to its place, and the next headers behind it into the buffer again, in
 * one call.
 */
#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "iscsi/pdu_response.h"
#include "target/conn.h"
#include "target/session.h"

static uint32_t rx_available(const struct conn_rx *rx)
{
	return rx->end - rx->start;
}

static bool conn_is_login(const struct conn *conn)
{
	return conn->phase == CONN_LOGIN;
}

/* Room for what the next PDU may have us say; in login one answer at a time. */
static bool conn_must_pause(const struct conn *conn)
{
	if (conn_is_login(conn))
		return conn->tx.count > 0;
	return conn->tx.count > CONN_TX_COUNT - CONN_TX_RESERVE;
}

static void rx_begin_data(struct conn *conn)
{
	struct conn_rx *rx = &conn->rx;

	rx->part = CONN_RX_DATA;
	rx->data_left = pdu_data_len(&rx->bhs);
	rx->crc = 0;
	rx->to = NULL;
	rx->to_left = 0;
	rx->command = NULL;
}

/* True: there was a whole header, and it is dealt with. */
static bool conn_take_header(struct conn *conn)
{
	struct conn_rx *rx = &conn->rx;
	const uint8_t *at = rx->buf + rx->start;
	uint8_t digest[PDU_DIGEST_SIZE];
	uint32_t len, digest_len = conn->has_header_digest ? PDU_DIGEST_SIZE : 0;

	if (rx_available(rx) < PDU_BHS_SIZE)
		return false;
	memcpy(&rx->bhs, at, PDU_BHS_SIZE);
	len = PDU_BHS_SIZE + pdu_ahs_len(&rx->bhs);
	if (rx_available(rx) < len + digest_len)
		return false;
	if (digest_len > 0) {
		pdu_header_digest(at, len, digest);
		if (memcmp(digest, at + len, digest_len) != 0) {
			conn_drop(conn, "header digest error");
			return true;
		}
	}
	rx->ahs = at + PDU_BHS_SIZE;
	rx->start += len + digest_len;
	rx_begin_data(conn);
	if (conn_is_login(conn))
		conn_login_header(conn);
	else
		session_header(conn->session);
	return true;
}

static void rx_count_data(struct conn *conn, const uint8_t *data, uint32_t len)
{
	if (conn->has_data_digest)
		conn->rx.crc = crc32c(conn->rx.crc, data, len);
	conn->rx.data_left -= len;
}

static bool conn_take_data(struct conn *conn)
{
	struct conn_rx *rx = &conn->rx;
	uint32_t len = MIN(rx_available(rx), rx->data_left);
	uint32_t kept = MIN(len, rx->to_left);

	if (kept > 0) {
		memcpy(rx->to, rx->buf + rx->start, kept);
		rx->to += kept;
		rx->to_left -= kept;
	}
	rx_count_data(conn, rx->buf + rx->start, len);
	rx->start += len;
	if (rx->data_left > 0)
		return false;
	rx->part = CONN_RX_TAIL;
	return true;
}

static bool conn_take_tail(struct conn *conn)
{
	struct conn_rx *rx = &conn->rx;
	uint32_t data_len = pdu_data_len(&rx->bhs), pad_len = pdu_pad_len(data_len);
	uint32_t digest_len = conn->has_data_digest && data_len > 0 ? PDU_DIGEST_SIZE : 0;
	const uint8_t *at = rx->buf + rx->start;
	struct command *command;
	bool is_good = true;

	if (rx_available(rx) < pad_len + digest_len)
		return false;
	if (digest_len > 0)
		is_good = crc32c(rx->crc, at, pad_len) == get_le32(at + pad_len);
	rx->start += pad_len + digest_len;
	rx->part = CONN_RX_HEADER;
	if (conn_is_login(conn)) {
		conn_login_pdu(conn);
		return true;
	}
	session_pdu(conn->session, is_good);
	command = rx->command;
	rx->command = NULL;
	if (command)
		command_release(command);
	return true;
}

/* One step; false if more bytes are needed for the next. */
static bool conn_take(struct conn *conn)
{
	switch (conn->rx.part) {
	case CONN_RX_HEADER:
		return conn_take_header(conn);
	case CONN_RX_DATA:
		return conn_take_data(conn);
	default:
		return conn_take_tail(conn);
	}
}

/* Ask for bytes: what is missing of the data to its place, and all else to the buffer. */
static void conn_receive_start(struct conn *conn)
{
	struct conn_rx *rx = &conn->rx;
	struct iovec *iov = conn->receive_iov;
	unsigned count = 0;

	memmove(rx->buf, rx->buf + rx->start, rx_available(rx));
	rx->end -= rx->start;
	rx->start = 0;
	/* Data of which only a part is kept goes through the buffer to its end. */
	if (rx->part == CONN_RX_DATA && rx->to_left > 0 && rx->to_left == rx->data_left)
		iov[count++] = (struct iovec){rx->to, rx->to_left};
	iov[count++] = (struct iovec){rx->buf + rx->end, CONN_RX_SIZE - rx->end};
	conn->receive_message = (struct msghdr){.msg_iov = iov, .msg_iovlen = count};
	loop_recvmsg(conn->reactor->loop, &conn->receive, conn->fd, &conn->receive_message);
}

void conn_receive(struct conn *conn)
{
	conn->is_receive_paused = false;
	while (conn_wants_pdus(conn)) {
		if (conn->rx.part == CONN_RX_HEADER && conn_must_pause(conn)) {
			conn->is_receive_paused = true;
			return;
		}
		if (!conn_take(conn))
			break;
	}
	if (conn->phase == CONN_LINGERING) {
		conn->rx.part = CONN_RX_HEADER;
		conn->rx.start = conn->rx.end;
	}
	if ((conn_wants_pdus(conn) || conn->phase == CONN_LINGERING) && !conn->receive.is_in_flight)
		conn_receive_start(conn);
}

/* The bytes that went straight to a command's buffer. */
static uint32_t rx_count_direct(struct conn *conn, uint32_t len)
{
	struct conn_rx *rx = &conn->rx;
	uint32_t direct;

	if (conn->receive_message.msg_iovlen == 1)
		return 0;
	direct = MIN(len, rx->to_left);
	rx_count_data(conn, rx->to, direct);
	rx->to += direct;
	rx->to_left -= direct;
	return direct;
}

void conn_receive_done(struct loop_op *op, int result)
{
	struct conn *conn = container_of(op, struct conn, receive);
	struct command *command = conn->rx.command;
	uint32_t len = result > 0 ? (uint32_t)result : 0;

	if (result <= 0)
		conn_drop(conn,
			  result == 0 ? "the peer closed the connection" : "the connection failed");
	if (!conn_is_open(conn)) {
		/* Nothing is looked at any more; the command's memory is its own again. */
		conn->rx.command = NULL;
		if (command)
			command_release(command);
		if (conn->phase == CONN_LINGERING)
			conn_receive(conn);
		conn_settle(conn);
		return;
	}
	conn->received_ms = loop_now_ms(conn->reactor->loop);
	conn->rx.end += len - rx_count_direct(conn, len);
	conn_receive(conn);
}
