/* SPDX-License-Identifier: Apache-2.0 */
/* host/sim/memo.h -- a crypto port that remembers how a signature turned out.
 *
 * A device that is cut at every operation verifies the same few signatures hundreds of thousands of times, and
 * four fifths of its time would go there. What is remembered is the outcome for one key, signature and message
 * digest, under the SHA-256 of all three, and nothing else: every byte is still hashed, and what is on flash
 * never stands for a verdict. `off` verifies anew each time.
 */
#ifndef HOST_SIM_MEMO_H
#define HOST_SIM_MEMO_H

#include "rota/port/crypto.h"

#define SIM_MEMO_PLACES 4096 /* a power of two; signatures of all scenarios are some hundred */

struct sim_memo {
	struct rota_crypto port; /* give this to the code under test; P-256 only */
	const struct rota_crypto *real;
	bool off;
	uint64_t asked, verified;
	struct sim_memo_place {
		uint8_t name[ROTA_SHA256_LEN];
		uint8_t outcome; /* enum rota_err */
		bool used;
	} place[SIM_MEMO_PLACES];
};

/* `memo` is large, and stays where it is. */
void sim_memo_init(struct sim_memo *memo, const struct rota_crypto *real);

#endif
