/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/seal_scene.h -- a fleet to seal a campaign for: an export of its registry, keys, an HSM in memory, and a folder.
 *
 * Devices are numbered from 0 in the order of their ids. All have one agree key, so that a test can open every bundle;
 * identities differ. The HSM is AES-GCM in this process and counts what it is asked.
 */
#ifndef TESTS_UNIT_SEAL_SCENE_H
#define TESTS_UNIT_SEAL_SCENE_H

#include "host/campaign/copies.h"
#include "host/campaign/seal.h"
#include "rota/trust/keybind.h"

#define SEAL_SCENE_MAX 4096

struct seal_scene {
	struct rota_seal_plan plan; /* telemetry, generation 2, tree 0, one thread */
	struct rota_seal_result result;
	struct rota_fail why;
	struct rota_hmac registry;
	uint8_t book_key[ROTA_KEYWRAP_KEY_LEN];
	uint8_t agree_secret[ROTA_P256_SECRET_LEN], agree[ROTA_P256_KEY_LEN];
	struct rota_book_tools tools;
	struct rota_sealer hsm;
	struct rota_random entropy;
	unsigned sealed, opened; /* what the HSM did */
	char dir[64], export_path[128];
	uint8_t export_sha256[32];
	uint32_t count;
	struct rota_row rows[SEAL_SCENE_MAX];
};

/* A new folder, and a fleet of so many whose export is written. */
void seal_scene_begin(struct seal_scene *s, uint32_t count);

/* rows, as they are now, as the export that the plan names. */
void seal_scene_export(struct seal_scene *s);

/* Another agree key for all devices, in the export too: who has a bundle of the campaign needs another one. */
void seal_scene_agree(struct seal_scene *s);

/* What stands behind all rows: `from` replaced as bytes of the export, whose digest the plan then names. */
void seal_scene_patch(struct seal_scene *s, uint64_t at, struct rota_span bytes);

/* Path of the campaign's file of this kind, valid until the next call. */
const char *seal_scene_path(const struct seal_scene *s, const char *kind);

/* A book with one row for each of these devices: the factory's (purpose ROTA_BOOK_FACTORY) or that of a purpose. */
bool seal_scene_book(struct seal_scene *s, uint8_t purpose, const uint32_t *devices, size_t count,
	void (*fill)(uint32_t device, struct rota_book_row *row));

/* The bundle of a device and its place in the tree, whose proof leads to the root; false: it has none. */
bool seal_scene_find(
	struct seal_scene *s, uint32_t device, uint32_t *index, uint8_t bundle[static 151]);

/* The secret that device gets who holds these psks, as a device opens it. */
enum rota_err seal_scene_open(struct seal_scene *s, uint32_t device, uint8_t (*psks)[32],
	uint8_t psk_count, uint8_t secret[static ROTA_SECRET_LEN]);

/* All secrets of the copies, in the order of the tree; false: one does not open. */
bool seal_scene_copies(struct seal_scene *s, uint8_t (*secrets)[ROTA_SECRET_LEN]);

#endif
