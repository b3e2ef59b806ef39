/* SPDX-License-Identifier: Apache-2.0 */
/* What it takes of a Cortex-M3's RAM to check a key bundle and to open it (SPEC 33.6, 33.7), in QEMU: a bundle of a
 * tree of a million with its proof, sealed here in psk mode to a device that holds two psks.
 *
 * Three steps, none of which is there while another runs: the answer comes in pieces and its proof is walked; the
 * role's file is read for the very tree; the bundle opens. Of each, what must be in RAM meanwhile and the stack, as
 * deep as paint shows. The multiplication of a point is P-256's: what it gives was computed before. */
#include "boards/cortexm/stack.h"
#include "ports/crypto_bearssl/crypto_bearssl.h"
#include "ports/crypto_bearssl/secret.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/crypto/datakey.h"
#include "rota/trust/keyanswer.h"
#include "rota/trust/keybind.h"
#include "rota/trust/tag.h"

#include <stdio.h>

#define SIZE 1000000u
#define INDEX 123456u
#define PROOF_LEN 20 /* hashes, in a tree of SIZE */
#define TREE 0
#define PIECE_LEN 64 /* as bytes come from a link */

static const struct rota_hpke hpke = { &rota_crypto_bearssl, &rota_aead_bearssl };
static const struct rota_crypto *const crypto = &rota_crypto_bearssl;
static const uint8_t spki[91] = "SubjectPublicKeyInfo of the device";
static const uint8_t device[ROTA_DEVICE_LEN] = { 1 }, campaign[ROTA_SHA256_LEN] = { 2 };
static const uint8_t secret[ROTA_SECRET_LEN] = "the secret that was delivered...";
static const struct rota_keybundle_terms terms = { .suite = 1,
	.purpose = ROTA_PURPOSE_STORAGE,
	.cipher = ROTA_CIPHER_AES256_GCM,
	.tree = TREE,
	.generation = 12,
	.activation_s = 1796083200,
	.campaign = campaign,
	.device = device };

/* The device, and what is sent to it. */
static struct rota_p256_bearssl p256;
static struct {
	uint8_t secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];
} agree[ROTA_KEY_AGREES_MAX];
static uint8_t psk[ROTA_KEY_PSKS_MAX][ROTA_PSK_LEN], psk_id[ROTA_KEY_PSKS_MAX][ROTA_KEY_ID_LEN];
static uint8_t agreed[ROTA_P256_DH_LEN];
static uint8_t answer[ROTA_KEYANSWER_MAX], signed_root[ROTA_SHA256_LEN];
static size_t answer_len;
static char file[768];

/* What the device needs for it: this is counted. */
static struct rota_keyanswer reading;
static struct rota_keyroot wanted;
static struct rota_keys_decoder decoder;
static uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
static struct rota_key_opener opener;

/* ---- the sealing machine's part ---- */

static enum rota_err count_up(void *ctx, struct rota_buf room)
{
	static uint8_t drawn;

	(void)ctx;
	for (size_t i = 0; i < room.len; i++)
		room.p[i] = drawn++;
	return ROTA_OK;
}

static enum rota_err make_keys(void)
{
	static const struct rota_random random = { .fill = count_up };

	rota_p256_bearssl_init(&p256, &random);
	for (size_t i = 0; i < ROTA_KEY_AGREES_MAX; i++)
		ROTA_TRY(p256.port.make(p256.port.ctx, agree[i].secret, agree[i].point));
	for (size_t i = 0; i < ROTA_KEY_PSKS_MAX; i++) {
		memset(psk[i], (int)i + 1, sizeof(psk[i]));
		rota_psk_id(crypto, psk[i], psk_id[i]);
	}
	return ROTA_OK;
}

/* To the second agree key, under the second psk: the ones that are looked at last. */
static enum rota_err seal(uint8_t bundle[static ROTA_KEYBUNDLE_LEN])
{
	uint8_t locator[ROTA_TAG_LEN], agree_id[ROTA_KEY_ID_LEN], enc[ROTA_HPKE_ENC_LEN];
	uint8_t data[ROTA_SECRET_LEN], tag[ROTA_AEAD_TAG_LEN];
	uint8_t aad[ROTA_KEYBUNDLE_AAD_LEN], info[ROTA_KEYBUNDLE_INFO_LEN];
	const struct rota_hpke_psk with = { ROTA_SPAN(psk[1]), ROTA_SPAN(psk_id[1]) };
	const struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };
	const struct rota_keybundle b = { .mode = ROTA_KEYBUNDLE_PSK,
		.index = INDEX,
		.locator = ROTA_SPAN(locator),
		.agree_id = ROTA_SPAN(agree_id),
		.psk_id = with.id,
		.enc = ROTA_SPAN(enc),
		.sealed = ROTA_SPAN(data),
		.tag = ROTA_SPAN(tag) };

	rota_tag(crypto, ROTA_SPAN(campaign), ROTA_SPAN(spki), locator);
	rota_agree_id(crypto, agree[1].point, agree_id);
	rota_keybundle_aad(&b, aad);
	rota_keybundle_info(&terms, info);
	memcpy(data, secret, sizeof(data));
	ROTA_TRY(rota_hpke_seal(
		&hpke, &p256.port, agree[1].point, &with, &text, ROTA_BUF(data), enc, tag));
	rota_keybundle_encode(&b, bundle);
	return p256.port.agree(p256.port.ctx, agree[1].secret, enc, agreed);
}

