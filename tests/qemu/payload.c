/* SPDX-License-Identifier: Apache-2.0 */
/* What the loaders start in the place of a kernel: an EFI program that prints which release it is and the command
 * line that it was given, and ends the machine. The release is what the test puts in the place of the eight @. */
#include <stdint.h>

#if defined(__x86_64__)
#define EFI __attribute__((ms_abi))
#else
#define EFI
#endif

struct text_out {
	void *reset;
	uint64_t(EFI *print)(struct text_out *out, const uint16_t *text);
};

struct table_header {
	uint64_t signature;
	uint32_t revision, size, crc, reserved;
};

struct boot_services {
	struct table_header header;
	void *before[16];
	uint64_t(EFI *handle_protocol)(void *handle, const void *guid, void **out);
};

struct runtime_services {
	struct table_header header;
	void *before[10];
	void(EFI *reset)(uint32_t how, uint64_t status, uint64_t len, void *data);
};

struct system_table {
	struct table_header header;
	void *vendor;
	uint32_t revision;
	void *in_handle, *in, *out_handle;
	struct text_out *out;
	void *err_handle, *err;
	struct runtime_services *runtime;
	struct boot_services *boot;
};

struct loaded_image {
	uint32_t revision;
	void *parent, *system, *device, *path, *reserved;
	uint32_t options_len; /* bytes */
	uint16_t *options;
};

/* EFI_LOADED_IMAGE_PROTOCOL */
static const struct {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
} loaded_image_guid = { 0x5B1B31A1, 0x9562, 0x11D2,
	{ 0x8E, 0x3F, 0, 0xA0, 0xC9, 0x69, 0x72, 0x3B } };

#define RESET_SHUTDOWN 2
#define OPTIONS_MAX 255

static uint16_t line[OPTIONS_MAX + 1];

EFI uint64_t efi_main(void *image, struct system_table *system);
EFI uint64_t efi_main(void *image, struct system_table *system)
{
	struct loaded_image *loaded;
	uint32_t len = 0;

	system->out->print(system->out, (const uint16_t *)L"\r\nROTA-PAYLOAD @@@@@@@@ ");
	if (system->boot->handle_protocol(image, &loaded_image_guid, (void **)&loaded) == 0) {
		for (; len < loaded->options_len / 2 && len < OPTIONS_MAX &&
			loaded->options[len] != 0;
			len++)
			line[len] = loaded->options[len];
	}
	line[len] = 0;
	system->out->print(system->out, line);
	system->out->print(system->out, (const uint16_t *)L" ROTA-END\r\n");
	system->runtime->reset(RESET_SHUTDOWN, 0, 0, 0);
	for (;;) {
	}
}
