/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iscsi/keys.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

enum key_kind {
	KEY_MINIMUM,	    /* a number; the lesser of offer and ours */
	KEY_MAXIMUM,	    /* a number; the greater */
	KEY_AND,	    /* Yes if both say Yes */
	KEY_OR,		    /* Yes if one says Yes */
	KEY_DIGEST,	    /* a list; the first of it that is CRC32C or None */
	KEY_DECLARED,	    /* a number that the initiator declares; no answer */
	KEY_TASK_REPORTING, /* a list; RFC3720 is the only one we do */
	KEY_OBSOLETE,	    /* RFC 7143, 13.26: always rejected */
};

struct key {
	const char *name;
	enum key_kind kind;
	uint32_t min;
	uint32_t max;
	uint32_t initial; /* the standard's default */
	uint32_t ours;
	size_t destination; /* offset in struct key_values */
};

#define TO(member) offsetof(struct key_values, member)

static const struct key key_table[] = {
	{"HeaderDigest", KEY_DIGEST, 0, 1, 0, 1, TO(header_digest)},
	{"DataDigest", KEY_DIGEST, 0, 1, 0, 1, TO(data_digest)},
	{"MaxConnections", KEY_MINIMUM, 1, 65535, 1, 1, TO(max_connections)},
	{"InitialR2T", KEY_OR, 0, 1, 1, 0, TO(initial_r2t)},
	{"ImmediateData", KEY_AND, 0, 1, 1, 1, TO(immediate_data)},
	{"MaxRecvDataSegmentLength", KEY_DECLARED, 512, 0xffffff, 8192, 0,
	 TO(initiator_max_recv_data_segment_length)},
	{"MaxBurstLength", KEY_MINIMUM, 512, 0xffffff, 262144, KEYS_MAX_BURST_LENGTH,
	 TO(max_burst_length)},
	{"FirstBurstLength", KEY_MINIMUM, 512, 0xffffff, 65536, KEYS_FIRST_BURST_LENGTH,
	 TO(first_burst_length)},
	{"DefaultTime2Wait", KEY_MAXIMUM, 0, 3600, 2, 0, TO(default_time2wait)},
	{"DefaultTime2Retain", KEY_MINIMUM, 0, 3600, 20, 0, TO(default_time2retain)},
	{"MaxOutstandingR2T", KEY_MINIMUM, 1, 65535, 1, KEYS_MAX_OUTSTANDING_R2T,
	 TO(max_outstanding_r2t)},
	{"DataPDUInOrder", KEY_OR, 0, 1, 1, 1, TO(data_pdu_in_order)},
	{"DataSequenceInOrder", KEY_OR, 0, 1, 1, 1, TO(data_sequence_in_order)},
	{"ErrorRecoveryLevel", KEY_MINIMUM, 0, 2, 0, 0, TO(error_recovery_level)},
	{"iSCSIProtocolLevel", KEY_MINIMUM, 0, 31, 1, 1, TO(protocol_level)},
	{"TaskReporting", KEY_TASK_REPORTING, 0, 0, 0, 0, 0},
	{"IFMarker", KEY_OBSOLETE, 0, 0, 0, 0, 0},
	{"OFMarker", KEY_OBSOLETE, 0, 0, 0, 0, 0},
	{"IFMarkInt", KEY_OBSOLETE, 0, 0, 0, 0, 0},
	{"OFMarkInt", KEY_OBSOLETE, 0, 0, 0, 0, 0},
};
static_assert(ARRAY_SIZE(key_table) <= 32, "a bit for each row in keys.seen");

static bool key_has_destination(const struct key *key)
{
	return key->kind <= KEY_DECLARED;
}

static uint32_t *key_destination(const struct key *key, struct keys *keys)
{
	return (uint32_t *)((char *)&keys->values + key->destination);
}

void keys_init(struct keys *keys)
{
	*keys = (struct keys){0};
	for (unsigned i = 0; i < ARRAY_SIZE(key_table); i++)
		if (key_has_destination(&key_table[i]))
			*key_destination(&key_table[i], keys) = key_table[i].initial;
}

static const struct key *key_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(key_table); i++)
		if (strcmp(key_table[i].name, name) == 0)
			return &key_table[i];
	return NULL;
}

