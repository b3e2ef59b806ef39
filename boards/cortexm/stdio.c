/* SPDX-License-Identifier: Apache-2.0 */
/* stdout for picolibc's printf, which asks for no more than a function that takes one character. Lines
 * are gathered, since each semihosting call stops the processor. */
#include "boards/cortexm/semihosting.h"

#include <stdio.h>

static char line[128];
static unsigned used;

static int put(char c, FILE *file)
{
	(void)file;
	line[used++] = c;
	if (c == '\n' || used == sizeof(line) - 1) {
		line[used] = '\0';
		semihosting_write(line);
		used = 0;
	}
	return (unsigned char)c;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);

FILE *const stdout = &console;
