/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/burn.h"
#include "host/base/digest.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/p256.h"

#include <string.h>

static enum rota_err image_keys(struct rota_desk *desk, const char *channel,
	uint8_t points[2][ROTA_P256_KEY_LEN], size_t *count, struct rota_fail *why)
{
	const struct rota_party *image = rota_authdir_party(desk->dir, "image");
	const struct rota_party *ci = rota_authdir_party(desk->dir, "ci-image");
	const struct rota_notary *notary = desk->notary;

	*count = 0;
	if (strcmp(channel, "ci") == 0)
		ROTA_TRY(notary->key(notary->ctx, ci, 0, points[(*count)++], why));
	for (size_t i = 0; i < image->seat_count && *count < 2; i++)
		ROTA_TRY(notary->key(notary->ctx, image, i, points[(*count)++], why));
	return ROTA_OK;
}

enum rota_err rota_burn(struct rota_desk *desk, const struct rota_enrol_plan *plan,
	const struct rota_rom *rom, struct rota_buf room, struct rota_span *out,
	struct rota_fail *why)
{
	uint8_t points[2][ROTA_P256_KEY_LEN], hashes[2][ROTA_DIGEST_LEN];
	uint8_t spki[ROTA_P256_SPKI_LEN];
	struct rota_rom record = *rom;
	size_t count;
	enum rota_err err;

	ROTA_TRY(image_keys(desk, plan->channel, points, &count, why));
	record.product = rota_span_cstr(desk->dir->product);
	record.hardware = rota_span_cstr(plan->hardware);
	record.counter = plan->counter;
	record.watchdog = plan->watchdog;
	record.demand = plan->demand;
	record.key_count = 0;
	for (size_t i = 0; i < count; i++) {
		rota_p256_spki(points[i], spki);
		rota_digest_of(ROTA_SPAN(spki), hashes[i]);
		record.key[record.key_count++] = (struct rota_rom_key){ .alg = ROTA_ALG_ECDSA_P256,
			.hash = ROTA_SPAN(hashes[i]),
			.raw = ROTA_SPAN(points[i]) };
	}
	err = rota_rom_encode(&record, room, out);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "ROM record: %s", rota_err_str(err));
}

enum rota_err rota_burn_root(
	const struct rota_authdir *dir, struct rota_bytes *root, struct rota_fail *why)
{
	uint64_t version;
	json_t *content = NULL;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(dir, "root", false, &version, why));
	ROTA_TRY(rota_store_read(dir, "root", version, root, why));
	err = rota_trust_check(dir, "root", rota_bytes_span(root), &content, why);
	json_decref(content);
	if (err != ROTA_OK)
		rota_bytes_free(root);
	return err;
}
