/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/address.h"

static void addresses_are_taken_apart_and_put_together(void **state)
{
	static const struct {
		const char *text, *path, *host, *port, *again;
	} rows[] = {
		{"unix:/run/berth/node.sock", "/run/berth/node.sock", "", "", NULL},
		{"unix:///run/x", "/run/x", "", "", "unix:/run/x"},
		{"unix:relative", "relative", "", "", NULL},
		{"unix:a:b", "a:b", "", "", NULL},
		{"127.0.0.1:7000", "", "127.0.0.1", "7000", NULL},
		{"node-1.example.org:0", "", "node-1.example.org", "0", NULL},
		{"[::1]:65535", "", "::1", "65535", NULL},
		{"[fe80::1%eth0]:1", "", "fe80::1%eth0", "1", NULL},
		{"h:00080", "", "h", "80", "h:80"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[ADDRESS_TEXT_SIZE];
		struct address address;
		struct error err = {0};

		if (address_parse(rows[i].text, &address, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(address.is_unix, *rows[i].path != '\0');
		assert_string_equal(address.path, rows[i].path);
		assert_string_equal(address.host, rows[i].host);
		assert_string_equal(address.port, rows[i].port);
		assert_string_equal(address_format(&address, text),
				    rows[i].again ? rows[i].again : rows[i].text);
	}
}

static void what_is_no_address_is_refused_with_the_forms(void **state)
{
	static const char *const texts[] = {
		"",	     "host",	"host:",    ":7000",   "host:port",   "host:70000",
		"host:-1",   "host: 1", "::1:7000", "[::1]",   "[::1]7000",   "[]:7000",
		"[::1:7000", "unix:",	"unix://",  "host:1x", "host:123456", "http://host:1/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct address address;
		struct error err = {0};

		assert_int_equal(address_parse(texts[i], &address, &err), -EINVAL);
		assert_true(strlen(err.text) > 0);
	}
}

static void path_must_fit_a_unix_socket(void **state)
{
	char text[5 + 109] = "unix:";
	struct address address;
	struct error err = {0};

	memset(text + 5, 'p', 108);
	assert_int_equal(address_parse(text, &address, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 107 bytes"));
	text[5 + 107] = '\0';
	assert_int_equal(address_parse(text, &address, &err), 0);
}

static void host_must_fit(void **state)
{
	char text[300];
	struct address address;

	memset(text, 'h', sizeof(text));
	strcpy(text + 256, ":1");
	assert_int_equal(address_parse(text, &address, NULL), -EINVAL);
	strcpy(text + 255, ":1");
	assert_int_equal(address_parse(text, &address, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_apart_and_put_together),
		cmocka_unit_test(what_is_no_address_is_refused_with_the_forms),
		cmocka_unit_test(path_must_fit_a_unix_socket),
		cmocka_unit_test(host_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
