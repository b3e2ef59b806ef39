/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/drill_keys.h"
#include "host/base/when.h"
#include "host/campaign/request.h"
#include "host/repo/keylist.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/codec/keybundle.h"
#include "rota/crypto/datakey.h"
#include "rota/crypto/hpke.h"
#include "rota/crypto/merkle.h"
#include "rota/crypto/possession.h"
#include "rota/trust/keyanswer.h"
#include "rota/trust/tag.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define ROLE "keys-link"
#define CAMPAIGNS_MAX 8 /* of one drill */
#define SUITE 1
#define CIPHER 1
#define LEVELS 3 /* of a tree of DRILL_DEVICES leaves */

static const struct rota_crypto *const crypto = &rota_crypto_openssl;

struct row {
	uint8_t agree[ROTA_P256_KEY_LEN];
	uint32_t counter, proved;
};

struct given { /* a campaign, ours or his */
	struct rota_key_campaign terms;
	uint8_t root[ROTA_SHA256_LEN];
	uint8_t secret[DRILL_DEVICES][ROTA_SECRET_LEN], bundle[DRILL_DEVICES][ROTA_KEYBUNDLE_LEN];
	uint8_t leaf[DRILL_DEVICES][ROTA_SHA256_LEN];
};

struct drill_keys {
	struct sim_key_parts parts;
	struct drill_fleet *fleet;
	struct row row[DRILL_DEVICES];
	struct given given[CAMPAIGNS_MAX];
	size_t count;
	uint32_t newest; /* generation that we handed out */
	uint8_t nonce[ROTA_KEYANSWER_NONCE_LEN];
};

static void draw(uint8_t *to, size_t len)
{
	if (RAND_bytes(to, (int)len) != 1)
		abort(); /* no entropy, no drill */
}

struct drill_keys *drill_keys_new(void)
{
	struct drill_keys *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	k->parts = (struct sim_key_parts){ .p256 = &rota_p256_openssl, .aead = &rota_aead_openssl };
	draw(k->parts.factory, sizeof(k->parts.factory));
	draw(k->nonce, sizeof(k->nonce));
	return k;
}

void drill_keys_free(struct drill_keys *k)
{
	if (k)
		explicit_bzero(k, sizeof(*k));
	free(k);
}

const struct sim_key_parts *drill_keys_parts(const struct drill_keys *k)
{
	return &k->parts;
}

enum rota_err drill_keys_enrol(struct drill_keys *k, struct drill_fleet *f, struct rota_fail *why)
{
	k->fleet = f;
	for (size_t i = 0; i < DRILL_DEVICES; i++) {
		const struct rota_rot *rot = &f->device[i].rot.port;

		k->row[i].counter = 1;
		if (rot->key_point(rot->ctx, ROTA_ROT_AGREE_0, k->row[i].agree) != ROTA_OK)
			return rota_fail(why, ROTA_ERR_STATE, "a device has no agree key");
	}
	return ROTA_OK;
}

static size_t number_of(const struct drill_keys *k, const struct sim_device *d)
{
	return (size_t)(d - k->fleet->device);
}

/* ---- trees ---- */

/* Hashes of a level in place of those below it; *proof gets the one beside `at`. */
static void climb(uint8_t (*hash)[ROTA_SHA256_LEN], size_t count, size_t at, uint8_t *proof)
{
	memcpy(proof, hash[at ^ 1], ROTA_SHA256_LEN);
	for (size_t i = 0; i < count / 2; i++)
		rota_merkle_node(crypto, hash[2 * i], hash[2 * i + 1], hash[i]);
}

/* The proof of a leaf, from its sibling on; then the root. */
static void prove(const struct given *g, size_t at, uint8_t proof[static LEVELS * ROTA_SHA256_LEN],
	uint8_t root[static ROTA_SHA256_LEN])
{
	uint8_t hash[DRILL_DEVICES][ROTA_SHA256_LEN];

	memcpy(hash, g->leaf, sizeof(hash));
	for (size_t level = 0; level < LEVELS; level++)
		climb(hash, (size_t)DRILL_DEVICES >> level, at >> level,
			&proof[level * ROTA_SHA256_LEN]);
	memcpy(root, hash[0], ROTA_SHA256_LEN);
}

