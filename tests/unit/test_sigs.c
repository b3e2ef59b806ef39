/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds over one message, by rings of real P-256 keys. Rows are recipes: each letter is a key. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/key.h"
#include "rota/trust/sigs.h"
#include "tests/unit/repo_maker.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define MARK 1u
#define MESSAGE "what is signed"

static const char *const ecdsa = "ecdsa";
static const char *const p256 = "ecdsa-sha2-nistp256";

/* Letter to key pair: 'a' and 'A' are one public key under two ids. */
static int key_of(char letter)
{
	return letter >= 'a' ? letter - 'a' : letter - 'A';
}

static enum rota_err add(
	struct rota_keyring *ring, struct rota_span id, const char *scheme, struct rota_span text)
{
	const struct rota_tuf_event e = { .kind = ROTA_TUF_KEY,
		.id = id,
		.keytype = rota_span_cstr(ecdsa),
		.scheme = rota_span_cstr(scheme),
		.text = text };

	return rota_keyring_add(ring, &e, MARK);
}

static enum rota_err add_key(struct rota_keyring *ring, char letter)
{
	struct maker_bytes spki = maker_spki(key_of(letter));
	uint8_t raw[ROTA_P256_KEY_LEN], hex[2 * ROTA_P256_KEY_LEN];
	size_t len;

	ROTA_TRY(rota_key_raw_spki(
		&rota_scheme_p256, rota_span(spki.p, spki.len), ROTA_BUF(raw), &len));
	ROTA_TRY(rota_hex_encode(rota_span(raw, len), ROTA_BUF(hex)));
	return add(ring, rota_span(&letter, 1), p256, ROTA_SPAN(hex));
}

/* A signature by a letter's key; x: of something else, y: no signature at all. */
static enum rota_err add_sig(struct rota_sigs *s, char letter, char how)
{
	static const char other[] = "something else";
	struct maker_bytes message = { (uint8_t *)(uintptr_t)MESSAGE, sizeof(MESSAGE) - 1 }, sig;
	char hex[161] = "no hex";

	if (how == 'x')
		message = (struct maker_bytes){ (uint8_t *)(uintptr_t)other, sizeof(other) - 1 };
	if (how != 'y') {
		sig = maker_sign(key_of(letter), message);
		maker_hex(sig.p, sig.len, hex);
	}
	return rota_sigs_add(s,
		&(struct rota_tuf_event){
			.id = rota_span(&letter, 1), .text = rota_span_cstr(hex) });
}

/* An empty ring, and signatures that are yet to come: at most 8 and 4. */
static struct rota_keyring new_ring(const struct rota_limits *limits)
{
	static struct rota_key keys[8];
	static uint8_t raw[8 * ROTA_P256_KEY_LEN];

	memset(keys, 0, sizeof(keys));
	return (struct rota_keyring){
		.crypto = &rota_crypto_openssl, .limits = limits, .key = keys, .raw = raw
	};
}

static struct rota_sigs new_sigs(const struct rota_keyring *ring)
{
	static struct rota_sig sigs[4];
	static uint8_t raw[4 * ROTA_P256_SIG_LEN];
	static struct rota_verify verify[4];

	return (struct rota_sigs){ .ring = ring, .sig = sigs, .raw = raw, .verify = verify };
}

#define LIMITS(list, max_keys, max_sigs)                                                           \
	.schemes = (list), .keys = (max_keys), .key_len = ROTA_P256_KEY_LEN, .sigs = (max_sigs),   \
	.sig_len = ROTA_P256_SIG_LEN

static const struct {
	const char *reason;
	const char *keys; /* of the role */
	uint32_t threshold;
	const char *sigs; /* letter and how: '.' good */
	enum rota_err err;
} rows[] = {
	{ "one of one", "a", 1, "a.", ROTA_OK },
	{ "two of three", "abc", 2, "a.c.", ROTA_OK },
	{ "in any order", "abc", 2, "c.a.", ROTA_OK },
	{ "three where two do", "abc", 2, "a.b.c.", ROTA_OK },
	{ "a bad one beside two good ones", "abc", 2, "axb.c.", ROTA_OK },
	{ "a malformed one beside two good ones", "abc", 2, "ayb.c.", ROTA_OK },
	{ "unknown keys beside", "ab", 2, "f.a.g.b.", ROTA_OK },
	{ "none", "a", 1, "", ROTA_ERR_THRESHOLD },
	{ "one where two must be", "abc", 2, "a.", ROTA_ERR_THRESHOLD },
	{ "one good, one bad", "abc", 2, "a.bx", ROTA_ERR_THRESHOLD },
	{ "one good, one malformed", "abc", 2, "a.by", ROTA_ERR_THRESHOLD },
	{ "of unknown keys only", "abc", 1, "f.g.", ROTA_ERR_THRESHOLD },
	{ "more needed than there are keys", "ab", 3, "a.b.", ROTA_ERR_THRESHOLD },
	{ "a threshold of 0 passes nothing", "ab", 0, "a.b.", ROTA_ERR_THRESHOLD },
	{ "no keys, no threshold", "", 0, "", ROTA_ERR_THRESHOLD },
	{ "one public key under two ids", "aA", 2, "a.A.", ROTA_ERR_THRESHOLD },
	{ "one public key under two ids, and another", "aAb", 2, "a.A.b.", ROTA_OK },
	{ "its first signature is bad, the second counts", "aAb", 2, "axA.b.", ROTA_OK },
	{ "the same id twice", "ab", 2, "a.a.", ROTA_ERR_FORMAT },
	{ "the same id twice, the first malformed", "ab", 2, "aya.b.", ROTA_ERR_FORMAT },
	{ "more signatures of known keys than room", "abcde", 2, "a.b.c.d.e.", ROTA_ERR_LIMIT },
	{ "unknown ones take no room", "abcde", 2, "f.g.h.i.j.a.b.", ROTA_OK },
};

