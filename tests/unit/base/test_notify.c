/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager, played by a datagram socket of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

/* A manager on the address; "@" in front means the abstract name space. */
static int manager_open(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void assert_told(int manager, const char *expected)
{
	char text[64] = "";
	ssize_t len = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_int_equal(len, strlen(expected));
	assert_string_equal(text, expected);
}

static void a_socket_with_a_path_is_told(void **state)
{
	char name[64];
	int manager;

	(void)snprintf(name, sizeof(name), "/tmp/berth-test-notify-%d", (int)getpid()); /* short */
	manager = manager_open(name);
	notify_manager("READY=1");
	notify_manager("STOPPING=1");
	assert_told(manager, "READY=1");
	assert_told(manager, "STOPPING=1");
	assert_int_equal(close(manager), 0);
	assert_int_equal(unlink(name), 0);
}

static void an_abstract_socket_is_told(void **state)
{
	char name[64];
	int manager;

	(void)snprintf(name, sizeof(name), "@berth-test-notify-%d", (int)getpid()); /* short */
	manager = manager_open(name);
	notify_manager("READY=1");
	assert_told(manager, "READY=1");
	assert_int_equal(close(manager), 0);
}

/* Each of these must simply return. */
static void without_a_manager_nothing_happens(void **state)
{
	char long_name[300] = "/";

	memset(long_name + 1, 'x', sizeof(long_name) - 2);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	notify_manager("READY=1");
	assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
	notify_manager("READY=1");
	assert_int_equal(setenv("NOTIFY_SOCKET", "vsock:2:1234", 1), 0);
	notify_manager("READY=1");
	assert_int_equal(setenv("NOTIFY_SOCKET", long_name, 1), 0);
	notify_manager("READY=1");
	assert_int_equal(setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1), 0);
	notify_manager("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_with_a_path_is_told),
		cmocka_unit_test(an_abstract_socket_is_told),
		cmocka_unit_test(without_a_manager_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
