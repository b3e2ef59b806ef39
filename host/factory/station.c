/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/station.h"
#include "host/base/digest.h"
#include "host/factory/ready.h"
#include "host/pki/agentini.h"
#include "host/pki/burn.h"
#include "host/pki/idevid.h"
#include "host/pki/tbs.h"
#include "rota/base/reader.h"
#include "rota/codec/rom.h"
#include "rota/codec/statement.h"
#include "rota/crypto/factory.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NONCE_LEN 32
#define FOLDER_MAX ROTA_AGENTINI_VALUE_MAX
#define FILE_MAX_LEN (64 * 1024) /* CA, recovery keys */

/* One device on the bench. */
struct bench {
	const struct rota_station *s;
	struct rota_station_made *made;
	struct rota_enrol_plan plan; /* with what the device said */
	char folder[FOLDER_MAX + 1];
	uint8_t nonce[NONCE_LEN];
	uint8_t point[ROTA_P256_KEY_LEN], agree[ROTA_P256_KEY_LEN];
	uint8_t spki[ROTA_P256_SPKI_LEN]; /* of point */
	uint8_t rot_name[ROTA_ROM_ROOT_NAME_LEN];
	struct rota_idevid born;
	struct rota_bytes idevid, ldevid, statement, secret; /* as they came */
	struct rota_rom rom; /* its counters and its root of trust */
};

static enum rota_err refuse(struct rota_fail *why, enum rota_err err, const char *what)
{
	return rota_fail(why, err, "the device %s", what);
}

/* ---- MAKE, MADE ---- */

/* SPEC 29.3: signed by the key that it names. */
static bool is_signed(const struct bench *b, struct rota_span said, struct rota_span sig)
{
	struct rota_digest *digest = rota_digest_new();
	uint8_t all[ROTA_DIGEST_LEN];

	rota_digest_add(digest, ROTA_STR(ROTA_FACTORY_PREFIX));
	rota_digest_add(digest, ROTA_SPAN(b->nonce));
	rota_digest_add(digest, said);
	rota_digest_get(digest, all);
	rota_digest_free(digest);
	return rota_p256_verify(b->point, all, sig.p);
}

static enum rota_err read_request(struct bench *b, struct rota_span made, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(made);
	struct rota_span serial, said, sig;

	rota_read_bytes(&r, ROTA_BUF(b->point));
	rota_read_bytes(&r, ROTA_BUF(b->agree));
	serial = rota_read_span(&r, rota_read_u8(&r));
	said = rota_span_slice(made, 0, made.len - r.rest.len);
	sig = rota_read_span(&r, ROTA_P256_SIG_LEN);
	if (rota_reader_end(&r) != ROTA_OK || serial.len >= sizeof(b->made->serial))
		return refuse(why, ROTA_ERR_FORMAT, "sends no request of SPEC 29.3");
	memcpy(b->made->serial, serial.p, serial.len);
	if (!rota_hardware_serial_ok(b->made->serial))
		return refuse(why, ROTA_ERR_FORMAT, "has a serial that no certificate can have");
	if (!is_signed(b, said, sig))
		return refuse(why, ROTA_ERR_SIGNATURE, "does not hold the key that it names");
	if (b->s->plan.serial && strcmp(b->s->plan.serial, b->made->serial) != 0)
		return rota_fail(why, ROTA_ERR_HARDWARE, "the device is %s, not %s",
			b->made->serial, b->s->plan.serial);
	b->plan.serial = b->made->serial;
	rota_p256_spki(b->point, b->spki);
	b->plan.again = b->spki;
	return ROTA_OK;
}

static enum rota_err read_rot(struct bench *b, struct rota_span rot, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(rot);
	uint8_t kind = rota_read_u8(&r);

	if (kind == ROTA_ROT_TPM) {
		rota_read_bytes(&r, ROTA_BUF(b->rot_name));
		b->rom.rot_name = ROTA_SPAN(b->rot_name);
	}
	if (rota_reader_end(&r) != ROTA_OK || kind < ROTA_ROT_TPM || kind > ROTA_ROT_SOFT)
		return refuse(why, ROTA_ERR_FORMAT, "names no root of trust of SPEC 28.4");
	if (kind == ROTA_ROT_SOFT && !b->s->soft)
		return refuse(why, ROTA_ERR_DENIED,
			"keeps its keys in the clear (its root of trust is soft), which has to be "
			"allowed");
	if (kind != ROTA_ROT_TPM && b->s->pcrs_sha256)
		return refuse(why, ROTA_ERR_DENIED,
			"quotes no PCRs, and has to show those of --pcr-digest");
	b->rom.rot = (enum rota_rot_kind)kind;
	b->made->rot = kind;
	return ROTA_OK;
}

