/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that is made takes from the factory, and what it says is installed in it. */
#include "apps/rota-agent/birth.h"
#include "apps/rota-agent/identity.h"
#include "host/base/digest.h"
#include "host/identity/cert.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/format.h"
#include "ports/slots_boot/slots_boot.h"
#include "ports/slots_boot/layout.h"
#include "rota/codec/image.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPKI_LEN 91

enum rota_err birth_write(const struct birth *b, const char *name, struct rota_span data,
	mode_t mode, struct rota_fail *why)
{
	char *path = rota_text("%s/%s", b->at, name);
	enum rota_err err = rota_file_write(path, data, mode, why);

	free(path);
	return err;
}

/* ---- certificates ---- */

static enum rota_err write_pem(
	const struct birth *b, const char *path, struct rota_span der, struct rota_fail *why)
{
	const unsigned char *at = der.p;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	enum rota_err err;

	(void)b;
	if (x != NULL && bio != NULL && PEM_write_bio_X509(bio, x) == 1)
		len = BIO_get_mem_data(bio, &text);
	err = len > 0 ? rota_file_write(path, rota_span(text, (size_t)len), 0644, why)
		      : rota_fail(why, ROTA_ERR_FORMAT, "that is no certificate");
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return err;
}

enum rota_err birth_keep_cert(
	const struct birth *b, enum rota_rot_key key, struct rota_span der, struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char path[ROTA_FILE_PATH_MAX];
	struct rota_cert cert;
	enum rota_err err = rota_cert_read(der, &cert);

	if (err == ROTA_OK)
		err = b->rot.port->key_point(b->rot.port->ctx, key, point);
	if (err == ROTA_OK &&
		(cert.spki.len != SPKI_LEN ||
			memcmp(cert.spki.p + SPKI_LEN - sizeof(point), point, sizeof(point)) != 0))
		err = ROTA_ERR_DENIED;
	if (err == ROTA_OK && key != ROTA_ROT_IDENTITY &&
		!rota_span_eq(cert.common_name, rota_span_cstr(b->device_hex)))
		err = ROTA_ERR_DENIED;
	if (err != ROTA_OK)
		return rota_fail(why, err, "the certificate is not for this device's key %s: %s",
			rota_rotkey_name(key), rota_err_str(err));
	agent_identity_path(&b->config, key, path);
	return write_pem(b, path, der, why);
}

/* ---- anchors ---- */

static bool same_counters(const struct rota_rom *rom, const struct rota_rom *made)
{
	bool same = rom->nv_have == made->nv_have;

	for (unsigned id = 0; id < ROTA_COUNTER_COUNT && same; id++)
		same = (made->nv_have >> id & 1) == 0 ||
			(rom->nv[id].index == made->nv[id].index &&
				rom->nv[id].base == made->nv[id].base);
	return same;
}

/* The record is this device's, down to where its keys and counters are: it is burnt for life. */
static enum rota_err check_rom(
	const struct birth *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	uint8_t root[ROTA_DIGEST_LEN];
	struct rota_rom rom;
	const char *what = NULL;

	rota_digest_of(m->field[FACTORY_ROOT], root);
	if (rota_rom_decode(m->field[FACTORY_ROM], &rom) != ROTA_OK)
		what = "is none";
	else if (!rota_span_eq(rom.device_id, rota_span_cstr(b->device_hex)))
		what = "is another device's";
	else if (rom.idevid_spki.len != SPKI_LEN ||
		memcmp(rom.idevid_spki.p + SPKI_LEN - sizeof(b->point), b->point,
			sizeof(b->point)) != 0)
		what = "has another identity key";
	else if (rom.rot != b->rot.kind ||
		(rom.rot == ROTA_ROT_TPM && !rota_span_eq(rom.rot_name, ROTA_SPAN(b->rot.name))))
		what = "names another root of trust";
	else if (!same_counters(&rom, &b->counters))
		what = "names other counters";
	else if (!rota_span_eq(rom.root_sha256, ROTA_SPAN(root)))
		what = "is not of the root that came with it";
	else if (b->hardware && !rota_span_eq(rom.hardware, rota_span_cstr(b->hardware)))
		what = "is for other hardware";
	return what == NULL ? ROTA_OK : rota_fail(why, ROTA_ERR_FORMAT, "the ROM record %s", what);
}

