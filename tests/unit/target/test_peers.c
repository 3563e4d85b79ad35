/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits on logins, the delay of wrong answers, and the bounds of the buffers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/buffers.h"
#include "target/peers.h"

static void one_address_cannot_take_all_places(void **state)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	struct peer *first = NULL;

	(void)state;
	for (unsigned i = 0; i < PEERS_LOGINS_PER_PEER; i++) {
		first = peers_begin(peers, "10.0.0.1", i);
		assert_non_null(first);
	}
	assert_null(peers_begin(peers, "10.0.0.1", 100));
	assert_non_null(peers_begin(peers, "10.0.0.2", 100));
	peers_end(peers, first);
	assert_ptr_equal(peers_begin(peers, "10.0.0.1", 101), first);
	free(peers);
}

static void all_addresses_together_are_limited(void **state)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	char address[32];

	(void)state;
	for (unsigned i = 0; i < PEERS_LOGINS_MAX; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 100, i % 100);
		assert_non_null(peers_begin(peers, address, i));
	}
	assert_null(peers_begin(peers, "10.1.0.0", 1000));
	free(peers);
}

static void a_full_table_forgets_the_quietest(void **state)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	char address[32];

	(void)state;
	for (unsigned i = 0; i < PEERS_COUNT + 10; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 100, i % 100);
		peers_end(peers, peers_begin(peers, address, i + 1));
	}
	assert_string_equal(peers->list[0].address, "10.0.2.56");
	assert_string_equal(peers->list[10].address, "10.0.0.10");
	free(peers);
}

static void wrong_answers_wait_longer_each_time(void **state)
{
	struct peer peer = {.address = "10.0.0.1"};

	(void)state;
	assert_int_equal(peer_failed(&peer, 100000), 100);
	assert_int_equal(peer_failed(&peer, 100001), 200);
	assert_int_equal(peer_failed(&peer, 100002), 400);
	for (int i = 0; i < 100; i++)
		assert_true(peer_failed(&peer, 100003) <= 5000);
	assert_int_equal(peer_failed(&peer, 100004), 5000);
	assert_int_equal(peer_failed(&peer, 100004 + 60001), 100);
}

static void buffers_are_aligned_reused_and_bounded(void **state)
{
	struct buffer a = {0}, b = {0}, c = {0};
	struct buffers buffers;
	uint8_t *first;

	(void)state;
	buffers_init(&buffers, 3 * 65536);
	assert_int_equal(buffers_get(&buffers, 1, &a), 0);
	assert_int_equal(a.size, 4096);
	assert_int_equal((uintptr_t)a.data % BUFFER_ALIGN, 0);
	first = a.data;
	buffers_put(&buffers, &a);
	assert_null(a.data);
	assert_int_equal(buffers_get(&buffers, 4096, &a), 0);
	assert_ptr_equal(a.data, first);
	assert_int_equal(buffers_get(&buffers, 65537, &b), 0);
	assert_int_equal(b.size, 131072);
	assert_int_equal(buffers_get(&buffers, 65536, &c), -ENOBUFS);
	buffers_put(&buffers, &a);
	/* What lies free in another size makes room. */
	assert_int_equal(buffers_get(&buffers, 65536, &c), 0);
	buffers_put(&buffers, &b);
	buffers_put(&buffers, &c);
	buffers_put(&buffers, &c); /* empty: nothing */
	buffers_fini(&buffers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_cannot_take_all_places),
		cmocka_unit_test(all_addresses_together_are_limited),
		cmocka_unit_test(a_full_table_forgets_the_quietest),
		cmocka_unit_test(wrong_answers_wait_longer_each_time),
		cmocka_unit_test(buffers_are_aligned_reused_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
