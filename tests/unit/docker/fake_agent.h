/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent for tests: a real gRPC server whose volumes behave as their names say.
 *
 *	unknown      is not there (NOT_FOUND)
 *	unreachable  its node cannot be asked (UNAVAILABLE)
 *	nowhere      attaches without a mount point
 *	slow         attaches when fake_agent_release is called
 *	late         attaches, but the answer is that the time was over (DEADLINE_EXCEEDED)
 *	full         cannot be made: a sentence
 *
 * Any other name is a volume that exists, mounted on /mounts/NAME.
 */
#ifndef TESTS_DOCKER_FAKE_AGENT_H
#define TESTS_DOCKER_FAKE_AGENT_H

#include <stdbool.h>

struct fake_agent;

struct fake_agent *fake_agent_start(const char *address);
void fake_agent_stop(struct fake_agent *agent);

/* What was called so far, a word for each call: "Attach(db,ID) Detach(db,ID)". */
const char *fake_agent_calls(struct fake_agent *agent);
void fake_agent_forget(struct fake_agent *agent);

/* Wait until `calls` is what was called; false after 10 s. */
bool fake_agent_wait(struct fake_agent *agent, const char *calls);
void fake_agent_release(struct fake_agent *agent);

/* The instance that the last Attach or Detach came with. */
const char *fake_agent_instance(struct fake_agent *agent);

#endif
