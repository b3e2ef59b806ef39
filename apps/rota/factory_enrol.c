/* SPDX-License-Identifier: Apache-2.0 */
/* rota factory enrol: one device's identity, anchors and first image. */
#include "apps/rota/audit.h"
#include "apps/rota/factory_tpm.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/pki/enrol.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/format.h"
#include "ports/tpm2/tpm2.h"
#include "rota/codec/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define WATCHDOG_MIN_S 86400 /* a shorter period would wear the boot journal (SPEC 10.8) */
#define WATCHDOG_MAX_S ((uint64_t)3650 * 86400)

static const char *out, *at_path, *serial, *hardware, *channel, *group, *region, *counter;
static const char *image, *slot_mib, *repository, *repository_url, *server_url, *health, *reboot;
static const char *script, *script_dir, *tpm, *watchdog, *bound, *log_policy;
static struct opts_list component;
static bool json, take_over;

static const struct opts_row rows[] = {
	{ "out", "DIR", "folder to make for the device", OPTS_TEXT, &out },
	{ "hardware", "ID", "hardware id", OPTS_TEXT, &hardware },
	{ "serial", "TEXT", "serial number (default: random)", OPTS_TEXT, &serial },
	{ "channel", "NAME", "channel (default production)", OPTS_TEXT, &channel },
	{ "group", "NAME", "group, for stages by group", OPTS_TEXT, &group },
	{ "region", "NAME", "region, for stages by region", OPTS_TEXT, &region },
	{ "counter", "N", "initial security counter (default 0)", OPTS_TEXT, &counter },
	{ "image", "FILE", "first image: make flash with it confirmed in slot 0", OPTS_TEXT,
		&image },
	{ "component", "NAME=FILE",
		"a further component: its image is handed on to the program (at most 7)", OPTS_LIST,
		&component },
	{ "slot-size", "MIB", "size of each slot, with --image (default 64)", OPTS_TEXT,
		&slot_mib },
	{ "at", "PATH", "where the folder will lie on the device (default: DIR)", OPTS_TEXT,
		&at_path },
	{ "repository", "NAME", "name of the repository in agent.ini (default main)", OPTS_TEXT,
		&repository },
	{ "repository-url", "URL", "base URL of the repository", OPTS_TEXT, &repository_url },
	{ "server-url", "URL", "base URL of the device API", OPTS_TEXT, &server_url },
	{ "health", "COMMAND", "health check command of the agent", OPTS_TEXT, &health },
	{ "reboot", "COMMAND", "command that boots the device anew", OPTS_TEXT, &reboot },
	{ "tpm", "TCTI", "make counters in this TPM, as in device:/dev/tpmrm0", OPTS_TEXT, &tpm },
	{ "take-over", NULL,
		"with --tpm: replace the device whose counters it keeps, which ends that device",
		OPTS_FLAG, &take_over },
	{ "watchdog", "TIME",
		"without a refresh for so long the updater runs alone, as in 14d (default: off)",
		OPTS_TEXT, &watchdog },
	{ "watchdog-bound", "TIME", "how long it may, with --watchdog (default 15m)", OPTS_TEXT,
		&bound },
	{ "log-policy", "FILE",
		"install releases only with a proof that this log has them and its quorum saw it "
		"(default: without)",
		OPTS_TEXT, &log_policy },
	{ "script", "FILE", "slot app is kept by this script, not by rota-boot", OPTS_TEXT,
		&script },
	{ "script-dir", "DIR", "where it keeps its files (default: files in the folder)", OPTS_TEXT,
		&script_dir },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota factory enrol --out DIR --hardware ID [OPTION]...",
	.text = "Makes what a device leaves the factory with: keys and certificates (IDevID, "
		"LDevID), the\n"
		"record burnt into ROM, the newest root, and agent.ini. With --image also its "
		"flash.\n"
		"Each device is a line of the authority's file `enrolments`; a serial is enrolled "
		"once.",
	.examples =
		"  rota factory enrol --out ./device --hardware board-a --image sensor-1.img\n"
		"  rota factory enrol --out d5 --hardware board-a --image app.img --component "
		"model=m.img\n"
		"  rota factory enrol --out d6 --hardware board-a --script /usr/lib/rota/files.sh\n"
		"  rota factory enrol --out d7 --hardware board-a --serial SN-7 --at "
		"/etc/rota/device\n"
		"  rota factory enrol --out d8 --hardware board-a --image s1.img --tpm "
		"device:/dev/tpmrm0",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

#define PROGRAM "app" /* name of component 0, and of its slot in agent.ini */

struct flash {
	uint64_t capacity;
	uint8_t count; /* components; 0: no flash is made */
	const char *file[ROTA_SET_MAX];
	char name[ROTA_SET_MAX][ROTA_NAME_MAX + 1];
	const char *further[ROTA_SET_MAX]; /* names behind the first, NULL-ended */
};

static enum rota_err open_images(
	const struct flash *flash, struct rota_format_plan *plan, struct rota_fail *why)
{
	for (; plan->count < flash->count; plan->count++) {
		int fd = open(flash->file[plan->count], ROTA_FILE_OPEN);

		if (fd < 0)
			return rota_fail_errno(
				why, errno, "cannot open image %s", flash->file[plan->count]);
		plan->part[plan->count] = (struct rota_format_part){ flash->name[plan->count], fd };
	}
	return ROTA_OK;
}

static enum rota_err say_fault(const struct flash *flash, const struct rota_format_fault *fault,
	enum rota_err err, struct rota_fail *why)
{
	const char *file = flash->file[fault->component];

	if (fault->clause)
		return rota_fail(why, err, "%s: %s: %s (SPEC 6.%u)", file,
			fault->what ? fault->what : "image", rota_err_str(err), fault->clause);
	if (fault->os_error)
		return rota_fail_errno(why, fault->os_error, "flash from %s: %s", file,
			fault->what ? fault->what : "format");
	return rota_fail(why, err, "flash from %s: %s: %s", file,
		fault->what ? fault->what : "format", rota_err_str(err));
}

/* The hook that fills OUT/flash. */
static enum rota_err make_flash(
	void *ctx, const char *dir, struct rota_span rom, struct rota_fail *why)
{
	const struct flash *flash = ctx;
	struct rota_format_plan plan = { .capacity = flash->capacity };
	struct rota_format_fault fault = { 0 };
	enum rota_err err = open_images(flash, &plan, why);

	(void)rom; /* the format reads OUT/rom.bin, as boot will */
	if (err == ROTA_OK) {
		err = rota_slots_boot_format(dir, &plan, &rota_crypto_openssl, &fault);
		if (err != ROTA_OK)
			err = say_fault(flash, &fault, err, why);
	}
	for (uint8_t i = 0; i < plan.count; i++)
		close(plan.part[i].image_fd);
	return err;
}

/* What the configuration says where no option does. */
static enum rota_err fill_urls(struct session *s, struct rota_enrol_plan *plan)
{
	const char *lifetime = rota_ini_get(&s->dir.ini, "factory", "ldevid_lifetime");

	plan->repository_url = repository_url
		? repository_url
		: rota_ini_get(&s->dir.ini, "factory", "repository_url");
	plan->server_url =
		server_url ? server_url : rota_ini_get(&s->dir.ini, "factory", "server_url");
	if (!plan->repository_url)
		plan->repository_url = "https://localhost:8443/repo/";
	if (!plan->server_url)
		plan->server_url = "https://localhost:8444/";
	if (rota_duration_parse(lifetime ? lifetime : "365d", &plan->ldevid_lifetime_s) &&
		plan->ldevid_lifetime_s > 0)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_FORMAT, "%s: [factory] ldevid_lifetime = %s is no time",
		s->dir.ini.path, lifetime);
}

