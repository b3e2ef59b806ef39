/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a device that is made, and what it asks for with them. */
#include "apps/rota-agent/birth.h"
#include "apps/rota-agent/identity.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/tpm2/counter_tpm.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/codec/name.h"
#include "rota/codec/statement.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERIAL_MAX 64
#define COUNTERS_LEN (ROTA_COUNTER_COUNT * (1 + 4 + 8)) /* SPEC 12.1, field 10 */

static enum rota_err trouble(const char *what, enum rota_err err, struct rota_fail *why)
{
	return rota_fail(why, err, "%s: %s", what, rota_err_str(err));
}

/* ---- begin ---- */

static enum rota_err not_born(const struct birth *b, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" BIRTH_MARK, b->state);
	if (!rota_file_exists(path))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE,
		"this device has left a factory (%s is there); rota-agent wipe ends that device",
		path);
}

/* One that is there stays: what was cut off is gone on with. */
static enum rota_err need_key(
	struct birth *b, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	const struct rota_rot *r = b->rot.port;
	enum rota_err err = r->key_point(r->ctx, key, point);

	return err == ROTA_ERR_NOT_FOUND ? r->key_make(r->ctx, key, point) : err;
}

/* First data keys: the agree key that bundles will be sealed to. */
static enum rota_err need_agree(struct birth *b, struct rota_fail *why)
{
	static const uint8_t
		nobody[ROTA_SHA256_LEN]; /* the id is not known yet, and nothing is wrapped */
	struct rota_keyslots *k = &b->keys.slots;
	enum rota_err err;

	ROTA_TRY(agent_keys_open(&b->keys, &b->config, b->rot.port, nobody, true, why));
	if (birth_is_former(b))
		ROTA_TRY(birth_clear(b, why));
	/* A first commit that a cut tore counts as none: nobody has heard of its key. */
	err = k->phase == ROTA_KEYSLOTS_BLANK || birth_is_former(b)
		? rota_keyslots_factory(k, 0, b->agree)
		: rota_keyslots_settle(k);
	if (err == ROTA_ERR_CORRUPT && k->state.counter <= 1) {
		/* Journals of a run that was cut off, and another root of trust since. */
		agent_keys_close(&b->keys);
		return trouble(
			"keys.bin is of another root of trust; remove the state folder", err, why);
	}
	if (err == ROTA_OK)
		err = b->rot.port->key_point(b->rot.port->ctx,
			k->state.agree == 0 ? ROTA_ROT_AGREE_0 : ROTA_ROT_AGREE_1, b->agree);
	return err == ROTA_OK ? ROTA_OK : trouble("data keys", err, why);
}

static enum rota_err need_keys(struct birth *b, struct rota_fail *why)
{
	uint8_t ldevid[ROTA_P256_KEY_LEN];
	enum rota_err err = need_key(b, ROTA_ROT_IDENTITY, b->point);

	if (err == ROTA_OK)
		err = need_key(b, ROTA_ROT_LDEVID_0, ldevid);
	if (err != ROTA_OK)
		return trouble("the root of trust makes no key", err, why);
	return need_agree(b, why);
}

enum rota_err birth_begin(struct birth *b, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX + 16];

	b->lock = -1;
	snprintf(b->state, sizeof(b->state), "%.*s/state", ROTA_FILE_PATH_MAX / 2, b->at);
	snprintf(b->identity, sizeof(b->identity), "%.*s/identity", ROTA_FILE_PATH_MAX / 2, b->at);
	snprintf(b->rom_path, sizeof(b->rom_path), "%.*s/rom.bin", ROTA_FILE_PATH_MAX / 2, b->at);
	b->config.state = b->state;
	b->config.identity = b->identity;
	b->config.rom = b->rom_path;
	ROTA_TRY(rota_file_mkdirs(b->state, 0700, why));
	ROTA_TRY(rota_file_mkdirs(b->identity, 0700, why));
	snprintf(path, sizeof(path), "%.*s/trust", ROTA_FILE_PATH_MAX / 2, b->at);
	ROTA_TRY(rota_file_mkdirs(path, 0755, why));
	snprintf(path, sizeof(path), "%s/lock", b->state);
	ROTA_TRY(rota_lock_take(path, 0, &b->lock, why));
	ROTA_TRY(not_born(b, why));
	ROTA_TRY(agent_rot_make(&b->rot, &b->config, why));
	return need_keys(b, why);
}

void birth_end(struct birth *b)
{
	rota_talk_end(&b->talk);
	agent_keys_close(&b->keys);
	agent_rot_close(&b->rot);
	if (b->lock >= 0)
		close(b->lock);
}

/* ---- MAKE, MADE ---- */

