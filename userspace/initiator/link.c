/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initiator/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "base/compiler.h"
#include "initiator/sense.h"

#define LUN	       0
#define ANSWER_MAX     252 /* a multiple of four that fits an INQUIRY of old targets too */
#define ATTENTIONS_MAX 16
#define PINGS_MAX      2

/* What is asked after login, in this order; disk.h says why. An answer that may be missing is
 * skipped when the target refuses the question. */
static const struct question {
	uint8_t page; /* of INQUIRY; 0: READ CAPACITY(16) */
	bool may_be_missing;
	int (*take)(struct disk *disk, const uint8_t *data, size_t len, struct error *err);
} questions[] = {
	{0x80, true, disk_take_serial},	      {0x83, true, disk_take_identification},
	{0x00, false, disk_take_capacity},    {0xb0, true, disk_take_limits},
	{0xb2, true, disk_take_provisioning},
};

static void link_ask(struct link *link);

void link_lose(struct link *link, int code, const char *reason)
{
	if (link->state == LINK_LOST)
		return;
	(void)error_set(&link->error, code, "portal %s: %s", link->login->portal, reason);
	link->state = LINK_LOST;
}

static const char *reason_of(const struct link *link, const char *otherwise)
{
	const char *reason = iscsi_get_error(link->iscsi);

	return reason && reason[0] ? reason : otherwise;
}

static void answer_take(struct link *link, const struct scsi_task *task)
{
	const struct question *question = &questions[link->question];

	if (question->take(&link->disk, task->datain.data, (size_t)task->datain.size,
			   &link->error) < 0) {
		link->is_refused = true;
		link->state = LINK_LOST;
		return;
	}
	link->question++;
	link_ask(link);
}

static void question_failed(struct link *link, const struct scsi_task *task)
{
	struct verdict verdict = sense_judge(SCSI_STATUS_CHECK_CONDITION, (uint8_t)task->sense.key,
					     (uint16_t)task->sense.ascq);

	if (verdict.kind == VERDICT_AGAIN || verdict.kind == VERDICT_RESIZE) {
		if (++link->attentions < ATTENTIONS_MAX)
			link_ask(link);
		else
			link_lose(link, -EPROTO, "the target raises unit attentions without end");
		return;
	}
	if (questions[link->question].may_be_missing && task->sense.key == 0x5 &&
	    task->sense.ascq != 0x2500) {
		link->question++;
		link_ask(link);
		return;
	}
	link->is_refused = true;
	link_lose(link, -EPROTO, reason_of(link, "the disk does not say what it is"));
}

static void on_answer(struct iscsi_context *iscsi, int status, void *data, void *owner)
{
	struct link *link = owner;
	struct scsi_task *task = data;

	if (link->state == LINK_ASKING) {
		if (status == SCSI_STATUS_GOOD)
			answer_take(link, task);
		else if (status == SCSI_STATUS_CHECK_CONDITION)
			question_failed(link, task);
		else
			link_lose(link, -ECONNRESET, reason_of(link, "the connection broke"));
	}
	if (task)
		scsi_free_scsi_task(task);
}

static void link_ask(struct link *link)
{
	struct scsi_task *task;

	if (link->question == ARRAY_SIZE(questions)) {
		link->state = LINK_READY;
		return;
	}
	if (questions[link->question].page)
		task = iscsi_inquiry_task(link->iscsi, LUN, 1, questions[link->question].page,
					  ANSWER_MAX, on_answer, link);
	else
		task = iscsi_readcapacity16_task(link->iscsi, LUN, on_answer, link);
	if (!task)
		link_lose(link, -ENOMEM, reason_of(link, "no memory"));
}

/* libiscsi hands the status of a refused login out in its sentence only: "... (513)". */
static unsigned login_status(const char *reason)
{
	const char *bracket = strstr(reason, "Status: ") ? strrchr(reason, '(') : NULL;
	unsigned long status = bracket ? strtoul(bracket + 1, NULL, 10) : 0;

	return status <= 0xffff ? (unsigned)status : 0;
}

