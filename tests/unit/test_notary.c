/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"
#include "tests/unit/signer_soft.h"
#include "host/sign/envelope.h"
#include "host/sign/notary.h"
#include "host/sign/p256.h"

/* A party of three with threshold two, its tokens at hand. */
struct scene {
	struct soft soft;
	struct rota_authdir dir;
	struct rota_tokens tokens;
	struct rota_notary notary;
	const struct rota_party *party;
	struct rota_fail why;
};

static void begin(struct scene *s)
{
	soft_make(&s->soft);
	soft_authdir(&s->dir, 3, 2);
	rota_tokens_init(&s->tokens, &s->dir, soft_opener(&s->soft));
	s->notary = rota_notary_at_hand(&s->tokens);
	s->party = &s->dir.parties[0];
}

static void end(struct scene *s)
{
	rota_tokens_close(&s->tokens);
	soft_free(&s->soft);
}

static bool is_key(const struct scene *s, size_t n, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	uint8_t own[ROTA_P256_KEY_LEN];

	return rota_p256_of_pkey(s->soft.key[n], own) && memcmp(own, point, sizeof(own)) == 0;
}

TEST(a_key_is_that_of_its_seat)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	struct scene s;

	begin(&s);
	CHECK_OK(s.notary.key(s.notary.ctx, s.party, 1, point, &s.why));
	CHECK(is_key(&s, 1, point));
	CHECK_EQ(s.soft.opened[0] + s.soft.opened[2], 0); /* the others may be cold ones */
	s.soft.mood[2] = SOFT_ABSENT;
	CHECK_EQ(s.notary.key(s.notary.ctx, s.party, 2, point, &s.why), ROTA_ERR_DENIED);
	end(&s);
}

TEST(a_file_is_signed_as_often_as_the_threshold_says)
{
	json_t *content = json_pack("{s:s}", "text", "line\nline");
	struct rota_seat_sig sig[ROTA_SIGNERS_MAX];
	struct rota_notary_file file = { .role = "role", .content = content };
	uint8_t digest[ROTA_DIGEST_LEN];
	struct scene s;
	size_t count = 0;

	begin(&s);
	file.party = s.party;
	CHECK_OK(s.notary.sign(s.notary.ctx, &file, sig, &count, &s.why));
	CHECK_EQ(count, 2);
	rota_digest_of(rota_span_cstr("{\"text\":\"line\nline\"}"), digest); /* SPEC 2.3 */
	for (size_t i = 0; i < count; i++) {
		CHECK(is_key(&s, i, sig[i].key));
		CHECK(rota_p256_verify(sig[i].key, digest, sig[i].sig));
	}
	s.soft.mood[1] = s.soft.mood[2] = SOFT_LIES;
	CHECK_EQ(s.notary.sign(s.notary.ctx, &file, sig, &count, &s.why), ROTA_ERR_THRESHOLD);
	json_decref(content);
	end(&s);
}

TEST(an_image_is_signed_by_the_seat_that_was_named)
{
	struct rota_notary_image image = { .seat = 1 };
	struct rota_seat_sig sig;
	struct scene s;

	begin(&s);
	image.party = s.party;
	memset(image.digest, 0x5a, sizeof(image.digest));
	CHECK_OK(s.notary.image(s.notary.ctx, &image, &sig, &s.why));
	CHECK(is_key(&s, 1, sig.key));
	CHECK(rota_p256_verify(sig.key, image.digest, sig.sig));
	CHECK_EQ(s.soft.opened[0] + s.soft.opened[2], 0);
	s.soft.mood[1] = SOFT_LIES;
	CHECK_EQ(s.notary.image(s.notary.ctx, &image, &sig, &s.why), ROTA_ERR_SIGNATURE);
	end(&s);
}

TESTS(T(a_key_is_that_of_its_seat), T(a_file_is_signed_as_often_as_the_threshold_says),
	T(an_image_is_signed_by_the_seat_that_was_named))
