/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery orders. Read in one piece and byte by byte, an order says the same; its lists keep to their bounds;
 * and unsigned bytes never pass the anchor. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/order.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum rota_err take(struct rota_order_reader *r, struct rota_span file, size_t step)
{
	static uint8_t names[ROTA_ORDER_NAMES_ROOM], value[ROTA_ORDER_VALUE_ROOM];

	rota_order_begin(r, &rota_crypto_openssl, ROTA_STR("00"), ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += step)
		ROTA_TRY(rota_order_feed(r, rota_span_slice(file, at, step)));
	return rota_order_end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_order_reader r, again;
	const struct rota_keyset anchor = {
		.threshold = 1, .count = 1, .key = { { .alg = ROTA_ALG_ECDSA_P256 } }
	};
	const struct rota_order *o = &r.order;

	if (len == 0 || take(&r, rota_span(data, len), len) != ROTA_OK)
		return 0;
	if (take(&again, rota_span(data, len), 1) != ROTA_OK ||
		memcmp(&again.order, o, sizeof(*o)) != 0 ||
		memcmp(again.digest, r.digest, sizeof(r.digest)) != 0)
		abort();
	if (o->epoch == 0 || o->hardware_count == 0 ||
		o->hardware_count > ROTA_ORDER_HARDWARE_MAX ||
		o->running_count > ROTA_ORDER_RUNNING_MAX || o->add_count > ROTA_ORDER_KEYS_MAX ||
		o->retire_count > ROTA_ORDER_KEYS_MAX || o->device_count > ROTA_ORDER_DEVICES_MAX)
		abort();
	if (rota_order_signed(&r, &anchor, &rota_crypto_openssl) == ROTA_OK)
		abort();
	return 0;
}
