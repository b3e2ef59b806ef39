/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; where a system forbids executable memory files by default */
#endif

#define NAME "rota-image"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int memory_new(bool data)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(NAME, data ? flags : flags | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* an older kernel: executable anyway */
		fd = memfd_create(NAME, flags);
	return fd;
}

/* Who reads it needs no right to write, and finds its first byte first. */
static bool open_to_read(int *fd)
{
	char path[32];
	int read_only;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	read_only = fchmod(*fd, 0444) == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (read_only < 0)
		return false;
	(void)close(*fd);
	*fd = read_only;
	return true;
}

bool memory_seal(int *fd, bool data)
{
	return fcntl(*fd, F_ADD_SEALS, SEALS) == 0 && (!data || open_to_read(fd));
}
