/* SPDX-License-Identifier: Apache-2.0 */
/* What keys of the role time sign: answers to a nonce, and tickets. Messages are put together here by hand, and
 * signed by OpenSSL. */
#include "rota/trust/signedtime.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/test.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define NOW 1790000000u

static EVP_PKEY *p256, *other, *ed;
static struct rota_time_keys keys;
static struct rota_time_question question;
static uint8_t room[ROTA_TIME_ANSWER_MAX + 8];

static void to_key(EVP_PKEY *pkey, struct rota_timesig *by)
{
	static uint8_t raw[2][ROTA_P256_KEY_LEN];
	uint8_t *at = raw[pkey == ed];
	size_t len = sizeof(raw[0]);

	by->alg = pkey == ed ? ROTA_ALG_ED25519 : ROTA_ALG_ECDSA_P256;
	if (pkey == ed)
		EVP_PKEY_get_raw_public_key(pkey, at, &len);
	else
		EVP_PKEY_get_octet_string_param(pkey, "pub", at, sizeof(raw[0]), &len);
	by->key = rota_span(at, len);
}

static void sign(EVP_PKEY *pkey, struct rota_span message, struct rota_timesig *by)
{
	static uint8_t raw[64];
	uint8_t der[80];
	const uint8_t *at = der;
	size_t len = pkey == ed ? sizeof(raw) : sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig;

	to_key(pkey, by);
	EVP_DigestSignInit(ctx, NULL, pkey == ed ? NULL : EVP_sha256(), NULL, pkey);
	EVP_DigestSign(ctx, pkey == ed ? raw : der, &len, message.p, message.len);
	EVP_MD_CTX_free(ctx);
	by->sig = ROTA_SPAN(raw);
	if (pkey == ed)
		return;
	sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
}

static void allow(EVP_PKEY *pkey)
{
	struct rota_timesig by;

	to_key(pkey, &by);
	rota_time_key_digest(&rota_crypto_openssl, by.alg, by.key, keys.sha256[keys.count++]);
}

