/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery orders and key-set records as they are read (SPEC 12.2, 15.1, 15.2), and the judgement on them (15.3). */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/order.h"
#include "tests/unit/order_maker.h"
#include "tests/unit/test.h"

#define DEVICE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"
#define IMAGE                                                                                      \
	"{\"component\":\"main\",\"counter\":7,\"digest\":\"" D1                                   \
	"\",\"length\":4096,\"sha256\":\"" D2 "\",\"version\":\"1.2.3\"}"

static uint8_t names[ROTA_ORDER_NAMES_ROOM], value[ROTA_ORDER_VALUE_ROOM];

static enum rota_err read_order(struct rota_order_reader *r, struct rota_span file, size_t step)
{
	rota_order_begin(
		r, &rota_crypto_openssl, ROTA_STR(DEVICE), ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += step)
		ROTA_TRY(rota_order_feed(r, rota_span_slice(file, at, step)));
	return rota_order_end(r);
}

static enum rota_err read_keyset(
	struct rota_keyset_reader *r, struct rota_span file, const uint8_t sha256[32])
{
	rota_keyset_begin(r, &rota_crypto_openssl, ROTA_BUF(names), ROTA_BUF(value));
	ROTA_TRY(rota_keyset_feed(r, file));
	return rota_keyset_end(r, sha256);
}

static struct rota_keyset anchor(void)
{
	struct rota_keyset_reader r;
	uint8_t sha256[32];
	struct rota_span record = order_record(sha256);

	if (read_keyset(&r, record, sha256) != ROTA_OK)
		r.keyset.count = 0; /* no order is signed then */
	return r.keyset;
}

/* ---- the record ---- */

TEST(a_record_is_believed_by_its_digest_alone)
{
	struct rota_keyset_reader r;
	uint8_t sha256[32];
	struct rota_span record = order_record(sha256);

	CHECK_OK(read_keyset(&r, record, sha256));
	CHECK_EQ(r.keyset.count, 3);
	CHECK_EQ(r.keyset.threshold, 2);
	CHECK_EQ(r.keyset.key[2].alg, ROTA_ALG_ECDSA_P256);
	CHECK(rota_span_eq(ROTA_SPAN(r.keyset.key[2].raw), order_point(order_keys[2])));
	sha256[31] ^= 1;
	CHECK_EQ(read_keyset(&r, record, sha256), ROTA_ERR_HASH);
}

#define KEY(alg, last)                                                                             \
	"{\"alg\":" #alg                                                                           \
	",\"public\":\"04000000000000000000000000000000000000000000000000000000000000000000000"    \
	"0000000000000000000000000000000000000000000000000000000000" last "\"}"
#define RECORD(keys, lms, threshold)                                                               \
	"{\"_type\":\"recovery-keys\",\"format\":1,\"keys\":[" keys "],\"lms\":" lms               \
	",\"threshold\":" #threshold "}"

TEST(records_that_are_wrong)
{
	static const struct {
		const char *why, *text;
		enum rota_err err;
	} rows[] = {
		{ "right", RECORD(KEY(1, "1"), "null", 1), ROTA_OK },
		{ "a key of another algorithm is kept", RECORD(KEY(6, "1"), "null", 1), ROTA_OK },
		{ "an LMS key counts", RECORD(KEY(1, "1"), "{\"alg\":5,\"public\":\"00\"}", 2),
			ROTA_OK },
		{ "LMS of another algorithm",
			RECORD(KEY(1, "1"), "{\"alg\":1,\"public\":\"00\"}", 2), ROTA_ERR_FORMAT },
		{ "a key twice", RECORD(KEY(1, "1") "," KEY(1, "1"), "null", 1), ROTA_ERR_FORMAT },
		{ "no key", RECORD("", "null", 1), ROTA_ERR_FORMAT },
		{ "threshold 0", RECORD(KEY(1, "1"), "null", 0), ROTA_ERR_FORMAT },
		{ "threshold above the keys", RECORD(KEY(1, "1"), "null", 2), ROTA_ERR_FORMAT },
		{ "a short key", RECORD(KEY(1, ""), "null", 1), ROTA_ERR_FORMAT },
		{ "another kind", "{\"_type\":\"image-keys\",\"format\":1}", ROTA_ERR_ROLE },
		{ "another format", "{\"_type\":\"recovery-keys\",\"format\":2}",
			ROTA_ERR_UNSUPPORTED },
		{ "no members", "{}", ROTA_ERR_FORMAT },
		{ "no JSON", "keys", ROTA_ERR_SPELLING },
	};
	struct rota_keyset_reader r;
	uint8_t sha256[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		rota_sha256_of(&rota_crypto_openssl, rota_span_cstr(rows[i].text), sha256);
		CHECK_EQ(read_keyset(&r, rota_span_cstr(rows[i].text), sha256), rows[i].err);
	}
}

