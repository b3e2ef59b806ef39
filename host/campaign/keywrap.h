/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/keywrap.h -- a key of 32 bytes that lies about wrapped by an HSM (SPEC 37.1, 37.4, 37.5).
 *
 * Thousands of things are sealed under such a key in RAM, which the HSM wraps or unwraps once: the key of a campaign's
 * copies, of the psk books, of the registry's rows. Wrapped it has 60 bytes: nonce || ciphertext || tag. The AAD says
 * which key it is, so that none can be put in another's place.
 *
 * The caller wipes what it unwrapped.
 */
#ifndef HOST_CAMPAIGN_KEYWRAP_H
#define HOST_CAMPAIGN_KEYWRAP_H

#include "host/port/sealer.h"
#include "rota/port/random.h"

#define ROTA_KEYWRAP_KEY_LEN 32
#define ROTA_KEYWRAP_FORM_LEN (ROTA_SEALER_NONCE_LEN + ROTA_KEYWRAP_KEY_LEN + ROTA_SEALER_TAG_LEN)

/* AADs of the keys that have a file of their own. */
#define ROTA_KEYWRAP_BOOK ROTA_STR("rota-bookkey-v1")
#define ROTA_KEYWRAP_REGISTRY ROTA_STR("rota-registry-v1")

/* ROTA_ERR_FORMAT: the HSM gives another length. Else its own errors. */
ROTA_MUST_USE enum rota_err rota_keywrap_seal(const struct rota_sealer *hsm, struct rota_span aad,
	const uint8_t key[static ROTA_KEYWRAP_KEY_LEN], uint8_t form[static ROTA_KEYWRAP_FORM_LEN],
	struct rota_fail *why);
/* ROTA_ERR_CORRUPT: not wrapped by this HSM, or another key than `aad` says. */
ROTA_MUST_USE enum rota_err rota_keywrap_open(const struct rota_sealer *hsm, struct rota_span aad,
	const uint8_t form[static ROTA_KEYWRAP_FORM_LEN], uint8_t key[static ROTA_KEYWRAP_KEY_LEN],
	struct rota_fail *why);

/* A new key, drawn, as a file of mode 0600. ROTA_ERR_STATE: there is one; without it all that it seals is lost. */
ROTA_MUST_USE enum rota_err rota_keywrap_make(const char *path, const struct rota_sealer *hsm,
	struct rota_span aad, const struct rota_random *random, struct rota_fail *why);
/* ROTA_ERR_NOT_FOUND; ROTA_ERR_FORMAT: another length. */
ROTA_MUST_USE enum rota_err rota_keywrap_load(const char *path, const struct rota_sealer *hsm,
	struct rota_span aad, uint8_t key[static ROTA_KEYWRAP_KEY_LEN], struct rota_fail *why);

#endif
