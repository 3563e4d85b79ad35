/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of a LUN that is not there (SPC-4, 5.12). */
#ifndef TARGET_LUN_ABSENT_H
#define TARGET_LUN_ABSENT_H

#include "target/task.h"

/* As lun_prepare: true if the task is to be run. */
bool lun_absent_prepare(struct task *task);

#endif
