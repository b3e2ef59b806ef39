/* SPDX-License-Identifier: Apache-2.0 */
/* The last signed file of each role, as STATE/records has its text. */
#include "host/notary/record_parts.h"
#include "host/repo/metadata.h"
#include "host/sign/envelope.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The text of a role's file and of what it lists. */
#define RECORD_MAX (24 * 1024 * 1024)

static void text_path(const struct rota_records *r, const char *scope, const char *role,
	uint64_t version, char out[static ROTA_FILE_PATH_MAX])
{
	snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s.%s.%llu", r->dir, scope, role,
		(unsigned long long)version);
}

enum rota_err rota_records_keep(struct rota_records *r, const char *scope, const char *role,
	uint64_t version, const json_t *content, const json_t *files, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	json_t *whole;
	enum rota_err err;

	whole = json_pack("{s:O,s:O}", "files", files, "signed", content);
	err = rota_json_encode(whole, ROTA_JSON_FILE, &text, why);
	json_decref(whole);
	ROTA_TRY(err);
	text_path(r, scope, role, version, path);
	err = rota_file_write(path, rota_bytes_span(&text), 0600, why);
	rota_bytes_free(&text);
	return err;
}

void rota_records_drop(
	struct rota_records *r, const char *scope, const char *role, uint64_t version)
{
	char path[ROTA_FILE_PATH_MAX];

	text_path(r, scope, role, version, path);
	(void)unlink(path); /* what stays is swept at the next start */
}

/* ---- campaigns ---- */

static void campaign_path(const struct rota_records *r, const uint8_t id[static ROTA_DIGEST_LEN],
	char out[static ROTA_FILE_PATH_MAX])
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(rota_span(id, ROTA_DIGEST_LEN), hex);
	snprintf(out, ROTA_FILE_PATH_MAX, "%s/campaign.%s", r->dir, hex);
}

enum rota_err rota_records_keep_campaign(struct rota_records *r,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_span ask, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	campaign_path(r, id, path);
	return rota_file_write(path, ask, 0600, why);
}

enum rota_err rota_records_read_campaign(const struct rota_records *r,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_bytes *ask, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint8_t digest[ROTA_DIGEST_LEN];

	campaign_path(r, id, path);
	ROTA_TRY(rota_file_read(path, RECORD_MAX, ask, why));
	rota_digest_of(rota_bytes_span(ask), digest);
	if (memcmp(digest, id, sizeof(digest)) == 0)
		return ROTA_OK;
	rota_bytes_free(ask);
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s is not the request of that digest", path);
}

/* ---- at a start ---- */

/* The text of a role, if it is what the log says was signed. */
static void load_text(struct rota_records *r, struct rota_record_role *one)
{
	char path[ROTA_FILE_PATH_MAX];
	uint8_t digest[ROTA_DIGEST_LEN];
	uint64_t expires;
	struct rota_fail why;
	json_t *whole;

	text_path(r, one->scope, one->role, one->version, path);
	one->missing = true;
	if (rota_json_load(path, RECORD_MAX, &whole, &why) != ROTA_OK)
		return;
	one->content = json_incref(json_object_get(whole, "signed"));
	one->files = json_incref(json_object_get(whole, "files"));
	json_decref(whole);
	one->missing = !one->content || !one->files ||
		rota_envelope_digest(one->content, digest, &why) != ROTA_OK ||
		memcmp(digest, one->message, sizeof(digest)) != 0 ||
		!rota_metadata_times(one->content, &one->issued_s, &expires);
}

/* Whether a file name is that of a role's last text, or of a campaign. */
static bool is_last(const struct rota_records *r, const char *name)
{
	for (size_t i = 0; i < r->role_count; i++) {
		char path[ROTA_FILE_PATH_MAX];

		text_path(r, r->roles[i]->scope, r->roles[i]->role, r->roles[i]->version, path);
		if (strcmp(strrchr(path, '/') + 1, name) == 0)
			return true;
	}
	for (size_t i = 0; i < r->campaign_count; i++) {
		char path[ROTA_FILE_PATH_MAX];

		campaign_path(r, r->campaigns[i].id, path);
		if (strcmp(strrchr(path, '/') + 1, name) == 0)
			return true;
	}
	return false;
}

static enum rota_err sweep(struct rota_records *r, struct rota_fail *why)
{
	DIR *dir = opendir(r->dir);
	struct dirent *one;

	if (!dir)
		return rota_fail_errno(why, errno, "%s", r->dir);
	while ((one = readdir(dir)) != NULL)
		if (one->d_type == DT_REG && !is_last(r, one->d_name))
			(void)unlinkat(dirfd(dir), one->d_name, 0);
	closedir(dir);
	return rota_file_sync_dir(r->dir, why);
}

enum rota_err rota_records_load(struct rota_records *r, struct rota_fail *why)
{
	for (size_t i = 0; i < r->campaign_count; i++)
		r->campaigns[i].durable = true;
	for (size_t i = 0; i < r->role_count; i++) {
		struct rota_record_role *one = r->roles[i];

		json_decref(one->content);
		json_decref(one->files);
		one->content = one->files = NULL;
		one->missing = false;
		/* the entry says all of a timestamp but when it was issued; the next one tells */
		if (strcmp(one->role, "timestamp") != 0)
			load_text(r, one);
	}
	return sweep(r, why);
}
