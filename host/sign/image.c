/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/image.h"
#include "host/sign/p256.h"
#include "rota/base/writer.h"
#include "rota/codec/der.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256 * 1024)
#define HEADER_LEN 32
#define TLV_AREA_MAX 1024 /* SPEC 6.3, 6.4 */

enum tlv {
	TLV_KEY_HASH = 0x01,
	TLV_SHA256 = 0x10,
	TLV_ECDSA = 0x22,
	TLV_COUNTER = 0x50,
	TLV_PRODUCT = 0xA0,
	TLV_HARDWARE = 0xA1,
};

/* What is being written: the draft and the digest of all that went into it. */
struct sink {
	struct rota_draft draft;
	struct rota_digest *digest;
};

static void put_tlv(struct rota_writer *w, enum tlv type, struct rota_span value)
{
	rota_write_le16(w, (uint16_t)type);
	rota_write_le16(w, (uint16_t)value.len);
	rota_write_span(w, value);
}

static void put_area_head(struct rota_writer *w, uint16_t magic, size_t len)
{
	rota_write_le16(w, magic);
	rota_write_le16(w, (uint16_t)len);
}

/* The area in `out`, its own four bytes included. */
static enum rota_err protected_area(const struct rota_image_plan *plan, struct rota_buf room,
	struct rota_span *out, struct rota_fail *why)
{
	uint8_t counter[4], body[TLV_AREA_MAX];
	struct rota_writer c = rota_writer(ROTA_BUF(counter)), b = rota_writer(ROTA_BUF(body));
	struct rota_writer w = rota_writer(room);

	rota_write_le32(&c, plan->counter);
	put_tlv(&b, TLV_COUNTER, ROTA_SPAN(counter));
	put_tlv(&b, TLV_PRODUCT, rota_span_cstr(plan->product));
	for (size_t i = 0; i < plan->hardware_count; i++)
		put_tlv(&b, TLV_HARDWARE, rota_span_cstr(plan->hardware[i]));
	put_area_head(&w, 0x6908, rota_writer_span(&b).len + 4);
	rota_write_span(&w, rota_writer_span(&b));
	if (b.failed || rota_writer_end(&w, out) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_LIMIT, "protected TLVs beyond %d bytes (SPEC 6.3)",
			TLV_AREA_MAX);
	return ROTA_OK;
}

static void put_header(const struct rota_image_plan *plan, uint32_t size, size_t protected_len,
	uint8_t out[static HEADER_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, HEADER_LEN));

	rota_write_le32(&w, 0x96F3B83D);
	rota_write_le32(&w, 0); /* load address */
	rota_write_le16(&w, HEADER_LEN);
	rota_write_le16(&w, (uint16_t)protected_len);
	rota_write_le32(&w, size);
	rota_write_le32(&w, 0); /* flags */
	rota_write_u8(&w, (uint8_t)(plan->version >> 56));
	rota_write_u8(&w, (uint8_t)(plan->version >> 48));
	rota_write_le16(&w, (uint16_t)(plan->version >> 32));
	rota_write_le32(&w, (uint32_t)plan->version);
	rota_write_le32(&w, 0); /* pad */
}

static enum rota_err put(struct sink *s, struct rota_span data, struct rota_fail *why)
{
	rota_digest_add(s->digest, data);
	return rota_draft_write(&s->draft, data, why);
}

