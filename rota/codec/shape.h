/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/shape.h -- a JSON message described by tables: which members it has, of which type and range,
 * and where in the decoder's struct each goes.
 *
 * A decoder hands each of the scanner's tokens to rota_walk_token(), which finds the member by its path,
 * checks it, stores it and calls the member's function, if it has one. Members that no table lists are
 * skipped with all that is in them (SPEC 2.5), unless the object is closed; the scanner refuses duplicates. So a message's rules stand in
 * one place and its decoder has code only for what is particular to it.
 *
 * | field   | JSON               | stored as                                        |
 * | ------- | ------------------ | ------------------------------------------------ |
 * | OBJECT  | object             | by its own shape                                 |
 * | ARRAY   | array              | by its own shape; its one member is each element |
 * | NAME    | string, SPEC 1.2   | struct rota_name                                 |
 * | PATH    | string, SPEC 7.1   | struct rota_path                                 |
 * | DIGEST  | string, SPEC 1.5   | uint8_t[32]                                      |
 * | VERSION | string, SPEC 1.3   | uint64_t                                         |
 * | TIME    | string, SPEC 1.4   | uint64_t, seconds since 1970                     |
 * | U8 ...  | integer, in range  | uint8_t, uint32_t, uint64_t                      |
 * | BOOL    | true or false      | bool                                             |
 * | WORD    | string of `words`  | uint8_t, its place there                         |
 * | STRING  | string             | by the member's function                         |
 */
#ifndef ROTA_CODEC_SHAPE_H
#define ROTA_CODEC_SHAPE_H

#include "rota/codec/json.h"

enum rota_field {
	ROTA_FIELD_OBJECT,
	ROTA_FIELD_ARRAY,
	ROTA_FIELD_NAME,
	ROTA_FIELD_PATH,
	ROTA_FIELD_DIGEST,
	ROTA_FIELD_VERSION,
	ROTA_FIELD_TIME,
	ROTA_FIELD_U8,
	ROTA_FIELD_U32,
	ROTA_FIELD_U64,
	ROTA_FIELD_BOOL,
	ROTA_FIELD_WORD,
	ROTA_FIELD_STRING,
};

/* Longest string that a field of a shape may have (a path); the least room for the scanner's value. */
#define ROTA_SHAPE_TEXT_MAX 256

struct rota_member {
	const char *name; /* NULL: each element of an array */
	enum rota_field field;
	bool optional;
	bool nullable; /* null is the value of none: nothing is stored, `take` is not called */
	bool any_length; /* STRING: one longer than the scanner's room comes cut, and is no error */
	uint16_t at; /* offset in the decoder's struct; 0: checked and not kept */
	uint32_t least; /* integers: range, both ends included */
	uint64_t most;
	const char *const *words; /* WORD: NULL ends the list */
	const struct rota_shape *shape; /* OBJECT, ARRAY */
	/* After the value was stored; for a container, before its first member. Or NULL. */
	enum rota_err (*take)(void *decoder, const struct rota_json_token *t);
};

struct rota_shape {
	const struct rota_member *members;
	uint8_t count;
	uint8_t least; /* ARRAY: fewest and most elements */
	uint16_t most; /* 0: no bound but the file's length */
	bool closed; /* an object that may have no other members */
	/* When the container ends: bit i of `seen` says whether members[i] of an object was there. */
	enum rota_err (*end)(void *decoder, uint32_t seen);
};

/* The way from the top to the current value. */
struct rota_walk {
	const struct rota_shape *top;
	const struct rota_shape *shape[ROTA_JSON_DEPTH_MAX]; /* NULL: skipped */
	uint32_t seen[ROTA_JSON_DEPTH_MAX]; /* bits of an object, elements of an array */
};

void rota_walk_init(struct rota_walk *w, const struct rota_shape *top);

/* The next token, from the token function that was given to the scanner.
 * decoder  the struct that the offsets are in, and what the functions get.
 * ROTA_ERR_FORMAT: wrong type or spelling, a required member missing, too few elements. ROTA_ERR_LIMIT: a
 * value or a list beyond its range. ROTA_ERR_UNSUPPORTED: a word that is not listed. Else what a member's
 * function returned. */
ROTA_MUST_USE enum rota_err rota_walk_token(
	struct rota_walk *w, struct rota_buf decoder, const struct rota_json *j);

#endif
