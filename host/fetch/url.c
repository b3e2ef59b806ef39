/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch/fetch.h"

#include <string.h>

static bool unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != 0 && strchr("-._~", c));
}

enum rota_err rota_url_add(char url[static ROTA_URL_MAX], struct rota_span text, bool slashes)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at = strlen(url);

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (at + 4 > ROTA_URL_MAX)
			return ROTA_ERR_LIMIT;
		if (unreserved(c) || (slashes && c == '/')) {
			url[at++] = (char)c;
		} else {
			url[at++] = '%';
			url[at++] = digits[c >> 4];
			url[at++] = digits[c & 15];
		}
	}
	url[at] = 0;
	return ROTA_OK;
}