static enum rota_err read_made(
	struct bench *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	struct rota_span folder = m->field[FACTORY_FOLDER];

	if (folder.len < 1 || folder.len > FOLDER_MAX || folder.p[0] != '/')
		return refuse(why, ROTA_ERR_FORMAT, "names no folder that agent.ini can hold");
	memcpy(b->folder, folder.p, folder.len);
	b->plan.at = b->folder;
	b->plan.inside = true;
	ROTA_TRY(read_request(b, m->field[FACTORY_REQUEST], why));
	ROTA_TRY(read_rot(b, m->field[FACTORY_ROT], why));
	return rota_enrol_check(b->s->desk->dir, &b->plan, why);
}

static enum rota_err load_ca(
	const struct bench *b, const char *name, X509 **out, struct rota_fail *why)
{
	char part[64], path[ROTA_FILE_PATH_MAX];

	snprintf(part, sizeof(part), "ca/%s.pem", name);
	rota_authdir_path(b->s->desk->dir, part, path);
	return rota_cert_load(path, out, why);
}

/* One that comes again has the TPM that it had, and shows so. */
static enum rota_err same_tpm(const struct bench *b, struct rota_fail *why)
{
	char name[2 * ROTA_QUOTE_NAME_LEN + 1];
	struct rota_bytes was;
	enum rota_err err =
		rota_enrol_text(b->s->desk->dir, b->made->device, "quote_key", &was, why);
	bool same;

	if (err != ROTA_OK)
		return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
	rota_hex(ROTA_SPAN(b->made->quote.key_name), name);
	same = strcmp(name, (const char *)was.p) == 0;
	rota_bytes_free(&was);
	if (!b->made->quoted)
		return refuse(why, ROTA_ERR_HARDWARE,
			"is listed with a TPM, and comes again without its quote");
	return same ? ROTA_OK
		    : refuse(why, ROTA_ERR_HARDWARE,
			      "is listed with another TPM than the one that quotes");
}

/* The id that it will have (SPEC 29.4): nothing is certified of a device that may not be made. */
static enum rota_err may_be(struct bench *b, const X509 *ca, struct rota_fail *why)
{
	uint8_t serial[ROTA_TBS_SERIAL_LEN], device[ROTA_SHA256_LEN];

	rota_tbs_idevid_serial(b->s->desk->dir->product, b->made->serial, b->point, serial);
	rota_tbs_device_id(ca, serial, device);
	rota_hex(ROTA_SPAN(device), b->made->device);
	if (b->made->rot != ROTA_ROT_TPM)
		ROTA_TRY(same_tpm(b, why)); /* it will not quote; who does is asked at READY */
	return b->s->book.may(b->s->book.ctx, b->made, why);
}

/* The authority's answer is looked at as anything that comes from elsewhere. */
static enum rota_err certify(
	struct bench *b, const X509 *ca, struct rota_span request, struct rota_fail *why)
{
	char device[65];

	ROTA_TRY(may_be(b, ca, why));
	ROTA_TRY(b->s->ca.certify(b->s->ca.ctx, "device-ca", request, ROTA_SPAN(b->nonce),
		rota_span(NULL, 0), &b->idevid, why));
	ROTA_TRY(rota_idevid_read(ca, rota_bytes_span(&b->idevid), &b->born, why));
	rota_hex(ROTA_SPAN(b->born.device), device);
	if (memcmp(b->born.point, b->point, sizeof(b->point)) == 0 &&
		strcmp(device, b->made->device) == 0)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_SIGNATURE, "the IDevID that was issued is of another key or device");
}

static enum rota_err bear(struct bench *b, struct rota_span request, struct rota_fail *why)
{
	X509 *ca;
	enum rota_err err;

	ROTA_TRY(load_ca(b, "device-ca", &ca, why));
	err = certify(b, ca, request, why);
	X509_free(ca);
	return err;
}

static enum rota_err make(struct bench *b, struct rota_fail *why)
{
	const struct rota_enrol_plan *plan = &b->s->plan;
	uint8_t pcrs[4];
	const struct rota_factory_message ask = { .kind = ROTA_FACTORY_MAKE,
		.field = { [FACTORY_NONCE] = ROTA_SPAN(b->nonce),
			[FACTORY_PRODUCT] = rota_span_cstr(b->s->desk->dir->product),
			[FACTORY_HARDWARE] = rota_span_cstr(plan->hardware),
			[FACTORY_SERIAL] = rota_span_cstr(plan->serial ? plan->serial : ""),
			[FACTORY_PCRS] = ROTA_SPAN(pcrs) } };
	struct rota_factory_message m;
	struct rota_bytes room;
	enum rota_err err;

