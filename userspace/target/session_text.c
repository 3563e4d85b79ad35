/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text requests in full feature phase (RFC 7143, 11.10 and appendix C): SendTargets, and keys
 * that may still change. Question and answer may each span several PDUs; a target transfer tag
 * ties them together, and one text is open at a time.
 *
 * "All" is answered in discovery only: appendix C forbids it in a normal session, which may ask
 * for its own target.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/portal.h"
#include "target/session.h"

#define TEXT_IN_MAX	  16384
#define TEXT_REQUESTS_MAX 64
#define TEXT_ANSWER_MAX	  8192
/* A target with its name and the address of one portal. */
#define TEXT_TARGET_MAX	 (16 + ISCSI_NAME_SIZE)
#define TEXT_ADDRESS_MAX (24 + PORTAL_ADDRESS_SIZE)

void session_text_reset(struct session_text *text)
{
	free(text->in);
	free(text->out);
	*text = (struct session_text){.target_transfer_tag = PDU_TAG_NONE};
}

/* --- SendTargets --- */

static bool text_shows_target(struct session *session, const struct export *export,
			      const char *which)
{
	if (!export_access(export, session->record.initiator))
		return false;
	if (session->export)
		return export == session->export && (!*which || strcmp(which, export->name) == 0);
	return strcmp(which, "All") == 0 || strcmp(which, export->name) == 0;
}

static void text_add_target(struct session *session, const struct export *export,
			    struct text_writer *writer)
{
	char address[PORTAL_ADDRESS_SIZE];

	text_add(writer, "TargetName", "%s", export->name);
	list_for_each (&session->target->portals, portal, struct portal, link)
		if (portal_address(portal, session->conn->fd, address) == 0)
			text_add(writer, "TargetAddress", "%s,%u", address, LOGIN_PORTAL_GROUP_TAG);
}

/* Room for the targets there are, and for the answers to other keys. */
static size_t text_answer_size(const struct target *target)
{
	size_t exports = 0, portals = 0;

	list_for_each (&target->exports, export, struct export, link)
		exports++;
	list_for_each (&target->portals, portal, struct portal, link)
		portals++;
	return TEXT_ANSWER_MAX + exports * (TEXT_TARGET_MAX + portals * TEXT_ADDRESS_MAX);
}

static void text_send_targets(struct session *session, const char *which,
			      struct text_writer *writer)
{
	if (session->export && strcmp(which, "All") == 0) {
		text_add(writer, "SendTargets", "Reject");
		return;
	}
	list_for_each (&session->target->exports, export, struct export, link)
		if (text_shows_target(session, export, which))
			text_add_target(session, export, writer);
}

/* --- the question --- */

static int text_take_pair(struct session *session, const struct text_pair *pair,
			  struct text_writer *writer)
{
	int ret;

	if (strcmp(pair->key, "SendTargets") == 0) {
		text_send_targets(session, pair->value, writer);
		return 0;
	}
	if (strcmp(pair->key, "InitiatorAlias") == 0)
		return 0;
	ret = keys_offer_in_full_feature(&session->keys, pair, writer);
	if (ret == -ENOENT) {
		text_add(writer, pair->key, "NotUnderstood");
		return 0;
	}
	return ret;
}

/* With target->lock held. */
static int text_compose(struct session *session, struct text_pairs *pairs)
{
	struct session_text *text = &session->text;
	struct text_writer writer = {.size = text_answer_size(session->target)};
	int ret = text_parse(text->in, text->in_len, pairs);

	if (ret < 0)
		return ret;
	writer.data = malloc(writer.size);
	if (!writer.data)
		return -ENOMEM;
	text->out = writer.data;
	for (unsigned i = 0; ret == 0 && i < pairs->count; i++)
		ret = text_take_pair(session, &pairs->list[i], &writer);
	text->out_len = (uint32_t)writer.len;
	return ret == 0 && writer.is_cut ? -E2BIG : ret;
}

