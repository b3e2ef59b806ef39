/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/seal_scene.h"
#include "host/base/digest.h"
#include "host/campaign/bundlefile.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/posix/posix.h"
#include "rota/base/writer.h"
#include "rota/crypto/merkle.h"
#include "rota/trust/tag.h"
#include "tests/unit/tempdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct rota_crypto *const crypto = &rota_crypto_openssl;
static const struct rota_aead *const aead = &rota_aead_openssl;

/* ---- an HSM ---- */

static const uint8_t hsm_key[32] = "the key that never leaves an HSM";

static enum rota_err hsm_seal(void *ctx, struct rota_span aad, struct rota_span plain,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct seal_scene *s = ctx;
	uint8_t room[ROTA_KEYWRAP_FORM_LEN];
	struct rota_aead_key key;

	(void)why;
	s->sealed++;
	if (plain.len != ROTA_KEYWRAP_KEY_LEN || aead->begin(&key, ROTA_SPAN(hsm_key)) != ROTA_OK)
		abort();
	(void)rota_random_posix.fill(NULL, rota_buf(room, ROTA_SEALER_NONCE_LEN));
	memcpy(room + ROTA_SEALER_NONCE_LEN, plain.p, plain.len);
	if (aead->seal(&key, room, aad, rota_buf(room + ROTA_SEALER_NONCE_LEN, plain.len),
		    room + ROTA_SEALER_NONCE_LEN + plain.len) != ROTA_OK)
		abort();
	aead->end(&key);
	rota_bytes_add(out, ROTA_SPAN(room));
	return ROTA_OK;
}

static enum rota_err hsm_open(void *ctx, struct rota_span aad, struct rota_span sealed,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct seal_scene *s = ctx;
	uint8_t plain[ROTA_KEYWRAP_KEY_LEN];
	struct rota_aead_key key;
	enum rota_err err;

	s->opened++;
	if (sealed.len != ROTA_KEYWRAP_FORM_LEN || aead->begin(&key, ROTA_SPAN(hsm_key)) != ROTA_OK)
		abort();
	memcpy(plain, sealed.p + ROTA_SEALER_NONCE_LEN, sizeof(plain));
	err = aead->open(&key, sealed.p, aad, ROTA_BUF(plain),
		sealed.p + ROTA_SEALER_NONCE_LEN + sizeof(plain));
	aead->end(&key);
	if (err != ROTA_OK)
		return rota_fail(why, ROTA_ERR_CORRUPT, "it was not sealed here");
	rota_bytes_add(out, ROTA_SPAN(plain));
	return ROTA_OK;
}

/* ---- a fleet ---- */

static void hash(const char *what, uint32_t n, uint8_t out[static 32])
{
	char text[64];

	snprintf(text, sizeof(text), "%s %u", what, (unsigned)n);
	rota_digest_of(rota_span_cstr(text), out);
}

static void make_row(const struct seal_scene *s, uint32_t n, struct rota_row *row)
{
	struct rota_writer id = rota_writer(rota_buf(row->device, 4));

	memset(row, 0, sizeof(*row));
	memcpy(row->product, s->plan.product, sizeof(row->product));
	hash("device", n, row->device);
	rota_write_be32(&id, n * 1000 + 500); /* in order */
	row->identity[0] = 4;
	hash("x", n, row->identity + 1);
	hash("y", n, row->identity + 33);
	memcpy(row->agree, s->agree, sizeof(row->agree));
	row->counter = 1;
}

void seal_scene_export(struct seal_scene *s)
{
	struct rota_export head = { .count = s->count };
	struct rota_bytes all = { 0 };
	uint8_t bytes[ROTA_ROW_LEN], first[ROTA_EXPORT_HEAD_LEN];

	memcpy(head.product, s->plan.product, sizeof(head.product));
	rota_export_encode(&head, first);
	rota_bytes_add(&all, ROTA_SPAN(first));
	for (uint32_t i = 0; i < s->count; i++) {
		rota_row_encode(&s->rows[i], crypto, &s->registry, bytes);
		rota_bytes_add(&all, ROTA_SPAN(bytes));
	}
	if (rota_file_write(s->export_path, rota_bytes_span(&all), 0600, &s->why) != ROTA_OK)
		abort();
	rota_digest_of(rota_bytes_span(&all), s->export_sha256);
	rota_bytes_free(&all);
}