	if (getrandom(b->nonce, sizeof(b->nonce), 0) != (ssize_t)sizeof(b->nonce))
		abort(); /* a kernel without random bytes makes no keys either */
	rota_factory_pcrs_write(b->s->pcrs, pcrs);
	ROTA_TRY(rota_talk_say(&b->s->talk, &ask, why));
	ROTA_TRY(rota_talk_hear(&b->s->talk, ROTA_FACTORY_MADE, &room, &m, why));
	err = read_made(b, &m, why);
	if (err == ROTA_OK)
		err = bear(b, m.field[FACTORY_REQUEST], why);
	rota_bytes_free(&room);
	return err;
}

/* ---- BORN, ASKS ---- */

static enum rota_err read_counters(struct bench *b, struct rota_span value, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(value);

	while (r.rest.len > 0 && !r.failed) {
		uint8_t id = rota_read_u8(&r);

		if (id >= ROTA_COUNTER_COUNT || b->rom.nv_have >> id != 0)
			return refuse(why, ROTA_ERR_FORMAT, "names no counters of SPEC 12.1");
		b->rom.nv_have |= (uint8_t)(1u << id);
		b->rom.nv[id].index = rota_read_le32(&r);
		b->rom.nv[id].base = rota_read_le64(&r);
	}
	return rota_reader_end(&r) == ROTA_OK
		? ROTA_OK
		: refuse(why, ROTA_ERR_FORMAT, "names no counters of SPEC 12.1");
}

/* SPEC 30.2: a device's first row follows from it. */
static enum rota_err read_statement(struct bench *b, struct rota_span said, struct rota_fail *why)
{
	const struct rota_crypto *crypto = b->s->crypto;
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_statement s;

	if (rota_statement_decode(said, &s) != ROTA_OK || s.kind != ROTA_STATEMENT_ANEW ||
		s.number != 1 || memcmp(s.device, b->born.device, sizeof(s.device)) != 0 ||
		memcmp(s.point, b->agree, sizeof(s.point)) != 0)
		return refuse(why, ROTA_ERR_FORMAT, "makes no first statement of its agree key");
	rota_statement_digest(crypto, s.body, digest);
	if (!rota_p256_verify(b->point, digest, s.sig.p))
		return refuse(why, ROTA_ERR_SIGNATURE, "has not signed its first statement");
	rota_bytes_add(&b->statement, said);
	return ROTA_OK;
}

static enum rota_err log_in(
	struct bench *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	X509 *ca;
	enum rota_err err;

	ROTA_TRY(b->s->ca.certify(b->s->ca.ctx, "operational-ca", m->field[FACTORY_CSR],
		m->field[FACTORY_ENDORSEMENT], rota_bytes_span(&b->idevid), &b->ldevid, why));
	ROTA_TRY(load_ca(b, "operational-ca", &ca, why));
	err = rota_cert_issued_by(ca, rota_bytes_span(&b->ldevid), why);
	X509_free(ca);
	return err;
}

/* The secret that is listed went with the keys of before, and would count on where its last line has none (SPEC 37.13). */
static enum rota_err had_none(const struct bench *b, struct rota_fail *why)
{
	struct rota_bytes was;
	enum rota_err err = rota_enrol_text(b->s->desk->dir, b->made->device, "secret", &was, why);

	if (err != ROTA_OK)
		return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
	rota_bytes_free(&was);
	return refuse(why, ROTA_ERR_DENIED, "is listed with a factory secret: --secrets is needed");
}

/* Sealed by this device to our point, whatever point it heard. */
static enum rota_err read_secret(struct bench *b, struct rota_span secret, struct rota_fail *why)
{
	const uint8_t *to = b->s->seal_to;
	enum rota_err err = secret.len == 0 ? ROTA_OK : ROTA_ERR_FORMAT;

	if (!to)
		ROTA_TRY(had_none(b, why));
	else
		err = rota_factory_secret_check(b->s->crypto, b->point, to, b->born.device, secret);
	if (err == ROTA_ERR_FORMAT)
		return refuse(why, err, "has no factory secret where one is wanted");
	if (err != ROTA_OK)
		return refuse(why, err,
			"has not sealed its factory secret to the point of --secrets: somebody on "
			"the way put in another");
	rota_bytes_add(&b->secret, secret);
	return ROTA_OK;
}

