/* SPDX-License-Identifier: Apache-2.0 */
/* tests/adversarial/device.c -- the device profile and the plain one as a program, so that the attacks of this folder
 * meet them over HTTP with a state that lasts: the session, journal, metadata store and fetcher of rota-agent, without
 * its slots, policies and reports.
 *
 *     device DIR factory ROOT VERSION NOT_BEFORE       leave the factory with that root
 *     device DIR cycle PROFILE URL CLOCK [ROLE PATH]   one session; CLOCK in seconds since 1970, or `none`
 *
 * PROFILE is `device`, with the limits of rota-agent, or `plain`, with those of a small microcontroller: what
 * docs/footprint.md measures. The plain one has no word for a role: there ROLE is empty, any role may list PATH.
 *
 * A cycle prints one line, `refreshed`, `found VERSION LENGTH SHA256` or `refused FILE: REASON (CLAUSE: DEMAND)`,
 * and ends with status 0 or 1. */
#include "host/agent/limits.h"
#include "host/agent/metastore.h"
#include "host/base/bytes.h"
#include "host/base/digest.h"
#include "host/fetch/fetch.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/flash_file/flash_file.h"
#include "rota/store/journal.h"
#include "rota/update/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL "journal.bin"

/* Seconds: to connect, of a stall, of one file. A tenth of what a device would have, so that tests are short. */
#define CONNECT_S 2
#define STALL_S 2
#define FILE_S 8

static const struct rota_flash_geometry geometry = {
	.run = { { .sector_len = 4096, .count = 4 } },
	.write_len = 16,
};

struct profile {
	const char *name;
	const struct rota_session_profile *session;
	const struct rota_limits *limits;
};

static const struct profile profiles[] = {
	{ "device", &rota_session_device, &rota_limits_agent },
	{ "plain", &rota_session_plain, &rota_limits_m3_plain },
};

struct device {
	int dir_fd;
	struct rota_flash_file flash;
	struct rota_journal journal;
	struct rota_state state;
	struct rota_metastore meta;
	struct rota_fetch *fetch;
	struct rota_fetch_server server;
	struct rota_session session;
	struct rota_floors floors; /* the session's */
	char name[ROTA_META_NAME_MAX]; /* of the file fetched last */
	bool staging;
	struct rota_fail fail;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "device: %s\n", what);
	exit(2);
}

/* ---- what it keeps ---- */

static void open_dir(struct device *d, const char *dir)
{
	char path[ROTA_FILE_PATH_MAX];

	must(rota_file_mkdirs(dir, 0700, &d->fail) == ROTA_OK, d->fail.text);
	d->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(d->dir_fd >= 0, "cannot open its directory");
	snprintf(path, sizeof(path), "%s/metadata", dir);
	must(rota_metastore_open(&d->meta, path, &d->fail) == ROTA_OK, d->fail.text);
}

static void open_journal(struct device *d)
{
	must(rota_flash_file_open(&d->flash, d->dir_fd, JOURNAL, &geometry) == ROTA_OK &&
			rota_journal_open(&d->journal, &d->flash.port, ROTA_JOURNAL_DEVICE) ==
				ROTA_OK,
		"cannot open its journal");
}

static enum rota_err commit(struct device *d)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;

	ROTA_TRY(rota_state_encode(&d->state, ROTA_BUF(room), &payload));
	return rota_journal_commit(&d->journal, payload);
}

static void load(struct device *d)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;

	must(rota_journal_load(&d->journal, ROTA_BUF(room), &payload) == ROTA_OK &&
			rota_state_decode(payload, &d->state) == ROTA_OK,
		"cannot read its journal");
}

static int factory(struct device *d, const char *root, uint64_t version, uint64_t not_before)
{
	struct rota_bytes file;
	uint8_t digest[ROTA_DIGEST_LEN];
	char path[2 * ROTA_FILE_PATH_MAX], name[ROTA_META_NAME_MAX];

	must(rota_file_read(root, ROTA_ROOT_MAX_LEN, &file, &d->fail) == ROTA_OK, d->fail.text);
	rota_digest_of(rota_bytes_span(&file), digest);
	must(rota_meta_name(ROTA_STR("root"), version, name) == ROTA_OK, "the root's name");
	snprintf(path, sizeof(path), "%s/%s", d->meta.dir, name);
	must(rota_file_write(path, rota_bytes_span(&file), 0600, &d->fail) == ROTA_OK,
		d->fail.text);
	rota_bytes_free(&file);
	must(rota_flash_file_create(d->dir_fd, JOURNAL, &geometry) == ROTA_OK,
		"cannot make its journal");
	open_journal(d);
	rota_state_factory(
		&d->state, rota_num_nearest(version), digest, rota_num_nearest(not_before), 0);
	must(commit(d) == ROTA_OK, "cannot write its journal");
	return 0;
}

/* ---- what the session wants ---- */

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct device *d = ctx;

	if (d->staging)
		ROTA_TRY(rota_metastore_add(&d->meta, piece, &d->fail));
	return rota_session_feed(&d->session, piece);
}

static enum rota_err from_network(struct device *d, const struct rota_want *want)
{
	char path[ROTA_URL_MAX];
	const struct rota_fetch_get get = { .server = &d->server,
		.path = path,
		.max_len = want->max_len,
		.total_s = FILE_S,
		.ctx = d,
		.take = take };
	enum rota_err err;

