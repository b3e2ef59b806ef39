/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/imagefile.h -- what an image file says of itself, read through the device's own parser. */
#ifndef HOST_SIGN_IMAGEFILE_H
#define HOST_SIGN_IMAGEFILE_H

#include "host/base/digest.h"
#include "rota/codec/image.h"

/* Streams the file. The error names path and clause of SPEC 6. Signatures are not verified here: whose keys
 * count is for the caller to say. */
ROTA_MUST_USE enum rota_err rota_imagefile_read(const char *path, const struct rota_crypto *crypto,
	const struct rota_progress *progress, struct rota_image_info *out, struct rota_fail *why);

#endif
