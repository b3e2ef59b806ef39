/* SPDX-License-Identifier: Apache-2.0 */
/* release.json: the decoder, and the rules of rota/trust/release.h on whatever it accepted. */
#include "rota/trust/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_component components[2];
	static struct rota_delta deltas[1];
	struct rota_release_want want = { .hardware = ROTA_STR("rev-b"),
		.group = ROTA_STR("lab"),
		.components = components,
		.component_room = 2,
		.deltas = deltas,
		.delta_room = 1 };
	struct rota_span slot = ROTA_STR("app");
	struct rota_release_device device = { .role = ROTA_STR("releases"),
		.path = ROTA_STR("releases/sensor/1.2.0/release.json"),
		.product = ROTA_STR("sensor"),
		.slots = &slot,
		.slot_count = 1 };
	uint8_t names[ROTA_RELEASE_NAMES_ROOM], value[ROTA_RELEASE_VALUE_ROOM];
	struct rota_release_decoder d;

	rota_release_begin(&d, &want, ROTA_BUF(names), ROTA_BUF(value));
	if (rota_release_feed(&d, rota_span(data, len)) != ROTA_OK ||
		rota_release_end(&d) != ROTA_OK)
		return 0;
	if (rota_release_agrees(&d.release, &device) == ROTA_OK &&
		rota_release_fits(&d.release, &want, &device) == ROTA_OK)
		return rota_release_depends_met(&d.release, &want, NULL, 0) == ROTA_ERR_IO;
	return 0;
}
