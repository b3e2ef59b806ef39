/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/version.h -- versions of releases and images (SPEC 1.3).
 *
 * `major.minor.revision`, with `+build` when the build is not 0. A version is the 64-bit number
 * major << 56 | minor << 48 | revision << 32 | build, and that number's order is the versions' order.
 */
#ifndef ROTA_CODEC_VERSION_H
#define ROTA_CODEC_VERSION_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_VERSION_TEXT_MAX 24 /* 255.255.65535+4294967295 */

/* ROTA_ERR_FORMAT: not that spelling (leading zeros, `+0`), or a part beyond its field. */
ROTA_MUST_USE enum rota_err rota_version_parse(struct rota_span text, uint64_t *version);

/* The spelling of `version` into `text`, no NUL. Returns its length. */
size_t rota_version_format(uint64_t version, uint8_t text[static ROTA_VERSION_TEXT_MAX]);

#endif
