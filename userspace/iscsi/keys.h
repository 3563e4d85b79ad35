/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Negotiation of operational keys by the target, which only answers (RFC 7143, 6.2 and 13). One
 * row of a table says all about a key: its kind (which result function), its range, its
 * default, what this target offers, and where the result goes.
 *
 * Keys of login itself (names, SessionType, AuthMethod, CHAP) are login's own.
 */
#ifndef ISCSI_KEYS_H
#define ISCSI_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "iscsi/text.h"

/* What this target declares and offers. */
#define KEYS_MAX_RECV_DATA_SEGMENT_LENGTH 262144
#define KEYS_MAX_BURST_LENGTH		  1048576
#define KEYS_FIRST_BURST_LENGTH		  262144
#define KEYS_MAX_OUTSTANDING_R2T	  8

/* Results; booleans and digests are 0 or 1. */
struct key_values {
	uint32_t header_digest;
	uint32_t data_digest;
	uint32_t max_connections;
	uint32_t initial_r2t;
	uint32_t immediate_data;
	uint32_t initiator_max_recv_data_segment_length;
	uint32_t max_burst_length;
	uint32_t first_burst_length;
	uint32_t default_time2wait;
	uint32_t default_time2retain;
	uint32_t max_outstanding_r2t;
	uint32_t data_pdu_in_order;
	uint32_t data_sequence_in_order;
	uint32_t error_recovery_level;
	uint32_t protocol_level;
};

struct keys {
	struct key_values values;
	uint32_t seen; /* bit per row: was negotiated in this login */
	uint32_t offered_first_burst;
	uint32_t offered_max_burst;
};

/* Everything at its default. */
void keys_init(struct keys *keys);

/*
 * An offer or declaration during login: adds the answer if there is one. -ENOENT: not an
 * operational key (nothing is added). -EPROTO: the login must fail with "initiator error"
 * (negotiated twice, a declaration out of range, bytes that are not ASCII).
 */
int keys_offer(struct keys *keys, const struct text_pair *pair, struct text_writer *answer);

/* The same in full feature phase: only a declaration may change; other keys are rejected. */
int keys_offer_in_full_feature(struct keys *keys, const struct text_pair *pair,
			       struct text_writer *answer);

/* At the end of login: -EPROTO if FirstBurstLength exceeds MaxBurstLength (13.14). */
int keys_finish(const struct keys *keys);

#endif
