/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An initiator that writes what it can recognise, and knows what it may find later.
 *
 *   tagged_disk write URL INITIATOR LEDGER FIRST COUNT SEED   until the connection breaks or
 * SIGTERM tagged_disk check URL INITIATOR LEDGER FIRST COUNT
 *
 * The disk is used in windows of 128 sectors, FIRST to FIRST + COUNT - 1 of them here, each over a
 * border of extents. The ledger, a file shared by mapping it, says of each sector which generation
 * was asked for last, and which was acknowledged: after the death of the node, be it by SIGKILL,
 * a sector must hold anything from the one to the other. It outlives this program's own death too,
 * because the kernel keeps a mapped page.
 *
 * Exit status: 0 all is well (for `write` also: the connection broke), 1 wrong data or an answer
 * that should not be, 2 could not begin.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTOR_BYTES   512u
#define WINDOW_SECTORS 128u
#define WINDOW_STRIDE  2088u /* sectors: 1 MiB and 20 KiB */
#define DEPTH	       8u
#define TAG_MAGIC      UINT64_C(0x6265727468746167)

struct sector {
	uint32_t asked;
	uint32_t acked;
	uint32_t zeroed; /* generation of the last UNMAP asked for; 0: as it began */
};

struct tag {
	uint64_t magic;
	uint64_t number;
	uint64_t generation;
	uint64_t fill[(SECTOR_BYTES - 24) / 8];
};
_Static_assert(sizeof(struct tag) == SECTOR_BYTES, "a tag fills its sector");

struct disk;

struct request {
	struct disk *disk;
	bool is_busy;
	bool is_unmap;
	uint32_t window;
	uint32_t first, count; /* sectors of the window */
	uint32_t generation;
	struct tag data[WINDOW_SECTORS];
};

struct disk {
	struct iscsi_context *iscsi;
	int lun;
	struct sector *ledger; /* [window][sector] */
	uint32_t first_window, window_count;
	uint64_t random;
	unsigned in_flight;
	uint64_t done;
	bool has_failed;
	struct request requests[DEPTH];
};

static volatile sig_atomic_t is_stopping;

static void stop(int number)
{
	is_stopping = 1;
}

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static uint32_t below(struct disk *disk, uint32_t limit)
{
	disk->random += UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mix(disk->random) % limit);
}

static uint64_t sector_number(uint32_t window, uint32_t sector)
{
	return (uint64_t)window * WINDOW_STRIDE + sector;
}

static struct sector *sector_of(const struct disk *disk, uint32_t window, uint32_t sector)
{
	return &disk->ledger[(size_t)window * WINDOW_SECTORS + sector];
}

static void tag_fill(struct tag *tag, uint64_t number, uint32_t generation)
{
	*tag = (struct tag){.magic = TAG_MAGIC, .number = number, .generation = generation};
	for (size_t i = 0; i < sizeof(tag->fill) / 8; i++)
		tag->fill[i] = mix(number * 1000003 + generation + i);
}

/* The generation of what was read; false, and said so, if it may not be there. */
static bool tag_is_legal(const struct tag *tag, uint64_t number, const struct sector *sector,
			 uint32_t *out_generation)
{
	static const struct tag zero;
	struct tag expected;
	uint32_t generation = (uint32_t)tag->generation;

	if (memcmp(tag, &zero, sizeof(zero)) == 0) {
		generation = sector->zeroed;
	} else {
		tag_fill(&expected, number, generation);
		if (memcmp(tag, &expected, sizeof(expected)) != 0) {
			(void)fprintf(stderr,
				      "sector %" PRIu64 ": foreign data (%" PRIx64 " %" PRIu64
				      " %" PRIu64 ")\n",
				      number, tag->magic, tag->number, tag->generation);
			return false;
		}
	}
	*out_generation = generation;
	if (generation >= sector->acked && generation <= sector->asked)
		return true;
	(void)fprintf(stderr, "sector %" PRIu64 ": generation %u%s, but %u was acknowledged\n",
		      number, generation, tag->magic ? "" : " (zeros)", sector->acked);
	return false;
}

