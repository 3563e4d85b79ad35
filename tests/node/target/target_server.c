/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target for tests: disks in memory behind the real target on real sockets, steered by lines
 * on stdin, each answered by one line on stdout ("ok ...", "error ...").
 *
 *   listen ADDRESS                  ok BOUND-ADDRESS
 *   add NAME MIB                    a new disk, on the loops in turn
 *   access NAME INITIATOR[,USER,SECRET[,TARGET-USER,TARGET-SECRET]] ...
 *   count NAME [INITIATOR]          ok N
 *   hold NAME / release NAME        keep the disk's requests back / let them go
 *   touched NAME                    ok N: writes that reached the disk
 *   held NAME                       ok N: requests kept back now
 *   grow NAME MIB
 *   remove NAME
 *   drain MS
 *   events                          ok OPENED CLOSED REFUSED
 *   quit
 *
 * A line that begins with "& " does not hold up those behind it; it is answered when it ends.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/size.h"
#include "target/call.h"
#include "target/target.h"

#define LOOPS_MAX 4
#define WORDS_MAX 64
#define DISK_MAX  (64 * MIB * 1024) /* address space set aside for growing */

struct disk {
	struct block block;
	struct list_node link;
	char name[ISCSI_NAME_SIZE];
	struct loop *loop;
	uint8_t *bytes;
	uint64_t size;
	bool is_held;
	struct list held;
	struct list done;
	struct loop_task finish;
	bool is_finish_posted;
	_Atomic unsigned touched;
	_Atomic unsigned held_count;
};

static struct loop *loops[LOOPS_MAX];
static pthread_t threads[LOOPS_MAX];
static unsigned loop_count = 1, next_loop;
static struct target *target;
static struct list disks = LIST_INIT(disks);
static _Atomic unsigned event_counts[3];

/* --- the disk --- */

static void disk_carry_out(struct disk *disk, struct block_io *io)
{
	uint64_t offset = io->offset;

	io->result = 0;
	if (io->offset > disk->size || io->length > disk->size - io->offset) {
		io->result = -EINVAL;
		return;
	}
	if (io->kind == BLOCK_WRITE)
		atomic_fetch_add(&disk->touched, 1);
	if (io->kind == BLOCK_UNMAP || io->kind == BLOCK_WRITE_ZEROES)
		memset(disk->bytes + offset, 0, io->length);
	if (io->kind == BLOCK_MAP)
		io->is_mapped = true;
	for (int i = 0; (io->kind == BLOCK_READ || io->kind == BLOCK_WRITE) && i < io->iov_count;
	     i++) {
		if (io->kind == BLOCK_READ)
			memcpy(io->iov[i].iov_base, disk->bytes + offset, io->iov[i].iov_len);
		else
			memcpy(disk->bytes + offset, io->iov[i].iov_base, io->iov[i].iov_len);
		offset += io->iov[i].iov_len;
	}
}

static void disk_finish(struct loop_task *task)
{
	struct disk *disk = container_of(task, struct disk, finish);
	struct list done;
	struct list_node *node;

	disk->is_finish_posted = false;
	list_init(&done);
	list_append_all(&done, &disk->done);
	while ((node = list_take_first(&done))) {
		struct block_io *io = list_entry(node, struct block_io, link);

		disk_carry_out(disk, io);
		io->done(io, io->result);
	}
}

static void disk_finish_later(struct disk *disk)
{
	if (disk->is_finish_posted || list_is_empty(&disk->done))
		return;
	disk->is_finish_posted = true;
	loop_post(disk->loop, &disk->finish);
}

static void disk_submit(struct block *block, struct block_io *io)
{
	struct disk *disk = container_of(block, struct disk, block);

	if (disk->is_held) {
		list_append(&disk->held, &io->link);
		atomic_fetch_add(&disk->held_count, 1);
		return;
	}
	list_append(&disk->done, &io->link);
	disk_finish_later(disk);
}

static void disk_describe(struct block *block, struct block_limits *out_limits)
{
	struct disk *disk = container_of(block, struct disk, block);

	*out_limits = (struct block_limits){.size_bytes = disk->size,
					    .logical_block_bytes = 512,
					    .physical_block_bytes = 4096,
					    .memory_align_bytes = 4096,
					    .max_io_bytes = 4 * MIB,
					    .max_unmap_bytes = 64 * MIB,
					    .unmap_granule_bytes = 4096,
					    .is_thin = true,
					    .has_write_cache = true};
}

