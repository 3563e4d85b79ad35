/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom to log in to, as whom, and with which secrets (RFC 7143, 12; CHAP: 12.1.3). */
#ifndef INITIATOR_LOGIN_H
#define INITIATOR_LOGIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"

#define LOGIN_NAME_SIZE	       224 /* iSCSI names, RFC 7143, 4.2.7.1 */
#define LOGIN_CHAP_SIZE	       256
#define LOGIN_PORTAL_SIZE      280
#define LOGIN_ADDRESS_SIZE     64
#define LOGIN_PORT_NUMBER_BITS 40 /* of an ISID of type "random": 24 of it, 16 of qualifier */

struct login {
	char portal[LOGIN_PORTAL_SIZE];	   /* "HOST:PORT", "[V6]:PORT", or without the port: 3260 */
	char target_name[LOGIN_NAME_SIZE]; /* empty for discovery */
	char initiator_name[LOGIN_NAME_SIZE];
	char chap_user[LOGIN_CHAP_SIZE]; /* empty: no authentication */
	char chap_secret[LOGIN_CHAP_SIZE];
	char chap_target_user[LOGIN_CHAP_SIZE]; /* empty: the target need not prove itself */
	char chap_target_secret[LOGIN_CHAP_SIZE];
	/*
	 * The initiator port (ISID; RFC 7143, 11.12.5). A login under the same number ends the
	 * session that is there, with all its commands, before it is let in (6.3.5). 0: a random
	 * one, which disturbs nobody.
	 */
	uint64_t port_number;
};

/* The port number of everybody who serves this volume: the same in each of their lives. Not 0. */
uint64_t login_port_number(const struct uuid *volume);

/*
 * Look the portal's host up and write its first address with the port ("127.0.0.1:3260",
 * "[::1]:3260") into out_address of LOGIN_ADDRESS_SIZE. Blocks for the resolver, which is why
 * a session does it once, at its start. -EINVAL, -ENOENT.
 */
int login_resolve(const struct login *login, char *out_address, struct error *err);

/* Names and secrets that can be used; -EINVAL. */
int login_check(const struct login *login, struct error *err);

/*
 * Why a login was refused: the Login Response's Status-Class and Status-Detail (RFC 7143,
 * 11.13.5) as 0xCCDD, or 0 when there is none and `reason` says it all. Returns -EACCES (wrong
 * secret, or not allowed), -ENOENT (no such target), -EBUSY (the target cannot just now),
 * -EREMOTE (moved), -EPROTO, with the sentence.
 */
int login_refusal(const struct login *login, unsigned status, const char *reason,
		  struct error *err);

#endif