TEST(a_record_has_a_longest_length)
{
	static uint8_t blanks[ROTA_KEYSET_MAX + 1];
	struct rota_keyset_reader r;

	rota_keyset_begin(&r, &rota_crypto_openssl, ROTA_BUF(names), ROTA_BUF(value));
	CHECK_EQ(rota_keyset_feed(&r, ROTA_SPAN(blanks)), ROTA_ERR_LIMIT);
}

/* ---- the order ---- */

TEST(an_order_is_read_in_pieces_of_any_size)
{
	char hex[131];
	struct maker_text add = { NULL, 0, 0 };
	struct order_plan plan = {
		.devices = "[\"" OTHER "\",\"" DEVICE "\"]",
		.epoch = 4294967295,
		.hardware = "[\"demo-1\",\"demo-2\"]",
		.image = IMAGE,
		.retire_keys = "[\"" D2 "\"]",
		.root = "{\"length\":900,\"sha256\":\"" D1 "\",\"version\":12}",
		.running = "[\"" D1 "\",\"" D2 "\"]",
	};
	struct rota_order_reader r;
	struct rota_span file;

	maker_hex(order_point(KEY_IMAGE).p, 65, hex);
	maker_printf(&add, "[{\"alg\":1,\"public\":\"%s\"}]", hex);
	plan.add_keys = add.p;
	file = order_make(&plan);
	for (size_t step = 1; step < file.len + 50; step += 13) {
		const struct rota_order *o = &r.order;

		CHECK_OK(read_order(&r, file, step));
		CHECK_EQ(o->epoch, 4294967295);
		CHECK_EQ(o->hardware_count, 2);
		CHECK_EQ(o->device_count, 2);
		CHECK(o->names_device);
		CHECK_EQ(o->running_count, 2);
		CHECK_EQ(o->running[1][31], 0x22);
		CHECK(o->has_image && o->has_root);
		CHECK_EQ(o->image.counter, 7);
		CHECK_EQ(o->image.version >> 32, 0x01020003);
		CHECK_EQ(o->image.length, 4096);
		CHECK_EQ(o->image.digest[0], 0x11);
		CHECK_EQ(o->image.sha256[0], 0x22);
		CHECK_EQ(o->root.version, 12);
		CHECK_EQ(o->root.length, 900);
		CHECK_EQ(o->add_count, 1);
		CHECK(rota_span_eq(ROTA_SPAN(o->add[0]), order_point(KEY_IMAGE)));
		CHECK_EQ(o->retire_count, 1);
		CHECK_EQ(r.signature_count, 2);
	}
}

