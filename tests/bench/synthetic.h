/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool that looks as if a volume had been written from end to end, made by writing its metadata
 * alone: a tebibyte in a second. The data itself is a hole in the file.
 */
#ifndef TESTS_BENCH_SYNTHETIC_H
#define TESTS_BENCH_SYNTHETIC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The pool in the file `path` is closed, freshly made and has one volume; from now on the first
 * `extents` of that are mapped: in order, or (`is_aged`) scattered over the disk. Whatever fails
 * ends the program with a sentence.
 */
void synthetic_map(const char *path, uint64_t extents, bool is_aged);

/*
 * The closed, freshly made pool becomes one of this size, without claiming room for its metadata
 * (which is 1/64 of it). Before synthetic_map.
 */
void synthetic_stretch(const char *path, uint64_t bytes);

/*
 * After synthetic_map of `extents` in order: fill the journal to the end with changes, one word
 * each, of so many leaves spread over them. Free extents must be left for them all. The records.
 */
uint64_t synthetic_journal(const char *path, uint64_t extents, uint64_t leaves);

#endif
