/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/campaign.h -- key campaigns as an operator sees them (SPEC 32, 38, 39).
 *
 * Nothing of a campaign is kept twice, so that nothing has to be brought into line. What was asked for, what waits and what was approved the
 * signing daemon says; what devices read is the role's file in the repository; what devices did stands in the registry, which is
 * rotad's database, named by [fleet] of rota.ini. A *book* lays the first two beside each other. DIR/campaigns has what neither of them
 * has: ID.export, the rows for rota-seald (SPEC 30.3), and ID.ask, a request until it is known to be granted or refused.
 */
#ifndef APPS_ROTA_CAMPAIGN_H
#define APPS_ROTA_CAMPAIGN_H

#include "apps/rota/session.h"
#include "host/campaign/request.h"
#include "host/campaign/schedule.h"
#include "host/notary/ask.h"
#include "host/registry/export.h"
#include "host/repo/keylist.h"
#include "ports/db_sqlite/registry.h"

#define CAMPAIGN_FOLDER "campaigns"
/* What is silent for so long needs all that it ever had (SPEC 38.2); [rotation] silent. */
#define CAMPAIGN_SILENT_S ((uint64_t)30 * 86400)
/* An id that somebody types may be cut. */
#define CAMPAIGN_ID_LEAST 8

/* ---- the registry ---- */

struct campaign_fleet {
	struct rota_db_sqlite *sqlite;
	struct rota_regdb reg;
};

/* ROTA_ERR_NOT_FOUND: rota.ini names no database. */
ROTA_MUST_USE enum rota_err campaign_fleet_open(struct session *s, struct campaign_fleet *out);
void campaign_fleet_close(struct campaign_fleet *f);

/* ---- the book ---- */

enum campaign_stand {
	CAMPAIGN_WAITING, /* for approvals */
	CAMPAIGN_APPROVED, /* rota-seald makes its keys */
	CAMPAIGN_ACTIVE, /* from here on it is listed: devices read it */
	CAMPAIGN_PAUSED,
	CAMPAIGN_ABORTED,
	CAMPAIGN_DONE,
};

struct campaign {
	enum campaign_stand stand;
	char id[ROTA_DIGEST_HEX];
	/* Of one that the daemon has forgotten, and the repository lists, only what is listed: no name, no query. */
	struct rota_key_request request;
	char reason[ROTA_ASK_REASON_MAX + 1];
	uint32_t sealed; /* bundles of all trees together */
	uint32_t trees; /* 0: it is not listed */
};

struct campaign_book {
	struct campaign *at; /* as they were asked for: the newest last */
	size_t count;
};

/* All that is known. The daemon is asked, and started where it is this desk's own. Requests of ours are settled first (campaign_settle()). */
ROTA_MUST_USE enum rota_err campaign_book_open(struct session *s, struct campaign_book *out);
void campaign_book_close(struct campaign_book *b);

/* By the beginning of its id. ROTA_ERR_NOT_FOUND, ROTA_ERR_ARGUMENT: none, or more than one. */
ROTA_MUST_USE enum rota_err campaign_find(struct session *s, const struct campaign_book *b,
	const char *id, const struct campaign **out);

/* The listed one of a purpose with the highest generation that was not aborted; NULL: none. */
const struct campaign *campaign_newest(const struct campaign_book *b, uint8_t purpose);
/* One that is asked for or approved, not listed yet, and not given up: its activation is no more than ROTA_LEAD_S ago; NULL: none. */
const struct campaign *campaign_coming(
	const struct campaign_book *b, uint8_t purpose, uint64_t now_s);

/* "waiting", "approved", "active", "paused", "aborted", "done" */
const char *campaign_stand_word(enum campaign_stand stand);

/* Tell rotad each step that its registry lacks (SPEC 30.6), where [fleet] operators of rota.ini names its socket: how campaigns
 * stand is then in its tables and figures as well. What it does not hear now it hears the next time: a sentence on standard error, and no
 * error. */
void campaign_tell(struct session *s, const struct campaign_book *book);
/* The same with a book of its own, after something was changed. */
void campaign_tell_anew(struct session *s);

/* ---- requests of ours ---- */

/* DIR/campaigns/ID.ENDING. */
void campaign_path(const struct session *s, const char *id, const char *ending,
	char out[static ROTA_FILE_PATH_MAX]);

/* Send a request whose bytes are in DIR/campaigns/ID.ask. One that was granted, or refused for good, is forgotten. ROTA_OK: granted.
 * ROTA_ERR_BUSY: it waits, `have` and `need` of *answer say for how many. */
struct rota_client;
ROTA_MUST_USE enum rota_err campaign_send(
	struct session *s, struct rota_client *c, const char *id, struct rota_answer *answer);

/* Ask once more for each request that has no answer yet: what was approved meanwhile is so granted. Only what the daemon cannot be
 * asked is an error. */
ROTA_MUST_USE enum rota_err campaign_settle(struct session *s, struct rota_client *c);

/* The daemon, which is started where it is this desk's own; the caller closes. */
ROTA_MUST_USE enum rota_err campaign_client(struct session *s, struct rota_client **out);

/* ---- what verbs share ---- */

/* The number of a purpose that somebody named; 0: none. */
uint8_t campaign_purpose(const char *word);

/* A duration of [rotation]; `fallback` where it is not set. ROTA_ERR_FORMAT, with least and most. */
ROTA_MUST_USE enum rota_err campaign_setting(struct session *s, const char *key, uint64_t least,
	uint64_t most, uint64_t fallback, uint64_t *out);

/* What is asked for: by rota campaign new, and by the calendar. */
struct campaign_wish {
	uint8_t purpose;
	const char *devices, *reason, *name; /* name may be NULL */
	const char *stages, *activation, *overlap; /* NULL: SPEC 39.3 */
	uint8_t cipher;
	uint32_t generation; /* 0: the next one */
	uint64_t late; /* devices that may join later; UINT64_MAX: a tenth */
	bool emergency;
};

struct campaign_asked {
	char id[ROTA_DIGEST_HEX];
	struct rota_key_request request;
	bool granted;
	unsigned have, need;
};

/* Export, request, ask. The session is one for writing. */
ROTA_MUST_USE enum rota_err campaign_ask(
	struct session *s, const struct campaign_wish *wish, struct campaign_asked *out);

/* The rows of the devices that a query means, to DIR/campaigns/CAMPAIGN_NEW.export. */
#define CAMPAIGN_NEW "new" /* of an export that has no id yet */
ROTA_MUST_USE enum rota_err campaign_export(struct session *s, const struct campaign_fleet *fleet,
	const char *devices, struct rota_exported *out);

/* For a script, and for a person. */
void campaign_say_asked(const struct campaign_asked *asked, bool json);

#endif
