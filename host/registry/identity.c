/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/identity.h"
#include "host/base/bytes.h"
#include "host/campaign/row.h"
#include "host/identity/cert.h"
#include "host/identity/subject.h"
#include "host/registry/holding.h"

#include <string.h>

_Static_assert(ROTA_REG_ROW_LEN == ROTA_ROW_LEN, "a row of the registry is one of SPEC 30.2");

/* SubjectPublicKeyInfo of a P-256 key (RFC 5480): 26 bytes that say so, and the point. */
#define SPKI_LEN 91

const char *rota_reg_state_word(uint8_t state)
{
	static const char *const words[ROTA_REG_STATES] = {
		[0] = "",
		[ROTA_REG_ENROLLED] = "enrolled",
		[ROTA_REG_ACTIVE] = "active",
		[ROTA_REG_TRANSFERRED] = "transferred",
		[ROTA_REG_REPAIRED] = "repaired",
		[ROTA_REG_DECOMMISSIONED] = "decommissioned",
	};

	return state < ROTA_REG_STATES ? words[state] : "";
}

enum rota_err rota_identity_leave(const struct rota_regdb *reg, struct rota_reg_device *device,
	enum rota_reg_state state, struct rota_fail *why)
{
	device->state = (uint8_t)state;
	ROTA_TRY(reg->drop_holdings(reg->ctx, device->id, why));
	return reg->set_device(reg->ctx, device, why);
}

enum rota_err rota_identity_find(const struct rota_regdb *reg,
	const uint8_t device[static ROTA_DEVICE_ID_LEN], struct rota_reg_device *out, bool *known,
	struct rota_fail *why)
{
	char id[ROTA_DB_ID_LEN];
	enum rota_err err;

	rota_hex(rota_span(device, ROTA_DEVICE_ID_LEN), id);
	err = reg->device(reg->ctx, id, out, why);
	*known = err == ROTA_OK;
	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	memset(out, 0, sizeof(*out));
	memcpy(out->id, id, sizeof(id));
	return ROTA_OK;
}

static bool read_row(const struct rota_record *record, struct rota_row *out)
{
	return record->payload.len >= ROTA_ROW_LEN &&
		rota_row_read(record->payload.p, out) == ROTA_OK &&
		memcmp(out->device, record->device, sizeof(out->device)) == 0;
}

/* Rows of one device are in an order: by counter, and of one counter by what is proved, which only grows (SPEC 30.2). */
static enum rota_fleet_result compare(const struct rota_reg_device *d, const struct rota_row *row)
{
	struct rota_row was;
	enum rota_fleet_result result = ROTA_FLEET_REPEATED;

	if (rota_row_read(d->row, &was) != ROTA_OK)
		return ROTA_FLEET_TAKEN;
	if (memcmp(was.identity, row->identity, sizeof(was.identity)) != 0)
		return ROTA_FLEET_STRANGER;
	if (row->counter != was.counter)
		return row->counter > was.counter ? ROTA_FLEET_TAKEN : ROTA_FLEET_STALE;
	if (memcmp(was.agree, row->agree, sizeof(was.agree)) != 0 || row->flags < was.flags)
		return ROTA_FLEET_STALE;
	if (row->flags > was.flags)
		result = ROTA_FLEET_TAKEN;
	for (size_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		if (row->proved[i] < was.proved[i])
			return ROTA_FLEET_STALE;
		if (row->proved[i] > was.proved[i])
			result = ROTA_FLEET_TAKEN;
	}
	return result;
}

/* A row that is behind the device's statements says nothing of proofs: it may have lost since what it had proved. */
static enum rota_err take_proved(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_row *row, const struct rota_reg_device *d, struct rota_fail *why)
{
	if (row->counter < d->agreed)
		return ROTA_OK;
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++)
		if (row->proved[i])
			ROTA_TRY(rota_holding_proved(reg, d->id, (uint8_t)(i + 1), row->proved[i],
				record->time_ms, why));
	return ROTA_OK;
}

