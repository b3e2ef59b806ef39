/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bins.h -- hash bins of a role (SPEC 3.7, TAP 15): which are there, what they are called, which path falls
 * into which. Pure.
 *
 * How many: a device reads the snapshot, which lists every bin with about 125 bytes, and one bin, of about 200 bytes
 * for each target. Both are as long as each other at the square root of 1.6 bins for each target; a power of two near
 * it is what rota_bins_advice() gives: 1,024 for 1,000,000 targets, 128 KB of snapshot and bins of 200 KB.
 */
#ifndef HOST_REPO_BINS_H
#define HOST_REPO_BINS_H

#include "host/base/json.h"

/* More bins than 16,384 make the snapshot, which every device reads at every change, longer than 2 MB. */
#define ROTA_BINS_BITS_MAX 14

/* Role name of SPEC 1.2, '-', digits, NUL. */
#define ROTA_BIN_NAME_MAX 48

/* Bits of the bins to which `content` (`signed` of ROLE's file) hands its targets: 0 when there are none.
 * ROTA_ERR_FORMAT: bins that are not those of SPEC 3.7. */
ROTA_MUST_USE enum rota_err rota_bins_of(
	const json_t *content, const char *role, unsigned *bits, struct rota_fail *why);

/* The bin that a path falls into. bits 1 to ROTA_BINS_BITS_MAX. */
uint32_t rota_bins_index(const char *path, unsigned bits);

void rota_bins_name(
	const char *role, unsigned bits, uint32_t index, char out[static ROTA_BIN_NAME_MAX]);

/* Whether `name` is that of a bin of `role` (of any count of bins) by its form. */
bool rota_bins_named(const char *role, const char *name);

/* Whether it is that of one of the 2^bits bins of `role`; 0 bits: there are none. */
bool rota_bins_has(const char *role, unsigned bits, const char *name);

/* `delegations` that hand all to bins. keyids: a list; both references are stolen. */
json_t *rota_bins_delegations(
	const char *role, unsigned bits, json_t *keys, json_t *keyids, unsigned threshold);

/* A bin's file under `content` of its role; *bin is its `signed`, which the caller decrefs. As
 * rota_envelope_verify(). */
ROTA_MUST_USE enum rota_err rota_bins_verify(
	const json_t *content, struct rota_span file, json_t **bin, struct rota_fail *why);

/* Bits for so many targets; 0: without bins (below some thousands one file is less to read). */
unsigned rota_bins_advice(uint64_t targets);

#endif
