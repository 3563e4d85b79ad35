/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Login: headers, stages, names and operational keys; authentication is in login_security.c. */
#include "target/login.h"

#include <errno.h>
#include <string.h>

void login_init(struct login *login, struct login_host *host)
{
	memset(login, 0, sizeof(*login));
	login->host = host;
	keys_init(&login->keys);
}

void login_fini(struct login *login)
{
	explicit_bzero(&login->access, sizeof(login->access));
}

static enum login_status login_fail(struct login *login, enum login_status status,
				    const char *reason)
{
	login->reason = reason;
	return status;
}

static bool login_is_security(const struct login *login)
{
	return login->state <= LOGIN_SECURED;
}

/* --- the header --- */

static enum login_status login_check_stages(struct login *login, uint8_t flags)
{
	unsigned csg = LOGIN_CSG(flags), nsg = LOGIN_NSG(flags);

	if (csg > LOGIN_OPERATIONAL_NEGOTIATION)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "no such login stage");
	if (!(flags & LOGIN_TRANSIT))
		return LOGIN_SUCCESS;
	if (flags & PDU_CONTINUE)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "transit with text unfinished");
	if (nsg == 2 || nsg <= csg)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "transit to a wrong stage");
	return LOGIN_SUCCESS;
}

static enum login_status login_check_first(struct login *login,
					   const struct pdu_login_request *request)
{
	memcpy(login->isid, request->isid, sizeof(login->isid));
	login->tsih = get_be16(request->tsih);
	login->cid = get_be16(request->cid);
	login->initiator_task_tag = get_be32(request->initiator_task_tag);
	login->cmd_sn = get_be32(request->cmd_sn);
	login->exp_stat_sn = get_be32(request->exp_stat_sn);
	if (request->version_min > 0)
		return login_fail(login, LOGIN_UNSUPPORTED_VERSION, "unknown protocol version");
	return LOGIN_SUCCESS;
}

static enum login_status login_check_later(struct login *login,
					   const struct pdu_login_request *request)
{
	bool is_operational = LOGIN_CSG(request->flags) == LOGIN_OPERATIONAL_NEGOTIATION;

	if (memcmp(login->isid, request->isid, sizeof(login->isid)) != 0 ||
	    login->tsih != get_be16(request->tsih) || login->cid != get_be16(request->cid) ||
	    login->initiator_task_tag != get_be32(request->initiator_task_tag))
		return login_fail(login, LOGIN_INVALID_REQUEST, "the login changed its identity");
	if (login->has_names && is_operational == login_is_security(login))
		return login_fail(login, LOGIN_INITIATOR_ERROR, "not the stage agreed on");
	return LOGIN_SUCCESS;
}

static enum login_status login_check_header(struct login *login,
					    const struct pdu_login_request *request, uint32_t len)
{
	enum login_status status;

	if (request->total_ahs_length != 0)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "additional header in login");
	if (len > LOGIN_DATA_LEN_MAX)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "login request too long");
	status = login->request_count++ == 0 ? login_check_first(login, request)
					     : login_check_later(login, request);
	if (status == LOGIN_SUCCESS && login->request_count > LOGIN_REQUESTS_MAX)
		return login_fail(login, LOGIN_OUT_OF_RESOURCES, "too many login requests");
	return status == LOGIN_SUCCESS ? login_check_stages(login, request->flags) : status;
}

/* --- the first text: who, what for, where to --- */

static enum login_status login_take_name(struct login *login, const char *key,
					 char out_name[ISCSI_NAME_SIZE])
{
	const char *value = text_find(&login->pairs, key);

	if (!value || !*value)
		return login_fail(login, LOGIN_MISSING_PARAMETER, "a name is missing");
	if (strlen(value) > ISCSI_NAME_LEN_MAX)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "a name is too long");
	memcpy(out_name, value, strlen(value) + 1);
	return LOGIN_SUCCESS;
}

static enum login_status login_take_session_type(struct login *login)
{
	const char *type = text_find(&login->pairs, "SessionType");

	if (!type || strcmp(type, "Normal") == 0)
		return LOGIN_SUCCESS;
	if (strcmp(type, "Discovery") != 0)
		return login_fail(login, LOGIN_SESSION_TYPE_NOT_SUPPORTED, "unknown session type");
	login->is_discovery = true;
	return LOGIN_SUCCESS;
}

static enum login_status login_take_names(struct login *login, uint8_t flags)
{
	enum login_status status;

