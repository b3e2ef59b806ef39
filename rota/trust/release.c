/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/release.h"
#include "rota/codec/version.h"

/* Take `part` and a '/' behind it off the front of *path. */
static bool take_segment(struct rota_span *path, struct rota_span part)
{
	if (!rota_span_starts(*path, part))
		return false;
	*path = rota_span_skip(*path, part.len);
	if (!rota_span_starts(*path, ROTA_STR("/")))
		return false;
	*path = rota_span_skip(*path, 1);
	return true;
}

enum rota_err rota_release_agrees(
	const struct rota_release *r, const struct rota_release_device *device)
{
	struct rota_span rest = device->path;
	uint8_t version[ROTA_VERSION_TEXT_MAX];
	size_t len = rota_version_format(r->version, version);

	if (!rota_span_eq(rota_name_span(&r->product), device->product))
		return ROTA_ERR_PRODUCT;
	if (!take_segment(&rest, device->role))
		return ROTA_ERR_VERSION;
	if (!take_segment(&rest, device->product))
		return ROTA_ERR_PRODUCT;
	if (!take_segment(&rest, rota_span(version, len)))
		return ROTA_ERR_VERSION;
	return rota_span_eq(rest, ROTA_STR("release.json")) ? ROTA_OK : ROTA_ERR_VERSION;
}

static bool has_slot(const struct rota_release_device *device, const struct rota_name *slot)
{
	for (size_t i = 0; i < device->slot_count; i++)
		if (rota_span_eq(device->slots[i], rota_name_span(slot)))
			return true;
	return false;
}

static bool same_name(const struct rota_name *a, const struct rota_name *b)
{
	return rota_span_eq(rota_name_span(a), rota_name_span(b));
}

enum rota_err rota_release_fits(const struct rota_release *r, const struct rota_release_want *want,
	const struct rota_release_device *device)
{
	const struct rota_component *all = want->components;

	if (r->component_count == 0)
		return ROTA_ERR_HARDWARE;
	for (uint8_t i = 0; i < r->component_count; i++) {
		if (!has_slot(device, &all[i].slot))
			return ROTA_ERR_HARDWARE;
		for (uint8_t k = 0; k < i; k++) {
			if (same_name(&all[i].name, &all[k].name) ||
				same_name(&all[i].slot, &all[k].slot))
				return ROTA_ERR_FORMAT;
			if (all[i].has_digest && all[k].has_digest &&
				all[i].counter != all[k].counter)
				return ROTA_ERR_COUNTER;
		}
	}
	return ROTA_OK;
}

/* Version in which the component `name` will be there after the installation; false when it will not. */
static bool version_after(const struct rota_release *r, const struct rota_release_want *want,
	const struct rota_installed *installed, size_t installed_count,
	const struct rota_name *name, uint64_t *version)
{
	for (uint8_t i = 0; i < r->component_count; i++)
		if (same_name(&want->components[i].name, name)) {
			*version = r->version;
			return true;
		}
	for (size_t i = 0; i < installed_count; i++)
		if (rota_span_eq(installed[i].name, rota_name_span(name))) {
			*version = installed[i].version;
			return true;
		}
	return false;
}

enum rota_err rota_release_depends_met(const struct rota_release *r,
	const struct rota_release_want *want, const struct rota_installed *installed,
	size_t installed_count)
{
	for (uint8_t i = 0; i < r->component_count; i++) {
		const struct rota_component *c = &want->components[i];

		for (uint8_t k = 0; k < c->depend_count; k++) {
			uint64_t version;

			if (!version_after(r, want, installed, installed_count, &c->depends[k].name,
				    &version) ||
				version < c->depends[k].min)
				return ROTA_ERR_VERSION;
		}
	}
	return ROTA_OK;
}

static bool downgrade_permitted(uint64_t version, const struct rota_release_running *running)
{
	if (running->has_before && version == running->before)
		return true;
	for (size_t i = 0; i < running->revert_count; i++)
		if (running->revert_to[i] == version)
			return true;
	return false;
}

enum rota_err rota_release_follows(
	const struct rota_release *r, const struct rota_release_running *running)
{
	if (r->version < running->version && !downgrade_permitted(r->version, running))
		return ROTA_ERR_DOWNGRADE;
	return r->minimum > running->version ? ROTA_ERR_VERSION : ROTA_OK;
}
