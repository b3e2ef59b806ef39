/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/path.h -- which target paths a delegation covers.
 */
#ifndef ROTA_TRUST_PATH_H
#define ROTA_TRUST_PATH_H

#include "rota/base/span.h"

/* Whether `pattern` covers all of `path` (SPEC 3.2, TUF 4.5): `*` stands for any run of bytes without '/',
 * none included, `?` for one such byte, every other byte for itself. */
bool rota_path_match(struct rota_span pattern, struct rota_span path);

#endif
