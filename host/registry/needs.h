/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/needs.h -- may a generation of a purpose go? (SPEC 35.6, 38.2)
 *
 * The judge is pure: one device, one holding. It says yes where in doubt: an old key is needed until the device itself said
 * that no record is left that it opens, after the key that followed was in its hand. Silence counts as need of everything
 * that the device ever used. Two things only need nothing: a device that is no longer of the fleet, and one that never
 * proved a key of this purpose, for no key is used before it was proved, and none older than what it gets next ever comes.
 */
#ifndef HOST_REGISTRY_NEEDS_H
#define HOST_REGISTRY_NEEDS_H

#include "host/port/regdb.h"

enum rota_need {
	ROTA_NEED_NONE,
	ROTA_NEED_SILENT, /* it said nothing since the time that counts, or never */
	ROTA_NEED_ACTIVE, /* it seals with it, or with an older one */
	ROTA_NEED_NEWEST, /* one of its newest two, which no device destroys */
	ROTA_NEED_RECORDS, /* it has records that nothing newer opens */
};

/* Of the generations of line->holding's purpose up to `generation`. What was said before silent_ms (Unix) is silence. */
enum rota_need rota_need_of(
	const struct rota_reg_line *line, uint32_t generation, uint64_t silent_ms);

/* A word for it: "silent", "active", "newest", "records"; "none". */
const char *rota_need_word(enum rota_need need);

struct rota_needs { /* what is asked, then what came of it */
	uint8_t purpose;
	uint32_t generation;
	uint64_t silent_ms;
	/* Told of the first `most` of those that need it, ascending by id; NULL: nobody is. */
	void (*take)(void *to, const struct rota_reg_line *line, enum rota_need need);
	void *to;
	uint64_t most;

	uint64_t count; /* who needs it; the silent are among them */
	uint64_t silent;
	uint64_t asked; /* devices of the fleet */
};

ROTA_MUST_USE enum rota_err rota_needs(
	const struct rota_regdb *reg, struct rota_needs *n, struct rota_fail *why);

/* How far a generation has come on a device; in the order in which it goes through them. */
enum rota_reach {
	ROTA_REACH_WAITING, /* nothing is known of it there */
	ROTA_REACH_STAGED,
	ROTA_REACH_PROVED,
	ROTA_REACH_ACTIVE,
	ROTA_REACH_ALONE, /* and nothing older is held */
	ROTA_REACHES
};

enum rota_reach rota_reach_of(const struct rota_holding *held, uint32_t generation);

/* "waiting", "staged", "proved", "active", "alone" */
const char *rota_reach_word(enum rota_reach reach);

struct rota_key_counts {
	uint64_t devices[ROTA_REACHES]; /* of the fleet, each in one */
	uint64_t wanting; /* who asked for a new key */
	uint32_t newest; /* highest generation that anybody has proved; 0: none */
	uint32_t oldest; /* least one that anybody holds; 0: none */
};

/* Of each purpose (index: its number less 1), how far `generation` of it has come; 0 there: the newest that anybody has
 * proved. */
ROTA_MUST_USE enum rota_err rota_key_counts(const struct rota_regdb *reg,
	const uint32_t generation[static ROTA_PURPOSES_MAX],
	struct rota_key_counts out[static ROTA_PURPOSES_MAX], struct rota_fail *why);

#endif
