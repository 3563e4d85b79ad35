/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libfuse's low-level interface, in the one version that we write for. */
#ifndef ATTACH_FUSE_H
#define ATTACH_FUSE_H

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#endif
