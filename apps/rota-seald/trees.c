/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/trees.h"
#include "host/campaign/part.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char suffix[] = ".sealed";

/* What the copies beside a sheet are of; false: they cannot be read, which counts when somebody asks for them. */
static bool read_head(const char *name, struct rota_copies *out)
{
	uint8_t head[ROTA_COPIES_HEAD_LEN];
	char *path = rota_text("%s.copies", name);
	struct rota_fail why;
	uint64_t len;
	bool good = false;
	int fd;

	if (rota_file_open(path, &fd, &len, &why) == ROTA_OK) {
		good = rota_part_pread(fd, 0, ROTA_BUF(head), path, &why) == ROTA_OK &&
			rota_copies_decode(head, out) == ROTA_OK;
		close(fd);
	}
	free(path);
	return good;
}

static bool is_of(const char *name, uint8_t purpose, uint32_t generation, uint16_t *tree)
{
	struct rota_copies copies;

	if (!read_head(name, &copies) || copies.purpose != purpose ||
		copies.generation != generation)
		return false;
	*tree = copies.tree;
	return true;
}

/* Take the tree in place of what was found, if it is a higher one and has the device. */
static enum rota_err look_in(const char *name, const uint8_t device[static ROTA_DEVICE_LEN],
	struct tree_place *out, struct rota_fail *why)
{
	enum rota_err err;

	snprintf(out->name, sizeof(out->name), "%s", name);
	ROTA_TRY(rota_backkeys_open(
		&out->ring, out->name, &rota_crypto_openssl, &rota_aead_openssl, why));
	err = rota_backkeys_find(&out->ring, device, &out->index, why);
	if (err != ROTA_OK)
		rota_backkeys_close(&out->ring);
	return err;
}

/* DIR/ID.TREE of a sheet's name, which the caller frees; NULL: it is no sheet's. */
static char *name_of(const char *dir, const char *file)
{
	size_t len = strlen(file), end = sizeof(suffix) - 1;

	if (len <= end || strcmp(file + len - end, suffix) != 0)
		return NULL;
	return rota_text("%s/%.*s", dir, (int)(len - end), file);
}

/* The next lower tree than `below` of purpose and generation: its name, which the caller frees. NULL: there is none. */
static char *next_below(
	const char *dir, uint8_t purpose, uint32_t generation, unsigned below, unsigned *found)
{
	struct dirent *entry;
	DIR *open = opendir(dir);
	char *best = NULL;

	while (open && (entry = readdir(open)) != NULL) {
		char *one = name_of(dir, entry->d_name);
		uint16_t tree;

		if (one && is_of(one, purpose, generation, &tree) && tree < below &&
			(!best || tree > *found)) {
			free(best);
			best = one;
			one = NULL;
			*found = tree;
		}
		free(one);
	}
	if (open)
		closedir(open);
	return best;
}

enum rota_err trees_find(const struct config *c, uint8_t purpose, uint32_t generation,
	const uint8_t device[static ROTA_DEVICE_LEN], struct tree_place *out, struct rota_fail *why)
{
	unsigned tree = UINT32_MAX;
	char dir[ROTA_FILE_PATH_MAX], *name;

	config_campaigns(c, dir);
	while ((name = next_below(dir, purpose, generation, tree, &tree)) != NULL) {
		enum rota_err err = look_in(name, device, out, why);

		free(name);
		if (err != ROTA_ERR_NOT_FOUND)
			return err;
	}
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "no such generation, or not of this device");
}

bool trees_overtake(
	const struct config *c, const uint8_t id[static 32], uint8_t purpose, uint32_t generation)
{
	char dir[ROTA_FILE_PATH_MAX];
	struct dirent *entry;
	bool overtake = false;
	DIR *open;

	config_campaigns(c, dir);
	open = opendir(dir);
	while (open && !overtake && (entry = readdir(open)) != NULL) {
		char *name = name_of(dir, entry->d_name);
		struct rota_copies copies;

		overtake = name && read_head(name, &copies) && copies.purpose == purpose &&
			copies.generation >= generation &&
			memcmp(copies.campaign, id, sizeof(copies.campaign)) != 0;
		free(name);
	}
	if (open)
		closedir(open);
	return overtake;
}
