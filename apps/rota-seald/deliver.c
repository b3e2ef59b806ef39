/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/verbs.h"
#include "host/base/feed.h"

#include <stdio.h>

/* Of whoever the folder's group is: rotad, and who publishes. */
#define MODE 0640

static enum rota_err write_piece(void *ctx, struct rota_span piece)
{
	struct rota_fail why;

	return rota_draft_write(ctx, piece, &why);
}

static enum rota_err copy(const char *from, const char *dir, const char *to, struct rota_fail *why)
{
	struct rota_draft draft;
	enum rota_err err;

	ROTA_TRY(rota_draft_open(&draft, dir, MODE, why));
	*why = (struct rota_fail){ 0 };
	err = rota_feed_file(from, NULL, &draft, write_piece, why);
	if (err != ROTA_OK && why->err == ROTA_OK)
		rota_fail(why, err, "cannot write to %s: %s", dir, rota_err_str(err));
	if (err == ROTA_OK)
		err = rota_draft_commit(&draft, to, why);
	rota_draft_drop(&draft);
	return err;
}

enum rota_err deliver(
	const struct config *c, const uint8_t id[static 32], unsigned tree, struct rota_fail *why)
{
	/* who finds .keys finds .confirm, and who finds .sealed both */
	static const char *const kinds[] = { "confirm", "keys", "sealed" };
	char from[ROTA_FILE_PATH_MAX], to[ROTA_FILE_PATH_MAX], done[ROTA_FILE_PATH_MAX], hex[65];

	config_campaign(c, id, tree, "delivered", done);
	if (rota_file_exists(done))
		return ROTA_OK;
	rota_draft_sweep(c->outbox);
	rota_hex(rota_span(id, 32), hex);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		config_campaign(c, id, tree, kinds[i], from);
		snprintf(to, sizeof(to), "%s/%s.%u.%s", c->outbox, hex, tree, kinds[i]);
		ROTA_TRY(copy(from, c->outbox, to, why));
	}
	return rota_file_write(done, ROTA_STR(""), 0600, why);
}
