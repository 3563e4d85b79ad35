# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of scripts/lint, one subject a file; each yields findings about a Tree."""
