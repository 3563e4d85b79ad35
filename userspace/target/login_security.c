/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authentication during login (RFC 7143, 12.1): AuthMethod and CHAP, one or both ways. Our own
 * answer to the initiator's challenge is computed only after the initiator proved itself, and
 * never for a challenge that is one of ours.
 */
#include <errno.h>
#include <string.h>

#include "target/login.h"

static enum login_status security_fail(struct login *login, enum login_status status,
				       const char *reason)
{
	login->reason = reason;
	return status;
}

static bool security_has_chap_key(const struct login *login)
{
	static const char *const names[] = {"CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (text_find(&login->pairs, names[i]))
			return true;
	return false;
}

/* A discovery session may go without: it shows names only. */
static bool security_allows_none(const struct login *login)
{
	return !*login->access.chap_user || login->is_discovery;
}

static enum login_status security_take_method(struct login *login)
{
	const char *methods = text_find(&login->pairs, "AuthMethod");

	if (security_has_chap_key(login))
		return security_fail(login, LOGIN_INITIATOR_ERROR, "CHAP before AuthMethod");
	if (!methods)
		return LOGIN_SUCCESS;
	login->has_auth_method = true;
	if (security_allows_none(login) && text_list_has(methods, "None")) {
		text_add(&login->answer, "AuthMethod", "None");
		login->state = LOGIN_SECURED;
		return LOGIN_SUCCESS;
	}
	if (*login->access.chap_user && text_list_has(methods, "CHAP")) {
		text_add(&login->answer, "AuthMethod", "CHAP");
		login->state = LOGIN_ALGORITHM;
		return LOGIN_SUCCESS;
	}
	text_add(&login->answer, "AuthMethod", "Reject");
	return security_fail(login, LOGIN_AUTHENTICATION_FAILURE,
			     *login->access.chap_user ? "offers no CHAP" : "offers CHAP only");
}

static enum login_status security_take_algorithm(struct login *login)
{
	const char *list = text_find(&login->pairs, "CHAP_A");
	char hex[CHAP_HEX_SIZE(CHAP_DIGEST_LEN_MAX)];

	if (!list || text_find(&login->pairs, "CHAP_N") || text_find(&login->pairs, "CHAP_R"))
		return security_fail(login, LOGIN_INITIATOR_ERROR, "CHAP_A expected");
	if (chap_choose(list, &login->algorithm) < 0)
		return security_fail(login, LOGIN_AUTHENTICATION_FAILURE, "no common CHAP_A");
	chap_challenge_make(&login->challenge, login->algorithm);
	chap_recent_add(login->host->recent, &login->challenge);
	text_add(&login->answer, "CHAP_A", "%d", login->algorithm);
	text_add(&login->answer, "CHAP_I", "%u", login->challenge.id);
	text_add(&login->answer, "CHAP_C", "%s",
		 chap_encode(login->challenge.bytes, login->challenge.len, hex));
	login->state = LOGIN_RESPONSE;
	return LOGIN_SUCCESS;
}

/* Name and response are both looked at, whichever is wrong, so that the time tells nothing. */
static bool security_is_proven(struct login *login, const char *name, const char *response)
{
	uint8_t digest[CHAP_DIGEST_LEN_MAX] = {0};
	size_t digest_len = 0;
	bool is_text = chap_decode(response, digest, sizeof(digest), &digest_len) == 0;
	bool is_name = chap_name_is_equal(login->access.chap_user, name);
	bool is_response = chap_verify(login->algorithm, &login->challenge,
				       login->access.chap_secret, digest, digest_len);

	return is_text & is_name & is_response;
}

/* The initiator wants us to prove ourselves too. */
static enum login_status security_answer(struct login *login, const char *id, const char *challenge)
{
	char hex[CHAP_HEX_SIZE(CHAP_DIGEST_LEN_MAX)];
	uint8_t digest[CHAP_DIGEST_LEN_MAX];
	struct chap_challenge theirs;
	uint64_t number;
	size_t len;

	if (text_number(id, &number) < 0 || number > UINT8_MAX)
		return security_fail(login, LOGIN_INITIATOR_ERROR, "CHAP_I is no byte");
	if (chap_decode(challenge, theirs.bytes, sizeof(theirs.bytes), &len) < 0)
		return security_fail(login, LOGIN_AUTHENTICATION_FAILURE, "malformed CHAP_C");
	theirs.id = (uint8_t)number;
	theirs.len = (uint16_t)len;
	if (chap_recent_has(login->host->recent, &theirs))
		return security_fail(login, LOGIN_AUTHENTICATION_FAILURE, "reflected challenge");
	if (!*login->access.chap_target_user)
		return security_fail(login, LOGIN_AUTHENTICATION_FAILURE,
				     "mutual CHAP is not configured");
	if (chap_respond(login->algorithm, &theirs, login->access.chap_target_secret, digest) < 0)
		return security_fail(login, LOGIN_AUTHENTICATION_FAILURE, "digest failed");
	text_add(&login->answer, "CHAP_N", "%s", login->access.chap_target_user);
	text_add(&login->answer, "CHAP_R", "%s",
		 chap_encode(digest, chap_digest_len(login->algorithm), hex));
	return LOGIN_SUCCESS;
}

static enum login_status security_take_response(struct login *login)
{
	const char *name = text_find(&login->pairs, "CHAP_N");
	const char *response = text_find(&login->pairs, "CHAP_R");
	const char *id = text_find(&login->pairs, "CHAP_I");
	const char *challenge = text_find(&login->pairs, "CHAP_C");
	enum login_status status = LOGIN_SUCCESS;

	if (!name || !response || !id != !challenge || text_find(&login->pairs, "CHAP_A"))
		return security_fail(login, LOGIN_INITIATOR_ERROR, "CHAP_N and CHAP_R expected");
	if (!security_is_proven(login, name, response))
		return security_fail(login, LOGIN_AUTHENTICATION_FAILURE, "wrong CHAP response");
	if (id)
		status = security_answer(login, id, challenge);
	if (status == LOGIN_SUCCESS)
		login->state = LOGIN_SECURED;
	return status;
}

enum login_status login_secure(struct login *login)
{
	if (login->state != LOGIN_SECURITY && text_find(&login->pairs, "AuthMethod"))
		return security_fail(login, LOGIN_INITIATOR_ERROR, "AuthMethod came twice");
	switch (login->state) {
	case LOGIN_SECURITY:
		return security_take_method(login);
	case LOGIN_ALGORITHM:
		return security_take_algorithm(login);
	case LOGIN_RESPONSE:
		return security_take_response(login);
	default:
		if (security_has_chap_key(login))
			return security_fail(login, LOGIN_INITIATOR_ERROR, "CHAP key too late");
		return LOGIN_SUCCESS;
	}
}
