/* SPDX-License-Identifier: Apache-2.0 */
#include "host/adapter/respell.h"
#include "host/base/json.h"

/* jansson reads -0 as 0; another reader may keep the sign. Numbers stand outside strings only, and in a number
 * a minus is followed by a digit that is 0 only in -0 and in fractions, which have no place here either. */
static bool has_minus_zero(struct rota_span file)
{
	bool in_string = false;

	for (size_t i = 0; i < file.len; i++) {
		uint8_t c = file.p[i];

		if (c == '"')
			in_string = !in_string;
		else if (in_string && c == '\\')
			i++; /* whatever is escaped, a quote above all */
		else if (!in_string && c == '-' && i + 1 < file.len && file.p[i + 1] == '0')
			return true;
	}
	return false;
}

enum rota_err rota_respell(struct rota_span file, struct rota_bytes *out, struct rota_fail *why)
{
	json_t *value;
	enum rota_err err;

	*out = (struct rota_bytes){ 0 };
	if (file.len > ROTA_RESPELL_MAX)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "longer than %zu bytes of JSON", ROTA_RESPELL_MAX);
	if (has_minus_zero(file))
		return rota_fail(why, ROTA_ERR_FORMAT, "a number that begins with -0");
	ROTA_TRY(rota_json_parse(file, &value, why));
	err = rota_json_encode(value, ROTA_JSON_FILE, out, why);
	json_decref(value);
	return err;
}