TEST(orders_that_are_malformed)
{
	static const struct {
		const char *why;
		struct order_plan plan;
		enum rota_err err;
	} rows[] = {
		{ "the least", { .epoch = 1 }, ROTA_OK },
		{ "a member too many", { .further = ",\"zeal\":1" }, ROTA_ERR_FORMAT },
		{ "no hardware", { .hardware = "[]" }, ROTA_ERR_FORMAT },
		{ "nine hardware ids",
			{ .hardware = "[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]" },
			ROTA_ERR_LIMIT },
		{ "no hardware id", { .hardware = "[\"A\"]" }, ROTA_ERR_FORMAT },
		{ "a hardware id too long",
			{ .hardware = "[\"aaaaaaaaaabbbbbbbbbbccccccccccddd\"]" },
			ROTA_ERR_FORMAT },
		{ "half a device id", { .devices = "[\"00\"]" }, ROTA_ERR_FORMAT },
		{ "an image without its digest", { .image = "{\"component\":\"main\"}" },
			ROTA_ERR_FORMAT },
		{ "an image of no length",
			{ .image = "{\"component\":\"main\",\"counter\":7,\"digest\":\"" D1
				   "\",\"length\":0,\"sha256\":\"" D2 "\",\"version\":\"1.2.3\"}" },
			ROTA_ERR_FORMAT },
		{ "an image with a member too many",
			{ .image = "{\"component\":\"main\",\"counter\":7,\"digest\":\"" D1
				   "\",\"length\":1,\"sha256\":\"" D2
				   "\",\"up\":1,\"version\":\"1.2.3\"}" },
			ROTA_ERR_FORMAT },
		{ "no image, and no null", { .image = "[]" }, ROTA_ERR_FORMAT },
		{ "root version 0",
			{ .root = "{\"length\":1,\"sha256\":\"" D1 "\",\"version\":0}" },
			ROTA_ERR_FORMAT },
		{ "a key of another algorithm", { .add_keys = "[{\"alg\":2,\"public\":\"00\"}]" },
			ROTA_ERR_UNSUPPORTED },
		{ "a short key", { .add_keys = "[{\"alg\":1,\"public\":\"00\"}]" },
			ROTA_ERR_FORMAT },
		{ "three keys retired", { .retire_keys = "[\"" D1 "\",\"" D1 "\",\"" D1 "\"]" },
			ROTA_ERR_LIMIT },
		{ "a running digest that is none", { .running = "[\"x\"]" }, ROTA_ERR_FORMAT },
		{ "a product that is no name", { .product = "" }, ROTA_ERR_FORMAT },
	};
	struct rota_order_reader r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(read_order(&r, order_make(&rows[i].plan), 4000), rows[i].err);
	}
}

TEST(files_that_are_no_order)
{
	static const struct {
		const char *why, *text;
		enum rota_err err;
	} rows[] = {
		{ "another type", "{\"signatures\":[],\"signed\":{\"_type\":\"root\"}}",
			ROTA_ERR_ROLE },
		{ "nothing signed", "{\"signatures\":[]}", ROTA_ERR_FORMAT },
		{ "no signatures", "{\"signed\":{\"_type\":\"recovery\"}}", ROTA_ERR_FORMAT },
		{ "signatures that do not ascend",
			"{\"signatures\":[{\"key\":1,\"sig\":\"\"},{\"key\":1,\"sig\":\"\"}]",
			ROTA_ERR_FORMAT },
		{ "a member before", "{\"a\":1,\"signatures\":[]", ROTA_ERR_FORMAT },
		{ "a key beyond 255", "{\"signatures\":[{\"key\":256,\"sig\":\"\"}]",
			ROTA_ERR_LIMIT },
		{ "cut off", "{\"signatures\":[", ROTA_ERR_SPELLING },
	};
	struct rota_order_reader r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(read_order(&r, rota_span_cstr(rows[i].text), 4000), rows[i].err);
	}
}

TEST(an_order_has_a_longest_length)
{
	static uint8_t blanks[ROTA_ORDER_MAX + 1];
	struct rota_order_reader r;

	CHECK_EQ(read_order(&r, ROTA_SPAN(blanks), sizeof(blanks)), ROTA_ERR_LIMIT);
}

/* ---- who signed ---- */

static enum rota_err judge_signed(struct rota_span sign, const char *signatures)
{
	struct rota_keyset set = anchor();
	struct rota_order_reader r;

	ROTA_TRY(read_order(&r, order_with(sign, signatures), 100));
	return rota_order_signed(&r, &set, &rota_crypto_openssl);
}

