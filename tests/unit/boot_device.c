/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/boot_device.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/format.h"
#include "ports/slots_boot/components.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPACITY ((uint64_t)1 << 16)

static char dir[] = "/tmp/rota-device-XXXXXX";
static int dir_fd = -1;

struct rota_span boot_device_program(void)
{
	static uint8_t bytes[300] = { 0x7f, 'E', 'L', 'F' };
	uint8_t own[64] = { 0 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, own, sizeof(own)) != (ssize_t)sizeof(own))
		abort();
	(void)close(fd);
	memcpy(bytes, own, sizeof(own));
	if (own[4] == 2) { /* 64 bits: one program header, right behind, of type PT_LOAD */
		memset(&bytes[32], 0, 8);
		bytes[32] = 64;
		bytes[56] = 1;
		bytes[57] = 0;
		bytes[64] = 1;
	} else {
		memset(&bytes[28], 0, 4);
		bytes[28] = 52;
		bytes[44] = 1;
		bytes[45] = 0;
		memset(&bytes[52], 0, 4);
		bytes[52] = 1;
	}
	return ROTA_SPAN(bytes);
}

struct rota_span boot_device_model(uint32_t version)
{
	static char text[32];

	(void)snprintf(text, sizeof(text), "model %u", version);
	return rota_span_cstr(text);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void boot_device_remove(void)
{
	if (dir_fd < 0)
		return;
	(void)close(dir_fd);
	dir_fd = -1;
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *name, struct rota_span data)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || pwrite(fd, data.p, data.len, 0) != (ssize_t)data.len)
		abort();
	(void)close(fd);
}

const char *boot_device_bare(int *fd)
{
	struct rota_rom rom = image_rom(1);
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	boot_device_remove();
	memcpy(dir, "/tmp/rota-device-XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL || (dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		rota_rom_encode(&rom, ROTA_BUF(room), &record) != ROTA_OK)
		abort();
	put_file("rom.bin", record);
	*fd = dir_fd;
	return dir;
}

/* The image's bytes, in static room. */
static struct rota_span make(uint8_t component, const struct image_spec *spec)
{
	static uint8_t bytes[IMAGE_MAKE_MAX];
	struct image_spec own = *spec;

	if (own.payload.p == NULL)
		own.payload = component == 0 ? boot_device_program()
					     : boot_device_model((uint32_t)spec->version);
	return rota_span(bytes, image_make(&own, bytes));
}

int boot_device_image(uint8_t component, const struct image_spec *spec)
{
	int fd;

	put_file("image", make(component, spec));
	fd = openat(dir_fd, "image", O_RDONLY | O_CLOEXEC);
	(void)unlinkat(dir_fd, "image", 0);
	if (fd < 0)
		abort();
	return fd;
}

const char *boot_device(int *fd)
{
	const struct image_spec first = { .version = 1, .counter = 1 };
	struct rota_format_plan plan = { .capacity = CAPACITY, .count = 2 };
	struct rota_format_fault fault;
	enum rota_err err;

	(void)boot_device_bare(fd);
	plan.part[0] = (struct rota_format_part){ "app", boot_device_image(0, &first) };
	plan.part[1] = (struct rota_format_part){ "model", boot_device_image(1, &first) };
	err = rota_slots_boot_format(dir, &plan, &rota_crypto_openssl, &fault);
	(void)close(plan.part[0].image_fd);
	(void)close(plan.part[1].image_fd);
	if (err != ROTA_OK)
		abort();
	return dir;
}

static void slot_path(uint8_t component, uint8_t place, char path[static ROTA_COMPONENTS_PATH_MAX])
{
	struct rota_components set;

	if (rota_components_read(&set, dir_fd) != ROTA_OK)
		abort();
	rota_components_slot(&set, component, place, path);
}

static void take_digest(struct rota_span image, uint8_t *digest)
{
	struct rota_image im;

	rota_image_begin(&im, &rota_crypto_openssl);
	if (rota_image_update(&im, image) != ROTA_OK || rota_image_finish(&im) != ROTA_OK)
		abort();
	memcpy(digest, im.info.digest, ROTA_SHA256_LEN);
}

void boot_device_put(
	uint8_t component, uint8_t place, const struct image_spec *spec, uint8_t *digest)
{
	char path[ROTA_COMPONENTS_PATH_MAX];
	struct rota_span image = make(component, spec);

	slot_path(component, place, path);
	put_file(path, image);
	if (digest != NULL)
		take_digest(image, digest);
}

void boot_device_damage(uint8_t component, uint8_t place)
{
	char path[ROTA_COMPONENTS_PATH_MAX];

	slot_path(component, place, path);
	put_file(path, ROTA_STR("damage"));
}

struct rota_bootstate boot_device_state(void)
{
	struct rota_layout_state l;

	if (rota_layout_state_open(&l, dir_fd) != ROTA_OK)
		abort();
	rota_layout_state_close(&l);
	return l.state;
}

void boot_device_commit(const struct rota_bootstate *state)
{
	struct rota_layout_state l;

	if (rota_layout_state_open(&l, dir_fd) != ROTA_OK)
		abort();
	l.state = *state;
	if (rota_layout_state_commit(&l) != ROTA_OK)
		abort();
	rota_layout_state_close(&l);
}
