/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/check.h"
#include "boot/verify.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/image_make.h"
#include "tests/unit/test.h"

#define VERSION 0x0102000300000004 /* 1.2.3+4 */

static uint8_t image[IMAGE_MAKE_MAX];
static const uint8_t payload[3000] = { 'p', 'a', 'y' };

static struct image_spec good(void)
{
	return (struct image_spec){
		.version = VERSION,
		.counter = 5,
		.payload = ROTA_SPAN(payload),
	};
}

static enum rota_err parse(struct rota_image *im, size_t len, size_t piece)
{
	struct rota_span rest = rota_span(image, len);

	rota_image_begin(im, &rota_crypto_openssl);
	while (rest.len > 0) {
		ROTA_TRY(rota_image_update(im, rota_span_slice(rest, 0, piece)));
		rest = rota_span_skip(rest, piece);
	}
	return rota_image_finish(im);
}

static enum rota_err check(const struct rota_image *im, int keys, uint32_t counter)
{
	struct rota_rom rom = image_rom(keys);
	struct rota_boot_policy policy = {
		.crypto = &rota_crypto_openssl, .rom = &rom, .counter = counter
	};
	uint8_t by;

	return rota_boot_image_check(&im->info, &policy, &by);
}

TEST(an_image_is_read_in_pieces_of_any_size)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 31, 32, 33, 100, 1000, IMAGE_MAKE_MAX };
	struct image_spec spec = good();
	size_t len = image_make(&spec, image);
	uint8_t digest[32];
	struct rota_image im;

	rota_sha256_of(&rota_crypto_openssl, rota_span(image, len), digest);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		CHECK_OK(parse(&im, len, pieces[i]));
		CHECK(im.info.version == VERSION);
		CHECK_EQ(im.info.counter, 5);
		CHECK_EQ(im.info.payload_len, sizeof(payload));
		CHECK_EQ(im.info.file_len, len);
		CHECK_EQ(im.info.hardware_count, 1);
		CHECK_EQ(im.info.signature_count, 1);
		CHECK(rota_span_eq(rota_name_span(&im.info.product), ROTA_STR("sensor")));
		CHECK_MEM(im.info.file_sha256, digest, 32);
		CHECK_EQ(im.clause, 0);
		CHECK_OK(check(&im, 1, 5));
	}
	/* SPEC 6.2: the digest ends with the protected TLVs, 4 + 8 + 10 + 10 bytes after the payload */
	rota_sha256_of(&rota_crypto_openssl, rota_span(image, 32 + sizeof(payload) + 32), digest);
	CHECK_MEM(im.info.digest, digest, 32);
}

TEST(every_truncation_is_refused)
{
	struct image_spec spec = good();
	size_t len = image_make(&spec, image);
	struct rota_image im;

	for (size_t cut = 0; cut < len; cut++) {
		CHECK_EQ(parse(&im, cut, IMAGE_MAKE_MAX), ROTA_ERR_LENGTH);
		CHECK_EQ(im.clause, 1);
	}
	image[len] = 0;
	CHECK_EQ(parse(&im, len + 1, IMAGE_MAKE_MAX), ROTA_ERR_FORMAT); /* nothing follows */
}