void seal_scene_agree(struct seal_scene *s)
{
	if (rota_p256_openssl.make(rota_p256_openssl.ctx, s->agree_secret, s->agree) != ROTA_OK)
		abort();
	for (uint32_t i = 0; i < s->count; i++)
		memcpy(s->rows[i].agree, s->agree, sizeof(s->agree));
	seal_scene_export(s);
}

void seal_scene_patch(struct seal_scene *s, uint64_t at, struct rota_span bytes)
{
	struct rota_bytes all;

	if (rota_file_read(s->export_path, (size_t)2 << 20, &all, &s->why) != ROTA_OK ||
		at + bytes.len > all.len)
		abort();
	memcpy(all.p + at, bytes.p, bytes.len);
	if (rota_file_write(s->export_path, rota_bytes_span(&all), 0600, &s->why) != ROTA_OK)
		abort();
	rota_digest_of(rota_bytes_span(&all), s->export_sha256);
	rota_bytes_free(&all);
}

void seal_scene_begin(struct seal_scene *s, uint32_t count)
{
	struct rota_seal_plan *p = &s->plan;

	if (count > SEAL_SCENE_MAX)
		abort();
	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "%s", tempdir_fresh());
	snprintf(s->export_path, sizeof(s->export_path), "%s/export", s->dir);
	s->count = count;
	s->hsm = (struct rota_sealer){ .ctx = s, .seal = hsm_seal, .open = hsm_open };
	s->entropy = rota_random_posix;
	hash("book key", 0, s->book_key);
	rota_hmac_begin(&s->registry, crypto, ROTA_STR("registry key"));
	if (rota_p256_openssl.make(rota_p256_openssl.ctx, s->agree_secret, s->agree) != ROTA_OK)
		abort();
	s->tools = (struct rota_book_tools){ crypto, aead, s->book_key };
	*p = (struct rota_seal_plan){ .dir = s->dir,
		.books = s->dir,
		.export_path = s->export_path,
		.export_sha256 = s->export_sha256,
		.suite = 1,
		.purpose = ROTA_PURPOSE_TELEMETRY,
		.cipher = 1,
		.generation = 2,
		.activation_s = 1800000000,
		.most = SEAL_SCENE_MAX,
		.threads = 1,
		.registry = &s->registry,
		.book_key = s->book_key,
		.hsm = &s->hsm,
		.entropy = &s->entropy,
		.p256 = &rota_p256_openssl,
		.crypto = crypto,
		.aead = aead };
	hash("campaign", 0, p->campaign);
	rota_row_product(crypto, ROTA_STR("p"), p->product);
	for (uint32_t i = 0; i < count; i++)
		make_row(s, i, &s->rows[i]);
	seal_scene_export(s);
}

const char *seal_scene_path(const struct seal_scene *s, const char *kind)
{
	static char path[256];
	char id[65];

	rota_hex(ROTA_SPAN(s->plan.campaign), id);
	snprintf(path, sizeof(path), "%s/%s.%u.%s", s->dir, id, (unsigned)s->plan.tree, kind);
	return path;
}

bool seal_scene_book(struct seal_scene *s, uint8_t purpose, const uint32_t *devices, size_t count,
	void (*fill)(uint32_t device, struct rota_book_row *row))
{
	static struct rota_book_maker m;
	char path[ROTA_FILE_PATH_MAX];

	rota_book_path(s->dir, purpose, path);
	if (rota_book_make(&m, path, purpose, (uint32_t)count, &s->entropy, &s->tools, &s->why) !=
		ROTA_OK)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct rota_book_row row = { .counter = 1 };

		memcpy(row.device, s->rows[devices[i]].device, sizeof(row.device));
		fill(devices[i], &row);
		if (rota_book_add(&m, &row, &s->why) != ROTA_OK)
			return false;
	}
	return rota_book_place(&m, &s->why) == ROTA_OK;
}

/* ---- what came of it ---- */

static void spki_of(const struct seal_scene *s, uint32_t device, uint8_t out[static 91])
{
	rota_p256_spki(s->rows[device].identity, out);
}

