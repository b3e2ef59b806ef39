/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/orders.h"
#include "ports/slots_boot/layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const struct rota_flash_geometry rota_layout_orders = {
	.run = { { .sector_len = 4096, .count = 8 } },
	.write_len = 16,
};

#define NEW_ORDERS ROTA_LAYOUT_ORDERS ".new"

/* Under another name first: half a file would look like a damaged region. */
static enum rota_err make(int device_fd)
{
	int flash_fd;
	bool good;

	(void)unlinkat(device_fd, NEW_ORDERS, 0); /* of a run that was cut off */
	ROTA_TRY(rota_flash_file_create(device_fd, NEW_ORDERS, &rota_layout_orders));
	flash_fd = openat(device_fd, ROTA_LAYOUT_FLASH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	good = flash_fd >= 0 &&
		renameat(device_fd, NEW_ORDERS, device_fd, ROTA_LAYOUT_ORDERS) == 0 &&
		fsync(flash_fd) == 0;
	if (flash_fd >= 0)
		(void)close(flash_fd);
	return good ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_orders_open(struct rota_flash_file *f, int device_fd)
{
	enum rota_err err =
		rota_flash_file_open(f, device_fd, ROTA_LAYOUT_ORDERS, &rota_layout_orders);

	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	ROTA_TRY(make(device_fd));
	return rota_flash_file_open(f, device_fd, ROTA_LAYOUT_ORDERS, &rota_layout_orders);
}
