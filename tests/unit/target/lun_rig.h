/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A LUN on a bench: a block in memory whose requests are completed when the test says so, a loop
 * that is a list of posts, and tasks whose buffers are exactly as long as the LUN asked for, so
 * that the sanitizer sees every step beyond. One rig at a time.
 */
#ifndef TESTS_LUN_RIG_H
#define TESTS_LUN_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block/space.h"
#include "target/lun.h"

#define RIG_BLOCKS_DEFAULT 4096U
#define RIG_LOG_SIZE	   64U

/* A request as the block saw it. */
struct rig_request {
	enum block_kind kind;
	bool fua;
	uint64_t offset;
	uint64_t length;
};

struct rig {
	struct block block;
	struct block_limits limits;
	struct block_space space; /* with has_thresholds */
	uint8_t *bytes;
	uint8_t *mapped; /* per logical block */
	struct list pending;
	struct list posts;
	struct lun *lun;
	struct nexus *nexus;
	struct nexus *other;

	/* The next request of `fail_kind` ends with `fail_error` (0: none does). */
	enum block_kind fail_kind;
	int fail_error;

	struct rig_request log[RIG_LOG_SIZE];
	unsigned log_count; /* of all requests; the last RIG_LOG_SIZE are kept */
};

struct rig_task {
	struct task task;
	uint8_t *memory;
	unsigned done_count;
	bool was_run;
};

/* 4096 blocks of 512 bytes on 4096, thin, with a write cache; the power-on attentions taken. */
void rig_start(struct rig *bench);
/* With limits of the test's own; attentions are left. */
void rig_start_with(struct rig *bench, const struct block_limits *limits);
struct block_limits rig_limits(void);
void rig_stop(struct rig *bench);

/* Run posts and complete requests until nothing is left. */
void rig_settle(struct rig *bench);
/* Complete the oldest pending request; false if there is none. */
bool rig_complete_one(struct rig *bench);
/* Run what was posted to the loop. */
void rig_run_posts(struct rig *bench);

/* A task with its CDB, not prepared. `out_len` bytes of Data-Out are offered. */
struct rig_task *rig_task_new(struct rig *bench, const void *cdb, size_t cdb_len, uint32_t out_len);
void rig_task_free(struct rig_task *task);
/* lun_prepare, and memory with the Data-Out; false if the task ended there. */
bool rig_prepare(struct rig_task *task, const void *out);
/* lun_run. */
void rig_run(struct rig_task *task);

/* The whole way of one command until its done; free it with rig_task_free. */
struct rig_task *rig_execute(struct rig *bench, const void *cdb, size_t cdb_len, const void *out,
			     uint32_t out_len);

/* The rig of the tests in one program, started and stopped around each. */
extern struct rig rig;
int rig_setup(void **state);
int rig_teardown(void **state);
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

/* The last request that the block saw. */
const struct rig_request *rig_last_request(void);

#define RIG_CDB(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* Assertions with the place of the test. */
#define assert_good(rig_task) assert_int_equal((rig_task)->task.status, 0)
#define assert_sense(rig_task, key, code)                                                          \
	do {                                                                                       \
		const uint8_t *sense_data = (rig_task)->task.sense;                                \
		assert_int_equal((rig_task)->task.status, 2);                                      \
		assert_int_equal(sense_data[2] & 0x0f, key);                                       \
		assert_int_equal(sense_data[12] << 8 | sense_data[13], code);                      \
	} while (0)

#endif