static void disk_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	struct disk *disk = container_of(block, struct disk, block);

	list_remove(&disk->link);
	munmap(disk->bytes, DISK_MAX);
	free(disk);
	closed(owner);
}

static const struct block_ops disk_ops = {disk_submit, disk_describe, disk_close};

static struct disk *disk_find(const char *name)
{
	list_for_each (&disks, disk, struct disk, link)
		if (strcmp(disk->name, name) == 0)
			return disk;
	return NULL;
}

struct disk_call {
	struct call call;
	struct disk *disk;
	bool is_held;
	uint64_t size;
};

static void disk_change_run(struct call *call)
{
	struct disk_call *change = container_of(call, struct disk_call, call);
	struct disk *disk = change->disk;

	disk->size = change->size;
	disk->is_held = change->is_held;
	if (!disk->is_held) {
		list_append_all(&disk->done, &disk->held);
		atomic_store(&disk->held_count, 0);
		disk_finish_later(disk);
	}
	call_finish(call);
}

static void disk_change(struct disk *disk, bool is_held, uint64_t size)
{
	struct disk_call change = {.disk = disk, .is_held = is_held, .size = size};

	call_run(&change.call, disk->loop, disk_change_run);
}

/* --- the lines --- */

static int line_listen(char **words, char *answer, struct error *err)
{
	return target_listen(target, words[1], answer, err);
}

static int line_add(char **words, char *answer, struct error *err)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	struct target_export export = {.label = "test"};

	(void)answer;
	disk->block.ops = &disk_ops;
	disk->size = strtoull(words[2], NULL, 10) * MIB;
	disk->bytes = mmap(NULL, DISK_MAX, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	disk->loop = loops[next_loop++ % loop_count];
	disk->finish.run = disk_finish;
	list_init(&disk->held);
	list_init(&disk->done);
	strncpy(disk->name, words[1], sizeof(disk->name) - 1);
	strncpy(export.name, words[1], sizeof(export.name) - 1);
	uuid_generate(&export.uuid);
	export.loop = disk->loop;
	export.block = &disk->block;
	if (target_add(target, &export, err) < 0) {
		munmap(disk->bytes, DISK_MAX);
		free(disk);
		return err->code;
	}
	list_append(&disks, &disk->link);
	return 0;
}

static void access_parse(char *word, struct target_access *access)
{
	char *members[] = {access->initiator, access->chap_user, access->chap_secret,
			   access->chap_target_user, access->chap_target_secret};
	char *rest = word;

	for (unsigned i = 0; rest && i < ARRAY_SIZE(members); i++) {
		const char *text = strsep(&rest, ",");

		strncpy(members[i], text, (i == 0 ? ISCSI_NAME_SIZE : CHAP_TEXT_SIZE) - 1);
	}
}

static int line_access(char **words, char *answer, struct error *err)
{
	struct target_access list[WORDS_MAX] = {0};
	unsigned count = 0;

	(void)answer;
	for (; words[2 + count]; count++)
		access_parse(words[2 + count], &list[count]);
	return target_set_access(target, words[1], list, count, err);
}

static int line_count(char **words, char *answer, struct error *err)
{
	(void)err;
	sprintf(answer, "%u", target_session_count(target, words[1], words[2]));
	return 0;
}

/* Lines about a disk. */
static int line_disk(char **words, char *answer, struct error *err)
{
	struct disk *disk = words[1] ? disk_find(words[1]) : NULL;

	if (!disk)
		return error_set(err, -ENOENT, "no such disk");
	if (strcmp(words[0], "hold") == 0)
		disk_change(disk, true, disk->size);
	else if (strcmp(words[0], "release") == 0)
		disk_change(disk, false, disk->size);
	else if (strcmp(words[0], "touched") == 0)
		sprintf(answer, "%u", atomic_load(&disk->touched));
	else
		sprintf(answer, "%u", atomic_load(&disk->held_count));
	return 0;
}

static int line_grow(char **words, char *answer, struct error *err)
{
	struct disk *disk = disk_find(words[1]);

	(void)answer;
	if (!disk)
		return error_set(err, -ENOENT, "no such disk");
	disk_change(disk, disk->is_held, strtoull(words[2], NULL, 10) * MIB);
	target_capacity_changed(target, words[1]);
	return 0;
}

static void disk_closed(void *owner)
{
	(void)owner;
}

