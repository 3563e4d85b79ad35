/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The login of a connection: PDUs go to the state machine of login.h, its replies to the socket;
 * then the connection moves to the reactor of its export, where the session is made. An older
 * session of the same initiator port ends first (reinstatement, RFC 7143, 6.3.5), and the login is
 * answered when all its commands have ended. Who may log in is checked once more there: it
 * may have changed meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/conn.h"
#include "target/session.h"

struct conn_login {
	struct conn *conn;
	struct login login;
	struct login_reply reply;
	uint8_t data[LOGIN_DATA_LEN_MAX];
	bool is_answered; /* the last reply is decided */
	bool is_leaving;  /* `move` is posted on the first reactor */
	struct loop_task move;
	struct reactor *destination;
};

int conn_login_new(struct conn *conn)
{
	struct conn_login *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	state->conn = conn;
	login_init(&state->login, &conn->reactor->target->login_host);
	conn->login = state;
	return 0;
}

void conn_login_free(struct conn *conn)
{
	if (!conn->login)
		return;
	login_fini(&conn->login->login);
	free(conn->login);
	conn->login = NULL;
}

bool conn_login_is_answered(const struct conn *conn)
{
	return conn->login->is_answered;
}

bool conn_login_is_leaving(const struct conn *conn)
{
	return conn->login && conn->login->is_leaving;
}

const struct login *conn_login_of(const struct conn *conn)
{
	return &conn->login->login;
}

/* --- replies --- */

static void conn_login_send(struct conn *conn)
{
	struct login_reply *reply = &conn->login->reply;
	struct conn_tx_pdu *pdu = conn_tx_new(conn);

	assert(pdu); /* in login, one answer at a time */
	memcpy(&pdu->bhs, &reply->response, sizeof(pdu->bhs));
	if (!conn->session) {
		struct pdu_login_response *response = (struct pdu_login_response *)&pdu->bhs;

		put_be32(response->exp_cmd_sn, conn->login->login.cmd_sn);
		put_be32(response->max_cmd_sn, conn->login->login.cmd_sn);
	}
	conn_tx_commit(conn, pdu, CONN_TX_STATUS, reply->text, reply->text_len);
}

static void conn_login_tell(struct conn *conn)
{
	const struct login *login = &conn->login->login;

	target_tell(conn->reactor->target,
		    &(struct target_event){.kind = TARGET_LOGIN_REFUSED,
					   .target_name = login->target_name,
					   .initiator = login->initiator,
					   .peer_address = conn->peer_address,
					   .reason = login->reason});
}

/* The reply says why. Guesses of secrets have to wait for it. */
static void conn_login_refused(struct conn *conn)
{
	const struct login *login = &conn->login->login;
	struct loop *loop = conn->reactor->loop;

	conn->login->is_answered = true;
	conn_login_tell(conn);
	if (get_be16(conn->login->reply.response.status) == LOGIN_AUTHENTICATION_FAILURE &&
	    conn->peer) {
		loop_timer_set(loop, &conn->timer, peer_failed(conn->peer, loop_now_ms(loop)));
		return;
	}
	conn_login_send(conn);
	conn_finish(conn, login->reason);
}

void conn_login_expired(struct conn *conn)
{
	if (conn->login->is_answered && conn->phase == CONN_LOGIN) {
		conn_login_send(conn);
		conn_finish(conn, conn->login->login.reason);
		return;
	}
	conn_drop(conn, "login took too long");
}

/* All was agreed, and then something else stood in the way. */
static void conn_login_refuse_late(struct conn *conn, enum login_status status, const char *reason)
{
	struct conn_login *state = conn->login;
	struct pdu_login_request request = {.flags = state->reply.response.flags & 0x0c};

	memcpy(request.isid, state->login.isid, sizeof(request.isid));
	put_be32(request.initiator_task_tag, state->login.initiator_task_tag);
	login_refuse(&state->login, &request, status, reason, &state->reply);
	conn_login_refused(conn);
}

/* --- the session --- */

static void conn_login_welcome(struct conn *conn)
{
	struct conn_login *state = conn->login;
	const struct key_values *values = &conn->session->keys.values;

	put_be16(state->reply.response.tsih, conn->session->record.tsih);
	conn_login_send(conn); /* without digests: they begin behind it */
	conn->has_header_digest = values->header_digest;
	conn->has_data_digest = values->data_digest;
	conn->max_send_len = values->initiator_max_recv_data_segment_length;
	conn->phase = CONN_FULL_FEATURE;
	conn->received_ms = loop_now_ms(conn->reactor->loop);
	target_tell(conn->reactor->target,
		    &(struct target_event){.kind = TARGET_SESSION_OPENED,
					   .target_name = state->login.target_name,
					   .initiator = state->login.initiator,
					   .peer_address = conn->peer_address});
	conn_watch(conn);
	conn_receive(conn); /* what came right behind the login */
}

static void conn_login_make_session(struct conn *conn, struct export *export)
{
	struct session *session;
	int ret = session_new(conn, export, &session);

	if (ret == -ESHUTDOWN) {
		conn_login_refuse_late(conn, LOGIN_SERVICE_UNAVAILABLE, "shutting down");
		return;
	}
	if (ret < 0) {
		conn_login_refuse_late(conn, LOGIN_OUT_OF_RESOURCES, "too many sessions");
		return;
	}
	conn->session = session;
	conn_login_welcome(conn);
}

