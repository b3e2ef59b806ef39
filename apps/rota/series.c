/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/series.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/sign/envelope.h"

#include <string.h>

enum rota_err series_sign(struct session *s, json_t **before, const json_t *roots)
{
	struct rota_notary_file what = { .party = rota_authdir_party(&s->dir, "root"),
		.role = "root" };

	ROTA_TRY(rota_ahead_begin(&s->dir, rota_chain_version(*before) + 1, &s->why));
	for (size_t i = 0; i < json_array_size(roots); i++) {
		struct rota_bytes file;
		enum rota_err err;

		what.content = json_array_get(roots, i);
		ROTA_TRY(rota_envelope_sign(&s->notary, &what, &file, &s->why));
		err = rota_ahead_put(&s->dir, before, rota_bytes_span(&file), &s->why);
		rota_bytes_free(&file);
		ROTA_TRY(err);
	}
	return rota_ahead_end(&s->dir, &s->why);
}
