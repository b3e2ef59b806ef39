/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/program.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* Of program headers: a static program has about ten. */
#define HEADERS_MAX 64

static enum rota_err refuse(const char **why, const char *text)
{
	*why = text;
	return ROTA_ERR_UNSUPPORTED;
}

/* The ELF header of this very program: the machine that it runs on. */
static enum rota_err own_header(ElfW(Ehdr) * own)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return ROTA_ERR_IO;
	got = pread(fd, own, sizeof(*own), 0);
	(void)close(fd);
	return got == (ssize_t)sizeof(*own) ? ROTA_OK : ROTA_ERR_IO;
}

static enum rota_err check_header(const ElfW(Ehdr) * eh, const char **why)
{
	ElfW(Ehdr) own;

	ROTA_TRY(own_header(&own));
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return refuse(why, "the payload is no ELF program");
	if (eh->e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
		eh->e_ident[EI_DATA] != own.e_ident[EI_DATA] || eh->e_machine != own.e_machine)
		return refuse(why, "the payload is a program for another machine");
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return refuse(why, "the payload is no executable");
	if (eh->e_phentsize != sizeof(ElfW(Phdr)) || eh->e_phnum == 0 || eh->e_phnum > HEADERS_MAX)
		return refuse(why, "the payload's program headers make no sense");
	return ROTA_OK;
}

enum rota_err rota_program_check(int fd, uint64_t off, const char **why)
{
	ElfW(Phdr) ph[HEADERS_MAX];
	ElfW(Ehdr) eh;
	size_t len;

	if (pread(fd, &eh, sizeof(eh), (off_t)off) != (ssize_t)sizeof(eh))
		return refuse(why, "the payload is no ELF program");
	ROTA_TRY(check_header(&eh, why));
	len = eh.e_phnum * sizeof(ph[0]);
	if (eh.e_phoff > UINT32_MAX ||
		pread(fd, ph, len, (off_t)(off + eh.e_phoff)) != (ssize_t)len)
		return refuse(why, "the payload's program headers make no sense");
	for (size_t i = 0; i < eh.e_phnum; i++) {
		if (ph[i].p_type == PT_INTERP)
			return refuse(why, "the payload is not linked statically");
	}
	return ROTA_OK;
}
