/* SPDX-License-Identifier: Apache-2.0 */
/* host/port/regdb.h -- the registry beside host/port/db.h: devices with their rows, what they hold of keys, campaigns.
 *
 * Tables of the same database, written in the same transaction, and a view of the same journal: a backend stores what it
 * is given and knows no rule. The rules are in host/registry (fleet.h). So each function here is called between begin()
 * and commit() of the struct rota_db beside it, or on a connection that only looks.
 *
 * What `take` is given is good until it returns. It asks nothing of this registry meanwhile. An error of its ends the walk and
 * is the result; what `why` says of it is then take's business.
 */
#ifndef HOST_PORT_REGDB_H
#define HOST_PORT_REGDB_H

#include "host/base/fail.h"
#include "host/port/db.h"
#include "rota/codec/name.h"
#include "rota/codec/statement.h"

#define ROTA_REG_TEXT_LEN 65 /* a serial (RFC 5280: ub-serial-number), an owner; and NUL */
#define ROTA_REG_NAME_LEN (ROTA_NAME_MAX + 1) /* SPEC 1.2 */
#define ROTA_REG_ROW_LEN 256 /* SPEC 30.2 */
#define ROTA_REG_WHY_LEN 257 /* what somebody gave as reason */

enum rota_reg_state { /* SPEC 30.1; numbers are kept */
	ROTA_REG_ENROLLED = 1, /* its row is here; it has not come yet */
	ROTA_REG_ACTIVE,
	ROTA_REG_TRANSFERRED, /* to another owner, who enrols it anew */
	ROTA_REG_REPAIRED, /* another device has its place */
	ROTA_REG_DECOMMISSIONED,
	ROTA_REG_STATES /* how many, and one */
};

struct rota_reg_device {
	char id[ROTA_DB_ID_LEN];
	uint8_t state; /* enum rota_reg_state */
	char serial[ROTA_REG_TEXT_LEN]; /* of the hardware, as its IDevID says */
	char hardware[ROTA_REG_NAME_LEN], channel[ROTA_REG_NAME_LEN]; /* "": nobody said it */
	char group[ROTA_REG_NAME_LEN], region[ROTA_REG_NAME_LEN];
	char owner[ROTA_REG_TEXT_LEN];
	char replaces[ROTA_DB_ID_LEN]; /* the device whose place it took */
	uint8_t row[ROTA_REG_ROW_LEN]; /* as signd made it */
	uint32_t
		agreed; /* highest number of a statement of kind 1 or 3 (SPEC 35.1), or counter of a row */
	uint32_t said; /* the same of kinds 2 and 4 */
	uint8_t last[32]; /* SHA-256 of the newest statement that counted; zeros: none did */
	uint64_t enrolled_ms;
	uint64_t
		seen_ms; /* when the server last received something from it: a statement, or a report */
};

/* What a device holds of one purpose: as it said last (kind 2), but for `proved`, which is what it proved. */
struct rota_reg_holding {
	char id[ROTA_DB_ID_LEN];
	struct rota_holding held;
	uint64_t stated_ms; /* when its last statement of kind 2 came; 0: none did */
	uint64_t proved_ms; /* when held.proved was shown; 0: never */
};

/* A device, and what it holds of the purpose that was asked for. */
struct rota_reg_line {
	char id[ROTA_DB_ID_LEN], serial[ROTA_REG_TEXT_LEN];
	uint8_t state;
	uint64_t seen_ms;
	bool known; /* else nothing is known of that purpose, and `holding` is zeros */
	struct rota_reg_holding holding;
};

/* Holdings that are alike in what is counted. */
struct rota_reg_alike {
	struct rota_holding held; /* `records` is 0 */
	bool wants; /* a new key, before it has used up the old one (SPEC 31.7) */
	uint64_t devices;
};

/* A key campaign, as its records tell (SPEC 30.6). */
struct rota_reg_campaign {
	char id[ROTA_DB_ID_LEN]; /* digest of the request */
	char name[ROTA_REG_NAME_LEN], product[ROTA_REG_NAME_LEN];
	uint8_t purpose, state; /* enum rota_purpose, enum rota_keylog_state */
	bool emergency;
	uint32_t generation, overlap_s;
	uint64_t activation_s, expected; /* expected: number of devices */
	uint64_t asked_ms, changed_ms; /* when the first and the newest record of it came */
	char by[ROTA_REG_TEXT_LEN], why[ROTA_REG_WHY_LEN]; /* of the newest record */
};

struct rota_regdb {
	void *ctx;

	/* ROTA_ERR_NOT_FOUND (why untouched): no such device. */
	enum rota_err (*device)(
		void *ctx, const char *id, struct rota_reg_device *out, struct rota_fail *why);
	/* Of it only where it stands and its row: what is asked for each bundle. The same errors. */
	enum rota_err (*row)(void *ctx, const char *id, uint8_t *state,
		uint8_t row[static ROTA_REG_ROW_LEN], struct rota_fail *why);
	/* Make or replace. */
	enum rota_err (*set_device)(
		void *ctx, const struct rota_reg_device *device, struct rota_fail *why);
	/* All, ascending by id. */
	enum rota_err (*each)(void *ctx,
		enum rota_err (*take)(void *to, const struct rota_reg_device *device), void *to,
		struct rota_fail *why);
	/* How many devices are in `state`. */
	enum rota_err (*count)(void *ctx, uint8_t state, uint64_t *out, struct rota_fail *why);

	/* ROTA_ERR_NOT_FOUND (why untouched): nothing is known of this purpose. */
	enum rota_err (*holding)(void *ctx, const char *id, uint8_t purpose,
		struct rota_reg_holding *out, struct rota_fail *why);
	/* Make or replace. */
	enum rota_err (*set_holding)(
		void *ctx, const struct rota_reg_holding *holding, struct rota_fail *why);
	/* All of a device. */
	enum rota_err (*drop_holdings)(void *ctx, const char *id, struct rota_fail *why);
	/* All devices, ascending by id, each with what it holds of `purpose`. */
	enum rota_err (*lines)(void *ctx, uint8_t purpose,
		enum rota_err (*take)(void *to, const struct rota_reg_line *line), void *to,
		struct rota_fail *why);
	/* All holdings in groups, each in one. */
	enum rota_err (*alike)(void *ctx,
		enum rota_err (*take)(void *to, const struct rota_reg_alike *group), void *to,
		struct rota_fail *why);

	/* ROTA_ERR_NOT_FOUND (why untouched): no such campaign. */
	enum rota_err (*campaign)(
		void *ctx, const char *id, struct rota_reg_campaign *out, struct rota_fail *why);
	/* Make or replace. */
	enum rota_err (*set_campaign)(
		void *ctx, const struct rota_reg_campaign *campaign, struct rota_fail *why);
	/* All, ascending by (purpose, generation, id). */
	enum rota_err (*campaigns)(void *ctx,
		enum rota_err (*take)(void *to, const struct rota_reg_campaign *campaign), void *to,
		struct rota_fail *why);
};

#endif
