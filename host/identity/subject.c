/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/subject.h"
#include "rota/codec/der.h"

static const uint8_t oid_serial_number[] = { 0x55, 0x04, 0x05 };

static bool plain(struct rota_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return false;
	return text.len > 0 && text.len <= ROTA_SUBJECT_SERIAL_MAX;
}

/* One AttributeTypeAndValue. */
static enum rota_err read_attribute(struct rota_reader *set, struct rota_span *out)
{
	struct rota_reader r = rota_reader(rota_der_read(set, ROTA_DER_SEQUENCE));
	struct rota_span oid = rota_der_read(&r, ROTA_DER_OID);
	struct rota_der value = rota_der_next(&r);

	ROTA_TRY(rota_reader_end(&r));
	if (!rota_span_eq(oid, ROTA_SPAN(oid_serial_number)))
		return ROTA_OK;
	if (value.tag != ROTA_DER_UTF8_STRING && value.tag != ROTA_DER_PRINTABLE_STRING)
		return ROTA_ERR_FORMAT;
	if (out->len != 0 || !plain(value.content))
		return ROTA_ERR_FORMAT;
	*out = value.content;
	return ROTA_OK;
}

enum rota_err rota_subject_serial(struct rota_span name, struct rota_span *out)
{
	struct rota_reader outer = rota_reader(name);
	struct rota_reader r = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));

	*out = rota_span(NULL, 0);
	ROTA_TRY(rota_reader_end(&outer));
	while (!r.failed && r.rest.len > 0) {
		struct rota_reader set = rota_reader(rota_der_read(&r, ROTA_DER_SET));

		while (!set.failed && set.rest.len > 0)
			ROTA_TRY(read_attribute(&set, out));
		ROTA_TRY(rota_reader_end(&set));
	}
	ROTA_TRY(rota_reader_end(&r));
	return out->len ? ROTA_OK : ROTA_ERR_NOT_FOUND;
}
