/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals of a promotion, and the signature more that an image gets (SPEC 26.6, 26.7). */
#include "host/promote/promotion.h"
#include "host/sign/imageadd.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/image_make.h"
#include "tests/unit/signer_soft.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1000000000

/* Three officers, whose keys are those of tokens 0 to 2; two must agree. */
struct scene {
	struct soft soft;
	struct rota_authdir dir;
	struct rota_tokens tokens;
	struct rota_notary notary;
	struct rota_promotion promotion;
	struct rota_fail why;
	char folder[512];
};

static void begin(struct scene *s)
{
	static const char *const names[] = { "anna", "bert", "carl" };

	*s = (struct scene){ 0 };
	soft_make(&s->soft);
	soft_authdir(&s->dir, 3, 2);
	s->dir.parties[0].name = "releases";
	s->dir.officer_count = 3;
	for (size_t i = 0; i < 3; i++) {
		s->dir.officers[i].name = names[i];
		if (!rota_p256_of_pkey(s->soft.key[i], s->dir.officers[i].key))
			abort();
	}
	rota_tokens_init(&s->tokens, &s->dir, soft_opener(&s->soft));
	s->notary = rota_notary_at_hand(&s->tokens);
	memset(s->promotion.digest, 7, sizeof(s->promotion.digest));
	snprintf(s->folder, sizeof(s->folder), "%s", tempdir_fresh());
}

static void end(struct scene *s)
{
	rota_tokens_close(&s->tokens);
	soft_free(&s->soft);
	tempdir_remove();
}

/* Officer `n` signs what stands in `a` but for key and signature, in the name of officer `named`. */
static void approve_as(struct scene *s, size_t n, size_t named, struct rota_approval a)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char id[ROTA_DIGEST_HEX];
	struct rota_seat_sig sig;

	rota_approval_digest(&a, digest);
	if (rota_tokens_sign(&s->tokens, &s->dir.parties[0].seats[n], digest, &sig, &s->why) !=
		ROTA_OK)
		abort();
	rota_p256_key_id(s->dir.officers[named].key, id);
	if (!rota_unhex(id, ROTA_BUF(a.key)))
		abort();
	memcpy(a.sig, sig.sig, sizeof(a.sig));
	if (rota_promotion_approve(s->folder, &a, &s->why) != ROTA_OK)
		abort();
}

static void approve(struct scene *s, size_t n, struct rota_approval a)
{
	approve_as(s, n, n, a);
}

static struct rota_approval yes(const struct scene *s)
{
	struct rota_approval a = { .expires_s = NOW + 3600 };

	memcpy(a.ask, s->promotion.digest, sizeof(a.ask));
	return a;
}

static enum rota_err check(struct scene *s)
{
	return rota_promotion_check(&s->dir, s->folder, &s->promotion, NOW, &s->why);
}

TEST(two_distinct_officers)
{
	struct scene s;

	begin(&s);
	CHECK_EQ(check(&s), ROTA_ERR_THRESHOLD);
	approve(&s, 0, yes(&s));
	approve(&s, 0, yes(&s));
	CHECK_EQ(check(&s), ROTA_ERR_THRESHOLD);
	approve(&s, 2, yes(&s));
	CHECK_OK(check(&s));
	end(&s);
}

