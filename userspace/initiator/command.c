/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CDBs of SBC-3, chapter 5. All of them are the 16 byte kind: one shape for every size. */
#include "initiator/command.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "base/bytes.h"
#include "base/compiler.h"

#define LUN	 0
#define CDB_SIZE 16

#define UNMAP_HEADER	 8
#define UNMAP_DESCRIPTOR 16

static uint8_t zero_block[4096]; /* what WRITE SAME repeats; never written to */

int command_check(const struct session_request *request, const struct disk *disk)
{
	uint64_t mask = disk->logical_block_bytes - 1;

	if (request->kind == SESSION_FLUSH)
		return 0;
	if (request->offset & mask || request->length & mask)
		return -EINVAL;
	if (request->offset > disk->size_bytes ||
	    request->length > disk->size_bytes - request->offset)
		return -EINVAL;
	if (request->kind <= SESSION_WRITE && request->length > SESSION_COMMAND_MAX)
		return -EINVAL;
	if (request->kind == SESSION_UNMAP && !disk->can_unmap)
		return -EOPNOTSUPP;
	return 0;
}

/* How much of the rest of the request one command may carry. */
static uint64_t command_limit(const struct session_request *request, const struct disk *disk)
{
	uint64_t rest = request->length - request->finished_bytes;

	switch (request->kind) {
	case SESSION_READ:
	case SESSION_WRITE:
		return disk->max_transfer_bytes ? MIN(rest, disk->max_transfer_bytes) : rest;
	case SESSION_UNMAP:
		return MIN(rest, disk->max_unmap_bytes);
	case SESSION_WRITE_ZEROES:
		return MIN(rest, disk->max_write_same_bytes);
	case SESSION_FLUSH:
		break;
	}
	return 0;
}

/* opcode, LBA, count: as in READ(16), WRITE(16), WRITE SAME(16), SYNCHRONIZE CACHE(16). */
static void cdb_fill(uint8_t *cdb, uint8_t opcode, uint64_t lba, uint32_t blocks)
{
	memset(cdb, 0, CDB_SIZE);
	cdb[0] = opcode;
	put_be64(cdb + 2, lba);
	put_be32(cdb + 10, blocks);
}

static void unmap_fill(uint8_t *cdb, uint8_t *parameters, uint64_t lba, uint32_t blocks)
{
	memset(cdb, 0, CDB_SIZE);
	cdb[0] = SCSI_OPCODE_UNMAP;
	put_be16(cdb + 7, UNMAP_HEADER + UNMAP_DESCRIPTOR);
	memset(parameters, 0, UNMAP_HEADER + UNMAP_DESCRIPTOR);
	put_be16(parameters, UNMAP_HEADER + UNMAP_DESCRIPTOR - 2);
	put_be16(parameters + 2, UNMAP_DESCRIPTOR);
	put_be64(parameters + UNMAP_HEADER, lba);
	put_be32(parameters + UNMAP_HEADER + 8, blocks);
}

struct shape {
	uint8_t cdb[CDB_SIZE];
	int cdb_size;
	int direction;
};

/* The CDB, and request->iov for the data that travels. */
static void command_shape(struct session_request *request, const struct disk *disk,
			  struct shape *shape)
{
	uint64_t lba = (request->offset + request->finished_bytes) / disk->logical_block_bytes;
	uint32_t blocks = (uint32_t)(request->command_bytes / disk->logical_block_bytes);

	shape->cdb_size = CDB_SIZE;
	shape->direction = SCSI_XFER_WRITE;
	request->iov =
		(struct iovec){request->data + request->finished_bytes, request->command_bytes};
	switch (request->kind) {
	case SESSION_READ:
		cdb_fill(shape->cdb, SCSI_OPCODE_READ16, lba, blocks);
		shape->direction = SCSI_XFER_READ;
		break;
	case SESSION_WRITE:
		cdb_fill(shape->cdb, SCSI_OPCODE_WRITE16, lba, blocks);
		break;
	case SESSION_FLUSH: /* from LBA 0 on, 0 blocks: all of them */
		cdb_fill(shape->cdb, SCSI_OPCODE_SYNCHRONIZECACHE16, 0, 0);
		request->iov.iov_len = 0;
		shape->direction = SCSI_XFER_NONE;
		break;
	case SESSION_UNMAP:
		unmap_fill(shape->cdb, request->parameters, lba, blocks);
		shape->cdb_size = 10;
		request->iov = (struct iovec){request->parameters, sizeof(request->parameters)};
		break;
	case SESSION_WRITE_ZEROES:
		cdb_fill(shape->cdb, SCSI_OPCODE_WRITE_SAME16, lba, blocks);
		request->iov = (struct iovec){zero_block, disk->logical_block_bytes};
		break;
	}
}

/* A command that the target calls done, but that moved less data than asked for, is an error. */
static struct verdict task_judge(const struct scsi_task *task, int status)
{
	if (status == SCSI_STATUS_GOOD && task->residual_status != SCSI_RESIDUAL_NO_RESIDUAL)
		return (struct verdict){VERDICT_DONE, -EIO};
	return sense_judge((uint8_t)status, (uint8_t)task->sense.key, (uint16_t)task->sense.ascq);
}

static void on_status(struct iscsi_context *iscsi, int status, void *data, void *owner)
{
	struct session_request *request = owner;
	struct verdict verdict = {VERDICT_LOST, 0};

	/* Beyond the wire's eight bits are libiscsi's own: cancelled, error, timeout. */
	if (status >= 0 && status <= 0xff)
		verdict = task_judge(request->task, status);
	scsi_free_scsi_task(request->task);
	request->task = NULL;
	command_ended(request, verdict);
}

int command_send(struct session_request *request, struct link *link)
{
	struct shape shape;
	struct scsi_task *task;

	assert(!request->task);
	request->command_bytes = command_limit(request, &link->disk);
	command_shape(request, &link->disk, &shape);
	task = scsi_create_task(shape.cdb_size, shape.cdb, shape.direction,
				(int)request->iov.iov_len);
	if (!task)
		return -ENOMEM;
	/* struct scsi_iovec is struct iovec by promise (scsi-lowlevel.h). */
	if (shape.direction == SCSI_XFER_READ)
		scsi_task_set_iov_in(task, (struct scsi_iovec *)(void *)&request->iov, 1);
	else if (shape.direction == SCSI_XFER_WRITE)
		scsi_task_set_iov_out(task, (struct scsi_iovec *)(void *)&request->iov, 1);
	request->task = task;
	if (iscsi_scsi_command_async(link->iscsi, LUN, task, on_status, NULL, request) != 0) {
		request->task = NULL;
		scsi_free_scsi_task(task);
		return -ENOMEM;
	}
	return 0;
}