static enum rota_err copy_payload(int fd, const char *path, uint32_t size, struct sink *s,
	const struct rota_progress *progress, struct rota_fail *why)
{
	uint8_t *chunk = malloc(CHUNK);
	enum rota_err err = ROTA_OK;
	uint64_t done = 0;

	if (!chunk)
		abort();
	while (err == ROTA_OK && done <= size) {
		ssize_t got = read(fd, chunk, CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = rota_fail_errno(why, errno, "cannot read %s", path);
		if (got <= 0)
			break;
		done += (uint64_t)got;
		err = put(s, rota_span(chunk, (size_t)got), why);
		if (progress)
			progress->step(progress->ctx, done, size);
	}
	free(chunk);
	if (err == ROTA_OK && done != size)
		return rota_fail(
			why, ROTA_ERR_LENGTH, "%s changed its length while it was read", path);
	return err;
}

static void put_signature(struct rota_writer *w, const struct rota_seat_sig *sig)
{
	uint8_t spki[ROTA_P256_SPKI_LEN], hash[ROTA_DIGEST_LEN], room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;

	rota_p256_spki(sig->key, spki);
	rota_digest_of(ROTA_SPAN(spki), hash);
	if (rota_der_ecdsa_encode(ROTA_SPAN(sig->sig), ROTA_BUF(room), &der) != ROTA_OK)
		abort(); /* a signature that verified has a DER form */
	put_tlv(w, TLV_KEY_HASH, ROTA_SPAN(hash));
	put_tlv(w, TLV_ECDSA, der);
}

/* Digest and signatures, in an area of their own. */
static enum rota_err put_trailer(struct sink *s, struct rota_span tlvs, struct rota_fail *why)
{
	uint8_t head[4];
	struct rota_writer h = rota_writer(ROTA_BUF(head));

	put_area_head(&h, 0x6907, tlvs.len + sizeof(head));
	ROTA_TRY(put(s, ROTA_SPAN(head), why));
	return put(s, tlvs, why);
}

/* Who signs finds in the file what the digest covers, and nothing behind it (SPEC 19.3). */
static enum rota_err put_signatures(const struct rota_image_plan *plan,
	const struct rota_notary *notary, const uint8_t digest[static ROTA_DIGEST_LEN],
	struct sink *s, struct rota_fail *why)
{
	struct rota_notary_image what = { .party = plan->party,
		.file = s->draft.path,
		.hardware = plan->hardware,
		.hardware_count = plan->hardware_count,
		.version = plan->version,
		.counter = plan->counter };
	uint8_t body[TLV_AREA_MAX];
	struct rota_writer b = rota_writer(ROTA_BUF(body));

	memcpy(what.digest, digest, ROTA_DIGEST_LEN);
	put_tlv(&b, TLV_SHA256, rota_span(digest, ROTA_DIGEST_LEN));
	for (size_t i = 0; i < plan->seat_count; i++) {
		struct rota_seat_sig sig;

		what.seat = plan->seats[i];
		ROTA_TRY(notary->image(notary->ctx, &what, &sig, why));
		put_signature(&b, &sig);
	}
	return put_trailer(s, rota_writer_span(&b), why);
}

static enum rota_err put_all(const struct rota_image_plan *plan, int fd, uint32_t size,
	const struct rota_notary *notary, const struct rota_progress *progress, struct sink *s,
	uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	uint8_t header[HEADER_LEN], room[TLV_AREA_MAX];
	struct rota_span area;

	ROTA_TRY(protected_area(plan, ROTA_BUF(room), &area, why));
	put_header(plan, size, area.len, header);
	ROTA_TRY(put(s, ROTA_SPAN(header), why));
	ROTA_TRY(copy_payload(fd, plan->payload, size, s, progress, why));
	ROTA_TRY(put(s, area, why));
	rota_digest_get(s->digest, digest);
	ROTA_TRY(put_signatures(plan, notary, digest, s, why));
	return rota_draft_commit(&s->draft, plan->out, why);
}

static enum rota_err open_payload(const char *path, int *fd, uint32_t *size, struct rota_fail *why)
{
	struct stat st;

	*fd = open(path, ROTA_FILE_OPEN);
	if (*fd < 0)
		return rota_fail_errno(why, errno, "cannot open payload %s", path);
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		(uint64_t)st.st_size <= UINT32_MAX - 4096) {
		*size = (uint32_t)st.st_size;
		return ROTA_OK;
	}
	close(*fd);
	return rota_fail(why, ROTA_ERR_LIMIT, "payload %s is no file of 1 byte to 4 GiB", path);
}

/* A token that does not open, or a PIN to type: before the long copy, not behind it. */
static enum rota_err ask_first(
	const struct rota_image_plan *plan, const struct rota_notary *notary, struct rota_fail *why)
{
	for (size_t i = 0; i < plan->seat_count; i++) {
		uint8_t point[ROTA_P256_KEY_LEN];

		ROTA_TRY(notary->key(notary->ctx, plan->party, plan->seats[i], point, why));
	}
	return ROTA_OK;
}

enum rota_err rota_image_sign(const struct rota_image_plan *plan, const struct rota_notary *notary,
	const struct rota_progress *progress, uint8_t digest[static ROTA_DIGEST_LEN],
	struct rota_fail *why)
{
	struct sink s;
	uint32_t size = 0;
	enum rota_err err;
	char *copy;
	int fd;

	ROTA_TRY(ask_first(plan, notary, why));
	copy = strdup(plan->out); /* dirname() writes into it */
	if (!copy)
		abort();
	err = open_payload(plan->payload, &fd, &size, why);
	if (err == ROTA_OK) {
		err = rota_draft_open(&s.draft, dirname(copy), 0644, why);
		if (err == ROTA_OK) {
			s.digest = rota_digest_new();
			err = put_all(plan, fd, size, notary, progress, &s, digest, why);
			rota_draft_drop(&s.draft);
			rota_digest_free(s.digest);
		}
		close(fd);
	}
	free(copy);
	return err;
}