/* The folder's own absolute path, for agent.ini. */
static char *absolute(const char *path)
{
	char *cwd, *text;

	if (*path == '/')
		return rota_text("%s", path);
	cwd = getcwd(NULL, 0);
	text = rota_text("%s/%s", cwd ? cwd : ".", path);
	free(cwd);
	return text;
}

static char *random_serial(void)
{
	uint8_t raw[8];
	char hex[2 * sizeof(raw) + 1];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		abort(); /* a kernel without random bytes makes no keys either */
	rota_hex(ROTA_SPAN(raw), hex);
	return rota_text("%s", hex);
}

static void print_made(const struct rota_enrol_plan *plan, const char *device_id,
	const struct factory_tpm *counters)
{
	if (json && *counters->replaces)
		printf("{\"device\":\"%s\",\"out\":\"%s\",\"replaces\":\"%s\",\"serial\":\"%s\"}\n",
			device_id, plan->out, counters->replaces, plan->serial);
	else if (json)
		printf("{\"device\":\"%s\",\"out\":\"%s\",\"serial\":\"%s\"}\n", device_id,
			plan->out, plan->serial);
	else
		printf("%s: device %s\n  serial %s, hardware %s, channel %s%s\n", plan->out,
			device_id, plan->serial, plan->hardware, plan->channel,
			plan->flash ? ", flash made" : "");
	if (!json && *counters->replaces)
		printf("  the counters of device %s were taken over: it takes recovery orders "
		       "alone now\n",
			counters->replaces);
}

static int run(struct rota_enrol_plan *plan, struct factory_tpm *counters)
{
	static uint8_t room[ROTA_ROM_MAX];
	char device_id[65];
	struct session s;
	enum rota_err err;

	if (log_policy &&
		audit_demand(log_policy, ROTA_BUF(room), &plan->demand, &s.why) != ROTA_OK)
		return say_fail(&s.why);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	counters->dir = &s.dir;
	err = fill_urls(&s, plan);
	if (err == ROTA_OK)
		err = rota_enrol(&s.desk, plan, device_id, &s.why);
	if (err == ROTA_OK)
		print_made(plan, device_id, counters);
	else
		factory_tpm_undo(counters);
	return session_close(&s, err);
}

static bool seconds(const char *text, uint64_t least, uint32_t *to)
{
	uint64_t value;

	if (!rota_duration_parse(text, &value) || value < least || value > WATCHDOG_MAX_S)
		return false;
	*to = (uint32_t)value;
	return true;
}

