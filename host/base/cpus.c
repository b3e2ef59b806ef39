/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

/* A number at *text, which moves on; ROTA_CPUS_MAX: there is none, or it is too large. */
static unsigned number(const char **text)
{
	char *end;
	unsigned long n = isdigit((unsigned char)**text) ? strtoul(*text, &end, 10) : ROTA_CPUS_MAX;

	if (n >= ROTA_CPUS_MAX)
		return ROTA_CPUS_MAX;
	*text = end;
	return (unsigned)n;
}

static bool read_list(const char *text, uint64_t *out)
{
	for (*out = 0;; text++) {
		unsigned first = number(&text), last = first;

		if (*text == '-') {
			text++;
			last = number(&text);
		}
		if (last >= ROTA_CPUS_MAX || first > last)
			return false;
		for (unsigned n = first; n <= last; n++)
			*out |= (uint64_t)1 << n;
		if (*text != ',')
			return *text == 0;
	}
}

static uint64_t allowed(void)
{
	uint64_t found = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (unsigned n = 0; n < ROTA_CPUS_MAX; n++)
		if (CPU_ISSET(n, &set))
			found |= (uint64_t)1 << n;
	return found;
}

enum rota_err rota_cpus_parse(const char *text, uint64_t *out, struct rota_fail *why)
{
	if (!read_list(text, out))
		return rota_fail(
			why, ROTA_ERR_FORMAT, "'%s' is no list of processors, as 0 or 0,2-3", text);
	if (*out & ~allowed())
		return rota_fail(why, ROTA_ERR_FORMAT,
			"'%s' names a processor that there is not, or that this process may not "
			"use",
			text);
	return ROTA_OK;
}

enum rota_err rota_cpus_stay(uint64_t cpus, struct rota_fail *why)
{
	cpu_set_t set;

	if (cpus == 0)
		return ROTA_OK;
	CPU_ZERO(&set);
	for (unsigned n = 0; n < ROTA_CPUS_MAX; n++)
		if (cpus >> n & 1)
			CPU_SET(n, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		return rota_fail_errno(why, errno, "the processors cannot be set");
	return ROTA_OK;
}
