/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool rota_inventory_parse(const char *name, struct rota_inventory_file *out)
{
	static const char ending[] = ".json";
	size_t len;
	char *end;

	if (*name < '1' || *name > '9')
		return false;
	errno = 0;
	out->version = strtoull(name, &end, 10);
	if (*end != '.' || errno || out->version > ROTA_STORE_VERSION_MAX)
		return false;
	end++;
	len = strlen(end);
	if (len < sizeof(ending) || strcmp(end + len - (sizeof(ending) - 1), ending) != 0)
		return false;
	len -= sizeof(ending) - 1;
	if (len >= sizeof(out->role))
		return false;
	memcpy(out->role, end, len);
	out->role[len] = 0;
	return true;
}

static int by_role(const void *a, const void *b)
{
	const struct rota_inventory_file *fa = a, *fb = b;
	int order = strcmp(fa->role, fb->role);

	return order ? order : (fa->version > fb->version) - (fa->version < fb->version);
}

enum rota_err rota_inventory_load(
	const char *path, struct rota_inventory *out, struct rota_fail *why)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	size_t room = 0;

	*out = (struct rota_inventory){ 0 };
	if (!d)
		return rota_fail_errno(why, errno, "cannot list %s", path);
	while ((entry = readdir(d)) != NULL) {
		if (out->count == room) {
			room = room ? 2 * room : 64;
			out->at = realloc(out->at, room * sizeof(*out->at));
			if (!out->at)
				abort();
		}
		out->count += rota_inventory_parse(entry->d_name, &out->at[out->count]);
	}
	closedir(d);
	if (out->count)
		qsort(out->at, out->count, sizeof(*out->at), by_role);
	return ROTA_OK;
}

void rota_inventory_free(struct rota_inventory *inventory)
{
	free(inventory->at);
	*inventory = (struct rota_inventory){ 0 };
}

uint64_t rota_inventory_newest(const struct rota_inventory *inventory, const char *role)
{
	size_t low = 0, high = inventory->count;

	while (low < high) { /* the first one behind the role's */
		size_t mid = low + (high - low) / 2;

		if (strcmp(inventory->at[mid].role, role) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || strcmp(inventory->at[low - 1].role, role) != 0)
		return 0;
	return inventory->at[low - 1].version;
}
