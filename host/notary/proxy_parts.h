/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/proxy_parts.h -- what proxy.c does for proxy_settle.c. Private to these two. */
#ifndef HOST_NOTARY_PROXY_PARTS_H
#define HOST_NOTARY_PROXY_PARTS_H

#include "host/notary/proxy.h"

/* Send a request. ROTA_OK: it was granted, and *answer has at least one signature over `digest`, each of which verifies. */
ROTA_MUST_USE enum rota_err proxy_ask(struct rota_proxy *r, struct rota_span text,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_answer *answer,
	struct rota_fail *why);

#endif
