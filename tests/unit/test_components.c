/* SPDX-License-Identifier: Apache-2.0 */
/* The components that a device's flash has, by their folders; run/booted of a set; formatting one. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/booted.h"
#include "ports/slots_boot/components.h"
#include "ports/slots_boot/format.h"
#include "tests/unit/boot_device.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int dir_fd;

/* An empty flash with these folders, separated by blanks. */
static enum rota_err read_folders(const char *names, struct rota_components *c)
{
	char text[256], path[300], *rest = NULL;

	(void)boot_device_bare(&dir_fd);
	(void)mkdirat(dir_fd, "flash", 0755);
	(void)snprintf(text, sizeof(text), "%s", names);
	for (char *at = strtok_r(text, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
		(void)snprintf(path, sizeof(path), "flash/%s", at);
		(void)mkdirat(dir_fd, path, 0755);
	}
	return rota_components_read(c, dir_fd);
}

TEST(folders_name_the_components)
{
	static const struct {
		const char *folders;
		enum rota_err want;
		uint8_t count;
	} rows[] = {
		{ "", ROTA_OK, 1 },
		{ "other .. boot.bin.new", ROTA_OK, 1 },
		{ "0-app 1-model", ROTA_OK, 2 },
		{ "1-model 0-app 7-h 6-g 5-f 4-e 3-d 2-c", ROTA_OK, 8 },
		{ "0-app", ROTA_ERR_FORMAT, 0 }, /* one alone has none */
		{ "1-model", ROTA_ERR_FORMAT, 0 }, /* a gap */
		{ "0-app 2-model", ROTA_ERR_FORMAT, 0 },
		{ "0-app 1-model 1-map", ROTA_ERR_FORMAT, 0 }, /* a number twice */
		{ "0-app 1-app", ROTA_ERR_FORMAT, 0 }, /* a name twice */
		{ "0-a.b 1-a-b", ROTA_ERR_FORMAT, 0 }, /* a variable twice */
		{ "0-app 1-Model", ROTA_ERR_FORMAT, 0 }, /* no name */
		{ "0-app 1-", ROTA_ERR_FORMAT, 0 },
		{ "0-app 1-a2345678901234567890123456789012", ROTA_OK, 2 },
		{ "0-app 1-a23456789012345678901234567890123", ROTA_ERR_FORMAT, 0 },
		{ "0-app 1-b 8-model", ROTA_ERR_FORMAT, 0 },
	};
	struct rota_components c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].folders);
		CHECK_EQ(read_folders(rows[i].folders, &c), rows[i].want);
		if (rows[i].want == ROTA_OK)
			CHECK_EQ(c.count, rows[i].count);
	}
	(void)boot_device_bare(&dir_fd);
	CHECK_EQ(rota_components_read(&c, dir_fd), ROTA_ERR_NOT_FOUND);
	boot_device_remove();
}

TEST(paths_and_variables)
{
	static const char *const names[] = { "app", "model.v-2" };
	char path[ROTA_COMPONENTS_PATH_MAX], text[ROTA_COMPONENTS_VARIABLE_MAX];
	struct rota_components c;
	uint8_t which;

	CHECK_OK(rota_components_init(&c, names, 2));
	rota_components_slot(&c, 1, 1, path);
	CHECK(strcmp(path, "flash/1-model.v-2/slot1.bin") == 0);
	rota_components_progress(&c, 0, 0, path);
	CHECK(strcmp(path, "flash/0-app/slot0.part") == 0);
	rota_components_variable(&c, 1, text);
	CHECK(strcmp(text, "ROTA_COMPONENT_MODEL_V_2") == 0);
	CHECK_OK(rota_components_find(&c, ROTA_STR("model.v-2"), &which));
	CHECK_EQ(which, 1);
	CHECK_EQ(rota_components_find(&c, ROTA_STR("model"), &which), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_components_init(&c, names, 1));
	rota_components_slot(&c, 0, 1, path);
	CHECK(strcmp(path, "flash/slot1.bin") == 0);
	CHECK_OK(rota_components_find(&c, ROTA_STR("anything"), &which));
	CHECK_EQ(which, 0);
	CHECK_EQ(rota_components_init(&c, names, 0), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_components_init(&c, names, ROTA_SET_MAX + 1), ROTA_ERR_FORMAT);
}

