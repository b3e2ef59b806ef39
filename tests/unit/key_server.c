/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/key_server.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/crypto/hpke.h"
#include "rota/crypto/merkle.h"
#include "rota/crypto/possession.h"
#include "rota/trust/tag.h"

#include <stdlib.h>
#include <string.h>

#define LEAF 2 /* the device's place */
#define DAY_S 86400u

static const struct rota_crypto *const crypto = &rota_crypto_openssl;

void key_server_init(struct key_server *s, struct maker *m, uint64_t now_s)
{
	memset(s, 0, sizeof(*s));
	s->m = m;
	s->counter = 1;
	s->product = "sensor";
	s->role[0] =
		maker_delegate(m, MAKER_TARGETS, "keys-link", "keys/link/*", true, KEY_CI, now_s);
	s->role[1] = maker_delegate(
		m, MAKER_TARGETS, "keys-store", "keys/store/*", true, KEY_RELEASES5, now_s);
	m->role[s->role[0]].expires_s = now_s + 7 * DAY_S;
	maker_next(m, now_s, MAKER_TARGETS, -1);
}

/* ---- trees ---- */

/* RFC 9162, 2.1.1 and 2.1.3.1, as they are written. */
static void root_of(const uint8_t (*leaf)[32], uint32_t n, uint8_t out[static 32])
{
	uint8_t left[32], right[32];
	uint32_t k = 1;

	if (n == 1) {
		memcpy(out, leaf[0], 32);
		return;
	}
	while (2 * k < n)
		k *= 2;
	root_of(leaf, k, left);
	root_of(&leaf[k], n - k, right);
	rota_merkle_node(crypto, left, right, out);
}

static void path_of(
	const uint8_t (*leaf)[32], uint32_t n, uint32_t m, uint8_t *proof, uint8_t *count)
{
	uint32_t k = 1;

	if (n == 1)
		return;
	while (2 * k < n)
		k *= 2;
	if (m < k) {
		path_of(leaf, k, m, proof, count);
		root_of(&leaf[k], n - k, &proof[32 * (*count)++]);
	} else {
		path_of(&leaf[k], n - k, m - k, proof, count);
		root_of(leaf, k, &proof[32 * (*count)++]);
	}
}

/* The tree of a pool's bundles. */
static void hash_pool(const struct key_campaign *c, uint8_t (*leaf)[32])
{
	for (int i = 0; i < KEY_POOL; i++)
		rota_merkle_leaf(crypto, ROTA_SPAN(c->pool[i]), leaf[i]);
}

static void plant(struct key_campaign *c)
{
	uint8_t leaf[KEY_TREE_LEAVES][32];

	for (int i = 0; i < KEY_TREE_LEAVES; i++)
		memset(leaf[i], 0x70 + i, 32);
	rota_merkle_leaf(crypto, ROTA_SPAN(c->bundle), leaf[LEAF]);
	c->size = KEY_TREE_LEAVES;
	c->proof_count = 0;
	root_of((const uint8_t(*)[32])leaf, KEY_TREE_LEAVES, c->root);
	path_of((const uint8_t(*)[32])leaf, KEY_TREE_LEAVES, LEAF, c->proof, &c->proof_count);
}

/* ---- sealing ---- */

static struct key_campaign *with(struct key_server *s, uint8_t purpose, uint32_t generation)
{
	for (int i = s->campaigns; i-- > 0;) {
		if (s->campaign[i].purpose == purpose && s->campaign[i].generation == generation)
			return &s->campaign[i];
	}
	return NULL;
}

/* SPEC 31.5. False: base mode. */
static bool psk_of(struct key_server *s, const struct key_campaign *c, uint8_t psk[static 32])
{
	uint32_t proved = s->proved[c->purpose - 1];
	const struct key_campaign *before = with(s, c->purpose, proved);
	const struct rota_datakey of = { c->purpose, c->cipher, proved, s->device };

	if (c->fault.base)
		return false;
	if (c->fault.other_psk) {
		memset(psk, 0x99, 32);
		return true;
	}
	if (before != NULL && !c->fault.factory)
		return rota_datakey_derive(crypto, before->secret, &of, ROTA_USE_PSK,
			       rota_buf(psk, 32)) == ROTA_OK;
	if (s->has_factory)
		rota_psk_of_factory(crypto, s->factory, s->device, psk);
	return s->has_factory;
}

