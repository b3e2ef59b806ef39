/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors, and that a process stays where it was told to. */
#include "host/base/cpus.h"
#include "tests/unit/test.h"

#include <sched.h>
#include <stdio.h>

static struct rota_fail why;

/* The first that this process may use. */
static unsigned first_usable(void)
{
	cpu_set_t set;
	unsigned n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	while (n < ROTA_CPUS_MAX - 1 && !CPU_ISSET(n, &set))
		n++;
	return n;
}

TEST(a_list_names_what_there_is)
{
	unsigned cpu = first_usable();
	char text[32];
	uint64_t cpus;

	snprintf(text, sizeof(text), "%u", cpu);
	CHECK_OK(rota_cpus_parse(text, &cpus, &why));
	CHECK_EQ(cpus, (uint64_t)1 << cpu);
	snprintf(text, sizeof(text), "%u-%u,%u", cpu, cpu, cpu);
	CHECK_OK(rota_cpus_parse(text, &cpus, &why));
	CHECK_EQ(cpus, (uint64_t)1 << cpu);
}

TEST(what_is_no_list)
{
	static const char *const wrong[] = { "", ",", "0,", "-", "0-", "-1", "x", "0x", "0 ", "1-0",
		"64", "0-64", "18446744073709551616", "0,,1" };
	uint64_t cpus;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_EQ(rota_cpus_parse(wrong[i], &cpus, &why), ROTA_ERR_FORMAT);
}

TEST(it_stays_there)
{
	unsigned cpu = first_usable();
	cpu_set_t before, after;
	uint64_t cpus;

	sched_getaffinity(0, sizeof(before), &before);
	CHECK_OK(rota_cpus_stay(0, &why));
	sched_getaffinity(0, sizeof(after), &after);
	CHECK(CPU_EQUAL(&before, &after));
	CHECK_OK(rota_cpus_stay((uint64_t)1 << cpu, &why));
	sched_getaffinity(0, sizeof(after), &after);
	CHECK_EQ(CPU_COUNT(&after), 1);
	CHECK(CPU_ISSET(cpu, &after));
	/* and what is not left to it is no list of its any more */
	if (CPU_COUNT(&before) > 1)
		CHECK_EQ(rota_cpus_parse("0-63", &cpus, &why), ROTA_ERR_FORMAT);
	sched_setaffinity(0, sizeof(before), &before);
}

TESTS(T(a_list_names_what_there_is), T(what_is_no_list), T(it_stays_there))
