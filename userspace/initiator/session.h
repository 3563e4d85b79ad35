/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A volume over iSCSI, asynchronous, that outlives its connections. When the connection breaks
 * (the node was killed, restarted, is away), every request is kept; after a new login the
 * identity of the volume is compared, the writes that were acknowledged but not flushed are
 * written again (unflushed.h says why), then the outstanding requests are sent again. All of them
 * may be carried out twice with the same result. This goes on for ever, or until `fail_after_ms`.
 *
 * Every login of a volume comes from the same initiator port (login.h). So the target ends the
 * session before, and all its commands, before it lets the new one in, and no write of an earlier
 * connection or of a berth-attach that was killed lands after a newer one.
 *
 * A target that is there and denies the login (access withdrawn, secrets changed) for
 * SESSION_DENIED_MS ends that: another host may have the volume, and must not find our old writes
 * in its data. Requests fail then, and nothing is tried again.
 *
 * One writer: nobody else may write to the volume meanwhile. berth's nodes see to that by giving
 * every attachment its own secrets and withdrawing them before another host gets in.
 *
 * On one thread, which polls session_poll's descriptor and calls session_service. The caller
 * ignores SIGPIPE.
 */
#ifndef INITIATOR_SESSION_H
#define INITIATOR_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"
#include "initiator/disk.h"
#include "initiator/login.h"

#define SESSION_COMMAND_MAX (256 * 1024) /* bytes of one READ or WRITE */
#define SESSION_DENIED_MS   5000

struct session;
struct scsi_task;

enum session_kind {
	SESSION_READ,
	SESSION_WRITE,
	SESSION_FLUSH, /* what was acknowledged before becomes durable */
	SESSION_UNMAP, /* reads as zeros afterwards; needs disk->can_unmap */
	SESSION_WRITE_ZEROES,
};

struct session_request {
	enum session_kind kind;
	uint64_t offset; /* bytes, multiples of the logical block; 0 for FLUSH */
	uint64_t length;
	uint8_t *data; /* READ, WRITE: `length` bytes, at most SESSION_COMMAND_MAX */

	/*
	 * Runs exactly once, from session_service or session_close. 0, or -EINVAL (outside the
	 * volume, misaligned), -ENOSPC, -EROFS, -EBADE (reservation conflict), -EOPNOTSUPP,
	 * -EIO (the medium; no connection for fail_after_ms), -ECANCELED (session_close).
	 */
	void (*done)(struct session_request *request, int result);

	/* The session's from submit until done. */
	struct list_node link;
	struct scsi_task *task;
	struct session *session;
	uint64_t finished_bytes; /* of a request that takes several commands */
	uint64_t command_bytes;	 /* of the command in flight */
	uint64_t number;	 /* unflushed.h: FLUSH when it was sent, a parked write its own */
	unsigned tries;
	struct iovec iov;
	uint8_t parameters[24]; /* UNMAP's */
};

enum session_event {
	SESSION_LOST,	 /* the connection broke; once an outage */
	SESSION_REFUSED, /* the target is there and says no; once an outage */
	SESSION_BACK,	 /* connected again, everything is sent again */
	SESSION_FAILING, /* fail_after_ms is over: requests fail until SESSION_BACK */
	SESSION_DENIED,	 /* access was withdrawn for good: requests fail from now on */
	SESSION_DAMAGED, /* an acknowledged write could not be repeated; the next FLUSH fails */
	SESSION_BUSY,	 /* the target keeps answering "not now" to a command */
	SESSION_RESIZED, /* session_disk has the new size */
};

struct session_settings {
	struct login login;	/* copied; the port number is the session's business */
	struct uuid uuid;	/* of the volume */
	unsigned queue_depth;	/* commands in flight at most */
	unsigned fail_after_ms; /* without a connection; 0: never */
	size_t unflushed_bytes; /* memory for unflushed writes */
	/* Called from session_service and session_open; must not call back into the session. */
	void (*on_event)(void *owner, enum session_event event, const char *text);
	void *owner;
};

/*
 * Connect for the first time; blocks up to timeout_ms (and the resolver's time). Here every failure
 * is final: the errors of probe_target, and -ESTALE for another volume.
 */
int session_open(const struct session_settings *settings, unsigned timeout_ms,
		 struct session **out_session, struct error *err);

/*
 * Log out if connected (waits up to a second) and free. Requests that are not done yet end
 * with -ECANCELED. NULL is fine.
 */
void session_close(struct session *session);

/* Queue a request. It is sent by the next session_service, and `done` never runs in here. */
void session_submit(struct session *session, struct session_request *request);

/* Fill in what to poll for (fd -1: only the time); returns the timeout for poll(2). */
int session_poll(struct session *session, struct pollfd *out_poll);

/* After every poll, with its revents, and after submitting (0 will do). */
void session_service(struct session *session, short revents);

const struct disk *session_disk(const struct session *session);

/* Ask for the capacity now; SESSION_RESIZED comes some time later if it changed. */
void session_refresh(struct session *session);

bool session_is_connected(const struct session *session);

/* No request is queued or in flight, and no acknowledged write waits for a flush. */
bool session_is_clean(const struct session *session);

#endif
