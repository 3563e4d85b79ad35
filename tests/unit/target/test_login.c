/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The login state machine: every state × every event. A state is reached by requests that are
 * known to be good; the table says where each event leads from there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "target/login.h"

#define SECRET "secretsecret12"

/* --- who may log in --- */

static struct chap_recent recent;

static enum login_status authorize(struct login_host *host, const struct login *login,
				   struct target_access *out_access)
{
	(void)host;
	if (strcmp(login->target_name, "open") == 0)
		return LOGIN_SUCCESS;
	if (strcmp(login->target_name, "forbidden") == 0)
		return LOGIN_AUTHORIZATION_FAILURE;
	if (strcmp(login->target_name, "chap") != 0)
		return LOGIN_NOT_FOUND;
	strcpy(out_access->chap_user, "user");
	strcpy(out_access->chap_secret, SECRET);
	return LOGIN_SUCCESS;
}

static enum login_status refuse_join(struct login_host *host, const struct login *login)
{
	(void)host;
	return login->tsih == 7 ? LOGIN_TOO_MANY_CONNECTIONS : LOGIN_SESSION_DOES_NOT_EXIST;
}

static struct login_host host = {authorize, refuse_join, &recent};

/* --- events --- */

#define CSG(stage) ((stage) << 2)
#define T_TO(nsg)  (LOGIN_TRANSIT | (nsg))

static struct login_reply reply;

static enum login_state feed(struct login *login, uint8_t flags, const char *data, size_t len)
{
	struct pdu_login_request request = {.opcode = PDU_LOGIN_REQUEST | PDU_IMMEDIATE,
					    .flags = flags};

	login_feed(login, &request, data, (uint32_t)len, &reply);
	assert_int_equal(reply.response.opcode, PDU_LOGIN_RESPONSE);
	assert_true((get_be16(reply.response.status) != 0) == (login->state == LOGIN_REFUSED));
	return login->state;
}

#define FEED(login, flags, literal) feed(login, flags, literal, sizeof(literal) - 1)

enum event {
	EMPTY_STAY, /* an empty request of the current stage, T=0 */
	EMPTY_TO_OPERATIONAL,
	EMPTY_TO_FULL_FEATURE,
	WRONG_STAGE,
	AUTH_NONE,
	AUTH_CHAP,
	CHAP_ALGORITHM,
	CHAP_RIGHT,
	CHAP_WRONG,
	OPERATIONAL_KEY,
	NAME_AGAIN,
	CONTINUED,
	EVENT_COUNT,
};

static enum login_state feed_chap_response(struct login *login, uint8_t flags, bool is_right)
{
	uint8_t digest[CHAP_DIGEST_LEN_MAX] = {0};
	char text[256], hex[CHAP_HEX_SIZE(CHAP_DIGEST_LEN_MAX)];
	struct text_writer writer = {.data = text, .size = sizeof(text)};

	if (login->state == LOGIN_RESPONSE)
		assert_int_equal(chap_respond(CHAP_MD5, &login->challenge,
					      is_right ? SECRET : "wrong", digest),
				 0);
	text_add(&writer, "CHAP_N", "user");
	text_add(&writer, "CHAP_R", "%s", chap_encode(digest, 16, hex));
	return feed(login, flags, text, writer.len);
}

static enum login_state feed_event(struct login *login, enum event event)
{
	uint8_t csg = login->state == LOGIN_OPERATIONAL ? CSG(1) : CSG(0);

	switch (event) {
	case EMPTY_STAY:
		return FEED(login, csg, "");
	case EMPTY_TO_OPERATIONAL:
		return FEED(login, csg | T_TO(1), "");
	case EMPTY_TO_FULL_FEATURE:
		return FEED(login, csg | T_TO(3), "");
	case WRONG_STAGE:
		return FEED(login, csg ^ CSG(1), "");
	case AUTH_NONE:
		return FEED(login, csg, "AuthMethod=None\0");
	case AUTH_CHAP:
		return FEED(login, csg, "AuthMethod=CHAP\0");
	case CHAP_ALGORITHM:
		return FEED(login, csg, "CHAP_A=5\0");
	case CHAP_RIGHT:
	case CHAP_WRONG:
		return feed_chap_response(login, csg, event == CHAP_RIGHT);
	case OPERATIONAL_KEY:
		return FEED(login, csg, "MaxBurstLength=4096\0FirstBurstLength=512\0");
	case NAME_AGAIN:
		return FEED(login, csg, "TargetName=open\0");
	default:
		return FEED(login, csg | PDU_CONTINUE, "Half=");
	}
}