bool seal_scene_find(
	struct seal_scene *s, uint32_t device, uint32_t *index, uint8_t bundle[static 151])
{
	uint8_t spki[91], locator[ROTA_TAG_LEN], proof[24][32], leaf[32], root[32], count;
	struct rota_keyfile_source source;
	struct rota_keyfile file;
	bool found;
	int fd = open(seal_scene_path(s, "keys"), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	source = rota_keyfile_fd(&fd);
	spki_of(s, device, spki);
	rota_tag(crypto, ROTA_SPAN(s->plan.campaign), ROTA_SPAN(spki), locator);
	found = rota_keyfile_open(&file, &source, crypto, &s->why) == ROTA_OK &&
		rota_keyfile_find(&file, locator, index, bundle, proof, &count, &s->why) == ROTA_OK;
	close(fd);
	if (!found)
		return false;
	rota_merkle_leaf(crypto, rota_span(bundle, ROTA_KEYBUNDLE_LEN), leaf);
	return rota_merkle_inclusion(crypto, *index, file.size, leaf,
		       rota_span(proof, (size_t)count * 32), root) == ROTA_OK &&
		memcmp(root, s->result.root, 32) == 0 && file.size == s->result.size;
}

static enum rota_err dh(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t out[static ROTA_P256_DH_LEN])
{
	const struct seal_scene *s = ctx;

	return rota_p256_openssl.agree(rota_p256_openssl.ctx, s->agree_secret, peer, out);
}

enum rota_err seal_scene_open(struct seal_scene *s, uint32_t device, uint8_t (*psks)[32],
	uint8_t psk_count, uint8_t secret[static ROTA_SECRET_LEN])
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], spki[91], ids[ROTA_KEY_PSKS_MAX][8], which;
	struct rota_key_opener o = { .hpke = { crypto, aead },
		.agree_count = 1,
		.agree = { { .ctx = s, .point = s->agree, .dh = dh } },
		.psk_count = psk_count };
	const struct rota_keybundle_terms terms = { .suite = s->plan.suite,
		.purpose = s->plan.purpose,
		.cipher = s->plan.cipher,
		.tree = s->plan.tree,
		.generation = s->plan.generation,
		.activation_s = s->plan.activation_s,
		.campaign = s->plan.campaign,
		.device = s->rows[device].device };
	uint32_t index;

	spki_of(s, device, spki);
	o.spki = ROTA_SPAN(spki);
	for (uint8_t i = 0; i < psk_count; i++) {
		rota_psk_id(crypto, psks[i], ids[i]);
		o.psk[i] = (struct rota_hpke_psk){ rota_span(psks[i], 32), ROTA_SPAN(ids[i]) };
	}
	if (!seal_scene_find(s, device, &index, bundle))
		return ROTA_ERR_HASH;
	return rota_keybundle_open(&o, &terms, bundle, secret, &which);
}

bool seal_scene_copies(struct seal_scene *s, uint8_t (*secrets)[ROTA_SECRET_LEN])
{
	struct rota_copies_key key = { .crypto = crypto, .aead = aead };
	uint8_t campaign_key[ROTA_KEYWRAP_KEY_LEN], aad[ROTA_COPIES_AAD_LEN];
	struct rota_copies head;
	struct rota_bytes all;
	bool good;

	if (rota_file_read(seal_scene_path(s, "copies"), (size_t)1 << 20, &all, &s->why) != ROTA_OK)
		return false;
	rota_copies_aad(s->plan.campaign, aad);
	good = all.len == rota_copies_len(s->result.size) &&
		rota_copies_decode(all.p, &head) == ROTA_OK && head.size == s->result.size &&
		rota_keywrap_open(&s->hsm, ROTA_SPAN(aad), head.wrapped, campaign_key, &s->why) ==
			ROTA_OK;
	key.key = campaign_key;
	memcpy(key.head, all.p, sizeof(key.head));
	for (uint32_t c = 0; good && c < rota_copies_chunks(head.size); c++) {
		uint8_t *at = all.p + rota_copies_at(c);
		size_t len = (size_t)rota_copies_devices(head.size, c) * ROTA_SECRET_LEN;

		good = rota_copies_open(&key, c, rota_buf(at, len + ROTA_COPIES_OVERHEAD)) ==
			ROTA_OK;
		memcpy(secrets[c * ROTA_COPIES_CHUNK], at + ROTA_COPIES_SALT_LEN, len);
	}
	rota_bytes_free(&all);
	return good;
}