/* ---- sealing ---- */

/* `base`: by who knows no secret. */
static enum rota_err seal_one(struct drill_keys *k, struct given *g, size_t at, bool base)
{
	const struct sim_device *d = &k->fleet->device[at];
	const struct rota_hpke hpke = { crypto, &rota_aead_openssl };
	uint8_t locator[ROTA_TAG_LEN], agree_id[ROTA_KEY_ID_LEN], psk_id[ROTA_KEY_ID_LEN] = { 0 };
	uint8_t psk[ROTA_PSK_LEN], enc[ROTA_HPKE_ENC_LEN], data[ROTA_SECRET_LEN];
	uint8_t tag[ROTA_AEAD_TAG_LEN], info[ROTA_KEYBUNDLE_INFO_LEN], aad[ROTA_KEYBUNDLE_AAD_LEN];
	const struct rota_keybundle_terms terms = { SUITE, g->terms.purpose, CIPHER, 0,
		g->terms.generation, g->terms.activation_s, g->terms.id, d->key_device };
	const struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };
	struct rota_hpke_psk under = { { NULL, 0 }, { NULL, 0 } };
	struct rota_keybundle b = { .index = (uint32_t)at,
		.locator = ROTA_SPAN(locator),
		.agree_id = ROTA_SPAN(agree_id),
		.psk_id = ROTA_SPAN(psk_id),
		.enc = ROTA_SPAN(enc),
		.sealed = ROTA_SPAN(data),
		.tag = ROTA_SPAN(tag) };

	rota_tag(crypto, ROTA_SPAN(g->terms.id), d->what.spki, locator);
	rota_agree_id(crypto, k->row[at].agree, agree_id);
	if (!base) {
		b.mode = ROTA_KEYBUNDLE_PSK;
		rota_psk_of_factory(crypto, k->parts.factory, d->key_device, psk);
		rota_psk_id(crypto, psk, psk_id);
		under = (struct rota_hpke_psk){ ROTA_SPAN(psk), ROTA_SPAN(psk_id) };
	}
	draw(g->secret[at], sizeof(g->secret[at]));
	memcpy(data, g->secret[at], sizeof(data));
	rota_keybundle_info(&terms, info);
	rota_keybundle_aad(&b, aad);
	ROTA_TRY(rota_hpke_seal(&hpke, &rota_p256_openssl, k->row[at].agree, &under, &text,
		ROTA_BUF(data), enc, tag));
	rota_keybundle_encode(&b, g->bundle[at]);
	rota_merkle_leaf(crypto, ROTA_SPAN(g->bundle[at]), g->leaf[at]);
	return ROTA_OK;
}

static enum rota_err make(
	struct drill *d, uint32_t generation, bool emergency, bool base, struct given **out)
{
	struct drill_keys *k = d->fleet->keys;
	uint8_t proof[LEVELS * ROTA_SHA256_LEN];
	struct given *g = &k->given[k->count];
	uint64_t now = rota_when_now();

	if (k->count == CAMPAIGNS_MAX)
		return rota_fail(&d->why, ROTA_ERR_LIMIT, "more campaigns than a drill has");
	*g = (struct given){ .terms = { .purpose = DRILL_KEYS_PURPOSE,
				     .suite = SUITE,
				     .cipher = CIPHER,
				     .generation = generation,
				     .emergency = emergency,
				     .overlap_s = 3600,
				     .activation_s = now,
				     .stage_count = 1,
				     .stage = { { now, ROTA_KEYS_PPM } } } };
	draw(g->terms.id, sizeof(g->terms.id));
	for (size_t i = 0; i < DRILL_DEVICES; i++)
		if (seal_one(k, g, i, base) != ROTA_OK)
			return rota_fail(&d->why, ROTA_ERR_STATE, "a bundle cannot be sealed");
	prove(g, 0, proof, g->root);
	k->count++;
	*out = g;
	return ROTA_OK;
}

