/* SPDX-License-Identifier: Apache-2.0 */
/* rota factory station: devices that make their keys themselves. */
#include "apps/rota/audit.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/factory/stationlog.h"
#include "host/notary/client_certificate.h"
#include "host/sign/imagefile.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/rom.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a way to a device may take to end. */
#define END_WAIT_MS 10000
/* What a PC's firmware and boot loader measure. */
#define PCRS "0,1,2,3,4,5,6,7"

static const char *hardware, *serial, *channel, *group, *region, *counter, *repository;
static const char *repository_url, *server_url, *health, *reboot, *log_policy, *batch, *batch_size;
static const char *seal_to, *pcrs, *pcr_digest;
static struct opts_list image;
static bool soft, json;

static const struct opts_row rows[] = {
	{ "hardware", "ID", "hardware id", OPTS_TEXT, &hardware },
	{ "serial", "TEXT", "serial number (default: what the device says)", OPTS_TEXT, &serial },
	{ "image", "FILE",
		"an image that has to be installed; once for each component, in their order",
		OPTS_LIST, &image },
	{ "channel", "NAME", "channel (default production)", OPTS_TEXT, &channel },
	{ "group", "NAME", "group, for stages by group", OPTS_TEXT, &group },
	{ "region", "NAME", "region, for stages by region", OPTS_TEXT, &region },
	{ "counter", "N", "initial security counter (default 0)", OPTS_TEXT, &counter },
	{ "batch", "NAME", "the batch that the device belongs to", OPTS_TEXT, &batch },
	{ "batch-size", "N", "how many devices it has; begins the batch", OPTS_TEXT, &batch_size },
	{ "secrets", "HEX", "point that factory secrets are sealed to (default: there are none)",
		OPTS_TEXT, &seal_to },
	{ "pcrs", "LIST", "PCRs that a TPM quotes, 0 to 23 (default 0,1,2,3,4,5,6,7)", OPTS_TEXT,
		&pcrs },
	{ "pcr-digest", "HEX", "what they have to show (default: it is taken down alone)",
		OPTS_TEXT, &pcr_digest },
	{ "soft", NULL, "let devices through whose keys lie in the clear, for simulation",
		OPTS_FLAG, &soft },
	{ "repository", "NAME", "name of the repository in agent.ini (default main)", OPTS_TEXT,
		&repository },
	{ "repository-url", "URL", "base URL of the repository", OPTS_TEXT, &repository_url },
	{ "server-url", "URL", "base URL of the device API", OPTS_TEXT, &server_url },
	{ "health", "COMMAND", "health check command of the agent", OPTS_TEXT, &health },
	{ "reboot", "COMMAND", "command that boots the device anew", OPTS_TEXT, &reboot },
	{ "log-policy", "FILE",
		"install releases only with a proof that this log has them and its quorum saw it",
		OPTS_TEXT, &log_policy },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota factory station --hardware ID [OPTION]... -- COMMAND [ARGUMENT]...",
	.text = "Makes one device. COMMAND leads to it: what runs `rota-agent factory` there, with "
		"its standard\n"
		"input and output. The device makes its keys in its root of trust; the signing "
		"daemon of\n"
		"rota.ini issues its certificates; what is installed is compared with --image. "
		"Each "
		"device is\n"
		"a line of `enrolments`, and what was made and refused is signed in `station.log`.",
	.examples =
		"  rota factory station --hardware board-a --image sensor-1.img -- \\\n"
		"    ssh device rota-agent factory --at /etc/rota/device --root-of-trust tpm \\\n"
		"    --image sensor-1.img\n"
		"  rota factory station --hardware board-a --batch w12 --batch-size 500 -- "
		"./bench\n",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 64,
};

/* ---- the signing daemon ---- */

struct desk_ca {
	struct session *s;
	struct rota_client *client; /* opened by the first call */
};

static enum rota_err need_client(struct desk_ca *ca, struct rota_fail *why)
{
	struct rota_client_server at = rota_client_server(&ca->s->dir);

	if (ca->client)
		return ROTA_OK;
	if (!ca->s->dir.signd[0])
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s names no signing daemon, which issues the certificates of devices",
			ca->s->dir.ini.path);
	ROTA_TRY(session_daemon(ca->s));
	return rota_client_open(&at, &ca->client, why);
}

