/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/doctor.h"
#include "apps/rota-agent/binding.h"
#include "apps/rota-agent/device.h"
#include "apps/rota-agent/identity.h"
#include "apps/rota-agent/log.h"
#include "apps/rota-agent/rot.h"
#include "apps/rota-agent/run.h"
#include "host/base/json.h"
#include "host/base/when.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Of the state folder: journal, metadata twice, a full outbox. */
#define ROOM_WANTED ((uint64_t)40 << 20)

/* A certificate that ends sooner should be renewed by now. */
#define CERTIFICATE_DAYS 7

/* 2024-01-01: before Rota there were no releases. */
#define CLOCK_LEAST UINT64_C(1704067200)

/* Of a repository's timestamp file. */
#define TIMESTAMP_MAX ROTA_TIMESTAMP_MAX_LEN

/* The patient. What an earlier step opened serves the later ones. */
struct patient {
	const char *path;
	struct agent_config config;
	bool has_config;
	struct agent_device device;
	bool has_device;
	struct agent_rot rot;
	struct agent_identity identity;
	struct rota_state state;
	bool has_state;
	bool first; /* there is no state yet, and nothing wrong with that */
	struct rota_fetch *fetch;
	struct rota_bytes timestamp;
	char note[240]; /* beside ok */
};

/* ---- files ---- */

enum rota_err agent_key_private(const struct agent_config *config, struct rota_fail *why)
{
	struct stat st;

	if (config->identity)
		return ROTA_OK; /* no file has it */
	if (stat(config->key, &st) != 0)
		return rota_fail_errno(why, errno, "[identity] key: cannot read %s", config->key);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return rota_fail(why, ROTA_ERR_DENIED,
			"%s is the private key: it must belong to the agent's user with mode 0600",
			config->key);
	return ROTA_OK;
}

static enum rota_err look_config(struct patient *p, struct rota_fail *why)
{
	ROTA_TRY(agent_config_load(p->path, &p->config, why));
	p->has_config = true;
	snprintf(p->note, sizeof(p->note), "repository %s", p->config.repository);
	return ROTA_OK;
}

static enum rota_err readable(const char *key, const char *path, struct rota_fail *why)
{
	if (!path || access(path, R_OK) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno, "%s: cannot read %s", key, path);
}

static enum rota_err look_files(struct patient *p, struct rota_fail *why)
{
	const struct agent_config *c = &p->config;

	snprintf(p->note, sizeof(p->note), "there, and the key is private");
	ROTA_TRY(readable("[repository] ca", c->metadata.ca, why));
	ROTA_TRY(readable("[repository] root", c->root, why));
	ROTA_TRY(readable("[server] ca", c->server.ca, why));
	ROTA_TRY(readable("[identity] certificate", c->certificate, why));
	ROTA_TRY(readable("[identity] directory", c->identity, why));
	return agent_key_private(c, why);
}

static enum rota_err look_rom(struct patient *p, struct rota_fail *why)
{
	struct rota_bytes root;

	ROTA_TRY(agent_device_open(&p->device, &p->config, why));
	p->has_device = true;
	ROTA_TRY(agent_factory_root(&p->device, &root, why));
	rota_bytes_free(&root);
	snprintf(p->note, sizeof(p->note), "%.16s..., its ROM record names the factory's root",
		(const char *)p->device.rom.device_id.p);
	return ROTA_OK;
}

/* ---- identity ---- */

static X509 *read_certificate(const char *path)
{
	FILE *f = fopen(path, "re");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	return x;
}

/* An encrypted key is none that the agent can use; without this OpenSSL asks on the terminal. */
static int no_password(char *to, int room, int writing, void *ctx)
{
	(void)to, (void)room, (void)writing, (void)ctx;
	return -1;
}

static bool key_fits(const char *path, X509 *x)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, no_password, NULL) : NULL;
	bool fits = key && X509_check_private_key(x, key) == 1;

	EVP_PKEY_free(key);
	if (f)
		fclose(f);
	return fits;
}

static enum rota_err judge_times(
	struct patient *p, X509 *x, const char *path, struct rota_fail *why)
{
	int days = 0, seconds = 0;

	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		return rota_fail(
			why, ROTA_ERR_TIME, "%s is not valid yet: is the clock right?", path);
	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) || days < 0 ||
		seconds < 0)
		return rota_fail(why, ROTA_ERR_EXPIRED, "%s has expired: %s", path,
			p->config.identity ? "the next cycle renews it" : "enrol the device again");
	snprintf(p->note, sizeof(p->note), "ends in %d days%s", days,
		days < CERTIFICATE_DAYS && !p->config.identity ? ": renew it" : "");
	return ROTA_OK;
}

