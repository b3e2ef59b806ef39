/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/limits.h"

const struct rota_limits rota_limits_agent = {
	.schemes = rota_schemes_all,
	.keys = 128,
	.role_keys = 16,
	.key_len = 550, /* RSA-4096 as DER RSAPublicKey: 526 */
	.sigs = 32,
	.sig_len = 512,
	.pending = 32,
	.visited = 128,
	.role_len = ROTA_ROLE_NAME_MAX,
	.names_len = 1024,
	.text_len = 2048, /* a PEM key is a string of at most 800 */
	.components = 8, /* SPEC 7.1 */
	.streams = &rota_sigs_streamed,
};
