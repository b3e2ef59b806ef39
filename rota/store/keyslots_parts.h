/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/keyslots_parts.h -- what the files of keyslots.h share; no one else's.
 *
 * All of these that can fail leave `k` as rota/store/keyslots.h says: RAM is what flash is.
 */
#ifndef ROTA_STORE_KEYSLOTS_PARTS_H
#define ROTA_STORE_KEYSLOTS_PARTS_H

#include "rota/store/keyslots.h"

/* The other one of two places. */
static inline uint8_t rota_key_other(uint8_t place)
{
	return place ^ 1;
}

static inline enum rota_rot_key rota_key_agree(uint8_t place)
{
	return place == 0 ? ROTA_ROT_AGREE_0 : ROTA_ROT_AGREE_1;
}

static inline enum rota_rot_wrap rota_key_wrap(uint8_t place)
{
	return place == 0 ? ROTA_ROT_WRAP_0 : ROTA_ROT_WRAP_1;
}

/* ROTA_ERR_STATE unless keys can be changed. */
ROTA_MUST_USE enum rota_err rota_keyslots_ready(const struct rota_keyslots *k);

/* `err` came of a change: read flash again. Gives `err`. */
enum rota_err rota_keyslots_failed(struct rota_keyslots *k, enum rota_err err);

/* Commit the key journal as it is in RAM; the same as a rise of the state counter; the archive. */
ROTA_MUST_USE enum rota_err rota_keyslots_commit(struct rota_keyslots *k);
ROTA_MUST_USE enum rota_err rota_keyslots_commit_rise(struct rota_keyslots *k);
ROTA_MUST_USE enum rota_err rota_keyslots_commit_archive(struct rota_keyslots *k);

/* SPEC 28.5, for this device. The factory secret is of purpose 0 and generation 0. */
ROTA_MUST_USE enum rota_err rota_keyslots_wrap(const struct rota_keyslots *k,
	enum rota_rot_wrap place, const struct rota_datakey *of,
	const uint8_t secret[static ROTA_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN]);
ROTA_MUST_USE enum rota_err rota_keyslots_unwrap(const struct rota_keyslots *k,
	const struct rota_datakey *of, const uint8_t in[static ROTA_WRAPPED_LEN],
	uint8_t secret[static ROTA_SECRET_LEN]);

/* Whether the root of trust opens it no more. */
ROTA_MUST_USE enum rota_err rota_keyslots_lost(const struct rota_keyslots *k, uint8_t purpose,
	uint32_t generation, const uint8_t wrapped[static ROTA_WRAPPED_LEN], bool *lost);

/* Wrap all of the archive, or all slots, under the wrap key of that place, in RAM; *moved: there was something to do. */
ROTA_MUST_USE enum rota_err rota_keyslots_move_archive(
	struct rota_keyslots *k, uint8_t to, bool *moved);
ROTA_MUST_USE enum rota_err rota_keyslots_move_slots(
	struct rota_keyslots *k, uint8_t to, bool *moved);

/* Destroy the agree key that the journal does not name, if there is one. */
ROTA_MUST_USE enum rota_err rota_keyslots_tidy_agree(struct rota_keyslots *k);

/* A fresh agree key in the place that is not in force, named in RAM. */
ROTA_MUST_USE enum rota_err rota_keyslots_make_next(struct rota_keyslots *k);

/* A slot's key into the archive, for its purpose's reading uses and these, in RAM. ROTA_ERR_FULL: there is no room. */
ROTA_MUST_USE enum rota_err rota_keyslots_archive(
	struct rota_keyslots *k, const struct rota_key_slot *slot, uint8_t uses);

/* Take one out of the archive, in RAM. */
void rota_keyslots_unarchive(struct rota_keyslots *k, uint8_t i);

#endif