static enum rota_err judge_certificate(struct patient *p, X509 *x, struct rota_fail *why)
{
	char name[ROTA_DEVICE_ID_LEN + 1] = "";

	if (!key_fits(p->config.key, x))
		return rota_fail(why, ROTA_ERR_DENIED, "%s is not the key of %s", p->config.key,
			p->config.certificate);
	X509_NAME_get_text_by_NID(
		X509_get_subject_name(x), NID_commonName, name, (int)sizeof(name));
	if (!rota_span_eq(rota_span_cstr(name), p->device.rom.device_id))
		return rota_fail(why, ROTA_ERR_DENIED,
			"%s is for device %.16s..., not for this one (SPEC 13.4)",
			p->config.certificate, name);
	return judge_times(p, x, p->config.certificate, why);
}

/* Keys in the root of trust: what counts is what it says of them. Opened for this look and the one at the server. */
static enum rota_err look_inside(struct patient *p, struct rota_fail *why)
{
	const struct rota_rom *rom = &p->device.rom;
	const char *path = p->identity.shown.certificate;
	enum rota_err err;
	X509 *x;

	ROTA_TRY(agent_rot_open(&p->rot, &p->config, rom->rot, rom->rot_name, why));
	ROTA_TRY(agent_identity_open(&p->identity, &p->config, p->rot.port, rom->device_id, why));
	x = read_certificate(path);
	err = x ? judge_times(p, x, path, why)
		: rota_fail(why, ROTA_ERR_FORMAT, "%s is no PEM certificate", path);
	X509_free(x);
	if (err == ROTA_OK && agent_rot_warning(&p->rot))
		snprintf(p->note, sizeof(p->note), "%s", agent_rot_warning(&p->rot));
	return err;
}

static enum rota_err look_identity(struct patient *p, struct rota_fail *why)
{
	X509 *x;
	enum rota_err err;

	if (p->config.identity)
		return look_inside(p, why);
	x = read_certificate(p->config.certificate);
	if (!x)
		return rota_fail(
			why, ROTA_ERR_FORMAT, "%s is no PEM certificate", p->config.certificate);
	err = judge_certificate(p, x, why);
	X509_free(x);
	return err;
}

/* ---- state ---- */

static enum rota_err look_room(struct patient *p, struct rota_fail *why)
{
	const char *state = p->config.state;
	struct statvfs fs;
	uint64_t room;

	if (statvfs(state, &fs) != 0 && errno == ENOENT) {
		snprintf(p->note, sizeof(p->note), "%s is made at the first start", state);
		return ROTA_OK;
	}
	if (access(state, W_OK | X_OK) != 0 || statvfs(state, &fs) != 0)
		return rota_fail_errno(why, errno, "cannot write in %s", state);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room < ROOM_WANTED || fs.f_favail == 0)
		return rota_fail(why, ROTA_ERR_FULL, "%s has %llu MB left, %llu are wanted", state,
			(unsigned long long)(room >> 20), (unsigned long long)(ROOM_WANTED >> 20));
	snprintf(p->note, sizeof(p->note), "%llu MB left", (unsigned long long)(room >> 20));
	return ROTA_OK;
}

static enum rota_err look_journal(struct patient *p, struct rota_fail *why)
{
	enum rota_err err = agent_state_look(&p->device, &p->state, why);

	if (err == ROTA_ERR_NOT_FOUND) {
		p->first = true;
		snprintf(p->note, sizeof(p->note), "made at the first start");
		return ROTA_OK;
	}
	ROTA_TRY(err);
	p->has_state = true;
	snprintf(p->note, sizeof(p->note), "root %llu, timestamp %llu, %zu events waiting",
		(unsigned long long)p->state.trusted.root.version,
		(unsigned long long)p->state.trusted.timestamp_version,
		rota_outbox_count(&p->device.outbox));
	return ROTA_OK;
}

static enum rota_err look_binding(struct patient *p, struct rota_fail *why)
{
	char text[AGENT_BINDING_TEXT];
	enum rota_binding verdict;