TEST(what_runs_is_written_and_read)
{
	struct rota_booted_file in = { .boot = 4000000000u,
		.running = { .count = ROTA_SET_MAX,
			.places = 0xA5,
			.trial = 0x81,
			.kind = ROTA_BOOT_TRIAL } },
				out;

	for (uint8_t i = 0; i < ROTA_SET_MAX; i++) {
		in.version[i] = UINT64_MAX - i;
		memset(in.running.digest[i], 0xF0 + i, ROTA_SHA256_LEN);
	}
	(void)boot_device_bare(&dir_fd);
	CHECK_OK(mkdirat(dir_fd, "run", 0755));
	for (; in.running.count > 1; in.running.count--) {
		CHECK_OK(rota_booted_write(dir_fd, &in));
		CHECK_OK(rota_booted_read(dir_fd, &out));
		CHECK_EQ(out.running.count, in.running.count);
		CHECK_EQ(out.running.places, in.running.places);
		CHECK_EQ(out.running.trial, in.running.trial);
		CHECK_EQ(out.boot, in.boot);
		CHECK_MEM(out.version, in.version, in.running.count * sizeof(in.version[0]));
		CHECK_MEM(out.running.digest, in.running.digest,
			(size_t)in.running.count * ROTA_SHA256_LEN);
		in.running.trial = 1;
		in.running.places &= (uint8_t)((1u << (in.running.count - 1)) - 1);
	}
	boot_device_remove();
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FIRST(kind) "slot=0\nkind=" kind "\ndigest=" DIGEST "\nversion=1.0.0\nboot=1\n"
#define NEXT "slot.1=1\ndigest.1=" DIGEST "\nversion.1=1.0.0\n"

TEST(other_files_are_none)
{
	static const struct {
		const char *text;
		enum rota_err want;
	} rows[] = {
		{ FIRST("trial"), ROTA_OK },
		{ FIRST("trial") "trial=2\n" NEXT, ROTA_OK },
		{ FIRST("confirmed") "trial=0\n" NEXT, ROTA_OK },
		{ FIRST("confirmed") NEXT, ROTA_ERR_CORRUPT },
		{ FIRST("confirmed") "trial=0\n", ROTA_ERR_CORRUPT },
		{ FIRST("confirmed") "trial=1\n" NEXT, ROTA_ERR_CORRUPT },
		{ FIRST("trial") "trial=0\n" NEXT, ROTA_ERR_CORRUPT },
		{ FIRST("trial") "trial=4\n" NEXT, ROTA_ERR_CORRUPT },
		{ FIRST("trial") "trial=2\n" NEXT NEXT, ROTA_ERR_CORRUPT },
		{ FIRST("trial") "trial=+2\n" NEXT, ROTA_ERR_CORRUPT },
	};
	struct rota_booted_file out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);
		int fd;

		ROW(rows[i].text);
		(void)boot_device_bare(&dir_fd);
		CHECK_OK(mkdirat(dir_fd, "run", 0755));
		fd = openat(dir_fd, "run/booted", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		CHECK(write(fd, rows[i].text, len) == (ssize_t)len);
		(void)close(fd);
		CHECK_EQ(rota_booted_read(dir_fd, &out), rows[i].want);
	}
	boot_device_remove();
}

/* A format of two; what comes of it. */
static enum rota_err format(
	const char *second, const struct image_spec *spec, struct rota_format_fault *fault)
{
	const struct image_spec first = { .version = 1, .counter = 1 };
	struct rota_format_plan plan = { .capacity = 1 << 16,
		.count = 2,
		.part = { { "app", boot_device_image(0, &first) },
			{ second, boot_device_image(1, spec) } } };
	char dir[64];
	enum rota_err err;

	(void)snprintf(dir, sizeof(dir), "/proc/self/fd/%d", dir_fd);
	err = rota_slots_boot_format(dir, &plan, &rota_crypto_openssl, fault);
	(void)close(plan.part[0].image_fd);
	(void)close(plan.part[1].image_fd);
	return err;
}

TEST(a_set_is_formatted_whole_or_not_at_all)
{
	const struct image_spec good = { .version = 1, .counter = 1 },
				bad = { .version = 1, .counter = 1, .product = "toaster" };
	struct rota_format_fault fault;
	struct rota_bootstate s;

	(void)boot_device_bare(&dir_fd);
	CHECK_EQ(format("model", &bad, &fault), ROTA_ERR_PRODUCT);
	CHECK_EQ(fault.component, 1);
	CHECK_EQ(fault.clause, 5);
	CHECK(faccessat(dir_fd, "flash", F_OK, 0) != 0); /* nothing half-written */
	CHECK_EQ(format("app", &good, &fault), ROTA_ERR_FORMAT);
	CHECK_OK(mkdirat(dir_fd, "flash", 0755));
	CHECK_OK(mkdirat(dir_fd, "flash/2-left", 0755)); /* of a format that was cut off */
	CHECK_EQ(format("model", &good, &fault), ROTA_ERR_FORMAT);
	CHECK(faccessat(dir_fd, "flash/boot.bin", F_OK, 0) != 0);
	CHECK_OK(unlinkat(dir_fd, "flash/2-left", AT_REMOVEDIR));
	CHECK_OK(format("model", &good, &fault));
	s = boot_device_state();
	CHECK_EQ(s.count, 2);
	CHECK_EQ(s.confirmed, 0);
	CHECK_EQ(format("model", &good, &fault), ROTA_ERR_BUSY);
	CHECK_OK(faccessat(dir_fd, "flash/1-model/slot1.bin", F_OK, 0));
	boot_device_remove();
}

TESTS(T(folders_name_the_components), T(paths_and_variables), T(what_runs_is_written_and_read),
	T(other_files_are_none), T(a_set_is_formatted_whole_or_not_at_all))
