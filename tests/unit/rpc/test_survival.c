/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server against bytes that nobody thought of: random ones behind a good preface, and real
 * sessions with bytes flipped, cut, doubled and swapped. After each batch it answers a good call.
 *
 *	test_rpc_survival [SEED [SESSIONS]]
 *
 * prints the seed of a failure: the same seed sends the same bytes.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "rpc/clock.h"
#include "tests/unit/rpc/served.h"

#define SESSION_BYTES_MAX 65536
#define BATCH		  50

static uint64_t seed = 1;
static unsigned session_count = 1500;

struct session {
	uint8_t bytes[SESSION_BYTES_MAX];
	size_t len;
};

/* What a good peer says: calls of every kind, one of them taken back. */
static void session_record(struct session *session)
{
	static const uint8_t count_three[] = {0x08, 3, 0x18, 10};
	struct peer peer = {0};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	peer.fd = ends[0];
	peer_greet(&peer);
	peer_say(&peer, 1, "hello", 0);
	peer_call(&peer, 3, "Count");
	peer_message(&peer, NGHTTP2_FLAG_END_STREAM, 3, count_three, sizeof(count_three));
	peer_say(&peer, 5, "slow", 5);
	peer_frame(&peer, NGHTTP2_PING, 0, 0, "12345678", 8);
	peer_frame(&peer, NGHTTP2_RST_STREAM, 0, 5, "\x00\x00\x00\x08", 4);
	peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x00\x00\x10\x00", 4);
	peer_frame(&peer, NGHTTP2_PRIORITY, 0, 7, "\x00\x00\x00\x00\x10", 5);
	peer_call(&peer, 7, "Fail");
	peer_message(&peer, NGHTTP2_FLAG_END_STREAM, 7, "\x08\x02\x12\x02no", 6);
	peer_say(&peer, 9, "bye", 0);
	close(ends[0]);
	session->len = (size_t)recv(ends[1], session->bytes, sizeof(session->bytes), MSG_WAITALL);
	assert_in_range(session->len, 500, sizeof(session->bytes));
	close(ends[1]);
}

/* Behind the preface, so that it is not all over at once. */
static void session_flip(struct session *session, struct random *random)
{
	size_t at = NGHTTP2_CLIENT_MAGIC_LEN +
		    random_below(random, session->len - NGHTTP2_CLIENT_MAGIC_LEN);

	session->bytes[at] ^= (uint8_t)(1u << random_below(random, 8));
}

static void session_overwrite(struct session *session, struct random *random)
{
	size_t at = NGHTTP2_CLIENT_MAGIC_LEN +
		    random_below(random, session->len - NGHTTP2_CLIENT_MAGIC_LEN);
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};

	session->bytes[at] = edges[random_below(random, sizeof(edges))];
}

static void session_cut(struct session *session, struct random *random)
{
	session->len = NGHTTP2_CLIENT_MAGIC_LEN + 1 +
		       random_below(random, session->len - NGHTTP2_CLIENT_MAGIC_LEN - 1);
}

/* Repeat some bytes of the middle, so that what follows is out of step. */
static void session_double(struct session *session, struct random *random)
{
	size_t at = NGHTTP2_CLIENT_MAGIC_LEN +
		    random_below(random, session->len - NGHTTP2_CLIENT_MAGIC_LEN);
	size_t len = 1 + random_below(random, session->len - at);

	if (session->len + len > SESSION_BYTES_MAX)
		return;
	memmove(session->bytes + at + len, session->bytes + at, session->len - at);
	session->len += len;
}

static void session_remove(struct session *session, struct random *random)
{
	size_t at = NGHTTP2_CLIENT_MAGIC_LEN +
		    random_below(random, session->len - NGHTTP2_CLIENT_MAGIC_LEN);
	size_t len = random_below(random, session->len - at);

	memmove(session->bytes + at, session->bytes + at + len, session->len - at - len);
	session->len -= len;
}

static void session_randomise(struct session *session, struct random *random)
{
	session->len = 1 + random_below(random, 600);
	for (size_t i = 0; i < session->len; i++)
		session->bytes[i] = (uint8_t)random_next(random);
	if (random_below(random, 4) > 0) {
		memcpy(session->bytes, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
		session->len = session->len < 30 ? 30 : session->len;
	}
}

static void session_mutate(struct session *session, struct random *random)
{
	static void (*const ways[])(struct session *, struct random *) = {
		session_flip,	session_flip,	session_overwrite, session_overwrite,
		session_double, session_remove, session_cut,	   session_randomise,
	};
	unsigned times = 1 + (unsigned)random_below(random, 4);

	for (unsigned i = 0; i < times; i++)
		if (session->len > NGHTTP2_CLIENT_MAGIC_LEN + 2)
			ways[random_below(random, ARRAY_SIZE(ways))](session, random);
}

/* Say it, in two pieces, listen a little or not at all, and hang up. */
static void session_play(const struct session *session, const char *path, struct random *random)
{
	struct peer *peer = peer_new(path);
	size_t first = random_below(random, session->len);
	uint8_t ignored[4096];

	peer_send(peer, session->bytes, first);
	peer_send(peer, session->bytes + first, session->len - first);
	if (random_below(random, 2)) {
		struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};

		/* The server may rightly have nothing to say. */
		if (poll(&poll_fd, 1, 2) > 0)
			(void)recv(peer->fd, ignored, sizeof(ignored), 0);
	}
	peer_free(peer);
}

static void server_outlives_whatever_it_is_told(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.stall_ms = 1000});
	struct session *good = calloc(1, sizeof(*good));
	struct session *bad = calloc(1, sizeof(*bad));

	assert_true(good && bad);
	session_record(good);
	for (unsigned i = 0; i < session_count; i++) {
		struct random random = {seed * 1000003 + i};

		*bad = *good;
		session_mutate(bad, &random);
		session_play(bad, served->path, &random);
		if (i % BATCH == 0)
			served_assert_alive(served);
	}
	free(good);
	free(bad);
	served_free(served);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_outlives_whatever_it_is_told),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		session_count = (unsigned)strtoul(argv[2], NULL, 10);
	(void)printf("seed %llu, %u sessions\n", (unsigned long long)seed, session_count);
	(void)fflush(stdout); /* it is wanted most when we crash */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
