/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that a campaign is sealed to: all that are meant, none else, in order, as signd made them. */
#include "host/base/digest.h"
#include "host/base/file.h"
#include "host/registry/export.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/fleet_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* A device straight into the database, with a row of `product`. */
static void put(unsigned device, const char *product, uint8_t state, uint8_t flags)
{
	struct rota_reg_device d = { .state = state };
	struct rota_row row = fleet_row(device, 1);

	strcpy(d.id, fleet_id(device));
	strcpy(d.group, device % 2 ? "odd" : "even");
	row.flags = flags;
	rota_row_product(&rota_crypto_openssl, rota_span_cstr(product), row.product);
	memcpy(d.row, fleet_row_bytes(&row).p, sizeof(d.row));
	fleet_must(fleet_reg.set_device(fleet_reg.ctx, &d, &fleet_why));
}

static void fill(void)
{
	tempdir_fresh();
	fleet_open("db");
	fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	for (unsigned i = 1000; i-- > 0;)
		put(i, FLEET_PRODUCT, i % 3 ? ROTA_REG_ACTIVE : ROTA_REG_ENROLLED, 0);
	fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
}

static void shut(void)
{
	fleet_close();
	tempdir_remove();
}

static enum rota_err export(const char *text, struct rota_exported *out) {
	static uint8_t product[ROTA_ROW_PRODUCT_LEN];
	struct rota_export_plan plan = { .product = product };
	struct rota_query * q;
	char path[256];
	enum rota_err err;

	snprintf(path, sizeof(path), "%s", tempdir_path("out"));
	plan.path = path;
	rota_row_product(&rota_crypto_openssl, ROTA_STR(FLEET_PRODUCT), product);
	fleet_must(rota_query_parse(text, &q, &fleet_why));
	plan.query = q;
	err = rota_export_write(&fleet_reg, &plan, out, &fleet_why);
	rota_query_free(q);
	return err;
}

/* The file is a head, and the rows of `first`, `first` + `step` and so on, below 1,000, but for `without`. */
static bool holds(const struct rota_exported *out, unsigned first, unsigned step, unsigned without)
{
	struct rota_bytes file = { 0 };
	struct rota_export head;
	uint8_t sha256[ROTA_DIGEST_LEN];
	size_t at = ROTA_EXPORT_HEAD_LEN;
	bool whole;

	fleet_must(rota_file_read(tempdir_path("out"), 1 << 20, &file, &fleet_why));
	rota_digest_of(rota_bytes_span(&file), sha256);
	if (rota_export_decode(file.p, &head) != ROTA_OK || head.count != out->count ||
		memcmp(sha256, out->sha256, sizeof(sha256)) != 0)
		return false;
	for (unsigned i = first; i < 1000; i += step) {
		struct rota_row row = fleet_row(i, 1);

		if (i == without)
			continue;
		if (at + ROTA_ROW_LEN > file.len ||
			memcmp(file.p + at, fleet_row_bytes(&row).p, ROTA_ROW_LEN) != 0)
			return false;
		at += ROTA_ROW_LEN;
	}
	whole = at == file.len;
	rota_bytes_free(&file);
	return whole;
}

TEST(all_that_are_meant_in_order)
{
	struct rota_exported out;

	fill();
	CHECK_OK(export("all", &out));
	CHECK_EQ(out.count, 1000);
	CHECK(holds(&out, 0, 1, 5000));
	CHECK_OK(export("group=odd", &out));
	CHECK_EQ(out.count, 500);
	CHECK(holds(&out, 1, 2, 5000));
	shut();
}

/* Who left the fleet, whose row says so, who is of another product: to none of them is sealed. */
TEST(none_else)
{
	static const struct {
		const char *why, *product;
		uint8_t state, flags;
	} rows[] = {
		{ "decommissioned", FLEET_PRODUCT, ROTA_REG_DECOMMISSIONED, 0 },
		{ "repaired", FLEET_PRODUCT, ROTA_REG_REPAIRED, 0 },
		{ "transferred", FLEET_PRODUCT, ROTA_REG_TRANSFERRED, 0 },
		{ "its row says so", FLEET_PRODUCT, ROTA_REG_ACTIVE, ROTA_ROW_GONE },
		{ "another product", "pump", ROTA_REG_ACTIVE, 0 },
	};
	struct rota_exported out;

	fill();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
		put(500, rows[i].product, rows[i].state, rows[i].flags);
		fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
		CHECK_OK(export("all", &out));
		CHECK_EQ(out.count, 999);
		CHECK(holds(&out, 0, 1, 500));
	}
	shut();
}

/* A file that stood there stays. */
TEST(nobody_is_meant)
{
	struct rota_exported out;

	fill();
	tempdir_put("out", "as it was");
	CHECK_EQ(export("group=none", &out), ROTA_ERR_NOT_FOUND);
	CHECK(strcmp(tempdir_get("out"), "as it was") == 0);
	shut();
}

TESTS(T(all_that_are_meant_in_order), T(none_else), T(nobody_is_meant))
