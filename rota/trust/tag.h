/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/tag.h -- how a public file names a device without saying its id.
 */
#ifndef ROTA_TRUST_TAG_H
#define ROTA_TRUST_TAG_H

#include "rota/port/crypto.h"

#define ROTA_TAG_LEN 16

/* SPEC 8.5. label: at most 65,535 bytes, for a canary entry the release.json digest; spki: the device's
 * IDevID SubjectPublicKeyInfo, DER. */
void rota_tag(const struct rota_crypto *crypto, struct rota_span label, struct rota_span spki,
	uint8_t tag[static ROTA_TAG_LEN]);

#endif
