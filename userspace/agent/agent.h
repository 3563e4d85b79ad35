/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent as a whole: what its methods, its steps and its keeper share. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/instances.h"
#include "agent/settings.h"
#include "agent/volumes.h"

struct keeper;

struct agent {
	struct settings settings; /* does not change once the agent serves */
	char boot_id[UUID_TEXT_SIZE];
	struct volumes *volumes;
	struct instances instances;
	struct keeper *keeper;
};

#endif
