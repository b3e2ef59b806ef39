/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/rot.h -- the device's root of trust: what holds its keys, as the ROM record names it (SPEC 28.4).
 *
 *     a TPM     [device] tpm, or the usual place; its wrap keys open with STATE/wrap-auth
 *     a token   [root_of_trust] module, token, pin_file: a secure element
 *     soft      STATE/rot.page: in the clear, and said aloud at each start
 *
 * The configuration says where it is and never which one counts: that is burnt. All users of one agent share it, under
 * the lock of the state folder.
 */
#ifndef APPS_ROTA_AGENT_ROT_H
#define APPS_ROTA_AGENT_ROT_H

#include "apps/rota-agent/config.h"
#include "ports/flash_file/flash_file.h"
#include "ports/pkcs11/rot_pkcs11.h"
#include "ports/rot_soft/rot_soft.h"
#include "ports/tpm2/rot_tpm.h"

#define AGENT_ROT_PAGE "rot.page"

struct agent_rot {
	const struct rota_rot *port; /* NULL: not open */
	enum rota_rot_kind kind;
	uint8_t name[ROTA_ROM_ROOT_NAME_LEN]; /* of a TPM's storage root */
	struct rota_rot_tpm tpm;
	struct rota_rot_pkcs11 token;
	struct rota_flash_file page;
	struct rota_rot_soft soft;
};

/* The one that the ROM record names; `r` stays where it is while it is open. The state folder is there.
 * ROTA_ERR_NOT_FOUND: the record names none. ROTA_ERR_FORMAT: the settings are those of another kind. Else why it does
 * not open; a TPM is not asked anything yet. */
ROTA_MUST_USE enum rota_err agent_rot_open(struct agent_rot *r, const struct agent_config *config,
	enum rota_rot_kind kind, struct rota_span name, struct rota_fail *why);

/* For the factory, where no ROM record is yet: the kind is that of the settings; what it rests on is made where it
 * lacks. r->name is for the record. */
ROTA_MUST_USE enum rota_err agent_rot_make(
	struct agent_rot *r, const struct agent_config *config, struct rota_fail *why);

/* What is closed or was zeroed may be closed. */
void agent_rot_close(struct agent_rot *r);

/* "tpm", "pkcs11", "soft", "none". */
const char *agent_rot_kind(enum rota_rot_kind kind);

/* What has to be said aloud of it; NULL: nothing. Static. */
const char *agent_rot_warning(const struct agent_rot *r);

#endif