/* The bundle of place `index`, for this agree key. */
static void seal_to(struct key_server *s, const struct key_campaign *c, uint32_t index,
	const uint8_t agree[static ROTA_P256_KEY_LEN], uint8_t *bundle)
{
	struct rota_hpke hpke = { crypto, &rota_aead_openssl };
	uint8_t device[32], id[32], locator[ROTA_TAG_LEN], agree_id[8], psk_id[8] = { 0 }, psk[32];
	uint8_t enc[65], data[32], tag[16], info[ROTA_KEYBUNDLE_INFO_LEN],
		aad[ROTA_KEYBUNDLE_AAD_LEN];
	struct rota_keybundle_terms terms = { 1, c->purpose, c->cipher, 0, c->generation,
		c->activation_s + c->fault.other_activation, id, device };
	struct rota_keybundle b = { .index = index,
		.locator = ROTA_SPAN(locator),
		.agree_id = ROTA_SPAN(agree_id),
		.psk_id = ROTA_SPAN(psk_id),
		.enc = ROTA_SPAN(enc),
		.sealed = ROTA_SPAN(data),
		.tag = ROTA_SPAN(tag) };
	struct rota_hpke_psk under = { { NULL, 0 }, { NULL, 0 } };
	struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };

	memcpy(device, s->device, 32);
	memcpy(id, c->id, 32);
	device[0] ^= c->fault.other_device;
	id[0] ^= c->fault.other_campaign;
	rota_tag(crypto, ROTA_SPAN(id), s->spki, locator);
	locator[0] ^= c->fault.other_device;
	rota_agree_id(crypto, agree, agree_id);
	if (psk_of(s, c, psk)) {
		b.mode = ROTA_KEYBUNDLE_PSK;
		rota_psk_id(crypto, psk, psk_id);
		under = (struct rota_hpke_psk){ ROTA_SPAN(psk), ROTA_SPAN(psk_id) };
	}
	memcpy(data, c->secret, sizeof(data));
	rota_keybundle_info(&terms, info);
	rota_keybundle_aad(&b, aad);
	if (rota_hpke_seal(&hpke, &rota_p256_openssl, agree, &under, &text, ROTA_BUF(data), enc,
		    tag) != ROTA_OK)
		abort();
	rota_keybundle_encode(&b, bundle);
}

void key_campaign_seal(struct key_server *s, struct key_campaign *c)
{
	seal_to(s, c, LEAF, s->agree, c->bundle);
	c->sealed = true;
	plant(c);
}

static struct key_campaign *add(
	struct key_server *s, uint8_t purpose, uint32_t generation, uint64_t activation_s)
{
	struct key_campaign *c = &s->campaign[s->campaigns++];

	if (s->campaigns > KEY_CAMPAIGNS_MAX)
		abort();
	*c = (struct key_campaign){ .purpose = purpose,
		.cipher = ROTA_CIPHER_AES256_GCM,
		.state = "active",
		.generation = generation,
		.overlap_s = DAY_S,
		.ppm = ROTA_KEYS_PPM,
		.activation_s = activation_s,
		.from_s = 1 };
	memset(c->id, 0x40 + s->campaigns, sizeof(c->id));
	memset(c->secret, 0x80 + s->campaigns, sizeof(c->secret));
	return c;
}

struct key_campaign *key_campaign(
	struct key_server *s, uint8_t purpose, uint32_t generation, uint64_t activation_s)
{
	struct key_campaign *c = add(s, purpose, generation, activation_s);

	key_campaign_seal(s, c);
	return c;
}

struct key_campaign *key_campaign_for_pool(
	struct key_server *s, uint8_t purpose, uint32_t generation, uint64_t activation_s)
{
	struct key_campaign *c = add(s, purpose, generation, activation_s);
	uint32_t proved = s->proved[purpose - 1];
	uint8_t leaf[KEY_POOL][32];

	c->pool = maker_room(KEY_POOL * sizeof(c->pool[0]));
	s->proved[purpose - 1] = generation - 1; /* as the row will say by then */
	for (uint32_t i = 0; i < KEY_POOL; i++)
		seal_to(s, c, i, s->pool[i], c->pool[i]);
	s->proved[purpose - 1] = proved;
	hash_pool(c, leaf);
	c->size = KEY_POOL;
	root_of((const uint8_t(*)[32])leaf, KEY_POOL, c->root);
	c->sealed = true;
	return c;
}

/* ---- lists ---- */

static void put_stages(struct maker_text *t, const struct key_campaign *c)
{
	char from[21], later[21];

	maker_time(c->from_s, from);
	maker_time(c->from_s + 1000 * (uint64_t)DAY_S, later);
	maker_printf(t, "[{\"from\":\"%s\",\"ppm\":%u}", from, c->ppm);
	if (c->ppm != ROTA_KEYS_PPM)
		maker_printf(t, ",{\"from\":\"%s\",\"ppm\":%u}", later, ROTA_KEYS_PPM);
	maker_printf(t, "]");
}

