/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/rot_child.h -- the process that holds the token of a root of trust, and what it may be asked.
 *
 * An order is what to do (u8), which key (u8), and what it is done with; an answer an error with its sentence, and
 * behind ROTA_OK the bytes that came of it.
 */
#ifndef PORTS_PKCS11_ROT_CHILD_H
#define PORTS_PKCS11_ROT_CHILD_H

#include "ports/pkcs11/holder.h"
#include "rota/port/rot.h"

enum rot_deed {
	ROT_CAN, /* -> can_agree (u8), can_wrap (u8) */
	ROT_MAKE, /* -> point */
	ROT_POINT, /* -> point */
	ROT_DESTROY,
	ROT_SIGN, /* digest -> r || s */
	ROT_AGREE, /* peer -> dh */
	ROT_WRAP_MAKE,
	ROT_WRAP_HAS, /* -> u8 */
	ROT_WRAP_DESTROY,
	ROT_WRAP, /* nonce (12), length of aad (u16), aad, secret -> ciphertext and tag */
	ROT_UNWRAP, /* nonce, length of aad, aad, ciphertext and tag -> secret */
	ROT_RANDOM, /* count (u8) -> so many bytes */
	ROT_DEEDS
};

#define ROT_AAD_MAX 256
#define ROT_ORDER_MAX (2 + 12 + 2 + ROT_AAD_MAX + 48)
#define ROT_ANSWER_MAX 255

struct rot_plan {
	const struct rota_pkcs11_token *token;
};

/* For holder_open(). */
void rot_child_run(const struct holder_fds *fds, const void *plan);

#endif
