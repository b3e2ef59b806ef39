/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/orderplace.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/test.h"

static uint8_t record[300], first[700], second[900];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(second); i++) {
		record[i % sizeof(record)] = (uint8_t)(i * 3);
		first[i % sizeof(first)] = (uint8_t)(i * 5 + 1);
		second[i] = (uint8_t)(i * 7 + 2);
	}
}

/* What is compared with what comes. */
static enum rota_err same(void *ctx, struct rota_span piece)
{
	struct rota_span *left = ctx;

	if (!rota_span_starts(*left, piece))
		return ROTA_ERR_CORRUPT;
	*left = rota_span_skip(*left, piece.len);
	return ROTA_OK;
}

static bool holds(const struct rota_flash *flash, uint8_t place, struct rota_span order)
{
	struct rota_span keys = ROTA_SPAN(record);
	struct rota_orderplace p;

	return rota_orderplace_open(&p, flash, place) == ROTA_OK &&
		rota_orderplace_record(&p, &keys, same) == ROTA_OK && keys.len == 0 &&
		rota_orderplace_order(&p, &order, same) == ROTA_OK && order.len == 0;
}

static const struct {
	const char *name;
	uint32_t sector_len, sectors, unit;
	uint8_t erased;
} geometries[] = {
	{ "two sectors", 2048, 2, 4, 0xFF },
	{ "eight sectors, unit 32", 512, 8, 32, 0xFF },
	{ "an odd sector over, erased zero", 1024, 5, 1, 0x00 },
};

TEST(a_place_keeps_what_was_written)
{
	static struct flash_mem m;
	struct rota_orderplace p;

	fill();
	for (size_t g = 0; g < sizeof(geometries) / sizeof(geometries[0]); g++) {
		ROW(geometries[g].name);
		flash_mem_init(&m, geometries[g].sector_len, geometries[g].sectors,
			geometries[g].unit, geometries[g].erased);
		CHECK_EQ(rota_orderplace_open(&p, &m.port, 0), ROTA_ERR_NOT_FOUND);
		CHECK_OK(rota_orderplace_write(&m.port, 0, ROTA_SPAN(record), ROTA_SPAN(first)));
		CHECK_OK(rota_orderplace_write(&m.port, 1, ROTA_SPAN(record), ROTA_SPAN(second)));
		CHECK(holds(&m.port, 0, ROTA_SPAN(first)));
		CHECK(holds(&m.port, 1, ROTA_SPAN(second)));
	}
}

TEST(what_does_not_fit_is_refused)
{
	static struct flash_mem m;
	struct rota_orderplace p;

	flash_mem_init(&m, 512, 2, 8, 0xFF);
	CHECK_EQ(rota_orderplace_room(&m.port), 512 - 16);
	CHECK_EQ(rota_orderplace_write(&m.port, 0, rota_span(record, 296), rota_span(first, 201)),
		ROTA_ERR_FULL);
	CHECK_OK(rota_orderplace_write(&m.port, 0, rota_span(record, 296), rota_span(first, 200)));
	CHECK_EQ(rota_orderplace_write(&m.port, 2, rota_span(record, 1), rota_span(first, 1)),
		ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_orderplace_write(&m.port, 0, rota_span(record, 1), rota_span(first, 0)),
		ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_orderplace_open(&p, &m.port, 2), ROTA_ERR_ARGUMENT);
	flash_mem_init(&m, 512, 1, 8, 0xFF);
	CHECK_EQ(rota_orderplace_room(&m.port), 0);
	CHECK_EQ(rota_orderplace_open(&p, &m.port, 0), ROTA_ERR_ARGUMENT);
}

TEST(each_changed_bit_is_noticed)
{
	static struct flash_mem m;
	struct rota_orderplace p;

	fill();
	flash_mem_init(&m, 1024, 2, 4, 0xFF);
	CHECK_OK(rota_orderplace_write(&m.port, 0, rota_span(record, 50), rota_span(first, 70)));
	for (size_t bit = 0; bit < (16 + 50 + 2 + 70) * 8; bit++) {
		if (bit / 8 >= 66 && bit / 8 < 68)
			continue; /* padding */
		m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(rota_orderplace_open(&p, &m.port, 0) != ROTA_OK);
		m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	CHECK_OK(rota_orderplace_open(&p, &m.port, 0));
}

/* A cut at any operation leaves the place whole or nothing in it, and the other one as it was. */
TEST(a_cut_leaves_a_whole_order_or_none)
{
	static struct flash_mem m;
	unsigned whole = 0, cuts = 0;

	fill();
	for (size_t g = 0; g < sizeof(geometries) / sizeof(geometries[0]); g++) {
		ROW(geometries[g].name);
		for (uint32_t n = 1;; n++) {
			bool was_cut = false;

			for (int tear = 0; tear < FLASH_TEAR_COUNT; tear++) {
				struct rota_orderplace p;

				flash_mem_init(&m, geometries[g].sector_len, geometries[g].sectors,
					geometries[g].unit, geometries[g].erased);
				CHECK_OK(rota_orderplace_write(
					&m.port, 0, ROTA_SPAN(record), ROTA_SPAN(first)));
				CHECK_OK(rota_orderplace_write(
					&m.port, 1, ROTA_SPAN(record), ROTA_SPAN(first)));
				flash_mem_cut_at(
					&m, n, (enum flash_tear)tear, n * 7 + (uint32_t)tear);
				was_cut = rota_orderplace_write(&m.port, 1, ROTA_SPAN(record),
						  ROTA_SPAN(second)) != ROTA_OK;
				flash_mem_power(&m);
				CHECK(holds(&m.port, 0, ROTA_SPAN(first)));
				if (rota_orderplace_open(&p, &m.port, 1) == ROTA_OK) {
					CHECK(holds(&m.port, 1, ROTA_SPAN(second)) ||
						holds(&m.port, 1, ROTA_SPAN(first)));
					whole += was_cut;
				}
				CHECK_OK(rota_orderplace_write(
					&m.port, 1, ROTA_SPAN(record), ROTA_SPAN(second)));
				CHECK(holds(&m.port, 1, ROTA_SPAN(second)));
				cuts += was_cut;
			}
			if (!was_cut)
				break;
		}
	}
	CHECK(cuts > 1000 && whole > 0);
}

TESTS(T(a_place_keeps_what_was_written), T(what_does_not_fit_is_refused),
	T(each_changed_bit_is_noticed), T(a_cut_leaves_a_whole_order_or_none))
