/* SPDX-License-Identifier: Apache-2.0 */
/* Names what a device that demands proofs of the signing log (SPEC 22.5) links beside the client. */
#include "rota/trust/logproof.h"

extern const void *const footprint_proof[];

const void *const footprint_proof[] = { &rota_logproof_calls, rota_log_demand_read };
