/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_part/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The longest command line that the kernel takes on any architecture, and more. */
#define CMDLINE_MAX 8192
#define WORD "rota.slot="

/* The file as text; *len without the NUL. */
static enum rota_err read_text(const char *file, char *to, size_t room)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO;
	do {
		got = read(fd, to + len, room - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	(void)close(fd);
	to[len] = '\0';
	return got < 0 ? ROTA_ERR_IO : ROTA_OK;
}

enum rota_err rota_machine_place(const char *cmdline, uint8_t *place)
{
	char text[CMDLINE_MAX], *rest = NULL, *word;
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	ROTA_TRY(read_text(cmdline, text, sizeof(text)));
	for (word = strtok_r(text, " \n", &rest); word != NULL;
		word = strtok_r(NULL, " \n", &rest)) {
		if (strncmp(word, WORD, sizeof(WORD) - 1) != 0)
			continue;
		word += sizeof(WORD) - 1;
		*place = word[0] == 'b';
		err = strcmp(word, "a") == 0 || strcmp(word, "b") == 0 ? ROTA_OK : ROTA_ERR_FORMAT;
	}
	return err;
}

enum rota_err rota_machine_boot(const char *boot_id, char out[static ROTA_BOOT_ID_LEN])
{
	ROTA_TRY(read_text(boot_id, out, ROTA_BOOT_ID_LEN));
	return strlen(out) == ROTA_BOOT_ID_LEN - 1 &&
			strspn(out, "0123456789abcdef-") == strlen(out)
		? ROTA_OK
		: ROTA_ERR_FORMAT;
}