static void start(void)
{
	if (p256 == NULL) {
		p256 = EVP_EC_gen("P-256");
		other = EVP_EC_gen("P-256");
		ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	keys.count = 0;
	allow(p256);
	allow(ed);
	memset(question.nonce, 0xA5, sizeof(question.nonce));
	question.device_id = ROTA_STR(ID);
}

static struct rota_span answer(EVP_PKEY *pkey, const char *word, uint64_t seconds)
{
	uint8_t message[128];
	struct rota_writer w = rota_writer(ROTA_BUF(message));
	struct rota_timesig by;

	rota_write_span(&w, rota_span(word, strlen(word)));
	rota_write_fill(&w, 0xA5, 16);
	rota_write_span(&w, ROTA_STR(ID));
	rota_write_le64(&w, seconds);
	sign(pkey, rota_writer_span(&w), &by);
	w = rota_writer(ROTA_BUF(room));
	rota_write_le64(&w, seconds);
	rota_timesig_write(&w, &by);
	return rota_writer_span(&w);
}

static enum rota_err ask(struct rota_span a, uint64_t took_s, uint64_t *got)
{
	*got = 0;
	return rota_signed_time_read(&rota_crypto_openssl, &keys, &question, a, took_s, got);
}

TEST(an_answer_by_a_key_of_time_tells_the_time)
{
	uint64_t got;

	start();
	CHECK_OK(ask(answer(p256, "rota-time-v1", NOW), 0, &got));
	CHECK_EQ(got, NOW);
	CHECK_OK(ask(answer(ed, "rota-time-v1", NOW + 1), 60, &got));
	CHECK_EQ(got, NOW + 1);
}

TEST(an_answer_by_another_key_tells_nothing)
{
	uint64_t got;

	start();
	CHECK_EQ(ask(answer(other, "rota-time-v1", NOW), 0, &got), ROTA_ERR_ROLE);
	CHECK_EQ(got, 0);
	keys.count = 0;
	CHECK_EQ(ask(answer(p256, "rota-time-v1", NOW), 0, &got), ROTA_ERR_ROLE);
}

TEST(an_answer_after_a_minute_tells_nothing)
{
	uint64_t got;

	start();
	CHECK_EQ(ask(answer(p256, "rota-time-v1", NOW), 61, &got), ROTA_ERR_TIMEOUT);
	CHECK_EQ(got, 0);
}

TEST(an_answer_to_another_question_does_not_verify)
{
	struct rota_span a;
	uint64_t got;

	start();
	a = answer(p256, "rota-time-v1", NOW);
	ROW("another nonce");
	question.nonce[15] ^= 1;
	CHECK_EQ(ask(a, 0, &got), ROTA_ERR_SIGNATURE);
	question.nonce[15] ^= 1;
	ROW("another device");
	question.device_id =
		ROTA_STR("ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	CHECK_EQ(ask(a, 0, &got), ROTA_ERR_SIGNATURE);
	question.device_id = ROTA_STR(ID);
	ROW("another second");
	room[0] ^= 1;
	CHECK_EQ(ask(a, 0, &got), ROTA_ERR_SIGNATURE);
	ROW("another purpose");
	CHECK_EQ(ask(answer(p256, "rota-time-v2", NOW), 0, &got), ROTA_ERR_SIGNATURE);
	ROW("the same of another scheme");
	a = answer(ed, "rota-time-v2", NOW);
	CHECK_EQ(ask(a, 0, &got), ROTA_ERR_SIGNATURE);
	CHECK_EQ(got, 0);
}

TEST(every_cut_and_every_byte_too_many_is_refused)
{
	struct rota_span a;
	uint64_t got;

	start();
	a = answer(p256, "rota-time-v1", NOW);
	for (size_t len = 0; len < a.len; len++)
		CHECK_EQ(ask(rota_span(a.p, len), 0, &got), ROTA_ERR_FORMAT);
	CHECK_EQ(ask(rota_span(a.p, a.len + 1), 0, &got), ROTA_ERR_FORMAT);
	CHECK_EQ(ask(rota_span(a.p, ROTA_TIME_ANSWER_MAX + 1), 0, &got), ROTA_ERR_LIMIT);
}

TEST(a_scheme_that_the_device_has_not_is_no_time)
{
	struct rota_timesig by;
	uint64_t got;

	start();
	answer(p256, "rota-time-v1", NOW);
	to_key(p256, &by);
	room[8] = 7;
	rota_time_key_digest(&rota_crypto_openssl, (enum rota_alg)7, by.key, keys.sha256[0]);
	CHECK_EQ(ask(rota_span(room, 8 + 1 + 2 + 65 + 2 + 64), 0, &got), ROTA_ERR_UNSUPPORTED);
}

/* ---- tickets ---- */

static struct rota_ticket ticket_by(EVP_PKEY *pkey, uint32_t number, uint32_t seconds)
{
	uint8_t message[128];
	struct rota_writer w = rota_writer(ROTA_BUF(message));
	struct rota_ticket t = { .number = number, .seconds = seconds };

	rota_write_span(&w, ROTA_STR("rota-ticket-v1"));
	rota_write_span(&w, ROTA_STR(ID));
	rota_write_le32(&w, number);
	rota_write_le32(&w, seconds);
	sign(pkey, rota_writer_span(&w), &t.by);
	return t;
}

static enum rota_err judge(const struct rota_ticket *t, const char *id)
{
	return rota_ticket_verify(&rota_crypto_openssl, &keys, rota_span(id, strlen(id)), t);
}

TEST(a_ticket_is_carried_as_bytes_and_verified)
{
	uint8_t bytes[ROTA_TICKET_MAX];
	struct rota_ticket t, got;
	struct rota_span out;

	start();
	t = ticket_by(p256, 4, 86400);
	CHECK_OK(rota_ticket_encode(&t, ROTA_BUF(bytes), &out));
	CHECK_OK(rota_ticket_decode(out, &got));
	CHECK_EQ(got.number, 4);
	CHECK_EQ(got.seconds, 86400);
	CHECK_OK(judge(&got, ID));
	for (size_t len = 0; len < out.len; len++)
		CHECK_EQ(rota_ticket_decode(rota_span(bytes, len), &got), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_ticket_decode(rota_span(bytes, out.len + 1), &got), ROTA_ERR_FORMAT);
	bytes[7] = 2;
	CHECK_EQ(rota_ticket_decode(out, &got), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(rota_ticket_encode(&t, rota_buf(bytes, out.len - 1), &out), ROTA_ERR_LIMIT);
	t.by.key.len = 0;
	CHECK_EQ(rota_ticket_encode(&t, ROTA_BUF(bytes), &out), ROTA_ERR_ARGUMENT);
}

TEST(a_ticket_for_another_device_or_of_other_numbers_does_not_verify)
{
	struct rota_ticket t;

	start();
	t = ticket_by(ed, 1, 60);
	CHECK_OK(judge(&t, ID));
	CHECK_EQ(judge(&t, ID "0"), ROTA_ERR_SIGNATURE);
	CHECK_EQ(judge(&t, "00"), ROTA_ERR_SIGNATURE);
	t.seconds++;
	CHECK_EQ(judge(&t, ID), ROTA_ERR_SIGNATURE);
	t.seconds--;
	t.number++;
	CHECK_EQ(judge(&t, ID), ROTA_ERR_SIGNATURE);
	t = ticket_by(other, 1, 60);
	CHECK_EQ(judge(&t, ID), ROTA_ERR_ROLE);
}

TESTS(T(an_answer_by_a_key_of_time_tells_the_time), T(an_answer_by_another_key_tells_nothing),
	T(an_answer_after_a_minute_tells_nothing), T(an_answer_to_another_question_does_not_verify),
	T(every_cut_and_every_byte_too_many_is_refused),
	T(a_scheme_that_the_device_has_not_is_no_time),
	T(a_ticket_is_carried_as_bytes_and_verified),
	T(a_ticket_for_another_device_or_of_other_numbers_does_not_verify))
