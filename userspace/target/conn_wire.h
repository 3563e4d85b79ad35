/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of a connection that touch the wire: what is being received, and the queue of
 * what is being sent. */
#ifndef TARGET_CONN_WIRE_H
#define TARGET_CONN_WIRE_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "iscsi/pdu.h"

#define CONN_RX_SIZE	   32768 /* at least a whole header with AHS, and a login request */
#define CONN_TX_COUNT	   128	 /* PDUs queued or under way */
#define CONN_TX_RESERVE	   8	 /* kept for answers that need no command slot */
#define CONN_TX_SMALL_SIZE 100	 /* sense, or a rejected header */

struct command;

/* Receiving: header, data, then padding and data digest ("tail"). */
struct conn_rx {
	enum {
		CONN_RX_HEADER,
		CONN_RX_DATA,
		CONN_RX_TAIL,
	} part;
	uint8_t buf[CONN_RX_SIZE];
	uint32_t start; /* bytes not looked at: [start, end) */
	uint32_t end;
	struct pdu_bhs bhs; /* of the PDU under way */
	const uint8_t *ahs; /* its additional headers, while its header is looked at */
	uint32_t data_left; /* bytes of its data still to come */
	uint32_t crc;
	uint8_t *to; /* where its data goes; NULL or used up: nowhere */
	uint32_t to_left;
	struct command *command; /* that `to` belongs to */
};

struct conn_tx_pdu {
	struct pdu_bhs bhs;
	uint8_t digest[PDU_DIGEST_SIZE]; /* right behind the header: one piece on the wire */
	uint8_t tail[3 + PDU_DIGEST_SIZE];
	uint8_t head_len; /* of bhs and, where agreed on, digest */
	uint8_t tail_len;
	uint8_t small[CONN_TX_SMALL_SIZE];
	const uint8_t *data;
	uint32_t data_len;
	struct command *command; /* whose buffer `data` is in; NULL: nobody's */
};
static_assert(offsetof(struct conn_tx_pdu, digest) == PDU_BHS_SIZE, "digest follows header");

struct conn_tx {
	struct conn_tx_pdu pdus[CONN_TX_COUNT]; /* a ring */
	unsigned first;
	unsigned count;
	unsigned under_way; /* of them, given to the socket */
	size_t sent;	    /* bytes of those that are out already */
	struct iovec iov[CONN_TX_COUNT * 3];
	struct msghdr message;
};

#endif
