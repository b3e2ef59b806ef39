/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/order.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/orders.h"

void order_allow(const struct device *d, const struct rota_bootstate *state, uint32_t epoch,
	struct order_in_force *kept, struct rota_boot_policy *policy)
{
	struct rota_order_desk desk;
	struct rota_flash_file places;
	enum rota_err err;

	if (state->order_phase == ROTA_ORDER_NONE_YET)
		return;
	err = rota_orders_open(&places, d->fd);
	if (err == ROTA_OK) {
		rota_boot_order_load(&kept->order, &desk, &places.port, state, &d->rom.rom,
			&rota_crypto_openssl, epoch);
		err = kept->order.verdict;
		rota_boot_order_allow(&kept->order, kept->keys, policy);
		rota_flash_file_close(&places);
	}
	if (err != ROTA_OK)
		say("the recovery order does not count: %s (SPEC 15.3)", rota_err_str(err));
}
