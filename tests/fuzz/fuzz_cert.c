/* SPDX-License-Identifier: Apache-2.0 */
/* A client certificate as nginx passes it, and as DER. What is accepted lies inside the input. */
#include "host/identity/cert.h"
#include "host/identity/escaped.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void inside(struct rota_span part, struct rota_span whole)
{
	if (part.len > 0 && (part.p < whole.p || part.p + part.len > whole.p + whole.len))
		abort();
}

static void walk(struct rota_span der)
{
	struct rota_cert c;
	uint8_t id[32];

	if (rota_cert_read(der, &c) != ROTA_OK)
		return;
	inside(c.serial, der);
	inside(c.issuer, der);
	inside(c.spki, der);
	inside(c.common_name, der);
	if (c.not_after < c.not_before || c.serial.len == 0)
		abort();
	(void)!rota_cert_device_id(&c, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t der[ROTA_CERT_DER_MAX];
	size_t got;

	walk(rota_span(data, len));
	if (rota_escaped_cert(rota_span(data, len), ROTA_BUF(der), &got) == ROTA_OK)
		walk(rota_span(der, got));
	return 0;
}
