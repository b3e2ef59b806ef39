/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/desk.h -- from a request's bytes to what is entered into the log, signed and answered.
 *
 * Each request comes to a *deed*: an entry for the log, signatures that it grants, and the answer as far as it is known
 * before them. Who may ask is looked up here, how often, and how many refusals are entered; host/notary/judge.h judges.
 * Nothing goes over a socket here.
 */
#ifndef APPS_ROTA_SIGND_DESK_H
#define APPS_ROTA_SIGND_DESK_H

#include "apps/rota-signd/message.h"
#include "apps/rota-signd/pending.h"
#include "apps/rota-signd/plan.h"
#include "host/notary/judge.h"
#include "host/notary/rate.h"
#include "host/notary/refusal.h"

/* Refusals of one client that are entries of their own in a minute; of the rest there is a number (SPEC 18.6). */
#define DESK_REFUSALS_MAX 10

struct desk_rule {
	const struct rota_rule *rule;
	struct rota_rate rate;
};

struct desk_client {
	const char *name; /* NULL: all strangers together */
	uint64_t minute, refusals;
	uint64_t unsaid; /* refusals without an entry since the last one with */
};

struct desk_time {
	uint64_t s; /* Unix seconds */
	uint64_t ms; /* of a clock that does not jump */
};

struct desk {
	struct plan *plan;
	struct rota_records *records; /* of whoever reads the log anew; and this: */
	struct pending *pending;
	struct desk_rule rules[ROTA_POLICY_SECTIONS_MAX];
	struct desk_client clients[ROTA_POLICY_SECTIONS_MAX + 1];
};

/* What an entry changes, once it is durable. */
enum deed_kind {
	DEED_NOTE, /* nothing */
	DEED_GRANT,
	DEED_ASKED, /* a request waits */
	DEED_APPROVED, /* an officer said yes */
	DEED_CLOSED, /* a request waits no more */
	DEED_BUILD, /* an artifact is known */
};

struct deed {
	enum deed_kind kind;
	struct signd_order order; /* all but the tag */
	uint8_t leaf[ROTA_LEAF_MAX];
	struct rota_bytes record; /* owned */
	struct rota_ask ask; /* owned; whole NULL: it was none */
	struct rota_grant grant; /* owned */
	bool approved; /* a grant of a request that waited */
	bool shown; /* its bytes, or its batch, go to the log writer too */
	uint8_t about[ROTA_DIGEST_LEN]; /* APPROVED, CLOSED: the request */
	struct rota_answer answer;
	struct rota_bytes receipt; /* BUILD, rows, a CRL: the answer instead; owned */
	struct rota_rows_result *rows; /* as many as came; owned */
	size_t row_count;
	uint64_t wait_s; /* refused, and when to come again; 0: it is not a matter of time */
	bool unsaid; /* it is answered without an entry */
};

/* Judge a request. Takes `bytes`. */
void desk_ask(struct desk *d, const struct rota_identity *who, struct rota_bytes bytes,
	const struct desk_time *when, struct deed *out);

/* The same for one that waits, by its digest in hex, for who asked. false: of him nothing of that digest waits. */
bool desk_ask_again(struct desk *d, const struct rota_identity *who, const char *digest,
	const struct desk_time *when, struct deed *out);

/* An officer's answer to a request that waits, brought by any client (SPEC 20.3). */
void desk_approve(struct desk *d, const struct rota_identity *who, struct rota_span approval,
	const struct desk_time *when, struct deed *out);

/* An artifact was brought: `reader` has seen all of it; NULL: it was not looked at, as he may not. */
void desk_artifact(struct desk *d, const struct rota_identity *who, const char *scope,
	struct rota_artifact_reader *reader, const struct desk_time *when, struct deed *out);

/* One whose time is over, to be closed; false: there is none. */
bool desk_expire(struct desk *d, uint64_t now, struct deed *out);

/* {"asks"}, and {"ask","was"} of one by its digest in hex (SPEC 18.2). false: nothing of that digest waits. */
void desk_list(const struct desk *d, struct rota_bytes *out);
bool desk_show(const struct desk *d, const char *digest, struct rota_bytes *out);

/* {"campaigns"}: ids of the newest ROTA_ASK_CAMPAIGNS_MAX that were approved of a scope, in the log's order; false: there is no such scope. And {"ask"}, the
 * request of one by its id in hex (SPEC 18.2); false: the log has none of that id. */
bool desk_campaigns(const struct desk *d, const char *scope, struct rota_bytes *out);
bool desk_campaign(const struct desk *d, const char *id, struct rota_bytes *out);

/* {"nonce"} for a device (SPEC 29.2), whose id is in hex; false: that is none, or certificates of the scope are not issued here. */
bool desk_nonce(const struct desk *d, const char *scope, const char *device, uint64_t now,
	struct rota_bytes *out);

/* Whether signd.ini knows him. */
bool desk_knows(const struct desk *d, const struct rota_identity *who);

/* The entry is durable, under this index. */
void desk_settled(struct desk *d, const struct deed *deed, uint64_t index);

/* What goes to the log writer with its order, if it is `shown`. */
struct rota_span desk_shown(const struct deed *deed);

/* Some rows are there; with the last of them, the receipt. false: others than were asked for. */
bool desk_rows(struct deed *deed, const struct signd_rows_done *done);

/* All signatures are there: what is made of them. */
void desk_signed(struct deed *deed);

/* The entry that says that the token did not sign what entry `index` granted. */
void desk_failed(const struct deed *granted, uint64_t index, const char *why, uint64_t now,
	struct deed *out);

/* Make a refusal of the answer. */
void desk_refuse(struct deed *deed, enum rota_refusal code, const char *text);

/* The HTTP status of the answer. */
int desk_status(const struct deed *deed);

/* The public keys that sign for a party of a scope, as SPEC 18.2 lists them. false: nobody here signs for it. */
bool desk_keys(const struct desk *d, const char *scope, const char *party, struct rota_bytes *out);

void deed_free(struct deed *deed);

#endif