	status = login_take_name(login, "InitiatorName", login->initiator);
	if (status == LOGIN_SUCCESS)
		status = login_take_session_type(login);
	if (status == LOGIN_SUCCESS && !login->is_discovery)
		status = login_take_name(login, "TargetName", login->target_name);
	if (status != LOGIN_SUCCESS)
		return status;
	status = login->host->authorize(login->host, login, &login->access);
	if (status != LOGIN_SUCCESS)
		return login_fail(login, status, "not admitted");
	if (login->tsih != 0)
		return login_fail(login, login->host->refuse_join(login->host, login),
				  "joins a session");
	login->has_names = true;
	if (!login->is_discovery)
		text_add(&login->answer, "TargetPortalGroupTag", "%u", LOGIN_PORTAL_GROUP_TAG);
	if (LOGIN_CSG(flags) == LOGIN_SECURITY_NEGOTIATION)
		return LOGIN_SUCCESS;
	if (*login->access.chap_user && !login->is_discovery)
		return login_fail(login, LOGIN_AUTHENTICATION_FAILURE, "skips authentication");
	login->state = LOGIN_OPERATIONAL;
	return LOGIN_SUCCESS;
}

/* --- keys --- */

/* How a key that is none of keys.h is treated in each stage. */
static const struct login_key {
	const char *name;
	enum {
		LOGIN_KEY_NAME,	   /* read with the first text, an error later */
		LOGIN_KEY_ALIAS,   /* told, of no consequence */
		LOGIN_KEY_SECURE,  /* read by login_security.c, in its stage only */
		LOGIN_KEY_TARGETS, /* what only a target says, or only later: rejected */
	} kind;
} login_keys[] = {
	{"InitiatorName", LOGIN_KEY_NAME},
	{"TargetName", LOGIN_KEY_NAME},
	{"SessionType", LOGIN_KEY_NAME},
	{"InitiatorAlias", LOGIN_KEY_ALIAS},
	{"AuthMethod", LOGIN_KEY_SECURE},
	{"CHAP_A", LOGIN_KEY_SECURE},
	{"CHAP_I", LOGIN_KEY_SECURE},
	{"CHAP_C", LOGIN_KEY_SECURE},
	{"CHAP_N", LOGIN_KEY_SECURE},
	{"CHAP_R", LOGIN_KEY_SECURE},
	{"TargetAlias", LOGIN_KEY_TARGETS},
	{"TargetAddress", LOGIN_KEY_TARGETS},
	{"TargetPortalGroupTag", LOGIN_KEY_TARGETS},
	{"SendTargets", LOGIN_KEY_TARGETS},
};

static const struct login_key *login_key_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(login_keys); i++)
		if (strcmp(login_keys[i].name, name) == 0)
			return &login_keys[i];
	return NULL;
}

static enum login_status login_take_pair(struct login *login, const struct text_pair *pair,
					 bool is_first)
{
	const struct login_key *key = login_key_find(pair->key);
	int ret;

	if (key && key->kind == LOGIN_KEY_ALIAS)
		return LOGIN_SUCCESS; /* the only value that may be any UTF-8 */
	if (!pair->is_ascii)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "text is not ASCII");
	if (key && key->kind == LOGIN_KEY_NAME)
		return is_first ? LOGIN_SUCCESS
				: login_fail(login, LOGIN_INITIATOR_ERROR, "a name came twice");
	if (key && key->kind == LOGIN_KEY_SECURE)
		return login_is_security(login)
			       ? LOGIN_SUCCESS
			       : login_fail(login, LOGIN_INITIATOR_ERROR, "security key too late");
	if (key) {
		text_add(&login->answer, pair->key, "Reject");
		return LOGIN_SUCCESS;
	}
	ret = keys_offer(&login->keys, pair, &login->answer);
	if (ret == -ENOENT)
		text_add(&login->answer, pair->key, "NotUnderstood");
	if (ret == -EPROTO)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "bad operational key");
	return LOGIN_SUCCESS;
}

static enum login_status login_take_text(struct login *login, uint8_t flags)
{
	bool is_first = !login->has_names;
	enum login_status status = LOGIN_SUCCESS;
	int ret = text_parse(login->text, login->text_len, &login->pairs);

	login->text_len = 0;
	if (ret == -E2BIG)
		return login_fail(login, LOGIN_OUT_OF_RESOURCES, "too many keys");
	if (ret < 0)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "malformed text");
	if (is_first)
		status = login_take_names(login, flags);
	for (unsigned i = 0; status == LOGIN_SUCCESS && i < login->pairs.count; i++)
		status = login_take_pair(login, &login->pairs.list[i], is_first);
	if (status == LOGIN_SUCCESS && login_is_security(login))
		status = login_secure(login);
	return status;
}

