/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/event.h -- one event in a key's life: a line of DIR/keys (SPEC 25.1), and what it does to the key's state.
 *
 * States are those of NIST SP 800-57 part 1 rev. 5, section 7, without "suspended": a rule that has no client does
 * that. A key that was destroyed can still be found to have been known to others; then it bears the mark.
 */
#ifndef HOST_KEYS_EVENT_H
#define HOST_KEYS_EVENT_H

#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/sign/authdir.h"
#include "host/port/signer.h"

enum rota_key_state {
	ROTA_KEY_PRE_ACTIVE,
	ROTA_KEY_ACTIVE,
	ROTA_KEY_DEACTIVATED,
	ROTA_KEY_COMPROMISED,
	ROTA_KEY_DESTROYED,
};
#define ROTA_KEY_STATES 5

enum rota_key_happening {
	ROTA_KEY_MADE,
	ROTA_KEY_DESCRIBED, /* where it lies was learnt; its state stays */
	ROTA_KEY_ACTIVATED,
	ROTA_KEY_WAS_DEACTIVATED,
	ROTA_KEY_WAS_COMPROMISED,
	ROTA_KEY_WAS_DESTROYED,
};

#define ROTA_KEY_USES_MAX 160 /* every role's name once, between blanks */
#define ROTA_KEYS_TEXT_MAX ROTA_OWNER_MAX /* of owner and reason, in bytes */
#define ROTA_KEY_TOKEN_MAX 32 /* SPEC 1.2 */

struct rota_key_event {
	enum rota_key_happening what;
	uint64_t at_s;
	char id[ROTA_DIGEST_HEX]; /* as metadata names it (SPEC 3.3) */
	char token[ROTA_KEY_TOKEN_MAX + 1],
		label[ROTA_SIGNER_LABEL_MAX + 1]; /* "": not known here */
	char owner[ROTA_KEYS_TEXT_MAX + 1], reason[ROTA_KEYS_TEXT_MAX + 1];
	char uses[ROTA_KEY_USES_MAX + 1]; /* roles and sets of keys, between blanks */
};

/* "pre-active", "active", ... */
const char *rota_key_state_text(enum rota_key_state state);

/* The event that leads into `state`. */
enum rota_key_happening rota_key_into(enum rota_key_state state);

/* The state after `what`; *compromised is set where it is the mark. ROTA_ERR_STATE: SP 800-57 has no such transition. */
ROTA_MUST_USE enum rota_err rota_key_step(
	enum rota_key_state *state, bool *compromised, enum rota_key_happening what);

/* The line with its end, behind what `to` holds. ROTA_ERR_FORMAT: a text that is no UTF-8. */
ROTA_MUST_USE enum rota_err rota_key_event_write(
	const struct rota_key_event *e, struct rota_bytes *to, struct rota_fail *why);

/* A line without its end. ROTA_ERR_CORRUPT: it is none. */
ROTA_MUST_USE enum rota_err rota_key_event_read(
	struct rota_span line, struct rota_key_event *out, struct rota_fail *why);

#endif
