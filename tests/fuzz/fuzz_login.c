/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any sequence of login requests. The input is a list of steps: a byte of header flags, one that
 * says which texts the request carries (bits of the table below, so that deep states are
 * reached), one for the length of the free text behind them, and that text.
 *
 * What must hold: the machine ends or goes on, never both; a refusal has a status; nobody who
 * needs CHAP finishes without it; the answer fits.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "target/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal)                                                           \
	}

static const struct {
	const char *data;
	size_t len;
} texts[8] = {
	TEXT("InitiatorName=iqn.x:i"),	 TEXT("TargetName=iqn.x:t"), TEXT("SessionType=Discovery"),
	TEXT("AuthMethod=CHAP,None"),	 TEXT("CHAP_A=7,5"),	     TEXT("CHAP_N=user"),
	TEXT("CHAP_R=0x00112233445566"), TEXT("CHAP_I=1"),
};

static enum login_status authorize(struct login_host *host, const struct login *login,
				   struct target_access *out_access)
{
	(void)host;
	(void)login;
	strcpy(out_access->chap_user, "user");
	strcpy(out_access->chap_secret, "secretsecret12");
	return LOGIN_SUCCESS;
}

static enum login_status refuse_join(struct login_host *host, const struct login *login)
{
	(void)host;
	(void)login;
	return LOGIN_SESSION_DOES_NOT_EXIST;
}

static struct chap_recent recent;
static struct login_host host = {authorize, refuse_join, &recent};

static void check(const struct login *login, const struct login_reply *reply)
{
	bool is_refused = login->state == LOGIN_REFUSED;

	assert(is_refused == (get_be16(reply->response.status) != LOGIN_SUCCESS));
	assert(reply->text_len <= LOGIN_DATA_LEN_MAX);
	assert(!is_refused || login->reason);
	if (login->state == LOGIN_FINISHED)
		assert(login->is_discovery); /* nobody can know the secret */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct login *login = malloc(sizeof(*login));
	const uint8_t *end = data + size;

	assert(login);
	login_init(login, &host);
	while (end - data >= 3 && login->state < LOGIN_FINISHED) {
		struct pdu_login_request request = {.opcode = PDU_LOGIN_REQUEST, .flags = data[0]};
		uint8_t text[8 * 32 + 256];
		uint32_t len = 0, free_len = MIN(data[2], (uint32_t)(end - data - 3));
		struct login_reply reply;

		for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
			if (!(data[1] >> i & 1))
				continue;
			memcpy(text + len, texts[i].data, texts[i].len);
			len += (uint32_t)texts[i].len;
		}
		memcpy(text + len, data + 3, free_len);
		data += 3 + free_len;
		login_feed(login, &request, text, len + free_len, &reply);
		check(login, &reply);
	}
	login_fini(login);
	free(login);
	return 0;
}