static int line_remove(char **words, char *answer, struct error *err)
{
	struct disk *disk = disk_find(words[1]);

	(void)answer;
	(void)err;
	target_remove(target, words[1]);
	if (disk)
		block_close(&disk->block, disk_closed, NULL);
	return 0;
}

static int line_drain(char **words, char *answer, struct error *err)
{
	(void)answer;
	(void)err;
	target_drain(target, (unsigned)strtoul(words[1], NULL, 10));
	return 0;
}

static int line_events(char **words, char *answer, struct error *err)
{
	(void)words;
	(void)err;
	sprintf(answer, "%u %u %u", atomic_load(&event_counts[0]), atomic_load(&event_counts[1]),
		atomic_load(&event_counts[2]));
	return 0;
}

static const struct line {
	const char *name;
	unsigned words_min;
	int (*run)(char **words, char *answer, struct error *err);
} lines[] = {
	{"listen", 2, line_listen}, {"add", 3, line_add},     {"access", 2, line_access},
	{"count", 2, line_count},   {"hold", 2, line_disk},   {"release", 2, line_disk},
	{"touched", 2, line_disk},  {"held", 2, line_disk},   {"grow", 3, line_grow},
	{"remove", 2, line_remove}, {"drain", 2, line_drain}, {"events", 1, line_events},
};

static int line_run(char **words, unsigned count, char *answer, struct error *err)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		if (strcmp(lines[i].name, words[0]) == 0 && count >= lines[i].words_min)
			return lines[i].run(words, answer, err);
	return error_set(err, -EINVAL, "no such line");
}

/* Frees the line. */
static void *line_serve(void *argument)
{
	char *words[WORDS_MAX + 3] = {0};
	char *line = argument, *rest = line, *word;
	char answer[256] = "";
	struct error err = {0};
	unsigned count = 0;

	while ((word = strsep(&rest, " \n")) && count < WORDS_MAX)
		if (*word)
			words[count++] = word;
	if (count > 0 && line_run(words, count, answer, &err) < 0)
		printf("error %s\n", err.text);
	else if (count > 0)
		printf("ok %s\n", answer);
	fflush(stdout);
	free(line);
	return NULL;
}

static void serve_lines(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin)) {
		pthread_t thread;

		if (strcmp(line, "quit\n") == 0)
			return;
		if (line[0] != '&') {
			line_serve(strdup(line));
		} else if (pthread_create(&thread, NULL, line_serve, strdup(line + 1)) == 0) {
			pthread_detach(thread);
		}
	}
}

/* --- the frame --- */

static void on_event(void *owner, const struct target_event *event)
{
	(void)owner;
	atomic_fetch_add(&event_counts[event->kind], 1);
	log_debug("event kind=%d target=%s initiator=%s peer=%s reason=\"%s\"", event->kind,
		  event->target_name, event->initiator, event->peer_address,
		  event->reason ? event->reason : "");
}

static void *loop_main(void *argument)
{
	return (void *)(intptr_t)loop_run(argument);
}

static unsigned setting(const char *name)
{
	const char *value = getenv(name);

	return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

int main(void)
{
	struct target_settings settings = {.loops = loops, .on_event = on_event};
	struct error err = {0};

	log_init("target_server", getenv("DEBUG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	loop_count = setting("LOOPS") ? setting("LOOPS") : 1;
	settings.loop_count = loop_count;
	settings.session_max = setting("SESSION_MAX");
	settings.tasks_per_session = setting("TASKS");
	settings.login_timeout_ms = setting("LOGIN_TIMEOUT_MS");
	settings.nop_interval_ms = setting("NOP_INTERVAL_MS");
	settings.nop_timeout_ms = setting("NOP_TIMEOUT_MS");
	for (unsigned i = 0; i < loop_count; i++) {
		if (loop_new(1024, &loops[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		pthread_create(&threads[i], NULL, loop_main, loops[i]);
	}
	if (target_new(&settings, &target, &err) < 0)
		return 1;
	serve_lines();

	target_drain(target, 0);
	while (!list_is_empty(&disks)) {
		struct disk *disk = list_entry(disks.head.next, struct disk, link);

		target_remove(target, disk->name);
		block_close(&disk->block, disk_closed, NULL);
	}
	target_free(target);
	for (unsigned i = 0; i < loop_count; i++) {
		loop_stop(loops[i]);
		pthread_join(threads[i], NULL);
		loop_free(loops[i]);
	}
	return 0;
}
