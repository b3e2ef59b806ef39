/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/purpose.h -- what a data key is for (SPEC 31.6). Numbers stand in binary formats, words in JSON. */
#ifndef ROTA_CODEC_PURPOSE_H
#define ROTA_CODEC_PURPOSE_H

#include "rota/base/span.h"

/* Numbers are part of stored formats and are never reused. */
enum rota_purpose {
	ROTA_PURPOSE_TELEMETRY = 1,
	ROTA_PURPOSE_LINK,
	ROTA_PURPOSE_STORAGE,
	ROTA_PURPOSE_FIRMWARE,
	ROTA_PURPOSE_AUTH,
};

#define ROTA_PURPOSES_MAX 8 /* numbers that formats have room for: 1 to 8 */

/* The number of a word; 0: a purpose that is not known here. */
uint8_t rota_purpose_of(struct rota_span word);

/* The word, static; NULL: a number that is not known here. */
const char *rota_purpose_word(uint8_t purpose);

/* The role whose keys sign campaigns of a purpose: "keys-link" for telemetry and link, "keys-store" for the others;
 * NULL: a number that is not known here. */
const char *rota_purpose_role(uint8_t purpose);

#endif
