/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/rot_tpm.h: what only a TPM can do to a root of trust, and what somebody on its bus can. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/tpm2/authfile.h"
#include "ports/tpm2/rot_tpm.h"
#include "ports/tpm2/wrapnv.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/swtpm.h"
#include "tests/unit/tcticut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <unistd.h>

#define AAD ROTA_STR("purpose, generation, device")

static const uint8_t digest[ROTA_SHA256_LEN] = { 1, 2, 3 };
static const uint8_t secret[ROTA_ROT_SECRET_LEN] = { 9, 8, 7 };

/* The way to the TPM that was begun last with somebody on it. */
static const char *bus(void)
{
	static char way[300];

	snprintf(way, sizeof(way), "%s:%s", TCTICUT, rot_tcti());
	return way;
}

/* A blank TPM behind that bus. */
static const struct rota_rot *begin(void)
{
	tcticut_begin(0);
	if (rot_begin_tpm() == NULL)
		return NULL;
	return rot_open_tpm(bus(), rot_root_name());
}

TEST(keys_outlive_the_power)
{
	uint8_t point[ROTA_P256_KEY_LEN], again[ROTA_P256_KEY_LEN];
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN];
	const struct rota_rot *r = begin();

	CHECK(r != NULL);
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, point));
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped));
	swtpm_stop();
	CHECK_EQ(r->key_point(r->ctx, ROTA_ROT_IDENTITY, again), ROTA_ERR_IO);
	CHECK(swtpm_start(tempdir_path(".")) != NULL);
	CHECK_OK(r->key_point(r->ctx, ROTA_ROT_IDENTITY, again));
	CHECK_MEM(again, point, sizeof(point));
	CHECK_OK(r->unwrap(r->ctx, AAD, wrapped, back));
	CHECK_MEM(back, secret, sizeof(secret));
}

TEST(the_factory_finds_the_root_that_it_made)
{
	uint8_t again[ROTA_ROM_ROOT_NAME_LEN];

	CHECK(begin() != NULL);
	CHECK_OK(rota_rot_tpm_make_root(rot_tcti(), &rota_crypto_openssl, again));
	CHECK_MEM(again, rot_root_name(), sizeof(again));
	CHECK_EQ(again[1], 0x0B);
}

TEST(what_was_destroyed_comes_back_from_no_disk)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN], auth[ROTA_TPM2_AUTH_LEN];
	const struct rota_rot *r = begin();
	const char *path;
	FILE *f;

	CHECK(r != NULL);
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped));
	CHECK_OK(rota_tpm2_auth_read(tempdir_path("."), auth));
	CHECK_OK(r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0));
	ROW("the state folder of before");
	path = tempdir_path(ROTA_TPM2_AUTH_FILE);
	CHECK_OK(unlink(path));
	f = fopen(path, "wb");
	CHECK(f != NULL);
	CHECK_EQ(fwrite(auth, 1, sizeof(auth), f), sizeof(auth));
	CHECK_OK(fclose(f));
	CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_NOT_FOUND);
	ROW("and a new key in its place");
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_SIGNATURE);
}

TEST(a_tpm_without_its_disk_gives_no_wrap_key_away)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN];
	const struct rota_rot *r = begin();

	CHECK(r != NULL);
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_SEED));
	CHECK_OK(r->wrap(r->ctx, ROTA_ROT_SEED, AAD, secret, wrapped));
	CHECK_OK(unlink(tempdir_path(ROTA_TPM2_AUTH_FILE)));
	ROW("no authorisation");
	CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_CORRUPT);
	ROW("another one");
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_DENIED);
	ROW("cut short");
	tempdir_put(ROTA_TPM2_AUTH_FILE, "short");
	CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_CORRUPT);
}

/* 32 bytes that anybody may read and write, in the place of a wrap key. */
static enum rota_err put_plain(TPM2_HANDLE index)
{
	const TPM2B_AUTH none = { .size = 0 };
	const TPM2B_NV_PUBLIC public = {
		.nvPublic = { .nvIndex = index,
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_AUTHREAD |
				TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA,
			.dataSize = 32 },
	};
	const TPM2B_MAX_NV_BUFFER bytes = { .size = 32 };
	struct rota_tpm2 tpm;
	ESYS_TR nv;
	TSS2_RC rc;

	ROTA_TRY(rota_tpm2_open(&tpm, rot_tcti()));
	rc = Esys_NV_DefineSpace(tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &none, &public, &nv);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Write(
			tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &bytes, 0);
	rota_tpm2_close(&tpm);
	return rota_tpm2_err(rc);
}

