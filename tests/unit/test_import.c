/* SPDX-License-Identifier: Apache-2.0 */
/* An export that comes in (SPEC 37.9): whole, of rows that the registry made, the one that was approved; else nothing of it
 * is kept. */
#include "host/campaign/import.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/seal_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#define DEVICES 1100 /* more than a piece that is read at once */
#define AT(row) (ROTA_EXPORT_HEAD_LEN + (uint64_t)(row)*ROTA_ROW_LEN)

static struct seal_scene s;
static struct rota_import_plan plan;
static uint32_t rows;
static char to[256];

static void begin(uint32_t count)
{
	seal_scene_begin(&s, count);
	snprintf(to, sizeof(to), "%s", tempdir_path("taken"));
	plan = (struct rota_import_plan){ .from = s.export_path,
		.to = to,
		.sha256 = s.export_sha256,
		.most = count,
		.crypto = &rota_crypto_openssl,
		.registry = &s.registry };
	memcpy(plan.product, s.plan.product, sizeof(plan.product));
}

/* Refused, and nothing is there but the export itself. */
static bool refused(enum rota_err want)
{
	size_t before = tempdir_count();

	return rota_import(&plan, &rows, &s.why) == want && rows == 0 && !rota_file_exists(to) &&
		tempdir_count() == before;
}

TEST(a_whole_one_is_taken)
{
	struct rota_bytes from, is;

	begin(DEVICES);
	CHECK_OK(rota_import(&plan, &rows, &s.why));
	CHECK_EQ(rows, DEVICES);
	CHECK_OK(rota_file_read(s.export_path, 1 << 20, &from, &s.why));
	CHECK_OK(rota_file_read(to, 1 << 20, &is, &s.why));
	CHECK(rota_span_eq(rota_bytes_span(&from), rota_bytes_span(&is)));
	rota_bytes_free(&from);
	rota_bytes_free(&is);
	CHECK_OK(rota_import(&plan, &rows, &s.why)); /* once more */
	tempdir_remove();
}

TEST(a_supplement_names_no_digest)
{
	begin(3);
	s.rows[1].counter = 2;
	seal_scene_export(&s);
	plan.sha256 = NULL;
	CHECK_OK(rota_import(&plan, &rows, &s.why));
	tempdir_remove();
}

TEST(another_export_than_was_approved)
{
	static uint8_t other[32];

	begin(3);
	plan.sha256 = other;
	CHECK(refused(ROTA_ERR_HASH));
	tempdir_remove();
}

/* Each byte of a row is under its HMAC; whoever made the digest fit changed nothing about that. */
TEST(a_row_that_the_registry_did_not_make)
{
	begin(DEVICES);
	for (uint32_t row = 0; row < DEVICES; row += 549) {
		static const uint8_t byte[] = { 0xa5 };

		seal_scene_export(&s);
		seal_scene_patch(&s, AT(row) + 113 + 10, ROTA_SPAN(byte));
		CHECK(refused(ROTA_ERR_SIGNATURE));
	}
	tempdir_remove();
}

TEST(rows_of_another_product_or_out_of_order)
{
	struct rota_row row;

	begin(3);
	row = s.rows[0];
	s.rows[0] = s.rows[1];
	s.rows[1] = row;
	seal_scene_export(&s);
	CHECK(refused(ROTA_ERR_FORMAT));
	s.rows[0] = s.rows[1];
	seal_scene_export(&s);
	CHECK(refused(ROTA_ERR_FORMAT));
	begin(3);
	s.rows[2].product[0] ^= 1;
	seal_scene_export(&s);
	CHECK(refused(ROTA_ERR_PRODUCT));
	plan.product[0] ^= 1;
	CHECK(refused(ROTA_ERR_PRODUCT));
	tempdir_remove();
}

TEST(more_devices_than_were_approved)
{
	begin(3);
	plan.most = 2;
	CHECK(refused(ROTA_ERR_CEILING));
	tempdir_remove();
}

/* Cut, longer, of another count than it says, or none at all. */
TEST(one_that_is_not_whole)
{
	static const size_t lengths[] = { 0, 31, 32, AT(0) + 255, AT(2) + 255, AT(3) + 1 };
	struct rota_bytes all;

	begin(3);
	plan.sha256 = NULL;
	CHECK_OK(rota_file_read(s.export_path, 1 << 20, &all, &s.why));
	rota_bytes_add(&all, ROTA_STR("x"));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CHECK_OK(
			rota_file_write(s.export_path, rota_span(all.p, lengths[i]), 0600, &s.why));
		CHECK(refused(ROTA_ERR_FORMAT));
	}
	for (uint8_t count = 2; count <= 4; count = (uint8_t)(count + 2)) {
		CHECK_OK(rota_file_write(s.export_path, rota_span(all.p, AT(3)), 0600, &s.why));
		seal_scene_patch(&s, 16, rota_span(&count, 1));
		plan.most = 9;
		CHECK(refused(ROTA_ERR_FORMAT));
	}
	rota_bytes_free(&all);
	plan.from = "/nowhere/at/all";
	CHECK_EQ(rota_import(&plan, &rows, &s.why), ROTA_ERR_NOT_FOUND);
	tempdir_remove();
}

TESTS(T(a_whole_one_is_taken), T(a_supplement_names_no_digest), T(another_export_than_was_approved),
	T(a_row_that_the_registry_did_not_make), T(rows_of_another_product_or_out_of_order),
	T(more_devices_than_were_approved), T(one_that_is_not_whole))