TEST(every_changed_bit_is_refused)
{
	struct image_spec spec = good();
	struct rota_image im;
	size_t len;

	spec.payload.len = 40;
	len = image_make(&spec, image);
	for (size_t bit = 0; bit < len * 8; bit++) {
		enum rota_err err;

		image[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = parse(&im, len, IMAGE_MAKE_MAX);
		if (err == ROTA_OK)
			err = check(&im, 1, 5);
		image[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(err != ROTA_OK);
	}
	CHECK_OK(parse(&im, len, IMAGE_MAKE_MAX));
}

struct bad {
	const char *why, *protected_recipe, *tail_recipe;
	enum rota_err want;
	uint8_t clause;
};

TEST(bad_areas_are_refused)
{
	static const struct bad rows[] = {
		{ "no counter", "ph", NULL, ROTA_ERR_FORMAT, 3 },
		{ "no product", "ch", NULL, ROTA_ERR_FORMAT, 3 },
		{ "no hardware", "cp", NULL, ROTA_ERR_FORMAT, 3 },
		{ "nothing protected", "", NULL, ROTA_ERR_FORMAT, 3 },
		{ "counter twice", "ccph", NULL, ROTA_ERR_FORMAT, 3 },
		{ "product twice", "cpph", NULL, ROTA_ERR_FORMAT, 3 },
		{ "counter of 3 bytes", "Cph", NULL, ROTA_ERR_FORMAT, 3 },
		{ "product is no name", "cPh", NULL, ROTA_ERR_FORMAT, 3 },
		{ "hardware is no name", "cpH", NULL, ROTA_ERR_FORMAT, 3 },
		{ "nine hardware ids", "cphhhhhhhhh", NULL, ROTA_ERR_LIMIT, 3 },
		{ "unknown protected TLV", "cphx", NULL, ROTA_ERR_UNSUPPORTED, 3 },
		{ "empty protected TLV", "zcph", NULL, ROTA_ERR_FORMAT, 3 },
		{ "long protected TLV", "cphl", NULL, ROTA_ERR_UNSUPPORTED, 3 },
		{ "protected area too long", "cphllllll", NULL, ROTA_ERR_LIMIT, 3 },
		{ "no TLVs", NULL, "", ROTA_ERR_FORMAT, 4 },
		{ "no digest", NULL, "ks", ROTA_ERR_UNSUPPORTED, 4 },
		{ "digest only", NULL, "d", ROTA_ERR_FORMAT, 4 },
		{ "digest is not first", NULL, "ksd", ROTA_ERR_UNSUPPORTED, 4 },
		{ "digest twice", NULL, "ddks", ROTA_ERR_UNSUPPORTED, 4 },
		{ "another digest", NULL, "Dks", ROTA_ERR_HASH, 4 },
		{ "half a pair", NULL, "dk", ROTA_ERR_FORMAT, 4 },
		{ "a pair and a half", NULL, "dksK", ROTA_ERR_FORMAT, 4 },
		{ "signature without a key", NULL, "ds", ROTA_ERR_UNSUPPORTED, 4 },
		{ "two keys and a signature", NULL, "dkKs", ROTA_ERR_UNSUPPORTED, 4 },
		{ "three pairs", NULL, "dksKSks", ROTA_ERR_LIMIT, 4 },
		{ "short key hash", NULL, "dts", ROTA_ERR_FORMAT, 4 },
		{ "signature is no DER", NULL, "dkb", ROTA_ERR_FORMAT, 4 },
		{ "unknown TLV", NULL, "dksx", ROTA_ERR_UNSUPPORTED, 4 },
		{ "empty TLV", NULL, "dksz", ROTA_ERR_FORMAT, 4 },
		{ "area too long", NULL, "dksllllll", ROTA_ERR_LIMIT, 4 },
	};
	struct rota_image im;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image_spec spec = good();
		size_t len;

		ROW(rows[i].why);
		spec.protected_recipe = rows[i].protected_recipe;
		spec.tail_recipe = rows[i].tail_recipe;
		len = image_make(&spec, image);
		CHECK_EQ(parse(&im, len, 5), rows[i].want);
		CHECK_EQ(im.clause, rows[i].clause);
		CHECK_EQ(rota_image_update(&im, ROTA_STR("x")), rows[i].want); /* it sticks */
		CHECK_EQ(rota_image_want(&im), 0);
	}
}

TEST(bad_headers_are_refused)
{
	static const struct {
		const char *why;
		uint8_t at, value;
		enum rota_err want;
		uint8_t clause;
	} rows[] = {
		{ "magic", 0, 0x3C, ROTA_ERR_FORMAT, 1 },
		{ "load address", 4, 1, ROTA_ERR_UNSUPPORTED, 1 },
		{ "header size", 8, 64, ROTA_ERR_UNSUPPORTED, 1 },
		{ "protected size too large", 11, 5, ROTA_ERR_LIMIT, 3 },
		{ "protected size too small", 10, 3, ROTA_ERR_FORMAT, 3 },
		{ "protected size is not the area's", 10, 36, ROTA_ERR_FORMAT, 3 },
		{ "flags", 16, 1, ROTA_ERR_UNSUPPORTED, 1 },
		{ "pad", 28, 1, ROTA_ERR_FORMAT, 1 },
	};
	struct rota_image im;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image_spec spec = good();
		size_t len = image_make(&spec, image);

		ROW(rows[i].why);
		image[rows[i].at] = rows[i].value;
		CHECK_EQ(parse(&im, len, 100), rows[i].want);
		CHECK_EQ(im.clause, rows[i].clause);
	}
}

/* ---- SPEC 6.5 ---- */

