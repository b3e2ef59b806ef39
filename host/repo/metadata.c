/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/metadata.h"
#include "host/repo/bins.h"
#include "host/base/when.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/duty.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <string.h>

static bool has(const json_t *ids, const char *id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (strcmp(json_string_value(json_array_get(ids, i)), id) == 0)
			return true;
	return false;
}

enum rota_err rota_metadata_keys(struct rota_desk *desk, const struct rota_party *party,
	json_t *keys, json_t **ids, struct rota_fail *why)
{
	*ids = json_array();
	for (size_t i = 0; i < party->seat_count; i++) {
		uint8_t point[ROTA_P256_KEY_LEN];
		char id[ROTA_DIGEST_HEX];

		if (desk->notary->key(desk->notary->ctx, party, i, point, why) != ROTA_OK) {
			json_decref(*ids);
			*ids = NULL;
			return rota_fail_in(why, "keys of %s", party->name);
		}
		rota_p256_key_id(point, id);
		if (has(*ids, id)) {
			json_decref(*ids);
			*ids = NULL;
			return rota_fail(why, ROTA_ERR_FORMAT,
				"[role %s]: %s:%s is the same key as one before it; a threshold "
				"counts distinct keys (SPEC 4.2)",
				party->name, party->seats[i].token->name, party->seats[i].key);
		}
		json_object_set_new(keys, id, rota_p256_key_object(point));
		json_array_append_new(*ids, json_string(id));
	}
	return ROTA_OK;
}

enum rota_err rota_metadata_root(struct rota_desk *desk, json_t **content, struct rota_fail *why)
{
	json_t *keys = json_object(), *roles = json_object();

	*content =
		json_pack("{s:b,s:o,s:o}", "consistent_snapshot", 1, "keys", keys, "roles", roles);
	for (size_t i = 0; i < ROTA_DUTY_TOP_COUNT; i++) {
		const struct rota_party *party = rota_authdir_party(desk->dir, rota_duties[i].name);
		json_t *ids;

		if (rota_metadata_keys(desk, party, keys, &ids, why) != ROTA_OK) {
			json_decref(*content);
			*content = NULL;
			return why->err;
		}
		json_object_set_new(roles, party->name,
			json_pack("{s:o,s:i}", "keyids", ids, "threshold", (int)party->threshold));
	}
	return ROTA_OK;
}

enum rota_err rota_metadata_targets(struct rota_desk *desk, json_t **content, struct rota_fail *why)
{
	json_t *keys = json_object(), *roles = json_array();

	*content = json_pack(
		"{s:{s:o,s:o},s:{}}", "delegations", "keys", keys, "roles", roles, "targets");
	for (size_t i = ROTA_DUTY_TOP_COUNT; i < ROTA_DUTY_COUNT; i++) {
		const struct rota_party *party = rota_authdir_party(desk->dir, rota_duties[i].name);
		json_t *ids;

		if (rota_metadata_keys(desk, party, keys, &ids, why) != ROTA_OK) {
			json_decref(*content);
			*content = NULL;
			return why->err;
		}
		json_array_append_new(roles,
			json_pack("{s:o,s:s,s:[s],s:b,s:i}", "keyids", ids, "name", party->name,
				"paths", rota_duties[i].paths, "terminating", 1, "threshold",
				(int)party->threshold));
	}
	return ROTA_OK;
}

json_t *rota_metadata_empty(void)
{
	return json_pack("{s:{}}", "targets");
}

enum rota_err rota_metadata_entry(const struct rota_authdir *dir, const char *role,
	uint64_t version, json_t **entry, struct rota_fail *why)
{
	struct rota_bytes file;
	char hex[ROTA_DIGEST_HEX];
	json_t *content;

	ROTA_TRY(rota_store_verified(dir, role, version, &file, &content, why));
	json_decref(content);
	rota_digest_hex(rota_bytes_span(&file), hex);
	*entry = json_pack("{s:{s:s},s:I,s:I}", "hashes", "sha256", hex, "length",
		(json_int_t)file.len, "version", (json_int_t)version);
	rota_bytes_free(&file);
	return ROTA_OK;
}