static void on_login(struct iscsi_context *iscsi, int status, void *data, void *owner)
{
	struct link *link = owner;
	const char *reason = reason_of(link, "the connection broke during login");
	unsigned refusal = status == SCSI_STATUS_REDIRECT ? 0x0101 : login_status(reason);

	if (link->state != LINK_LOGIN)
		return;
	if (status == SCSI_STATUS_GOOD) {
		link->state = LINK_ASKING;
		if (link->login->target_name[0])
			link_ask(link);
		else
			link->state = LINK_READY;
		return;
	}
	if (status == SCSI_STATUS_CANCELLED) {
		link_lose(link, -ECONNRESET, reason);
		return;
	}
	link->is_refused = true;
	link->is_denied = refusal == 0x0201 || refusal == 0x0202;
	(void)login_refusal(link->login, refusal, reason, &link->error);
	link->state = LINK_LOST;
}

static void on_connect(struct iscsi_context *iscsi, int status, void *data, void *owner)
{
	struct link *link = owner;

	if (link->state != LINK_CONNECTING) {
		if (status != SCSI_STATUS_GOOD)
			link_lose(link, -ECONNRESET, reason_of(link, "the connection broke"));
		return;
	}
	if (status != SCSI_STATUS_GOOD) {
		link_lose(link, -ECONNREFUSED, reason_of(link, "nobody answers"));
		return;
	}
	link->state = LINK_LOGIN;
	if (iscsi_login_async(link->iscsi, on_login, link) != 0)
		link_lose(link, -ENOMEM, reason_of(link, "login could not be sent"));
}

/*
 * While `is_abrupt`, the end of the descriptor (by link_close, or because this process was killed)
 * is a reset: nothing that waits in the socket is sent any more. Otherwise the kernel would go
 * on for minutes to deliver writes of a session that nobody minds, beside the next one's.
 */
