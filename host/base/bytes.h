/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/bytes.h -- bytes on the heap: what a file or an encoder gives back.
 *
 * `p` is never NULL after success and has a NUL behind `len`, so text can be read in place. The receiver
 * frees. hex: lower case, as every digest and key in Rota is written.
 */
#ifndef HOST_BASE_BYTES_H
#define HOST_BASE_BYTES_H

#include "rota/base/err.h"
#include "rota/base/span.h"

struct rota_bytes {
	uint8_t *p;
	size_t len;
	size_t room; /* of the allocation, without the NUL */
};

/* Append; running out of memory ends the program (abort), as nothing useful can follow. */
void rota_bytes_add(struct rota_bytes *to, struct rota_span from);
void rota_bytes_add_byte(struct rota_bytes *to, char byte);
void rota_bytes_add_text(struct rota_bytes *to, const char *text);
void rota_bytes_print(struct rota_bytes *to, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void rota_bytes_free(struct rota_bytes *bytes);

/* Overwrite, then free. What grew before has left copies: secrets come in one piece. */
void rota_bytes_wipe(struct rota_bytes *bytes);

static inline struct rota_span rota_bytes_span(const struct rota_bytes *bytes)
{
	return rota_span(bytes->p, bytes->len);
}

/* 2 * from.len digits and a NUL into `to`, which has that room. */
void rota_hex(struct rota_span from, char *to);

/* Exactly to.len bytes from 2 * to.len digits; false when `text` is anything else, or NULL, as what is no JSON string is. */
bool rota_unhex(const char *text, struct rota_buf to);

/* strdup and formatted strdup that do not fail. */
char *rota_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
