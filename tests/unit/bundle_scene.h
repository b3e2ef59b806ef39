/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/bundle_scene.h -- bundles between two machines in one process: the authority with its repository in a
 * folder, a vault that has nothing of it but the first root, and tokens in memory.
 *
 * Each scene has a folder of its own (tempdir.h): one at a time. What fails says why in scene.why. */
#ifndef TESTS_UNIT_BUNDLE_SCENE_H
#define TESTS_UNIT_BUNDLE_SCENE_H

#include "host/repo/bundle_view.h"
#include "host/repo/metadata.h"
#include "tests/unit/signer_soft.h"

#define NOW 1800000000
/* Of nothing, as JSON. */
#define DIGEST "\"0000000000000000000000000000000000000000000000000000000000000000\""

struct scene {
	struct soft soft;
	struct rota_authdir online, vault;
	struct rota_tokens tokens, cards;
	struct rota_notary notary, vault_notary;
	struct rota_desk desk, bench;
	struct rota_fail why;
};

/* Every role signed once, and the anchor in the vault; false: it could not be made. */
bool scene_begin(struct scene *s);
void scene_end(struct scene *s);

/* A file of a kind that nobody reads waits for the release signers. */
enum rota_err scene_wait_for(struct scene *s, const char *path, const char *text);

/* The same, a byte shorter than is listed. */
enum rota_err scene_wait_for_too_long(struct scene *s, const char *path, const char *text);

/* Roles by their places in rota_duties. */
enum { ROOT = 1, TARGETS = 2, RELEASES = 16, RETIREMENTS = 1 << 11 };

/* The bundle of these roles, for rota_bundle_free(). */
enum rota_err scene_make(struct scene *s, unsigned roles, struct rota_bundle *out);

/* As the vault sees it at that time; for rota_bundle_view_close(). */
enum rota_err scene_view(
	struct scene *s, const struct rota_bundle *b, uint64_t now, struct rota_bundle_view *view);

/* As `rota repo sign` with this token of the vault, or all (NULL); again: also what was signed otherwise before. */
enum rota_err scene_sign(struct scene *s, struct rota_bundle *b, const char *token, bool again);

enum rota_err scene_import(struct scene *s, struct rota_bundle *copies, size_t count);

#endif