static void put_campaign(struct maker_text *t, const struct key_campaign *c)
{
	char at[21], id[65], root[65];

	maker_time(c->activation_s, at);
	maker_hex(c->id, 32, id);
	maker_hex(c->root, 32, root);
	maker_printf(t,
		"{\"activation\":\"%s\",\"cipher\":%u,\"emergency\":%s,\"generation\":%u,\"id\":\"%"
		"s\","
		"\"overlap_s\":%u,\"purpose\":\"%s\",\"stages\":",
		at, c->cipher, c->emergency ? "true" : "false", c->generation, id, c->overlap_s,
		rota_purpose_word(c->purpose));
	put_stages(t, c);
	maker_printf(t,
		",\"state\":\"%s\",\"suite\":1,\"trees\":[{\"root\":\"%s\",\"size\":%u,\"tree\":0}]"
		"}",
		c->state, root, c->size);
}

static bool of_list(const struct key_campaign *c, int which)
{
	bool link = (c->purpose <= ROTA_PURPOSE_LINK) != c->other_role;

	return !c->unlisted && link == (which == 0);
}

static int in_order(const void *a, const void *b)
{
	const struct key_campaign *const *x = a, *const *y = b;
	int words = strcmp(rota_purpose_word((*x)->purpose), rota_purpose_word((*y)->purpose));

	if (words != 0)
		return words;
	return (*x)->generation < (*y)->generation ? -1 : 1;
}

/* The newest two of each purpose, in the order of SPEC 32.2. */
static void put_campaigns(struct maker_text *t, const struct key_server *s, int which)
{
	const struct key_campaign *all[KEY_CAMPAIGNS_MAX];
	size_t n = 0;
	bool first = true;

	for (int i = 0; i < s->campaigns; i++) {
		if (of_list(&s->campaign[i], which))
			all[n++] = &s->campaign[i];
	}
	qsort(all, n, sizeof(all[0]), in_order);
	for (size_t i = 0; i < n; i++) {
		if (i + 2 < n && all[i + 2]->purpose == all[i]->purpose)
			continue;
		maker_printf(t, first ? "" : ",");
		put_campaign(t, all[i]);
		first = false;
	}
}

void key_server_publish(struct key_server *s, uint64_t now_s)
{
	static const char *const path[] = { "keys/link/sensor.json", "keys/store/sensor.json" };

	for (int i = 0; i < 2; i++) {
		struct maker_text t = { NULL, 0, 0 };

		maker_printf(&t, "{\"_type\":\"keys\",\"campaigns\":[");
		put_campaigns(&t, s, i);
		maker_printf(&t, "],\"format\":1,\"product\":\"%s\",\"sequence\":%llu}", s->product,
			(unsigned long long)++s->sequence[i]);
		maker_target(s->m, s->role[i], path[i], maker_text_bytes(&t));
	}
	maker_next(s->m, now_s, s->role[0], s->role[1]);
}

/* ---- answers ---- */

/* The bundle for the agree key of the row, and its proof. */
static struct key_campaign from_pool(const struct key_server *s, const struct key_campaign *c)
{
	struct key_campaign out = *c;
	uint8_t leaf[KEY_POOL][32];
	uint32_t at = 0;

	while (at < KEY_POOL - 1 && memcmp(s->pool[at], s->agree, sizeof(s->agree)) != 0)
		at++;
	memcpy(out.bundle, c->pool[at], sizeof(out.bundle));
	hash_pool(c, leaf);
	out.proof_count = 0;
	path_of((const uint8_t(*)[32])leaf, KEY_POOL, at, out.proof, &out.proof_count);
	return out;
}

enum rota_err key_server_answer(
	struct key_server *s, const uint8_t id[static 32], uint8_t *room, size_t *len)
{
	s->asked++;
	for (int i = 0; i < s->campaigns; i++) {
		const struct key_campaign *c = &s->campaign[i];
		struct rota_keyanswer_head head = { .size = c->size };
		struct key_campaign own;

		if (!c->sealed || memcmp(c->id, id, 32) != 0)
			continue;
		if (c->pool != NULL) {
			own = from_pool(s, c);
			c = &own;
		}
		head.count = c->proof_count;
		memset(head.nonce, ++s->nonce, sizeof(head.nonce));
		rota_keyanswer_head_encode(&head, room);
		memcpy(&room[ROTA_KEYANSWER_HEAD_LEN], c->bundle, ROTA_KEYBUNDLE_LEN);
		*len = ROTA_KEYANSWER_HEAD_LEN + ROTA_KEYBUNDLE_LEN;
		memcpy(&room[*len], c->proof, 32u * c->proof_count);
		*len += 32u * c->proof_count;
		return ROTA_OK;
	}
	return ROTA_ERR_NOT_FOUND;
}