/* --- writing --- */

static bool window_is_busy(const struct disk *disk, uint32_t window)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		if (disk->requests[i].is_busy && disk->requests[i].window == window)
			return true;
	}
	return false;
}

static void write_done(struct iscsi_context *iscsi, int status, void *data, void *private_data)
{
	struct request *request = private_data;
	struct disk *disk = request->disk;
	struct scsi_task *task = data;

	request->is_busy = false;
	disk->in_flight--;
	if (status == SCSI_STATUS_GOOD) {
		for (uint32_t i = 0; i < request->count; i++)
			sector_of(disk, request->window, request->first + i)->acked =
				request->generation;
		disk->done++;
	} else if (status == SCSI_STATUS_CHECK_CONDITION &&
		   task->sense.key != SCSI_SENSE_UNIT_ATTENTION) {
		(void)fprintf(stderr, "a write was answered with sense %x/%04x\n", task->sense.key,
			      task->sense.ascq);
		disk->has_failed = true;
	}
	scsi_free_scsi_task(task);
}

static bool request_submit(struct request *request)
{
	struct disk *disk = request->disk;
	uint64_t lba = sector_number(request->window, request->first);
	struct unmap_list range = {.lba = lba, .num = request->count};

	if (request->is_unmap)
		return iscsi_unmap_task(disk->iscsi, disk->lun, 0, 0, &range, 1, write_done,
					request);
	for (uint32_t i = 0; i < request->count; i++)
		tag_fill(&request->data[i], lba + i, request->generation);
	return iscsi_write16_task(disk->iscsi, disk->lun, lba, (unsigned char *)request->data,
				  request->count * SECTOR_BYTES, SECTOR_BYTES, 0, 0,
				  below(disk, 16) == 0, 0, 0, write_done, request);
}

/* One request, wherever none is under way. What is asked for is in the ledger before it is sent. */
static bool disk_write(struct disk *disk, struct request *request)
{
	uint32_t window = disk->first_window + below(disk, disk->window_count);
	uint32_t generation = 0;

	if (window_is_busy(disk, window))
		return true;
	request->disk = disk;
	request->window = window;
	request->first = below(disk, WINDOW_SECTORS);
	request->count = 1 + below(disk, WINDOW_SECTORS - request->first);
	request->is_unmap = below(disk, 6) == 0;
	for (uint32_t i = 0; i < WINDOW_SECTORS; i++) {
		if (sector_of(disk, window, i)->asked > generation)
			generation = sector_of(disk, window, i)->asked;
	}
	request->generation = generation + 1;
	for (uint32_t i = 0; i < request->count; i++) {
		struct sector *sector = sector_of(disk, window, request->first + i);

		sector->asked = request->generation;
		if (request->is_unmap)
			sector->zeroed = request->generation;
	}
	request->is_busy = true;
	disk->in_flight++;
	return request_submit(request);
}

/* --- reading --- */

static void check_done(struct iscsi_context *iscsi, int status, void *data, void *private_data)
{
	struct request *request = private_data;
	struct disk *disk = request->disk;
	struct scsi_task *task = data;

	request->is_busy = false;
	disk->in_flight--;
	if (status != SCSI_STATUS_GOOD ||
	    task->datain.size != (int)(WINDOW_SECTORS * SECTOR_BYTES)) {
		(void)fprintf(stderr, "reading window %u failed: sense %x/%04x\n", request->window,
			      task->sense.key, task->sense.ascq);
		disk->has_failed = true;
	}
	for (uint32_t i = 0; !disk->has_failed && i < WINDOW_SECTORS; i++) {
		const struct tag *tag = (const struct tag *)(void *)task->datain.data + i;
		struct sector *sector = sector_of(disk, request->window, i);
		uint32_t generation;

		if (tag_is_legal(tag, sector_number(request->window, i), sector, &generation))
			sector->acked = generation; /* what was seen once stays */
		else
			disk->has_failed = true;
	}
	disk->done++;
	scsi_free_scsi_task(task);
}

