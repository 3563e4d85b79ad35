/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the service manager how a daemon stands, by the protocol of sd_notify(3). */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/*
 * Send "READY=1", "STOPPING=1" or the like to the socket that NOTIFY_SOCKET names. Without that
 * variable nothing happens; a manager that cannot be reached is logged, and no reason to stop.
 */
void notify_manager(const char *state);

#endif
