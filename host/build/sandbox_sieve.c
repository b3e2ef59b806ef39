/* SPDX-License-Identifier: Apache-2.0 */
/* A filter of system calls (seccomp): few are refused, since compilers are of many kinds, and what would be seen through
 * the files of the root is not there anyway. */
#include "host/build/sandbox_parts.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#else
#error "say how this architecture's system calls are known (AUDIT_ARCH_...)"
#endif

/* Numbers from here on are x32's, beside those of x86-64; no other architecture has so many. */
#define X32 0x40000000u

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define REFUSE(code) RETURN(SECCOMP_RET_ERRNO | (code))
/* The instruction behind it is done only if so. */
#define IF(test, value) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, 0, 1)
#define IF_NOT(test, value) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, 1, 0)
#define REFUSE_CALL(number) IF(BPF_JEQ, number), REFUSE(ENOSYS)
#define ALLOW_FAMILY(family) IF(BPF_JEQ, family), RETURN(SECCOMP_RET_ALLOW)

/* Where there is an older way to a socket, whose arguments a filter does not see. */
#ifdef SYS_socketcall
#define SOCKETCALL REFUSE_CALL(SYS_socketcall),
#else
#define SOCKETCALL
#endif

void rota_sandbox_sieve(const struct maker *m)
{
	/* The low half of an argument lies first or second, as the machine has it. */
	struct sock_filter filter[] = {
		LOAD(arch),
		IF_NOT(BPF_JEQ, ARCH),
		REFUSE(ENOSYS),
		LOAD(nr),
		IF(BPF_JGE, X32),
		REFUSE(ENOSYS),
		REFUSE_CALL(SYS_add_key),
		REFUSE_CALL(SYS_request_key),
		REFUSE_CALL(SYS_keyctl),
		REFUSE_CALL(SYS_io_uring_setup),
		SOCKETCALL IF_NOT(BPF_JEQ, SYS_socket),
		RETURN(SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args) +
				(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
		ALLOW_FAMILY(AF_UNIX),
		ALLOW_FAMILY(AF_INET),
		ALLOW_FAMILY(AF_INET6),
		ALLOW_FAMILY(AF_NETLINK),
		REFUSE(EAFNOSUPPORT),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	rota_sandbox_need(m, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}
