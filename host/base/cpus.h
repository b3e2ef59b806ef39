/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/cpus.h -- which processors a process runs on, where a configuration says so. */
#ifndef HOST_BASE_CPUS_H
#define HOST_BASE_CPUS_H

#include "host/base/fail.h"

#include <stdint.h>

/* A set of processors 0 to 63, a bit each; 0: wherever the kernel likes. */
#define ROTA_CPUS_MAX 64

/* "0", "1-3", "0,2-3". ROTA_ERR_FORMAT: it is no such list, or names a processor that this process may not use. */
ROTA_MUST_USE enum rota_err rota_cpus_parse(const char *text, uint64_t *out, struct rota_fail *why);

/* From now on this thread, and those that it makes, run there alone; 0: nothing changes. */
ROTA_MUST_USE enum rota_err rota_cpus_stay(uint64_t cpus, struct rota_fail *why);

#endif
