/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/rebin.h -- all bins of a role at once: hand its targets to bins, to more or fewer of them, take them back,
 * or sign all that is there anew (SPEC 3.7).
 *
 * The role's people sign every bin and the role's file, under one version; publishing makes them count together.
 */
#ifndef HOST_REPO_REBIN_H
#define HOST_REPO_REBIN_H

#include "host/base/digest.h"
#include "host/repo/metadata.h"

struct rota_rebin_plan {
	const char *role; /* releases or ci: the others stay small */
	bool keep; /* as many bins as there are */
	bool advised; /* as many as rota_bins_advice() says */
	unsigned bits; /* else */
	uint64_t lifetime_s; /* 0: the role's own */
	const struct rota_progress *progress; /* or NULL */
};

struct rota_rebin_done {
	unsigned bits; /* 0: no bins */
	uint64_t version; /* of the role's file and all bins */
	uint64_t targets;
};

ROTA_MUST_USE enum rota_err rota_rebin(struct rota_desk *desk, const struct rota_rebin_plan *plan,
	struct rota_rebin_done *out, struct rota_fail *why);

#endif
