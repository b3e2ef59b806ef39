/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/update_cycles.h -- what the tests of whole update cycles share: one world (world.h) each, how a release is
 * offered to it, and how a cycle must end. */
#ifndef TESTS_UNIT_UPDATE_CYCLES_H
#define TESTS_UNIT_UPDATE_CYCLES_H

#include "rota/codec/version.h"
#include "tests/unit/test.h"
#include "tests/unit/world.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define HOUR_S UINT64_C(3600)
#define DAY_S UINT64_C(86400)

static struct world world;

enum { FACTORY, FACTORY_DATA, FIRST, SECOND, THIRD };

static inline uint64_t version_of(const char *text)
{
	uint64_t version = 0;

	if (rota_version_parse(rota_span_cstr(text), &version) != ROTA_OK)
		test_fail(__FILE__, __LINE__, text);
	return version;
}

/* A device and a server that offers `version` to everyone. */
static inline struct world *offered(const char *version)
{
	struct world *w = &world;

	world_init(w);
	w->release.version = version;
	world_release(w);
	world_policy(w);
	return w;
}

static inline void offer(struct world *w, const char *version)
{
	w->release.version = version;
	world_release(w);
	world_policy(w);
}

/* Server and clock go on by so much. */
static inline void later(struct world *w, uint64_t seconds)
{
	w->clock_s += seconds;
	for (int i = MAKER_TIMESTAMP; i < w->m.role_count; i++) {
		struct maker_role *r = &w->m.role[i];
		uint64_t life_s = r->expires_s - r->issued_s;

		r->version++;
		r->issued_s = w->clock_s;
		r->expires_s = w->clock_s + life_s;
	}
	maker_publish(&w->m);
}

#define CHECK_OUTCOME(w, e, c)                                                                     \
	do {                                                                                       \
		CHECK((w)->broken == NULL);                                                        \
		CHECK_EQ((w)->outcome.why.err, e);                                                 \
		CHECK_EQ((w)->outcome.why.clause, c);                                              \
	} while (0)
#define CHECK_IDLE(w, c)                                                                           \
	do {                                                                                       \
		CHECK_EQ(world_settle(w), ROTA_UPDATE_IDLE);                                       \
		CHECK_OUTCOME(w, ROTA_OK, c);                                                      \
	} while (0)
#define CHECK_STOPPED(w, e, c)                                                                     \
	do {                                                                                       \
		CHECK_EQ(world_settle(w), ROTA_UPDATE_STOPPED);                                    \
		CHECK_OUTCOME(w, e, c);                                                            \
	} while (0)

/* Of the last event of a kind. */
static inline enum rota_clause clause_of(const struct world *w, enum rota_event_kind kind)
{
	enum rota_clause clause = ROTA_CLAUSE_NONE;

	for (int i = 0; i < w->event_count; i++)
		if (w->event[i].kind == kind)
			clause = w->event[i].why.clause;
	return clause;
}

#endif
