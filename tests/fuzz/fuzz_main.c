/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plain main for a fuzz target, where no fuzzing engine is linked:
 *
 *   fuzz_NOUN [--seed N] [--runs N] [FILE|FOLDER]...
 *
 * First every file is replayed as it is, then `runs` inputs are made from the seed: random
 * bytes, or one of the files with some bytes changed. Each run has a seed of its own; the seed of
 * the run under way is printed when the program is about to die, and --seed N --runs 1 repeats it.
 */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"

#define INPUT_SIZE 4096
#define FILES_MAX  256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	uint8_t bytes[INPUT_SIZE];
	size_t len;
} files[FILES_MAX];
static unsigned file_count;

/* Told by the signal handler, made before the run: nothing is formatted there. */
static char last_words[64];

static void on_abort(int number)
{
	ssize_t ignored = write(STDERR_FILENO, last_words, strlen(last_words));

	(void)ignored; /* there is nobody left to tell */
	signal(number, SIG_DFL);
	raise(number);
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file || file_count == FILES_MAX) {
		fprintf(stderr, "%s: cannot be read, or more than %d files\n", path, FILES_MAX);
		exit(1);
	}
	files[file_count].len = fread(files[file_count].bytes, 1, INPUT_SIZE, file);
	(void)fclose(file); /* only read from */
	snprintf(last_words, sizeof(last_words), "in file %.50s\n", path);
	LLVMFuzzerTestOneInput(files[file_count].bytes, files[file_count].len);
	file_count++;
}

static void replay(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char name[1024];

	if (!folder) {
		replay_file(path);
		return;
	}
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay_file(name);
	}
	(void)closedir(folder); /* only read from */
}

static size_t input_make(struct random *random, uint8_t *input)
{
	size_t len = random_below(random, INPUT_SIZE);

	if (file_count > 0 && random_below(random, 2) == 0) {
		unsigned from = (unsigned)random_below(random, file_count);

		len = files[from].len;
		memcpy(input, files[from].bytes, len);
		for (unsigned i = 0; len > 0 && i < 4; i++)
			input[random_below(random, len)] = (uint8_t)random_next(random);
		return len;
	}
	for (size_t i = 0; i < len; i++)
		input[i] = (uint8_t)random_next(random);
	return len;
}

int main(int argc, char **argv)
{
	static uint8_t input[INPUT_SIZE];
	uint64_t seed = 1;
	uint64_t runs = 2000;

	signal(SIGABRT, on_abort);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
			runs = strtoull(argv[++i], NULL, 0);
		else
			replay(argv[i]);
	}
	for (uint64_t run = 0; run < runs; run++) {
		struct random random = {.state = seed + run};

		snprintf(last_words, sizeof(last_words), "in the run of --seed %" PRIu64 "\n",
			 seed + run);
		LLVMFuzzerTestOneInput(input, input_make(&random, input));
	}
	printf("%u files, %" PRIu64 " runs from seed %" PRIu64 "\n", file_count, runs, seed);
	return 0;
}
