/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file system's write-back may wait for this process, and the kernel may need that write-back
 * to get memory: so the process must never wait for memory itself, nor be killed for it.
 */
#ifndef ATTACH_HARDEN_H
#define ATTACH_HARDEN_H

/*
 * Lock all memory, present and future; keep what malloc once had; allocate in the kernel
 * without recursion into file systems (PR_SET_IO_FLUSHER); never be the out-of-memory killer's
 * choice. What the kernel refuses is logged as a warning, and no reason to stop.
 */
void harden_process(void);

#endif