	verdict = agent_binding_look(&p->device, &p->state, text);
	if (rota_binding_restored(verdict) || verdict == ROTA_BINDING_UNREADABLE)
		return rota_fail(why, ROTA_ERR_CORRUPT, "%s (SPEC 9.6)", text);
	snprintf(p->note, sizeof(p->note), "%s", text);
	return ROTA_OK;
}

static enum rota_err look_log(struct patient *p, struct rota_fail *why)
{
	uint64_t kept;

	ROTA_TRY(agent_log_verify(&p->device, &p->state.logged, &kept, why));
	snprintf(p->note, sizeof(p->note), "%llu entries, a chain",
		(unsigned long long)p->state.logged.count);
	return ROTA_OK;
}

static enum rota_err look_clock(struct patient *p, struct rota_fail *why)
{
	struct rota_time now = agent_clock_now(p->config.clock);
	char text[ROTA_WHEN_LEN];

	if (!now.trusted) {
		snprintf(p->note, sizeof(p->note), "not believed, the time floors stand in");
		return ROTA_OK;
	}
	rota_when_text(now.unix_s, text);
	if (now.unix_s < CLOCK_LEAST)
		return rota_fail(why, ROTA_ERR_TIME,
			"the clock shows %s; set it, or say [device] clock = none", text);
	snprintf(p->note, sizeof(p->note), "%s", text);
	return ROTA_OK;
}

static enum rota_err look_slots(struct patient *p, struct rota_fail *why)
{
	static const char *const helps[] = {
		[AGENT_BACKEND_BOOT] = "does rota-boot run?",
		[AGENT_BACKEND_EXEC] = "see exec-slots.md",
		[AGENT_BACKEND_UBOOT] = "see boot-loaders.md",
		[AGENT_BACKEND_GRUB] = "see boot-loaders.md",
		[AGENT_BACKEND_SDBOOT] = "see boot-loaders.md",
	};

	for (uint8_t i = 0; i < p->device.slots_count; i++) {
		const struct rota_named_slots *s = &p->device.slots[i];
		struct rota_slot inactive;
		struct rota_booted booted;
		enum rota_err err = s->slots->booted(s->slots->ctx, &booted);

		if (err != ROTA_OK)
			return rota_fail(why, err, "[slot %.*s] does not say what runs: %s; %s",
				(int)s->name.len, (const char *)s->name.p, rota_err_str(err),
				helps[p->config.slot[i].backend]);
		err = s->slots->inactive(s->slots->ctx, &inactive);
		if (err != ROTA_OK && err != ROTA_ERR_BUSY) /* busy: a trial runs */
			return rota_fail(why, err, "[slot %.*s] has no place to write to: %s; %s",
				(int)s->name.len, (const char *)s->name.p, rota_err_str(err),
				helps[p->config.slot[i].backend]);
	}
	snprintf(p->note, sizeof(p->note), "%u, each says what runs and may be written",
		p->device.slots_count);
	return ROTA_OK;
}

/* ---- network ---- */

static enum rota_err gather(void *ctx, struct rota_span piece)
{
	rota_bytes_add(ctx, piece);
	return ROTA_OK;
}

static enum rota_err fetch(struct patient *p, const struct rota_fetch_server *server,
	const char *path, struct rota_fail *why)
{
	const struct rota_fetch_get get = {
		.server = server,
		.path = path,
		.max_len = TIMESTAMP_MAX,
		.total_s = (uint32_t)p->config.metadata_s,
		.ctx = &p->timestamp,
		.take = gather,
	};

	return rota_fetch_get(p->fetch, &get, why);
}

static enum rota_err look_repository(struct patient *p, struct rota_fail *why)
{
	ROTA_TRY(fetch(p, &p->config.metadata, "metadata/timestamp.json", why));
	snprintf(p->note, sizeof(p->note), "%.120s", p->config.metadata.url);
	return ROTA_OK;
}

static enum rota_err look_metadata(struct patient *p, struct rota_fail *why)
{
	json_t *file;
	const char *expires;
	uint64_t at;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_json_parse(rota_bytes_span(&p->timestamp), &file, why));
	expires = json_string_value(json_object_get(json_object_get(file, "signed"), "expires"));
	if (!expires || !rota_when_parse(expires, &at))
		err = rota_fail(why, ROTA_ERR_FORMAT,
			"%s/metadata/timestamp.json is no metadata: is the url right?",
			p->config.metadata.url);
	else if (at < rota_when_now())
		err = rota_fail(why, ROTA_ERR_EXPIRED,
			"the repository's timestamp expired at %s: it must be published again",
			expires);
	else
		snprintf(p->note, sizeof(p->note), "timestamp until %.40s", expires);
	json_decref(file);
	return err;
}

