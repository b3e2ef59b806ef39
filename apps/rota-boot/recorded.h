/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/recorded.h -- the record of the last boot (SPEC 10.7): DEVICE/run/record, and a PCR. */
#ifndef APPS_ROTA_BOOT_RECORDED_H
#define APPS_ROTA_BOOT_RECORDED_H

#include "apps/rota-boot/device.h"
#include "boot/record.h"

/* Write run/record anew, and where the device has a TPM extend each entry into PCR d->pcr. What fails is said:
 * no boot is stopped by it, and what is sealed to the PCR stays shut. */
void recorded_write(struct device *d, const struct rota_record *record);

/* Print run/record. Exit status: 1 when there is none that can be read. */
int recorded_show(struct device *d, bool json);

#endif
