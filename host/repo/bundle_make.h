/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_make.h -- a bundle for the offline signers, of the repository as it stands.
 *
 * A role is exported with what waits for it (host/repo/pending.h), or, when nothing does, as it is, with new times:
 * that is how an offline role is signed again before it expires. The same repository, tokens and second give the
 * same bytes.
 */
#ifndef HOST_REPO_BUNDLE_MAKE_H
#define HOST_REPO_BUNDLE_MAKE_H

#include "host/repo/bundle.h"
#include "host/repo/bundle_keys.h"
#include "host/repo/metadata.h"
#include "host/sign/duty.h"

struct rota_bundle_order {
	bool roles[ROTA_DUTY_COUNT]; /* which of rota_duties; offline ones only */
	struct rota_bundle_rekeying rekeying; /* new keys, for root and targets */
};

/* Make it and hold it against the same judge that the offline machine has. The caller frees *out.
 * ROTA_ERR_ROLE: a role that is signed online. Else as rota_bundle_view_open(). */
ROTA_MUST_USE enum rota_err rota_bundle_make(struct rota_desk *desk,
	const struct rota_bundle_order *order, struct rota_bundle *out, struct rota_fail *why);

#endif
