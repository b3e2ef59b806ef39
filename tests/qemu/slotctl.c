/* SPDX-License-Identifier: Apache-2.0 */
/* The slots behind a boot loader from a shell: what the update cycle asks of the port, for tests that have the real
 * loader and its own tools on the other side.
 *
 *     slotctl LOADER AT STATE CMDLINE BOOT_ID NAME PLACE_A PLACE_B [NAME PLACE_A PLACE_B]... VERB [ARGUMENT...]
 *
 *     install FILE...    a file for each slot, `-` for one that the release does not bring; asks for the trial
 *     booted             KIND PLACE, of the first slot
 *     confirm, revert
 *     selected           CONFIRMED TRIAL, as the selector says
 *     select C T         tell the selector
 *
 * LOADER is uboot, grub or systemd-boot. Exit status 0, or 1 with the error on standard error. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/sel_grub/sel_grub.h"
#include "ports/sel_sdboot/sel_sdboot.h"
#include "ports/sel_uboot/sel_uboot.h"
#include "ports/slots_part/slots_part.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_MAX ((size_t)16 << 20)

static struct rota_sel_uboot uboot;
static struct rota_sel_grub grub;
static struct rota_sel_sdboot sdboot;
static struct rota_slots_part group;
static struct rota_slots_part_slot slots[ROTA_SET_MAX];

static const char *const places[] = { "a", "b" };
static const char *const trials[] = { "none", "asked", "started" };
static const char *const kinds[] = { "confirmed", "trial", "reverted", "fallback" };
static const char *const verbs[] = { "install", "booted", "confirm", "revert", "selected",
	"select" };
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* The word's number; `count`: it is none of them. */
static unsigned find(const char *word, const char *const *words, unsigned count)
{
	unsigned i = 0;

	while (i < count && strcmp(word, words[i]) != 0)
		i++;
	return i;
}

static const struct rota_selector *selector_of(const char *loader, const char *at)
{
	rota_sel_uboot_open(&uboot, at);
	rota_sel_grub_open(&grub, at);
	rota_sel_sdboot_open(&sdboot, at);
	if (strcmp(loader, "uboot") == 0)
		return &uboot.port;
	return strcmp(loader, "grub") == 0 ? &grub.port : &sdboot.port;
}

static struct rota_span read_image(const char *file)
{
	uint8_t *bytes = malloc(IMAGE_MAX);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 && bytes != NULL ? read(fd, bytes, IMAGE_MAX) : -1;

	if (got <= 0) {
		perror(file);
		exit(2);
	}
	(void)close(fd);
	return rota_span(bytes, (size_t)got);
}

static enum rota_err write_slot(
	const struct rota_slots *port, const char *file, uint8_t digest[static ROTA_SHA256_LEN])
{
	struct rota_span image = read_image(file);
	struct rota_sha256 hash;
	uint64_t at;

	rota_crypto_openssl.sha256_init(&hash);
	rota_crypto_openssl.sha256_update(&hash, image);
	rota_crypto_openssl.sha256_final(&hash, digest);
	ROTA_TRY(port->begin(port->ctx, digest, image.len, &at));
	ROTA_TRY(port->write(port->ctx, at, rota_span_skip(image, (size_t)at)));
	ROTA_TRY(port->finish(port->ctx, image.len));
	free((void *)(uintptr_t)image.p);
	return ROTA_OK;
}

static enum rota_err install(char **files)
{
	uint8_t digest[ROTA_SET_MAX][ROTA_SHA256_LEN];

	for (unsigned i = 0; i < group.config.count; i++) {
		if (strcmp(files[i], "-") != 0)
			ROTA_TRY(write_slot(&group.member[i].port, files[i], digest[i]));
	}
	for (unsigned i = 0; i < group.config.count; i++) {
		struct rota_slots *port = &group.member[i].port;

		if (strcmp(files[i], "-") != 0)
			ROTA_TRY(port->trial(port->ctx, digest[i]));
	}
	return group.set.port.switch_all(group.set.port.ctx);
}

static enum rota_err booted(void)
{
	struct rota_slots *port = &group.member[0].port;
	struct rota_booted now;

	ROTA_TRY(port->booted(port->ctx, &now));
	printf("%s %s\n", kinds[now.kind], places[now.id]);
	return ROTA_OK;
}

static enum rota_err tell(const struct rota_selector *selector, char **words)
{
	struct rota_selection s = { (uint8_t)find(words[0], places, 2),
		(uint8_t)find(words[1], trials, 3) };

	if (s.confirmed > 1 || s.trial > ROTA_SELECTED_STARTED)
		return ROTA_ERR_ARGUMENT;
	return selector->set(selector->ctx, &s);
}

static enum rota_err act(const struct rota_selector *selector, char **words, int count)
{
	struct rota_slots *port = &group.member[0].port;
	struct rota_selection s;

	switch (find(words[0], verbs, VERBS)) {
	case 0:
		return count == 1 + group.config.count ? install(words + 1) : ROTA_ERR_ARGUMENT;
	case 1:
		return booted();
	case 2:
		return port->confirm(port->ctx);
	case 3:
		return port->revert(port->ctx);
	case 4:
		ROTA_TRY(selector->read(selector->ctx, &s));
		printf("%s %s\n", places[s.confirmed], trials[s.trial]);
		return ROTA_OK;
	default:
		return count == 3 ? tell(selector, words + 1) : ROTA_ERR_ARGUMENT;
	}
}

int main(int argc, char **argv)
{
	struct rota_slots_part_config config = { .crypto = &rota_crypto_openssl, .slot = slots };
	enum rota_err err;
	int at = 6;

	for (; at + 3 < argc && find(argv[at], verbs, VERBS) == VERBS &&
		config.count < ROTA_SET_MAX;
		at += 3)
		slots[config.count++] =
			(struct rota_slots_part_slot){ argv[at], { argv[at + 1], argv[at + 2] } };
	if (config.count == 0 || at >= argc || find(argv[at], verbs, VERBS) == VERBS)
		return 2;
	config.selector = selector_of(argv[1], argv[2]);
	config.state = argv[3];
	config.cmdline = argv[4];
	config.boot_id = argv[5];
	err = rota_slots_part_open(&group, &config);
	if (err == ROTA_OK)
		err = act(config.selector, argv + at, argc - at);
	if (err != ROTA_OK)
		(void)fprintf(stderr, "slotctl: %s\n", rota_err_str(err));
	return err == ROTA_OK ? 0 : 1;
}
