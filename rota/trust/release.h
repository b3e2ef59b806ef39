/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/release.h -- may this device install this release?
 *
 * Each function is one rule of SPEC 7, on a release that was verified and decoded for the device's hardware.
 */
#ifndef ROTA_TRUST_RELEASE_H
#define ROTA_TRUST_RELEASE_H

#include "rota/codec/release.h"

/* The device, and where it asked for the release. */
struct rota_release_device {
	struct rota_span
		role; /* that signed the release: `releases` or `ci`, the path's first segment */
	struct rota_span path; /* target path that was asked for */
	struct rota_span product;
	const struct rota_span *slots; /* slot names of the device */
	size_t slot_count;
};

/* What runs now. */
struct rota_release_running {
	uint64_t version;
	bool has_before; /* a version was confirmed before the running one */
	uint64_t before;
	const uint64_t *revert_to; /* as the running release's own signed file lists it */
	size_t revert_count;
};

/* A component that is on the device, for dependencies on what a release does not bring itself. */
struct rota_installed {
	struct rota_span name;
	uint64_t version; /* of the release that it came with */
};

/* Product, version and path say the same: ROLE/PRODUCT/VERSION/release.json (SPEC 7.2).
 * ROTA_ERR_PRODUCT: another product. ROTA_ERR_VERSION: the path names another version, or is another path. */
ROTA_MUST_USE enum rota_err rota_release_agrees(
	const struct rota_release *r, const struct rota_release_device *device);

/* There is something for the hardware, and a slot for each part of it (SPEC 7.2): the components that
 * `want` kept.
 * ROTA_ERR_HARDWARE: none for this hardware, or a slot that the device lacks. ROTA_ERR_FORMAT: two
 * components of one name, or for one slot. ROTA_ERR_COUNTER: images with different security counters (SPEC 16.5). */
ROTA_MUST_USE enum rota_err rota_release_fits(const struct rota_release *r,
	const struct rota_release_want *want, const struct rota_release_device *device);

/* What components depend on comes with the release, or is there (SPEC 7.1).
 * ROTA_ERR_VERSION: it is missing or older than asked. */
ROTA_MUST_USE enum rota_err rota_release_depends_met(const struct rota_release *r,
	const struct rota_release_want *want, const struct rota_installed *installed,
	size_t installed_count);

/* No downgrade that nothing permits, no jump over the minimum (SPEC 7.3).
 * ROTA_ERR_DOWNGRADE: older than what runs, not the version confirmed before it, and not in its revert_to.
 * ROTA_ERR_VERSION: `minimum` is above what runs. */
ROTA_MUST_USE enum rota_err rota_release_follows(
	const struct rota_release *r, const struct rota_release_running *running);

#endif