/* A primary key made like `like` at a persistent handle. */
static enum rota_err put_object(TPM2_HANDLE handle, const TPM2B_PUBLIC *like)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPML_PCR_SELECTION no_pcrs = { .count = 0 };
	const TPM2B_DATA no_data = { .size = 0 };
	struct rota_tpm2 tpm;
	ESYS_TR made, kept;
	TSS2_RC rc;

	ROTA_TRY(rota_tpm2_open(&tpm, rot_tcti()));
	rc = Esys_CreatePrimary(tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &sensitive, like, &no_data, &no_pcrs, &made, NULL, NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS) {
		rc = Esys_EvictControl(tpm.esys, ESYS_TR_RH_OWNER, made, ESYS_TR_PASSWORD,
			ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept);
		(void)Esys_FlushContext(tpm.esys, made);
	}
	rota_tpm2_close(&tpm);
	return rota_tpm2_err(rc);
}

TEST(what_lies_in_the_place_of_a_key_is_not_taken_for_one)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN], point[ROTA_P256_KEY_LEN];
	const struct rota_rot *r = begin();
	bool has;

	CHECK(r != NULL);
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	CHECK_OK(put_plain(rota_tpm2_wrap_index(ROTA_ROT_WRAP_1)));
	CHECK_EQ(r->wrap_has(r->ctx, ROTA_ROT_WRAP_1, &has), ROTA_ERR_CORRUPT);
	CHECK_EQ(r->wrap(r->ctx, ROTA_ROT_WRAP_1, AAD, secret, wrapped), ROTA_ERR_CORRUPT);
	CHECK_EQ(r->wrap_make(r->ctx, ROTA_ROT_WRAP_1), ROTA_ERR_CORRUPT);
	CHECK_OK(put_object(ROTA_ROT_TPM_ROOT + 1 + ROTA_ROT_AGREE_1, &rota_tpm2_sign_template));
	CHECK_EQ(r->key_point(r->ctx, ROTA_ROT_AGREE_1, point), ROTA_ERR_CORRUPT);
}

TEST(something_else_in_the_place_of_the_root_is_none)
{
	uint8_t name[ROTA_ROM_ROOT_NAME_LEN];

	CHECK(rot_begin_blank_tpm());
	CHECK_OK(put_object(ROTA_ROT_TPM_ROOT, &rota_tpm2_sign_template));
	CHECK_EQ(rota_rot_tpm_make_root(rot_tcti(), &rota_crypto_openssl, name), ROTA_ERR_CORRUPT);
}

/* ---- on the bus ---- */

/* All that a device does with its root of trust. */
static enum rota_err live(const struct rota_rot *r)
{
	uint8_t point[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], dh[ROTA_P256_DH_LEN];
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN], quote[ROTA_QUOTE_MAX];
	uint8_t nonce[32] = { 5 };
	struct rota_span quoted;

	ROTA_TRY(r->key_make(r->ctx, ROTA_ROT_IDENTITY, point));
	ROTA_TRY(r->sign(r->ctx, ROTA_ROT_IDENTITY, digest, sig));
	ROTA_TRY(r->key_make(r->ctx, ROTA_ROT_AGREE_0, point));
	ROTA_TRY(r->agree(r->ctx, ROTA_ROT_AGREE_0, point, dh));
	ROTA_TRY(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	ROTA_TRY(r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped));
	ROTA_TRY(r->unwrap(r->ctx, AAD, wrapped, back));
	ROTA_TRY(r->quote(r->ctx, nonce, 1u << 14, ROTA_BUF(quote), &quoted));
	ROTA_TRY(r->key_destroy(r->ctx, ROTA_ROT_AGREE_0));
	return r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0);
}

TEST(one_object_and_one_session_are_loaded_at_most)
{
	const struct rota_rot *r = begin();

	CHECK(r != NULL);
	CHECK_OK(live(r));
	CHECK_EQ(tcticut_objects(), 1);
	CHECK_EQ(tcticut_sessions(), 1);
}

/* The wrap key as the TPM has it, read without any protection. */
static enum rota_err read_plain(const char *way, enum rota_rot_wrap place,
	const uint8_t auth[static ROTA_TPM2_AUTH_LEN], uint8_t key[static ROTA_WRAP_KEY_LEN])
{
	TPM2B_AUTH value = { .size = ROTA_TPM2_AUTH_LEN };
	TPM2B_MAX_NV_BUFFER *data = NULL;
	struct rota_tpm2 tpm;
	ESYS_TR nv;
	TSS2_RC rc;

	memcpy(value.buffer, auth, ROTA_TPM2_AUTH_LEN);
	ROTA_TRY(rota_tpm2_open(&tpm, way));
	rc = Esys_TR_FromTPMPublic(tpm.esys, rota_tpm2_wrap_index(place), ESYS_TR_NONE,
		ESYS_TR_NONE, ESYS_TR_NONE, &nv);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_SetAuth(tpm.esys, nv, &value);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Read(tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			ROTA_WRAP_KEY_LEN, 0, &data);
	if (rc == TSS2_RC_SUCCESS)
		memcpy(key, data->buffer, ROTA_WRAP_KEY_LEN);
	Esys_Free(data);
	rota_tpm2_close(&tpm);
	return rota_tpm2_err(rc);
}