/* ---- statements ---- */

static bool is_possessed(struct key_server *s, const struct rota_statement *of)
{
	const struct key_campaign *c = with(s, of->purpose, of->generation);
	uint8_t confirm[32], want[32], nonce[32];
	struct rota_datakey key;

	if (c == NULL || memcmp(c->id, of->campaign, 32) != 0)
		return false;
	key = (struct rota_datakey){ c->purpose, c->cipher, c->generation, s->device };
	if (rota_datakey_derive(crypto, c->secret, &key, ROTA_USE_CONFIRM, ROTA_BUF(confirm)) !=
		ROTA_OK)
		return false;
	rota_possession(crypto, ROTA_SPAN(confirm), of, want);
	memset(nonce, s->nonce, sizeof(nonce));
	return memcmp(want, of->proof, 32) == 0 && memcmp(nonce, of->nonce, 32) == 0;
}

/* Kinds 1 and 3 carry an agree key: a new one of the next number, or the one of the row again. */
static enum rota_err take_agree(
	struct key_server *s, const struct rota_statement *of, uint32_t *counter)
{
	bool same = memcmp(s->agree, of->point, sizeof(s->agree)) == 0;

	*counter = s->counter;
	if (of->number == s->counter && same)
		return ROTA_OK;
	if (of->number != s->counter + 1)
		return ROTA_ERR_VERSION;
	s->counter = of->number;
	memcpy(s->agree, of->point, sizeof(s->agree));
	return ROTA_OK;
}

static enum rota_err take_count(
	struct key_server *s, const struct rota_statement *of, uint32_t *counter)
{
	*counter = s->count;
	if (of->number < s->count)
		return ROTA_ERR_VERSION;
	s->count = of->number;
	s->gone |= of->kind == ROTA_STATEMENT_GONE;
	if (of->kind == ROTA_STATEMENT_STATE)
		s->last = *of;
	return ROTA_OK;
}

/* SPEC 30.2 */
static void keep_proved(struct key_server *s, const struct rota_statement *of)
{
	uint32_t was[ROTA_PURPOSES_MAX];

	memcpy(was, s->proved, sizeof(was));
	memset(s->proved, 0, sizeof(s->proved));
	for (uint8_t i = 0; i < of->count; i++) {
		uint8_t at = (uint8_t)(of->holding[i].purpose - 1);

		if (of->holding[i].proved <= was[at])
			s->proved[at] = of->holding[i].proved;
	}
}

static enum rota_err take(struct key_server *s, const struct rota_statement *of, uint32_t *counter)
{
	if (of->kind == ROTA_STATEMENT_STATE || of->kind == ROTA_STATEMENT_GONE)
		return take_count(s, of, counter);
	if (of->kind == ROTA_STATEMENT_PROVED && (s->refuses || !is_possessed(s, of)))
		return ROTA_ERR_DENIED;
	ROTA_TRY(take_agree(s, of, counter));
	if (of->kind == ROTA_STATEMENT_ANEW) {
		keep_proved(s, of);
		s->refuses = s->refuses || s->refuses_behind;
	}
	if (of->kind == ROTA_STATEMENT_PROVED && of->generation > s->proved[of->purpose - 1])
		s->proved[of->purpose - 1] = of->generation;
	return ROTA_OK;
}

enum rota_err key_server_take(struct key_server *s, struct rota_span bytes, uint32_t *counter)
{
	struct rota_statement of;
	uint8_t digest[32];
	enum rota_err err;

	if (s->away)
		return ROTA_ERR_NET;
	err = rota_statement_decode(bytes, &of);
	if (err == ROTA_OK) {
		rota_statement_digest(crypto, of.body, digest);
		err = crypto->verify_digest(
			crypto->ctx, ROTA_ALG_ECDSA_P256, ROTA_SPAN(s->identity), of.sig, digest);
	}
	if (err != ROTA_OK || memcmp(of.device, s->device, 32) != 0) {
		s->refused++;
		return ROTA_ERR_DENIED;
	}
	err = take(s, &of, counter);
	if (err == ROTA_OK && s->lies != 0) {
		*counter = s->lies;
		err = ROTA_ERR_VERSION;
	}
	s->refused += err == ROTA_ERR_DENIED;
	s->out_of_turn += err == ROTA_ERR_VERSION;
	s->taken[of.kind] += err == ROTA_OK;
	return err == ROTA_OK && s->unheard ? ROTA_ERR_NET : err;
}
