/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/order_maker.h -- key-set records and recovery orders with real signatures, right by default.
 *
 * The JSON is put together by hand, with nothing of rota/codec. What is made lives until the program ends.
 */
#ifndef TESTS_UNIT_ORDER_MAKER_H
#define TESTS_UNIT_ORDER_MAKER_H

#include "rota/base/span.h"
#include "tests/unit/repo_maker.h"

/* The anchor of these tests: three keys of the maker, two of whom sign. */
#define ORDER_KEYS 3
extern const int order_keys[ORDER_KEYS];

/* {"_type":"recovery-keys",...} of the three, and its SHA-256. */
struct rota_span order_record(uint8_t sha256[32]);

/* Members of an order as JSON text; NULL: as below. */
struct order_plan {
	const char *add_keys; /* [] */
	const char *devices; /* [] */
	unsigned epoch; /* 0: 1 */
	const char *hardware; /* ["demo-1"] */
	const char *image; /* null */
	const char *product; /* sensor */
	const char *retire_keys; /* [] */
	const char *root; /* null */
	const char *running; /* [] */
	const char *further; /* nothing: put before the last bracket of `signed` */
	int signers[3]; /* of order_keys, ascending; all 0: the first two */
	int signer_count;
};

/* The order's file, signed. */
struct rota_span order_make(const struct order_plan *plan);

/* `signed` of that file, as text, and a file of it with these signatures (the value of `signatures`). */
struct rota_span order_signed(const struct order_plan *plan);
struct rota_span order_with(struct rota_span sign, const char *signatures);

/* {"key":place,"sig":...} by one of the maker's keys. */
const char *order_signature(int place, int key, struct rota_span sign);

/* The uncompressed point of a key, 65 bytes. */
struct rota_span order_point(int key);

#endif
