/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/identity.h -- the certificates of a device whose keys lie in its root of trust.
 *
 *     [identity] directory/idevid.pem      that it was born with, of key `identity`
 *     [identity] directory/ldevid-0.pem    that it logs in with, of key `ldevid` 0
 *     [identity] directory/ldevid-1.pem    of key `ldevid` 1
 *
 * LDevIDs are blue and green: the next one is made beside the one in use, and tried; only once the server has taken
 * something under it the older one goes, certificate first, then key. What is there says how far that is: with two
 * certificates the newer is on trial, and where it is turned away it goes and the older one goes on. A certificate counts that is
 * the device's, of the key in its place.
 */
#ifndef APPS_ROTA_AGENT_IDENTITY_H
#define APPS_ROTA_AGENT_IDENTITY_H

#include "apps/rota-agent/config.h"
#include "host/identity/rotkey.h"

#include <time.h>

#define AGENT_LDEVIDS 2
#define AGENT_LDEVID_NONE AGENT_LDEVIDS
/* Of a certificate as PEM; what the authority makes has at most 2,304 bytes. */
#define AGENT_CERT_MAX (16 * 1024)

struct agent_ldevid {
	bool there; /* a certificate that counts */
	uint64_t from_s, to_s; /* Unix seconds, both included */
	struct timespec
		written; /* its file: of two that begin in one second the later one is newer */
};

/* A certificate and its key, for rota_fetch_login. Not moved while it is open. */
struct agent_shown {
	char certificate[ROTA_FILE_PATH_MAX];
	struct rota_rotkey key;
	EVP_PKEY *pkey; /* NULL: closed */
};

struct agent_identity {
	const struct agent_config *config;
	const struct rota_rot *rot;
	struct rota_span device; /* its id, hex */
	struct agent_ldevid ldevid[AGENT_LDEVIDS];
	unsigned use; /* which of them; AGENT_LDEVID_NONE: none */
	struct agent_shown shown; /* that one; config->login has it */
};

/* Read what is there and log in with the newest. ROTA_ERR_NOT_FOUND: no LDevID counts; the IDevID gets one (renew.h).
 * `device` and rot stay in use. */
ROTA_MUST_USE enum rota_err agent_identity_open(struct agent_identity *id,
	const struct agent_config *config, const struct rota_rot *rot, struct rota_span device,
	struct rota_fail *why);
/* What was zeroed may be closed. */
void agent_identity_close(struct agent_identity *id);

/* Of the newest there is; again after something was written. */
ROTA_MUST_USE enum rota_err agent_identity_again(struct agent_identity *id, struct rota_fail *why);

/* One is on trial. */
bool agent_identity_tries(const struct agent_identity *id);

/* The server took something under it: the older one goes. Nothing to do where there is none. */
ROTA_MUST_USE enum rota_err agent_identity_proved(struct agent_identity *id, struct rota_fail *why);

/* The server turned it away: where an older one is there, that goes on, and the newer one goes. */
ROTA_MUST_USE enum rota_err agent_identity_refused(
	struct agent_identity *id, struct rota_fail *why);

/* PEM file of an LDevID's place, or of the IDevID, with its key. */
void agent_identity_path(const struct agent_config *config, enum rota_rot_key key,
	char path[static ROTA_FILE_PATH_MAX]);

/* The LDevID's key of a place. */
static inline enum rota_rot_key agent_ldevid_key(unsigned place)
{
	return place == 0 ? ROTA_ROT_LDEVID_0 : ROTA_ROT_LDEVID_1;
}

/* A certificate of this file, of that key. Errors of the file, and of rota_rotkey_open(). */
ROTA_MUST_USE enum rota_err agent_shown_open(struct agent_shown *s, const struct agent_config *c,
	const struct rota_rot *rot, enum rota_rot_key key, struct rota_fail *why);
void agent_shown_close(struct agent_shown *s);

/* The certificate in a PEM file, as DER; the caller frees. ROTA_ERR_FORMAT: none is. */
ROTA_MUST_USE enum rota_err agent_cert_der(
	const char *path, struct rota_bytes *der, struct rota_fail *why);

#endif