TEST(no_secret_passes_in_the_clear)
{
	const struct rota_p256 *p256 = &rota_p256_openssl;
	uint8_t mine[32], peer[ROTA_P256_KEY_LEN], point[ROTA_P256_KEY_LEN], dh[ROTA_P256_DH_LEN];
	uint8_t auth[ROTA_TPM2_AUTH_LEN], key[ROTA_WRAP_KEY_LEN];
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN];
	const struct rota_rot *r = begin();

	CHECK(r != NULL);
	CHECK_OK(p256->make(p256->ctx, mine, peer));
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_AGREE_0, point));
	CHECK_OK(r->agree(r->ctx, ROTA_ROT_AGREE_0, peer, dh));
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
	CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped));
	CHECK_OK(r->unwrap(r->ctx, AAD, wrapped, back));
	CHECK_OK(rota_tpm2_auth_read(tempdir_path("."), auth));
	CHECK_OK(read_plain(rot_tcti(), ROTA_ROT_WRAP_0, auth, key)); /* beside the bus */
	CHECK(!tcticut_overflowed());
	CHECK(!tcticut_saw(dh, sizeof(dh)));
	CHECK(!tcticut_saw(auth, sizeof(auth)));
	CHECK(!tcticut_saw(key, sizeof(key)));
	ROW("and it would have been seen");
	CHECK_OK(read_plain(bus(), ROTA_ROT_WRAP_0, auth, key));
	CHECK(tcticut_saw(auth, sizeof(auth)));
	CHECK(tcticut_saw(key, sizeof(key)));
}

/* Another TPM in the place of the device's own: each call that has a secret is refused. */
static void check_refused(const struct rota_rot *r)
{
	uint8_t point[ROTA_P256_KEY_LEN], dh[ROTA_P256_DH_LEN];

	CHECK_EQ(r->key_make(r->ctx, ROTA_ROT_AGREE_1, point), ROTA_ERR_DENIED);
	CHECK_EQ(r->key_point(r->ctx, ROTA_ROT_AGREE_0, point), ROTA_ERR_DENIED);
	CHECK_EQ(r->agree(r->ctx, ROTA_ROT_AGREE_0, point, dh), ROTA_ERR_DENIED);
	CHECK_EQ(r->wrap_make(r->ctx, ROTA_ROT_WRAP_1), ROTA_ERR_DENIED);
	CHECK_EQ(r->key_destroy(r->ctx, ROTA_ROT_AGREE_0), ROTA_ERR_DENIED);
	CHECK_EQ(r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0), ROTA_ERR_DENIED);
}

TEST(another_tpm_in_its_place_is_refused)
{
	uint8_t name[ROTA_ROM_ROOT_NAME_LEN], point[ROTA_P256_KEY_LEN];
	const struct rota_rot *r = begin();

	CHECK(r != NULL);
	memcpy(name, rot_root_name(), sizeof(name));
	r = begin(); /* another TPM, with a root of its own, and the keys of an impostor */
	CHECK(r != NULL);
	CHECK(memcmp(name, rot_root_name(), sizeof(name)) != 0);
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_AGREE_0, point));
	r = rot_open_tpm(bus(), name);
	ROW("as it is");
	check_refused(r);
	ROW("saying the Name of the true one");
	tcticut_replace(rot_root_name(), name, sizeof(name));
	check_refused(r);
}

TEST(an_answer_that_was_changed_is_not_believed)
{
	uint8_t point[ROTA_P256_KEY_LEN], wrong[ROTA_P256_KEY_LEN], got[ROTA_P256_KEY_LEN];
	const struct rota_rot *r = begin();
	uint8_t mine[32];

	CHECK(r != NULL);
	CHECK_OK(rota_p256_openssl.make(rota_p256_openssl.ctx, mine, wrong));
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_AGREE_0, point));
	tcticut_replace(&point[1], &wrong[1], 32);
	if (r->key_point(r->ctx, ROTA_ROT_AGREE_0, got) == ROTA_OK)
		CHECK_MEM(got, point, sizeof(point)); /* never the impostor's */
}

/* ---- cuts ---- */

/* The states that a cut may leave: as before, or as after. */
struct cut_row {
	const char *name;
	enum rota_err (*act)(const struct rota_rot *r);
	bool (*done)(const struct rota_rot *r);
};