static const char *list(const char *a, const char *b, const char *c)
{
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t, "[%s%s%s%s%s]", a, *b ? "," : "", b, *c ? "," : "", c);
	return t.p;
}

TEST(as_many_keys_as_the_threshold_says)
{
	struct rota_span sign = order_signed(&(struct order_plan){ .epoch = 3 });
	struct rota_span other = order_signed(&(struct order_plan){ .epoch = 4 });
	const char *s0 = order_signature(0, order_keys[0], sign);
	const char *s1 = order_signature(1, order_keys[1], sign);
	const char *s2 = order_signature(2, order_keys[2], sign);
	const char *lms = "{\"key\":255,\"sig\":\"00\"}";

	CHECK_OK(judge_signed(sign, list(s0, s1, "")));
	CHECK_OK(judge_signed(sign, list(s1, s2, "")));
	CHECK_OK(judge_signed(sign, list(s0, s1, s2)));
	CHECK_OK(judge_signed(sign, list(s0, s1, lms)));
	ROW("one that does not verify does no harm");
	CHECK_OK(judge_signed(sign, list(s0, "{\"key\":1,\"sig\":\"00\"}", s2)));
	CHECK_OK(judge_signed(sign, list(s0, order_signature(1, KEY_ROGUE1, sign), s2)));
	ROW("too few");
	CHECK_EQ(judge_signed(sign, "[]"), ROTA_ERR_THRESHOLD);
	CHECK_EQ(judge_signed(sign, list(s0, "", "")), ROTA_ERR_THRESHOLD);
	CHECK_EQ(judge_signed(sign, list(s0, lms, "")), ROTA_ERR_THRESHOLD);
	ROW("one person in two places");
	CHECK_EQ(judge_signed(sign, list(s0, order_signature(1, order_keys[0], sign), "")),
		ROTA_ERR_THRESHOLD);
	ROW("keys that are not the record's");
	CHECK_EQ(judge_signed(sign,
			 list(order_signature(0, KEY_ROGUE1, sign),
				 order_signature(1, KEY_ROGUE2, sign), "")),
		ROTA_ERR_THRESHOLD);
	CHECK_EQ(judge_signed(sign, list(s0, order_signature(3, order_keys[1], sign), "")),
		ROTA_ERR_THRESHOLD);
	ROW("over something else");
	CHECK_EQ(judge_signed(other, list(s0, s1, "")), ROTA_ERR_THRESHOLD);
}

TEST(every_changed_bit_of_what_is_signed_is_noticed)
{
	struct rota_span file = order_make(&(struct order_plan){ .image = IMAGE });
	struct rota_keyset set = anchor();
	uint8_t *bad = maker_room(file.len);
	struct rota_order_reader r;
	size_t from = 0;

	while (!rota_span_starts(rota_span_skip(file, from), ROTA_STR("\"signed\":")))
		from++;
	for (size_t at = from; at < file.len; at++) {
		memcpy(bad, file.p, file.len);
		bad[at] ^= (uint8_t)(1u << at % 8);
		CHECK(read_order(&r, rota_span(bad, file.len), 4000) != ROTA_OK ||
			rota_order_signed(&r, &set, &rota_crypto_openssl) != ROTA_OK);
	}
}

/* ---- for whom ---- */