static bool disk_check(struct disk *disk, struct request *request, uint32_t window)
{
	request->disk = disk;
	request->window = window;
	request->is_busy = true;
	disk->in_flight++;
	return iscsi_read16_task(disk->iscsi, disk->lun, sector_number(window, 0),
				 WINDOW_SECTORS * SECTOR_BYTES, SECTOR_BYTES, 0, 0, 0, 0, 0,
				 check_done, request);
}

/* --- the rest --- */

static struct request *request_free(struct disk *disk)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		if (!disk->requests[i].is_busy)
			return &disk->requests[i];
	}
	return NULL;
}

/* False: the connection is gone. */
static bool disk_service(struct disk *disk)
{
	struct pollfd poll_fd = {.fd = iscsi_get_fd(disk->iscsi),
				 .events = (short)iscsi_which_events(disk->iscsi)};

	if (poll(&poll_fd, 1, 1000) < 0)
		return true; /* a signal */
	return iscsi_service(disk->iscsi, poll_fd.revents) == 0;
}

static int run_writes(struct disk *disk)
{
	while (!disk->has_failed && (!is_stopping || disk->in_flight > 0)) {
		struct request *request;

		for (unsigned tries = 0; !is_stopping && tries < DEPTH; tries++) {
			request = request_free(disk);
			if (request && !disk_write(disk, request))
				return 0;
		}
		if (!disk_service(disk))
			break;
	}
	return disk->has_failed;
}

static int run_checks(struct disk *disk)
{
	uint32_t next = disk->first_window;
	uint32_t end = next + disk->window_count;

	while (!disk->has_failed && (next < end || disk->in_flight > 0)) {
		struct request *request = request_free(disk);

		if (next < end && request) {
			if (!disk_check(disk, request, next++))
				return 2;
		} else if (!disk_service(disk)) {
			(void)fprintf(stderr, "the connection broke\n");
			return 2;
		}
	}
	return disk->has_failed;
}

static bool disk_open(struct disk *disk, const char *url_text, const char *initiator)
{
	struct iscsi_url *url;
	bool is_open;

	disk->iscsi = iscsi_create_context(initiator);
	url = disk->iscsi ? iscsi_parse_full_url(disk->iscsi, url_text) : NULL;
	if (!url)
		return false;
	disk->lun = url->lun;
	iscsi_set_targetname(disk->iscsi, url->target);
	iscsi_set_session_type(disk->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_noautoreconnect(disk->iscsi, 1);
	is_open = iscsi_full_connect_sync(disk->iscsi, url->portal, url->lun) == 0;
	if (!is_open)
		(void)fprintf(stderr, "%s\n", iscsi_get_error(disk->iscsi));
	iscsi_destroy_url(url);
	return is_open;
}

static bool ledger_open(struct disk *disk, const char *path)
{
	uint64_t windows = disk->first_window + disk->window_count;
	off_t bytes = (off_t)(windows * WINDOW_SECTORS * sizeof(struct sector));
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	off_t has = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (has < 0 || (has < bytes && ftruncate(fd, bytes) != 0))
		return false;
	disk->ledger = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	return disk->ledger != MAP_FAILED;
}

int main(int argc, char **argv)
{
	static struct disk disk;
	bool is_check = argc == 7 && strcmp(argv[1], "check") == 0;
	int status;

	if (!is_check && (argc != 8 || strcmp(argv[1], "write") != 0)) {
		(void)fprintf(stderr, "usage: see the source\n");
		return 2;
	}
	(void)signal(SIGTERM, stop); /* cannot fail */
	disk.first_window = (uint32_t)strtoul(argv[5], NULL, 10);
	disk.window_count = (uint32_t)strtoul(argv[6], NULL, 10);
	disk.random = is_check ? 0 : strtoull(argv[7], NULL, 10);
	if (!ledger_open(&disk, argv[4])) {
		perror(argv[4]);
		return 2;
	}
	if (!disk_open(&disk, argv[2], argv[3]))
		return 2;
	status = is_check ? run_checks(&disk) : run_writes(&disk);
	(void)printf("%" PRIu64 "\n", disk.done);
	return status;
}