/* What both say has to be the same; what one says counts. */
static enum rota_err agree_on(const char *what, const char *own, struct rota_span said,
	struct rota_span *out, struct rota_fail *why)
{
	*out = own ? rota_span_cstr(own) : said;
	if (out->len == 0)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "nobody says this device's %s", what);
	if (own && said.len > 0 && !rota_span_eq(*out, said))
		return rota_fail(why, ROTA_ERR_HARDWARE, "this device's %s is %s, not %.*s", what,
			own, (int)(said.len < SERIAL_MAX ? said.len : SERIAL_MAX),
			(const char *)said.p);
	return ROTA_OK;
}

static struct rota_span describe_rot(const struct birth *b, uint8_t room[static 35])
{
	room[0] = (uint8_t)b->rot.kind;
	memcpy(room + 1, b->rot.name, sizeof(b->rot.name));
	return rota_span(room, b->rot.kind == ROTA_ROT_TPM ? 1 + sizeof(b->rot.name) : 1);
}

static enum rota_err say_made(
	struct birth *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	struct rota_factory_message out = { .kind = ROTA_FACTORY_MADE };
	uint8_t room[ROTA_BIRTH_MAX], rot[1 + ROTA_ROM_ROOT_NAME_LEN];
	struct rota_span serial, ignored;
	enum rota_err err;

	if (m->field[FACTORY_NONCE].len != sizeof(b->nonce))
		return rota_fail(why, ROTA_ERR_FORMAT, "a nonce has 32 bytes");
	if (rota_factory_pcrs_read(m->field[FACTORY_PCRS], &b->pcrs) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT, "there are PCRs 0 to 23");
	memcpy(b->nonce, m->field[FACTORY_NONCE].p, sizeof(b->nonce));
	ROTA_TRY(agree_on("serial", b->serial, m->field[FACTORY_SERIAL], &serial, why));
	ROTA_TRY(agree_on("hardware id", b->hardware, m->field[FACTORY_HARDWARE], &ignored, why));
	err = rota_request_birth(b->rot.port, &rota_crypto_openssl, b->agree, serial, b->nonce,
		ROTA_BUF(room), &out.field[FACTORY_REQUEST]);
	if (err != ROTA_OK)
		return trouble("the request", err, why);
	out.field[FACTORY_ROT] = describe_rot(b, rot);
	out.field[FACTORY_FOLDER] = rota_span_cstr(b->at);
	return rota_talk_say(&b->talk, &out, why);
}

enum rota_err birth_made(struct birth *b, struct rota_fail *why)
{
	struct rota_factory_message m;
	struct rota_bytes room;
	enum rota_err err;

	ROTA_TRY(rota_talk_hear(&b->talk, ROTA_FACTORY_MAKE, &room, &m, why));
	err = say_made(b, &m, why);
	rota_bytes_free(&room);
	return err;
}

/* ---- BORN, ASKS ---- */

static enum rota_err make_counter(struct birth *b, unsigned id, struct rota_fail *why)
{
	const char *tcti = b->config.tpm ? b->config.tpm : AGENT_TPM_USUAL;
	struct rota_rom_counter *place = &b->counters.nv[id];
	uint8_t whose[ROTA_COUNTER_TPM_DEVICE_LEN];
	enum rota_err err;

	place->index = ROTA_COUNTER_TPM_INDEX + id;
	err = rota_counter_tpm_device(tcti, place->index, whose);
	if (err == ROTA_OK && memcmp(whose, b->device, sizeof(whose)) != 0 && !b->take_over)
		return rota_fail(why, ROTA_ERR_STATE,
			"the TPM keeps the counters of another device; --take-over ends that one");
	if (err == ROTA_OK)
		err = rota_counter_tpm_remove(tcti, place->index);
	if (err == ROTA_OK || err == ROTA_ERR_NOT_FOUND)
		err = rota_counter_tpm_make(tcti, b->device, place);
	return err == ROTA_OK ? ROTA_OK : trouble("a counter in the TPM", err, why);
}

/* As field 10 of the ROM record; a root of trust that is no TPM has none. */
static enum rota_err make_counters(struct birth *b, struct rota_writer *w, struct rota_fail *why)
{
	for (unsigned id = 0; b->rot.kind == ROTA_ROT_TPM && id < ROTA_COUNTER_COUNT; id++) {
		ROTA_TRY(make_counter(b, id, why));
		b->counters.nv_have |= (uint8_t)(1u << id);
		rota_write_u8(w, (uint8_t)id);
		rota_write_le32(w, b->counters.nv[id].index);
		rota_write_le64(w, b->counters.nv[id].base);
	}
	return ROTA_OK;
}

static enum rota_err say_state(struct birth *b, uint8_t room[static ROTA_STATEMENT_MAX],
	struct rota_span *out, struct rota_fail *why)
{
	struct rota_statement s = { .kind = ROTA_STATEMENT_ANEW, .number = 1 };
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_span body;
	enum rota_err err;