/* Sessions of the same initiator port are asked to end: true if there are any. */
static bool conn_login_reinstate(struct conn *conn, struct export *export)
{
	const struct login *login = &conn->login->login;
	bool is_any = false;

	list_for_each (&export->sessions, session, struct session, link) {
		if (strcmp(session->record.initiator, login->initiator) != 0 ||
		    memcmp(session->record.isid, login->isid, sizeof(login->isid)) != 0)
			continue;
		conn_drop(session->conn, "the initiator logged in again");
		is_any = true;
	}
	return is_any;
}

static enum login_status conn_login_check(struct conn *conn, struct export **out_export)
{
	struct target *target = conn->reactor->target;
	const struct login *login = &conn->login->login;
	enum login_status status = LOGIN_NOT_FOUND;
	const struct target_access *access;

	pthread_mutex_lock(&target->lock);
	*out_export = export_find(target, login->target_name);
	if (*out_export && (*out_export)->reactor == conn->reactor) {
		access = export_access(*out_export, login->initiator);
		status = access && memcmp(access, &login->access, sizeof(*access)) == 0
				 ? LOGIN_SUCCESS
				 : LOGIN_AUTHORIZATION_FAILURE;
	}
	pthread_mutex_unlock(&target->lock);
	return status;
}

void conn_login_admit(struct conn *conn)
{
	struct export *export = NULL;
	enum login_status status;

	list_remove(&conn->arrival);
	if (conn->login->login.is_discovery) {
		conn_login_make_session(conn, NULL);
		return;
	}
	status = conn_login_check(conn, &export);
	if (status != LOGIN_SUCCESS)
		conn_login_refuse_late(conn, status, "no longer admitted");
	else if (conn_login_reinstate(conn, export))
		list_append(&export->arrivals, &conn->arrival);
	else
		conn_login_make_session(conn, export);
}

/* On the new reactor. */
static void conn_login_arrive(struct loop_task *task)
{
	struct conn_login *state = container_of(task, struct conn_login, move);
	struct conn *conn = state->conn;
	struct target *target = state->destination->target;

	conn->reactor = state->destination;
	list_append(&conn->reactor->conns, &conn->link);
	loop_timer_set(conn->reactor->loop, &conn->timer, target->settings.login_timeout_ms);
	conn_login_admit(conn);
}

/* On the first reactor, with nothing of the connection on the stack: from the post on it is the
 * other one's, and must not be looked at here any more. */
static void conn_login_leave(struct loop_task *task)
{
	struct conn_login *state = container_of(task, struct conn_login, move);
	struct conn *conn = state->conn;
	struct target *target = conn->reactor->target;
	struct export *export;

	state->is_leaving = false;
	if (conn->phase != CONN_MOVING) {
		conn_settle(conn); /* it was dropped meanwhile */
		return;
	}
	assert(!conn->receive.is_in_flight && !conn->send.is_in_flight && !conn->is_flush_posted);
	pthread_mutex_lock(&target->lock);
	export = export_find(target, state->login.target_name);
	state->destination = export ? export->reactor : conn->reactor;
	pthread_mutex_unlock(&target->lock);

	peers_end(&target->peers, conn->peer);
	conn->peer = NULL;
	loop_timer_clear(conn->reactor->loop, &conn->timer);
	list_remove(&conn->link);
	state->move.run = conn_login_arrive;
	loop_post(state->destination->loop, &state->move);
}

static void conn_login_move(struct conn *conn)
{
	struct conn_login *state = conn->login;

	conn->phase = CONN_MOVING;
	state->is_leaving = true;
	state->move.run = conn_login_leave;
	loop_post(conn->reactor->loop, &state->move);
}

/* --- PDUs --- */

void conn_login_header(struct conn *conn)
{
	struct conn_login *state = conn->login;
	const struct pdu_login_request *request = (const void *)&conn->rx.bhs;
	uint32_t len = pdu_data_len(&conn->rx.bhs);

	if ((conn->rx.bhs.opcode & PDU_OPCODE_MASK) != PDU_LOGIN_REQUEST) {
		login_refuse(&state->login, request, LOGIN_INVALID_REQUEST,
			     "a request before login", &state->reply);
		conn_login_refused(conn);
		return;
	}
	if (state->login.request_count == 0)
		conn->stat_sn = get_be32(request->exp_stat_sn);
	if (len > LOGIN_DATA_LEN_MAX) {
		login_refuse(&state->login, request, LOGIN_INITIATOR_ERROR,
			     "login request too long", &state->reply);
		conn_login_refused(conn);
		return;
	}
	conn->rx.to = state->data;
	conn->rx.to_left = len;
}

void conn_login_pdu(struct conn *conn)
{
	struct conn_login *state = conn->login;

	login_feed(&state->login, (const void *)&conn->rx.bhs, state->data,
		   pdu_data_len(&conn->rx.bhs), &state->reply);
	if (state->login.state == LOGIN_FINISHED)
		conn_login_move(conn);
	else if (state->login.state == LOGIN_REFUSED)
		conn_login_refused(conn);
	else
		conn_login_send(conn);
}
