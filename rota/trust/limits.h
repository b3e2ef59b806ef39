/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/limits.h -- how much of a repository a device can hold.
 *
 * One struct for the whole session, which all its parts look into: nothing is sized for a repository, the caller
 * says what there is room for (rota/update/session.h).
 */
#ifndef ROTA_TRUST_LIMITS_H
#define ROTA_TRUST_LIMITS_H

#include "rota/base/num.h"
#include "rota/codec/key.h"
#include "rota/codec/tuf.h"

struct rota_sigs_streams;

/* Longest role name: it still fits a file name if no more than half of it is percent-encoded. */
#define ROTA_ROLE_NAME_MAX 128

/* Bytes for so many delegations of so many keys and a name of so many bytes; of others for more or fewer. Each takes its
 * threshold, three small numbers, and what its keys and name need, in whole rota_nums. */
#define ROTA_PENDING_LEN(count, keys, name_len)                                                    \
	(((count) * ((2 * sizeof(rota_num) + 5 + 2 * (keys) + (name_len)) / sizeof(rota_num)) +    \
		 4) *                                                                              \
		sizeof(rota_num))

/* SPEC 4.8 */
#define ROTA_ROOT_MAX_LEN 65536u
#define ROTA_TIMESTAMP_MAX_LEN 16384u
#define ROTA_META_MAX_LEN 16777216u
#define ROTA_HINT_MAX_LEN 4096u
#define ROTA_ROOT_UPDATES_MAX 256u

/* These, for an initializer of struct rota_limits. */
#define ROTA_LIMITS_USUAL                                                                          \
	.roots = ROTA_ROOT_UPDATES_MAX,                                                            \
	.max_len = { ROTA_ROOT_MAX_LEN, ROTA_TIMESTAMP_MAX_LEN, ROTA_META_MAX_LEN,                 \
		ROTA_META_MAX_LEN, ROTA_HINT_MAX_LEN }

/* What a device can hold. Too little room is ROTA_ERR_LIMIT with why.clause SPEC 4.8. */
struct rota_limits {
	const struct rota_scheme *const *schemes; /* of keys that are known, NULL at the end */
	uint16_t
		keys; /* in one file and of the roles that are yet to be read: root's, or a delegator's, the keys
			  that sign it, and those of pending delegations */
	uint16_t key_len; /* bytes of a raw key */
	uint16_t sigs; /* by known keys in one file */
	uint16_t sig_len; /* bytes of a raw signature */
	uint16_t pending_len; /* ROTA_PENDING_LEN(): for delegations found and not yet visited */
	uint16_t visited; /* roles in one search */
	uint16_t names_len; /* bytes: longest target path or role name, and 64 above and below it */
	uint16_t text_len; /* bytes: longest string of interest (rota_tuf_init) */
	const struct rota_sigs_streams
		*streams; /* of schemes that need a context for each signature; or NULL */
	uint32_t listed; /* files in the trusted snapshot, but for the device profile (TUF 5.5.5) */
	uint32_t roots; /* root updates in one session */
	uint32_t max_len[ROTA_TUF_NONE +
		1]; /* by enum rota_tuf_type: longest file, where no shorter length is listed; NONE: the hint (SPEC 4.6) */
	uint16_t hold_len; /* bytes: longest public key as text, and twice ROTA_TUF_KEYTYPE_MAX */
	uint8_t components; /* of one release that are this device's (rota/update/update.h) */
};

#endif
