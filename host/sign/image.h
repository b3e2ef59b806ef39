/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/image.h -- a payload to a signed MCUboot image (SPEC 6).
 *
 * The payload streams through once: its length is known beforehand, so header and running digest go along
 * with the copy, and only TLVs follow. No image is ever whole in memory.
 */
#ifndef HOST_SIGN_IMAGE_H
#define HOST_SIGN_IMAGE_H

#include "host/base/digest.h"
#include "host/sign/notary.h"

/* SPEC 6.3, 6.4 */
#define ROTA_IMAGE_SIGN_HARDWARE_MAX 8
#define ROTA_IMAGE_SIGN_KEYS_MAX 2

struct rota_image_plan {
	const char *payload; /* path */
	const char *out; /* path; replaced as a whole */
	const char *product;
	const char *hardware[ROTA_IMAGE_SIGN_HARDWARE_MAX];
	size_t hardware_count;
	uint64_t version; /* SPEC 1.3 */
	uint32_t counter;
	const struct rota_party *party; /* who signs */
	size_t seats[ROTA_IMAGE_SIGN_KEYS_MAX]; /* with which of its keys, in this order */
	size_t seat_count;
};

/* ROTA_ERR_LIMIT: payload empty or beyond the 32-bit size field. *digest is the image digest (SPEC 6.2). */
ROTA_MUST_USE enum rota_err rota_image_sign(const struct rota_image_plan *plan,
	const struct rota_notary *notary, const struct rota_progress *progress,
	uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why);

#endif
