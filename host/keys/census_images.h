/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/census_images.h -- whose image keys the program of a release is signed with, for the census (SPEC 25.8). */
#ifndef HOST_KEYS_CENSUS_IMAGES_H
#define HOST_KEYS_CENSUS_IMAGES_H

#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/sign/authdir.h"

/* Rows of trust/image-keys.json that are not for ci. */
#define ROTA_CENSUS_KEYS_MAX 32

struct rota_census_keys {
	char id[ROTA_CENSUS_KEYS_MAX][ROTA_DIGEST_HEX];
	uint8_t point[ROTA_CENSUS_KEYS_MAX][ROTA_P256_KEY_LEN];
	size_t count;
};

/* Those of channel production that the record names; none where it is not there. ROTA_ERR_LIMIT: more than fit. */
ROTA_MUST_USE enum rota_err rota_census_keys_load(
	const struct rota_authdir *dir, struct rota_census_keys *out, struct rota_fail *why);

/* The place of a key; false: it is none of them. */
bool rota_census_keys_find(const struct rota_census_keys *keys, const char *id, size_t *place);

/* Keys, a bit each, that alone sign an image of the release whose release.json has this digest (hex). ROTA_ERR_NOT_FOUND,
 * ROTA_ERR_HASH, ROTA_ERR_FORMAT: it is not here, or not as it was listed. */
ROTA_MUST_USE enum rota_err rota_census_alone(const struct rota_authdir *dir,
	const struct rota_crypto *crypto, const struct rota_census_keys *keys, const char *version,
	const char *digest, uint32_t *alone, struct rota_fail *why);

#endif
