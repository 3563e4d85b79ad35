/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent does of its own accord: it finishes what could not be finished when it was
 * asked for (devices that linger, nodes that were away), and after a start it brings records
 * and kernel together. One thread; it never waits for a volume that somebody works on.
 */
#ifndef AGENT_KEEPER_H
#define AGENT_KEEPER_H

#include "agent/agent.h"

/*
 * Look what is in place for every record, before anybody is served: holders of an earlier run of
 * the kernel are struck, states are set. Nothing is changed in the kernel.
 */
int keeper_recover(struct agent *agent, struct error *err);

int keeper_start(struct agent *agent, struct keeper **out_keeper, struct error *err);
void keeper_stop(struct keeper *keeper); /* NULL is fine */

/* Something has happened that may let a volume go. NULL is fine. */
void keeper_wake(struct keeper *keeper);

#endif
