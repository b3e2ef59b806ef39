/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/enrol.h"
#include "host/base/digest.h"
#include "host/base/when.h"
#include "host/pki/agentini.h"
#include "host/pki/burn.h"
#include "host/sign/duty.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "rota/codec/rom.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MAX (64 * 1024)

/* What one enrolment works on. */
struct work {
	struct rota_desk *desk;
	const struct rota_enrol_plan *plan;
	char dir[ROTA_FILE_PATH_MAX]; /* OUT in the making */
	char device_id[65];
	uint8_t spki[ROTA_P256_SPKI_LEN]; /* of the IDevID */
};

static enum rota_err write_in(const struct work *w, const char *name, struct rota_span data,
	mode_t mode, struct rota_fail *why)
{
	char *path = rota_text("%s/%s", w->dir, name);
	enum rota_err err = rota_file_write(path, data, mode, why);

	free(path);
	return err;
}

static enum rota_err write_identity(const struct work *w, const char *name, const X509 *cert,
	const struct rota_bytes *key, struct rota_fail *why)
{
	char cert_name[64], key_name[64];
	struct rota_bytes pem;
	enum rota_err err;

	snprintf(cert_name, sizeof(cert_name), "identity/%s.pem", name);
	snprintf(key_name, sizeof(key_name), "identity/%s.key", name);
	ROTA_TRY(write_in(w, key_name, rota_bytes_span(key), 0600, why));
	rota_cert_pem(cert, &pem);
	err = write_in(w, cert_name, rota_bytes_span(&pem), 0644, why);
	rota_bytes_free(&pem);
	return err;
}

/* A key pair made here, a certificate of `ca` for it, both written as identity/NAME. */
static enum rota_err identity(struct work *w, const char *name, const char *ca,
	struct rota_cert_plan *cert_plan, X509 **cert, struct rota_fail *why)
{
	const struct rota_seat *seat = &rota_authdir_party(w->desk->dir, ca)->seats[0];
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_bytes key;
	enum rota_err err;

	ROTA_TRY(rota_cert_new_key(point, &key, why));
	cert_plan->point = point;
	err = rota_cert_issue(cert_plan, w->desk->tokens, seat, cert, why);
	if (err == ROTA_OK)
		err = write_identity(w, name, *cert, &key, why);
	explicit_bzero(key.p, key.len);
	rota_bytes_free(&key);
	if (strcmp(name, "idevid") == 0)
		rota_p256_spki(point, w->spki);
	return err;
}

static enum rota_err load_ca(
	const struct work *w, const char *name, X509 **out, struct rota_fail *why)
{
	char part[64], path[ROTA_FILE_PATH_MAX];

	snprintf(part, sizeof(part), "ca/%s.pem", name);
	rota_authdir_path(w->desk->dir, part, path);
	return rota_cert_load(path, out, why);
}

static enum rota_err make_idevid(struct work *w, struct rota_fail *why)
{
	X509 *ca = NULL, *cert = NULL;
	struct rota_cert_plan plan = { .kind = ROTA_CERT_DEVICE,
		.organization = w->desk->dir->product,
		.serial_number = w->plan->serial,
		.from = w->desk->now };
	enum rota_err err;

	ROTA_TRY(load_ca(w, "device-ca", &ca, why));
	plan.issuer = ca;
	err = identity(w, "idevid", "device-ca", &plan, &cert, why);
	if (err == ROTA_OK)
		rota_pki_device_id(ca, cert, w->device_id);
	X509_free(cert);
	X509_free(ca);
	return err;
}

static enum rota_err make_ldevid(struct work *w, struct rota_fail *why)
{
	X509 *ca = NULL, *cert = NULL;
	struct rota_cert_plan plan = { .kind = ROTA_CERT_DEVICE,
		.organization = w->desk->dir->product,
		.common_name = w->device_id,
		.from = w->desk->now,
		.to = w->desk->now + w->plan->ldevid_lifetime_s };
	enum rota_err err;

	ROTA_TRY(load_ca(w, "operational-ca", &ca, why));
	plan.issuer = ca;
	err = identity(w, "ldevid", "operational-ca", &plan, &cert, why);
	X509_free(cert);
	X509_free(ca);
	return err;
}

