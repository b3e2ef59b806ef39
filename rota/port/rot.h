/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/rot.h -- the root of trust: private keys and wrap keys that older flash cannot bring back (SPEC 28.2).
 *
 * It is a TPM, a secure element, or, for simulation, a page of flash. Keys are made inside and stay there: no function
 * gives a private key or a wrap key out. The identity signs for life and never agrees; an LDevID signs; an agree key is
 * for ECDH alone; a wrap key seals 32 bytes to this device, so that they may lie on its flash.
 *
 * Every make and destroy is durable on return and may be repeated; after a cut it is done or not done, never between.
 * A backend opens its hardware for one call and leaves nothing loaded; who shares the hardware holds a lock of its own
 * around each call.
 *
 * Of all functions, beside what stands there: ROTA_ERR_IO: not now. ROTA_ERR_CORRUPT: what is there is of another kind.
 * ROTA_ERR_DENIED: it does not let us, or it is not the root of trust that the ROM record names. ROTA_ERR_FULL: it has
 * no room. ROTA_ERR_ARGUMENT: no such key, or not a key for this.
 */
#ifndef ROTA_PORT_ROT_H
#define ROTA_PORT_ROT_H

#include "rota/port/counter.h"
#include "rota/port/crypto.h"
#include "rota/port/p256.h"
#include "rota/port/random.h"

/* Numbers stand in stored formats (SPEC 28.5, 34.1). */
enum rota_rot_key {
	ROTA_ROT_IDENTITY,
	ROTA_ROT_LDEVID_0,
	ROTA_ROT_LDEVID_1,
	ROTA_ROT_AGREE_0,
	ROTA_ROT_AGREE_1,
	ROTA_ROT_KEYS
};

enum rota_rot_wrap {
	ROTA_ROT_WRAP_0,
	ROTA_ROT_WRAP_1,
	ROTA_ROT_SEED, /* for life: the factory secret's */
	ROTA_ROT_WRAPS
};

/* Kinds as the ROM record names them (SPEC 28.4); 0: the device has none. */
enum rota_rot_kind { ROTA_ROT_NONE, ROTA_ROT_TPM, ROTA_ROT_PKCS11, ROTA_ROT_SOFT };

#define ROTA_WRAPPED_LEN 61 /* SPEC 28.5 */
#define ROTA_ROT_SECRET_LEN 32 /* what a wrap key seals */

/* What it can: bits of `caps`. */
enum {
	ROTA_ROT_HARDWARE = 1, /* no software, however it got in, reads its keys */
	ROTA_ROT_DESTROYS = 2, /* a key that was destroyed is gone, whatever storage is put back */
	ROTA_ROT_QUOTES = 4,
};

/* Longest answer of quote(). */
#define ROTA_QUOTE_MAX 768

struct rota_rot {
	void *ctx;
	uint8_t caps;
	const char *name; /* "tpm2", "pkcs11", "soft" */

	/* ROTA_ERR_STATE: there is one. */
	enum rota_err (*key_make)(
		void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN]);
	/* ROTA_ERR_NOT_FOUND: there is none. */
	enum rota_err (*key_point)(
		void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN]);
	/* ROTA_OK too where there is none. ROTA_ERR_ARGUMENT: the identity, which is for life. */
	enum rota_err (*key_destroy)(void *ctx, enum rota_rot_key key);
	/* With the identity or an LDevID. ROTA_ERR_NOT_FOUND: there is none. ROTA_ERR_ARGUMENT: a key that agrees. */
	enum rota_err (*sign)(void *ctx, enum rota_rot_key key,
		const uint8_t digest[static ROTA_SHA256_LEN],
		uint8_t sig[static ROTA_P256_SIG_LEN]);
	/* With an agree key; ctx and dh as struct rota_agreement wants them. ROTA_ERR_NOT_FOUND: there is none.
	 * ROTA_ERR_FORMAT: `peer` is no point of the curve. ROTA_ERR_ARGUMENT: a key that signs. */
	enum rota_err (*agree)(void *ctx, enum rota_rot_key key,
		const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN]);

	/* ROTA_ERR_STATE: there is one. */
	enum rota_err (*wrap_make)(void *ctx, enum rota_rot_wrap place);
	enum rota_err (*wrap_has)(void *ctx, enum rota_rot_wrap place, bool *has);
	/* ROTA_OK too where there is none. What it had wrapped opens nowhere from then on. */
	enum rota_err (*wrap_destroy)(void *ctx, enum rota_rot_wrap place);
	/* ROTA_ERR_NOT_FOUND: there is no such key. */
	enum rota_err (*wrap)(void *ctx, enum rota_rot_wrap place, struct rota_span aad,
		const uint8_t secret[static ROTA_ROT_SECRET_LEN],
		uint8_t out[static ROTA_WRAPPED_LEN]);
	/* The place is the first byte of `in`. ROTA_ERR_SIGNATURE: forged, or for another aad; `secret` is zeros then.
	 * ROTA_ERR_NOT_FOUND: that wrap key is gone. ROTA_ERR_FORMAT: there is no such place. The caller wipes. */
	enum rota_err (*unwrap)(void *ctx, struct rota_span aad,
		const uint8_t in[static ROTA_WRAPPED_LEN],
		uint8_t secret[static ROTA_ROT_SECRET_LEN]);

	/* What these PCRs (bit n: PCR n) show, with `nonce`, signed by a key that the identity vouches for, as SPEC 28.3
	 * has it, into `room` (ROTA_QUOTE_MAX is enough). NULL without ROTA_ROT_QUOTES. */
	enum rota_err (*quote)(void *ctx, const uint8_t nonce[static 32], uint32_t pcrs,
		struct rota_buf room, struct rota_span *out);

	const struct rota_counter *counter; /* NULL: none */
	struct rota_random random; /* its own, mixed with the operating system's */
};

#endif