void rota_metadata_stamp(
	json_t *content, const char *role, uint64_t version, uint64_t now, uint64_t lifetime_s)
{
	bool top = strcmp(role, "root") == 0 || strcmp(role, "snapshot") == 0 ||
		strcmp(role, "timestamp") == 0;
	char issued[ROTA_WHEN_LEN], expires[ROTA_WHEN_LEN];

	rota_when_text(now, issued);
	rota_when_text(now + lifetime_s, expires);
	if (strcmp(role, "root") == 0)
		json_object_set_new(content, "x-rota-not-before", json_string(issued));
	json_object_set_new(content, "_type", json_string(top ? role : "targets"));
	json_object_set_new(content, "spec_version", json_string("1.0.34"));
	json_object_set_new(content, "version", json_integer((json_int_t)version));
	json_object_set_new(content, "expires", json_string(expires));
	json_object_set_new(content, "x-rota-issued", json_string(issued));
}

/* Signed by the keys that the metadata names for the role? Tokens may hold others than rota.ini means. The
 * first root is the anchor of all such questions. */
static enum rota_err check_signed(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_span file, struct rota_fail *why)
{
	json_t *content;
	enum rota_err err;

	if (strcmp(role, "root") == 0)
		return version == 1 ? rota_trust_anchor(dir, file, why) : ROTA_OK;
	err = rota_trust_check(dir, role, file, &content, why);
	json_decref(content);
	if (err != ROTA_OK)
		return rota_fail_in(why,
			"role %s: signed with other keys than the metadata names for it; see rota "
			"doctor",
			role);
	return ROTA_OK;
}

enum rota_err rota_metadata_seal(struct rota_desk *desk, const struct rota_party *party,
	const struct rota_seal *seal, json_t *content, struct rota_bytes *file,
	struct rota_fail *why)
{
	const struct rota_notary_file what = {
		.party = party, .role = seal->role, .content = content
	};
	uint64_t lifetime_s = seal->lifetime_s ? seal->lifetime_s : party->lifetime_s;
	enum rota_err err;

	if (lifetime_s > party->lifetime_s)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"role %s: a lifetime of %llu s is beyond the %llu s of rota.ini",
			seal->role, (unsigned long long)lifetime_s,
			(unsigned long long)party->lifetime_s);
	rota_metadata_stamp(content, seal->role, seal->version, desk->now, lifetime_s);
	err = rota_envelope_sign(desk->notary, &what, file, why);
	if (err == ROTA_ERR_THRESHOLD && !rota_party_online(party))
		return rota_fail_in(why,
			"role %s is signed offline; when its tokens are elsewhere, see rota repo "
			"export and rota release add --unsigned",
			seal->role);
	ROTA_TRY(err);
	if (file->len <= ROTA_ENVELOPE_MAX)
		return ROTA_OK;
	rota_bytes_free(file);
	return rota_fail(why, ROTA_ERR_LIMIT,
		"role %s: its file would be longer than %d bytes, which no device reads (SPEC "
		"4.8); let it have bins first: rota repo bins %s %u",
		seal->role, ROTA_ENVELOPE_MAX, seal->role,
		rota_bins_advice(json_object_size(json_object_get(content, "targets"))));
}

/* Root, snapshot and timestamp go to metadata/ at once, what is remembered not without being so first. */
enum rota_err rota_metadata_keep(struct rota_desk *desk, const char *role, uint64_t version,
	struct rota_span file, struct rota_fail *why)
{
	bool root = strcmp(role, "root") == 0;

	ROTA_TRY(check_signed(desk->dir, role, version, file, why));
	if (!root)
		ROTA_TRY(rota_store_stage(desk->dir, role, version, file, why));
	if (!root && !rota_store_remembers(role))
		return ROTA_OK;
	return rota_store_put(desk->dir, role, version, file, why);
}

enum rota_err rota_metadata_sign(struct rota_desk *desk, const char *role, json_t *content,
	uint64_t lifetime_s, uint64_t *version, struct rota_fail *why)
{
	struct rota_seal seal = { .role = role, .lifetime_s = lifetime_s };
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(desk->dir, role, true, version, why));
	seal.version = ++*version;
	ROTA_TRY(rota_metadata_seal(
		desk, rota_authdir_party(desk->dir, role), &seal, content, &file, why));
	err = rota_metadata_keep(desk, role, *version, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

bool rota_metadata_times(const json_t *content, uint64_t *issued, uint64_t *expires)
{
	const char *from = json_string_value(json_object_get(content, "x-rota-issued"));
	const char *to = json_string_value(json_object_get(content, "expires"));

	return from && to && rota_when_parse(from, issued) && rota_when_parse(to, expires);
}