static enum rota_err make_agree(const struct rota_rot *r)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err = r->key_make(r->ctx, ROTA_ROT_AGREE_1, point);

	return err == ROTA_ERR_STATE ? ROTA_OK : err;
}

static bool has_agree(const struct rota_rot *r)
{
	uint8_t point[ROTA_P256_KEY_LEN], dh[ROTA_P256_DH_LEN];

	return r->key_point(r->ctx, ROTA_ROT_AGREE_1, point) == ROTA_OK &&
		r->agree(r->ctx, ROTA_ROT_AGREE_1, point, dh) == ROTA_OK;
}

static enum rota_err destroy_agree(const struct rota_rot *r)
{
	return r->key_destroy(r->ctx, ROTA_ROT_AGREE_1);
}

static bool has_no_agree(const struct rota_rot *r)
{
	uint8_t point[ROTA_P256_KEY_LEN];

	return r->key_point(r->ctx, ROTA_ROT_AGREE_1, point) == ROTA_ERR_NOT_FOUND;
}

static enum rota_err make_wrap(const struct rota_rot *r)
{
	enum rota_err err = r->wrap_make(r->ctx, ROTA_ROT_WRAP_1);

	return err == ROTA_ERR_STATE ? ROTA_OK : err;
}

static bool has_wrap(const struct rota_rot *r)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN];
	bool has;

	return r->wrap_has(r->ctx, ROTA_ROT_WRAP_1, &has) == ROTA_OK && has &&
		r->wrap(r->ctx, ROTA_ROT_WRAP_1, AAD, secret, wrapped) == ROTA_OK &&
		r->unwrap(r->ctx, AAD, wrapped, back) == ROTA_OK &&
		memcmp(back, secret, sizeof(back)) == 0;
}

static enum rota_err destroy_wrap(const struct rota_rot *r)
{
	return r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_1);
}

static bool has_no_wrap(const struct rota_rot *r)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN];
	bool has;

	return r->wrap_has(r->ctx, ROTA_ROT_WRAP_1, &has) == ROTA_OK && !has &&
		r->wrap(r->ctx, ROTA_ROT_WRAP_1, AAD, secret, wrapped) == ROTA_ERR_NOT_FOUND;
}

/* Killed after each command in turn; then whole or not there at all, and done by a repetition. */
static void cut_everywhere(const struct rota_rot *r, const struct cut_row *row,
	enum rota_err (*undo)(const struct rota_rot *r), bool (*undone)(const struct rota_rot *r))
{
	bool cut = true;

	ROW(row->name);
	for (unsigned after = 1; cut && !test_failed; after++) {
		CHECK(undone(r));
		tcticut_begin(after);
		cut = row->act(r) != ROTA_OK;
		tcticut_begin(0);
		CHECK(row->done(r) || (cut && undone(r)));
		CHECK_OK(row->act(r));
		CHECK(row->done(r));
		CHECK(tcticut_objects() <= 1);
		CHECK_EQ(tcticut_sessions(), 1);
		CHECK_OK(undo(r));
	}
}

TEST(killed_between_any_two_commands_it_was_done_or_not)
{
	static const struct cut_row rows[] = {
		{ "a pair is made", make_agree, has_agree },
		{ "a pair is destroyed", destroy_agree, has_no_agree },
		{ "a wrap key is made", make_wrap, has_wrap },
		{ "a wrap key is destroyed", destroy_wrap, has_no_wrap },
	};
	const struct rota_rot *r = begin();

	CHECK(r != NULL);
	cut_everywhere(r, &rows[0], destroy_agree, has_no_agree);
	CHECK(!test_failed);
	CHECK_OK(make_agree(r));
	cut_everywhere(r, &rows[1], make_agree, has_agree);
	CHECK(!test_failed);
	cut_everywhere(r, &rows[2], destroy_wrap, has_no_wrap);
	CHECK(!test_failed);
	CHECK_OK(make_wrap(r));
	cut_everywhere(r, &rows[3], make_wrap, has_wrap);
}

TESTS(T(keys_outlive_the_power), T(the_factory_finds_the_root_that_it_made),
	T(what_was_destroyed_comes_back_from_no_disk),
	T(a_tpm_without_its_disk_gives_no_wrap_key_away),
	T(what_lies_in_the_place_of_a_key_is_not_taken_for_one),
	T(something_else_in_the_place_of_the_root_is_none),
	T(one_object_and_one_session_are_loaded_at_most), T(no_secret_passes_in_the_clear),
	T(another_tpm_in_its_place_is_refused), T(an_answer_that_was_changed_is_not_believed),
	T(killed_between_any_two_commands_it_was_done_or_not))
