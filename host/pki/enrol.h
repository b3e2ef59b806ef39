/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/enrol.h -- the factory: make one device's identity and everything that it trusts.
 *
 *     OUT/rom.bin                           what is burnt (SPEC 12.1)
 *     OUT/identity/{idevid,ldevid}.{pem,key}  certificates, private keys (0600)
 *     OUT/trust/{root.json,server-ca.pem,recovery-keys.json}
 *     OUT/agent.ini                         see rota-agent.ini(5)
 *
 * OUT appears whole or not at all. Each device is one line of DIR/enrolments: JSON with `device` (id), `serial`,
 * `product`, `hardware`, `channel`, `group`, `region`, `idevid_spki` (hex of DER), `at`; and `replaces`, the device
 * whose TPM counters it took over.
 */
#ifndef HOST_PKI_ENROL_H
#define HOST_PKI_ENROL_H

#include "host/pki/cert.h"
#include "host/repo/metadata.h"
#include "host/sign/p256.h"
#include "rota/codec/rom.h"

/* Of DIR/enrolments; a larger fleet has a registry. */
#define ROTA_ENROLMENTS_MAX (256u * 1024 * 1024)

struct rota_enrol_plan {
	const char *out; /* must not exist */
	const char *at; /* where that folder will lie on the device; absolute */
	const char *serial; /* IDevID's subject serialNumber, 1 to 64 bytes */
	const char *hardware, *channel;
	const char *group, *region; /* NULL: none */
	const char *repository; /* its name in agent.ini */
	const char *repository_url, *server_url; /* NULL: rota.ini's [factory] */
	const char *health, *reboot; /* commands, or NULL */
	const char *
		script; /* slot `app` is kept by this script (docs/exec-slots.md); NULL: by rota-boot */
	const char *const *
		components; /* that rota-boot hands on to the program of `app`: a slot for each; NULL-ended,
				       * or NULL */
	const char *script_dir; /* where it keeps its files; NULL: OUT/files, which is made */
	uint32_t counter;
	struct rota_rom_watchdog watchdog; /* all zeros: none */
	struct rota_span demand; /* field 11 of the record (SPEC 22.4); empty: none */
	/* Make counters in the device's TPM, and say in field 10 of the record where they are (SPEC 12.1); NULL: there are
	 * none. Who gave it undoes it when the enrolment fails later on. */
	enum rota_err (*counters)(void *ctx, struct rota_rom *rom, struct rota_fail *why);
	void *counters_ctx;
	const char *replaces; /* then: the device whose counters were taken over, or "" */
	const char *
		tpm; /* how the agent reaches it: [device] tpm of agent.ini; NULL with no counters */
	const uint8_t *
		again; /* SubjectPublicKeyInfo of a device that may be listed already, and is the same one then; NULL */
	bool inside; /* its keys are made inside it: agent.ini names the folder of its certificates */
	uint64_t ldevid_lifetime_s;
	/* Fill OUT/flash before the folder appears; NULL: no flash. `rom` is the record. */
	enum rota_err (*flash)(
		void *ctx, const char *dir, struct rota_span rom, struct rota_fail *why);
	void *flash_ctx;
};

/* ROTA_ERR_STATE: the serial is enrolled already, or OUT exists. */
ROTA_MUST_USE enum rota_err rota_enrol(struct rota_desk *desk, const struct rota_enrol_plan *plan,
	char device_id[static 65], struct rota_fail *why);

/* Names, texts and serial of a plan; ROTA_ERR_STATE: the serial is enrolled already, and not that of plan->again. */
ROTA_MUST_USE enum rota_err rota_enrol_check(
	const struct rota_authdir *dir, const struct rota_enrol_plan *plan, struct rota_fail *why);

/* The line of a device in DIR/enrolments, durable. more: further members, or NULL. */
ROTA_MUST_USE enum rota_err rota_enrol_list(const struct rota_desk *desk,
	const struct rota_enrol_plan *plan, const char *device_id,
	const uint8_t spki[static ROTA_P256_SPKI_LEN], const json_t *more, struct rota_fail *why);

/* "serial SN-7, enrolled at ...", or that this authority has no such device: for a sentence about it. */
#define ROTA_ENROL_WHO_MAX 160
void rota_enrol_who(const struct rota_authdir *dir, const char *device_id,
	char text[static ROTA_ENROL_WHO_MAX]);

/* A text of the first line of a device that has it; the caller frees. ROTA_ERR_NOT_FOUND (why untouched): none has. */
ROTA_MUST_USE enum rota_err rota_enrol_text(const struct rota_authdir *dir, const char *device_id,
	const char *name, struct rota_bytes *text, struct rota_fail *why);

/* The IDevID SubjectPublicKeyInfo of an enrolled device. ROTA_ERR_NOT_FOUND: no such device. */
ROTA_MUST_USE enum rota_err rota_enrol_spki(const struct rota_authdir *dir, const char *device_id,
	struct rota_bytes *spki, struct rota_fail *why);

#endif
