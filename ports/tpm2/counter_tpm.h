/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/counter_tpm.h -- rota/port/counter.h over the NV counters of a TPM 2.0.
 *
 * A TPM's counter begins anywhere: above any counter that the TPM ever had. So a number is what the counter
 * shows, less a base that the factory burnt into ROM field 10 (SPEC 12.1); a base in the TPM or on flash could
 * be raised to bring the number down. Whoever may undefine an index may define another kind of NV in its
 * place and write an old number into it: an index that is no counter, or one that loses steps at a reset
 * (TPMA_NV_ORDERLY), is refused as gone.
 *
 * The factory makes the counters under the owner's hierarchy, with an empty authorisation and beyond the
 * dictionary-attack lockout, so that no wrong password elsewhere stops a boot. What an owner can still do
 * stands in THREATS.md.
 */
#ifndef PORTS_TPM2_COUNTER_TPM_H
#define PORTS_TPM2_COUNTER_TPM_H

#include "ports/tpm2/tpm2.h"
#include "rota/codec/rom.h"
#include "rota/port/counter.h"

/* Where the factory puts counter `id`: index + id, in the owner's range of NV indices. */
#define ROTA_COUNTER_TPM_INDEX 0x01805200u

struct rota_counter_tpm {
	struct rota_counter port;
	const char *tcti; /* the caller's, in use as long */
	struct rota_rom_counter place[ROTA_COUNTER_COUNT]; /* by enum rota_counter_id */
};

/* The port over the counters that the ROM record names: rom->nv_have and rom->nv. Nothing is opened yet. Do not
 * move `c` while it is in use. Of its functions, beside what rota/port/counter.h says: ROTA_ERR_DENIED where the
 * index has another authorisation than the factory gave it. */
void rota_counter_tpm_init(
	struct rota_counter_tpm *c, const char *tcti, const struct rota_rom *rom);

/* For the factory, which writes the device id into each counter, as a policy that nothing uses: so a TPM says whose
 * counters it keeps. Of all three: ROTA_ERR_CORRUPT: the index is in use for something else. ROTA_ERR_DENIED: the
 * owner's hierarchy has a password. ROTA_ERR_IO: no TPM. */
#define ROTA_COUNTER_TPM_DEVICE_LEN 32

/* Make a counter at place->index, and note its base: what it shows now, which is above whatever a counter of this TPM
 * ever showed. ROTA_ERR_STATE: there is one. ROTA_ERR_FULL: the TPM has no room. */
ROTA_MUST_USE enum rota_err rota_counter_tpm_make(const char *tcti,
	const uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN], struct rota_rom_counter *place);

/* Whose counter lies at `index`; zeros: it does not say. ROTA_ERR_NOT_FOUND: nothing is there. */
ROTA_MUST_USE enum rota_err rota_counter_tpm_device(
	const char *tcti, uint32_t index, uint8_t device[static ROTA_COUNTER_TPM_DEVICE_LEN]);

/* Undefine it. The device that it was made for takes recovery orders alone from then on. */
ROTA_MUST_USE enum rota_err rota_counter_tpm_remove(const char *tcti, uint32_t index);

#endif
