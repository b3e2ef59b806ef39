/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/err.h -- one vocabulary of failure for the whole system.
 *
 * Every function that can fail returns enum rota_err and is must-use. A value says what happened; its
 * class says what a caller can do about it: try again, give up on this input, mend the input, mend the
 * storage, or report a bug. Where a check of a specification failed, enum rota_clause (rota/update/why.h)
 * travels beside it and names the clause.
 */
#ifndef ROTA_BASE_ERR_H
#define ROTA_BASE_ERR_H

#define ROTA_MUST_USE __attribute__((warn_unused_result))

/* A function that makes its caller longer where it is put into it, by more than a call of it takes. */
#define ROTA_APART __attribute__((noinline))

/* Numbers stand in device logs (SPEC 11.4). */
enum rota_err {
	ROTA_OK = 0,

	/* try again: nothing is wrong with the input, it is not here (yet) */
	ROTA_ERR_NET, /* the network failed */
	ROTA_ERR_TIMEOUT, /* a deadline passed */
	ROTA_ERR_NOT_FOUND, /* the thing asked for does not exist there */
	ROTA_ERR_BUSY, /* somebody else holds it */

	/* refused: well formed, and not acceptable */
	ROTA_ERR_SIGNATURE, /* a signature does not verify */
	ROTA_ERR_THRESHOLD, /* too few valid signatures of distinct keys */
	ROTA_ERR_VERSION, /* a version that goes back, skips, or is not the one announced */
	ROTA_ERR_EXPIRED, /* past its expiry */
	ROTA_ERR_TIME, /* issued in the future, outlives its role's lifetime, outside its slot */
	ROTA_ERR_LENGTH, /* longer or shorter than announced */
	ROTA_ERR_HASH, /* digest differs from the one announced */
	ROTA_ERR_ROLE, /* wrong kind of metadata, or from a role that may not say it */
	ROTA_ERR_PRODUCT, /* made for another product */
	ROTA_ERR_HARDWARE, /* made for other hardware */
	ROTA_ERR_COUNTER, /* security counter below the device's floor */
	ROTA_ERR_CEILING, /* more than the offline release signers allow */
	ROTA_ERR_DOWNGRADE, /* an older release that nothing permits */
	ROTA_ERR_WITHDRAWN, /* a release that its makers took back */
	ROTA_ERR_DENIED, /* who asks may not */

	/* malformed: mend the input */
	ROTA_ERR_SPELLING, /* not the one spelling of JSON (SPEC 2) */
	ROTA_ERR_FORMAT, /* not the one form that is accepted */
	ROTA_ERR_LIMIT, /* longer or more than a named limit allows */
	ROTA_ERR_UNSUPPORTED, /* a version, scheme or feature that is not known here */

	/* storage */
	ROTA_ERR_IO, /* reading or writing failed */
	ROTA_ERR_FULL, /* no room left */
	ROTA_ERR_CORRUPT, /* what is stored is damaged */

	/* bug: the caller broke the contract */
	ROTA_ERR_ARGUMENT,
	ROTA_ERR_STATE,

	ROTA_ERR_COUNT
};

enum rota_err_class {
	ROTA_CLASS_OK,
	ROTA_CLASS_RETRY,
	ROTA_CLASS_REFUSED,
	ROTA_CLASS_MALFORMED,
	ROTA_CLASS_STORAGE,
	ROTA_CLASS_BUG,
};

/* Class of `err`; an unknown value is ROTA_CLASS_BUG. */
enum rota_err_class rota_err_class(enum rota_err err);

/* One short sentence without a full stop, static storage, never NULL. Lives in its own object, so that a
 * program that does not print does not carry the text. */
const char *rota_err_str(enum rota_err err);

/* Leave the function with the error of `expr`, if it has one. */
#define ROTA_TRY(expr)                                                                             \
	do {                                                                                       \
		enum rota_err rota_try_ = (expr);                                                  \
		if (rota_try_ != ROTA_OK)                                                          \
			return rota_try_;                                                          \
	} while (0)

#endif
