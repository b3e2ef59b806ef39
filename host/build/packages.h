/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/packages.h -- what is installed on the machine that builds, from dpkg's own list.
 *
 * A build sees all of /usr and nothing else of the machine, so what is installed is what it was made with.
 */
#ifndef HOST_BUILD_PACKAGES_H
#define HOST_BUILD_PACKAGES_H

#include "host/base/json.h"

/* dpkg's list of a large machine has some 5 MB. */
#define ROTA_PACKAGES_MAX (64u * 1024 * 1024)

/* List of {"name","purl","version"}, in the order of `path` (NULL: where dpkg keeps it); empty where there is no dpkg.
 * `vendor` is the purl's namespace: "debian". The caller decrefs. */
ROTA_MUST_USE enum rota_err rota_packages_read(
	const char *path, const char *vendor, json_t **out, struct rota_fail *why);

/* ID of /etc/os-release, "debian" where there is none. */
void rota_packages_vendor(char out[static 32]);

/* The package of that name; NULL when it is not installed. Borrowed. */
const json_t *rota_packages_find(const json_t *packages, const char *name);

#endif
