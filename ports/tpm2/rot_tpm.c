/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/rot_tpm.h"
#include "ports/tpm2/pair.h"
#include "ports/tpm2/quote.h"
#include "ports/tpm2/wrapnv.h"
#include "rota/base/mem.h"

static enum rota_err open_session(struct rota_tpm2_session *s, const struct rota_rot_tpm *t)
{
	return rota_tpm2_session_open(s, t->with.tcti, t->with.root_name.p, t->with.crypto);
}

/* ---- pairs ---- */

static bool signs(enum rota_rot_key key)
{
	return key <= ROTA_ROT_LDEVID_1;
}

static enum rota_err with_point(void *ctx, enum rota_rot_key key,
	enum rota_err (*act)(const struct rota_tpm2_session *s, enum rota_rot_key key,
		uint8_t point[static ROTA_P256_KEY_LEN]),
	uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct rota_tpm2_session s;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(open_session(&s, ctx));
	err = act(&s, key, point);
	rota_tpm2_session_close(&s);
	return err;
}

static enum rota_err key_make(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	return with_point(ctx, key, rota_tpm2_pair_make, point);
}

static enum rota_err key_point(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	return with_point(ctx, key, rota_tpm2_pair_point, point);
}

static enum rota_err key_destroy(void *ctx, enum rota_rot_key key)
{
	struct rota_tpm2_session s;
	enum rota_err err;

	if (key == ROTA_ROT_IDENTITY || key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(open_session(&s, ctx));
	err = rota_tpm2_pair_destroy(&s, key);
	rota_tpm2_session_close(&s);
	return err;
}

static enum rota_err sign(void *ctx, enum rota_rot_key key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	const struct rota_rot_tpm *t = ctx;
	struct rota_tpm2 tpm;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS || !signs(key))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_tpm2_open_clean(&tpm, t->with.tcti));
	err = rota_tpm2_pair_sign(&tpm, key, digest, sig);
	rota_tpm2_close(&tpm);
	return err;
}

static enum rota_err agree(void *ctx, enum rota_rot_key key,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	struct rota_tpm2_session s;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS || signs(key))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(open_session(&s, ctx));
	err = rota_tpm2_pair_agree(&s, key, peer, dh);
	rota_tpm2_session_close(&s);
	return err;
}

/* ---- wrap keys ---- */

static enum rota_err wrap_make(void *ctx, enum rota_rot_wrap place)
{
	const struct rota_rot_tpm *t = ctx;
	const struct rota_random *random = &t->port.random;
	uint8_t auth[ROTA_TPM2_AUTH_LEN], key[ROTA_WRAP_KEY_LEN];
	struct rota_tpm2_session s;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	err = random->fill(random->ctx, ROTA_BUF(key)); /* opens the TPM itself: before we do */
	if (err == ROTA_OK)
		err = rota_tpm2_auth_make(t->with.dir, random, auth);
	if (err == ROTA_OK)
		err = open_session(&s, t);
	if (err == ROTA_OK) {
		err = rota_tpm2_wrap_make(&s, place, auth, key);
		rota_tpm2_session_close(&s);
	}
	rota_wipe(auth, sizeof(auth));
	rota_wipe(key, sizeof(key));
	return err;
}

static enum rota_err look(const struct rota_rot_tpm *t, enum rota_rot_wrap place, bool *has)
{
	struct rota_tpm2 tpm;
	enum rota_err err;

	*has = false;
	ROTA_TRY(rota_tpm2_open_clean(&tpm, t->with.tcti));
	err = rota_tpm2_wrap_has(&tpm, place, has);
	rota_tpm2_close(&tpm);
	return err;
}

static enum rota_err wrap_has(void *ctx, enum rota_rot_wrap place, bool *has)
{
	return place < ROTA_ROT_WRAPS ? look(ctx, place, has) : ROTA_ERR_ARGUMENT;
}

static enum rota_err wrap_destroy(void *ctx, enum rota_rot_wrap place)
{
	struct rota_tpm2_session s;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(open_session(&s, ctx));
	err = rota_tpm2_wrap_destroy(&s, place);
	rota_tpm2_session_close(&s);
	return err;
}

/* Without its authorisation a key that is there is one that nobody can read. */
static enum rota_err read_auth(const struct rota_rot_tpm *t, enum rota_rot_wrap place,
	uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	enum rota_err err = rota_tpm2_auth_read(t->with.dir, auth);
	bool has;

	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	ROTA_TRY(look(t, place, &has));
	return has ? ROTA_ERR_CORRUPT : ROTA_ERR_NOT_FOUND;
}

/* The wrap key for one use; the caller wipes. */
static enum rota_err fetch(const struct rota_rot_tpm *t, enum rota_rot_wrap place,
	uint8_t key[static ROTA_WRAP_KEY_LEN])
{
	uint8_t auth[ROTA_TPM2_AUTH_LEN];
	struct rota_tpm2_session s;
	enum rota_err err = read_auth(t, place, auth);

	if (err == ROTA_OK)
		err = open_session(&s, t);
	if (err == ROTA_OK) {
		err = rota_tpm2_wrap_read(&s, place, auth, key);
		rota_tpm2_session_close(&s);
	}
	rota_wipe(auth, sizeof(auth));
	return err;
}

static enum rota_err wrap(void *ctx, enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN])
{
	const struct rota_rot_tpm *t = ctx;
	uint8_t key[ROTA_WRAP_KEY_LEN];
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	err = fetch(t, place, key);
	if (err == ROTA_OK)
		err = rota_wrapped_seal(&t->wrapper, key, place, aad, secret, out);
	rota_wipe(key, sizeof(key));
	return err;
}