	snprintf(path, sizeof(path), "metadata/%s", d->name);
	if (want->hint)
		return rota_fetch_get(d->fetch, &get, &d->fail);
	ROTA_TRY(rota_metastore_begin(&d->meta, d->name, &d->fail));
	d->staging = true;
	err = rota_fetch_get(d->fetch, &get, &d->fail);
	d->staging = false;
	rota_metastore_end(&d->meta, err == ROTA_OK);
	return err;
}

static enum rota_err fetch(struct device *d, const struct rota_want *want)
{
	d->fail = (struct rota_fail){ 0 };
	ROTA_TRY(rota_meta_name(want->role, want->version, d->name));
	if (want->sha256 && !want->fresh && rota_metastore_has(&d->meta, d->name)) {
		rota_session_copy(&d->session);
		return rota_metastore_read(&d->meta, d->name, d, take, &d->fail);
	}
	return want->at_hand ? ROTA_ERR_NOT_FOUND : from_network(d, want);
}

/* The file first, then the journal that speaks of it. */
static enum rota_err keep(struct device *d)
{
	ROTA_TRY(rota_metastore_keep(&d->meta, d->name, &d->fail));
	d->state.trusted = *rota_session_trusted(&d->session);
	d->state.floors = d->floors;
	return commit(d);
}

static enum rota_want_kind run(struct device *d)
{
	struct rota_want want;

	for (;;) {
		want = *rota_session_want(&d->session);
		if (want.kind == ROTA_WANT_FETCH)
			rota_session_fetched(&d->session, fetch(d, &want));
		else if (want.kind == ROTA_WANT_KEEP)
			rota_session_kept(&d->session, keep(d));
		else
			return want.kind;
	}
}

static int report(const struct device *d, enum rota_want_kind end)
{
	const struct rota_target *target = rota_session_target(&d->session);
	struct rota_why why = *rota_session_why(&d->session);
	char digest[ROTA_DIGEST_HEX];

	if (end == ROTA_WANT_FAILED) {
		printf("refused %s: %s (%s: %s)\n", d->name, rota_err_str(why.err),
			rota_clause_section(why.clause), rota_clause_demand(why.clause));
		return 1;
	}
	if (end == ROTA_WANT_NOTHING) {
		puts("refreshed");
		return 0;
	}
	rota_hex(ROTA_SPAN(target->sha256), digest);
	printf("found %llu %llu %s\n", (unsigned long long)target->role_version,
		(unsigned long long)target->length, digest);
	return 0;
}

static const struct profile *profile_of(const char *name)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	must(false, "no such profile");
	return NULL;
}

static int cycle(struct device *d, const struct profile *profile, const char *url,
	const char *clock, const char *role, const char *path)
{
	const struct rota_fetch_settings settings = {
		.user_agent = "rota-test-device", .connect_s = CONNECT_S, .stall_s = STALL_S
	};
	const struct rota_session_config config = { .crypto = &rota_crypto_openssl,
		.limits = profile->limits,
		.start = { .unix_s = rota_num_nearest(strtoull(clock, NULL, 10)),
			.trusted = strcmp(clock, "none") != 0 },
		.profile = profile->session,
		.floors = &d->floors };
	size_t room = rota_session_room(profile->limits);
	uint8_t *workspace = malloc(room);
	enum rota_want_kind end;
	int status;

	must(workspace != NULL, "out of memory");
	open_journal(d);
	load(d);
	d->floors = d->state.floors;
	d->server = (struct rota_fetch_server){ .url = url, .plain = true };
	d->fetch = rota_fetch_new(&settings);
	must(d->fetch != NULL, "out of memory");
	must(rota_session_init(
		     &d->session, &config, &d->state.trusted, rota_buf(workspace, room)) == ROTA_OK,
		"no session");
	end = run(d);
	if (end == ROTA_WANT_NOTHING && role) {
		must(rota_session_find_in(
			     &d->session, rota_span_cstr(role), rota_span_cstr(path)) == ROTA_OK,
			"nothing to look for");
		end = run(d);
	}
	status = report(d, end);
	rota_session_drop(&d->session);
	rota_fetch_free(d->fetch);
	free(workspace);
	return status;
}

int main(int argc, char **argv)
{
	static struct device d = { .flash = { .fd = -1 } };
	int status = 2;

	must(argc >= 6,
		"usage: device DIR factory ROOT VERSION NOT_BEFORE | device DIR cycle PROFILE URL "
		"CLOCK [ROLE PATH]");
	open_dir(&d, argv[1]);
	if (argc == 6 && strcmp(argv[2], "factory") == 0)
		status = factory(
			&d, argv[3], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
	else if ((argc == 6 || argc == 8) && strcmp(argv[2], "cycle") == 0)
		status = cycle(&d, profile_of(argv[3]), argv[4], argv[5],
			argc == 8 ? argv[6] : NULL, argc == 8 ? argv[7] : NULL);
	must(status != 2, "wrong arguments");
	if (d.flash.fd >= 0)
		rota_flash_file_close(&d.flash);
	rota_metastore_close(&d.meta);
	close(d.dir_fd);
	return status;
}