/* Any answer from it shows that the way there, the TLS chain and our certificate are good. */
static enum rota_err look_server(struct patient *p, struct rota_fail *why)
{
	static struct rota_fetch_answer answer;

	if (!p->config.server.url) {
		snprintf(p->note, sizeof(p->note), "none configured: events stay here");
		return ROTA_OK;
	}
	ROTA_TRY(rota_fetch_post(p->fetch, &p->config.server, "api/v1/report",
		ROTA_STR("{\"events\":[]}"), (uint32_t)p->config.metadata_s, &answer, why));
	if (answer.status != 200 && answer.status != 400 && answer.status != 429)
		return rota_fail(why, ROTA_ERR_DENIED, "%s answers %u: %.200s",
			p->config.server.url, answer.status, answer.body);
	snprintf(p->note, sizeof(p->note), "%.120s%s", p->config.server.url,
		answer.status == 429 ? " (this device asks too often: later)" : "");
	return ROTA_OK;
}

/* ---- the visit ---- */

enum need { NEED_NOTHING, NEED_CONFIG, NEED_DEVICE, NEED_STATE, NEED_TIMESTAMP };

static const struct {
	const char *name;
	enum need need;
	enum rota_err (*look)(struct patient *p, struct rota_fail *why);
} steps[] = {
	{ "configuration", NEED_NOTHING, look_config },
	{ "files", NEED_CONFIG, look_files },
	{ "device", NEED_CONFIG, look_rom },
	{ "identity", NEED_DEVICE, look_identity },
	{ "disk space", NEED_CONFIG, look_room },
	{ "journal", NEED_DEVICE, look_journal },
	{ "binding", NEED_STATE, look_binding },
	{ "log", NEED_STATE, look_log },
	{ "clock", NEED_CONFIG, look_clock },
	{ "slots", NEED_DEVICE, look_slots },
	{ "repository", NEED_CONFIG, look_repository },
	{ "metadata", NEED_TIMESTAMP, look_metadata },
	{ "server", NEED_CONFIG, look_server },
};

static bool met(const struct patient *p, enum need need)
{
	switch (need) {
	case NEED_CONFIG:
		return p->has_config;
	case NEED_DEVICE:
		return p->has_device;
	case NEED_STATE:
		return p->has_state;
	case NEED_TIMESTAMP:
		return p->timestamp.len != 0;
	case NEED_NOTHING:
	default:
		return true;
	}
}

static bool visit(struct patient *p, size_t i)
{
	struct rota_fail why;

	p->note[0] = 0;
	if (steps[i].need == NEED_STATE && p->first)
		return true; /* there is nothing to look at, as it should be */
	if (!met(p, steps[i].need)) {
		printf("skipped  %s\n", steps[i].name);
		return true;
	}
	if (steps[i].look(p, &why) != ROTA_OK) {
		printf("wrong    %-14s %s\n", steps[i].name, why.text);
		return false;
	}
	printf("ok       %-14s %s\n", steps[i].name, p->note);
	return true;
}

int agent_doctor(const char *config_path)
{
	static struct patient p;
	const struct rota_fetch_settings settings = {
		.user_agent = "rota-agent/" ROTA_VERSION,
		.connect_s = 15,
		.stall_s = 30,
	};
	unsigned wrong = 0;

	p.path = config_path;
	p.fetch = rota_fetch_new(&settings);
	for (size_t i = 0; p.fetch && i < sizeof(steps) / sizeof(steps[0]); i++)
		wrong += !visit(&p, i);
	rota_fetch_free(p.fetch);
	rota_bytes_free(&p.timestamp);
	agent_identity_close(&p.identity);
	agent_rot_close(&p.rot);
	if (p.has_device)
		agent_device_close(&p.device);
	if (p.has_config)
		agent_config_free(&p.config);
	if (wrong)
		printf("%u of %zu steps need attention\n", wrong, sizeof(steps) / sizeof(steps[0]));
	return p.fetch && !wrong ? AGENT_EXIT_OK : AGENT_EXIT_FAILED;
}