static enum rota_err read_asks(
	struct bench *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	ROTA_TRY(read_counters(b, m->field[FACTORY_COUNTERS], why));
	ROTA_TRY(read_statement(b, m->field[FACTORY_STATEMENT], why));
	ROTA_TRY(read_secret(b, m->field[FACTORY_SECRET], why));
	return log_in(b, m, why);
}

static enum rota_err born(struct bench *b, struct rota_fail *why)
{
	uint8_t ca_nonce[NONCE_LEN];
	struct rota_factory_message m,
		say = { .kind = ROTA_FACTORY_BORN,
			.field = { [FACTORY_DEVICE] = ROTA_SPAN(b->born.device),
				[FACTORY_IDEVID] = rota_bytes_span(&b->idevid),
				[FACTORY_CA_NONCE] = ROTA_SPAN(ca_nonce) } };
	struct rota_bytes room;
	enum rota_err err;

	if (b->s->seal_to)
		say.field[FACTORY_SEAL_TO] = rota_span(b->s->seal_to, ROTA_P256_KEY_LEN);
	ROTA_TRY(b->s->ca.nonce(b->s->ca.ctx, b->made->device, ca_nonce, why));
	ROTA_TRY(rota_talk_say(&b->s->talk, &say, why));
	ROTA_TRY(rota_talk_hear(&b->s->talk, ROTA_FACTORY_ASKS, &room, &m, why));
	err = read_asks(b, &m, why);
	rota_bytes_free(&room);
	return err;
}

/* ---- GIVE, READY ---- */

struct gifts {
	struct rota_bytes root, server_ca, recovery, settings;
	uint8_t rom[ROTA_ROM_MAX];
	struct rota_span rom_used;
};

static void free_gifts(struct gifts *g)
{
	rota_bytes_free(&g->root);
	rota_bytes_free(&g->server_ca);
	rota_bytes_free(&g->recovery);
	rota_bytes_free(&g->settings);
}

static enum rota_err read_part(
	const struct bench *b, const char *name, struct rota_bytes *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(b->s->desk->dir, name, path);
	return rota_file_read(path, FILE_MAX_LEN, out, why);
}

static enum rota_err gather(struct bench *b, struct gifts *g, struct rota_fail *why)
{
	uint8_t root[ROTA_DIGEST_LEN], recovery[ROTA_DIGEST_LEN];

	ROTA_TRY(rota_burn_root(b->s->desk->dir, &g->root, why));
	ROTA_TRY(read_part(b, "ca/server-ca.pem", &g->server_ca, why));
	ROTA_TRY(read_part(b, "trust/recovery-keys.json", &g->recovery, why));
	rota_digest_of(rota_bytes_span(&g->root), root);
	rota_digest_of(rota_bytes_span(&g->recovery), recovery);
	b->rom.device_id = rota_span(b->made->device, 64);
	b->rom.idevid_spki = ROTA_SPAN(b->spki);
	b->rom.root_sha256 = ROTA_SPAN(root);
	b->rom.recovery_sha256 = ROTA_SPAN(recovery);
	ROTA_TRY(rota_burn(b->s->desk, &b->plan, &b->rom, ROTA_BUF(g->rom), &g->rom_used, why));
	rota_agentini(b->s->desk->dir, &b->plan, &g->settings);
	return ROTA_OK;
}

/* Image by image what was to be installed. */
static enum rota_err measure(struct bench *b, struct rota_span images, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	size_t count = images.len / ROTA_SHA256_LEN;

	if (images.len % ROTA_SHA256_LEN != 0 || count > 8)
		return refuse(why, ROTA_ERR_FORMAT, "says no digests");
	b->made->image_count = count;
	for (size_t i = 0; i < count; i++)
		memcpy(b->made->image[i], images.p + i * ROTA_SHA256_LEN, ROTA_SHA256_LEN);
	if (b->s->image_count == 0)
		return ROTA_OK;
	if (count != b->s->image_count)
		return rota_fail(why, ROTA_ERR_HASH,
			"the device has %zu components installed, %zu are wanted", count,
			b->s->image_count);
	for (size_t i = 0; i < count; i++) {
		if (memcmp(b->made->image[i], b->s->image[i], ROTA_SHA256_LEN) == 0)
			continue;
		rota_hex(ROTA_SPAN(b->made->image[i]), hex);
		return rota_fail(why, ROTA_ERR_HASH,
			"component %zu of the device is image %.16s..., which is not the release's",
			i, hex);
	}
	return ROTA_OK;
}

