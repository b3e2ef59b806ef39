/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/name.h -- names and target paths: what is safe in a file name, a URL and a log line.
 *
 * One alphabet for everything that a person names, so that no name needs quoting anywhere.
 */
#ifndef ROTA_CODEC_NAME_H
#define ROTA_CODEC_NAME_H

#include "rota/base/span.h"

#define ROTA_NAME_MAX 32 /* SPEC 1.2 */

/* Of a target path: fits a FAT and a POSIX path, and the names of a scanner on a microcontroller. */
#define ROTA_PATH_MAX 256

/* A name that is kept: its bytes in place, so that structs with names may be copied. */
struct rota_name {
	uint8_t len; /* 0: none */
	uint8_t text[ROTA_NAME_MAX];
};

/* Likewise a target path. */
struct rota_path {
	uint16_t len; /* 0: none */
	uint8_t text[ROTA_PATH_MAX];
};

static inline struct rota_span rota_name_span(const struct rota_name *n)
{
	return rota_span(n->text, n->len);
}

static inline struct rota_span rota_path_span(const struct rota_path *p)
{
	return rota_span(p->text, p->len);
}

/* 1 to 32 bytes of [a-z0-9._-], the first a letter or digit (SPEC 1.2). */
bool rota_name_valid(struct rota_span text);

/* 1 to ROTA_PATH_MAX bytes of [A-Za-z0-9._+~=,@-] and '/'; relative, no segment empty, "." or "..". */
bool rota_path_valid(struct rota_span text);

#endif
