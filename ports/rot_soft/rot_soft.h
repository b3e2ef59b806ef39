/* SPDX-License-Identifier: Apache-2.0 */
/* ports/rot_soft/rot_soft.h -- rota/port/rot.h in two sectors of flash, for simulation and for devices that have nothing
 * better.
 *
 * Its keys lie in the clear in page.h's sectors, so whoever reads the flash has them, and whoever puts older flash back
 * has those again that were destroyed: `caps` is 0, and who uses it says so aloud (SPEC 28.4). What it keeps is the rest
 * of the interface: a destroyed key is erased before the call returns, and a cut leaves each change done or not done.
 */
#ifndef PORTS_ROT_SOFT_ROT_SOFT_H
#define PORTS_ROT_SOFT_ROT_SOFT_H

#include "rota/crypto/wrapped.h"
#include "rota/port/flash.h"
#include "rota/port/p256.h"
#include "rota/port/rot.h"

struct rota_rot_soft {
	struct rota_rot port; /* its ctx is this struct: do not move it while it is in use */
	const struct rota_flash *page;
	const struct rota_p256 *p256;
	struct rota_wrapper wrapper;
};

/* What a rota_rot_soft works with; all outlive it. */
struct rota_rot_soft_parts {
	const struct rota_flash *page; /* two sectors of ROTA_SOFT_PAGE_LEN or more, its own */
	const struct rota_p256 *p256;
	const struct rota_aead *aead;
	const struct rota_random *random;
};

/* Nothing is read yet. */
void rota_rot_soft_init(struct rota_rot_soft *s, const struct rota_rot_soft_parts *parts);

#endif
