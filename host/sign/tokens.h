/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/tokens.h -- the tokens of an authority directory, opened when they are first needed.
 *
 * Who opens is given by the program (it chooses the port); here is only who is asked, and that what a token
 * signed is checked against its public key before it is used. A threshold is met by the first seats that
 * answer: with two of three people present, the third's absence is no error.
 */
#ifndef HOST_SIGN_TOKENS_H
#define HOST_SIGN_TOKENS_H

#include "host/port/signer.h"
#include "host/sign/authdir.h"

struct rota_opener {
	void *ctx;
	enum rota_err (*open)(void *ctx, const struct rota_token *token, struct rota_signer *out,
		struct rota_fail *why);
};

struct rota_tokens {
	const struct rota_authdir *dir;
	struct rota_opener opener;
	struct rota_signer signers[ROTA_TOKENS_MAX];
	enum rota_err
		state[ROTA_TOKENS_MAX]; /* ROTA_OK open, ROTA_ERR_STATE not tried, else why not */
	/* Whether this key may sign still (host/keys/guard.h); NULL: nobody is asked. */
	void *guard_ctx;
	enum rota_err (*guard)(void *ctx, const struct rota_seat *seat,
		const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why);
};

/* One signature of a seat. */
struct rota_seat_sig {
	uint8_t key[ROTA_P256_KEY_LEN];
	uint8_t sig[ROTA_P256_SIG_LEN];
};

void rota_tokens_init(
	struct rota_tokens *t, const struct rota_authdir *dir, struct rota_opener opener);
void rota_tokens_close(struct rota_tokens *t);

ROTA_MUST_USE enum rota_err rota_tokens_public(struct rota_tokens *t, const struct rota_seat *seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why);

/* The same of a key that may sign now. ROTA_ERR_STATE: its life is over. */
ROTA_MUST_USE enum rota_err rota_tokens_ready(struct rota_tokens *t, const struct rota_seat *seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why);

/* Sign, and verify with the seat's public key. ROTA_ERR_STATE: the key's life is over. */
ROTA_MUST_USE enum rota_err rota_tokens_sign(struct rota_tokens *t, const struct rota_seat *seat,
	const uint8_t digest[static ROTA_SHA256_LEN], struct rota_seat_sig *out,
	struct rota_fail *why);

/* Exactly party->threshold signatures into `out`. ROTA_ERR_THRESHOLD: too few seats answer; the sentence
 * names the last that did not. */
ROTA_MUST_USE enum rota_err rota_tokens_sign_party(struct rota_tokens *t,
	const struct rota_party *party, const uint8_t digest[static ROTA_SHA256_LEN],
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], struct rota_fail *why);

#endif
