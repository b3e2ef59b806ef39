/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/keyshelf.h -- the trees of key campaigns that a server hands out, each device its own bundle (SPEC 33.6, 35.4).
 *
 *     DIR/ID.TREE.keys      bundles and their proofs (33.4)
 *     DIR/ID.TREE.confirm   confirmation keys (37.3)
 *
 * rota-seald's files, each renamed in whole. A tree is on the shelf when both are there; new ones are found by themselves, since the
 * folder's own time changes with them. Of a device only its identity is asked, from which the locator follows: who may say
 * that he is that device is the caller's to know.
 *
 * Nothing of the files is believed: a device walks its proof to a root that a role signed. What is damaged leads to an error, and
 * never out of a file. A shelf belongs to one thread.
 */
#ifndef HOST_REGISTRY_KEYSHELF_H
#define HOST_REGISTRY_KEYSHELF_H

#include "host/base/fail.h"
#include "rota/codec/statement.h"
#include "rota/trust/keyanswer.h"

#define ROTA_KEYSHELF_TREE_MAX 63 /* SPEC 32.6 */
/* Trees in the folder: 16 campaigns that a role lists, of two roles, with all the trees that one can have, and as many that are over. */
#define ROTA_KEYSHELF_TREES_MAX 4096
/* Trees that are open at once: two descriptors each. */
#define ROTA_KEYSHELF_OPEN_MAX 64

struct rota_keyshelf;

/* A folder that does not exist is an empty one. `crypto` stays in use. */
struct rota_keyshelf *rota_keyshelf_new(const char *folder, const struct rota_crypto *crypto);
void rota_keyshelf_free(struct rota_keyshelf *s); /* NULL is allowed */

/* Which device, and what it asks for. */
struct rota_keyshelf_ask {
	const uint8_t *campaign; /* id, 32 bytes */
	const uint8_t *identity; /* point, 65 bytes */
};

/* The answer of SPEC 33.6, out of the campaign's highest tree that has the device; *len bytes of it.
 * ROTA_ERR_NOT_FOUND: none has. Else the files cannot be read, and `why` names one. */
ROTA_MUST_USE enum rota_err rota_keyshelf_answer(struct rota_keyshelf *s,
	const struct rota_keyshelf_ask *ask, const uint8_t nonce[static ROTA_KEYANSWER_NONCE_LEN],
	uint8_t out[static ROTA_KEYANSWER_MAX], size_t *len, struct rota_fail *why);

/* Whether a statement of kind PROVED shows possession (SPEC 35.3): by the confirmation key that the device has in one of the campaign's
 * trees, since it may have proved before a supplement came.
 * ROTA_ERR_SIGNATURE: it does not. ROTA_ERR_NOT_FOUND: no tree has the device. Else as above. */
ROTA_MUST_USE enum rota_err rota_keyshelf_proved(struct rota_keyshelf *s,
	const uint8_t identity[static ROTA_P256_KEY_LEN], const struct rota_statement *statement,
	struct rota_fail *why);

#endif
