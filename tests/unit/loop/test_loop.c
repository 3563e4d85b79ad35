/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop on the real ring: sockets, files, timers, posts from many threads, cancel, a queue
 * that overflows. With the argument "plain" the kernel refuses the fast ring's flags (the call
 * is interposed), as kernels before 6.1 do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "loop/loop.h"

static bool is_plain;
static unsigned fast_rings, plain_rings;

int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *p)
{
	int (*real)(unsigned, struct io_uring *, struct io_uring_params *);

	*(void **)&real = dlsym(RTLD_NEXT, "io_uring_queue_init_params");
	if (is_plain && p->flags)
		return -EINVAL;
	*(p->flags ? &fast_rings : &plain_rings) += 1;
	return real(entries, ring, p);
}

/* An operation that keeps its result, and stops the loop when `wanted` of them have ended. */
struct probe {
	struct loop_op op;
	int result;
	unsigned runs;
	struct fixture *fixture;
};

struct fixture {
	struct loop *loop;
	unsigned ended;
	unsigned wanted;
	struct loop_timer watchdog;
};

static void watchdog_expired(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the loop waited for ten seconds");
}

static void run_until(struct fixture *f, unsigned wanted)
{
	f->wanted = f->ended + wanted;
	loop_timer_set(f->loop, &f->watchdog, 10000);
	assert_int_equal(loop_run(f->loop), 0);
	loop_timer_clear(f->loop, &f->watchdog);
	assert_int_equal(f->ended, f->wanted);
}

static void count_one(struct fixture *f)
{
	if (++f->ended == f->wanted)
		loop_stop(f->loop);
}

static void probe_done(struct loop_op *op, int result)
{
	struct probe *probe = container_of(op, struct probe, op);

	assert_false(op->is_in_flight);
	probe->result = result;
	probe->runs++;
	count_one(probe->fixture);
}

static struct probe probe_of(struct fixture *f)
{
	return (struct probe){.op.done = probe_done, .fixture = f};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {0};

	if (!f || loop_new(64, &f->loop, &err) < 0)
		return -1;
	f->watchdog.expired = watchdog_expired;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	free(f);
	return 0;
}

/* --- tests --- */

static void bytes_cross_a_socket(void **state)
{
	struct fixture *f = *state;
	struct probe out = probe_of(f), in = probe_of(f);
	char text[] = "berth", got[16] = {0};
	struct iovec iov[2] = {{text, 2}, {text + 2, 3}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	loop_recv(f->loop, &in.op, pair[1], got, sizeof(got));
	loop_sendmsg(f->loop, &out.op, pair[0], &message);
	assert_true(in.op.is_in_flight);
	assert_int_equal(in.runs, 0);
	run_until(f, 2);
	assert_int_equal(out.result, 5);
	assert_int_equal(in.result, 5);
	assert_string_equal(got, "berth");

	close(pair[0]);
	loop_recv(f->loop, &in.op, pair[1], got, sizeof(got));
	run_until(f, 1);
	assert_int_equal(in.result, 0);
	loop_sendmsg(f->loop, &out.op, pair[1], &message);
	run_until(f, 1);
	assert_int_equal(out.result, -EPIPE);
	close(pair[1]);
}

static void recvmsg_scatters(void **state)
{
	struct fixture *f = *state;
	struct probe in = probe_of(f);
	char head[3], rest[8];
	struct iovec iov[2] = {{head, sizeof(head)}, {rest, sizeof(rest)}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], "headrest", 8), 8);
	loop_recvmsg(f->loop, &in.op, pair[1], &message);
	run_until(f, 1);
	assert_int_equal(in.result, 8);
	assert_memory_equal(head, "hea", 3);
	assert_memory_equal(rest, "drest", 5);
	close(pair[0]);
	close(pair[1]);
}

