/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holders: one test for each thing that a real dockerd was seen to send. "Due" means that the
 * agent would now try to let go; whether it may is the kernel's word.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/holders.h"
#include "agent/instances.h"

#define GRACE_MS 60000

static struct holders holders;
static struct instances instances;
static int64_t now_ms;

static int begin(void **state)
{
	(void)state;
	holders = (struct holders){0};
	instances_init(&instances);
	now_ms = 1000;
	return 0;
}

static int end(void **state)
{
	(void)state;
	holders_fini(&holders);
	return 0;
}

static void mount(const char *id, const char *instance)
{
	struct error err = {0};

	(void)instances_note(&instances, instance, now_ms);
	assert_int_equal(holders_add(&holders, id, instance, &err), 0);
}

static void unmount(const char *id, const char *instance)
{
	(void)instances_note(&instances, instance, now_ms);
	(void)holders_strike(&holders, id, instance);
}

static bool is_due(void)
{
	return instances_count_valid(&instances, &holders, now_ms, GRACE_MS) == 0;
}

static void copy_up_at_create_leaves_the_container_as_holder(void **state)
{
	mount("id1", "docker:1");
	unmount("id1", "docker:1");
	assert_true(is_due());
	mount("id2", "docker:1");
	assert_false(is_due());
	unmount("id2", "docker:1");
	assert_true(is_due());
}

static void two_containers_hold_until_both_are_gone(void **state)
{
	mount("id2", "docker:1");
	mount("id3", "docker:1");
	unmount("id2", "docker:1");
	assert_false(is_due());
	unmount("id3", "docker:1");
	assert_true(is_due());
}

static void docker_cp_on_a_running_container_does_not_let_go(void **state)
{
	mount("id2", "docker:1");
	mount("id2", "docker:1"); /* docker cp: the same id */
	unmount("id2", "docker:1");
	assert_false(is_due());
	unmount("id2", "docker:1");
	assert_true(is_due());
}

static void docker_cp_on_a_stopped_container_comes_and_goes(void **state)
{
	mount("id4", "docker:1");
	assert_false(is_due());
	unmount("id4", "docker:1");
	assert_true(is_due());
}

static void restarted_container_mounts_its_old_id_and_unmounts_once(void **state)
{
	mount("id2", "docker:1");
	mount("id2", "docker:1"); /* killed in the middle of a docker cp, even */
	mount("id2", "docker:2"); /* replaces, does not add */
	now_ms += GRACE_MS + 1;
	assert_false(is_due());
	unmount("id2", "docker:2");
	assert_true(is_due());
}

static void id_that_is_never_unmounted_counts_no_longer_after_the_grace(void **state)
{
	mount("id2", "docker:1");
	now_ms += 1000;
	(void)instances_note(&instances, "docker:2", now_ms);
	assert_false(is_due());
	now_ms += GRACE_MS - 1;
	assert_false(is_due());
	now_ms += 2;
	assert_true(is_due());
}

static void live_restored_container_unmounts_once_from_the_new_run(void **state)
{
	mount("id2", "docker:1");
	mount("id2", "docker:1");
	unmount("id2", "docker:2"); /* counts of the old run mean nothing */
	assert_int_equal(holders.count, 0);
	assert_true(is_due());
}

static void docker_cp_after_a_live_restore_makes_it_due_at_once(void **state)
{
	mount("id2", "docker:1");
	mount("id2", "docker:2");
	unmount("id2", "docker:2");
	/* The container still runs: now the kernel must say no, and nobody unmounts later. */
	assert_true(is_due());
}

static void unknown_holder_changes_nothing(void **state)
{
	mount("id2", "docker:1");
	assert_false(holders_strike(&holders, "id9", "docker:1"));
	assert_int_equal(holders.count, 1);
}

static void another_kind_of_front_end_makes_nobody_suspect(void **state)
{
	mount("id2", "docker:1");
	mount("id3", "csi:7");
	now_ms += GRACE_MS * 2;
	assert_int_equal(instances_count_valid(&instances, &holders, now_ms, 0), 2);
}

static void holders_without_an_instance_are_never_suspect(void **state)
{
	mount("by-hand", "");
	(void)instances_note(&instances, "docker:2", now_ms);
	now_ms += GRACE_MS * 2;
	assert_false(is_due());
}

static void same_run_noted_again_does_not_restart_the_grace(void **state)
{
	mount("id2", "docker:1");
	(void)instances_note(&instances, "docker:2", now_ms);
	now_ms += GRACE_MS + 1;
	assert_false(instances_note(&instances, "docker:2", now_ms));
	assert_true(is_due());
}

static void ids_that_are_no_ids_are_refused(void **state)
{
	char id[HOLDER_ID_SIZE + 1];
	struct error err = {0};

	memset(id, 'a', sizeof(id));
	id[HOLDER_ID_SIZE] = '\0';
	assert_int_equal(holder_check(id, "", &err), -EINVAL);
	id[HOLDER_ID_SIZE - 1] = '\0';
	assert_int_equal(holder_check(id, "", &err), 0);
	assert_int_equal(holder_check("", "docker:1", &err), -EINVAL);
	assert_int_equal(holder_check("a\nb", "docker:1", &err), -EINVAL);
	assert_int_equal(holder_check("a", id + 1, &err), 0);
}

static void too_many_holders_are_refused_and_none_is_lost(void **state)
{
	struct error err = {0};
	char id[16];

	for (int i = 0; i < HOLDERS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "id%d", i);
		assert_int_equal(holders_add(&holders, id, "docker:1", &err), 0);
	}
	assert_int_equal(holders_add(&holders, "one-more", "docker:1", &err), -ENOSPC);
	assert_int_equal(holders.count, HOLDERS_MAX);
	assert_int_equal(holders_add(&holders, "id0", "docker:1", &err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copy_up_at_create_leaves_the_container_as_holder),
		TEST(two_containers_hold_until_both_are_gone),
		TEST(docker_cp_on_a_running_container_does_not_let_go),
		TEST(docker_cp_on_a_stopped_container_comes_and_goes),
		TEST(restarted_container_mounts_its_old_id_and_unmounts_once),
		TEST(id_that_is_never_unmounted_counts_no_longer_after_the_grace),
		TEST(live_restored_container_unmounts_once_from_the_new_run),
		TEST(docker_cp_after_a_live_restore_makes_it_due_at_once),
		TEST(unknown_holder_changes_nothing),
		TEST(another_kind_of_front_end_makes_nobody_suspect),
		TEST(holders_without_an_instance_are_never_suspect),
		TEST(same_run_noted_again_does_not_restart_the_grace),
		TEST(ids_that_are_no_ids_are_refused),
		TEST(too_many_holders_are_refused_and_none_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
