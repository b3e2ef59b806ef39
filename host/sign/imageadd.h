/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/imageadd.h -- one signature more for an image that there is: promotion (SPEC 26.7).
 *
 * Header, payload and protected TLVs stay as they are, byte for byte, and so does the image digest; what follows is
 * written anew, with the pairs that were there and one more. The digest that is signed is that of the very bytes that
 * are written.
 */
#ifndef HOST_SIGN_IMAGEADD_H
#define HOST_SIGN_IMAGEADD_H

#include "host/base/digest.h"
#include "host/sign/notary.h"

struct rota_image_add {
	const char *from, *out; /* paths; out is replaced as a whole */
	const struct rota_party *party; /* who signs */
	size_t seat;
	uint8_t digest[ROTA_DIGEST_LEN]; /* what the image must be */
};

/* ROTA_ERR_HASH: the image is another one, or changed while it was read. ROTA_ERR_LIMIT: it has two pairs already.
 * ROTA_ERR_STATE: this key's is there. Else as rota_imagefile_read(). */
ROTA_MUST_USE enum rota_err rota_image_add(const struct rota_image_add *plan,
	const struct rota_crypto *crypto, const struct rota_notary *notary, struct rota_fail *why);

#endif
