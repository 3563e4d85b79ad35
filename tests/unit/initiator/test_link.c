/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a link does on the wire: under which initiator port it logs in, and how it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "initiator/link.h"

#define BHS_BYTES  48
#define ISID_START 8 /* RFC 7143, 11.12 */
#define ISID_BYTES 6
#define DEADLINE_S 10

struct portal {
	int fd;
	char address[LOGIN_ADDRESS_SIZE];
};

static int portal_open(void **state)
{
	static struct portal portal;
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);

	portal.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(portal.fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(portal.fd, 4), 0);
	assert_int_equal(getsockname(portal.fd, (struct sockaddr *)&name, &len), 0);
	(void)snprintf(portal.address, sizeof(portal.address), "127.0.0.1:%u",
		       ntohs(name.sin_port));
	*state = &portal;
	return 0;
}

static int portal_close(void **state)
{
	return close(((struct portal *)*state)->fd);
}

/* Connect and send the first Login Request; its header into `bhs`. Returns the portal's end. */
static int login_begin(const struct portal *portal, const struct login *login, struct link *link,
		       uint8_t *bhs)
{
	const struct timeval patience = {.tv_sec = DEADLINE_S};
	struct error err = {0};
	int fd;

	assert_int_equal(link_open(link, login, portal->address, &err), 0);
	fd = accept(portal->fd, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	while (link->state < LINK_LOGIN || link_events(link) & POLLOUT) {
		struct pollfd poll_fd = {.fd = link_fd(link), .events = link_events(link)};

		assert_int_equal(poll(&poll_fd, 1, DEADLINE_S * 1000), 1);
		link_service(link, poll_fd.revents);
		assert_true(link->state <= LINK_LOGIN);
	}
	assert_int_equal(recv(fd, bhs, BHS_BYTES, MSG_WAITALL), BHS_BYTES);
	return fd;
}

static void a_volume_always_logs_in_from_the_same_port(void **state)
{
	static const uint8_t expected[ISID_BYTES] = {0x80, 0x0c, 0x0b, 0x6f, 0x4a, 0x11};
	struct login login = {.initiator_name = "iqn.x:me", .target_name = "iqn.x:t"};
	struct uuid uuid;
	struct link link = {0};
	uint8_t bhs[BHS_BYTES];

	assert_int_equal(uuid_parse("9b2e6c1e-7d7b-4e0e-9d52-8e0c0b6f4a11", &uuid), 0);
	login.port_number = login_port_number(&uuid);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(close(login_begin(*state, &login, &link, bhs)), 0);
		link_close(&link);
		assert_memory_equal(bhs + ISID_START, expected, ISID_BYTES);
	}
}

/* A probe must not end the session of whoever uses the volume. */
static void without_a_port_number_each_login_has_its_own(void **state)
{
	const struct login login = {.initiator_name = "iqn.x:me", .target_name = "iqn.x:t"};
	struct link links[2] = {{0}};
	uint8_t bhs[2][BHS_BYTES];

	for (int i = 0; i < 2; i++)
		assert_int_equal(close(login_begin(*state, &login, &links[i], bhs[i])), 0);
	for (int i = 0; i < 2; i++)
		link_close(&links[i]);
	assert_memory_not_equal(bhs[0] + ISID_START, bhs[1] + ISID_START, ISID_BYTES);
}

/* An ordinary close would go on sending what the socket holds. */
static void a_link_that_is_dropped_resets_its_connection(void **state)
{
	const struct login login = {.initiator_name = "iqn.x:me", .target_name = "iqn.x:t"};
	struct link link = {0};
	uint8_t bytes[4096];
	ssize_t got;
	int fd = login_begin(*state, &login, &link, bytes);

	link_close(&link);
	do
		got = recv(fd, bytes, sizeof(bytes), 0);
	while (got > 0);
	assert_int_equal(got, -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(close(fd), 0);
}

static void the_port_number_has_40_bits_and_is_never_0(void **state)
{
	struct uuid uuid;

	memset(&uuid, 0xff, sizeof(uuid));
	assert_true(login_port_number(&uuid) == UINT64_C(0xffffffffff));
	memset(&uuid.bytes[11], 0, 5);
	assert_true(login_port_number(&uuid) != 0);
}

#define portal_test(behaviour) cmocka_unit_test_setup_teardown(behaviour, portal_open, portal_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		portal_test(a_volume_always_logs_in_from_the_same_port),
		portal_test(without_a_port_number_each_login_has_its_own),
		portal_test(a_link_that_is_dropped_resets_its_connection),
		cmocka_unit_test(the_port_number_has_40_bits_and_is_never_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