/* --- states --- */

struct start {
	const char *name;
	enum login_state state;
	bool needs_chap;
};

static const struct start starts[] = {
	{"security, none needed", LOGIN_SECURITY, false},
	{"security, CHAP needed", LOGIN_SECURITY, true},
	{"algorithm", LOGIN_ALGORITHM, true},
	{"response", LOGIN_RESPONSE, true},
	{"secured", LOGIN_SECURED, true},
	{"operational", LOGIN_OPERATIONAL, true},
};

static struct login *login_at(const struct start *start)
{
	struct login *login = malloc(sizeof(*login));

	assert_non_null(login);
	login_init(login, &host);
	if (start->needs_chap)
		FEED(login, CSG(0), "InitiatorName=i\0TargetName=chap\0");
	else
		FEED(login, CSG(0), "InitiatorName=i\0TargetName=open\0");
	if (start->state >= LOGIN_ALGORITHM)
		feed_event(login, AUTH_CHAP);
	if (start->state >= LOGIN_RESPONSE)
		feed_event(login, CHAP_ALGORITHM);
	if (start->state >= LOGIN_SECURED)
		feed_event(login, CHAP_RIGHT);
	if (start->state >= LOGIN_OPERATIONAL)
		feed_event(login, EMPTY_TO_OPERATIONAL);
	assert_int_equal(login->state, start->state);
	return login;
}

#define SEC LOGIN_SECURITY
#define ALG LOGIN_ALGORITHM
#define RSP LOGIN_RESPONSE
#define SCD LOGIN_SECURED
#define OPR LOGIN_OPERATIONAL
#define FIN LOGIN_FINISHED
#define REF LOGIN_REFUSED

static const enum login_state expected[ARRAY_SIZE(starts)][EVENT_COUNT] = {
	/* stay  to-op to-ff wrong none  chap  alg   right wrong key   name  cont */
	{SEC, OPR, FIN, REF, SCD, REF, REF, REF, REF, SEC, REF, SEC},
	{SEC, REF, REF, REF, REF, ALG, REF, REF, REF, SEC, REF, SEC},
	{REF, REF, REF, REF, REF, REF, RSP, REF, REF, REF, REF, ALG},
	{REF, REF, REF, REF, REF, REF, REF, SCD, REF, REF, REF, RSP},
	{SCD, OPR, FIN, REF, REF, REF, REF, REF, REF, SCD, REF, SCD},
	{OPR, REF, FIN, REF, REF, REF, REF, REF, REF, OPR, REF, OPR},
};

static void every_state_answers_every_event(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct login *login = login_at(&starts[i]);
			enum login_state seen = feed_event(login, (enum event)event);

			if (seen != expected[i][event])
				fail_msg("%s, event %d: state %d, expected %d", starts[i].name,
					 event, seen, expected[i][event]);
			login_fini(login);
			free(login);
		}
	}
}

/* --- single requests --- */

static void first_request_of_a_good_login(void **state)
{
	struct login *login = malloc(sizeof(*login));
	static const char answer[] = "TargetPortalGroupTag=1\0AuthMethod=None";

	(void)state;
	login_init(login, &host);
	FEED(login, CSG(0) | T_TO(1), "InitiatorName=i\0TargetName=open\0AuthMethod=CHAP,None\0");
	assert_int_equal(login->state, LOGIN_OPERATIONAL);
	assert_int_equal(reply.response.flags, LOGIN_TRANSIT | CSG(0) | 1);
	assert_int_equal(reply.text_len, sizeof(answer));
	assert_memory_equal(reply.text, answer, sizeof(answer));
	free(login);
}

