/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* What the libraries may have in use at once (requests and PDUs of a few hundred bytes each). */
#define HEAP_RESERVE (4 * 1024 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SHADOW_MEMORY 1
#else
#define HAS_SHADOW_MEMORY 0
#endif

static void oom_score_set(void)
{
	CLEANUP_CLOSE int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "-1000", 5) != 5)
		log_warn("the out-of-memory killer may choose this process error=%s",
			 strerror(errno));
}

/* Make the heap as large as it will be, and keep it: afterwards malloc asks the kernel for
 * nothing. */
static void heap_reserve(void)
{
	void *reserve;

	(void)mallopt(M_MMAP_MAX, 0); /* these take any value */
	(void)mallopt(M_TRIM_THRESHOLD, -1);
	reserve = malloc(HEAP_RESERVE);
	if (reserve)
		memset(reserve, 0, HEAP_RESERVE);
	free(reserve);
}

void harden_process(void)
{
	oom_score_set();
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0)
		log_warn("write-back may wait for itself when memory is short error=%s",
			 strerror(errno));
	if (HAS_SHADOW_MEMORY) /* terabytes of address space that nobody touches */
		return;
	heap_reserve();
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warn("memory is not locked, write-back may wait for itself error=%s",
			 strerror(errno));
}
