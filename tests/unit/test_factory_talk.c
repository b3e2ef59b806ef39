/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/talk.h: two ends of one stream, what both remember of it, and what is sealed on the way (secret.h). */
#include "host/factory/secret.h"
#include "host/factory/talk.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct rota_talk one, other;
static struct rota_fail why;

static bool begin(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return false;
	one = (struct rota_talk){ .in = ends[0], .out = ends[0] };
	other = (struct rota_talk){ .in = ends[1], .out = ends[1] };
	return rota_talk_begin(&one, &why) == ROTA_OK && rota_talk_begin(&other, &why) == ROTA_OK;
}

static void end(void)
{
	rota_talk_end(&one);
	rota_talk_end(&other);
	rota_talk_end(&other);
	close(one.in);
	close(other.in);
}

static enum rota_err pass(
	const struct rota_talk *from, const struct rota_talk *to, const char *folder)
{
	const struct rota_factory_message say = { .kind = ROTA_FACTORY_MADE,
		.field = { [FACTORY_FOLDER] = rota_span_cstr(folder) } };
	struct rota_factory_message m;
	struct rota_bytes room;

	ROTA_TRY(rota_talk_say(from, &say, &why));
	ROTA_TRY(rota_talk_hear(to, ROTA_FACTORY_MADE, &room, &m, &why));
	rota_bytes_free(&room);
	return ROTA_OK;
}

static bool same(void)
{
	uint8_t a[ROTA_DIGEST_LEN], b[ROTA_DIGEST_LEN];

	rota_talk_said(&one, a);
	rota_talk_said(&other, b);
	return memcmp(a, b, sizeof(a)) == 0;
}

TEST(both_sides_remember_the_same_words)
{
	uint8_t before[ROTA_DIGEST_LEN], after[ROTA_DIGEST_LEN];

	CHECK(begin());
	CHECK(same());
	rota_talk_said(&one, before);
	CHECK_OK(pass(&one, &other, "/a"));
	CHECK(same());
	CHECK_OK(pass(&other, &one, "/b"));
	CHECK(same());
	rota_talk_said(&one, after);
	CHECK(memcmp(before, after, sizeof(after)) != 0);
	end();
}

/* Who carries the talk hears one side and says something else to the other. */
TEST(a_word_that_was_changed_on_the_way_shows)
{
	uint8_t room[64];
	struct rota_factory_message m;
	struct rota_bytes got;
	ssize_t len;

	for (unsigned way = 0; way < 2; way++) {
		const struct rota_talk *from = way ? &one : &other, *to = way ? &other : &one;
		const struct rota_factory_message say = { .kind = ROTA_FACTORY_MADE,
			.field = { [FACTORY_FOLDER] = ROTA_STR("/a") } };

		CHECK(begin());
		CHECK_OK(rota_talk_say(from, &say, &why));
		len = read(to->in, room, sizeof(room));
		CHECK(len > 4);
		room[len - 1] ^= 1;
		CHECK(write(from->in, room, (size_t)len) == len);
		CHECK_OK(rota_talk_hear(to, ROTA_FACTORY_MADE, &got, &m, &why));
		rota_bytes_free(&got);
		CHECK(!same());
		end();
	}
}

TEST(which_pcrs)
{
	const struct {
		const char *row;
		struct rota_span in;
		enum rota_err err;
		uint32_t pcrs;
	} rows[] = {
		{ "none", ROTA_SPAN(((uint8_t[]){ 0, 0, 0, 0 })), ROTA_OK, 0 },
		{ "all", ROTA_SPAN(((uint8_t[]){ 255, 255, 255, 0 })), ROTA_OK, 0xFFFFFF },
		{ "one that is not there", ROTA_SPAN(((uint8_t[]){ 0, 0, 0, 1 })), ROTA_ERR_FORMAT,
			1u << 24 },
		{ "short", ROTA_SPAN(((uint8_t[]){ 0, 0, 0 })), ROTA_ERR_FORMAT, 0 },
		{ "long", ROTA_SPAN(((uint8_t[]){ 1, 0, 0, 0, 0 })), ROTA_ERR_FORMAT, 1 },
	};
	uint8_t again[4];
	uint32_t pcrs;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].row);
		CHECK_EQ(rota_factory_pcrs_read(rows[i].in, &pcrs), rows[i].err);
		if (rows[i].err != ROTA_OK)
			continue;
		CHECK_EQ(pcrs, rows[i].pcrs);
		rota_factory_pcrs_write(pcrs, again);
		CHECK_MEM(again, rows[i].in.p, sizeof(again));
	}
}