TEST(the_device_decides)
{
	static const struct {
		const char *why, *product, *protected_recipe, *tail_recipe;
		int rom_keys;
		uint32_t counter;
		enum rota_err want;
	} rows[] = {
		{ "good", NULL, NULL, NULL, 1, 5, ROTA_OK },
		{ "second of two hardware ids", NULL, "chhp", NULL, 1, 0, ROTA_OK },
		{ "signed by both keys", NULL, NULL, "dksKS", 1, 0, ROTA_OK },
		{ "the other key first", NULL, NULL, "dKSks", 1, 0, ROTA_OK },
		{ "by the second ROM key", NULL, NULL, "dKS", 2, 0, ROTA_OK },
		{ "by a key that is not in ROM", NULL, NULL, "dKS", 1, 0, ROTA_ERR_DENIED },
		{ "another key's signature", NULL, NULL, "dkS", 2, 0, ROTA_ERR_SIGNATURE },
		{ "first pair bad, second good", NULL, NULL, "dkSKS", 2, 0, ROTA_OK },
		{ "another product", "toaster", NULL, NULL, 1, 0, ROTA_ERR_PRODUCT },
		{ "counter below the stored one", NULL, NULL, NULL, 1, 6, ROTA_ERR_COUNTER },
	};
	struct rota_image im;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image_spec spec = good();
		size_t len;

		ROW(rows[i].why);
		spec.product = rows[i].product;
		spec.protected_recipe = rows[i].protected_recipe;
		spec.tail_recipe = rows[i].tail_recipe;
		len = image_make(&spec, image);
		CHECK_OK(parse(&im, len, 100));
		CHECK_EQ(check(&im, rows[i].rom_keys, rows[i].counter), rows[i].want);
	}
}

TEST(the_rom_has_its_say)
{
	struct image_spec spec = good();
	size_t len = image_make(&spec, image);
	struct rota_rom rom = image_rom(1);
	struct rota_boot_policy policy = { .crypto = &rota_crypto_openssl, .rom = &rom };
	struct rota_image im;
	uint8_t by;

	CHECK_OK(parse(&im, len, 100));
	rom.hardware = ROTA_STR("demo-2");
	CHECK_EQ(rota_boot_image_check(&im.info, &policy, &by), ROTA_ERR_HARDWARE);
	rom = image_rom(1);
	rom.counter = 6; /* the factory's floor holds whatever is stored */
	CHECK_EQ(rota_boot_image_check(&im.info, &policy, &by), ROTA_ERR_COUNTER);
	rom = image_rom(1);
	rom.key[0].alg = ROTA_ALG_ED25519; /* TLV 0x22 is ECDSA */
	CHECK_EQ(rota_boot_image_check(&im.info, &policy, &by), ROTA_ERR_SIGNATURE);
}

/* ---- which keys vouch for an image ---- */

#define ROM(n) (1u << (n))
#define ADDED(n) (1u << (ROTA_BOOT_KEY_ADDED + (n)))
#define ORDER (1u << ROTA_BOOT_KEY_ORDER)