static enum rota_err copy_trust(const struct work *w, const char *from, const char *to,
	uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes data;
	enum rota_err err;

	rota_authdir_path(w->desk->dir, from, path);
	ROTA_TRY(rota_file_read(path, RECORD_MAX, &data, why));
	rota_digest_of(rota_bytes_span(&data), sha256);
	err = write_in(w, to, rota_bytes_span(&data), 0644, why);
	rota_bytes_free(&data);
	return err;
}

static enum rota_err copy_root(
	const struct work *w, uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	struct rota_bytes data;
	enum rota_err err;

	ROTA_TRY(rota_burn_root(w->desk->dir, &data, why));
	rota_digest_of(rota_bytes_span(&data), sha256);
	err = write_in(w, "trust/root.json", rota_bytes_span(&data), 0644, why);
	rota_bytes_free(&data);
	return err;
}

static enum rota_err make_rom(
	struct work *w, struct rota_buf room, struct rota_span *rom, struct rota_fail *why)
{
	uint8_t recovery[ROTA_DIGEST_LEN], root[ROTA_DIGEST_LEN];
	struct rota_rom record = { .recovery_sha256 = ROTA_SPAN(recovery),
		.device_id = rota_span(w->device_id, 64),
		.root_sha256 = ROTA_SPAN(root),
		.idevid_spki = ROTA_SPAN(w->spki) };

	ROTA_TRY(copy_root(w, root, why));
	ROTA_TRY(copy_trust(
		w, "trust/recovery-keys.json", "trust/recovery-keys.json", recovery, why));
	if (w->plan->counters)
		ROTA_TRY(w->plan->counters(w->plan->counters_ctx, &record, why));
	ROTA_TRY(rota_burn(w->desk, w->plan, &record, room, rom, why));
	return write_in(w, "rom.bin", *rom, 0644, why);
}

static enum rota_err fill(struct work *w, struct rota_fail *why)
{
	uint8_t ignored[ROTA_DIGEST_LEN], room[ROTA_ROM_MAX];
	struct rota_bytes ini;
	struct rota_span rom;
	enum rota_err err;

	ROTA_TRY(make_idevid(w, why));
	ROTA_TRY(make_ldevid(w, why));
	ROTA_TRY(copy_trust(w, "ca/server-ca.pem", "trust/server-ca.pem", ignored, why));
	ROTA_TRY(make_rom(w, ROTA_BUF(room), &rom, why));
	rota_agentini(w->desk->dir, w->plan, &ini);
	err = write_in(w, "agent.ini", rota_bytes_span(&ini), 0644, why);
	rota_bytes_free(&ini);
	ROTA_TRY(err);
	return w->plan->flash ? w->plan->flash(w->plan->flash_ctx, w->dir, rom, why) : ROTA_OK;
}

static void set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

enum rota_err rota_enrol_list(const struct rota_desk *desk, const struct rota_enrol_plan *plan,
	const char *device_id, const uint8_t spki[static ROTA_P256_SPKI_LEN], const json_t *more,
	struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], at[ROTA_WHEN_LEN], hex[2 * ROTA_P256_SPKI_LEN + 1];
	struct rota_bytes line;
	json_t *row;
	enum rota_err err;

	rota_when_text(desk->now, at);
	rota_hex(rota_span(spki, ROTA_P256_SPKI_LEN), hex);
	row = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "at", at, "channel", plan->channel,
		"device", device_id, "hardware", plan->hardware, "idevid_spki", hex, "product",
		desk->dir->product, "serial", plan->serial);
	set_text(row, "group", plan->group);
	set_text(row, "region", plan->region);
	if (plan->counters && *plan->replaces)
		set_text(row, "replaces", plan->replaces);
	if (more)
		json_object_update_missing(row, (json_t *)(uintptr_t)more);
	err = rota_json_encode(row, ROTA_JSON_FILE, &line, why);
	json_decref(row);
	ROTA_TRY(err);
	rota_bytes_add_text(&line, "\n");
	rota_authdir_path(desk->dir, "enrolments", path);
	err = rota_file_append(path, rota_bytes_span(&line), 0600, why);
	rota_bytes_free(&line);
	return err;
}