static int text_answer(struct session *session)
{
	struct text_pairs *pairs = malloc(sizeof(*pairs));
	int ret;

	if (!pairs)
		return -ENOMEM;
	pthread_mutex_lock(&session->target->lock);
	ret = text_compose(session, pairs);
	pthread_mutex_unlock(&session->target->lock);
	free(pairs);
	session->conn->max_send_len = session->keys.values.initiator_max_recv_data_segment_length;
	return ret;
}

/* Put this PDU's text behind what came before: 0 or -E2BIG, -ENOMEM. */
static int text_gather(struct session_text *text, const struct command *command)
{
	if (++text->request_count > TEXT_REQUESTS_MAX ||
	    command->data_len > TEXT_IN_MAX - text->in_len)
		return -E2BIG;
	if (!text->in)
		text->in = malloc(TEXT_IN_MAX);
	if (!text->in)
		return -ENOMEM;
	if (command->data_len > 0)
		memcpy(text->in + text->in_len, command->buffer.data, command->data_len);
	text->in_len += command->data_len;
	return 0;
}

/* --- the answer --- */

static int text_put(struct session *session, struct command *command, uint32_t len)
{
	struct buffers *buffers = &session->conn->reactor->buffers;

	buffers_put(buffers, &command->buffer);
	command->data_len = 0;
	if (len == 0)
		return 0;
	if (buffers_get(buffers, len, &command->buffer) < 0)
		return -ENOMEM;
	memcpy(command->buffer.data, session->text.out + session->text.out_sent, len);
	command->data_len = len;
	session->text.out_sent += len;
	return 0;
}

/* The next piece of the answer, as long as the initiator can take. */
static int text_continue(struct session *session, struct command *command)
{
	struct session_text *text = &session->text;
	uint32_t left = text->out_len - text->out_sent;
	uint32_t len = MIN(MIN(left, session->conn->max_send_len), (uint32_t)BUFFER_SIZE_MAX);
	int ret = text_put(session, command, len);

	if (ret < 0)
		return ret;
	if (len < left) {
		command->text_flags = PDU_CONTINUE;
		return 0;
	}
	if (command->bhs.flags & PDU_FINAL) {
		command->text_flags = PDU_FINAL;
		session_text_reset(text);
	}
	return 0;
}

static int text_feed(struct session *session, struct command *command)
{
	struct session_text *text = &session->text;
	int ret;

	if (text->out && text->out_sent < text->out_len)
		return text_continue(session, command);
	if (text->out) { /* answered before; the initiator goes on with more keys */
		uint32_t tag = text->target_transfer_tag;

		session_text_reset(text);
		text->target_transfer_tag = tag;
	}
	ret = text_gather(text, command);
	if (ret < 0)
		return ret;
	if (command->bhs.flags & PDU_CONTINUE)
		return text_put(session, command, 0); /* an empty answer: go on */
	ret = text_answer(session);
	return ret < 0 ? ret : text_continue(session, command);
}

static uint8_t text_judge(const struct session *session, const struct pdu_text_request *request)
{
	uint32_t tag = get_be32(request->target_transfer_tag);

	if (request->flags & PDU_FINAL && request->flags & PDU_CONTINUE)
		return REJECT_PROTOCOL_ERROR;
	if (tag != PDU_TAG_NONE && tag != session->text.target_transfer_tag)
		return REJECT_INVALID_PDU_FIELD;
	return 0;
}

void session_take_text(struct session *session, struct command *command)
{
	const struct pdu_text_request *request = (const void *)&command->bhs;
	uint8_t reason = text_judge(session, request);
	int ret;

	if (reason == 0 && get_be32(request->target_transfer_tag) == PDU_TAG_NONE) {
		session_text_reset(&session->text);
		session->text.target_transfer_tag = session_new_transfer_tag(session);
	}
	if (reason == 0) {
		ret = text_feed(session, command);
		if (ret < 0)
			reason = ret == -ENOMEM ? REJECT_LONG_OPERATION : REJECT_PROTOCOL_ERROR;
	}
	if (reason == 0) {
		command_answer(command);
		return;
	}
	session_text_reset(&session->text);
	conn_reject(session->conn, reason);
	command_end(command);
}
