/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/hierarchy.h"
#include "host/base/digest.h"
#include "host/sign/p256.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400ULL
#define CA_DAYS (20 * 365)
/* What browsers and curl accept at most. */
#define SERVER_DAYS 398

static const struct {
	const char *name, *text;
} authorities[] = {
	{ "device-ca", "device CA" },
	{ "operational-ca", "operational CA" },
	{ "server-ca", "server CA" },
};

static enum rota_err write_cert(
	const struct rota_authdir *dir, const char *name, const X509 *cert, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes pem;
	enum rota_err err;

	rota_authdir_path(dir, name, path);
	rota_cert_pem(cert, &pem);
	err = rota_file_write(path, rota_bytes_span(&pem), 0644, why);
	rota_bytes_free(&pem);
	return err;
}

static enum rota_err make_one(
	struct rota_desk *desk, const char *name, const char *text, struct rota_fail *why)
{
	const struct rota_seat *seat = &rota_authdir_party(desk->dir, name)->seats[0];
	uint8_t point[ROTA_P256_KEY_LEN];
	char common[128], file[64];
	struct rota_cert_plan plan = { .kind = ROTA_CERT_CA,
		.organization = desk->dir->product,
		.common_name = common,
		.point = point,
		.from = desk->now,
		.to = desk->now + CA_DAYS * DAY };
	X509 *cert;
	enum rota_err err;

	snprintf(common, sizeof(common), "%s %s", desk->dir->product, text);
	snprintf(file, sizeof(file), "ca/%s.pem", name);
	ROTA_TRY(rota_tokens_public(desk->tokens, seat, point, why));
	ROTA_TRY(rota_cert_issue(&plan, desk->tokens, seat, &cert, why));
	err = write_cert(desk->dir, file, cert, why);
	X509_free(cert);
	return err;
}

enum rota_err rota_hierarchy_make(struct rota_desk *desk, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(desk->dir, "ca", path);
	ROTA_TRY(rota_file_mkdirs(path, 0755, why));
	for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++)
		ROTA_TRY(make_one(desk, authorities[i].name, authorities[i].text, why));
	return ROTA_OK;
}

/* ---- one of them anew ---- */

static bool point_of(const X509 *cert, uint8_t point[static ROTA_P256_KEY_LEN])
{
	return rota_p256_of_pkey(X509_get0_pubkey(cert), point);
}

enum rota_err rota_hierarchy_spki(
	const char *path, uint8_t sha256[static ROTA_SHA256_LEN], struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN], spki[ROTA_P256_SPKI_LEN];
	X509 *cert;
	bool known;

	ROTA_TRY(rota_cert_load(path, &cert, why));
	known = point_of(cert, point);
	X509_free(cert);
	if (!known)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: no P-256 key", path);
	rota_p256_spki(point, spki);
	rota_digest_of(ROTA_SPAN(spki), sha256);
	return ROTA_OK;
}

/* What is under a name that says which key it is of, before the name that counts is taken by another. */
static enum rota_err keep_old(struct rota_desk *desk, const char *name, const X509 *old,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	char id[ROTA_DIGEST_HEX], file[96];

	rota_p256_key_id(point, id);
	snprintf(file, sizeof(file), "ca/%s-%.8s.pem", name, id);
	return write_cert(desk->dir, file, old, why);
}

enum rota_err rota_hierarchy_renew(struct rota_desk *desk, const char *name, struct rota_fail *why)
{
	const struct rota_seat *seat = &rota_authdir_party(desk->dir, name)->seats[0];
	uint8_t now[ROTA_P256_KEY_LEN], was[ROTA_P256_KEY_LEN];
	char file[64], path[ROTA_FILE_PATH_MAX];
	enum rota_err err = ROTA_OK;
	X509 *old;

	snprintf(file, sizeof(file), "ca/%s.pem", name);
	rota_authdir_path(desk->dir, file, path);
	ROTA_TRY(rota_tokens_public(desk->tokens, seat, now, why));
	ROTA_TRY(rota_cert_load(path, &old, why));
	if (!point_of(old, was))
		err = rota_fail(why, ROTA_ERR_FORMAT, "%s: no P-256 key", path);
	else if (memcmp(was, now, sizeof(now)) != 0)
		err = keep_old(desk, name, old, was, why);
	X509_free(old);
	ROTA_TRY(err);
	if (memcmp(was, now, sizeof(now)) == 0)
		return ROTA_OK;
	for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++)
		if (strcmp(authorities[i].name, name) == 0)
			return make_one(desk, name, authorities[i].text, why);
	return rota_fail(why, ROTA_ERR_ARGUMENT, "there is no authority %s", name);
}

