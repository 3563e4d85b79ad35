/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each end of a command, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/compiler.h"
#include "initiator/sense.h"

static const struct {
	uint8_t status, key;
	uint16_t asc_ascq;
	enum verdict_kind kind;
	int result;
} cases[] = {
	{0x00, 0, 0, VERDICT_DONE, 0},
	{0x08, 0, 0, VERDICT_LATER, 0},
	{0x28, 0, 0, VERDICT_LATER, 0},
	{0x40, 0, 0, VERDICT_LATER, 0},
	{0x18, 0, 0, VERDICT_DONE, -EBADE},
	{0x77, 0, 0, VERDICT_DONE, -EIO},
	{0x02, 0x1, 0x0000, VERDICT_DONE, 0},
	{0x02, 0x2, 0x0401, VERDICT_LATER, 0},
	{0x02, 0x3, 0x1100, VERDICT_DONE, -EIO},
	{0x02, 0x4, 0x4400, VERDICT_DONE, -EIO},
	{0x02, 0x5, 0x2000, VERDICT_DONE, -EOPNOTSUPP},
	{0x02, 0x5, 0x2100, VERDICT_DONE, -EIO},
	{0x02, 0x5, 0x2500, VERDICT_LOST, 0},
	{0x02, 0x6, 0x2900, VERDICT_AGAIN, 0},
	{0x02, 0x6, 0x2a09, VERDICT_RESIZE, 0},
	{0x02, 0x6, 0x3807, VERDICT_AGAIN, 0},
	{0x02, 0x7, 0x2707, VERDICT_DONE, -ENOSPC},
	{0x02, 0x7, 0x2700, VERDICT_DONE, -EROFS},
	{0x02, 0xb, 0x0000, VERDICT_LATER, 0},
	{0x02, 0xe, 0x1d00, VERDICT_DONE, -EIO},
};

static void each_end_has_its_verdict(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict verdict =
			sense_judge(cases[i].status, cases[i].key, cases[i].asc_ascq);

		if (verdict.kind != cases[i].kind || verdict.result != cases[i].result)
			fail_msg("status %02xh key %xh asc/ascq %04xh: kind %d result %d",
				 cases[i].status, cases[i].key, cases[i].asc_ascq, verdict.kind,
				 verdict.result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_has_its_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