static void key_reject(const struct key *key, struct text_writer *answer)
{
	text_add(answer, key->name, "Reject");
}

static void key_settle_number(const struct key *key, struct keys *keys, const char *value,
			      struct text_writer *answer)
{
	uint32_t *to = key_destination(key, keys);
	uint64_t number;

	if (text_number(value, &number) < 0 || number < key->min || number > key->max) {
		key_reject(key, answer);
		return;
	}
	if (key->destination == TO(first_burst_length))
		keys->offered_first_burst = (uint32_t)number;
	if (key->destination == TO(max_burst_length))
		keys->offered_max_burst = (uint32_t)number;
	*to = key->kind == KEY_MINIMUM ? MIN((uint32_t)number, key->ours)
				       : MAX((uint32_t)number, key->ours);
	text_add(answer, key->name, "%u", *to);
}

static void key_settle_boolean(const struct key *key, struct keys *keys, const char *value,
			       struct text_writer *answer)
{
	uint32_t *to = key_destination(key, keys);
	bool is_yes = strcmp(value, "Yes") == 0;

	if (!is_yes && strcmp(value, "No") != 0) {
		key_reject(key, answer);
		return;
	}
	*to = key->kind == KEY_AND ? (is_yes && key->ours) : (is_yes || key->ours);
	text_add(answer, key->name, "%s", *to ? "Yes" : "No");
}

static void key_settle_digest(const struct key *key, struct keys *keys, const char *value,
			      struct text_writer *answer)
{
	while (value) {
		size_t len = strcspn(value, ",");

		if ((len == 6 && memcmp(value, "CRC32C", 6) == 0) ||
		    (len == 4 && memcmp(value, "None", 4) == 0)) {
			*key_destination(key, keys) = len == 6;
			text_add(answer, key->name, "%s", len == 6 ? "CRC32C" : "None");
			return;
		}
		value = value[len] ? value + len + 1 : NULL;
	}
	key_reject(key, answer);
}

static int key_declare(const struct key *key, struct keys *keys, const char *value)
{
	uint64_t number;

	if (text_number(value, &number) < 0 || number < key->min || number > key->max)
		return -EPROTO;
	*key_destination(key, keys) = (uint32_t)number;
	return 0;
}

static int key_settle(const struct key *key, struct keys *keys, const char *value,
		      struct text_writer *answer)
{
	switch (key->kind) {
	case KEY_MINIMUM:
	case KEY_MAXIMUM:
		key_settle_number(key, keys, value, answer);
		break;
	case KEY_AND:
	case KEY_OR:
		key_settle_boolean(key, keys, value, answer);
		break;
	case KEY_DIGEST:
		key_settle_digest(key, keys, value, answer);
		break;
	case KEY_DECLARED:
		return key_declare(key, keys, value);
	case KEY_TASK_REPORTING:
		text_add(answer, key->name, "%s",
			 text_list_has(value, "RFC3720") ? "RFC3720" : "Reject");
		break;
	case KEY_OBSOLETE:
		key_reject(key, answer);
		break;
	}
	return 0;
}

int keys_offer(struct keys *keys, const struct text_pair *pair, struct text_writer *answer)
{
	const struct key *key = key_find(pair->key);
	uint32_t bit;

	if (!key)
		return -ENOENT;
	bit = UINT32_C(1) << (key - key_table);
	if (!pair->is_ascii || keys->seen & bit)
		return -EPROTO;
	keys->seen |= bit;
	return key_settle(key, keys, pair->value, answer);
}

int keys_offer_in_full_feature(struct keys *keys, const struct text_pair *pair,
			       struct text_writer *answer)
{
	const struct key *key = key_find(pair->key);

	if (!key)
		return -ENOENT;
	if (!pair->is_ascii)
		return -EPROTO;
	if (key->kind == KEY_DECLARED)
		return key_declare(key, keys, pair->value);
	key_reject(key, answer);
	return 0;
}

int keys_finish(const struct keys *keys)
{
	if (keys->offered_max_burst && keys->offered_first_burst > keys->offered_max_burst)
		return -EPROTO;
	if (keys->values.first_burst_length > keys->values.max_burst_length)
		return -EPROTO;
	return 0;
}