/* --- stages --- */

static bool login_can_leave_security(const struct login *login)
{
	if (login->state == LOGIN_SECURITY)
		return !login->has_auth_method &&
		       (!*login->access.chap_user || login->is_discovery);
	return login->state == LOGIN_SECURED;
}

/* The initiator asks for the next stage: may set the transit bit of the reply. */
static enum login_status login_transit(struct login *login, uint8_t flags, uint8_t *out_flags)
{
	if (login_is_security(login) && !login_can_leave_security(login)) {
		if (login->state == LOGIN_SECURITY)
			return login_fail(login, LOGIN_AUTHENTICATION_FAILURE,
					  "skips authentication");
		return LOGIN_SUCCESS; /* CHAP is under way: stay */
	}
	*out_flags |= LOGIN_TRANSIT | LOGIN_NSG(flags);
	if (LOGIN_NSG(flags) == LOGIN_OPERATIONAL_NEGOTIATION) {
		login->state = LOGIN_OPERATIONAL;
		return LOGIN_SUCCESS;
	}
	if (keys_finish(&login->keys) < 0)
		return login_fail(login, LOGIN_INITIATOR_ERROR,
				  "FirstBurstLength exceeds MaxBurstLength");
	login->state = LOGIN_FINISHED;
	return LOGIN_SUCCESS;
}

static enum login_status login_advance(struct login *login, const struct pdu_login_request *request,
				       uint8_t *out_flags)
{
	bool is_operational = LOGIN_CSG(request->flags) == LOGIN_OPERATIONAL_NEGOTIATION;
	enum login_status status = login_take_text(login, request->flags);

	if (status != LOGIN_SUCCESS)
		return status;
	if (is_operational && !login->has_declared) {
		text_add(&login->answer, "MaxRecvDataSegmentLength", "%u",
			 KEYS_MAX_RECV_DATA_SEGMENT_LENGTH);
		login->has_declared = true;
	}
	if (request->flags & LOGIN_TRANSIT)
		status = login_transit(login, request->flags, out_flags);
	if (status == LOGIN_SUCCESS && login->answer.is_cut)
		return login_fail(login, LOGIN_OUT_OF_RESOURCES, "the answer is too long");
	return status;
}

/* --- the reply --- */

static void login_begin_reply(struct login *login, const struct pdu_login_request *request,
			      struct login_reply *out_reply)
{
	struct pdu_login_response *response = &out_reply->response;

	login->answer = (struct text_writer){.data = login->answer_data,
					     .size = sizeof(login->answer_data)};
	*out_reply = (struct login_reply){.text = login->answer_data};
	response->opcode = PDU_LOGIN_RESPONSE;
	response->flags = request->flags & 0x0c; /* CSG */
	memcpy(response->isid, request->isid, sizeof(response->isid));
	memcpy(response->tsih, request->tsih, sizeof(response->tsih));
	memcpy(response->initiator_task_tag, request->initiator_task_tag,
	       sizeof(response->initiator_task_tag));
}

static void login_end_reply(struct login *login, enum login_status status, uint8_t flags,
			    struct login_reply *out_reply)
{
	if (status == LOGIN_SUCCESS)
		out_reply->response.flags |= flags;
	else
		login->state = LOGIN_REFUSED;
	put_be16(out_reply->response.status, (uint16_t)status);
	out_reply->text_len = (uint32_t)login->answer.len;
}

void login_feed(struct login *login, const struct pdu_login_request *request, const void *data,
		uint32_t len, struct login_reply *out_reply)
{
	enum login_status status;
	uint8_t flags = 0;

	assert(login->state < LOGIN_FINISHED);
	login_begin_reply(login, request, out_reply);
	status = login_check_header(login, request, len);
	if (status == LOGIN_SUCCESS && len > sizeof(login->text) - login->text_len)
		status = login_fail(login, LOGIN_OUT_OF_RESOURCES, "login text too long");
	if (status == LOGIN_SUCCESS) {
		memcpy(login->text + login->text_len, data, len);
		login->text_len += len;
		if (!(request->flags & PDU_CONTINUE))
			status = login_advance(login, request, &flags);
	}
	login_end_reply(login, status, flags, out_reply);
}

void login_refuse(struct login *login, const struct pdu_login_request *request,
		  enum login_status status, const char *reason, struct login_reply *out_reply)
{
	login_begin_reply(login, request, out_reply);
	login_end_reply(login, login_fail(login, status, reason), 0, out_reply);
}
