/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/limits.h"

const struct rota_limits rota_limits_agent = {
	.schemes = rota_schemes_all,
	ROTA_LIMITS_USUAL,
	.keys = 128,
	.key_len = 550, /* RSA-4096 as DER RSAPublicKey: 526 */
	.sigs = 32,
	.sig_len = 512,
	.pending_len = ROTA_PENDING_LEN(32, 16, ROTA_ROLE_NAME_MAX),
	.visited = 128,
	.names_len = 1024,
	.text_len = 2048, /* a PEM key is a string of at most 800 */
	.hold_len = 2048 + 2 * ROTA_TUF_KEYTYPE_MAX,
	.components = 8, /* SPEC 7.1 */
	.streams = &rota_sigs_streamed,
};
