/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/ready.h -- the last word of a device that is made, and whether it is to be believed (SPEC 28.6, READY).
 *
 * It covers all that was said on the way, so that whoever carries the talk and changed anything of it, in either direction,
 * is found out: the two sides then have signed and read different words. A device with a TPM also quotes PCRs, for
 * this very talk: what it measured is not its own word alone, and the Name of its quote key is known from then on.
 */
#ifndef HOST_FACTORY_READY_H
#define HOST_FACTORY_READY_H

#include "host/base/fail.h"
#include "host/factory/message.h"
#include "host/identity/quote.h"

struct rota_ready_want {
	const struct rota_crypto *crypto;
	const uint8_t *identity; /* point */
	const uint8_t *said; /* rota_talk_said() before READY was heard */
	uint32_t pcrs; /* that it was asked to quote; 0: its root of trust does not quote */
	const uint8_t *pcrs_sha256; /* what they have to show; NULL: it is not known */
};

/* Of READY that is a message of that kind. *quote: all zeros where there is none to be.
 * ROTA_ERR_SIGNATURE: the identity did not sign these words; the quote is another's. ROTA_ERR_FORMAT: there is no quote, or one
 * of something else; or there is one where none was wanted. ROTA_ERR_HASH: the PCRs show something else, or the quote
 * is of another talk. */
ROTA_MUST_USE enum rota_err rota_ready_judge(const struct rota_ready_want *want,
	const struct rota_factory_message *m, struct rota_quote *quote, struct rota_fail *why);

#endif
