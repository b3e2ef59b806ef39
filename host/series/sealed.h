/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/sealed.h -- a file that nobody can read before its hour: one of SPEC 23.3.
 *
 *     "ROTASLOT" || 2 || kind (u8) || version (u64) || from (u64) || until (u64) || nonce || ciphertext || tag
 *
 * What it is, of which root, from when and until when is authenticated with it: a file under another's name does not open.
 */
#ifndef HOST_SERIES_SEALED_H
#define HOST_SERIES_SEALED_H

#include "host/port/sealer.h"

#include <stdint.h>

#define ROTA_SEALED_MAX (ROTA_SEALER_MAX + 64)
/* Of a product (SPEC 1.2). */
#define ROTA_SEALED_SCOPE_MAX 32

enum rota_sealed_kind { ROTA_SEALED_ROOT = 1, ROTA_SEALED_PIN = 2 };

struct rota_sealed {
	enum rota_sealed_kind kind;
	uint64_t version; /* of the root */
	uint64_t from_s, until_s; /* its slot */
	const char *scope; /* product; not in the file */
};

ROTA_MUST_USE enum rota_err rota_sealed_make(const struct rota_sealer *sealer,
	const struct rota_sealed *what, struct rota_span plain, struct rota_bytes *file,
	struct rota_fail *why);

/* Of which slot it says it is, before anything of it is believed. ROTA_ERR_CORRUPT: not such a file of that kind and version. */
ROTA_MUST_USE enum rota_err rota_sealed_peek(
	struct rota_span file, struct rota_sealed *what, struct rota_fail *why);

/* ROTA_ERR_CORRUPT: it is not what `what` says. rota_bytes_wipe() what it was. */
ROTA_MUST_USE enum rota_err rota_sealed_open(const struct rota_sealer *sealer,
	const struct rota_sealed *what, struct rota_span file, struct rota_bytes *plain,
	struct rota_fail *why);

#endif
