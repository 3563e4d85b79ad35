/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room in an array that grows by doubling, for the tools that cannot know how much there is. */
#ifndef STORE_ARRAY_H
#define STORE_ARRAY_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* There is room for `count` items of `bytes` each, the old ones kept; -ENOMEM changes nothing. */
static inline int array_reserve(void *items, uint64_t *capacity, uint64_t count, size_t bytes)
{
	uint64_t wanted = *capacity ? *capacity : 64;
	void *old;
	void *grown;

	if (count <= *capacity)
		return 0;
	while (wanted < count)
		wanted *= 2;
	memcpy(&old, items, sizeof(old)); /* `items` is the address of a pointer of any type */
	grown = realloc(old, wanted * bytes);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}

#endif
