/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The login phase of one connection as a state machine (RFC 7143, 6.3, 11.12, 11.13 and 12.1):
 * login_feed takes a Login Request and says what to answer. It sends nothing, waits for nothing
 * and owns no socket; who may log in it asks a struct login_host.
 *
 *              AuthMethod=CHAP            CHAP_A            CHAP_N, CHAP_R right
 *   SECURITY ------------------> ALGORITHM ----> RESPONSE -----------------------+
 *      |                                                                         v
 *      +-- AuthMethod=None, or nothing asked and none needed --------------> SECURED
 *      |                                                                         |
 *   (first request with CSG 1 and no CHAP needed)                      T, NSG 1  |  T, NSG 3
 *      +-----------------------> OPERATIONAL <-----------------------------------+-----+
 *                                     |  T, NSG 3                                      |
 *                                     +-----------------------> FINISHED <-------------+
 *   any failure -> REFUSED
 */
#ifndef TARGET_LOGIN_H
#define TARGET_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "iscsi/chap.h"
#include "iscsi/keys.h"
#include "iscsi/pdu_request.h"
#include "iscsi/pdu_response.h"
#include "iscsi/text.h"
#include "target/target.h"

#define LOGIN_DATA_LEN_MAX     8192  /* of one request: the default of 13.12 holds during login */
#define LOGIN_TEXT_LEN_MAX     16384 /* of one text in several requests (C bit) */
#define LOGIN_REQUESTS_MAX     64
#define LOGIN_PORTAL_GROUP_TAG 1

struct login;

/* Who answers login's questions; all members required. */
struct login_host {
	/*
	 * May this initiator (login->initiator) log in to login->target_name? LOGIN_SUCCESS and
	 * what it must prove in out_access; or why not. Takes as long for a target that does
	 * not exist as for one that is forbidden. For discovery sessions the target name is
	 * empty and any initiator may ask.
	 */
	enum login_status (*authorize)(struct login_host *host, const struct login *login,
				       struct target_access *out_access);

	/* The initiator names a session (TSIH) to join: which refusal it gets. */
	enum login_status (*refuse_join)(struct login_host *host, const struct login *login);

	struct chap_recent *recent; /* challenges in use on all connections */
};

enum login_state {
	LOGIN_SECURITY,
	LOGIN_ALGORITHM,
	LOGIN_RESPONSE,
	LOGIN_SECURED,
	LOGIN_OPERATIONAL,
	LOGIN_FINISHED,
	LOGIN_REFUSED,
};

struct login {
	enum login_state state;
	struct login_host *host;
	unsigned request_count;
	bool has_names;	   /* the first text was understood */
	bool has_declared; /* our MaxRecvDataSegmentLength was sent */

	/* From the first request. */
	uint8_t isid[6];
	uint16_t tsih;
	uint16_t cid;
	uint32_t initiator_task_tag;
	uint32_t cmd_sn;
	uint32_t exp_stat_sn;
	char initiator[ISCSI_NAME_SIZE];
	char target_name[ISCSI_NAME_SIZE]; /* empty in a discovery session */
	bool is_discovery;

	struct target_access access;
	bool has_auth_method;
	enum chap_algorithm algorithm;
	struct chap_challenge challenge;
	struct keys keys;
	const char *reason; /* why it was refused: for the log */

	char text[LOGIN_TEXT_LEN_MAX];
	uint32_t text_len;
	struct text_pairs pairs; /* of the request at hand */
	char answer_data[LOGIN_DATA_LEN_MAX];
	struct text_writer answer;
};

struct login_reply {
	/* Without StatSN, ExpCmdSN, MaxCmdSN, lengths; TSIH too is the sender's when finished. */
	struct pdu_login_response response;
	const char *text; /* in the login, until the next feed */
	uint32_t text_len;
};

void login_init(struct login *login, struct login_host *host);

/* Forget secrets. */
void login_fini(struct login *login);

/*
 * Take a Login Request with its data (at most LOGIN_DATA_LEN_MAX bytes, else the header alone:
 * see login_refuse). Afterwards login->state is FINISHED (all is agreed; the reply is to be sent
 * once there is a session), REFUSED (send it and close), or something else (send it, wait).
 */
void login_feed(struct login *login, const struct pdu_login_request *request, const void *data,
		uint32_t len, struct login_reply *out_reply);

/* The same for a PDU that is no login request, or too long a one. `request` may be any BHS. */
void login_refuse(struct login *login, const struct pdu_login_request *request,
		  enum login_status status, const char *reason, struct login_reply *out_reply);

/* --- between login.c and login_security.c --- */

/* The CHAP side of one text: LOGIN_SUCCESS or why the login fails. */
enum login_status login_secure(struct login *login);

#endif
