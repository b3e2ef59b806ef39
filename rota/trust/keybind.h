/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/keybind.h -- may this campaign, and this bundle, be this device's? (SPEC 32.3, 32.5, 33.7)
 *
 * Pure functions; what the device holds comes in as facts, what comes out changes nothing. Three questions, in the
 * order in which a device asks them: is the campaign one to take part in now; does the role's file list the very tree
 * that the answer's proof leads to; and does the bundle open, for this device, under what it holds.
 */
#ifndef ROTA_TRUST_KEYBIND_H
#define ROTA_TRUST_KEYBIND_H

#include "rota/codec/keybundle.h"
#include "rota/codec/keys.h"
#include "rota/crypto/hpke.h"

/* Generations above the highest, and one more for each day since that one was activated: nobody rotates daily, and who
 * slept for years is not locked out. */
#define ROTA_KEY_AHEAD_MAX 16
#define ROTA_KEY_FIRST_MAX 65536 /* of a device that has none: a thief leaves room above it */
#define ROTA_KEY_ACTIVATION_MAX_S (90u * 86400) /* as long as a landing root lives (SPEC 23) */

/* ---- the campaign ---- */

struct rota_key_facts {
	struct rota_span role; /* whose file lists it: keys-link or keys-store */
	struct rota_span device_hex; /* device id, 64 digits */
	uint64_t now_s; /* trusted clock, else the time floor (SPEC 5.2) */
	uint32_t highest; /* generation that was ever taken of the campaign's purpose; 0: none */
	uint64_t highest_s; /* when it was activated; 0: not known */
	bool lost; /* the highest was lost with restored flash (SPEC 34.4): it may come once more */
	uint32_t seen_as; /* generation that a slot has from a campaign of this id; 0: none */
};

/* Whether the device takes part in `c` now.
 * ROTA_ERR_UNSUPPORTED  purpose, suite or cipher that is not known here
 * ROTA_ERR_ROLE         a purpose of the other role
 * ROTA_ERR_WITHDRAWN    it was aborted
 * ROTA_ERR_VERSION      generation at or below the highest; an id that was seen with another one
 * ROTA_ERR_CEILING      too far above the highest, if there is one
 * ROTA_ERR_TIME         its activation is more than ROTA_KEY_ACTIVATION_MAX_S ahead
 * ROTA_ERR_BUSY         paused, or not this device's turn yet */
ROTA_MUST_USE enum rota_err rota_key_campaign_judge(const struct rota_crypto *crypto,
	const struct rota_key_campaign *c, const struct rota_key_facts *f);

/* ---- its tree ---- */

/* A tree that is looked for in the role's file, as it is read again under its trusted digest. */
struct rota_keyroot {
	uint8_t campaign_id[ROTA_SHA256_LEN], root[ROTA_SHA256_LEN];
	uint32_t size;
	uint16_t tree;
	bool here; /* private: the campaign at hand is the one */
	/* complete after the end of the file: */
	bool listed;
	struct rota_key_campaign campaign; /* where listed: the terms to open the bundle under */
};

/* Where rota_keys_begin() sends what it reads; `r` is in use until the end, with its first four filled in. */
struct rota_keys_sink rota_keyroot_sink(struct rota_keyroot *r);

/* ---- the bundle ---- */

#define ROTA_KEY_AGREES_MAX 2 /* in force, and its successor */
#define ROTA_KEY_PSKS_MAX 2 /* of the newest proved generation, and the factory's (SPEC 31.5) */

/* What the device holds. */
struct rota_key_opener {
	struct rota_hpke hpke;
	struct rota_span spki; /* IDevID SubjectPublicKeyInfo, DER */
	uint8_t agree_count;
	struct rota_agreement agree[ROTA_KEY_AGREES_MAX];
	uint8_t psk_count; /* 0: base mode is taken */
	struct rota_hpke_psk psk[ROTA_KEY_PSKS_MAX]; /* ids by rota_psk_id() */
};

/* Open it. *which: the agree key that it was for.
 * ROTA_ERR_FORMAT, ROTA_ERR_UNSUPPORTED: no bundle. ROTA_ERR_HARDWARE: another device's, or another campaign's.
 * ROTA_ERR_NOT_FOUND: for an agree key or under a psk that is not here. ROTA_ERR_DENIED: base mode, though there is a psk.
 * ROTA_ERR_SIGNATURE: does not open under these terms. Else the agreement's. `secret` is zeros then. */
ROTA_MUST_USE enum rota_err rota_keybundle_open(const struct rota_key_opener *o,
	const struct rota_keybundle_terms *t, const uint8_t bundle[static ROTA_KEYBUNDLE_LEN],
	uint8_t secret[static ROTA_KEYBUNDLE_SEALED_LEN], uint8_t *which);

#endif
