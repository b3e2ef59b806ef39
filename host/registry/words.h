/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/words.h -- records that are canonical JSON: members that go into texts of fixed length.
 *
 * Each returns whether the member is there and what it must be; what it is copied to is then filled up with zeros.
 */
#ifndef HOST_REGISTRY_WORDS_H
#define HOST_REGISTRY_WORDS_H

#include "host/base/json.h"
#include "host/ingest/record.h"
#include "host/port/regdb.h"

/* The payload, in the spelling of SPEC 2. The caller decrefs. */
bool rota_words_read(const struct rota_record *record, json_t **out);

/* 1 to room - 1 bytes, none of them a control character. */
bool rota_words_text(const json_t *from, const char *member, char *to, size_t room);

/* SPEC 1.2 */
bool rota_words_name(const json_t *from, const char *member, char to[static ROTA_REG_NAME_LEN]);

/* 64 hex digits. */
bool rota_words_id(const json_t *from, const char *member, char to[static ROTA_DB_ID_LEN]);

/* 0 to `most`. */
bool rota_words_number(const json_t *from, const char *member, uint64_t most, uint64_t *to);

/* `by` and `why` are there: who did it, and his reason. */
bool rota_words_signed(const json_t *from);

#endif