	memcpy(s.device, b->device, sizeof(s.device));
	memcpy(s.point, b->agree, sizeof(s.point));
	err = rota_statement_encode(
		&s, rota_buf(room, ROTA_STATEMENT_MAX - ROTA_P256_SIG_LEN), &body);
	if (err == ROTA_OK) {
		rota_statement_digest(&rota_crypto_openssl, body, digest);
		err = b->rot.port->sign(
			b->rot.port->ctx, ROTA_ROT_IDENTITY, digest, room + body.len);
		*out = rota_span(room, body.len + ROTA_P256_SIG_LEN);
	}
	return err == ROTA_OK ? ROTA_OK : trouble("the first statement", err, why);
}

/* The factory secret is drawn here and stays here; the psk that follows from it goes to whoever seals campaigns (SPEC 28.7). */
static enum rota_err make_secret(struct birth *b, struct rota_span to,
	uint8_t out[static ROTA_FACTORY_SECRET_LEN], struct rota_fail *why)
{
	const struct rota_hpke hpke = { .crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl };
	const struct rota_random *random = &b->rot.port->random;
	uint8_t secret[ROTA_SECRET_LEN];
	enum rota_err err = ROTA_ERR_FORMAT;

	if (to.len == ROTA_P256_KEY_LEN)
		err = random->fill(random->ctx, ROTA_BUF(secret));
	if (err == ROTA_OK)
		err = rota_keyslots_factory_secret(&b->keys.slots, secret);
	if (err == ROTA_OK)
		err = rota_keyslots_factory_psk(&b->keys.slots, secret);
	if (err == ROTA_OK)
		err = rota_factory_secret_seal(
			&hpke, &rota_p256_openssl, b->rot.port, to.p, b->device, secret, out);
	rota_wipe(secret, sizeof(secret));
	return err == ROTA_OK ? ROTA_OK : trouble("the factory secret", err, why);
}

static enum rota_err ask_login(struct birth *b, struct rota_span nonce, struct rota_bytes *csr,
	uint8_t endorsement[static ROTA_ENDORSEMENT_LEN], struct rota_fail *why)
{
	enum rota_err err;

	if (nonce.len != 32)
		return rota_fail(why, ROTA_ERR_FORMAT, "a nonce has 32 bytes");
	ROTA_TRY(rota_request_csr(b->rot.port, ROTA_ROT_LDEVID_0, csr, why));
	err = rota_request_endorse(b->rot.port, &rota_crypto_openssl, ROTA_ROT_IDENTITY, nonce.p,
		rota_bytes_span(csr), b->device, endorsement);
	return err == ROTA_OK ? ROTA_OK : trouble("the endorsement", err, why);
}

static enum rota_err say_asks(
	struct birth *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	struct rota_factory_message out = { .kind = ROTA_FACTORY_ASKS };
	uint8_t statement[ROTA_STATEMENT_MAX], counters[COUNTERS_LEN];
	uint8_t endorsement[ROTA_ENDORSEMENT_LEN], secret[ROTA_FACTORY_SECRET_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(counters));
	struct rota_bytes csr = { 0 };
	enum rota_err err;

	ROTA_TRY(make_counters(b, &w, why));
	out.field[FACTORY_COUNTERS] = rota_writer_span(&w);
	ROTA_TRY(say_state(b, statement, &out.field[FACTORY_STATEMENT], why));
	if (m->field[FACTORY_SEAL_TO].len > 0) {
		ROTA_TRY(make_secret(b, m->field[FACTORY_SEAL_TO], secret, why));
		out.field[FACTORY_SECRET] = ROTA_SPAN(secret);
	}
	err = ask_login(b, m->field[FACTORY_CA_NONCE], &csr, endorsement, why);
	out.field[FACTORY_CSR] = rota_bytes_span(&csr);
	out.field[FACTORY_ENDORSEMENT] = ROTA_SPAN(endorsement);
	if (err == ROTA_OK)
		err = rota_talk_say(&b->talk, &out, why);
	rota_bytes_free(&csr);
	return err;
}

enum rota_err birth_asks(struct birth *b, struct rota_fail *why)
{
	struct rota_factory_message m;
	struct rota_bytes room;
	enum rota_err err;

	ROTA_TRY(rota_talk_hear(&b->talk, ROTA_FACTORY_BORN, &room, &m, why));
	if (m.field[FACTORY_DEVICE].len == sizeof(b->device)) {
		memcpy(b->device, m.field[FACTORY_DEVICE].p, sizeof(b->device));
		memcpy(b->keys.device, b->device, sizeof(b->device));
		rota_hex(ROTA_SPAN(b->device), b->device_hex);
		err = birth_keep_cert(b, ROTA_ROT_IDENTITY, m.field[FACTORY_IDEVID], why);
	} else {
		err = rota_fail(why, ROTA_ERR_FORMAT, "a device id has 32 bytes");
	}
	if (err == ROTA_OK)
		err = say_asks(b, &m, why);
	rota_bytes_free(&room);
	return err;
}
