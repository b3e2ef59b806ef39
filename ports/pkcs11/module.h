/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/module.h -- one PKCS#11 module and one token of it, inside the process that holds it.
 *
 * Slot numbers change, so a token is found by its label. The login belongs to the process: further sessions of the
 * same token have it too, and handles of keys are good in all of them. The module is started for several threads;
 * what takes a struct module that is not const is for one thread at a time. CKM_ECDSA signs the digest and gives
 * r || s.
 */
#ifndef PORTS_PKCS11_MODULE_H
#define PORTS_PKCS11_MODULE_H

#include "host/port/signer.h"
#include "ports/pkcs11/pin.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct module {
	void *library;
	CK_FUNCTION_LIST *f; /* NULL until loaded */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session; /* the one that logged in */
};

struct module_key {
	CK_OBJECT_HANDLE handle; /* of the private half */
	uint8_t point[ROTA_P256_KEY_LEN];
};

/* dlopen and module_start(). */
ROTA_MUST_USE enum rota_err module_load(struct module *m, const char *path, struct rota_fail *why);

/* C_Initialize; again after module_end(). */
ROTA_MUST_USE enum rota_err module_start(struct module *m, struct rota_fail *why);

/* C_Finalize: ends all sessions. Its failure changes nothing. */
void module_end(struct module *m);

/* A read-write session with the token of this label, logged in as its user. */
ROTA_MUST_USE enum rota_err module_login(
	struct module *m, const char *label, const struct pin *pin, struct rota_fail *why);

/* One more, for another thread. */
ROTA_MUST_USE enum rota_err module_session(
	const struct module *m, CK_SESSION_HANDLE *session, struct rota_fail *why);

/* The slot whose token has this label, or (label NULL) the first whose token is not initialised. ROTA_ERR_NOT_FOUND; ROTA_ERR_FULL:
 * no empty one. ROTA_ERR_STATE: more than one has the label. */
ROTA_MUST_USE enum rota_err module_slot(
	struct module *m, const char *label, CK_SLOT_ID *slot, struct rota_fail *why);

/* A session with m->slot, logged in as user or security officer. */
ROTA_MUST_USE enum rota_err module_login_as(
	struct module *m, CK_USER_TYPE user, const struct pin *pin, struct rota_fail *why);

/* The one object of this class and label; *count says how many there are (2 stands for more than one). */
ROTA_MUST_USE enum rota_err module_find(struct module *m, CK_OBJECT_CLASS class, const char *key,
	CK_OBJECT_HANDLE *object, CK_ULONG *count, struct rota_fail *why);

/* What the token says of a secret or private key that it has just made: ROTA_ERR_DENIED if that is not sensitive, extractable, or
 * was not made in it. A template is a wish: some modules ignore what they do not know. */
ROTA_MUST_USE enum rota_err module_kept(
	struct module *m, CK_OBJECT_HANDLE key, struct rota_fail *why);

/* As PKCS#11 takes them. Labels are padded with blanks to 32 bytes. */
CK_UTF8CHAR *module_pin(const struct pin *pin);
void module_pad_label(const char *label, CK_UTF8CHAR out[static 32]);

/* Give the label and both PINs to a slot whose token is not initialised. */
ROTA_MUST_USE enum rota_err module_init_token(struct module *m, const char *label,
	const struct pin *so_pin, const struct pin *pin, struct rota_fail *why);

/* The token itself says afterwards that the private half is sensitive, not extractable and was made in it; a key of which
 * it says anything else is destroyed again: ROTA_ERR_DENIED. */
ROTA_MUST_USE enum rota_err module_generate(
	struct module *m, const char *key, struct rota_fail *why);

/* Both halves. ROTA_ERR_NOT_FOUND: there is no private one. */
ROTA_MUST_USE enum rota_err module_destroy(
	struct module *m, const char *key, struct rota_fail *why);

/* ROTA_ERR_NOT_FOUND: no key, or more than one, has this label. ROTA_ERR_UNSUPPORTED: it is not on P-256. */
ROTA_MUST_USE enum rota_err module_key(
	struct module *m, const char *label, struct module_key *out, struct rota_fail *why);

