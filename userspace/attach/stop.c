/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The orderly end: unmount (plain, never lazy: the kernel says whether somebody still uses the
 * file), then flush what the kernel did not ask to flush, then leave. Mount namespaces that were
 * made meanwhile (by a container engine, say) hold copies of the mount that we cannot unmount:
 * these do not keep us, open files in them do.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "attach/server.h"
#include "base/compiler.h"
#include "base/log.h"

/* Nobody has the file open, and nobody who minds us can open it any more. */
static bool server_is_unused(const struct server *server)
{
	return server->is_unmounted || (server->is_stopping && server->open_count == 0);
}

void server_stop(struct server *server)
{
	const char *mountpoint = server->options->mountpoint;

	if (server_is_unused(server)) { /* the last flush is on its way */
		if (!session_is_connected(server->session)) {
			log_error("told again to stop while the node is away, writes may be lost");
			server->is_giving_up = true;
		}
		return;
	}
	if (umount2(mountpoint, UMOUNT_NOFOLLOW) == 0) {
		log_info("unmounted mount=%s", mountpoint);
		server->is_stopping = true;
	} else if (server->is_stopping) {
		log_warn("serving on, the file is open in another mount namespace mount=%s",
			 mountpoint);
	} else if (errno == EBUSY) {
		log_warn("still in use, serving on; detach the loop device first mount=%s",
			 mountpoint);
	} else {
		log_error("cannot unmount, serving on mount=%s error=%s", mountpoint,
			  strerror(errno));
	}
}

static void final_flush_done(struct session_request *request, int result)
{
	struct server *server = container_of(request, struct server, final_flush);

	server->is_flushing = false;
	if (result < 0) {
		log_error("the last flush failed, writes may be lost error=%s", strerror(-result));
		server->is_giving_up = true;
	}
}

bool server_is_over(struct server *server)
{
	if (!server_is_unused(server))
		return false;
	if (server->is_giving_up)
		return true;
	if (server->is_flushing)
		return false;
	if (session_is_clean(server->session))
		return true;
	server->is_flushing = true;
	server->final_flush =
		(struct session_request){.kind = SESSION_FLUSH, .done = final_flush_done};
	session_submit(server->session, &server->final_flush);
	return false;
}