/* ---- the factory secret ---- */

static const struct rota_hpke hpke = { .crypto = &rota_crypto_openssl, .aead = &rota_aead_openssl };
static const uint8_t device[ROTA_DEVICE_LEN] = { 1, 2 }, other_device[ROTA_DEVICE_LEN] = { 1, 3 };
static uint8_t psk[ROTA_PSK_LEN] = { 7, 7 };

static enum rota_err agree(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	return rota_p256_openssl.agree(rota_p256_openssl.ctx, ctx, peer, dh);
}

TEST(a_factory_secret_is_for_one_point_and_of_one_device)
{
	const struct rota_crypto *crypto = &rota_crypto_openssl;
	uint8_t secret[2][ROTA_P256_SECRET_LEN], to[2][ROTA_P256_KEY_LEN], got[ROTA_PSK_LEN];
	uint8_t identity[ROTA_P256_KEY_LEN], sealed[ROTA_FACTORY_SECRET_LEN];
	const struct rota_rot *rot = rot_begin_soft();
	struct rota_agreement own;

	CHECK(rot != NULL);
	CHECK_OK(rot->key_make(rot->ctx, ROTA_ROT_IDENTITY, identity));
	for (unsigned i = 0; i < 2; i++)
		CHECK_OK(rota_p256_openssl.make(rota_p256_openssl.ctx, secret[i], to[i]));
	CHECK_OK(rota_factory_secret_seal(
		&hpke, &rota_p256_openssl, rot, to[0], device, psk, sealed));
	CHECK_OK(rota_factory_secret_check(crypto, identity, to[0], device, ROTA_SPAN(sealed)));
	own = (struct rota_agreement){ .ctx = secret[0], .point = to[0], .dh = agree };
	CHECK_OK(rota_factory_secret_open(&hpke, &own, device, sealed, got));
	CHECK_MEM(got, psk, sizeof(psk));
	ROW("the carrier's point");
	CHECK_EQ(rota_factory_secret_check(crypto, identity, to[1], device, ROTA_SPAN(sealed)),
		ROTA_ERR_SIGNATURE);
	ROW("another device");
	CHECK_EQ(
		rota_factory_secret_check(crypto, identity, to[0], other_device, ROTA_SPAN(sealed)),
		ROTA_ERR_SIGNATURE);
	CHECK_EQ(rota_factory_secret_open(&hpke, &own, other_device, sealed, got),
		ROTA_ERR_SIGNATURE);
	ROW("another length");
	CHECK_EQ(rota_factory_secret_check(
			 crypto, identity, to[0], device, rota_span(sealed, sizeof(sealed) - 1)),
		ROTA_ERR_FORMAT);
	ROW("any bit");
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		CHECK(rota_factory_secret_check(
			      crypto, identity, to[0], device, ROTA_SPAN(sealed)) != ROTA_OK);
		sealed[i] ^= 1;
	}
	ROW("one that anybody sealed");
	CHECK_OK(rot->key_make(rot->ctx, ROTA_ROT_LDEVID_0, identity));
	CHECK_EQ(rota_factory_secret_check(crypto, identity, to[0], device, ROTA_SPAN(sealed)),
		ROTA_ERR_SIGNATURE);
}

TEST(a_talk_that_cannot_begin_says_nothing)
{
	struct rota_talk t = { .in = -1 };

	CHECK(begin());
	t.out = one.out;
	CHECK_EQ(rota_talk_begin(&t, &why), ROTA_ERR_IO);
	rota_talk_no(&t, &why);
	rota_talk_end(&t);
	end();
}

TESTS(T(both_sides_remember_the_same_words), T(a_word_that_was_changed_on_the_way_shows),
	T(which_pcrs), T(a_talk_that_cannot_begin_says_nothing),
	T(a_factory_secret_is_for_one_point_and_of_one_device))
