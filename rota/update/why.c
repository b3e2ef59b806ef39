/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/update/why.h"

static const struct {
	const char *section;
	const char *demand;
} text[ROTA_CLAUSE_COUNT] = {
#define ROTA_CLAUSE_TEXT(name, section, demand) [ROTA_CLAUSE_##name] = { section, demand },
	ROTA_CLAUSES(ROTA_CLAUSE_TEXT)
#undef ROTA_CLAUSE_TEXT
};

const char *rota_clause_section(enum rota_clause clause)
{
	return (unsigned)clause < ROTA_CLAUSE_COUNT ? text[clause].section : "";
}

const char *rota_clause_demand(enum rota_clause clause)
{
	return (unsigned)clause < ROTA_CLAUSE_COUNT ? text[clause].demand : "";
}
