/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/span.h -- how bytes and room travel.
 *
 * A span is bytes to read, a buf is room to write; neither owns memory. No bare pointer-and-length
 * crosses a header of this library. Only rota/base does arithmetic on the pointers inside.
 */
#ifndef ROTA_BASE_SPAN_H
#define ROTA_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* GCC for 32-bit Arm keeps an argument of two words in registers only when it is aligned as one of 64 bits, and puts
 * it on the stack first otherwise: 600 bytes of code in the TUF client. It costs no room. */
#if defined(__arm__)
#define ROTA_PAIR __attribute__((aligned(8)))
#else
#define ROTA_PAIR
#endif

struct ROTA_PAIR rota_span {
	const uint8_t *p; /* NULL only when len is 0 */
	size_t len;
};

struct ROTA_PAIR rota_buf {
	uint8_t *p;
	size_t len; /* room in bytes */
};

static inline struct rota_span rota_span(const void *p, size_t len)
{
	return (struct rota_span){ .p = (const uint8_t *)p, .len = len };
}

static inline struct rota_buf rota_buf(void *p, size_t len)
{
	return (struct rota_buf){ .p = (uint8_t *)p, .len = len };
}

/* A string literal, without its NUL. */
#define ROTA_STR(lit) rota_span((lit), sizeof(lit) - 1)

/* An array, whole. */
#define ROTA_SPAN(array) rota_span((array), sizeof(array))
#define ROTA_BUF(array) rota_buf((array), sizeof(array))

/* The bytes of a NUL-terminated string, without the NUL. */
struct rota_span rota_span_cstr(const char *s);

/* Same length and same bytes. Not constant time: for public data only. */
bool rota_span_eq(struct rota_span a, struct rota_span b);

/* <0, 0, >0 by bytes, a proper prefix being smaller. */
int rota_span_cmp(struct rota_span a, struct rota_span b);

/* Whether `s` has the bytes of a NUL-terminated string, no more and no less. */
bool rota_span_is(struct rota_span s, const char *text);

bool rota_span_starts(struct rota_span s, struct rota_span prefix);

/* Bytes [from, from + len) of `s`, cut at its end; empty when `from` is past it. */
struct rota_span rota_span_slice(struct rota_span s, size_t from, size_t len);

/* `s` without its first `n` bytes (all of it when it is shorter). */
struct rota_span rota_span_skip(struct rota_span s, size_t n);

#endif