/* The hashes beside the way of the leaf may be any: they make the root what it is. */
static enum rota_err make_answer(void)
{
	const struct rota_keyanswer_head head = { .tree = TREE, .count = PROOF_LEN, .size = SIZE };
	uint8_t *bundle = answer + ROTA_KEYANSWER_HEAD_LEN, leaf[ROTA_SHA256_LEN];
	uint8_t *hash = bundle + ROTA_KEYBUNDLE_LEN;
	struct rota_merkle_walk walk;

	rota_keyanswer_head_encode(&head, answer);
	ROTA_TRY(seal(bundle));
	rota_merkle_leaf(crypto, rota_span(bundle, ROTA_KEYBUNDLE_LEN), leaf);
	rota_merkle_walk(&walk, INDEX, SIZE, leaf);
	for (unsigned i = 0; i < PROOF_LEN; i++, hash += ROTA_SHA256_LEN) {
		memset(hash, (int)i, ROTA_SHA256_LEN);
		rota_merkle_step(&walk, crypto, hash);
	}
	answer_len = (size_t)(hash - answer);
	return rota_merkle_arrive(&walk, signed_root);
}

static enum rota_err make_file(void)
{
	char root[2 * ROTA_SHA256_LEN + 1] = "", id[2 * ROTA_SHA256_LEN + 1] = "";

	ROTA_TRY(rota_hex_encode(ROTA_SPAN(signed_root), rota_buf(root, sizeof(root) - 1)));
	ROTA_TRY(rota_hex_encode(ROTA_SPAN(campaign), rota_buf(id, sizeof(id) - 1)));
	snprintf(file, sizeof(file),
		"{\"_type\":\"keys\",\"campaigns\":[{\"activation\":\"2026-12-01T00:00:00Z\","
		"\"cipher\":2,\"emergency\":false,\"generation\":12,\"id\":\"%s\",\"overlap_s\":"
		"604800,\"purpose\":\"storage\",\"stages\":[{\"from\":\"2026-11-30T00:00:00Z\","
		"\"ppm\":1000000}],\"state\":\"active\",\"suite\":1,\"trees\":[{\"root\":\"%s\","
		"\"size\":%u,\"tree\":%u}]}],\"format\":1,\"product\":\"lamp\",\"sequence\":5}",
		id, root, SIZE, TREE);
	return ROTA_OK;
}

/* ---- the device's part ---- */

static enum rota_err remember(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	(void)peer;
	memcpy(dh, agreed, sizeof(agreed));
	return ROTA_OK;
}

static enum rota_err multiply(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	return p256.port.agree(p256.port.ctx, agree[1].secret, peer, dh);
}

static enum rota_err walk_answer(void)
{
	rota_keyanswer_begin(&reading, crypto);
	for (size_t at = 0; at < answer_len; at += PIECE_LEN)
		ROTA_TRY(rota_keyanswer_feed(
			&reading, rota_span_slice(rota_span(answer, answer_len), at, PIECE_LEN)));
	ROTA_TRY(rota_keyanswer_end(&reading, wanted.root));
	memcpy(wanted.campaign_id, campaign, sizeof(campaign));
	wanted.tree = reading.head.tree;
	wanted.size = reading.head.size;
	return ROTA_OK;
}

static enum rota_err read_file(void)
{
	struct rota_span all = rota_span_cstr(file);

	rota_keys_begin(&decoder, rota_keyroot_sink(&wanted), ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < all.len; at += PIECE_LEN)
		ROTA_TRY(rota_keys_feed(&decoder, rota_span_slice(all, at, PIECE_LEN)));
	ROTA_TRY(rota_keys_end(&decoder));
	return wanted.listed ? ROTA_OK : ROTA_ERR_NOT_FOUND;
}

static enum rota_err open_bundle(enum rota_err (*dh)(void *ctx,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN]))
{
	uint8_t opened[ROTA_SECRET_LEN], which;

	opener = (struct rota_key_opener){ .hpke = hpke,
		.spki = ROTA_SPAN(spki),
		.agree_count = ROTA_KEY_AGREES_MAX,
		.psk_count = ROTA_KEY_PSKS_MAX };
	for (size_t i = 0; i < ROTA_KEY_AGREES_MAX; i++)
		opener.agree[i] = (struct rota_agreement){ .point = agree[i].point, .dh = dh };
	for (size_t i = 0; i < ROTA_KEY_PSKS_MAX; i++)
		opener.psk[i] = (struct rota_hpke_psk){ ROTA_SPAN(psk[i]), ROTA_SPAN(psk_id[i]) };
	ROTA_TRY(rota_keybundle_open(&opener, &terms, reading.bundle, opened, &which));
	return memcmp(opened, secret, sizeof(opened)) == 0 ? ROTA_OK : ROTA_ERR_HASH;
}

/* ---- measuring ---- */

static int failed;

static void took(const char *name, enum rota_err err)
{
	printf("%s %u\n", name, (unsigned)stack_used());
	failed |= err != ROTA_OK;
}

static void is(const char *name, size_t bytes)
{
	printf("%s %u\n", name, (unsigned)bytes);
}

int main(void)
{
	uint8_t dh[ROTA_P256_DH_LEN];

	failed = make_keys() != ROTA_OK || make_answer() != ROTA_OK || make_file() != ROTA_OK;
	stack_paint();
	took("stack_walk", walk_answer());
	stack_paint();
	took("stack_file", read_file());
	stack_paint();
	took("stack_open", open_bundle(remember));
	stack_paint();
	took("stack_ecdh", multiply(NULL, agree[0].point, dh));
	stack_paint();
	took("stack_open_ecdh", open_bundle(multiply));
	is("ram_answer", sizeof(reading));
	is("ram_root", sizeof(wanted));
	is("ram_decoder", sizeof(decoder) + sizeof(names) + sizeof(value));
	is("ram_opener", sizeof(opener));
	return failed;
}
