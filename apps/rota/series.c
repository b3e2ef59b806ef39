/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/series.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/notary/officers.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <string.h>

/* A slot's keys lie in a token of their own, whose PINs a keeper has. */
static enum rota_err mark_kept(struct session *s, const json_t *root)
{
	struct rota_timeline one = { 0 };

	if (!s->dir.keeper || !json_object_get(root, "x-rota-slot-end") || rota_root_lands(root))
		return ROTA_OK;
	ROTA_TRY(rota_timeline_add(&one, root, &s->why));
	return rota_ahead_keep(
		&s->dir, one.at[0].version, one.at[0].from_s, one.at[0].end_s, &s->why);
}

enum rota_err series_put(struct session *s, json_t **before, const json_t *envelopes)
{
	ROTA_TRY(rota_ahead_begin(&s->dir, rota_chain_version(*before) + 1, &s->why));
	for (size_t i = 0; i < json_array_size(envelopes); i++) {
		const json_t *envelope = json_array_get(envelopes, i);
		struct rota_bytes file;
		enum rota_err err;

		ROTA_TRY(mark_kept(s, json_object_get(envelope, "signed")));
		ROTA_TRY(rota_json_encode(envelope, ROTA_JSON_FILE, &file, &s->why));
		err = rota_ahead_put(&s->dir, before, rota_bytes_span(&file), &s->why);
		rota_bytes_free(&file);
		ROTA_TRY(err);
	}
	return rota_ahead_end(&s->dir, &s->why);
}

static enum rota_err sign_one(struct session *s, const json_t *root, json_t *envelopes)
{
	const struct rota_notary_file what = {
		.party = rota_authdir_party(&s->dir, "root"), .role = "root", .content = root
	};
	struct rota_bytes file;
	enum rota_err err;
	json_t *envelope;

	ROTA_TRY(rota_envelope_sign(&s->notary, &what, &file, &s->why));
	err = rota_json_parse_strict(rota_bytes_span(&file), &envelope, &s->why);
	rota_bytes_free(&file);
	if (err == ROTA_OK)
		json_array_append_new(envelopes, envelope);
	return err;
}

enum rota_err series_sign(struct session *s, json_t **before, const json_t *roots)
{
	json_t *envelopes = json_array();
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; err == ROTA_OK && i < json_array_size(roots); i++)
		err = sign_one(s, json_array_get(roots, i), envelopes);
	if (err == ROTA_OK)
		err = series_put(s, before, envelopes);
	json_decref(envelopes);
	return err;
}

enum rota_err series_read_emergency(struct session *s, const char *path, struct rota_emergency *e,
	struct rota_bytes *file, uint8_t digest[static ROTA_DIGEST_LEN])
{
	struct rota_span text;
	enum rota_err err;

	ROTA_TRY(rota_file_read(path,
		ROTA_EMERGENCY_MAX + ROTA_OFFICERS_LINES_MAX * ROTA_APPROVAL_MAX, file, &s->why));
	text = rota_span(file->p, strcspn((const char *)file->p, "\n"));
	err = rota_emergency_read(text, e, &s->why);
	if (err == ROTA_OK && strcmp(e->product, s->dir.product) != 0)
		err = rota_fail(&s->why, ROTA_ERR_PRODUCT, "of product %s", e->product);
	if (err != ROTA_OK) {
		rota_bytes_free(file);
		return rota_fail_in(&s->why, "%s", path);
	}
	rota_digest_of(text, digest);
	return ROTA_OK;
}

enum rota_err series_record(struct session *s, json_t *what)
{
	struct rota_notary_event event = { .role = "root" };
	json_t *whole = json_pack("{s:s,s:o}", "kind", "series", "what", what);
	uint64_t entry;
	enum rota_err err;

	event.event = whole;
	err = s->notary.record(s->notary.ctx, &event, &entry, &s->why);
	json_decref(whole);
	return err;
}

void series_print_text(const char *text)
{
	json_t *value = json_string(text);

	json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	json_decref(value);
}
