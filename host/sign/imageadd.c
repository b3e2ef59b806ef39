/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/imageadd.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"
#include "rota/base/writer.h"
#include "rota/codec/der.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

/* The part that stays, on its way to the new file. */
struct copy {
	struct rota_draft draft;
	struct rota_digest *digest;
	uint64_t left; /* bytes of it that are still to come */
	struct rota_fail *why;
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct copy *c = ctx;
	size_t n = piece.len < c->left ? piece.len : (size_t)c->left;

	c->left -= n;
	rota_digest_add(c->digest, rota_span(piece.p, n));
	return rota_draft_write(&c->draft, rota_span(piece.p, n), c->why);
}

static void put_tlv(struct rota_writer *w, enum rota_image_tlv type, struct rota_span value)
{
	rota_write_le16(w, (uint16_t)type);
	rota_write_le16(w, (uint16_t)value.len);
	rota_write_span(w, value);
}

static void put_pair(struct rota_writer *w, const uint8_t key_hash[static ROTA_SHA256_LEN],
	const uint8_t raw[static ROTA_P256_SIG_LEN])
{
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;

	if (rota_der_ecdsa_encode(rota_span(raw, ROTA_P256_SIG_LEN), ROTA_BUF(room), &der) !=
		ROTA_OK)
		abort(); /* a signature that was read or that verified has a DER form */
	put_tlv(w, ROTA_IMAGE_TLV_KEY_HASH, rota_span(key_hash, ROTA_SHA256_LEN));
	put_tlv(w, ROTA_IMAGE_TLV_ECDSA_SIG, der);
}

static void hash_of(
	const uint8_t point[static ROTA_P256_KEY_LEN], uint8_t hash[static ROTA_SHA256_LEN])
{
	uint8_t spki[ROTA_P256_SPKI_LEN];

	rota_p256_spki(point, spki);
	rota_digest_of(ROTA_SPAN(spki), hash);
}

/* The key must be one whose pair the image has not. */
static enum rota_err check_key(const struct rota_image_add *plan,
	const struct rota_image_info *info, const struct rota_notary *notary, struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN], hash[ROTA_SHA256_LEN];

	if (info->signature_count == ROTA_IMAGE_SIGNATURES_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "%s has %d signatures already (SPEC 6.4)",
			plan->from, ROTA_IMAGE_SIGNATURES_MAX);
	ROTA_TRY(notary->key(notary->ctx, plan->party, plan->seat, point, why));
	hash_of(point, hash);
	for (size_t i = 0; i < info->signature_count; i++)
		if (memcmp(info->signature[i].key_hash, hash, sizeof(hash)) == 0)
			return rota_fail(why, ROTA_ERR_STATE,
				"%s has the signature of this key of %s already", plan->from,
				plan->party->name);
	return ROTA_OK;
}

static enum rota_err put_trailer(const struct rota_image_add *plan,
	const struct rota_image_info *info, const struct rota_seat_sig *sig, struct copy *c)
{
	uint8_t body[ROTA_IMAGE_AREA_MAX], head[4], hash[ROTA_SHA256_LEN];
	struct rota_writer b = rota_writer(ROTA_BUF(body)), h = rota_writer(ROTA_BUF(head));

	put_tlv(&b, ROTA_IMAGE_TLV_SHA256, ROTA_SPAN(plan->digest));
	for (size_t i = 0; i < info->signature_count; i++)
		put_pair(&b, info->signature[i].key_hash, info->signature[i].raw);
	hash_of(sig->key, hash);
	put_pair(&b, hash, sig->sig);
	rota_write_le16(&h, 0x6907);
	rota_write_le16(&h, (uint16_t)(rota_writer_span(&b).len + sizeof(head)));
	ROTA_TRY(rota_draft_write(&c->draft, ROTA_SPAN(head), c->why));
	return rota_draft_write(&c->draft, rota_writer_span(&b), c->why);
}

/* Bytes before the TLVs that are not protected: what the image digest covers. */
static enum rota_err measure(
	const char *path, const struct rota_image_info *info, uint64_t *len, struct rota_fail *why)
{
	uint64_t trailer = 4 + 4 + ROTA_SHA256_LEN;
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;

	for (size_t i = 0; i < info->signature_count; i++) {
		if (rota_der_ecdsa_encode(
			    ROTA_SPAN(info->signature[i].raw), ROTA_BUF(room), &der) != ROTA_OK)
			return rota_fail(why, ROTA_ERR_FORMAT, "%s: signature of no form", path);
		trailer += 4 + ROTA_SHA256_LEN + 4 + der.len;
	}
	*len = info->file_len - trailer;
	return ROTA_OK;
}

static enum rota_err write_all(const struct rota_image_add *plan,
	const struct rota_image_info *info, const struct rota_notary *notary, struct copy *c)
{
	struct rota_notary_image what = { .party = plan->party, .seat = plan->seat };
	struct rota_seat_sig sig;

	ROTA_TRY(rota_feed_file(plan->from, NULL, c, take, c->why));
	rota_digest_get(c->digest, what.digest);
	if (c->left != 0 || memcmp(what.digest, plan->digest, sizeof(what.digest)) != 0)
		return rota_fail(c->why, ROTA_ERR_HASH,
			"%s changed while it was read, or has TLVs in another form", plan->from);
	ROTA_TRY(notary->image(notary->ctx, &what, &sig, c->why));
	ROTA_TRY(put_trailer(plan, info, &sig, c));
	return rota_draft_commit(&c->draft, plan->out, c->why);
}

enum rota_err rota_image_add(const struct rota_image_add *plan, const struct rota_crypto *crypto,
	const struct rota_notary *notary, struct rota_fail *why)
{
	struct rota_image_info info;
	struct copy c = { .why = why };
	enum rota_err err;
	char *copy;

	ROTA_TRY(rota_imagefile_read(plan->from, crypto, NULL, &info, why));
	if (memcmp(info.digest, plan->digest, sizeof(info.digest)) != 0)
		return rota_fail(why, ROTA_ERR_HASH,
			"%s is another image than the one that was approved", plan->from);
	ROTA_TRY(check_key(plan, &info, notary, why));
	ROTA_TRY(measure(plan->from, &info, &c.left, why));
	copy = strdup(plan->out); /* dirname() writes into it */
	if (!copy)
		abort();
	err = rota_draft_open(&c.draft, dirname(copy), 0644, why);
	free(copy);
	ROTA_TRY(err);
	c.digest = rota_digest_new();
	err = write_all(plan, &info, notary, &c);
	rota_draft_drop(&c.draft);
	rota_digest_free(c.digest);
	return err;
}