static json_t *listed(const struct given *g)
{
	struct rota_key_tree tree = { .size = DRILL_DEVICES };

	memcpy(tree.root, g->root, sizeof(tree.root));
	return rota_key_campaign_write(&g->terms, &tree, 1);
}

/* ---- the server ---- */

static const struct given *find(const struct drill_keys *k, const uint8_t *campaign)
{
	for (size_t i = 0; i < k->count; i++)
		if (memcmp(k->given[i].terms.id, campaign, ROTA_SHA256_LEN) == 0)
			return &k->given[i];
	return NULL;
}

enum rota_err drill_keys_answer(void *fleet, const struct sim_device *d, const uint8_t *campaign,
	struct rota_buf room, struct rota_span *out)
{
	const struct drill_keys *k = ((struct drill_fleet *)fleet)->keys;
	const struct given *g = find(k, campaign);
	struct rota_keyanswer_head head = { .size = DRILL_DEVICES, .count = LEVELS };
	uint8_t bytes[ROTA_KEYANSWER_HEAD_LEN], root[ROTA_SHA256_LEN];
	uint8_t proof[LEVELS * ROTA_SHA256_LEN];
	struct rota_writer w = rota_writer(room);

	if (!g)
		return ROTA_ERR_NOT_FOUND;
	memcpy(head.nonce, k->nonce, sizeof(head.nonce));
	rota_keyanswer_head_encode(&head, bytes);
	prove(g, number_of(k, d), proof, root);
	rota_write_span(&w, ROTA_SPAN(bytes));
	rota_write_span(&w, ROTA_SPAN(g->bundle[number_of(k, d)]));
	rota_write_span(&w, ROTA_SPAN(proof));
	return rota_writer_end(&w, out);
}

/* Whether it has the key that the campaign gave it. */
static bool possesses(
	const struct drill_keys *k, const struct sim_device *d, const struct rota_statement *s)
{
	const struct given *g = find(k, s->campaign);
	uint8_t confirm[ROTA_SHA256_LEN], proof[ROTA_SHA256_LEN];
	const struct rota_datakey of = { s->purpose, CIPHER, s->generation, d->key_device };

	if (!g || g->terms.generation != s->generation ||
		rota_datakey_derive(crypto, g->secret[number_of(k, d)], &of, ROTA_USE_CONFIRM,
			ROTA_BUF(confirm)) != ROTA_OK)
		return false;
	rota_possession(crypto, ROTA_SPAN(confirm), s, proof);
	return memcmp(proof, s->proof, sizeof(proof)) == 0 &&
		memcmp(k->nonce, s->nonce, sizeof(k->nonce)) == 0;
}

enum rota_err drill_keys_take(
	void *fleet, const struct sim_device *d, struct rota_span statement, uint32_t *counter)
{
	struct drill_keys *k = ((struct drill_fleet *)fleet)->keys;
	struct row *row = &k->row[number_of(k, d)];
	struct rota_statement s;

	if (rota_statement_decode(statement, &s) != ROTA_OK ||
		(s.kind == ROTA_STATEMENT_PROVED && !possesses(k, d, &s)))
		return ROTA_ERR_DENIED;
	if (s.kind != ROTA_STATEMENT_PROVED && s.kind != ROTA_STATEMENT_ANEW)
		return ROTA_OK;
	*counter = row->counter;
	if (s.number != row->counter && s.number != row->counter + 1)
		return ROTA_ERR_VERSION;
	row->counter = s.number;
	memcpy(row->agree, s.point, sizeof(row->agree));
	if (s.kind == ROTA_STATEMENT_PROVED && s.generation > row->proved)
		row->proved = s.generation;
	return ROTA_OK;
}

bool drill_keys_well(const struct drill_keys *k, const struct sim_device *d)
{
	struct rota_key_held held;

	rota_keyslots_held(&d->keys, DRILL_KEYS_PURPOSE, &held);
	return held.active == k->newest && held.staged == 0 &&
		k->row[number_of(k, d)].proved == k->newest;
}

/* ---- lists ---- */

static enum rota_err sign(struct drill *d, json_t *campaign)
{
	struct rota_ledger_done done;
	struct rota_ledger ledger;
	json_t *list;
	enum rota_err err;

