/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char unit_letters[] = "KMGTPE"; /* each 1024 times the one before */

/* The power of 1024 that a unit stands for; -1 if it is no unit. */
static int unit_power(const char *unit)
{
	const char *letter;

	if (*unit == '\0' || strcasecmp(unit, "B") == 0)
		return 0;
	letter = strchr(unit_letters, toupper((unsigned char)*unit));
	if (!letter)
		return -1;
	unit++;
	if (*unit != '\0' && strcasecmp(unit, "iB") != 0 && strcasecmp(unit, "B") != 0 &&
	    strcasecmp(unit, "i") != 0)
		return -1;
	return (int)(letter - unit_letters) + 1;
}

/*
 * Digits after the point, as millionths: six are read, a further one that is not zero is
 * refused, so that no rounding is ever hidden.
 */
static int fraction_parse(const char **text, uint64_t *out_millionths)
{
	uint64_t value = 0;
	uint64_t scale = 100000;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++) {
		unsigned digit = (unsigned)(**text - '0');

		if (scale == 0 && digit != 0)
			return -EINVAL;
		value += digit * scale;
		scale /= 10;
	}
	*out_millionths = value;
	return 0;
}

static int size_from_parts(uint64_t whole, uint64_t millionths, int power, uint64_t *out_bytes)
{
	unsigned __int128 bytes = (unsigned __int128)whole * 1000000 + millionths;

	if (whole > (uint64_t)INT64_MAX >> (10 * power))
		return -EINVAL;
	bytes <<= 10 * power;
	if (bytes % 1000000 != 0)
		return -EINVAL;
	*out_bytes = (uint64_t)(bytes / 1000000);
	return 0;
}

int size_parse(const char *text, uint64_t *out_bytes, struct error *err)
{
	const char *at = text;
	uint64_t whole = 0;
	uint64_t millionths = 0;
	int power;

	if (!isdigit((unsigned char)*at))
		goto bad;
	for (; isdigit((unsigned char)*at); at++) {
		if (whole > INT64_MAX / 10)
			goto bad;
		whole = whole * 10 + (unsigned)(*at - '0');
	}
	if (*at == '.') {
		at++;
		if (fraction_parse(&at, &millionths) < 0)
			goto bad;
	}
	while (*at == ' ')
		at++;
	power = unit_power(at);
	if (power < 0 || size_from_parts(whole, millionths, power, out_bytes) < 0)
		goto bad;
	return 0;
bad:
	return error_set(
		err, -EINVAL,
		"'%.40s' is not a size; write a number and a unit, as in 512M, 20G or 1.5TiB",
		text);
}

char *size_format(uint64_t bytes, char *buf)
{
	unsigned power = 0;
	uint64_t unit = 1;
	uint64_t tenths;

	while (power < sizeof(unit_letters) - 1 && bytes / unit >= 1024) {
		unit *= 1024;
		power++;
	}
	if (power == 0) {
		(void)snprintf(buf, SIZE_TEXT_MAX, "%" PRIu64 " B", bytes);
		return buf;
	}
	tenths = (uint64_t)((unsigned __int128)bytes * 10 / unit);
	if (tenths % 10 == 0)
		(void)snprintf(buf, SIZE_TEXT_MAX, "%" PRIu64 " %ciB", tenths / 10,
			       unit_letters[power - 1]);
	else
		(void)snprintf(buf, SIZE_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %ciB", tenths / 10,
			       tenths % 10, unit_letters[power - 1]);
	return buf;
}