TEST(the_keys_that_count)
{
	static const struct {
		const char *why, *tail;
		int rom, floor,
			added; /* keys in ROM; floor; 1: an order adds key 1, 2: adds key 0 */
		bool order; /* the order in force names the image */
		enum rota_err want;
		unsigned keys;
	} rows[] = {
		{ "one key of two", "dks", 2, 0, 0, 0, ROTA_OK, ROM(0) },
		{ "the other key", "dKS", 2, 0, 0, 0, ROTA_OK, ROM(1) },
		{ "both sign", "dksKS", 2, 0, 0, 0, ROTA_OK, ROM(0) | ROM(1) },
		{ "retired", "dks", 2, 1, 0, 0, ROTA_ERR_DENIED, 0 },
		{ "both, one retired", "dksKS", 2, 1, 0, 0, ROTA_OK, ROM(1) },
		{ "after the rollover", "dKS", 2, 1, 0, 0, ROTA_OK, ROM(1) },
		{ "both, the one that counts is wrong", "dksKb", 2, 1, 0, 0, ROTA_ERR_FORMAT, 0 },
		{ "both, the signatures exchanged", "dkSKs", 2, 0, 0, 0, ROTA_ERR_SIGNATURE, 0 },
		{ "signed with the retired one in its name", "dKs", 2, 1, 0, 0, ROTA_ERR_SIGNATURE,
			0 },
		{ "all retired", "dksKS", 2, 2, 0, 0, ROTA_ERR_DENIED, 0 },
		{ "a floor beyond the keys", "dksKS", 2, 9, 0, 0, ROTA_ERR_DENIED, 0 },
		{ "not in ROM", "dKS", 1, 0, 0, 0, ROTA_ERR_DENIED, 0 },
		{ "added by an order", "dKS", 1, 0, 1, 0, ROTA_OK, ADDED(0) },
		{ "added, a wrong signature", "dKs", 1, 0, 1, 0, ROTA_ERR_SIGNATURE, 0 },
		{ "added again though retired", "dks", 2, 1, 2, 0, ROTA_OK, ADDED(0) },
		{ "the order's own image", "dks", 2, 1, 0, 1, ROTA_OK, ORDER },
		{ "the order's own, signed too", "dKS", 2, 1, 0, 1, ROTA_OK, ORDER | ROM(1) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_rom rom = image_rom(rows[i].rom), both = image_rom(2);
		struct rota_boot_policy policy = { .crypto = &rota_crypto_openssl, .rom = &rom };
		struct image_spec spec = good();
		struct rota_image im;
		uint8_t keys = 0;
		enum rota_err err;

		ROW(rows[i].why);
		spec.tail_recipe = rows[i].tail;
		policy.key_floor = (uint8_t)rows[i].floor;
		policy.added_count = rows[i].added > 0;
		policy.added = &both.key[rows[i].added == 1];
		err = parse(&im, image_make(&spec, image), 100);
		policy.order = rows[i].order ? im.info.digest : NULL;
		if (err == ROTA_OK)
			err = rota_boot_image_check(&im.info, &policy, &keys);
		CHECK_EQ(err, rows[i].want);
		CHECK_EQ(keys, rows[i].keys);
	}
}

TEST(an_order_vouches_for_no_other_image)
{
	struct rota_rom rom = image_rom(1);
	struct rota_boot_policy policy = { .crypto = &rota_crypto_openssl, .rom = &rom };
	uint8_t digest[32], keys;
	struct image_spec spec = good();
	struct rota_image im;

	spec.tail_recipe = "dKS";
	CHECK_OK(parse(&im, image_make(&spec, image), 100));
	memcpy(digest, im.info.digest, 32);
	policy.order = digest;
	CHECK_OK(rota_boot_image_check(&im.info, &policy, &keys));
	digest[31] ^= 1;
	CHECK_EQ(rota_boot_image_check(&im.info, &policy, &keys), ROTA_ERR_DENIED);
}

/* ---- from flash ---- */

static struct flash_mem mem;
static uint8_t sunk[sizeof(payload) + 1];
static size_t sunk_len;

static enum rota_err flash_read(void *ctx, uint64_t off, struct rota_buf to)
{
	struct rota_boot_source plain = rota_boot_source_flash(&mem.port);

	(void)ctx;
	return plain.read(plain.ctx, off, to);
}

static enum rota_err sink(void *ctx, struct rota_span data)
{
	(void)ctx;
	if (data.len > sizeof(sunk) - sunk_len)
		return ROTA_ERR_FULL;
	memcpy(&sunk[sunk_len], data.p, data.len);
	sunk_len += data.len;
	return ROTA_OK;
}

TEST(an_image_is_verified_where_it_lies)
{
	static const size_t rooms[] = { 1, 13, 32, 64, 4096 };
	const struct rota_boot_source source = { .read = flash_read, .sink = sink };
	struct image_spec spec = good();
	size_t len = image_make(&spec, image);
	struct rota_rom rom = image_rom(1);
	struct rota_boot_policy policy = {
		.crypto = &rota_crypto_openssl, .rom = &rom, .counter = 5
	};
	static uint8_t room[4096];
	struct rota_image im;
	uint8_t by;

	flash_mem_init(&mem, 4096, 2, 1, 0xFF); /* erased bytes follow the image */
	memcpy(mem.bytes, image, len);
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		sunk_len = 0;
		CHECK_OK(rota_boot_verify(&source, &policy, rota_buf(room, rooms[i]), &im, &by));
		CHECK_EQ(sunk_len, sizeof(payload));
		CHECK_MEM(sunk, payload, sizeof(payload));
	}
	policy.counter = 6;
	CHECK_EQ(rota_boot_verify(&source, &policy, ROTA_BUF(room), &im, &by),
		ROTA_ERR_FULL); /* sink */
	sunk_len = 0;
	CHECK_EQ(rota_boot_verify(&source, &policy, ROTA_BUF(room), &im, &by), ROTA_ERR_COUNTER);
	CHECK_EQ(im.clause, 5);
	mem.port.run[0].count = 1; /* the region ends before a payload that says it is longer */
	mem.bytes[13] = 0x10;
	sunk_len = 0;
	CHECK(rota_boot_verify(&source, &policy, ROTA_BUF(room), &im, &by) != ROTA_OK);
	CHECK_EQ(im.clause, 0);
}

TESTS(T(an_image_is_read_in_pieces_of_any_size), T(every_truncation_is_refused),
	T(every_changed_bit_is_refused), T(bad_areas_are_refused), T(bad_headers_are_refused),
	T(the_device_decides), T(the_rom_has_its_say), T(the_keys_that_count),
	T(an_order_vouches_for_no_other_image), T(an_image_is_verified_where_it_lies))
