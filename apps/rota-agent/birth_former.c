/* SPDX-License-Identifier: Apache-2.0 */
/* What a former life of a device left behind: its owner destroyed its keys, and nothing of it counts for the next one (SPEC 28.6). */
#include "apps/rota-agent/birth.h"
#include "apps/rota-agent/rot.h"
#include "ports/slots_boot/layout.h"
#include "ports/tpm2/authfile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the keys are that the device has for life, and the journal that says that the others are gone: it goes last, by being
 * written anew. */
static const char *const kept[] = { ".", "..", "lock", AGENT_KEYS_FILE, AGENT_ARCHIVE_FILE,
	AGENT_ROT_PAGE, ROTA_TPM2_AUTH_FILE };

bool birth_is_former(const struct birth *b)
{
	const struct rota_keyslots *k = &b->keys.slots;

	return k->phase >= ROTA_KEYSLOTS_LOADED && (k->state.flags & ROTA_KEYS_GONE) != 0;
}

static bool stays(const char *name)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(name, kept[i]) == 0)
			return true;
	return false;
}

static enum rota_err remove_in(const char *folder, const char *name, struct rota_fail *why)
{
	char *path = rota_text("%s/%s", folder, name);
	enum rota_err err = ROTA_OK;

	rota_file_remove_tree(path);
	if (rota_file_exists(path))
		err = rota_fail(
			why, ROTA_ERR_IO, "cannot remove %s, which is of a former life", path);
	free(path);
	return err;
}

/* Roots, floors, events and files of the repositories of before. The mark is there before first keys are made: a cut between leaves
 * a device that does all of it again. */
enum rota_err birth_clear(const struct birth *b, struct rota_fail *why)
{
	DIR *dir = opendir(b->state);
	struct dirent *entry;
	enum rota_err err = ROTA_OK;

	if (!dir)
		return rota_fail_errno(why, errno, "cannot read %s", b->state);
	while (err == ROTA_OK && (entry = readdir(dir)) != NULL)
		if (!stays(entry->d_name))
			err = remove_in(b->state, entry->d_name, why);
	closedir(dir);
	if (err == ROTA_OK && b->flash.count > 0) /* else it is somebody else's to make */
		err = remove_in(b->at, ROTA_LAYOUT_FLASH, why);
	return err == ROTA_OK ? birth_write(b, "state/" BIRTH_FORMER, rota_span(NULL, 0), 0600, why)
			      : err;
}
