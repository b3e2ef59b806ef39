/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/ledger.h"
#include "host/base/digest.h"
#include "host/repo/pending.h"
#include "host/repo/store.h"

#include <stdio.h>
#include <string.h>

/* Would a device read it? */
static enum rota_err rehearse(
	const struct rota_ledger *l, struct rota_span text, struct rota_fail *why)
{
	enum rota_err err = l->kind->read(text);

	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "a device would refuse this %s: %s", l->path, rota_err_str(err));
}

/* The text that the role lists. */
static enum rota_err take(struct rota_ledger *l, const struct rota_store_target *target,
	struct rota_span text, struct rota_fail *why)
{
	uint8_t is[ROTA_DIGEST_LEN];

	rota_digest_of(text, is);
	if (memcmp(is, target->sha256, sizeof(is)) != 0)
		return rota_fail(
			why, ROTA_ERR_HASH, "is not what the role %s lists", l->kind->role);
	ROTA_TRY(rehearse(l, text, why));
	return rota_json_parse_strict(text, &l->file, why);
}

static enum rota_err read_listed(const struct rota_authdir *dir, struct rota_ledger *l,
	const struct rota_store_target *target, struct rota_fail *why)
{
	char file[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	rota_store_target_path(dir, l->path, target->sha256, file);
	ROTA_TRY(rota_file_read(file, l->kind->most, &text, why));
	err = take(l, target, rota_bytes_span(&text), why);
	rota_bytes_free(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", file);
}

static enum rota_err load(const struct rota_authdir *dir, struct rota_ledger *l,
	const char *product, struct rota_fail *why)
{
	struct rota_store_target target;
	const json_t *entry;

	ROTA_TRY(rota_listing_get(&l->listing, l->path, &entry, why));
	if (entry && rota_store_target_read(entry, &target))
		return read_listed(dir, l, &target, why);
	l->file = l->kind->make(product);
	json_object_set_new(l->file, "sequence", json_integer(0));
	return ROTA_OK;
}

enum rota_err rota_ledger_open(const struct rota_authdir *dir, const struct rota_ledger_kind *kind,
	const char *product, struct rota_ledger *out, struct rota_fail *why)
{
	enum rota_err err;

	*out = (struct rota_ledger){ .kind = kind };
	snprintf(out->path, sizeof(out->path), "%s/%s.json",
		kind->folder ? kind->folder : kind->role, product);
	ROTA_TRY(rota_listing_open(dir, kind->role, &out->listing, why));
	err = load(dir, out, product, why);
	if (err != ROTA_OK)
		rota_ledger_close(out);
	return err;
}

void rota_ledger_close(struct rota_ledger *l)
{
	json_decref(l->file);
	l->file = NULL;
	rota_listing_close(&l->listing);
}

static enum rota_err put(struct rota_ledger *l, struct rota_desk *desk,
	struct rota_store_target *target, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(l->file, ROTA_JSON_FILE, &text, why));
	err = rehearse(l, rota_bytes_span(&text), why);
	if (err == ROTA_OK)
		err = rota_store_put_target(
			desk->dir, l->path, rota_bytes_span(&text), target, why);
	rota_bytes_free(&text);
	return err;
}

static enum rota_err wait_for_signers(const struct rota_ledger *l, struct rota_desk *desk,
	const struct rota_store_target *target, struct rota_fail *why)
{
	json_t *added = json_object();
	enum rota_err err;

	json_object_set_new(added, l->path, rota_store_target_object(target));
	err = rota_pending_add(desk->dir, l->kind->role, added, why);
	json_decref(added);
	return err;
}

enum rota_err rota_ledger_sign(struct rota_ledger *l, struct rota_desk *desk, bool unsigned_,
	struct rota_ledger_done *out, struct rota_fail *why)
{
	struct rota_store_target target;

	out->role_version = 0;
	out->sequence = (uint64_t)json_integer_value(json_object_get(l->file, "sequence")) + 1;
	json_object_set_new(l->file, "sequence", json_integer((json_int_t)out->sequence));
	ROTA_TRY(put(l, desk, &target, why));
	if (unsigned_)
		return wait_for_signers(l, desk, &target, why);
	ROTA_TRY(rota_listing_set(&l->listing, l->path, rota_store_target_object(&target), why));
	return rota_listing_sign(&l->listing, desk, &out->role_version, why);
}
