/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_sign.h -- the tokens at hand add their signatures to a verified bundle.
 *
 * A seat of the role's party (rota.ini) signs when the metadata names its key for the role and it has not signed
 * yet, until each threshold is met. Tokens that are not there are passed over.
 */
#ifndef HOST_REPO_BUNDLE_SIGN_H
#define HOST_REPO_BUNDLE_SIGN_H

#include "host/repo/bundle_view.h"
#include "host/repo/metadata.h"

struct rota_bundle_hand {
	const char *const *tokens; /* only these; NULL: any */
	size_t token_count;
	bool online_only; /* of the connected machine: no person, no record */
};

/* Sign every item of the view that lacks signatures; *added counts the new ones. Each is in the record
 * (bundle_record.h) before its token is asked, unless online_only. That nobody at hand may sign is no error here;
 * `why` then has the sentence of the last token that did not answer, or is empty. */
ROTA_MUST_USE enum rota_err rota_bundle_sign(struct rota_desk *desk, struct rota_bundle_view *view,
	const struct rota_bundle_hand *hand, unsigned *added, struct rota_fail *why);

#endif