/* The station knows what all devices have alike; where this one's keys are is its own to say. */
static void add_settings(const struct birth *b, struct rota_span text, struct rota_bytes *out)
{
	const struct agent_token *t = &b->config.token;

	rota_bytes_add(out, text);
	rota_bytes_print(out, "\n[root_of_trust]\nkind = %s\n", agent_rot_kind(b->rot.kind));
	if (b->rot.kind == ROTA_ROT_TPM && b->config.tpm)
		rota_bytes_print(out, "tpm = %s\n", b->config.tpm);
	if (b->rot.kind != ROTA_ROT_PKCS11)
		return;
	rota_bytes_print(
		out, "module = %s\ntoken = %s\npin_file = %s\n", t->module, t->label, t->pin_file);
	if (t->environment)
		rota_bytes_print(out, "environment = %s\n", t->environment);
}

static enum rota_err keep_all(
	const struct birth *b, const struct rota_factory_message *m, struct rota_fail *why)
{
	struct rota_bytes settings = { 0 };
	enum rota_err err;

	ROTA_TRY(check_rom(b, m, why));
	ROTA_TRY(birth_keep_cert(b, ROTA_ROT_LDEVID_0, m->field[FACTORY_LDEVID], why));
	ROTA_TRY(birth_write(b, "trust/root.json", m->field[FACTORY_ROOT], 0644, why));
	ROTA_TRY(birth_write(b, "trust/server-ca.pem", m->field[FACTORY_SERVER_CA], 0644, why));
	ROTA_TRY(birth_write(b, "trust/recovery-keys.json", m->field[FACTORY_RECOVERY], 0644, why));
	ROTA_TRY(birth_write(b, "rom.bin", m->field[FACTORY_ROM], 0644, why));
	add_settings(b, m->field[FACTORY_SETTINGS], &settings);
	err = birth_write(b, "agent.ini", rota_bytes_span(&settings), 0644, why);
	rota_bytes_free(&settings);
	return err;
}

/* ---- flash ---- */

static enum rota_err open_images(
	const struct birth *b, struct rota_format_plan *plan, struct rota_fail *why)
{
	for (; plan->count < b->flash.count; plan->count++) {
		int fd = open(b->flash.image[plan->count], ROTA_FILE_OPEN);

		if (fd < 0)
			return rota_fail_errno(
				why, errno, "cannot open image %s", b->flash.image[plan->count]);
		plan->part[plan->count] =
			(struct rota_format_part){ b->flash.name[plan->count], fd };
	}
	return ROTA_OK;
}

/* Formatted already: by a run that was cut off behind it, or by whoever made the flash. It is measured all the same. */
static enum rota_err make_flash(const struct birth *b, struct rota_fail *why)
{
	struct rota_format_plan plan = { .capacity = b->flash.capacity };
	struct rota_format_fault fault = { 0 };
	enum rota_err err;

	if (b->flash.count == 0)
		return ROTA_OK;
	err = open_images(b, &plan, why);
	if (err == ROTA_OK) {
		err = rota_slots_boot_format(b->at, &plan, &rota_crypto_openssl, &fault);
		if (err == ROTA_ERR_BUSY)
			err = ROTA_OK;
		else if (err != ROTA_OK)
			rota_fail(why, err, "flash from %s: %s: %s",
				b->flash.image[fault.component < b->flash.count ? fault.component
										: 0],
				fault.what ? fault.what : "format", rota_err_str(err));
	}
	for (uint8_t i = 0; i < plan.count; i++)
		close(plan.part[i].image_fd);
	return err;
}

/* The image's digest as its bytes in the place say; what lies behind it does not count. */
static enum rota_err digest_of(int fd, uint8_t out[static ROTA_SHA256_LEN])
{
	static uint8_t room[64 * 1024];
	struct rota_image image;
	uint64_t want;