/* Call `found` per line until it says that it has what it wants. */
static enum rota_err each_line(const struct rota_authdir *dir,
	bool (*found)(void *ctx, const json_t *row), void *ctx, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], *line, *rest;
	struct rota_bytes text;
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	rota_authdir_path(dir, "enrolments", path);
	if (!rota_file_exists(path))
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(rota_file_read(path, ROTA_ENROLMENTS_MAX, &text, why));
	rest = (char *)text.p;
	while (err == ROTA_ERR_NOT_FOUND && (line = strsep(&rest, "\n")) != NULL) {
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		if (row && found(ctx, row))
			err = ROTA_OK;
		json_decref(row);
	}
	rota_bytes_free(&text);
	return err;
}

/* A line of this serial that is another device's; one whose device was cut off behind its line comes again. */
static bool is_serial(void *ctx, const json_t *row)
{
	const struct rota_enrol_plan *plan = ctx;
	const char *serial = json_string_value(json_object_get(row, "serial"));
	const char *hex = json_string_value(json_object_get(row, "idevid_spki"));
	uint8_t spki[ROTA_P256_SPKI_LEN];

	if (!serial || strcmp(serial, plan->serial) != 0)
		return false;
	return !plan->again || !rota_unhex(hex, ROTA_BUF(spki)) ||
		memcmp(spki, plan->again, sizeof(spki)) != 0;
}

struct spki_want {
	const char *device_id;
	struct rota_bytes *spki;
};

static bool take_spki(void *ctx, const json_t *row)
{
	struct spki_want *want = ctx;
	const char *id = json_string_value(json_object_get(row, "device"));
	const char *hex = json_string_value(json_object_get(row, "idevid_spki"));
	uint8_t spki[ROTA_P256_SPKI_LEN];

	if (!id || !hex || strcmp(id, want->device_id) != 0 || !rota_unhex(hex, ROTA_BUF(spki)))
		return false;
	*want->spki = (struct rota_bytes){ 0 };
	rota_bytes_add(want->spki, ROTA_SPAN(spki));
	return true;
}

enum rota_err rota_enrol_spki(const struct rota_authdir *dir, const char *device_id,
	struct rota_bytes *spki, struct rota_fail *why)
{
	struct spki_want want = { .device_id = device_id, .spki = spki };
	enum rota_err err = each_line(dir, take_spki, &want, why);

	if (err == ROTA_ERR_NOT_FOUND)
		return rota_fail(why, err, "%s/enrolments lists no device %s", dir->dir, device_id);
	return err;
}

struct text_want {
	const char *device_id, *name;
	struct rota_bytes *text;
};

static bool take_text(void *ctx, const json_t *row)
{
	struct text_want *want = ctx;
	const char *id = json_string_value(json_object_get(row, "device"));
	const char *text = json_string_value(json_object_get(row, want->name));

	if (!id || !text || strcmp(id, want->device_id) != 0)
		return false;
	*want->text = (struct rota_bytes){ 0 };
	rota_bytes_add_text(want->text, text);
	return true;
}

enum rota_err rota_enrol_text(const struct rota_authdir *dir, const char *device_id,
	const char *name, struct rota_bytes *text, struct rota_fail *why)
{
	struct text_want want = { .device_id = device_id, .name = name, .text = text };

	return each_line(dir, take_text, &want, why);
}

struct who_want {
	const char *device_id;
	char *text;
};

static bool take_who(void *ctx, const json_t *row)
{
	const struct who_want *want = ctx;
	const char *id = json_string_value(json_object_get(row, "device"));
	const char *serial = json_string_value(json_object_get(row, "serial"));
	const char *at = json_string_value(json_object_get(row, "at"));

	if (!id || !serial || !at || strcmp(id, want->device_id) != 0)
		return false;
	snprintf(want->text, ROTA_ENROL_WHO_MAX, "serial %.64s, enrolled at %.32s", serial, at);
	return true;
}