static void accept_gives_a_connection(void **state)
{
	struct fixture *f = *state;
	struct probe accepted = probe_of(f);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	loop_accept(f->loop, &accepted.op, listener);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	run_until(f, 1);
	assert_true(accepted.result >= 0);
	assert_int_equal(fcntl(accepted.result, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(accepted.result);
	close(client);
	close(listener);
}

static void file_is_written_synced_and_read(void **state)
{
	struct fixture *f = *state;
	struct probe probe = probe_of(f);
	char path[] = "/tmp/test_loop.XXXXXX";
	int fd = mkstemp(path);
	char text[8] = "12345678", got[8] = {0};
	struct iovec whole = {text, 8}, back = {got, 8};

	assert_true(fd >= 0);
	unlink(path);
	loop_allocate(f->loop, &probe.op, fd, 0, 0, 65536);
	run_until(f, 1);
	assert_int_equal(probe.result, 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 65536);
	loop_writev(f->loop, &probe.op, fd, &whole, 1, 4096);
	run_until(f, 1);
	assert_int_equal(probe.result, 8);
	loop_writev_durable(f->loop, &probe.op, fd, &whole, 1, 8192);
	run_until(f, 1);
	assert_int_equal(probe.result, 8);
	loop_sync(f->loop, &probe.op, fd);
	run_until(f, 1);
	assert_int_equal(probe.result, 0);
	for (uint64_t offset = 4096; offset <= 8192; offset += 4096) {
		memset(got, 0, sizeof(got));
		loop_readv(f->loop, &probe.op, fd, &back, 1, offset);
		run_until(f, 1);
		assert_int_equal(probe.result, 8);
		assert_memory_equal(got, text, 8);
	}
	loop_readv(f->loop, &probe.op, fd, &back, 1, 65536);
	run_until(f, 1);
	assert_int_equal(probe.result, 0);
	close(fd);
	loop_sync(f->loop, &probe.op, fd);
	run_until(f, 1);
	assert_int_equal(probe.result, -EBADF);
}

static void cancel_ends_an_operation_once(void **state)
{
	struct fixture *f = *state;
	struct probe in = probe_of(f);
	char got[4];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	loop_cancel(f->loop, &in.op); /* idle: nothing */
	loop_recv(f->loop, &in.op, pair[1], got, sizeof(got));
	loop_cancel(f->loop, &in.op);
	loop_cancel(f->loop, &in.op);
	run_until(f, 1);
	assert_int_equal(in.result, -ECANCELED);
	assert_int_equal(in.runs, 1);
	close(pair[0]);
	close(pair[1]);
}

static void more_operations_than_entries_all_end(void **state)
{
	enum {
		COUNT = 1000
	};
	struct fixture *f = *state;
	struct probe *probes = calloc(COUNT, sizeof(*probes));
	char got[4] = {0};
	struct iovec back = {got, 4};
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_non_null(probes);
	for (int i = 0; i < COUNT; i++) {
		probes[i] = probe_of(f);
		loop_readv(f->loop, &probes[i].op, fd, &back, 1, 0);
		assert_int_equal(probes[i].runs, 0);
	}
	run_until(f, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(probes[i].result, 4);
		assert_int_equal(probes[i].runs, 1);
	}
	close(fd);
	free(probes);
}

struct timed {
	struct loop_timer timer;
	struct fixture *fixture;
	unsigned order;
	unsigned again; /* set once more from the callback, this often */
};

static void timed_expired(struct loop_timer *timer)
{
	struct timed *timed = container_of(timer, struct timed, timer);

	assert_int_equal(timer->deadline_ms, 0);
	timed->order = timed->fixture->ended;
	if (timed->again > 0) {
		timed->again--;
		loop_timer_set(timed->fixture->loop, timer, 0);
	}
	count_one(timed->fixture);
}

static void timers_run_by_deadline(void **state)
{
	struct fixture *f = *state;
	static const unsigned delays_ms[] = {30, 10, 20, 10, 40};
	static const unsigned orders[] = {3, 0, 2, 1, 4};
	struct timed timed[5];
	struct timed never = {.timer.expired = timed_expired, .fixture = f};
	uint64_t begin = loop_now_ms(f->loop);

	for (int i = 0; i < 5; i++) {
		timed[i] = (struct timed){.timer.expired = timed_expired, .fixture = f};
		loop_timer_set(f->loop, &timed[i].timer, 1000);
		loop_timer_set(f->loop, &timed[i].timer, delays_ms[i]);
	}
	loop_timer_set(f->loop, &never.timer, 5);
	loop_timer_clear(f->loop, &never.timer);
	loop_timer_clear(f->loop, &never.timer);
	run_until(f, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(timed[i].order, orders[i]);
	assert_in_range(loop_now_ms(f->loop) - begin, 40, 9000);
}

static void timer_set_in_its_callback_waits_a_turn(void **state)
{
	struct fixture *f = *state;
	struct timed timed = {.timer.expired = timed_expired, .fixture = f, .again = 3};

	loop_timer_set(f->loop, &timed.timer, 0);
	run_until(f, 4);
	assert_int_equal(timed.again, 0);
}

struct note {
	struct loop_task task;
	struct poster *poster;
	unsigned number;
};

struct poster {
	struct fixture *fixture;
	pthread_t thread;
	unsigned seen;
	struct note notes[500];
};

static void note_run(struct loop_task *task)
{
	struct note *note = container_of(task, struct note, task);

	assert_int_equal(note->number, note->poster->seen);
	note->poster->seen++;
	count_one(note->poster->fixture);
}

static void *poster_main(void *argument)
{
	struct poster *poster = argument;

	for (unsigned i = 0; i < ARRAY_SIZE(poster->notes); i++) {
		poster->notes[i] = (struct note){{note_run, {0}}, poster, i};
		loop_post(poster->fixture->loop, &poster->notes[i].task);
	}
	return NULL;
}

static void posts_of_many_threads_run_in_order(void **state)
{
	struct fixture *f = *state;
	struct poster *posters = calloc(4, sizeof(*posters));

	assert_non_null(posters);
	for (int i = 0; i < 4; i++) {
		posters[i].fixture = f;
		assert_int_equal(pthread_create(&posters[i].thread, NULL, poster_main, &posters[i]),
				 0);
	}
	run_until(f, 4 * ARRAY_SIZE(posters->notes));
	for (int i = 0; i < 4; i++)
		pthread_join(posters[i].thread, NULL);
	free(posters);
}

static void post_from_the_loop_runs_later(void **state)
{
	struct fixture *f = *state;
	struct poster poster = {.fixture = f};

	poster_main(&poster);
	assert_int_equal(poster.seen, 0);
	run_until(f, ARRAY_SIZE(poster.notes));
	assert_int_equal(poster.seen, ARRAY_SIZE(poster.notes));
}

static void *run_main(void *argument)
{
	return (void *)(intptr_t)loop_run(argument);
}

static void loop_made_here_runs_and_stops_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct loop *loop;
	pthread_t thread;
	void *result;

	(void)f;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(loop_new(64, &loop, NULL), 0);
		assert_int_equal(pthread_create(&thread, NULL, run_main, loop), 0);
		loop_stop(loop);
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_int_equal((intptr_t)result, 0);
		loop_free(loop);
	}
}

static void ring_has_the_expected_kind(void **state)
{
	(void)state;
	assert_int_equal(is_plain ? fast_rings : plain_rings, 0);
	assert_true(fast_rings + plain_rings > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_cross_a_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(recvmsg_scatters, setup, teardown),
		cmocka_unit_test_setup_teardown(accept_gives_a_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(file_is_written_synced_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(cancel_ends_an_operation_once, setup, teardown),
		cmocka_unit_test_setup_teardown(more_operations_than_entries_all_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(timers_run_by_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(timer_set_in_its_callback_waits_a_turn, setup,
						teardown),
		cmocka_unit_test_setup_teardown(posts_of_many_threads_run_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(post_from_the_loop_runs_later, setup, teardown),
		cmocka_unit_test_setup_teardown(loop_made_here_runs_and_stops_elsewhere, setup,
						teardown),
		cmocka_unit_test(ring_has_the_expected_kind),
	};

	is_plain = argc > 1 && strcmp(argv[1], "plain") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
