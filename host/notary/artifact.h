/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/artifact.h -- what a build server brought, as the daemon itself hashed and read it (SPEC 18.2, 19.3).
 *
 * An image comes as it is before anybody signs it: the very bytes that its digest covers (SPEC 6.2), header, payload and
 * protected TLVs, and nothing behind them; or signed. Anything else is a payload that is no image.
 */
#ifndef HOST_NOTARY_ARTIFACT_H
#define HOST_NOTARY_ARTIFACT_H

#include "host/base/json.h"
#include "rota/codec/image.h"

struct rota_artifact {
	uint8_t sha256[ROTA_SHA256_LEN]; /* of the file */
	uint64_t length;
	bool image; /* the rest is of an image */
	uint8_t digest[ROTA_SHA256_LEN]; /* SPEC 6.2 */
	uint32_t counter;
	uint64_t version;
	struct rota_name product;
	struct rota_name hardware[ROTA_IMAGE_HARDWARE_MAX];
	uint8_t hardware_count;
};

/* The file's bytes as they come, in pieces of any size; then what they are. The reader is freed by who began. */
struct rota_artifact_reader;
struct rota_artifact_reader *rota_artifact_begin(const struct rota_crypto *crypto);
void rota_artifact_add(struct rota_artifact_reader *r, struct rota_span piece);
void rota_artifact_end(struct rota_artifact_reader *r, struct rota_artifact *out);
void rota_artifact_free(struct rota_artifact_reader *r);

/* For the log's private record, and back; false: it is none. */
json_t *rota_artifact_json(const struct rota_artifact *a);
bool rota_artifact_of_json(const json_t *value, struct rota_artifact *out);

#endif
