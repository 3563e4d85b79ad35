/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store on a simulated disk.
 *
 *   sim random STATES [SEED]      programs from that seed on (1), until so many crash states
 *   sim exhaustive LENGTH [FIRST] all programs of that length, from that number on
 *   sim errors SEEDS              with a failure in every place
 *   sim control                   pools with a known mistake must be found out
 *   sim soak                      programs by chance until SOAK_SECONDS are over, or for ever
 *
 * BERTH_SIM_SEED=n: that seed alone. The exit status is 0 if nothing was wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "tests/sim/program.h"

#define FAILURES_MAX	    5
#define SOAK_REPORT_SECONDS 60

struct run {
	struct states states;
	unsigned failures;
	struct timespec begin;
	uint64_t arguments[2]; /* 0 where not given */
};

static double run_seconds(const struct run *run)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock is always there */
	return (double)(now.tv_sec - run->begin.tv_sec) +
	       (double)(now.tv_nsec - run->begin.tv_nsec) / 1e9;
}

static void run_report(const struct run *run)
{
	double seconds = run_seconds(run);

	(void)printf("%" PRIu64 " crash states, %" PRIu64 " different images, %u failures,"
		     " %.0f s, %.0f states/s\n",
		     run->states.looked_at, run->states.distinct, run->failures, seconds,
		     (double)run->states.looked_at / (seconds + 1e-3));
	(void)fflush(stdout); /* somebody may be watching */
}

/* The seed that the environment asks for; false: none. */
static bool only_seed(uint64_t *out_seed)
{
	const char *text = getenv("BERTH_SIM_SEED");

	if (text)
		*out_seed = strtoull(text, NULL, 10);
	return text != NULL;
}

static void run_random(struct run *run)
{
	uint64_t seed = run->arguments[1] ? run->arguments[1] : 1;
	bool is_only = only_seed(&seed);

	do {
		run->failures += !program_random(seed++, &run->states);
	} while (!is_only && run->states.looked_at < run->arguments[0] &&
		 run->failures < FAILURES_MAX);
}

static void run_exhaustive(struct run *run)
{
	unsigned length = (unsigned)run->arguments[0];
	uint64_t seed = run->arguments[1];
	bool is_only = only_seed(&seed);

	do {
		run->failures += !program_exhaustive(seed, length, &run->states);
		seed += 1;
	} while (!is_only && program_has(seed, length) && run->failures < FAILURES_MAX);
}

static void run_errors(struct run *run)
{
	uint64_t seed = 1;
	bool is_only = only_seed(&seed);
	uint64_t last = is_only ? seed : run->arguments[0];

	for (; seed <= last && run->failures < FAILURES_MAX; seed++)
		run->failures += !program_errors(seed, &run->states);
}

static void run_control(struct run *run)
{
	run->failures += !program_control(&run->states);
}

/* Seeds that no other run has had, until SOAK_SECONDS are over, or for ever. */
static void run_soak(struct run *run)
{
	const char *text = getenv("SOAK_SECONDS");
	double seconds = text ? strtod(text, NULL) : 0;
	double report_at = SOAK_REPORT_SECONDS;
	uint64_t seed = (uint64_t)run->begin.tv_sec * 1000003 + (uint64_t)run->begin.tv_nsec;
	bool is_only = only_seed(&seed);

	do {
		run->failures += !program_random(seed++, &run->states);
		if (run_seconds(run) >= report_at) {
			run_report(run);
			report_at += SOAK_REPORT_SECONDS;
		}
	} while (!is_only && run->failures < FAILURES_MAX &&
		 (seconds <= 0 || run_seconds(run) < seconds));
}

static const struct {
	const char *name;
	void (*run)(struct run *run);
} commands[] = {
	{"random", run_random}, {"exhaustive", run_exhaustive},
	{"errors", run_errors}, {"control", run_control},
	{"soak", run_soak},
};

int main(int argc, char **argv)
{
	struct run run = {0};

	for (int i = 2; i < argc && i < 4; i++)
		run.arguments[i - 2] = strtoull(argv[i], NULL, 10);
	(void)clock_gettime(CLOCK_MONOTONIC, &run.begin); /* this clock is always there */
	for (unsigned i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		states_init(&run.states);
		commands[i].run(&run);
		run_report(&run);
		states_fini(&run.states);
		return run.failures ? 1 : 0;
	}
	(void)fprintf(stderr,
		      "usage: sim random|exhaustive|errors|control|soak [NUMBER [NUMBER]]\n");
	return 2;
}
