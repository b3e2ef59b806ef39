/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/told.h -- what happened to keys, as entries KEY of the signing log (SPEC 25.6).
 *
 * DIR/keys is what counts; DIR/keys.told says how much of it the log has. So what the daemon was not there for is told by
 * the next run, and a cut costs an entry that is there twice, never one that is not.
 */
#ifndef HOST_KEYS_TOLD_H
#define HOST_KEYS_TOLD_H

#include "host/keys/keys.h"
#include "host/sign/notary.h"

/* Tell it the rest. Where there is no log that is no error, and nothing is told; nor on a machine without network, which has no
 * repository. `why` says that the log was not told. */
ROTA_MUST_USE enum rota_err rota_keys_tell(
	const struct rota_authdir *dir, const struct rota_notary *notary, struct rota_fail *why);

#endif
