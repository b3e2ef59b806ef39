/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/rolearg.h"

#include <string.h>

const char *rolearg(const char *text, const struct rota_duty **role)
{
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && equals[1] && i < ROTA_DUTY_COUNT; i++) {
		size_t len = strlen(rota_duties[i].name);

		*role = &rota_duties[i];
		if (strncmp(text, rota_duties[i].name, len) == 0 && text + len == equals)
			return equals + 1;
	}
	return NULL;
}

size_t rolearg_holder(const struct rota_duty *role)
{
	return role->paths ? 1 : 0;
}
