/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole target on a real socket, and any bytes from its peer. The first byte of the input says
 * whether to log in first; then either everything goes out as it is, or the input is read as
 * steps that become headers which are nearly right: known opcodes, small tags, numbers around
 * the window, data that is really there.
 *
 * What must hold: the target survives (sanitizers, assertions), closes the connection when the
 * peer is gone, and lets the next one in.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "block/memory.h"
#include "iscsi/pdu_request.h"
#include "target/target.h"

#define TARGET_NAME "iqn.2026-11.dev.berth:fuzz:v"
#define STEP_SIZE   12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct target *target;
static struct sockaddr_in address;
static uint8_t answers[65536]; /* nobody looks at them */

static struct block_queue queue;
static struct loop_task queue_task;

static void queue_run(struct loop_task *task)
{
	(void)task;
	block_queue_run(&queue);
}

static void queue_wake(void *owner)
{
	(void)owner;
	loop_post(loop, &queue_task);
}

static void *loop_main(void *argument)
{
	(void)loop_run(argument); /* it runs until the process ends */
	return NULL;
}

static void start(void)
{
	struct target_settings settings = {.loops = &loop, .loop_count = 1};
	struct target_export export = {.name = TARGET_NAME, .label = "fuzz"};
	struct target_access access = {.initiator = "iqn.x:i"};
	struct error err = {0};
	pthread_t thread;
	char bound[128];

	assert(loop_new(256, &loop, &err) == 0);
	assert(pthread_create(&thread, NULL, loop_main, loop) == 0);
	assert(target_new(&settings, &target, &err) == 0);
	assert(target_listen(target, "127.0.0.1:0", bound, &err) == 0);
	export.loop = loop;
	queue_task.run = queue_run;
	block_queue_init(&queue, queue_wake, NULL);
	assert(memory_disk_new(1 << 20, 512, &queue, &export.block) == 0);
	assert(target_add(target, &export, &err) == 0);
	assert(target_set_access(target, TARGET_NAME, &access, 1, &err) == 0);
	address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(strrchr(bound, ':') + 1, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void send_all(int fd, const void *data, size_t len)
{
	/* The target may have closed it long since. */
	(void)!send(fd, data, len, MSG_NOSIGNAL);
}

static void log_in(int fd)
{
	static const char text[] = "InitiatorName=iqn.x:i\0TargetName=" TARGET_NAME
				   "\0InitialR2T=No\0HeaderDigest=None";
	struct pdu_login_request request = {.opcode = PDU_LOGIN_REQUEST | PDU_IMMEDIATE,
					    .flags = LOGIN_TRANSIT | 1 << 2 | 3,
					    .isid = {0x80}};
	uint8_t answer[PDU_BHS_SIZE];

	put_be24(request.data_segment_length, sizeof(text));
	put_be32(request.cmd_sn, 1);
	send_all(fd, &request, sizeof(request));
	send_all(fd, text, sizeof(text));
	send_all(fd, "\0\0", pdu_pad_len(sizeof(text)));
	assert(recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer));
	assert(get_be16(((struct pdu_login_request *)answer)->reserved_32 + 4) == 0);
}

/* --- steps --- */

/* A header that is nearly right, from twelve bytes. */
static uint32_t step_header(const uint8_t *step, uint32_t cmd_sn, struct pdu_bhs *bhs)
{
	static const uint8_t opcodes[] = {PDU_NOP_OUT,	    PDU_SCSI_COMMAND,  PDU_SCSI_COMMAND,
					  PDU_TASK_REQUEST, PDU_TEXT_REQUEST,  PDU_DATA_OUT,
					  PDU_DATA_OUT,	    PDU_LOGOUT_REQUEST};
	struct pdu_scsi_command *request = (struct pdu_scsi_command *)bhs;
	uint32_t len = step[1] & 1 ? step[2] * 16U : 0;

	memset(bhs, 0, sizeof(*bhs));
	bhs->opcode = opcodes[step[0] & 7] | (step[0] & PDU_IMMEDIATE);
	bhs->flags = step[1] & 0xfe;
	bhs->total_ahs_length = step[3] > 250 ? step[3] - 250 : 0;
	put_be24(bhs->data_segment_length, len);
	put_be32(bhs->initiator_task_tag, step[4] == 255 ? PDU_TAG_NONE : step[4] & 7);
	/* EDTL of commands, the transfer tag of others: ours are small. */
	put_be32(request->expected_data_transfer_length,
		 step[5] == 255 ? PDU_TAG_NONE : (uint32_t)step[5] << (step[6] & 15));
	put_be32(request->cmd_sn, cmd_sn + (uint32_t)(int8_t)(step[7] & 0x80 ? step[7] : 0) % 4);
	switch (step[0] & 7) {
	case 1:
	case 2:
		request->cdb[0] = step[8];
		request->cdb[4] = step[9];
		request->cdb[8] = step[10];
		request->cdb[13] = step[11];
		break;
	case 5:
	case 6:
		put_be32(((struct pdu_data_out *)bhs)->data_sn, step[8] & 3);
		put_be32(((struct pdu_data_out *)bhs)->buffer_offset, step[9] * 256U);
		break;
	default:
		put_be32(((struct pdu_task_request *)bhs)->ref_cmd_sn, step[8]);
		break;
	}
	return pdu_ahs_len(bhs) + len;
}

static void send_steps(int fd, const uint8_t *data, size_t size)
{
	static uint8_t zeros[8192];
	uint32_t cmd_sn = 1;

	for (; size >= STEP_SIZE; data += STEP_SIZE, size -= STEP_SIZE) {
		struct pdu_bhs bhs;
		uint32_t len = step_header(data, cmd_sn, &bhs);

		send_all(fd, &bhs, sizeof(bhs));
		send_all(fd, zeros, len);
		/* A peer that never reads is stopped, and so would we be. */
		while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
			continue;
		if ((data[0] & 7) < 5 && !(bhs.opcode & PDU_IMMEDIATE))
			cmd_sn++;
	}
}

/* Until the target is through with us. */
static void drain(int fd)
{
	(void)shutdown(fd, SHUT_WR); /* it may have ended the connection itself */
	while (recv(fd, answers, sizeof(answers), 0) > 0)
		continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	if (!target)
		start();
	if (size < 1)
		return 0;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	if (data[0] & 3)
		log_in(fd);
	if (data[0] & 2)
		send_steps(fd, data + 1, size - 1);
	else
		send_all(fd, data + 1, size - 1);
	drain(fd);
	close(fd);
	return 0;
}
