/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/fail.h -- an error and the sentence that a person reads about it.
 *
 * A library function that can fail gives enum rota_err and fills a struct rota_fail that the caller owns:
 * one line, without full stop, that names what, where and what to do. Context is put in front while the
 * error travels out. Nothing is printed here; the program prints the line once.
 */
#ifndef HOST_BASE_FAIL_H
#define HOST_BASE_FAIL_H

#include "rota/base/err.h"

struct rota_fail {
	enum rota_err err;
	char text[512]; /* cut at its end when a sentence is longer */
};

/* Set the sentence; gives `err`, so that it can be returned in one line. */
enum rota_err rota_fail(struct rota_fail *why, enum rota_err err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of errno `code` behind it. ENOSPC and EDQUOT give ROTA_ERR_FULL, ENOENT
 * gives ROTA_ERR_NOT_FOUND, all others ROTA_ERR_IO. */
enum rota_err rota_fail_errno(struct rota_fail *why, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "CONTEXT: " in front of the sentence; gives the error that stands in `why`. */
enum rota_err rota_fail_in(struct rota_fail *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