/* In any thread, with a session of its own. */
ROTA_MUST_USE CK_RV module_sign(const struct module *m, CK_SESSION_HANDLE session,
	CK_OBJECT_HANDLE key, const uint8_t digest[static ROTA_SHA256_LEN],
	uint8_t sig[static ROTA_P256_SIG_LEN]);

/* ---- module_token.c: tokens that are used again and again, for the slots of a series ---- */

/* An empty token that was used before has this label, and this PIN of its security officer: it guards nothing. */
#define MODULE_FREE "rota-free"

/* Make a free token, or one that was never initialised, the token of this label with these PINs; nobody is logged in.
 * ROTA_ERR_STATE: there is one. */
ROTA_MUST_USE enum rota_err module_claim(struct module *m, const char *label,
	const struct pin *so_pin, const struct pin *pin, struct rota_fail *why);

/* Log out, and close the session that logged in. */
void module_leave(struct module *m);

/* All that is in the token of this label is destroyed, and it is free. */
ROTA_MUST_USE enum rota_err module_release(
	struct module *m, const char *label, const struct pin *so_pin, struct rota_fail *why);

/* ---- module_pair.c: what a root of trust takes beside ---- */

/* Whether the token has this mechanism. */
bool module_has(struct module *m, CK_MECHANISM_TYPE mechanism);

/* As module_generate(), for ECDH and nothing else. */
ROTA_MUST_USE enum rota_err module_generate_agree(
	struct module *m, const char *key, struct rota_fail *why);

/* What a cut left of a pair of which the private half is gone, or never came. */
ROTA_MUST_USE enum rota_err module_clear(struct module *m, const char *key, struct rota_fail *why);

/* The X coordinate of key times `peer`, which is on the curve. */
ROTA_MUST_USE enum rota_err module_derive(struct module *m, CK_OBJECT_HANDLE key,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static 32], struct rota_fail *why);

/* ---- module_secret.c: keys that were made elsewhere, for HMAC with SHA-256 and nothing else ---- */

#define MODULE_SECRET_ID_LEN 32
#define MODULE_SECRET_LEN 32

/* Put one in under a label and an id. The token says afterwards that it is sensitive and not extractable, else it goes again:
 * ROTA_ERR_DENIED. */
ROTA_MUST_USE enum rota_err module_secret_put(struct module *m, const char *label,
	const uint8_t id[static MODULE_SECRET_ID_LEN], uint8_t value[static MODULE_SECRET_LEN],
	struct rota_fail *why);

/* Ids of all that have this label, ascending; but of those that the token keeps otherwise than module_secret_put() would have them,
 * only handles: somebody else put them there, and may know them. module_ids_free() when done. */
struct module_ids {
	uint8_t (*at)[MODULE_SECRET_ID_LEN];
	size_t count;
	CK_OBJECT_HANDLE *foreign;
	size_t foreign_count;
};
ROTA_MUST_USE enum rota_err module_secret_ids(
	struct module *m, const char *label, struct module_ids *out, struct rota_fail *why);
bool module_ids_have(const struct module_ids *ids, const uint8_t id[static MODULE_SECRET_ID_LEN]);
/* Destroy what is kept otherwise, so that it can be put anew. */
ROTA_MUST_USE enum rota_err module_ids_clean(
	struct module *m, struct module_ids *ids, struct rota_fail *why);
void module_ids_free(struct module_ids *ids);

/* Destroy all that have this label; *count of them, those of a call that failed in between too. */
ROTA_MUST_USE enum rota_err module_secret_destroy(
	struct module *m, const char *label, uint32_t *count, struct rota_fail *why);

/* ---- module_aes.c ---- */

/* AES-256, for sealing. As module_generate(). */
ROTA_MUST_USE enum rota_err module_generate_aes(
	struct module *m, const char *key, struct rota_fail *why);

/* CKM_AES_GCM with this nonce, a tag of 16 bytes behind the ciphertext. `out` has room for what comes, which is `*len`. */
ROTA_MUST_USE CK_RV module_gcm(struct module *m, CK_OBJECT_HANDLE key, bool encrypt,
	struct rota_span nonce, struct rota_span aad, struct rota_span in, uint8_t *out,
	size_t *len);

#endif