static int check_watchdog(struct rota_rom_watchdog *to)
{
	if (bound && !watchdog)
		return opts_wrong(&usage, "--watchdog-bound goes with --watchdog");
	if (watchdog && !seconds(watchdog, WATCHDOG_MIN_S, &to->period_s))
		return opts_wrong(&usage, "--watchdog %s is no time from 1d to 3650d", watchdog);
	if (watchdog && !seconds(bound ? bound : "15m", 1, &to->bound_s))
		return opts_wrong(&usage, "--watchdog-bound %s is no time up to 3650d", bound);
	return 0;
}

/* NAME=FILE into the plan of the flash. False: it is none. */
static bool take_component(struct flash *flash, const char *text)
{
	const char *file = strchr(text, '=');
	size_t len = file ? (size_t)(file - text) : 0;

	if (len > ROTA_NAME_MAX || !rota_name_valid(rota_span((const uint8_t *)text, len)) ||
		!file[1])
		return false;
	memcpy(flash->name[flash->count], text, len);
	flash->further[flash->count - 1] = flash->name[flash->count];
	flash->file[flash->count++] = file + 1;
	return true;
}

static int check_images(struct flash *flash)
{
	if (!image && component.count > 0)
		return opts_wrong(&usage, "--component goes with --image");
	if (!image)
		return 0;
	if (component.count >= ROTA_SET_MAX)
		return opts_wrong(&usage, "--component may stand %d times", ROTA_SET_MAX - 1);
	flash->count = 1;
	flash->file[0] = image;
	(void)snprintf(flash->name[0], sizeof(flash->name[0]), PROGRAM);
	for (size_t i = 0; i < component.count; i++) {
		if (!take_component(flash, component.at[i]))
			return opts_wrong(&usage,
				"--component %s is not NAME=FILE, the name 1 to 32 of a-z 0-9 . _ "
				"-",
				component.at[i]);
	}
	return 0;
}

static int check_options(struct flash *flash, struct rota_enrol_plan *plan)
{
	uint64_t number;

	if (!out || !hardware)
		return opts_wrong(&usage, "--out DIR and --hardware ID are needed");
	if (!opts_number(counter ? counter : "0", UINT32_MAX, &number))
		return opts_wrong(&usage, "--counter %s is no number below 2^32", counter);
	plan->counter = (uint32_t)number;
	if (slot_mib && !image)
		return opts_wrong(&usage, "--slot-size goes with --image");
	if (check_images(flash))
		return 2;
	flash->capacity = ROTA_SLOT_CAPACITY_DEFAULT;
	if (slot_mib && (!opts_number(slot_mib, ROTA_SLOT_CAPACITY_MAX / MIB, &number) || !number))
		return opts_wrong(&usage, "--slot-size is 1 to %u MiB",
			(unsigned)(ROTA_SLOT_CAPACITY_MAX / MIB));
	if (slot_mib)
		flash->capacity = number * MIB;
	if (tpm && (!*tpm || strlen(tpm) >= ROTA_TPM2_TCTI_MAX))
		return opts_wrong(&usage, "--tpm takes a TCTI of 1 to 159 bytes");
	if (take_over && !tpm)
		return opts_wrong(&usage, "--take-over goes with --tpm");
	if (check_watchdog(&plan->watchdog))
		return 2;
	if (at_path && *at_path != '/')
		return opts_wrong(&usage, "--at is an absolute path");
	if ((script && *script != '/') || (script_dir && *script_dir != '/'))
		return opts_wrong(&usage, "--script and --script-dir are absolute paths");
	if ((script && image) || (script_dir && !script))
		return opts_wrong(
			&usage, "--script goes without --image, --script-dir with --script");
	return 0;
}

int verb_factory_enrol(int argc, char **argv)
{
	struct rota_enrol_plan plan = { 0 };
	struct flash flash = { 0 };
	struct factory_tpm counters = { 0 };
	char *made_serial = NULL, *made_at = NULL, *folder;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check_options(&flash, &plan);
	if (status)
		return status;
	plan.out = folder = rota_text("%s", out);
	opts_trim_slashes(folder);
	plan.at = at_path ? at_path : (made_at = absolute(folder));
	plan.serial = serial ? serial : (made_serial = random_serial());
	plan.hardware = hardware;
	plan.channel = channel ? channel : "production";
	plan.group = group;
	plan.region = region;
	plan.repository = repository ? repository : "main";
	plan.health = health;
	plan.reboot = reboot;
	plan.script = script;
	plan.script_dir = script_dir;
	plan.tpm = tpm;
	plan.counters = tpm ? factory_tpm_make : NULL;
	plan.counters_ctx = &counters;
	plan.replaces = counters.replaces;
	plan.flash = image ? make_flash : NULL;
	plan.flash_ctx = &flash;
	plan.components = flash.further;
	counters.tcti = tpm;
	counters.take_over = take_over;
	status = run(&plan, &counters);
	free(folder);
	free(made_serial);
	free(made_at);
	return status;
}