TEST(approvals_that_do_not_count)
{
	static const struct {
		const char *what;
		uint64_t expires_s;
		bool other, refuse;
		enum rota_err err;
	} rows[] = {
		{ "run out", NOW - 1, false, false, ROTA_ERR_THRESHOLD },
		{ "too far ahead", NOW + 8 * 86400, false, false, ROTA_ERR_THRESHOLD },
		{ "of another statement", NOW + 3600, true, false, ROTA_ERR_THRESHOLD },
		{ "a no", NOW + 3600, false, true, ROTA_ERR_DENIED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_approval a;
		struct scene s;

		ROW(rows[i].what);
		begin(&s);
		approve(&s, 0, yes(&s));
		a = yes(&s);
		a.expires_s = rows[i].expires_s;
		a.refuse = rows[i].refuse;
		a.ask[0] ^= rows[i].other;
		approve(&s, 1, a);
		CHECK_EQ(check(&s), rows[i].err);
		end(&s);
	}
}

TEST(a_name_is_no_signature)
{
	struct scene s;

	begin(&s);
	approve(&s, 0, yes(&s));
	approve_as(&s, 0, 1, yes(&s));
	CHECK_EQ(check(&s), ROTA_ERR_THRESHOLD);
	s.dir.officer_count = 1; /* the other one is a stranger now */
	approve(&s, 1, yes(&s));
	CHECK_EQ(check(&s), ROTA_ERR_THRESHOLD);
	end(&s);
}

static struct rota_image_add image_of(struct scene *s, const char *tail)
{
	static uint8_t room[IMAGE_MAKE_MAX];
	static char from[640], out[640];
	const struct image_spec spec = { .tail_recipe = tail, .payload = ROTA_STR("payload") };
	size_t len = image_make(&spec, room);
	struct rota_image_add plan = { .from = from, .out = out, .party = &s->dir.parties[0] };
	struct rota_image_info info;

	snprintf(from, sizeof(from), "%s/a.img", s->folder);
	snprintf(out, sizeof(out), "%s/b.img", s->folder);
	if (rota_file_write(from, rota_span(room, len), 0644, &s->why) != ROTA_OK ||
		rota_imagefile_read(from, &rota_crypto_openssl, NULL, &info, &s->why) != ROTA_OK)
		abort();
	memcpy(plan.digest, info.digest, sizeof(plan.digest));
	return plan;
}

TEST(an_image_gets_one_pair_more)
{
	struct rota_image_info info;
	struct rota_image_add plan;
	uint8_t point[ROTA_P256_KEY_LEN];
	struct scene s;

	begin(&s);
	plan = image_of(&s, "dks");
	CHECK_OK(rota_image_add(&plan, &rota_crypto_openssl, &s.notary, &s.why));
	CHECK_OK(rota_imagefile_read(plan.out, &rota_crypto_openssl, NULL, &info, &s.why));
	CHECK_EQ(info.signature_count, 2);
	CHECK_MEM(info.digest, plan.digest, sizeof(plan.digest));
	CHECK(rota_p256_of_pkey(s.soft.key[0], point));
	CHECK(rota_p256_verify(point, info.digest, info.signature[1].raw));
	plan.from = plan.out;
	CHECK_EQ(rota_image_add(&plan, &rota_crypto_openssl, &s.notary, &s.why), ROTA_ERR_LIMIT);
	end(&s);
}

TEST(another_image_is_not_signed)
{
	struct rota_image_add plan;
	struct scene s;

	begin(&s);
	plan = image_of(&s, "dks");
	plan.digest[5] ^= 1;
	CHECK_EQ(rota_image_add(&plan, &rota_crypto_openssl, &s.notary, &s.why), ROTA_ERR_HASH);
	CHECK(!tempdir_get("b.img"));
	end(&s);
}

/* A statement about the image a.img, as if it were of this version and had this digest, and what opening it gives. */
static enum rota_err open_as(
	struct scene *s, const char *version, const char *digest, const char *file)
{
	char *path = rota_text("%s/promotion.json", s->folder);
	char *text =
		rota_text("{\"_type\":\"rota-promotion\",\"ci\":{\"path\":\"p\",\"sha256\":\"s\"},"
			  "\"components\":[{\"digest\":\"%s\",\"file\":\"%s\",\"length\":1,"
			  "\"name\":\"app\"}],\"format\":1,\"product\":\"%s\","
			  "\"provenance\":null,\"version\":\"%s\"}",
			digest, file, s->dir.product, version);
	struct rota_promotion p;
	enum rota_err err = rota_file_write(path, rota_span_cstr(text), 0644, &s->why);

	if (err == ROTA_OK)
		err = rota_promotion_open(&s->dir, s->folder, &rota_crypto_openssl, &p, &s->why);
	if (err == ROTA_OK)
		json_decref(p.statement);
	free(path);
	free(text);
	return err;
}

static enum rota_err open_with(struct scene *s, const char *digest, const char *file)
{
	return open_as(s, "0.0.0", digest, file);
}

TEST(what_is_carried_is_what_is_stated)
{
	struct rota_image_add plan;
	char hex[ROTA_DIGEST_HEX];
	struct scene s;

	begin(&s);
	s.dir.product = "sensor";
	plan = image_of(&s, "dks");
	rota_hex(ROTA_SPAN(plan.digest), hex);
	CHECK_OK(open_with(&s, hex, "a.img"));
	CHECK_EQ(open_with(&s, hex, "../a.img"), ROTA_ERR_FORMAT);
	CHECK_EQ(open_as(&s, "9.0.0", hex, "a.img"), ROTA_ERR_VERSION);
	s.dir.product = "lamp";
	CHECK_EQ(open_with(&s, hex, "a.img"), ROTA_ERR_VERSION);
	s.dir.product = "sensor";
	hex[0] ^= 1;
	CHECK_EQ(open_with(&s, hex, "a.img"), ROTA_ERR_HASH);
	end(&s);
}

/* What was carried here may have a link in it. */
TEST(a_link_is_not_followed)
{
	struct rota_desk desk = { .now = NOW };
	char path[640], hex[ROTA_DIGEST_HEX];
	struct rota_image_add plan;
	struct rota_bytes text;
	struct scene s;

	begin(&s);
	s.dir.product = "sensor";
	s.dir.parties[1] = s.dir.parties[0];
	s.dir.parties[1].name = "image";
	s.dir.party_count = 2;
	desk.dir = &s.dir;
	desk.notary = &s.notary;
	plan = image_of(&s, "dks");
	rota_hex(ROTA_SPAN(plan.digest), hex);
	CHECK_OK(open_with(&s, hex, "a.img"));
	CHECK_OK(rota_file_read(tempdir_path("promotion.json"), 65536, &text, &s.why));
	rota_digest_of(rota_bytes_span(&text), s.promotion.digest);
	rota_bytes_free(&text);
	approve(&s, 0, yes(&s));
	approve(&s, 1, yes(&s));
	snprintf(path, sizeof(path), "%s/production", s.folder);
	CHECK(mkdir(tempdir_path("elsewhere"), 0755) == 0);
	CHECK(symlink("elsewhere", path) == 0);
	CHECK_EQ(rota_promotion_sign(&desk, s.folder, &rota_crypto_openssl, &s.why),
		ROTA_ERR_DENIED);
	CHECK(!tempdir_get("elsewhere/a.img"));
	CHECK(unlink(path) == 0);
	CHECK_OK(rota_promotion_sign(&desk, s.folder, &rota_crypto_openssl, &s.why));
	CHECK(tempdir_get("production/a.img"));
	end(&s);
}

TESTS(T(two_distinct_officers), T(approvals_that_do_not_count), T(a_name_is_no_signature),
	T(an_image_gets_one_pair_more), T(another_image_is_not_signed),
	T(what_is_carried_is_what_is_stated), T(a_link_is_not_followed))
