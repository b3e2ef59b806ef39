/* SPDX-License-Identifier: Apache-2.0 */
/* host/adapter/respell.h -- other tools' metadata in our one spelling.
 *
 * The core reads exactly one spelling of JSON (SPEC 2); other tools write any: white space, other orders of
 * names, escapes that are not needed. A file is read as JSON here and written anew as SPEC 2 has it. Its
 * canonical bytes are those that its signatures cover, whoever made them, since both sides derive them from
 * what the file says.
 *
 * That gives an attacker two views of one file, so nothing is accepted of which two readers might think
 * differently (SPEC 4.9): a name that stands twice in an object, however it is escaped; a number with a
 * fraction or an exponent, even 1.0; -0; an integer beyond 2^53 - 1; NUL; a lone surrogate, or bytes that are
 * no UTF-8; nesting beyond 12; anything behind the last bracket. The respelling says what the file says, and
 * the core alone decides what that means: lengths and hashes are held against the file itself
 * (rota_session_raw()), signatures against the respelling.
 */
#ifndef HOST_ADAPTER_RESPELL_H
#define HOST_ADAPTER_RESPELL_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

/* It is read into memory as a whole, with about ten times as much beside (SPEC 4.9). */
#define ROTA_RESPELL_MAX ((size_t)16 << 20)

/* `file` in the spelling of SPEC 2; never longer than it. The caller frees *out.
 * ROTA_ERR_LIMIT: longer than ROTA_RESPELL_MAX. ROTA_ERR_FORMAT: not JSON, or ambiguous; `why` says what. */
ROTA_MUST_USE enum rota_err rota_respell(
	struct rota_span file, struct rota_bytes *out, struct rota_fail *why);

#endif
