/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/birth.h -- what `rota-agent factory` has at hand, and its steps in the order of SPEC 28.6. */
#ifndef APPS_ROTA_AGENT_BIRTH_H
#define APPS_ROTA_AGENT_BIRTH_H

#include "apps/rota-agent/keys.h"
#include "apps/rota-agent/rot.h"
#include "host/factory/secret.h"
#include "host/factory/talk.h"
#include "host/identity/request.h"
#include "rota/codec/rom.h"
#include "rota/store/bootstate.h"

/* In the state folder: the device id, once the factory is over. */
#define BIRTH_MARK "born"
/* There as well, while a device is made anew that had a life before. */
#define BIRTH_FORMER "former"

struct birth_flash {
	const char *image[ROTA_SET_MAX], *name[ROTA_SET_MAX];
	uint8_t count; /* 0: the flash is there, or is none of rota-boot's */
	uint64_t capacity;
};

struct birth {
	struct rota_talk talk;
	const char *at; /* absolute */
	const char *serial,
		*hardware; /* what this device says of itself; NULL: the station says it */
	bool take_over; /* counters of another device in this TPM */
	struct birth_flash flash;
	char state[ROTA_FILE_PATH_MAX], identity[ROTA_FILE_PATH_MAX], rom_path[ROTA_FILE_PATH_MAX];
	struct agent_config config; /* made of the options: there is no agent.ini yet */
	struct agent_rot rot;
	struct agent_keys keys;
	int lock;
	uint8_t point[ROTA_P256_KEY_LEN], agree[ROTA_P256_KEY_LEN];
	uint8_t nonce[32];
	uint32_t pcrs; /* that the station wants a quote of */
	uint8_t device[ROTA_SHA256_LEN];
	char device_hex[2 * ROTA_SHA256_LEN + 1];
	struct rota_rom counters; /* nv and nv_have alone */
};

/* Folders, lock, root of trust and keys: made where they lack. ROTA_ERR_STATE: the factory is over for this device. */
ROTA_MUST_USE enum rota_err birth_begin(struct birth *b, struct rota_fail *why);
void birth_end(struct birth *b);

/* Whether its owner destroyed its keys (SPEC 34.5, last row); and what is left of that life, removed. May be repeated until
 * first keys are made. */
bool birth_is_former(const struct birth *b);
ROTA_MUST_USE enum rota_err birth_clear(const struct birth *b, struct rota_fail *why);

/* MAKE, MADE. */
ROTA_MUST_USE enum rota_err birth_made(struct birth *b, struct rota_fail *why);
/* BORN, ASKS. */
ROTA_MUST_USE enum rota_err birth_asks(struct birth *b, struct rota_fail *why);
/* GIVE, READY, DONE. */
ROTA_MUST_USE enum rota_err birth_ready(struct birth *b, struct rota_fail *why);

/* Image digests of what boot would run, 32 bytes for each component, as its bytes lie there. No flash: none. */
ROTA_MUST_USE enum rota_err birth_measure(
	const struct birth *b, struct rota_bytes *digests, struct rota_fail *why);

/* The file AT/NAME. */
ROTA_MUST_USE enum rota_err birth_write(const struct birth *b, const char *name,
	struct rota_span data, mode_t mode, struct rota_fail *why);

/* The certificate (DER) as the file AT/identity/NAME. ROTA_ERR_FORMAT: it is none. ROTA_ERR_DENIED: of another key. */
ROTA_MUST_USE enum rota_err birth_keep_cert(
	const struct birth *b, enum rota_rot_key key, struct rota_span der, struct rota_fail *why);

#endif