static enum rota_err unwrap(void *ctx, struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN])
{
	const struct rota_rot_tpm *t = ctx;
	uint8_t key[ROTA_WRAP_KEY_LEN];
	enum rota_rot_wrap place;
	enum rota_err err;

	ROTA_TRY(rota_wrapped_place(in, &place));
	err = fetch(t, place, key);
	if (err == ROTA_OK)
		err = rota_wrapped_open(&t->wrapper, key, aad, in, secret);
	rota_wipe(key, sizeof(key));
	return err;
}

/* ---- quote and randomness ---- */

static enum rota_err quote(void *ctx, const uint8_t nonce[static 32], uint32_t pcrs,
	struct rota_buf room, struct rota_span *out)
{
	const struct rota_rot_tpm *t = ctx;
	struct rota_tpm2 tpm;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open_clean(&tpm, t->with.tcti));
	err = rota_tpm2_quote(&tpm, t->with.crypto, nonce, pcrs, room, out);
	rota_tpm2_close(&tpm);
	return err;
}

/* Let the TPM's bytes into `room` by exclusive or. They cross the bus in the clear: so they add to what the operating
 * system drew, and never stand alone. */
static enum rota_err mix(const struct rota_tpm2 *tpm, struct rota_buf room)
{
	for (size_t done = 0; done < room.len;) {
		size_t want = room.len - done < 32 ? room.len - done : 32;
		TPM2B_DIGEST *got = NULL;
		uint16_t len;

		ROTA_TRY(rota_tpm2_err(Esys_GetRandom(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, (uint16_t)want, &got)));
		len = got->size;
		for (size_t i = 0; i < len && done < room.len; i++, done++)
			room.p[done] ^= got->buffer[i];
		Esys_Free(got);
		if (len == 0)
			return ROTA_ERR_IO;
	}
	return ROTA_OK;
}

static enum rota_err fill(void *ctx, struct rota_buf room)
{
	const struct rota_rot_tpm *t = ctx;
	const struct rota_random *os = t->with.random;
	struct rota_tpm2 tpm;
	enum rota_err err;

	ROTA_TRY(os->fill(os->ctx, room));
	ROTA_TRY(rota_tpm2_open(&tpm, t->with.tcti));
	err = mix(&tpm, room);
	rota_tpm2_close(&tpm);
	return err;
}

enum rota_err rota_rot_tpm_init(struct rota_rot_tpm *t, const struct rota_rot_tpm_parts *parts)
{
	if (parts->root_name.len != ROTA_ROM_ROOT_NAME_LEN)
		return ROTA_ERR_ARGUMENT;
	*t = (struct rota_rot_tpm){
		.port = {
			.ctx = t,
			.caps = ROTA_ROT_HARDWARE | ROTA_ROT_DESTROYS | ROTA_ROT_QUOTES,
			.name = "tpm2",
			.key_make = key_make,
			.key_point = key_point,
			.key_destroy = key_destroy,
			.sign = sign,
			.agree = agree,
			.wrap_make = wrap_make,
			.wrap_has = wrap_has,
			.wrap_destroy = wrap_destroy,
			.wrap = wrap,
			.unwrap = unwrap,
			.quote = quote,
			.random = { t, fill },
		},
		.with = *parts,
		.wrapper = { .aead = parts->aead, .random = &t->port.random },
	};
	return ROTA_OK;
}

/* ---- the factory ---- */

static enum rota_err make_root(
	const struct rota_tpm2 *tpm, const struct rota_crypto *crypto, uint8_t *name)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPML_PCR_SELECTION no_pcrs = { .count = 0 };
	const TPM2B_DATA no_data = { .size = 0 };
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR made, kept;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_err(Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &rota_tpm2_root_template, &no_data,
		&no_pcrs, &made, &public, NULL, NULL, NULL)));
	err = rota_tpm2_err(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, made, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, ROTA_ROT_TPM_ROOT, &kept));
	(void)Esys_FlushContext(tpm->esys, made);
	if (err == ROTA_OK)
		err = rota_tpm2_name(&public->publicArea, crypto, name);
	Esys_Free(public);
	return err;
}

static enum rota_err find_root(
	const struct rota_tpm2 *tpm, const struct rota_crypto *crypto, uint8_t *name)
{
	TPM2B_PUBLIC *public = NULL;
	enum rota_err err = ROTA_ERR_CORRUPT;
	enum rota_err found;
	ESYS_TR root;

	found = rota_tpm2_find(tpm, ROTA_ROT_TPM_ROOT, &root);
	if (found != ROTA_OK)
		return found == ROTA_ERR_CORRUPT ? ROTA_ERR_NOT_FOUND : found;
	ROTA_TRY(rota_tpm2_err(Esys_ReadPublic(
		tpm->esys, root, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL)));
	if (rota_tpm2_alike(&public->publicArea, &rota_tpm2_root_template.publicArea))
		err = rota_tpm2_name(&public->publicArea, crypto, name);
	Esys_Free(public);
	return err;
}

enum rota_err rota_rot_tpm_make_root(const char *tcti, const struct rota_crypto *crypto,
	uint8_t name[static ROTA_ROM_ROOT_NAME_LEN])
{
	struct rota_tpm2 tpm;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open_clean(&tpm, tcti));
	err = find_root(&tpm, crypto, name);
	if (err == ROTA_ERR_NOT_FOUND)
		err = make_root(&tpm, crypto, name);
	rota_tpm2_close(&tpm);
	return err;
}