/* Append "DNS:x" or "IP:x". */
static bool add_alt(char *to, size_t room, const char *name)
{
	unsigned char address[16];
	bool ip = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
	size_t len = strlen(to);
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-*:";

	if (!*name || strspn(name, good) != strlen(name))
		return false;
	return (size_t)snprintf(to + len, room - len, ",%s:%s", ip ? "IP" : "DNS", name) <
		room - len;
}

static enum rota_err write_server(
	struct rota_desk *desk, const char *alt_names, const char *first, struct rota_fail *why)
{
	const struct rota_seat *seat = &rota_authdir_party(desk->dir, "server-ca")->seats[0];
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_cert_plan plan = { .kind = ROTA_CERT_SERVER,
		.organization = desk->dir->product,
		.common_name = first,
		.point = point,
		.from = desk->now,
		.to = desk->now + SERVER_DAYS * DAY,
		.alt_names = alt_names };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes key = { 0 };
	X509 *issuer = NULL, *cert = NULL;
	enum rota_err err;

	rota_authdir_path(desk->dir, "ca/server-ca.pem", path);
	ROTA_TRY(rota_cert_load(path, &issuer, why));
	plan.issuer = issuer;
	rota_authdir_path(desk->dir, "server/key.pem", path);
	err = rota_cert_new_key(point, &key, why);
	if (err == ROTA_OK)
		err = rota_cert_issue(&plan, desk->tokens, seat, &cert, why);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&key), 0600, why);
	if (err == ROTA_OK)
		err = write_cert(desk->dir, "server/cert.pem", cert, why);
	if (key.p)
		explicit_bzero(key.p, key.len);
	rota_bytes_free(&key);
	X509_free(cert);
	X509_free(issuer);
	return err;
}

enum rota_err rota_hierarchy_server(
	struct rota_desk *desk, const char *const *names, size_t name_count, struct rota_fail *why)
{
	char alt[2048] = "DNS:localhost,IP:127.0.0.1,IP:::1";
	char path[ROTA_FILE_PATH_MAX];

	for (size_t i = 0; i < name_count; i++)
		if (!add_alt(alt, sizeof(alt), names[i]))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"server name '%s' is neither a host name nor an address", names[i]);
	rota_authdir_path(desk->dir, "server", path);
	ROTA_TRY(rota_file_mkdirs(path, 0755, why));
	return write_server(desk, alt, name_count ? names[0] : "localhost", why);
}

static enum rota_err key_rows(struct rota_desk *desk, const char *party_name, const char *channel,
	json_t *rows, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(desk->dir, party_name);

	for (size_t i = 0; i < party->seat_count; i++) {
		char hex[2 * ROTA_P256_KEY_LEN + 1];
		uint8_t point[ROTA_P256_KEY_LEN];
		json_t *row;

		ROTA_TRY(rota_tokens_public(desk->tokens, &party->seats[i], point, why));
		rota_hex(ROTA_SPAN(point), hex);
		row = json_pack("{s:i,s:s}", "alg", (int)ROTA_ALG_ECDSA_P256, "public", hex);
		if (channel)
			json_object_set_new(row, "channel", json_string(channel));
		json_array_append_new(rows, row);
	}
	return ROTA_OK;
}

static enum rota_err write_record(
	struct rota_desk *desk, const char *name, const json_t *record, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	rota_authdir_path(desk->dir, name, path);
	ROTA_TRY(rota_json_encode(record, ROTA_JSON_FILE, &text, why));
	err = rota_file_write(path, rota_bytes_span(&text), 0644, why);
	rota_bytes_free(&text);
	return err;
}

enum rota_err rota_hierarchy_records(struct rota_desk *desk, struct rota_fail *why)
{
	const struct rota_party *recovery = rota_authdir_party(desk->dir, "recovery");
	json_t *cold = json_array(), *image = json_array(), *record;
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	rota_authdir_path(desk->dir, "trust", path);
	err = rota_file_mkdirs(path, 0755, why);
	if (err == ROTA_OK)
		err = key_rows(desk, "recovery", NULL, cold, why);
	if (err == ROTA_OK)
		err = key_rows(desk, "image", "production", image, why);
	if (err == ROTA_OK)
		err = key_rows(desk, "ci-image", "ci", image, why);
	if (err == ROTA_OK) {
		record = json_pack("{s:s,s:i,s:O,s:n,s:i}", "_type", "recovery-keys", "format", 1,
			"keys", cold, "lms", "threshold", (int)recovery->threshold);
		err = write_record(desk, "trust/recovery-keys.json", record, why);
		json_decref(record);
	}
	if (err == ROTA_OK) {
		record = json_pack(
			"{s:s,s:i,s:O}", "_type", "image-keys", "format", 1, "keys", image);
		err = write_record(desk, "trust/image-keys.json", record, why);
		json_decref(record);
	}
	json_decref(cold);
	json_decref(image);
	return err;
}