static enum rota_err verdict(size_t row)
{
	const struct rota_limits limits = { LIMITS(rota_schemes_all, 8, 4) };
	struct rota_keyring ring = new_ring(&limits);
	struct rota_sigs s = new_sigs(&ring);
	enum rota_err err = ROTA_OK;

	for (const char *k = rows[row].keys; *k != '\0'; k++)
		ROTA_TRY(add_key(&ring, *k));
	rota_sigs_begin(&s, rows[row].threshold, MARK);
	for (const char *p = rows[row].sigs; *p != '\0' && err == ROTA_OK; p += 2)
		err = add_sig(&s, p[0], p[1]);
	if (err != ROTA_OK)
		return err;
	rota_sigs_signed(&s);
	for (size_t i = 0; i < sizeof(MESSAGE) - 1; i++)
		rota_sigs_update(&s, rota_span(&MESSAGE[i], 1));
	return rota_sigs_verdict(&s);
}

TEST(thresholds_count_distinct_public_keys)
{
	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].reason);
		CHECK_EQ(verdict(i), rows[i].err);
	}
	ROW(NULL);
}

TEST(an_unknown_scheme_is_an_unknown_key)
{
	const struct rota_limits limits = { LIMITS(rota_schemes_p256, 1, 0) };
	struct rota_keyring ring = new_ring(&limits);

	CHECK_OK(add(&ring, ROTA_STR("id"), "lms-sha256", ROTA_STR("0102")));
	CHECK_EQ(ring.key[0].marks, 0);
	CHECK_EQ(add(&ring, ROTA_STR("id"), p256, ROTA_STR("0102")), ROTA_ERR_FORMAT);
	CHECK_EQ(ring.key[0].marks, 0);
	CHECK_OK(add_key(&ring, 'a'));
	CHECK_EQ(add_key(&ring, 'b'), ROTA_ERR_LIMIT);
}

/* A key that needs a stream counts, and is no key that is silently left out, where there is no room for streams. */
TEST(a_streamed_scheme_needs_streams)
{
	static const char zeros[] = "00000000000000000000000000000000"
				    "00000000000000000000000000000000";
	const struct rota_tuf_event e = { .kind = ROTA_TUF_KEY,
		.id = ROTA_STR("id"),
		.keytype = ROTA_STR("ed25519"),
		.scheme = ROTA_STR("ed25519"),
		.text = ROTA_STR(zeros) };
	const struct rota_sigs_streams *streams[] = { NULL, &rota_sigs_streamed };
	const enum rota_err errs[] = { ROTA_ERR_LIMIT, ROTA_OK };

	for (size_t i = 0; i < 2; i++) {
		const struct rota_limits limits = { LIMITS(rota_schemes_all, 1, 1),
			.streams = streams[i] };
		struct rota_keyring ring = new_ring(&limits);
		struct rota_sigs s = new_sigs(&ring);

		CHECK_OK(rota_keyring_add(&ring, &e, MARK));
		rota_sigs_begin(&s, 1, MARK);
		CHECK_EQ(rota_sigs_add(&s, &e), errs[i]);
		rota_sigs_drop(&s);
	}
}

static struct rota_key *find(const struct rota_keyring *ring, char letter, uint8_t marks)
{
	return rota_keyring_find(ring, marks, rota_span(&letter, 1));
}

/* Marks of one file's keys and of the next one's, as the session sets them. */
#define OLD 2u

TEST(keys_are_dropped_by_their_marks)
{
	const struct rota_limits limits = { LIMITS(rota_schemes_p256, 3, 0) };
	struct rota_keyring ring = new_ring(&limits);

	CHECK_OK(add_key(&ring, 'a'));
	CHECK_OK(add_key(&ring, 'b'));
	ring.key[1].marks = OLD;
	CHECK_OK(add_key(&ring, 'c'));
	rota_keyring_keep(&ring, OLD); /* b stays where it is */
	CHECK(find(&ring, 'b', OLD) == &ring.key[1]);
	CHECK(find(&ring, 'b', MARK) == NULL);
	CHECK(find(&ring, 'a', MARK | OLD) == NULL);
	CHECK_OK(add_key(&ring, 'B'));
	CHECK_OK(add_key(&ring, 'd'));
	CHECK_EQ(add_key(&ring, 'e'), ROTA_ERR_LIMIT);
	CHECK(rota_keyring_first(&ring, 1, OLD));
	CHECK(!rota_keyring_first(&ring, 1, OLD | MARK)); /* B before it is the same public key */
	CHECK(!rota_keyring_first(&ring, 1, MARK));
	rota_keyring_keep(&ring, 0);
	for (size_t i = 0; i < limits.keys; i++)
		CHECK_EQ(ring.key[i].marks, 0);
}

TESTS(T(thresholds_count_distinct_public_keys), T(an_unknown_scheme_is_an_unknown_key),
	T(a_streamed_scheme_needs_streams), T(keys_are_dropped_by_their_marks))