static void our_segment_length_is_declared_once(void **state)
{
	struct login *login = malloc(sizeof(*login));
	static const char answer[] = "TargetPortalGroupTag=1\0MaxRecvDataSegmentLength=262144";

	(void)state;
	login_init(login, &host);
	FEED(login, CSG(1), "InitiatorName=i\0TargetName=open\0");
	assert_int_equal(reply.text_len, sizeof(answer));
	assert_memory_equal(reply.text, answer, sizeof(answer));
	FEED(login, CSG(1) | T_TO(3), "");
	assert_int_equal(reply.text_len, 0);
	assert_int_equal(login->state, LOGIN_FINISHED);
	free(login);
}

static uint16_t first_status(uint8_t flags, const char *data, size_t len)
{
	struct login *login = malloc(sizeof(*login));

	assert_non_null(login);
	login_init(login, &host);
	feed(login, flags, data, len);
	free(login);
	return get_be16(reply.response.status);
}

#define STATUS(flags, literal) first_status(flags, literal, sizeof(literal) - 1)

static void refusals_carry_their_status(void **state)
{
	(void)state;
	assert_int_equal(STATUS(CSG(0), "TargetName=open\0"), LOGIN_MISSING_PARAMETER);
	assert_int_equal(STATUS(CSG(0), "InitiatorName=i\0"), LOGIN_MISSING_PARAMETER);
	assert_int_equal(STATUS(CSG(0), "InitiatorName=i\0TargetName=forbidden\0"),
			 LOGIN_AUTHORIZATION_FAILURE);
	assert_int_equal(STATUS(CSG(0), "InitiatorName=i\0TargetName=none\0"), LOGIN_NOT_FOUND);
	assert_int_equal(STATUS(CSG(1), "InitiatorName=i\0TargetName=chap\0"),
			 LOGIN_AUTHENTICATION_FAILURE);
	assert_int_equal(STATUS(CSG(0), "InitiatorName=i\0SessionType=Odd\0"),
			 LOGIN_SESSION_TYPE_NOT_SUPPORTED);
	assert_int_equal(STATUS(CSG(2), ""), LOGIN_INITIATOR_ERROR);
	assert_int_equal(STATUS(CSG(1) | T_TO(1), ""), LOGIN_INITIATOR_ERROR);
	assert_int_equal(STATUS(CSG(0) | T_TO(2), ""), LOGIN_INITIATOR_ERROR);
	assert_int_equal(STATUS(CSG(0) | T_TO(1) | PDU_CONTINUE, ""), LOGIN_INITIATOR_ERROR);
	assert_int_equal(STATUS(CSG(0), "odd"), LOGIN_INITIATOR_ERROR);
}

static void text_in_pieces_is_put_together(void **state)
{
	struct login *login = malloc(sizeof(*login));

	(void)state;
	login_init(login, &host);
	FEED(login, CSG(0) | PDU_CONTINUE, "InitiatorName=i\0Targ");
	assert_int_equal(reply.text_len, 0);
	FEED(login, CSG(0) | T_TO(1), "etName=open\0");
	assert_int_equal(login->state, LOGIN_OPERATIONAL);
	assert_string_equal(login->target_name, "open");
	free(login);
}

static void text_without_end_is_refused(void **state)
{
	struct login *login = malloc(sizeof(*login));
	static char piece[LOGIN_DATA_LEN_MAX];
	unsigned count = 0;

	(void)state;
	login_init(login, &host);
	while (login->state != LOGIN_REFUSED && ++count < 100)
		feed(login, CSG(0) | PDU_CONTINUE, piece, sizeof(piece));
	assert_int_equal(count, LOGIN_TEXT_LEN_MAX / LOGIN_DATA_LEN_MAX + 1);
	assert_int_equal(get_be16(reply.response.status), LOGIN_OUT_OF_RESOURCES);
	free(login);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_answers_every_event),
		cmocka_unit_test(first_request_of_a_good_login),
		cmocka_unit_test(our_segment_length_is_declared_once),
		cmocka_unit_test(refusals_carry_their_status),
		cmocka_unit_test(text_in_pieces_is_put_together),
		cmocka_unit_test(text_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
