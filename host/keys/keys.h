/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/keys.h -- every key of an authority and its life after NIST SP 800-57 (SPEC 25).
 *
 * What people did to a key is a line of DIR/keys; what root, targets and the records of devices' ROM say of it is read
 * from them. Loading puts both together: a key that the published metadata names is active, one that it names no
 * longer is deactivated, though nobody wrote that down yet. rota_keys_settle() writes it down.
 *
 * An offline machine has a DIR/keys of its own, of the keys that were made there.
 */
#ifndef HOST_KEYS_KEYS_H
#define HOST_KEYS_KEYS_H

#include "host/keys/event.h"
#include "host/repo/metadata.h"

/* A slot's pair every hour for ten years, made away with or not. */
#define ROTA_KEYS_KNOWN_MAX 200000

struct rota_key_info {
	char id[ROTA_DIGEST_HEX];
	char token[ROTA_KEY_TOKEN_MAX + 1],
		label[ROTA_SIGNER_LABEL_MAX + 1]; /* "": not known here */
	char owner[ROTA_KEYS_TEXT_MAX + 1];
	char uses[ROTA_KEY_USES_MAX + 1]; /* "timestamp", "image", ...; between blanks */
	enum rota_key_state state;
	bool compromised; /* which a destroyed key can be as well */
	bool in_slot; /* of a pre-signed root: its successor is signed already, and comes by itself */
	bool named; /* the published metadata, or a record, counts its signatures now */
	uint64_t made_s, from_s; /* from_s: since when it was active, 0 never */
	uint64_t until_s; /* end of its period; 0: none, or not active */
	uint64_t
		replace_s; /* when its successor is due, so that people's keys do not all change at once; 0 as until_s */
};

enum rota_keys_trouble {
	ROTA_KEY_WELL,
	ROTA_KEY_SOON, /* three quarters of the time until replace_s are over */
	ROTA_KEY_OVER, /* its period is */
	ROTA_KEY_NAMED, /* no longer active, and counts */
};

struct rota_keys;

/* ROTA_ERR_CORRUPT: a line of DIR/keys is none, or no step that a key can take; the error
 * names it. A line that a cut left half is none that was there. Else as rota_keys_named(). `dir` is to outlive it. */
ROTA_MUST_USE enum rota_err rota_keys_load(
	const struct rota_authdir *dir, struct rota_keys **out, struct rota_fail *why);
void rota_keys_free(struct rota_keys *k);

/* In the order in which they came to be known. */
size_t rota_keys_count(const struct rota_keys *k);
const struct rota_key_info *rota_keys_at(const struct rota_keys *k, size_t n);

/* By its id or, with eight digits or more, how that begins. ROTA_ERR_NOT_FOUND: there is none, or more than one. */
ROTA_MUST_USE enum rota_err rota_keys_find(const struct rota_keys *k, const char *id,
	const struct rota_key_info **out, struct rota_fail *why);

/* One event, to be written at the next settling. ROTA_ERR_STATE: the key cannot take this step (or, made, is known). */
ROTA_MUST_USE enum rota_err rota_keys_note(
	struct rota_keys *k, const struct rota_key_event *e, struct rota_fail *why);

/* What was noted, and what stands in public and not in DIR/keys yet, as lines: all of them durable, or none. */
ROTA_MUST_USE enum rota_err rota_keys_settle(struct rota_keys *k, struct rota_fail *why);

/* Load, settle and free: what was published by now is written down. */
ROTA_MUST_USE enum rota_err rota_keys_catch_up(
	const struct rota_authdir *dir, struct rota_fail *why);

/* Tokens at hand say which of the keys are theirs: noted. Those that do not answer are passed over. */
ROTA_MUST_USE enum rota_err rota_keys_adopt(
	struct rota_keys *k, struct rota_desk *desk, struct rota_fail *why);

enum rota_keys_trouble rota_keys_trouble(const struct rota_key_info *key, uint64_t now);

/* What to say of it: "", or "its period ends in 5d". */
void rota_keys_trouble_text(const struct rota_key_info *key, uint64_t now, char out[static 96]);

#endif
