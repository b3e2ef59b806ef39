/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/mem.h" /* before <string.h>, which a header of libcrypto brings */

#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/bar.h"
#include "host/base/digest.h"
#include "host/campaign/import.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What an officer approved, or who imports it says (SPEC 37.9): a folder that others write is no word for it. */
static enum rota_err which_export(const struct approved *approved, const struct arguments *a,
	uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	if (a->tree == 0) {
		memcpy(sha256, approved->request.export_sha256, ROTA_DIGEST_LEN);
		return ROTA_OK;
	}
	if (a->sha256 && rota_unhex(a->sha256, rota_buf(sha256, ROTA_DIGEST_LEN)))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT,
		"the export of a supplement needs --sha256, 64 hex digits: rota campaign late says "
		"it");
}

static enum rota_err take(const struct config *c, struct rota_import_plan *plan, uint32_t *rows,
	struct rota_fail *why)
{
	struct rota_bar bar = { 0 };
	enum rota_err err;

	rota_row_product(&rota_crypto_openssl, rota_span_cstr(c->product), plan->product);
	rota_bar_begin(&bar, stderr, "importing");
	plan->progress = &bar.port;
	err = rota_import(plan, rows, why);
	rota_bar_end(&bar);
	return err;
}

enum rota_err import_export(const struct config *c, const struct approved *approved,
	const struct arguments *a, const struct rota_hmac *registry, uint32_t *rows,
	struct rota_fail *why)
{
	char to[ROTA_FILE_PATH_MAX], done[ROTA_FILE_PATH_MAX], folder[ROTA_FILE_PATH_MAX];
	uint8_t sha256[ROTA_DIGEST_LEN];
	struct rota_import_plan plan = { .from = a->export_path,
		.to = to,
		.sha256 = sha256,
		.most = approved->request.most,
		.crypto = &rota_crypto_openssl,
		.registry = registry };

	ROTA_TRY(which_export(approved, a, sha256, why));
	config_campaigns(c, folder);
	config_campaign(c, approved->id, a->tree, "export", to);
	config_campaign(c, approved->id, a->tree, "sealed", done);
	if (rota_file_exists(done))
		return rota_fail(why, ROTA_ERR_STATE,
			"tree %u of this campaign is sealed; devices that come later get a tree of "
			"their own",
			a->tree);
	ROTA_TRY(rota_file_mkdirs(folder, 0700, why));
	return take(c, &plan, rows, why);
}

static enum rota_err import_with_key(const struct config *c, const struct approved *approved,
	const struct arguments *a, uint32_t *rows, struct rota_fail *why)
{
	struct rota_hmac registry;
	struct holders h = { 0 };
	enum rota_err err;

	ROTA_TRY(holders_lock_memory(c, why));
	err = holders_open(c, 0, &h, why);
	if (err == ROTA_OK)
		err = holders_registry(c, &h, &registry, why);
	if (err == ROTA_OK)
		err = import_export(c, approved, a, &registry, rows, why);
	holders_close(&h);
	rota_wipe(&registry, sizeof(registry));
	return err;
}

enum rota_err verb_import(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct approved approved;
	uint32_t rows;

	ROTA_TRY(approved_load(c, a->campaign, &approved, why));
	ROTA_TRY(import_with_key(c, &approved, a, &rows, why));
	if (a->json)
		printf("{\"campaign\":\"%s\",\"devices\":%" PRIu32 ",\"tree\":%u}\n", a->campaign,
			rows, a->tree);
	else
		printf("rota-seald: campaign %s, tree %u: an export of %" PRIu32 " devices\n",
			a->campaign, a->tree, rows);
	return ROTA_OK;
}
