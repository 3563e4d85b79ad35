/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After a crash: reading everything, and finding the story that it fits. */
#include <stdio.h>
#include <string.h>

#include "store/volume_state.h"
#include "tests/sim/rescue.h"

/* What was read of each volume and snapshot. */
struct content {
	const struct volume *volume; /* NULL: there is none */
	uint8_t data[MODEL_SECTORS * SECTOR_BYTES] __attribute__((aligned(4096)));
};

static struct content contents[WORLD_NODES];

static void read_done(struct block_io *io, int result)
{
	struct rescue *rescue = container_of(io, struct rescue, io);

	rescue->is_done = true;
	rescue->result = result;
}

static bool read_window(struct rescue *rescue, uint32_t node, uint32_t window)
{
	const uint32_t sectors = oracle_window_sectors();
	struct content *content = &contents[node];
	struct iovec iov = {.iov_base = content->data + (size_t)window * sectors * SECTOR_BYTES,
			    .iov_len = (size_t)sectors * SECTOR_BYTES};
	struct volume *volume = volume_find(rescue->pool, world_name(node));

	rescue->io = (struct block_io){
		.kind = BLOCK_READ,
		.offset = oracle_sector_number(window * sectors) * SECTOR_BYTES,
		.length = iov.iov_len,
		.iov = &iov,
		.iov_count = 1,
		.done = read_done,
	};
	rescue->is_done = false;
	block_submit(&volume->block, &rescue->io);
	while (!rescue->is_done && rescue_step(rescue))
		;
	if (rescue->is_done && rescue->result == 0)
		return true;
	world_fail(rescue->world, "reading %s after the crash: %s %d", world_name(node),
		   rescue->is_done ? "it failed with" : "it hangs", rescue->result);
	return false;
}

static bool read_all(struct rescue *rescue)
{
	for (uint32_t i = 0; i < WORLD_NODES; i++) {
		contents[i].volume = volume_find(rescue->pool, world_name(i));
		for (uint32_t window = 0;
		     contents[i].volume && window < oracle_sectors() / oracle_window_sectors();
		     window++) {
			if (!read_window(rescue, i, window))
				return false;
		}
	}
	return true;
}

/* The operation of the administration that the crash broke off; NULL. */
static const struct op *pending_op(const struct world *world)
{
	for (unsigned i = 0; i < WORLD_OPS; i++) {
		const struct op *op = &world->ops[i];

		if (op->is_busy && op_is_admin(op->kind))
			return op;
	}
	return NULL;
}

static bool content_is_legal(struct rescue *rescue, uint32_t node, char *text, size_t size)
{
	struct model *model = &rescue->models[node];

	for (uint32_t i = 0; i < oracle_sectors(); i++) {
		const struct sector *sector = &model->sectors[i];
		struct finding finding = {
			.index = i,
			.data = contents[node].data + (size_t)i * SECTOR_BYTES,
			.least = rescue->had_power_failure ? sector->durable : sector->acked,
		};

		if (!oracle_is_legal(&rescue->world->lineage, model, &finding)) {
			(void)snprintf(text, size, "%s after the %s: %s", world_name(node),
				       rescue->had_power_failure ? "power failure" : "process died",
				       finding.text); /* may be cut */
			return false;
		}
		/* An open pool holds nothing that the next power failure could take. */
		oracle_settle(model, &finding);
	}
	return true;
}

static bool node_is_legal(struct rescue *rescue, uint32_t node, char *text, size_t size)
{
	const struct volume *volume = contents[node].volume;
	const struct model *model = &rescue->models[node];
	const char *what = NULL;

	if (!volume && !model->exists)
		return true;
	if (!volume)
		what = "is gone";
	else if (!model->exists)
		what = "is there";
	else if (volume->size_bytes != model->size_bytes)
		what = "has another size";
	else if (volume->is_formatted != model->is_formatted)
		what = "has another formatted bit";
	if (!what)
		return content_is_legal(rescue, node, text, size);
	(void)snprintf(text, size, "%s %s after the crash", world_name(node), what); /* fits */
	return false;
}

/* Whether everything fits if these have happened. */
static bool story_fits(struct rescue *rescue, const struct op *maybe, const struct op *pending,
		       char *text, size_t size)
{
	struct world *world = rescue->world;

	for (uint32_t i = 0; i < WORLD_NODES; i++)
		model_copy(&rescue->models[i], &world->models[i]);
	if (maybe)
		op_apply(maybe, world, rescue->models);
	if (pending)
		op_apply(pending, world, rescue->models);
	for (uint32_t i = 0; i < WORLD_NODES; i++) {
		if (!node_is_legal(rescue, i, text, size))
			return false;
	}
	return true;
}

void rescue_look(struct rescue *rescue)
{
	struct world *world = rescue->world;
	const struct op *maybe = world->has_maybe ? &world->maybe : NULL;
	const struct op *pending = pending_op(world);
	char without[256];
	char text[256];

	if (!read_all(rescue) || story_fits(rescue, NULL, NULL, without, sizeof(without)))
		return;
	if ((pending && story_fits(rescue, NULL, pending, text, sizeof(text))) ||
	    (maybe && story_fits(rescue, maybe, NULL, text, sizeof(text))) ||
	    (maybe && pending && story_fits(rescue, maybe, pending, text, sizeof(text))))
		return;
	if (maybe || pending)
		world_fail(world, "%s; had operation %d happened: %s", without,
			   maybe ? maybe->kind : pending->kind, text);
	else
		world_fail(world, "%s", without);
}