static enum rota_err hear_ready(struct bench *b, struct rota_fail *why)
{
	uint8_t said[ROTA_DIGEST_LEN];
	const struct rota_ready_want want = { .crypto = b->s->crypto,
		.identity = b->point,
		.said = said,
		.pcrs = b->made->rot == ROTA_ROT_TPM ? b->s->pcrs : 0,
		.pcrs_sha256 = b->s->pcrs_sha256 };
	struct rota_factory_message m;
	struct rota_bytes room;
	enum rota_err err;

	rota_talk_said(&b->s->talk, said);
	ROTA_TRY(rota_talk_hear(&b->s->talk, ROTA_FACTORY_READY, &room, &m, why));
	err = rota_ready_judge(&want, &m, &b->made->quote, why);
	b->made->quoted = err == ROTA_OK && want.pcrs != 0;
	if (err == ROTA_OK)
		err = same_tpm(b, why);
	if (err == ROTA_OK)
		err = measure(b, m.field[FACTORY_IMAGES], why);
	rota_bytes_free(&room);
	return err;
}

static enum rota_err give(struct bench *b, struct rota_fail *why)
{
	struct gifts g = { 0 };
	enum rota_err err = gather(b, &g, why);

	if (err == ROTA_OK) {
		const struct rota_factory_message say = { .kind = ROTA_FACTORY_GIVE,
			.field = { [FACTORY_LDEVID] = rota_bytes_span(&b->ldevid),
				[FACTORY_ROM] = g.rom_used,
				[FACTORY_ROOT] = rota_bytes_span(&g.root),
				[FACTORY_SERVER_CA] = rota_bytes_span(&g.server_ca),
				[FACTORY_RECOVERY] = rota_bytes_span(&g.recovery),
				[FACTORY_SETTINGS] = rota_bytes_span(&g.settings) } };

		err = rota_talk_say(&b->s->talk, &say, why);
	}
	if (err == ROTA_OK)
		err = hear_ready(b, why);
	free_gifts(&g);
	return err;
}

/* ---- the line of the device ---- */

static void set_hex(json_t *to, const char *name, struct rota_span value)
{
	struct rota_bytes hex = { 0 };

	for (size_t i = 0; i < value.len; i++)
		rota_bytes_print(&hex, "%02x", value.p[i]);
	if (value.len > 0)
		json_object_set_new(to, name, json_string((const char *)hex.p));
	rota_bytes_free(&hex);
}

static enum rota_err list(const struct bench *b, struct rota_fail *why)
{
	static const char *const kinds[] = { "none", "tpm", "pkcs11", "soft" };
	json_t *more = json_object();
	enum rota_err err;

	set_hex(more, "idevid", rota_bytes_span(&b->idevid));
	set_hex(more, "statement", rota_bytes_span(&b->statement));
	set_hex(more, "secret", rota_bytes_span(&b->secret));
	if (b->made->quoted)
		set_hex(more, "quote_key", ROTA_SPAN(b->made->quote.key_name));
	json_object_set_new(more, "root_of_trust", json_string(kinds[b->made->rot]));
	if (b->s->batch)
		json_object_set_new(more, "batch", json_string(b->s->batch));
	err = rota_enrol_list(b->s->desk, &b->plan, b->made->device, b->spki, more, why);
	json_decref(more);
	return err;
}

static void clear(struct bench *b)
{
	rota_bytes_free(&b->idevid);
	rota_bytes_free(&b->ldevid);
	rota_bytes_free(&b->statement);
	rota_bytes_free(&b->secret);
}

static enum rota_err run(struct bench *b, struct rota_fail *why)
{
	const struct rota_factory_message done = { .kind = ROTA_FACTORY_DONE };

	ROTA_TRY(make(b, why));
	ROTA_TRY(born(b, why));
	ROTA_TRY(give(b, why));
	/* listed first: a device that the list lacks would be worse than one that was not told, and comes again */
	ROTA_TRY(list(b, why));
	ROTA_TRY(b->s->book.made(b->s->book.ctx, b->made, why));
	return rota_talk_say(&b->s->talk, &done, why);
}

enum rota_err rota_station_make(
	const struct rota_station *s, struct rota_station_made *made, struct rota_fail *why)
{
	struct bench b = { .s = s, .made = made, .plan = s->plan };
	enum rota_err err;

	*made = (struct rota_station_made){ 0 };
	err = run(&b, why);
	clear(&b);
	if (err != ROTA_OK)
		rota_talk_no(&s->talk, why);
	return err;
}
