/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/tuf_edit.h -- the fuzzer's input as a list of edits of a repository, its server and its device.
 *
 * Each edit is a byte that says what, and as many bytes of arguments as that needs; where the input is over,
 * arguments are 0. Whatever the bytes are, the trees stay trees: what is written and signed afterwards is a file
 * of the one spelling, except where an edit is about just that.
 */
#ifndef TESTS_FUZZ_TUF_EDIT_H
#define TESTS_FUZZ_TUF_EDIT_H

#include "rota/base/span.h"
#include "tests/fuzz/tuf_repo.h"

/* What the network does to one name. */
struct tuf_lie {
	uint8_t role;
	const struct tuf_file *instead; /* another file under its name */
	uint8_t cut; /* bytes missing at the end */
	uint16_t flip_at; /* a byte of `signed` is another one; 0: none */
};

#define TUF_LIES_MAX 4

struct tuf_scene {
	struct tuf_repo repo;
	struct tuf_lie lie[TUF_LIES_MAX];
	int lie_count;
	uint64_t now_s; /* 0: the device has no clock */
	size_t piece; /* bytes fed at once; 0: all */
	unsigned fails_at; /* the fetch that breaks off, from 1; 0: none */
	uint8_t damaged; /* bit per role: the copy at hand is damaged */
	uint8_t hint; /* what the hint says of roots: 0: the truth; else a lie of that kind (SPEC 4.6) */
	uint8_t asked; /* which target the next session looks for */
	bool small; /* the device has little room */
	bool hostile; /* something was done that need not end well */
};

/* Edits until the next session is due: true. false: the input is over, or there is no more room. */
bool tuf_edit(struct tuf_scene *s, struct rota_span *input);

#endif
