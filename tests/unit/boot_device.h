/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/boot_device.h -- a device of two components on disk, `app` and `model`, as the factory formats it. */
#ifndef TESTS_UNIT_BOOT_DEVICE_H
#define TESTS_UNIT_BOOT_DEVICE_H

#include "ports/slots_boot/layout.h"
#include "tests/unit/image_make.h"

/* The beginning of a program that boot would run: headers alone, it does nothing. */
struct rota_span boot_device_program(void);
/* What the model of a version holds. */
struct rota_span boot_device_model(uint32_t version);

/* A fresh directory without flash; the one before is removed. Its path, and in *fd the open directory. */
const char *boot_device_bare(int *fd);
/* The same, formatted: both components of version 1 and counter 1. */
const char *boot_device(int *fd);
void boot_device_remove(void);

/* An open file, of an image of the component, which is the caller's to close. */
int boot_device_image(uint8_t component, const struct image_spec *spec);
/* Put one into a place, or over the folder's first bytes; its digest in `digest` unless that is NULL. */
void boot_device_put(
	uint8_t component, uint8_t place, const struct image_spec *spec, uint8_t *digest);
void boot_device_damage(uint8_t component, uint8_t place);

/* The boot state, read and made durable. */
struct rota_bootstate boot_device_state(void);
void boot_device_commit(const struct rota_bootstate *state);

#endif
