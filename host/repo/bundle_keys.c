/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_keys.h"
#include "host/base/file.h"
#include "host/repo/chain.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <string.h>

/* A few public keys of 178 bytes, with what tools write around them. */
#define KEYS_FILE_MAX 65536

static bool add_key(const EVP_PKEY *pkey, json_t *keys, json_t *ids)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char id[ROTA_DIGEST_HEX];

	if (!rota_p256_of_pkey(pkey, point))
		return false;
	rota_p256_key_id(point, id);
	json_object_set_new(keys, id, rota_p256_key_object(point));
	json_array_append_new(ids, json_string(id));
	return true;
}

/* Every public key of a file, in its order. */
static enum rota_err load_keys(const char *path, json_t *keys, json_t **ids, struct rota_fail *why)
{
	struct rota_bytes text;
	EVP_PKEY *pkey;
	BIO *bio;
	bool good = true;

	ROTA_TRY(rota_file_read(path, KEYS_FILE_MAX, &text, why));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	*ids = json_array();
	while (bio && good && (pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)) != NULL) {
		good = add_key(pkey, keys, *ids);
		EVP_PKEY_free(pkey);
	}
	BIO_free(bio);
	rota_bytes_free(&text);
	if (good && json_array_size(*ids))
		return ROTA_OK;
	json_decref(*ids);
	*ids = NULL;
	return rota_fail(
		why, ROTA_ERR_FORMAT, "%s: does not hold P-256 public keys in PEM alone", path);
}

static const struct rota_bundle_keyset *find(
	const struct rota_bundle_keyset *sets, size_t count, const char *role)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(sets[i].role, role) == 0)
			return &sets[i];
	return NULL;
}

enum rota_err rota_bundle_key_load(
	const char *path, uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	json_t *keys = json_object(), *ids = NULL, *key;
	const char *id;
	enum rota_err err = load_keys(path, keys, &ids, why);

	if (err == ROTA_OK && json_array_size(ids) != 1)
		err = rota_fail(why, ROTA_ERR_FORMAT, "%s: holds more than one public key", path);
	json_object_foreach(keys, id, key) if (err == ROTA_OK) err =
		rota_p256_of_object(key, point);
	json_decref(keys);
	json_decref(ids);
	return err;
}

static const struct rota_bundle_swap *find_swap(
	const struct rota_bundle_rekeying *how, const char *id)
{
	for (size_t i = 0; i < how->swap_count; i++)
		if (strcmp(how->swaps[i].old, id) == 0)
			return &how->swaps[i];
	return NULL;
}

/* The keys that there were, but for those that give way. */
static void keep_keys(
	const struct rota_bundle_rekeying *how, const json_t *from, json_t *ids, json_t *keys)
{
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct rota_bundle_swap *swap = id ? find_swap(how, id) : NULL;
		char other[ROTA_DIGEST_HEX];

		if (swap) {
			rota_p256_key_id(swap->point, other);
			json_object_set_new(keys, other, rota_p256_key_object(swap->point));
			json_array_set_new(ids, i, json_string(other));
		} else if (id) {
			json_object_set(keys, id, json_object_get(from, id));
		}
	}
}

/* keyids and threshold of one role's entry. */
static enum rota_err rekey_one(struct rota_desk *desk, const struct rota_party *party,
	const json_t *old_keys, json_t *entry, const struct rota_bundle_rekeying *how, json_t *keys,
	struct rota_fail *why)
{
	const struct rota_bundle_keyset *set = find(how->sets, how->set_count, party->name);
	bool online = rota_party_online(party);
	json_t *ids = NULL;

	if (set && online)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"role %s: its keys are those of its online tokens; change [role %s] of "
			"rota.ini instead",
			party->name, party->name);
	if (online)
		ROTA_TRY(rota_metadata_keys(desk, party, keys, &ids, why));
	else if (set)
		ROTA_TRY(load_keys(set->file, keys, &ids, why));
	else
		keep_keys(how, old_keys, json_object_get(entry, "keyids"), keys);
	if (ids)
		json_object_set_new(entry, "keyids", ids);
	json_object_set_new(entry, "threshold", json_integer((json_int_t)party->threshold));
	return ROTA_OK;
}

/* The entry of a role in a root or in targets; NULL when it has none. */
static json_t *entry_of(json_t *content, const char *role)
{
	json_t *list = json_object_get(json_object_get(content, "delegations"), "roles");

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(one, "name"));

		if (name && strcmp(name, role) == 0)
			return one;
	}
	return json_object_get(json_object_get(content, "roles"), role);
}

enum rota_err rota_bundle_rekey(struct rota_desk *desk, json_t *content,
	const struct rota_bundle_rekeying *how, struct rota_fail *why)
{
	json_t *holder = json_object_get(content, "delegations");
	json_t *keys = json_object();
	enum rota_err err = ROTA_OK;

	if (!holder)
		holder = content;
	for (size_t i = 0; i < ROTA_DUTY_COUNT && err == ROTA_OK; i++) {
		const char *role = rota_duties[i].name;
		json_t *entry = entry_of(content, role);

		if (entry)
			err = rekey_one(desk, rota_authdir_party(desk->dir, role),
				json_object_get(holder, "keys"), entry, how, keys, why);
	}
	if (err == ROTA_OK)
		json_object_set(holder, "keys", keys);
	json_decref(keys);
	return err;
}
