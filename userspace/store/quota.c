/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reserved_extents is kept with every change of a volume's share, and added up anew by recount. */
#include "store/quota.h"

#include <errno.h>
#include <inttypes.h>

#include "base/size.h"
#include "store/state.h"
#include "store/task.h"
#include "store/threshold.h"

/* Room worth the name: 1 MiB, or 1/1024 of a small pool or limit. */
static uint64_t worthwhile(uint64_t of_extents)
{
	return MAX(MIN(of_extents / 1024, MIB / STORE_EXTENT_BYTES), UINT64_C(1));
}

static uint64_t share(const struct volume *volume)
{
	return volume->charged_extents + volume->taken_extents;
}

static uint64_t limit_extents(const struct volume *volume)
{
	return volume->limit_bytes ? volume->limit_bytes / STORE_EXTENT_BYTES : UINT64_MAX;
}

/* Of its reservation, what it has not got. */
static uint64_t unused(const struct volume *volume)
{
	uint64_t reserved = volume->reservation_bytes / STORE_EXTENT_BYTES;
	uint64_t has = share(volume);

	if (volume->is_snapshot || volume->is_deleted || reserved <= has)
		return 0;
	return reserved - has;
}

/* Free now, or as soon as commits under way have brought it. */
static uint64_t soon_free(const struct pool *pool)
{
	return pool->space.free_count + (pool->space.tail - pool->space.head);
}

/* Of that, what nobody has reserved. */
static uint64_t unreserved(const struct pool *pool)
{
	uint64_t soon = soon_free(pool);

	return soon > pool->quota.reserved_extents ? soon - pool->quota.reserved_extents : 0;
}

static void share_change(struct pool *pool, struct volume *volume, int64_t charged, int64_t taken)
{
	uint64_t before = unused(volume);

	volume->charged_extents += (uint64_t)charged;
	volume->taken_extents += (uint64_t)taken;
	pool->quota.reserved_extents += unused(volume) - before;
	threshold_want(pool);
}

void quota_charge(struct pool *pool, struct volume *owner, int64_t extents)
{
	if (owner)
		share_change(pool, owner, extents, 0);
}

void quota_recount(struct pool *pool)
{
	uint64_t reserved = 0;

	list_for_each (&pool->catalogue.volumes, volume, struct volume, link)
		reserved += unused(volume);
	pool->quota.reserved_extents = reserved;
	threshold_want(pool);
}

/* --- full, and not full any more --- */

static bool pool_has_room_again(const struct pool *pool)
{
	const struct quota *quota = &pool->quota;
	bool has_more =
		pool->space.tail != quota->full_frees || pool->space.open_end != quota->full_end;

	return has_more && unreserved(pool) >= worthwhile(geometry_data_count(&pool->geometry));
}

bool quota_is_full(const struct pool *pool)
{
	return pool->quota.is_full && !pool_has_room_again(pool);
}

static void pool_set_full(struct pool *pool)
{
	pool->quota.is_full = true;
	pool->quota.full_frees = pool->space.tail;
	pool->quota.full_end = pool->space.open_end;
	threshold_want(pool);
}

static int limit_admit(struct volume *volume)
{
	uint64_t limit = limit_extents(volume);
	uint64_t has = share(volume);

	if (volume->is_full && volume->charged_extents < volume->full_charged &&
	    has + worthwhile(limit) <= limit)
		volume->is_full = false;
	if (!volume->is_full && has < limit)
		return 0;
	if (!volume->is_full) {
		volume->is_full = true;
		volume->full_charged = volume->charged_extents;
	}
	return -ENOSPC;
}

int quota_take(struct task *task, uint64_t wanted, uint32_t *out_extent)
{
	struct pool *pool = task->pool;
	struct volume *volume = task->volume;
	bool is_own = unused(volume) > 0;
	uint64_t kept = is_own ? 0 : pool->quota.reserved_extents;
	int ret = limit_admit(volume);

	if (ret != 0)
		return ret;
	if (!is_own && quota_is_full(pool))
		return -ENOSPC;
	if (!is_own)
		pool->quota.is_full = false;
	if (pool->space.free_count <= kept || space_take(&pool->space, wanted, out_extent) != 0) {
		ret = admission_wait_space(pool, &task->waiter);
		if (ret == -ENOSPC)
			pool_set_full(pool);
		return ret;
	}
	task->taken++;
	share_change(pool, volume, 0, 1);
	return 0;
}

void quota_settle(struct task *task)
{
	if (task->taken > 0)
		share_change(task->pool, task->volume, 0, -(int64_t)task->taken);
	task->taken = 0;
}

uint64_t quota_available_bytes(const struct volume *volume)
{
	uint64_t limit = limit_extents(volume);
	uint64_t has = share(volume);
	uint64_t room = unused(volume) + unreserved(volume->pool);

	return MIN(MIN(room, soon_free(volume->pool)), limit > has ? limit - has : 0) *
	       STORE_EXTENT_BYTES;
}

/* --- what may be promised --- */

int quota_check_promise(const struct pool *pool, const char *name, uint64_t more_bytes,
			struct error *err)
{
	uint64_t percent = pool->policy.overcommit_percent;
	uint64_t data = geometry_data_count(&pool->geometry);
	uint64_t promised = 0;
	uint64_t may;
	char sizes[3][SIZE_TEXT_MAX];

	if (percent == 0)
		return 0;
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link)
		promised += volume->is_snapshot || volume->is_deleted ? 0 : volume->size_bytes;
	may = MIN(data * percent / 100, UINT64_MAX / STORE_EXTENT_BYTES) * STORE_EXTENT_BYTES;
	if (promised <= may && more_bytes <= may - promised)
		return 0;
	return error_set(err, -ENOSPC,
			 "pool '%s' promises at most %s (%" PRIu64 " %% of its room), its volumes "
			 "have %s already, '%s' would need %s more: grow the pool, or set a higher "
			 "overcommit limit",
			 pool->name, size_format(may, sizes[0]), percent,
			 size_format(promised, sizes[1]), name, size_format(more_bytes, sizes[2]));
}

int quota_check_limits(const struct pool *pool, const struct volume *volume, const char *name,
		       uint64_t reservation_bytes, uint64_t limit_bytes, struct error *err)
{
	uint64_t has = volume ? share(volume) : 0;
	uint64_t is_unused = volume ? unused(volume) : 0;
	uint64_t reserved = reservation_bytes / STORE_EXTENT_BYTES;
	uint64_t needs = reserved > has ? reserved - has : 0;
	char sizes[2][SIZE_TEXT_MAX];

	if (reservation_bytes % STORE_EXTENT_BYTES != 0 || limit_bytes % STORE_EXTENT_BYTES != 0)
		return error_set(err, -EINVAL,
				 "volume '%s': a reservation and a limit are multiples of 64 KiB",
				 name);
	if (limit_bytes != 0 && reservation_bytes > limit_bytes)
		return error_set(err, -EINVAL,
				 "volume '%s': %s cannot be reserved, its limit is %s", name,
				 size_format(reservation_bytes, sizes[0]),
				 size_format(limit_bytes, sizes[1]));
	/* Less than before is never refused. */
	if (needs <= is_unused || needs - is_unused <= unreserved(pool))
		return 0;
	return error_set(err, -ENOSPC,
			 "pool '%s' has %s that is neither used nor reserved, volume '%s' would "
			 "need %s of it: reserve less, delete something, or grow the pool",
			 pool->name, size_format(unreserved(pool) * STORE_EXTENT_BYTES, sizes[0]),
			 name, size_format((needs - is_unused) * STORE_EXTENT_BYTES, sizes[1]));
}