	rota_image_begin(&image, &rota_crypto_openssl);
	while ((want = rota_image_want(&image)) > 0) {
		ssize_t got = read(fd, room, want < sizeof(room) ? (size_t)want : sizeof(room));

		if (got <= 0)
			return got < 0 ? ROTA_ERR_IO : ROTA_ERR_LENGTH;
		ROTA_TRY(rota_image_update(&image, rota_span(room, (size_t)got)));
	}
	ROTA_TRY(rota_image_finish(&image));
	memcpy(out, image.info.digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

static enum rota_err measure(int device_fd, struct rota_bytes *digests)
{
	char path[ROTA_COMPONENTS_PATH_MAX];
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_components c;
	struct rota_layout_state s;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_components_read(&c, device_fd));
	ROTA_TRY(rota_layout_state_open(&s, device_fd));
	for (uint8_t i = 0; i < c.count && err == ROTA_OK; i++) {
		int fd;

		rota_components_slot(&c, i, rota_bootstate_confirmed(&s.state, i), path);
		fd = openat(device_fd, path, ROTA_FILE_OPEN);
		err = fd >= 0 ? digest_of(fd, digest) : ROTA_ERR_IO;
		if (fd >= 0)
			close(fd);
		if (err == ROTA_OK)
			rota_bytes_add(digests, ROTA_SPAN(digest));
	}
	rota_layout_state_close(&s);
	return err;
}

enum rota_err birth_measure(
	const struct birth *b, struct rota_bytes *digests, struct rota_fail *why)
{
	int fd = open(b->at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rota_err err = fd < 0 ? ROTA_ERR_IO : ROTA_OK;

	*digests = (struct rota_bytes){ 0 };
	rota_bytes_add(digests, rota_span(NULL, 0));
	if (err == ROTA_OK && faccessat(fd, ROTA_LAYOUT_JOURNAL, F_OK, 0) == 0)
		err = measure(fd, digests);
	if (fd >= 0)
		close(fd);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "%s: what is installed cannot be measured: %s",
					b->at, rota_err_str(err));
}

/* ---- GIVE, READY, DONE ---- */

/* What the TPM measured, for this very talk. */
static enum rota_err quote(const struct birth *b, const uint8_t nonce[static ROTA_SHA256_LEN],
	struct rota_buf room, struct rota_span *out)
{
	const struct rota_rot *r = b->rot.port;

	*out = rota_span(NULL, 0);
	if ((r->caps & ROTA_ROT_QUOTES) == 0 || b->pcrs == 0)
		return ROTA_OK;
	return r->quote(r->ctx, nonce, b->pcrs, room, out);
}

static enum rota_err vouch(const struct birth *b, struct rota_span images, struct rota_fail *why)
{
	struct rota_factory_message out = { .kind = ROTA_FACTORY_READY };
	uint8_t said[ROTA_DIGEST_LEN], digest[ROTA_SHA256_LEN], sig[ROTA_P256_SIG_LEN];
	uint8_t room[ROTA_QUOTE_MAX];
	enum rota_err err;

	rota_talk_said(&b->talk, said);
	rota_factory_ready_digest(ROTA_SPAN(said), images, digest);
	err = b->rot.port->sign(b->rot.port->ctx, ROTA_ROT_IDENTITY, digest, sig);
	if (err == ROTA_OK)
		err = quote(b, digest, ROTA_BUF(room), &out.field[FACTORY_QUOTE]);
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "the root of trust does not vouch: %s", rota_err_str(err));
	out.field[FACTORY_IMAGES] = images;
	out.field[FACTORY_SIGNATURE] = ROTA_SPAN(sig);
	return rota_talk_say(&b->talk, &out, why);
}

static enum rota_err say_ready(struct birth *b, struct rota_fail *why)
{
	struct rota_bytes images;
	enum rota_err err = birth_measure(b, &images, why);

	if (err == ROTA_OK)
		err = vouch(b, rota_bytes_span(&images), why);
	rota_bytes_free(&images);
	return err;
}

/* The station has the first statement (35.1): it is not made again. But a registry that knows the device from before goes by a later
 * one, which the device learns when it says this one itself (34.4). */
static enum rota_err announce(struct birth *b, struct rota_fail *why)
{
	char *path = rota_text("%s/" BIRTH_FORMER, b->state);
	enum rota_err err = ROTA_OK;

	if (!rota_file_exists(path))
		err = rota_keyslots_announced(&b->keys.slots);
	free(path);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "data keys: %s", rota_err_str(err));
}

static enum rota_err hear_done(struct birth *b, struct rota_fail *why)
{
	struct rota_factory_message m;
	struct rota_bytes room;
	enum rota_err err;
	char *path;

	ROTA_TRY(rota_talk_hear(&b->talk, ROTA_FACTORY_DONE, &room, &m, why));
	rota_bytes_free(&room);
	ROTA_TRY(announce(b, why));
	ROTA_TRY(birth_write(b, "state/" BIRTH_MARK, rota_span_cstr(b->device_hex), 0600, why));
	path = rota_text("%s/" BIRTH_FORMER, b->state);
	err = rota_file_remove(path, why);
	free(path);
	return err;
}

enum rota_err birth_ready(struct birth *b, struct rota_fail *why)
{
	struct rota_factory_message m;
	struct rota_bytes room;
	enum rota_err err;

	ROTA_TRY(rota_talk_hear(&b->talk, ROTA_FACTORY_GIVE, &room, &m, why));
	err = keep_all(b, &m, why);
	if (err == ROTA_OK)
		err = make_flash(b, why);
	if (err == ROTA_OK)
		err = say_ready(b, why);
	rota_bytes_free(&room);
	return err == ROTA_OK ? hear_done(b, why) : err;
}