	if (rota_ledger_open(&d->mine.dir, rota_keylist_kind(ROLE), d->mine.dir.product, &ledger,
		    &d->why) != ROTA_OK) {
		json_decref(campaign);
		return d->why.err;
	}
	list = json_object_get(ledger.file, "campaigns");
	json_array_append_new(list, campaign);
	if (json_array_size(list) > ROTA_KEYS_OF_PURPOSE_MAX)
		json_array_remove(list, 0);
	err = rota_ledger_sign(&ledger, &d->mine.desk, false, &done, &d->why);
	rota_ledger_close(&ledger);
	return err;
}

enum rota_err drill_keys_campaign(struct drill *d, bool emergency)
{
	struct drill_keys *k = d->fleet->keys;
	struct given *g;

	ROTA_TRY(drill_reload(d));
	ROTA_TRY(make(d, k->newest + 1, emergency, false, &g));
	ROTA_TRY(sign(d, listed(g)));
	ROTA_TRY(drill_rota(d, d->ours, "publish", NULL));
	k->newest++;
	return drill_reload(d);
}

static enum rota_err our_list(struct drill *d, json_t **list)
{
	struct rota_ledger ledger;

	ROTA_TRY(rota_ledger_open(
		&d->mine.dir, rota_keylist_kind(ROLE), d->mine.dir.product, &ledger, &d->why));
	*list = json_deep_copy(ledger.file);
	rota_ledger_close(&ledger);
	return ROTA_OK;
}

enum rota_err drill_keys_sequence(struct drill *d, uint64_t *sequence)
{
	json_t *list;

	ROTA_TRY(our_list(d, &list));
	*sequence = (uint64_t)json_integer_value(json_object_get(list, "sequence")) + 1;
	json_decref(list);
	return ROTA_OK;
}

/* Into the front, and into what the role lists. */
static enum rota_err put_list(struct drill *d, const json_t *list, json_t *content)
{
	char *name = rota_text("keys/link/%s.json", d->mine.dir.product), *path;
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes text;
	enum rota_err err = rota_json_encode(list, ROTA_JSON_FILE, &text, &d->why);

	if (err == ROTA_OK) {
		rota_digest_hex(rota_bytes_span(&text), hex);
		path = rota_text("%s/targets/keys/link", d->front);
		err = rota_file_mkdirs(path, 0755, &d->why);
		free(path);
		path = rota_text(
			"%s/targets/keys/link/%s.%s.json", d->front, hex, d->mine.dir.product);
		if (err == ROTA_OK)
			err = rota_file_write(path, rota_bytes_span(&text), 0644, &d->why);
		free(path);
		json_object_set_new(json_object_get(content, "targets"), name,
			json_pack("{s:{s:s},s:I}", "hashes", "sha256", hex, "length",
				(json_int_t)text.len));
		rota_bytes_free(&text);
	}
	free(name);
	return err;
}

enum rota_err drill_keys_forge(struct drill *d, uint64_t sequence, uint32_t generation)
{
	const struct drill_hand hand = { .by = &d->thief, .party = ROLE };
	json_t *list, *content = NULL;
	struct given *g;
	enum rota_err err;

	ROTA_TRY(our_list(d, &list));
	json_object_set_new(list, "sequence", json_integer((json_int_t)sequence));
	err = generation ? make(d, generation, true, true, &g) : ROTA_OK;
	if (err == ROTA_OK && generation) {
		json_array_append_new(json_object_get(list, "campaigns"), listed(g));
		if (json_array_size(json_object_get(list, "campaigns")) > ROTA_KEYS_OF_PURPOSE_MAX)
			json_array_remove(json_object_get(list, "campaigns"), 0);
	}
	if (err == ROTA_OK)
		err = drill_newest(d, &d->mine, ROLE, &content);
	if (err == ROTA_OK)
		err = put_list(d, list, content);
	json_decref(list);
	if (err == ROTA_OK)
		return drill_forge_next(d, ROLE, content, &hand, 1);
	json_decref(content);
	return err;
}
