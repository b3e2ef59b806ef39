/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/components.h -- the components that a device's flash has, and where their images lie.
 *
 * A device of one component has its two places in flash itself. A device of several has a folder for each, made by
 * the factory and never renamed: its number in the boot state's order, a dash, its name.
 *
 *     DEVICE/flash/slot0.bin              DEVICE/flash/0-app/slot0.bin
 *     DEVICE/flash/slot1.bin              DEVICE/flash/0-app/slot1.bin
 *                                         DEVICE/flash/1-model/slot0.bin
 *                                         DEVICE/flash/1-model/slot1.bin
 *
 * The names decide nothing: which image is in which place is in the boot state, by digest. Folders that were exchanged
 * or renamed therefore lead to a refusal, never to a mixture.
 */
#ifndef PORTS_SLOTS_BOOT_COMPONENTS_H
#define PORTS_SLOTS_BOOT_COMPONENTS_H

#include "rota/codec/name.h"
#include "rota/store/bootstate.h"

/* "flash/", number, dash, name, "/slot0.part" and NUL. */
#define ROTA_COMPONENTS_PATH_MAX (6 + 2 + ROTA_NAME_MAX + 12)

/* "ROTA_COMPONENT_", name and NUL. */
#define ROTA_COMPONENTS_VARIABLE_MAX (15 + ROTA_NAME_MAX + 1)

struct rota_components {
	uint8_t count; /* 1 to ROTA_SET_MAX */
	char name[ROTA_SET_MAX]
		 [ROTA_NAME_MAX + 1]; /* of one component "": it answers to any name */
};

/* As the folders say. ROTA_ERR_FORMAT: a number is missing or stands twice, a name is none, or two names spell the
 * same variable. ROTA_ERR_NOT_FOUND: there is no flash. ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_components_read(struct rota_components *c, int device_fd);

/* Names for a device that is being made, in order; one alone has none. ROTA_ERR_FORMAT as above. */
ROTA_MUST_USE enum rota_err rota_components_init(
	struct rota_components *c, const char *const *names, uint8_t count);

/* Which one has this name. ROTA_ERR_NOT_FOUND: none. */
ROTA_MUST_USE enum rota_err rota_components_find(
	const struct rota_components *c, struct rota_span name, uint8_t *component);

/* Paths below the device's directory, of a component below c->count: of its folder, of the file of a place, of the file
 * that says how far an image in that place is durable. */
void rota_components_folder(const struct rota_components *c, uint8_t component,
	char path[static ROTA_COMPONENTS_PATH_MAX]);
void rota_components_slot(const struct rota_components *c, uint8_t component, uint8_t place,
	char path[static ROTA_COMPONENTS_PATH_MAX]);
void rota_components_progress(const struct rota_components *c, uint8_t component, uint8_t place,
	char path[static ROTA_COMPONENTS_PATH_MAX]);

/* ROTA_COMPONENT_ and the name, letters in upper case, what is no letter or digit as '_' (SPEC 6.6). */
void rota_components_variable(const struct rota_components *c, uint8_t component,
	char text[static ROTA_COMPONENTS_VARIABLE_MAX]);

#endif
