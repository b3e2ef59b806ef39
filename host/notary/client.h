/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/client.h -- asking the signing daemon over its Unix socket (SPEC 18.2), or from afar (18.8).
 *
 * One handle, one thread; the connection stays open between calls. Each call has a deadline. What comes back is read
 * strictly, and signatures are the caller's to verify: a daemon is no more believed than a token.
 *
 * Of every call: ROTA_ERR_NET, ROTA_ERR_TIMEOUT  no daemon, or it does not answer
 *                ROTA_ERR_FORMAT                 what it says is none of SPEC 18
 */
#ifndef HOST_NOTARY_CLIENT_H
#define HOST_NOTARY_CLIENT_H

#include "host/notary/approval.h"
#include "host/notary/ask.h"
#include "host/notary/rows.h"
#include "host/sign/authdir.h"

/* Requests that can wait at once (SPEC 20.3). */
#define ROTA_CLIENT_PENDING_MAX 256
#define ROTA_CLIENT_CAMPAIGNS_MAX ROTA_ASK_CAMPAIGNS_MAX

struct rota_client;

/* Where the daemon is. */
struct rota_client_server {
	const char *address; /* its socket's path, or https://HOST[:PORT] */
	const char *ca, *certificate, *key; /* PEM files for the latter */
};

/* Of rota.ini. Points into `dir`. */
struct rota_client_server rota_client_server(const struct rota_authdir *dir);

/* ROTA_ERR_NET: nobody listens at that socket; of a server from afar the first call says it. All texts are copied. */
ROTA_MUST_USE enum rota_err rota_client_open(
	const struct rota_client_server *server, struct rota_client **out, struct rota_fail *why);
void rota_client_close(struct rota_client *c);

/* Send a request. ROTA_OK whatever the answer's kind; rota_client_verdict() makes an error of one that is no yes. */
ROTA_MUST_USE enum rota_err rota_client_ask(struct rota_client *c, struct rota_span ask,
	struct rota_answer *out, struct rota_fail *why);

/* ROTA_OK: signed, or recorded. ROTA_ERR_BUSY: it waits for approvals. Else the error of the refusal's code. */
ROTA_MUST_USE enum rota_err rota_client_verdict(
	const struct rota_answer *answer, struct rota_fail *why);

/* Whether the request may have been granted all the same, and its version used up: the token or the log failed behind
 * the judge. It is to be asked for again. */
bool rota_client_may_stand(const struct rota_answer *answer);

/* The public keys that sign for a party now, at most ROTA_SIGNERS_MAX. */
ROTA_MUST_USE enum rota_err rota_client_keys(struct rota_client *c, const char *scope,
	const char *party, uint8_t (*points)[ROTA_P256_KEY_LEN], size_t *count,
	struct rota_fail *why);

/* Send a file for the daemon to read and to hash (SPEC 18.2). ROTA_ERR_HASH: it got another than this one. */
ROTA_MUST_USE enum rota_err rota_client_artifact(struct rota_client *c, const char *scope,
	const char *file, uint64_t len, const uint8_t sha256[static ROTA_DIGEST_LEN],
	struct rota_fail *why);

/* How the scope's series stands: {"held","landing","publish","sealed","sign"}, which the caller decrefs. ROTA_ERR_BUSY: the daemon is about to
 * take other slots. ROTA_ERR_NOT_FOUND: no series that it can read is under way. */
ROTA_MUST_USE enum rota_err rota_client_due(
	struct rota_client *c, const char *scope, json_t **due, struct rota_fail *why);

/* Digests of the requests that wait for approvals, at most ROTA_CLIENT_PENDING_MAX. */
ROTA_MUST_USE enum rota_err rota_client_pending(struct rota_client *c,
	uint8_t (*digests)[ROTA_DIGEST_LEN], size_t *count, struct rota_fail *why);

/* The request of that digest, for rota_ask_free(), and `signed` of what the role has now: *was, which the caller decrefs,
 * NULL when it has nothing. ROTA_ERR_NOT_FOUND: nothing of that digest waits. ROTA_ERR_HASH: the daemon shows another. */
ROTA_MUST_USE enum rota_err rota_client_shown(struct rota_client *c,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_ask *ask, json_t **was,
	struct rota_fail *why);

/* Ids of the campaigns for keys of devices that were approved, in the log's order, at most ROTA_CLIENT_CAMPAIGNS_MAX; and the request
 * of one, for rota_ask_free(). ROTA_ERR_NOT_FOUND: the log has none of that id. ROTA_ERR_HASH: the daemon shows another. */
ROTA_MUST_USE enum rota_err rota_client_campaigns(struct rota_client *c, const char *scope,
	uint8_t (*ids)[ROTA_DIGEST_LEN], size_t *count, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_client_campaign(struct rota_client *c,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_ask *ask, struct rota_fail *why);

/* The same, and its state: a word of SPEC 32.2, as the newest list of its role that the daemon signed has it, or withdrawn; "": not
 * listed, or by a role that people sign. */
#define ROTA_CLIENT_STATE_MAX 16
ROTA_MUST_USE enum rota_err rota_client_campaign_state(struct rota_client *c,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_ask *ask,
	char state[static ROTA_CLIENT_STATE_MAX], struct rota_fail *why);

/* Rows of a scope's registry, one for each item (host/notary/registrar.h), 1 to ROTA_REGISTRAR_ITEMS_MAX: out[i].err is ROTA_OK and
 * out[i].row the row, or why there is none of items[i] (SPEC 30.8). Asked again, the same items give the same rows. `reason` goes into the
 * daemon's log. ROTA_ERR_BUSY: too often, or the daemon's log or registrar is away: come again. Others as
 * rota_client_verdict(). */
ROTA_MUST_USE enum rota_err rota_client_rows(struct rota_client *c, const char *scope,
	const char *reason, const struct rota_span *items, size_t count,
	struct rota_rows_result *out, struct rota_fail *why);

/* What an authority (role device-ca or operational-ca) does beside certificates of devices (SPEC 19.10, 19.11). *der is the caller's to free, and to verify:
 * the authority's list of what is over; the certificate of who answers OCSP for it, for a request (PKCS#10) of that key. */
ROTA_MUST_USE enum rota_err rota_client_crl(struct rota_client *c, const char *scope,
	const char *role, const char *reason, struct rota_bytes *der, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_client_responder(struct rota_client *c, const char *scope,
	const char *role, const char *reason, struct rota_span csr, struct rota_bytes *der,
	struct rota_fail *why);

/* Say that a certificate is over; of device-ca its device is, for good. ROTA_ERR_VERSION: it was already. ROTA_ERR_BUSY: it waits for
 * approvals, and is to be asked for again, byte by byte: `ask` is the request, made when it is empty, the caller's to free. */
ROTA_MUST_USE enum rota_err rota_client_revoke(struct rota_client *c, const char *scope,
	const char *role, const char *reason, const uint8_t device[static ROTA_DIGEST_LEN],
	struct rota_span serial, struct rota_bytes *ask, struct rota_fail *why);

/* Send an officer's approval; *out is how the request stands with it. */
ROTA_MUST_USE enum rota_err rota_client_approve(struct rota_client *c,
	const struct rota_approval *approval, struct rota_answer *out, struct rota_fail *why);

#endif