static enum rota_err store_row(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_row *row, struct rota_reg_device *d, struct rota_fail *why)
{
	memcpy(d->row, record->payload.p, sizeof(d->row));
	if (row->flags & ROTA_ROW_GONE)
		return rota_identity_leave(reg, d, ROTA_REG_DECOMMISSIONED, why);
	ROTA_TRY(take_proved(reg, record, row, d, why));
	if (row->counter > d->agreed)
		d->agreed = row->counter;
	return reg->set_device(reg->ctx, d, why);
}

/* The certificate is of the row's identity; its subject names the hardware. */
static bool read_idevid(
	struct rota_span der, const struct rota_row *row, char serial[static ROTA_REG_TEXT_LEN])
{
	struct rota_cert cert;
	struct rota_span text, point;

	if (rota_cert_read(der, &cert) != ROTA_OK || cert.spki.len != SPKI_LEN ||
		rota_subject_serial(cert.subject, &text) != ROTA_OK)
		return false;
	point = rota_span_slice(cert.spki, SPKI_LEN - ROTA_P256_KEY_LEN, ROTA_P256_KEY_LEN);
	if (!rota_span_eq(point, ROTA_SPAN(row->identity)))
		return false;
	memset(serial, 0, ROTA_REG_TEXT_LEN);
	memcpy(serial, text.p, text.len);
	return true;
}

/* Whether a device that is here may be enrolled again: after it went to another owner, with another agree key. */
static enum rota_fleet_result judge_again(
	const struct rota_reg_device *d, const struct rota_row *row)
{
	enum rota_fleet_result order = compare(d, row);

	if (order != ROTA_FLEET_TAKEN)
		return order;
	return d->state == ROTA_REG_TRANSFERRED ? ROTA_FLEET_TAKEN : ROTA_FLEET_STALE;
}

enum rota_err rota_identity_enrol(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_device d;
	struct rota_row row;
	struct rota_span der;
	char serial[ROTA_REG_TEXT_LEN];
	bool known;

	*result = ROTA_FLEET_UNREADABLE;
	if (!read_row(record, &row))
		return ROTA_OK;
	der = rota_span_slice(record->payload, ROTA_ROW_LEN, record->payload.len - ROTA_ROW_LEN);
	if (!read_idevid(der, &row, serial))
		return ROTA_OK;
	ROTA_TRY(rota_identity_find(reg, record->device, &d, &known, why));
	*result = known ? judge_again(&d, &row) : ROTA_FLEET_TAKEN;
	if (*result != ROTA_FLEET_TAKEN)
		return ROTA_OK;
	memcpy(d.serial, serial, sizeof(d.serial));
	d.state = ROTA_REG_ENROLLED;
	d.enrolled_ms = record->time_ms;
	return store_row(reg, record, &row, &d, why);
}

/* What signd made of the statement by which it left. */
static bool is_last(const struct rota_reg_device *d, const struct rota_row *row)
{
	return d->state == ROTA_REG_DECOMMISSIONED && (row->flags & ROTA_ROW_GONE) != 0;
}

enum rota_err rota_identity_row(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_device d;
	struct rota_row row;
	bool known;

	*result = ROTA_FLEET_UNREADABLE;
	if (record->payload.len != ROTA_ROW_LEN || !read_row(record, &row))
		return ROTA_OK;
	ROTA_TRY(rota_identity_find(reg, record->device, &d, &known, why));
	*result = known && (rota_reg_lives(d.state) || is_last(&d, &row)) ? compare(&d, &row)
									  : ROTA_FLEET_STRANGER;
	if (*result != ROTA_FLEET_TAKEN)
		return ROTA_OK;
	return store_row(reg, record, &row, &d, why);
}

enum rota_err rota_identity_seen(
	const struct rota_regdb *reg, const struct rota_record *record, struct rota_fail *why)
{
	struct rota_reg_device d;
	bool known;

	ROTA_TRY(rota_identity_find(reg, record->device, &d, &known, why));
	if (!known || d.state != ROTA_REG_ENROLLED)
		return ROTA_OK;
	d.state = ROTA_REG_ACTIVE;
	return reg->set_device(reg->ctx, &d, why);
}
