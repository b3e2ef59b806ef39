/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle as a file on the way. Its reader proper (bundle.c) sees bytes only. */
#include "host/base/file.h"
#include "host/repo/bundle.h"

enum rota_err rota_bundle_load(const char *path, struct rota_bundle *out, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	*out = (struct rota_bundle){ 0 };
	ROTA_TRY(rota_file_read(path, ROTA_BUNDLE_MAX, &text, why));
	err = rota_bundle_parse(rota_bytes_span(&text), out, why);
	rota_bytes_free(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", path);
}

enum rota_err rota_bundle_save(const struct rota_bundle *b, const char *path, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(b->whole, ROTA_JSON_FILE, &text, why));
	if (text.len > ROTA_BUNDLE_MAX)
		err = rota_fail(why, ROTA_ERR_LIMIT,
			"the bundle would have more than %d bytes (SPEC 14.1); export fewer roles "
			"at a time",
			ROTA_BUNDLE_MAX);
	else
		err = rota_file_write(path, rota_bytes_span(&text), 0644, why);
	rota_bytes_free(&text);
	return err;
}
