/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/rehearse.h"
#include "rota/trust/release.h"

/* As a device of this hardware; empty: read alone, whatever it is for. */
static enum rota_err read_as(struct rota_span text, struct rota_span hardware)
{
	static struct rota_component components[ROTA_RELEASE_COMPONENTS_MAX];
	static struct rota_release_decoder decoder;
	uint8_t names[ROTA_RELEASE_NAMES_ROOM], value[ROTA_RELEASE_VALUE_ROOM];
	struct rota_span slots[ROTA_RELEASE_COMPONENTS_MAX];
	const struct rota_release_want want = { .hardware = hardware,
		.components = components,
		.component_room = ROTA_RELEASE_COMPONENTS_MAX };
	struct rota_release_device device = { .slots = slots };

	rota_release_begin(&decoder, &want, ROTA_BUF(names), ROTA_BUF(value));
	ROTA_TRY(rota_release_feed(&decoder, text));
	ROTA_TRY(rota_release_end(&decoder));
	if (hardware.len == 0)
		return ROTA_OK;
	while (device.slot_count < decoder.release.component_count) {
		slots[device.slot_count] = rota_name_span(&components[device.slot_count].slot);
		device.slot_count++;
	}
	return rota_release_fits(&decoder.release, &want, &device);
}

static enum rota_err refused(enum rota_err err, const char *hardware, struct rota_fail *why)
{
	if (err == ROTA_ERR_COUNTER)
		return rota_fail(why, err,
			"the images for hardware %s have different security counters; give them "
			"one "
			"(SPEC 16.5)",
			hardware);
	return rota_fail(why, err,
		"for hardware %s two parts have one name, or one slot (SPEC 7.2)", hardware);
}

static enum rota_err read_for_all(
	const json_t *release, struct rota_span text, struct rota_fail *why)
{
	const json_t *components = json_object_get(release, "components");

	for (size_t i = 0; i < json_array_size(components); i++) {
		const json_t *list = json_object_get(json_array_get(components, i), "hardware");

		for (size_t k = 0; k < json_array_size(list); k++) {
			const char *id = json_string_value(json_array_get(list, k));
			enum rota_err err = read_as(text, rota_span_cstr(id));

			if (err != ROTA_OK)
				return refused(err, id, why);
		}
	}
	return ROTA_OK;
}

enum rota_err rota_rehearse_release(struct rota_span text, struct rota_fail *why)
{
	enum rota_err err = read_as(text, rota_span(NULL, 0));
	json_t *release;

	if (err != ROTA_OK)
		return rota_fail(why, err, "a device would refuse this release.json: %s (SPEC 7.1)",
			rota_err_str(err));
	ROTA_TRY(rota_json_parse_strict(text, &release, why));
	err = read_for_all(release, text, why);
	json_decref(release);
	return err;
}
