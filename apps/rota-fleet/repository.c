/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/repository.h"
#include "host/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum rota_err load(const struct repository *r, const char *path, struct rota_bytes *out)
{
	char whole[ROTA_FILE_PATH_MAX];
	struct rota_fail why;

	*out = (struct rota_bytes){ 0 };
	if (snprintf(whole, sizeof(whole), "%s/%s", r->dir, path) >= (int)sizeof(whole))
		return ROTA_ERR_LIMIT;
	return rota_file_read(whole, REPOSITORY_FILE_MAX, out, &why);
}

enum rota_err repository_file(struct repository *r, const char *path, struct rota_span *out)
{
	struct repository_file *f = &r->at[r->count];
	struct rota_bytes bytes;
	enum rota_err err;

	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->at[i].path, path) == 0) {
			*out = rota_bytes_span(&r->at[i].bytes);
			return out->p ? ROTA_OK : ROTA_ERR_NOT_FOUND;
		}
	}
	if (r->count == REPOSITORY_FILES_MAX)
		return ROTA_ERR_LIMIT;
	err = load(r, path, &bytes);
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	f->path = strdup(path);
	if (f->path == NULL)
		abort();
	f->bytes = bytes;
	*out = rota_bytes_span(&bytes);
	r->count++;
	return err;
}

void repository_forget(struct repository *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->at[i].path);
		rota_bytes_free(&r->at[i].bytes);
	}
	r->count = 0;
}
