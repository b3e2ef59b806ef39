/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/magic.h -- what a binary format of ours begins with: seven letters that name it, and a byte that counts its versions. */
#ifndef ROTA_CODEC_MAGIC_H
#define ROTA_CODEC_MAGIC_H

#include "rota/base/reader.h"

#define ROTA_MAGIC_LEN 8

/* Take it from `r`; `magic` is of ROTA_MAGIC_LEN bytes. ROTA_ERR_FORMAT: another name, or cut short.
 * ROTA_ERR_UNSUPPORTED: another version. */
ROTA_MUST_USE enum rota_err rota_magic_read(struct rota_reader *r, struct rota_span magic);

#endif
