/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/stream.h -- how the port tells running verifications apart. */
#ifndef PORTS_CRYPTO_OPENSSL_STREAM_H
#define PORTS_CRYPTO_OPENSSL_STREAM_H

#include "rota/port/crypto.h"

/* The first member of whatever a streamed scheme keeps in struct rota_verify. */
struct crypto_openssl_stream {
	enum rota_alg alg;
};

#endif