static enum rota_err certify(void *ctx, const char *party, struct rota_span csr,
	struct rota_span endorsement, struct rota_span idevid, struct rota_bytes *der,
	struct rota_fail *why)
{
	struct desk_ca *ca = ctx;
	const struct rota_certificate_ask ask = { .scope = ca->s->dir.product,
		.reason = "rota factory station",
		.party = party,
		.csr = csr,
		.endorsement = endorsement,
		.identity = idevid };

	ROTA_TRY(need_client(ca, why));
	return rota_client_certificate(ca->client, &ask, der, why);
}

static enum rota_err give_nonce(
	void *ctx, const char *device, uint8_t out[static 32], struct rota_fail *why)
{
	struct desk_ca *ca = ctx;

	ROTA_TRY(need_client(ca, why));
	return rota_client_nonce(ca->client, ca->s->dir.product, device, out, why);
}

/* ---- the way to the device ---- */

static enum rota_err start(char **argv, pid_t *pid, struct rota_talk *talk, struct rota_fail *why)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		return rota_fail_errno(why, errno, "no pipe can be made");
	*pid = fork();
	if (*pid == 0) {
		if (dup2(to[0], STDIN_FILENO) >= 0 && dup2(from[1], STDOUT_FILENO) >= 0)
			execvp(argv[0], argv);
		fprintf(stderr, "rota: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	*talk = (struct rota_talk){ .in = from[0], .out = to[1] };
	return *pid > 0 ? rota_talk_begin(talk, why)
			: rota_fail_errno(why, errno, "a process cannot be made");
}

/* The device has heard how it ends; then the way to it ends, or is ended. */
static void finish(pid_t pid, const struct rota_talk *talk)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	close(talk->out);
	close(talk->in);
	for (unsigned i = 0; i < END_WAIT_MS / 10; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		(void)nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* ---- one device ---- */

static enum rota_err read_images(struct rota_station *st, struct rota_fail *why)
{
	struct rota_image_info info;

	for (size_t i = 0; i < image.count; i++) {
		ROTA_TRY(rota_imagefile_read(image.at[i], &rota_crypto_openssl, NULL, &info, why));
		memcpy(st->image[st->image_count++], info.digest, sizeof(info.digest));
	}
	return ROTA_OK;
}

static void fill(struct session *s, struct rota_enrol_plan *plan)
{
	const char *urls[2] = { rota_ini_get(&s->dir.ini, "factory", "repository_url"),
		rota_ini_get(&s->dir.ini, "factory", "server_url") };

	plan->serial = serial;
	plan->hardware = hardware;
	plan->channel = channel ? channel : "production";
	plan->group = group;
	plan->region = region;
	plan->repository = repository ? repository : "main";
	plan->repository_url = repository_url ? repository_url : urls[0];
	plan->server_url = server_url ? server_url : urls[1];
	if (!plan->repository_url)
		plan->repository_url = "https://localhost:8443/repo/";
	if (!plan->server_url)
		plan->server_url = "https://localhost:8444/";
	plan->health = health;
	plan->reboot = reboot;
}

/* ---- who keeps account ---- */

static enum rota_err may(void *ctx, const struct rota_station_made *made, struct rota_fail *why)
{
	return batch ? rota_stationlog_room(ctx, batch, made->device, why) : ROTA_OK;
}

static enum rota_err is_made(void *ctx, const struct rota_station_made *made, struct rota_fail *why)
{
	const struct rota_fail good = { .err = ROTA_OK };

	return rota_stationlog_add(ctx, batch, made, &good, why);
}

/* One that was made, and did not hear so, is made: only what came before is a refusal. */
static enum rota_err make(struct rota_station *st, struct rota_stationlog *log, char **argv,
	struct rota_station_made *made, struct rota_fail *why)
{
	uint64_t lines = log->lines;
	struct rota_fail ignored;
	pid_t pid = -1;
	enum rota_err err;

	*made = (struct rota_station_made){ 0 };
	st->book = (struct rota_station_book){ .ctx = log, .may = may, .made = is_made };
	ROTA_TRY(start(argv, &pid, &st->talk, why));
	err = rota_station_make(st, made, why);
	finish(pid, &st->talk);
	rota_talk_end(&st->talk);
	if (err == ROTA_OK || log->lines > lines)
		return err;
	return rota_stationlog_add(log, batch, made, why, &ignored) == ROTA_OK
		? err
		: rota_fail_in(why, "the station's log cannot be written (%s); and", ignored.text);
}

static void print_made(const struct rota_station_made *made)
{
	static const char *const kinds[] = { "none", "tpm", "pkcs11", "soft" };
	char hex[ROTA_DIGEST_HEX] = "";

	if (made->quoted)
		rota_hex(ROTA_SPAN(made->quote.pcrs_sha256), hex);
	if (json)
		printf("{\"device\":\"%s\",\"pcrs\":\"%s\",\"root_of_trust\":\"%s\","
		       "\"serial\":\"%s\"}\n",
			made->device, hex, kinds[made->rot], made->serial);
	else
		printf("device %s\n  serial %s, hardware %s, root of trust %s, %zu images "
		       "measured\n",
			made->device, made->serial, hardware, kinds[made->rot], made->image_count);
	if (!json && made->quoted)
		printf("  PCRs %s\n", hex);
}

static enum rota_err run_batch(struct rota_stationlog *log, uint64_t size, struct rota_fail *why)
{
	if (batch_size)
		ROTA_TRY(rota_stationlog_batch(log, batch, (uint32_t)size, why));
	return batch ? rota_stationlog_room(log, batch, NULL, why) : ROTA_OK;
}

static int run(struct rota_station *st, uint64_t size, char **argv)
{
	static uint8_t room[ROTA_ROM_MAX];
	struct rota_stationlog log;
	struct rota_station_made made;
	struct desk_ca ca = { 0 };
	struct session s;
	enum rota_err err;

	if (log_policy &&
		audit_demand(log_policy, ROTA_BUF(room), &st->plan.demand, &s.why) != ROTA_OK)
		return say_fail(&s.why);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	ca.s = &s;
	st->desk = &s.desk;
	st->crypto = &rota_crypto_openssl;
	st->ca = (struct rota_station_ca){ .ctx = &ca, .certify = certify, .nonce = give_nonce };
	fill(&s, &st->plan);
	err = read_images(st, &s.why);
	if (err == ROTA_OK)
		err = rota_stationlog_open(&log, &s.desk, &s.why);
	if (err == ROTA_OK) {
		err = run_batch(&log, size, &s.why);
		if (err == ROTA_OK)
			err = make(st, &log, argv, &made, &s.why);
		rota_stationlog_close(&log);
	}
	if (err == ROTA_OK)
		print_made(&made);
	rota_client_close(ca.client);
	return session_close(&s, err);
}

/* "0,2,7" */
static bool read_pcrs(const char *text, uint32_t *out)
{
	*out = 0;
	for (char *end; *text; text = end + (*end == ',')) {
		unsigned long pcr = strtoul(text, &end, 10);

		if (*text < '0' || *text > '9' || pcr > 23 || (*end && *end != ','))
			return false;
		*out |= 1u << pcr;
	}
	return *out != 0;
}

static int check_vouching(struct rota_station *st)
{
	static uint8_t point[ROTA_P256_KEY_LEN], digest[ROTA_SHA256_LEN];

	if (seal_to && !rota_p256_unhex(seal_to, point))
		return opts_wrong(&usage, "--secrets takes a point of P-256, 130 hex digits");
	if (!read_pcrs(pcrs ? pcrs : PCRS, &st->pcrs))
		return opts_wrong(&usage, "--pcrs takes numbers of PCRs, 0 to 23, between commas");
	if (pcr_digest && !rota_unhex(pcr_digest, ROTA_BUF(digest)))
		return opts_wrong(&usage, "--pcr-digest takes 64 hex digits");
	st->seal_to = seal_to ? point : NULL;
	st->pcrs_sha256 = pcr_digest ? digest : NULL;
	return 0;
}

static int check_options(struct rota_station *st, uint64_t *size)
{
	uint64_t number;

	if (!hardware)
		return opts_wrong(&usage, "--hardware ID is needed");
	if (!opts_number(counter ? counter : "0", UINT32_MAX, &number))
		return opts_wrong(&usage, "--counter %s is no number below 2^32", counter);
	st->plan.counter = (uint32_t)number;
	if (batch_size && (!batch || !opts_number(batch_size, UINT32_MAX, size) || *size == 0))
		return opts_wrong(&usage, "--batch-size N goes with --batch, from 1");
	if (image.count > sizeof(st->image) / sizeof(st->image[0]))
		return opts_wrong(&usage, "--image stands for a component, of at most 8");
	st->soft = soft;
	st->batch = batch;
	return check_vouching(st);
}

int verb_factory_station(int argc, char **argv)
{
	static struct rota_station st;
	uint64_t size = 0;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check_options(&st, &size);
	if (status)
		return status;
	signal(SIGPIPE, SIG_IGN);
	return run(&st, size, argv + at);
}