TEST(an_order_applies_to_whom_it_names)
{
	static const uint8_t runs[1][32] = { { 0 } };
	static uint8_t d1[1][32];
	static const struct {
		const char *why;
		struct order_plan plan;
		uint32_t epoch;
		bool stored, runs_d1;
		enum rota_err err;
	} rows[] = {
		{ "all", { .epoch = 1 }, 0, false, false, ROTA_OK },
		{ "another product", { .product = "lamp" }, 0, false, false, ROTA_ERR_PRODUCT },
		{ "other hardware", { .hardware = "[\"demo-2\"]" }, 0, false, false,
			ROTA_ERR_HARDWARE },
		{ "this hardware too", { .hardware = "[\"demo-2\",\"demo-1\"]" }, 0, false, false,
			ROTA_OK },
		{ "this device", { .devices = "[\"" DEVICE "\"]" }, 0, false, false, ROTA_OK },
		{ "another device", { .devices = "[\"" OTHER "\"]" }, 0, false, false,
			ROTA_ERR_DENIED },
		{ "what runs", { .running = "[\"" D1 "\"]" }, 0, false, true, ROTA_OK },
		{ "what does not run", { .running = "[\"" D1 "\"]" }, 0, false, false,
			ROTA_ERR_STATE },
		{ "what does not run, and was stored", { .running = "[\"" D1 "\"]" }, 0, true,
			false, ROTA_OK },
		{ "its own image runs", { .running = "[\"" D2 "\"]", .image = IMAGE }, 0, false,
			true, ROTA_OK },
		{ "a higher epoch", { .epoch = 9 }, 8, false, false, ROTA_OK },
		{ "the same epoch, another order", { .epoch = 9 }, 9, false, false,
			ROTA_ERR_VERSION },
		{ "the same order", { .epoch = 9 }, 9, true, false, ROTA_OK },
		{ "a lower epoch", { .epoch = 8 }, 9, false, false, ROTA_ERR_VERSION },
		{ "a lower epoch, though it was stored", { .epoch = 8 }, 9, true, false,
			ROTA_ERR_VERSION },
	};
	struct rota_order_reader r;

	memset(d1, 0x11, sizeof(d1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_order_facts facts = {
			.product = ROTA_STR("sensor"),
			.hardware = ROTA_STR("demo-1"),
			.running = rows[i].runs_d1 ? (const uint8_t(*)[32])d1 : runs,
			.running_count = 1,
			.epoch = rows[i].epoch,
		};

		ROW(rows[i].why);
		CHECK_OK(read_order(&r, order_make(&rows[i].plan), 4000));
		facts.stored = rows[i].stored ? r.file_sha256 : NULL;
		CHECK_EQ(rota_order_applies(&r, &facts), rows[i].err);
	}
}

/* ---- keys ---- */

TEST(the_last_usable_key_is_never_retired)
{
	static uint8_t d1[32], d2[32];
	struct rota_rom rom = { .key_count = 2,
		.key = { { .hash = ROTA_SPAN(d1) }, { .hash = ROTA_SPAN(d2) } } };
	struct rota_order o = { .retire_count = 1 };
	uint8_t to = 9;

	memset(d1, 0x11, sizeof(d1));
	memset(d2, 0x22, sizeof(d2));
	CHECK_OK(rota_order_key_floor(&o, &rom, &to)); /* a key of other devices */
	CHECK_EQ(to, 0);
	memset(o.retire[0], 0x11, 32);
	CHECK_OK(rota_order_key_floor(&o, &rom, &to));
	CHECK_EQ(to, 1);
	memset(o.retire[0], 0x22, 32);
	CHECK_EQ(rota_order_key_floor(&o, &rom, &to), ROTA_ERR_DENIED);
	memset(o.retire[0], 0x11, 32);
	rom.key_count = 1;
	CHECK_EQ(rota_order_key_floor(&o, &rom, &to), ROTA_ERR_DENIED);
}

TEST(an_added_key_has_the_hash_that_images_name_it_by)
{
	struct maker_bytes spki = maker_spki(KEY_IMAGE);
	uint8_t want[32], got[32];

	maker_sha256(spki, want);
	rota_order_key_hash(&rota_crypto_openssl, order_point(KEY_IMAGE).p, got);
	CHECK_MEM(got, want, 32);
}

TESTS(T(a_record_is_believed_by_its_digest_alone), T(records_that_are_wrong),
	T(a_record_has_a_longest_length), T(an_order_is_read_in_pieces_of_any_size),
	T(orders_that_are_malformed), T(files_that_are_no_order), T(an_order_has_a_longest_length),
	T(as_many_keys_as_the_threshold_says), T(every_changed_bit_of_what_is_signed_is_noticed),
	T(an_order_applies_to_whom_it_names), T(the_last_usable_key_is_never_retired),
	T(an_added_key_has_the_hash_that_images_name_it_by))
