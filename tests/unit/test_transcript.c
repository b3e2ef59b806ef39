/* SPDX-License-Identifier: Apache-2.0 */
/* What is read aloud at a ceremony, and what is written down of it. */
#include "host/ceremony/fingerprint.h"
#include "host/ceremony/transcript.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* Computed apart from this code, with Python's hashlib: the digests of {"a":1} and {"b":2}, sorted. */
TEST(fingerprint)
{
	static const char wanted[] = "X6AV-4VRZ-Z01F-J4HG-W0TY";
	struct rota_bundle b = {
		.parts = json_pack("[{s:s,s:{},s:[],s:{s:i}},{s:s,s:{},s:[],s:{s:i}}]", "role",
			"root", "current", "signatures", "signed", "a", 1, "role", "targets",
			"current", "signatures", "signed", "b", 2)
	};
	char out[ROTA_FINGERPRINT_LEN];
	struct rota_fail why;
	json_t *first;

	CHECK_OK(rota_fingerprint(&b, out, &why));
	CHECK(strcmp(out, wanted) == 0);
	first = json_incref(json_array_get(b.parts, 0));
	json_array_remove(b.parts, 0);
	json_array_append_new(b.parts, first);
	CHECK_OK(rota_fingerprint(&b, out, &why)); /* the order of the parts does not count */
	CHECK(strcmp(out, wanted) == 0);
	json_array_append_new(json_object_get(first, "signatures"), json_string("x"));
	CHECK_OK(rota_fingerprint(&b, out, &why)); /* nor who signed */
	CHECK(strcmp(out, wanted) == 0);
	json_object_set_new(json_object_get(first, "signed"), "a", json_integer(2));
	CHECK_OK(rota_fingerprint(&b, out, &why));
	CHECK(strcmp(out, wanted) != 0);
	json_decref(b.parts);
}

TEST(fingerprints_that_are_typed)
{
	static const char one[] = "01AB-CDEF-GHJK-MNPQ-RSTV";

	CHECK(rota_fingerprint_is(one, one));
	CHECK(rota_fingerprint_is("oi ab cdefghjkmnpqrstv", one));
	CHECK(rota_fingerprint_is("0LAB-CDEF-GHJK-MNPQ-RSTV-", one));
	CHECK(!rota_fingerprint_is("01AB-CDEF-GHJK-MNPQ-RST", one));
	CHECK(!rota_fingerprint_is("01AB-CDEF-GHJK-MNPQ-RSTVV", one));
	CHECK(!rota_fingerprint_is("01AB-CDEF-GHJK-MNPQ-RSTW", one));
	CHECK(!rota_fingerprint_is("", one));
}

static enum rota_err say(struct rota_transcript *t, const char *did, const char *who)
{
	struct rota_fail why;

	return rota_transcript_add(t, json_pack("{s:s,s:s}", "did", did, "who", who), &why);
}

/* A copy, as when a stick is copied. */
static enum rota_err copied(const struct rota_transcript *from, struct rota_transcript *to)
{
	struct rota_bytes text;
	struct rota_fail why;
	enum rota_err err;

	ROTA_TRY(rota_transcript_text(from, &text, &why));
	err = rota_transcript_parse(rota_bytes_span(&text), to, &why);
	rota_bytes_free(&text);
	return err;
}

TEST(copies_are_joined)
{
	struct rota_transcript a, b, other;
	struct rota_fail why;
	const json_t *last;

	rota_transcript_begin(&a);
	CHECK_OK(say(&a, "prepared", "ci"));
	CHECK_OK(copied(&a, &b));
	CHECK_OK(say(&a, "signed", "anna"));
	CHECK_OK(say(&b, "signed", "bert"));
	CHECK_OK(say(&b, "signed", "carl"));
	CHECK_OK(rota_transcript_join(&a, &b, &why));
	CHECK_OK(rota_transcript_join(&a, &b, &why)); /* once more changes nothing */
	CHECK_EQ(json_array_size(a.lines), 4);
	CHECK_OK(say(&a, "finished", "ci"));
	last = json_array_get(a.lines, 4);
	CHECK_EQ(json_array_size(json_object_get(last, "before")), 2); /* anna's and carl's */
	rota_transcript_free(&b);
	CHECK_OK(copied(&a, &b));
	CHECK(json_equal(a.lines, b.lines));
	rota_transcript_begin(&other);
	CHECK_OK(say(&other, "prepared", "somebody else"));
	CHECK_EQ(rota_transcript_join(&a, &other, &why), ROTA_ERR_HASH);
	rota_transcript_free(&other);
	rota_transcript_free(&a);
	rota_transcript_free(&b);
}

/* Every byte of it changed, and each line but the last taken away. */
TEST(nothing_can_be_changed)
{
	struct rota_transcript t, read;
	struct rota_bytes text;
	struct rota_fail why;
	char *at, *cut;

	rota_transcript_begin(&t);
	CHECK_OK(say(&t, "prepared", "ci"));
	CHECK_OK(say(&t, "signed", "anna"));
	CHECK_OK(say(&t, "finished", "ci"));
	CHECK_OK(rota_transcript_text(&t, &text, &why));
	at = strrchr((char *)text.p, '{');
	for (size_t i = 0; i < (size_t)(at - (char *)text.p); i++) {
		text.p[i] ^= 1;
		CHECK(rota_transcript_parse(rota_bytes_span(&text), &read, &why) != ROTA_OK);
		text.p[i] ^= 1;
	}
	cut = strchr((char *)text.p, '\n') + 1; /* the first line goes */
	CHECK_EQ(rota_transcript_parse(rota_span_cstr(cut), &read, &why), ROTA_ERR_HASH);
	memmove(cut, at, strlen(at) + 1); /* the second */
	CHECK_EQ(rota_transcript_parse(rota_span_cstr((char *)text.p), &read, &why), ROTA_ERR_HASH);
	CHECK_EQ(rota_transcript_parse(rota_span_cstr(""), &read, &why), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_transcript_parse(rota_span_cstr("{}\n"), &read, &why), ROTA_ERR_HASH);
	/* a second beginning */
	CHECK_EQ(rota_transcript_parse(rota_span_cstr("{\"before\":[],\"did\":\"prepared\"}\n"
						      "{\"before\":[],\"did\":\"signed\"}\n"),
			 &read, &why),
		ROTA_ERR_HASH);
	rota_bytes_free(&text);
	rota_transcript_free(&t);
}

TEST(no_more_lines_than_are_read)
{
	struct rota_transcript t;

	rota_transcript_begin(&t);
	for (int i = 0; i < ROTA_TRANSCRIPT_LINES_MAX; i++)
		CHECK_OK(say(&t, "signed", "anna"));
	CHECK_EQ(say(&t, "signed", "anna"), ROTA_ERR_LIMIT);
	rota_transcript_free(&t);
}

TESTS(T(fingerprint), T(fingerprints_that_are_typed), T(copies_are_joined),
	T(nothing_can_be_changed), T(no_more_lines_than_are_read))
