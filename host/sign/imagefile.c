/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/imagefile.h"

struct reading {
	struct rota_image image;
	enum rota_err err; /* of the image, not of the file */
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct reading *r = ctx;

	r->err = rota_image_update(&r->image, piece);
	return r->err;
}

enum rota_err rota_imagefile_read(const char *path, const struct rota_crypto *crypto,
	const struct rota_progress *progress, struct rota_image_info *out, struct rota_fail *why)
{
	struct reading r = { .err = ROTA_OK };
	enum rota_err err;

	rota_image_begin(&r.image, crypto);
	err = rota_feed_file(path, progress, &r, take, why);
	if (err == ROTA_OK)
		err = r.err = rota_image_finish(&r.image);
	*out = r.image.info;
	if (r.err == ROTA_OK)
		return err;
	return rota_fail(why, r.err, "%s is no image of SPEC 6: %s (SPEC 6.%u)", path,
		rota_err_str(r.err), r.image.clause);
}