static void link_set_end(struct link *link, bool is_abrupt)
{
	const struct linger linger = {.l_onoff = is_abrupt, .l_linger = 0};

	/* Cannot fail on a TCP socket. */
	(void)setsockopt(iscsi_get_fd(link->iscsi), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static int link_configure(struct link *link, const struct login *login)
{
	struct iscsi_context *iscsi = link->iscsi;

	iscsi_set_noautoreconnect(iscsi, 1);
	if (login->port_number &&
	    iscsi_set_isid_random(iscsi, (uint32_t)(login->port_number >> 16 & 0xffffff),
				  (uint32_t)(login->port_number & 0xffff)))
		return -EINVAL;
	if (iscsi_set_session_type(iscsi, login->target_name[0] ? ISCSI_SESSION_NORMAL
								: ISCSI_SESSION_DISCOVERY))
		return -EINVAL;
	if (login->target_name[0] && iscsi_set_targetname(iscsi, login->target_name))
		return -EINVAL;
	if (login->chap_user[0] &&
	    iscsi_set_initiator_username_pwd(iscsi, login->chap_user, login->chap_secret))
		return -EINVAL;
	if (login->chap_target_user[0] &&
	    iscsi_set_target_username_pwd(iscsi, login->chap_target_user,
					  login->chap_target_secret))
		return -EINVAL;
	return 0;
}

int link_open(struct link *link, const struct login *login, const char *address, struct error *err)
{
	memset(link, 0, sizeof(*link));
	link->login = login;
	link->iscsi = iscsi_create_context(login->initiator_name);
	if (!link->iscsi)
		return error_set(err, -ENOMEM, "no memory for a session");
	if (link_configure(link, login) < 0) {
		(void)error_set(err, -EINVAL, "%s", iscsi_get_error(link->iscsi));
		goto fail;
	}
	link->state = LINK_CONNECTING;
	if (iscsi_connect_async(link->iscsi, address, on_connect, link) != 0) {
		(void)error_set(err, -ECONNREFUSED, "portal %s: %s", login->portal,
				iscsi_get_error(link->iscsi));
		goto fail;
	}
	link_set_end(link, true);
	return 0;
fail:
	link->state = LINK_CLOSED;
	iscsi_destroy_context(link->iscsi);
	link->iscsi = NULL;
	return err ? err->code : -ECONNREFUSED;
}

void link_close(struct link *link)
{
	struct iscsi_context *iscsi = link->iscsi;

	if (!iscsi)
		return;
	/* Callbacks of what is in flight run inside destroy, and find a link that is closed. */
	link->state = LINK_CLOSED;
	link->iscsi = NULL;
	iscsi_destroy_context(iscsi);
}

int link_fd(const struct link *link)
{
	return iscsi_get_fd(link->iscsi);
}

short link_events(const struct link *link)
{
	return (short)(iscsi_which_events(link->iscsi) | POLLRDHUP);
}

void link_service(struct link *link, short revents)
{
	/* Read first what came before the end: a Login Response with the reason, perhaps. */
	short now = revents & POLLIN ? revents & (POLLIN | POLLOUT) : revents;

	if (link->state == LINK_LOST || link->state == LINK_CLOSED)
		return;
	if (iscsi_service(link->iscsi, now & ~POLLRDHUP) != 0)
		link_lose(link, -ECONNRESET, reason_of(link, "the connection broke"));
	if (link->state != LINK_LOST && revents & (POLLRDHUP | POLLHUP | POLLERR))
		link_lose(link, -ECONNRESET, "the target closed the connection");
}

void link_send(struct link *link)
{
	const int on = 1, off = 0;
	int fd = link_fd(link);

	if (!(link_events(link) & POLLOUT))
		return;
	/* libiscsi sends each PDU by itself. Corked they share segments: a quarter less work
	 * for both ends. Where the kernel refuses, each PDU is a segment again. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
	link_service(link, POLLOUT);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
}

static void on_capacity(struct iscsi_context *iscsi, int status, void *data, void *owner)
{
	struct link *link = owner;
	struct scsi_task *task = data;
	struct disk disk = link->disk;

	link->is_refreshing = false;
	if (status == SCSI_STATUS_GOOD && link->state == LINK_READY &&
	    disk_take_capacity(&disk, task->datain.data, (size_t)task->datain.size, NULL) == 0 &&
	    disk.logical_block_bytes == link->disk.logical_block_bytes)
		link->disk.size_bytes = disk.size_bytes; /* nothing else may change in place */
	else if (status == SCSI_STATUS_CHECK_CONDITION && link->state == LINK_READY &&
		 task->sense.key == SCSI_SENSE_UNIT_ATTENTION)
		link_refresh(link);
	if (task)
		scsi_free_scsi_task(task);
}

void link_refresh(struct link *link)
{
	if (link->is_refreshing)
		return;
	link->is_refreshing = true;
	if (!iscsi_readcapacity16_task(link->iscsi, LUN, on_capacity, link))
		link_lose(link, -ENOMEM, reason_of(link, "no memory"));
}

bool link_ping(struct link *link)
{
	if (iscsi_get_nops_in_flight(link->iscsi) >= PINGS_MAX)
		return false;
	return iscsi_nop_out_async(link->iscsi, NULL, NULL, 0, NULL) == 0;
}

static void on_logout(struct iscsi_context *iscsi, int status, void *data, void *owner)
{
	struct link *link = owner;

	if (link->state != LINK_LOGOUT)
		return;
	link->is_logged_out = true;
	link_set_end(link, false);
	link_lose(link, 0, "logged out");
}

void link_logout(struct link *link)
{
	link->state = LINK_LOGOUT;
	if (iscsi_logout_async(link->iscsi, on_logout, link) != 0)
		link_lose(link, -ECONNRESET, reason_of(link, "logout could not be sent"));
}
