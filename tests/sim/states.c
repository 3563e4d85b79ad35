/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table with open addressing for both: the image's hash says whether it is a new one, the
 * hash of image and moment whether it is a state.
 */
#include "tests/sim/states.h"

#include <assert.h>
#include <stdlib.h>

#include "base/random.h"

#define CAPACITY_MIN 4096
#define CAPACITY_MAX (UINT64_C(1) << 24) /* where the table is full, it is begun anew */

void states_init(struct states *states)
{
	*states = (struct states){.capacity = CAPACITY_MIN};
	states->table = calloc(states->capacity, sizeof(*states->table));
	assert(states->table);
}

void states_fini(struct states *states)
{
	free(states->table);
	*states = (struct states){0};
}

static uint64_t *states_find(const struct states *states, uint64_t hash)
{
	uint64_t at = hash & (states->capacity - 1);

	while (states->table[at] != 0 && states->table[at] != hash)
		at = (at + 1) & (states->capacity - 1);
	return &states->table[at];
}

static bool states_take(struct states *states, uint64_t hash)
{
	uint64_t *place = states_find(states, hash);

	if (*place != 0)
		return false;
	*place = hash;
	states->used++;
	return true;
}

static void states_extend(struct states *states)
{
	struct states old = *states;

	states->capacity = old.capacity == CAPACITY_MAX ? CAPACITY_MIN : 2 * old.capacity;
	states->used = 0;
	states->table = calloc(states->capacity, sizeof(*states->table));
	assert(states->table);
	for (uint64_t i = 0; i < old.capacity && states->capacity > old.capacity; i++) {
		if (old.table[i] != 0)
			(void)states_take(states, old.table[i]); /* all are different */
	}
	free(old.table);
}

bool states_add(struct states *states, uint64_t image, uint64_t moment)
{
	struct random random = {.state = image};
	uint64_t hash = random_next(&random) | 1;
	bool is_new;

	if (2 * (states->used + 2) > states->capacity)
		states_extend(states);
	is_new = states_take(states, hash);
	random.state += moment;
	if (!states_take(states, random_next(&random) | 1)) {
		states->repeated++;
		return false;
	}
	states->distinct += is_new;
	states->looked_at++;
	return true;
}