void rota_enrol_who(
	const struct rota_authdir *dir, const char *device_id, char text[static ROTA_ENROL_WHO_MAX])
{
	struct who_want want = { .device_id = device_id, .text = text };
	struct rota_fail why;

	if (each_line(dir, take_who, &want, &why) != ROTA_OK)
		snprintf(text, ROTA_ENROL_WHO_MAX, "which this authority does not list");
}

/* X.520's PrintableString, which serialNumber is. */
static bool printable(const char *text)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789 '()+,-./:=?";

	return text[strspn(text, good)] == 0;
}

/* agent.ini holds these: on one line each, which the agent must read as it was given. */
static enum rota_err check_settings(const struct rota_enrol_plan *p, struct rota_fail *why)
{
	const char *const all[] = { p->at, p->repository_url, p->server_url, p->script,
		p->script_dir, p->health, p->reboot, p->tpm };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] && !rota_agentini_holds(all[i]))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"agent.ini cannot hold '%s': a value has 1 to %d bytes on one "
				"line, no blank at its ends and no ';' behind a blank",
				all[i], ROTA_AGENTINI_VALUE_MAX);
	return ROTA_OK;
}

enum rota_err rota_enrol_check(
	const struct rota_authdir *dir, const struct rota_enrol_plan *p, struct rota_fail *why)
{
	const char *const names[] = { p->hardware, p->channel, p->group, p->region, p->repository };
	size_t serial_len = strlen(p->serial);
	enum rota_err err;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && !rota_name_ok(names[i]))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"'%s' is no name of 1 to 32 [a-z0-9._-] (SPEC 1.2)", names[i]);
	if (!printable(p->serial) || serial_len < 1 || serial_len > 64)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"a serial number has 1 to 64 of A-Z a-z 0-9 blank ' ( ) + , - . / : = ?");
	ROTA_TRY(check_settings(p, why));
	err = each_line(dir, is_serial, (void *)(uintptr_t)p, why);
	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	return err != ROTA_OK
		? err
		: rota_fail(why, ROTA_ERR_STATE,
			  "serial %s is enrolled already (see %s/enrolments)", p->serial, dir->dir);
}

static enum rota_err check_plan(const struct work *w, struct rota_fail *why)
{
	ROTA_TRY(rota_enrol_check(w->desk->dir, w->plan, why));
	if (rota_file_exists(w->plan->out))
		return rota_fail(why, ROTA_ERR_STATE, "%s is there already; name a new folder",
			w->plan->out);
	return ROTA_OK;
}

static enum rota_err make_dirs(const struct work *w, struct rota_fail *why)
{
	static const char *const parts[] = { "identity", "trust", "files" };
	size_t count = w->plan->script && !w->plan->script_dir ? 3 : 2;

	for (size_t i = 0; i < count; i++) {
		char *path = rota_text("%s/%s", w->dir, parts[i]);
		enum rota_err err = rota_file_mkdirs(path, i == 0 ? 0700 : 0755, why);

		free(path);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

static enum rota_err build(struct work *w, struct rota_fail *why)
{
	ROTA_TRY(make_dirs(w, why));
	ROTA_TRY(fill(w, why));
	/* listed first: a device that the list lacks would be worse than a line without device */
	ROTA_TRY(rota_enrol_list(w->desk, w->plan, w->device_id, w->spki, NULL, why));
	return rota_file_rename(w->dir, w->plan->out, why);
}

enum rota_err rota_enrol(struct rota_desk *desk, const struct rota_enrol_plan *plan,
	char device_id[static 65], struct rota_fail *why)
{
	struct work w = { .desk = desk, .plan = plan };
	enum rota_err err;

	ROTA_TRY(check_plan(&w, why));
	if ((size_t)snprintf(w.dir, sizeof(w.dir), "%s.making", plan->out) >= sizeof(w.dir))
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", plan->out);
	ROTA_TRY(rota_file_mkdir_anew(w.dir, 0755, why)); /* also after a run that was cut off */
	err = build(&w, why);
	if (err != ROTA_OK)
		rota_file_remove_tree(w.dir);
	else
		memcpy(device_id, w.device_id, sizeof(w.device_id));
	return err;
}
