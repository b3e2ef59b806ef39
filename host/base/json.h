/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/json.h -- jansson values to and from the one spelling of SPEC 2.
 *
 * Reading refuses duplicate names. Writing gives either the file's bytes (SPEC 2.1, 2.2) or the canonical
 * bytes that signatures cover (SPEC 2.3: control characters raw).
 */
#ifndef HOST_BASE_JSON_H
#define HOST_BASE_JSON_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/codec/json.h" /* ROTA_JSON_DEPTH_MAX */

#include <jansson.h>

enum rota_json_form {
	ROTA_JSON_FILE,
	ROTA_JSON_SIGNED,
};

/* ROTA_ERR_FORMAT: a float, NUL in a string, an integer beyond 2^53 - 1, nesting beyond the maximum;
 * value NULL, which is what jansson makes of text that is no UTF-8. */
ROTA_MUST_USE enum rota_err rota_json_encode(const json_t *value, enum rota_json_form form,
	struct rota_bytes *out, struct rota_fail *why);

/* The file's bytes of a value, or of a string of UTF-8, behind what is there: for who writes the brackets around himself. Errors as
 * encode; then `out` has what was written so far. */
ROTA_MUST_USE enum rota_err rota_json_add(
	const json_t *value, struct rota_bytes *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_json_add_string(
	struct rota_span text, struct rota_bytes *out, struct rota_fail *why);

/* Any JSON object without duplicate names; the caller decrefs. */
ROTA_MUST_USE enum rota_err rota_json_parse(
	struct rota_span text, json_t **out, struct rota_fail *why);

/* How many values a text has, its own included, before anything is allocated for them; what is empty, `[]` or `{}`, counts
 * twice. Of text that is no JSON: no fewer than a reader meets before it finds out. */
size_t rota_json_values(struct rota_span text);

/* As parse, and the bytes must be the very spelling of SPEC 2. */
ROTA_MUST_USE enum rota_err rota_json_parse_strict(
	struct rota_span text, json_t **out, struct rota_fail *why);

/* As parse_strict. *canonical: the canonical bytes (SPEC 2.3) of the object that is member `inner` of member `outer`; empty: there
 * is none. The caller frees. */
ROTA_MUST_USE enum rota_err rota_json_parse_signed(struct rota_span text, const char *outer,
	const char *inner, json_t **out, struct rota_bytes *canonical, struct rota_fail *why);

/* Whether `value` is an object with exactly these members: names between blanks, one that ends in ? may be
 * missing. For what must hold nothing that its reader does not look at. */
bool rota_json_members(const json_t *value, const char *names);

/* A file of at most `max` bytes through parse_strict; the error names the path. */
ROTA_MUST_USE enum rota_err rota_json_load(
	const char *path, size_t max, json_t **out, struct rota_fail *why);

#endif
