/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/derout.h"
#include "rota/codec/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The first second that UTCTime cannot say: 2050-01-01T00:00:00Z. */
#define UTC_TIME_ENDS 2524608000ULL

/* Tag and length in front of so many bytes; how many that are. */
static size_t head_of(uint8_t tag, size_t len, uint8_t out[static 5])
{
	out[0] = tag;
	if (len < 0x80) {
		out[1] = (uint8_t)len;
		return 2;
	}
	if (len <= 0xFF) {
		out[1] = 0x81;
		out[2] = (uint8_t)len;
		return 3;
	}
	if (len <= 0xFFFF) {
		out[1] = 0x82;
		out[2] = (uint8_t)(len >> 8);
		out[3] = (uint8_t)len;
		return 4;
	}
	if (len > 0xFFFFFF)
		abort(); /* callers bound what they write */
	out[1] = 0x83;
	out[2] = (uint8_t)(len >> 16);
	out[3] = (uint8_t)(len >> 8);
	out[4] = (uint8_t)len;
	return 5;
}

void rota_der_close(struct rota_bytes *to, size_t from, uint8_t tag)
{
	uint8_t head[5];
	size_t len = to->len - from, head_len = head_of(tag, len, head);

	rota_bytes_add(to, rota_span(head, head_len)); /* room for it; its place is in front */
	memmove(to->p + from + head_len, to->p + from, len);
	memcpy(to->p + from, head, head_len);
}

void rota_der_add(struct rota_bytes *to, uint8_t tag, struct rota_span content)
{
	uint8_t head[5];

	rota_bytes_add(to, rota_span(head, head_of(tag, content.len, head)));
	rota_bytes_add(to, content);
}

void rota_der_add_uint(struct rota_bytes *to, struct rota_span number)
{
	size_t at = to->len;

	while (number.len > 1 && number.p[0] == 0)
		number = rota_span_skip(number, 1);
	if (number.len == 0 || number.p[0] & 0x80)
		rota_bytes_add_byte(to, 0);
	rota_bytes_add(to, number);
	rota_der_close(to, at, ROTA_DER_INTEGER);
}

void rota_der_add_number(struct rota_bytes *to, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	rota_der_add_uint(to, ROTA_SPAN(bytes));
}

static void add_time(struct rota_bytes *to, uint64_t unix_s, bool general)
{
	static const char never[] = "99991231235959Z"; /* RFC 5280, 4.1.2.5: no end is known */
	time_t at = (time_t)unix_s;
	char text[32];
	struct tm t;

	if (unix_s == UINT64_MAX) {
		rota_der_add(to, ROTA_DER_GENERALIZED_TIME, rota_span_cstr(never));
		return;
	}
	if (!gmtime_r(&at, &t) || t.tm_year + 1900 > 9999)
		abort(); /* callers take times of clocks and settings */
	strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &t);
	rota_der_add(to, general ? ROTA_DER_GENERALIZED_TIME : ROTA_DER_UTC_TIME,
		rota_span_cstr(general ? text : text + 2)); /* without the century */
}

void rota_der_add_time(struct rota_bytes *to, uint64_t unix_s)
{
	add_time(to, unix_s, unix_s >= UTC_TIME_ENDS);
}

void rota_der_add_general_time(struct rota_bytes *to, uint64_t unix_s)
{
	add_time(to, unix_s, true);
}

void rota_der_add_bits(struct rota_bytes *to, struct rota_span bits)
{
	size_t at = to->len;

	rota_bytes_add_byte(to, 0); /* unused bits */
	rota_bytes_add(to, bits);
	rota_der_close(to, at, ROTA_DER_BIT_STRING);
}

void rota_der_add_ecdsa(struct rota_bytes *to)
{
	static const uint8_t algorithm[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
		0x04, 0x03, 0x02 };

	rota_bytes_add(to, ROTA_SPAN(algorithm));
}

void rota_der_add_proof(
	struct rota_bytes *to, struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN])
{
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;

	if (rota_der_ecdsa_encode(rota_span(sig, ROTA_P256_SIG_LEN), ROTA_BUF(room), &der) !=
		ROTA_OK)
		abort(); /* the room is enough for any */
	rota_bytes_add(to, tbs);
	rota_der_add_ecdsa(to);
	rota_der_add_bits(to, der);
}

void rota_der_add_signed(
	struct rota_bytes *to, struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN])
{
	size_t at = to->len;

	rota_der_add_proof(to, tbs, sig);
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
}
