/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/cert.h"
#include "rota/base/hex.h"
#include "rota/codec/der.h"

#define TAG_VERSION 0xA0 /* [0] EXPLICIT */
#define TAG_EXTENSIONS 0xA3 /* [3] EXPLICIT */
#define TAG_UTC_TIME 0x17
#define TAG_GENERALIZED_TIME 0x18
#define SERIAL_MAX 20 /* RFC 5280, 4.1.2.2 */

static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
static const uint8_t version_3[] = { ROTA_DER_INTEGER, 1, 2 };

/* Two decimal digits; the reader fails on anything else or on a value outside [least, most]. */
static uint64_t two_digits(struct rota_reader *r, uint64_t least, uint64_t most)
{
	uint8_t tens = rota_read_u8(r), ones = rota_read_u8(r);
	uint64_t value;

	if (tens < '0' || tens > '9' || ones < '0' || ones > '9') {
		rota_reader_fail(r);
		return least;
	}
	value = (uint64_t)(tens - '0') * 10 + (uint64_t)(ones - '0');
	if (value < least || value > most)
		rota_reader_fail(r);
	return value;
}

static bool leap(uint64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of the month; year at least 1970. */
static uint64_t days_before(uint64_t year, uint64_t month)
{
	static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304,
		334 };
	uint64_t y = year - 1;
	uint64_t days = year * 365 + y / 4 - y / 100 + y / 400 + before[(month - 1) % 12];

	if (month > 2 && leap(year))
		days++;
	return days - 719527; /* what the first terms give for 1970-01-01 */
}

static uint64_t days_in(uint64_t year, uint64_t month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && leap(year) ? 29 : days[(month - 1) % 12];
}

/* RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime after, both to the second and in Z. */
static uint64_t read_time(struct rota_reader *outer)
{
	uint8_t tag = rota_der_peek(outer);
	struct rota_reader r = rota_reader(rota_der_read(outer, tag));
	uint64_t year = 0, month, day, hour, minute, second;

	if (tag != TAG_UTC_TIME && tag != TAG_GENERALIZED_TIME)
		rota_reader_fail(outer);
	if (tag == TAG_GENERALIZED_TIME)
		year = two_digits(&r, 19, 99) * 100;
	year += two_digits(&r, 0, 99);
	if (tag == TAG_UTC_TIME)
		year += year < 50 ? 2000 : 1900;
	month = two_digits(&r, 1, 12);
	day = two_digits(&r, 1, days_in(year, month));
	hour = two_digits(&r, 0, 23);
	minute = two_digits(&r, 0, 59);
	second = two_digits(&r, 0, 59);
	if (rota_read_u8(&r) != 'Z' || rota_reader_end(&r) != ROTA_OK)
		rota_reader_fail(outer);
	if (year < 1970) {
		rota_reader_fail(outer);
		return 0;
	}
	return (days_before(year, month) + day - 1) * 86400 + hour * 3600 + minute * 60 + second;
}

static void read_validity(struct rota_reader *tbs, struct rota_cert *out)
{
	struct rota_reader r = rota_reader(rota_der_read(tbs, ROTA_DER_SEQUENCE));

	out->not_before = read_time(&r);
	out->not_after = read_time(&r);
	if (rota_reader_end(&r) != ROTA_OK || out->not_after < out->not_before)
		rota_reader_fail(tbs);
}

/* One AttributeTypeAndValue. */
static enum rota_err read_attribute(struct rota_reader *set, struct rota_cert *out)
{
	struct rota_reader r = rota_reader(rota_der_read(set, ROTA_DER_SEQUENCE));
	struct rota_span oid = rota_der_read(&r, ROTA_DER_OID);
	struct rota_der value = rota_der_next(&r);

	ROTA_TRY(rota_reader_end(&r));
	if (!rota_span_eq(oid, ROTA_SPAN(oid_common_name)))
		return ROTA_OK;
	if (value.tag != ROTA_DER_UTF8_STRING && value.tag != ROTA_DER_PRINTABLE_STRING)
		return ROTA_ERR_FORMAT;
	if (value.content.len == 0 || out->common_name.len != 0)
		return ROTA_ERR_FORMAT;
	out->common_name = value.content;
	return ROTA_OK;
}

static enum rota_err read_subject(struct rota_span name, struct rota_cert *out)
{
	struct rota_reader r = rota_reader(name);

	while (!r.failed && r.rest.len > 0) {
		struct rota_reader set = rota_reader(rota_der_read(&r, ROTA_DER_SET));

		if (set.rest.len == 0)
			return ROTA_ERR_FORMAT;
		while (!set.failed && set.rest.len > 0)
			ROTA_TRY(read_attribute(&set, out));
		ROTA_TRY(rota_reader_end(&set));
	}
	return rota_reader_end(&r);
}

static enum rota_err read_tbs(struct rota_span content, struct rota_cert *out)
{
	struct rota_reader r = rota_reader(content);
	struct rota_span version = rota_der_read(&r, TAG_VERSION);
	struct rota_der name;

	if (!rota_span_eq(version, ROTA_SPAN(version_3)))
		return ROTA_ERR_FORMAT;
	out->serial = rota_der_read(&r, ROTA_DER_INTEGER);
	if (out->serial.len == 0 || out->serial.len > SERIAL_MAX)
		return ROTA_ERR_FORMAT;
	(void)rota_der_read(&r, ROTA_DER_SEQUENCE); /* signature algorithm */
	name = rota_der_next(&r);
	out->issuer = name.whole;
	if (name.tag != ROTA_DER_SEQUENCE)
		return ROTA_ERR_FORMAT;
	read_validity(&r, out);
	name = rota_der_next(&r);
	out->subject = name.whole;
	if (name.tag != ROTA_DER_SEQUENCE)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(read_subject(name.content, out));
	name = rota_der_next(&r);
	out->spki = name.whole;
	if (name.tag != ROTA_DER_SEQUENCE)
		return ROTA_ERR_FORMAT;
	if (rota_der_peek(&r) == TAG_EXTENSIONS)
		(void)rota_der_read(&r, TAG_EXTENSIONS);
	return rota_reader_end(&r); /* issuerUniqueID and its like are not for devices (4.1.2.8) */
}

enum rota_err rota_cert_read(struct rota_span der, struct rota_cert *out)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader r = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_span tbs = rota_der_read(&r, ROTA_DER_SEQUENCE);

	*out = (struct rota_cert){ 0 };
	(void)rota_der_read(&r, ROTA_DER_SEQUENCE); /* signature algorithm */
	(void)rota_der_read(&r, ROTA_DER_BIT_STRING); /* signature */
	ROTA_TRY(rota_reader_end(&outer));
	ROTA_TRY(rota_reader_end(&r));
	return read_tbs(tbs, out);
}

enum rota_err rota_cert_tbs_read(struct rota_span der, struct rota_cert *out)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_span tbs = rota_der_read(&outer, ROTA_DER_SEQUENCE);

	*out = (struct rota_cert){ 0 };
	ROTA_TRY(rota_reader_end(&outer));
	return read_tbs(tbs, out);
}

enum rota_err rota_cert_device_id(const struct rota_cert *cert, uint8_t id[static 32])
{
	return rota_hex_decode(cert->common_name, rota_buf(id, 32)) == ROTA_OK ? ROTA_OK
									       : ROTA_ERR_DENIED;
}
