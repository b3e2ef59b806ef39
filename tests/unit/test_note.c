/* SPDX-License-Identifier: Apache-2.0 */
/* Notes, once with each port of rota/port/crypto.h. Vectors: the key and note of golang.org/x/mod/sumdb/note (Ed25519);
 * two logs' P-256 keys and checkpoints as github.com/transparency-dev/formats verifies them (note_verifier_test.go:
 * Sigstore's Rekor and the Pixel 6 log); the cosigned example of C2SP's tlog-cosignature, whose keys are not published;
 * RFC 6979 A.2.5 for a P-256 signature. */
#include TEST_CRYPTO_HEADER
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/codec/note.h"
#include "tests/unit/test.h"

static const struct rota_crypto *const port = &TEST_CRYPTO;

#define DASH "\xE2\x80\x94 "

/* Of the base64 that such keys are written in: a type byte, and for P-256 a SubjectPublicKeyInfo. */
static const struct vector {
	enum rota_note_kind kind;
	const char *name, *id, *key, *note;
} vectors[] = {
	{ ROTA_NOTE_LOG_ED25519, "PeterNeumann", "c74f20a3",
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"If you think cryptography is the answer to your problem,\n"
		"then you don't know what your problem is.\n\n" DASH "PeterNeumann "
		"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
		"RZb6KE6RyyBwJnAM=\n" },
	{ ROTA_NOTE_LOG_P256, "rekor.sigstore.dev", "c0d23d6a",
		"AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+"
		"smGNM7n"
		"wZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc=",
		"Rekor\n798034\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n\n" DASH
		"rekor.sigstore.dev "
		"wNI9ajBEAiARInWIWyCdyG27CO6LPnPekyw20qO0YJfoaPaowGp/XgIgc+qEHS3+GKVCl"
		"gqq20uDLet7MCoTURUCRdxwWBHHufk=\n" },
	{ ROTA_NOTE_LOG_P256, "pixel6_transparency_log", "91c16e30",
		"AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN+"
		"4x0Jk1yTwvLFI9A4NDdGZcX0aiWVdWM5XJVy0M4VWD3AvyW5Q"
		"6Hs9A0mcDkpUoYgn+KKPNzFC0H3nN3q6JQ8=",
		"DEFAULT\n10\nbsWRucJU5xJPHb5eBdOm6+DM+VelCZBuvtI3sHERJ9Y=\n\n" DASH
		"pixel6_transparency_log "
		"kcFuMDBFAiEAhqMAP8P6qf6QxtUJhzMhbN+MbZ9dwfUHzGQJmffJHtoCIGD0cNe4"
		"7dHWBoPwYdgBCepB06/+g5O1FmYjXl06owL4\n" },
};

#define COUNT (sizeof(vectors) / sizeof(vectors[0]))

static uint8_t raw[COUNT][128];
static struct rota_note_key keys[COUNT];
static char changed[1024]; /* a note */

static bool verifies_here(const struct vector *v)
{
	return v->kind == ROTA_NOTE_LOG_P256 || (port->algs & 1u << ROTA_ALG_ED25519) != 0;
}

static enum rota_err load(size_t i)
{
	size_t len = 0, skip = vectors[i].kind == ROTA_NOTE_LOG_P256 ? 27 : 1;

	ROTA_TRY(rota_base64_decode(rota_span_cstr(vectors[i].key), ROTA_BUF(raw[i]), &len));
	keys[i] = (struct rota_note_key){ .kind = vectors[i].kind,
		.name = rota_span_cstr(vectors[i].name),
		.raw = rota_span(raw[i] + skip, len - skip) };
	rota_note_key_id(port, &keys[i]);
	return ROTA_OK;
}

TEST(published_notes_open)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct rota_span note = rota_span_cstr(vectors[i].note), text;
		uint8_t id[4];
		uint32_t who;

		ROW(vectors[i].name);
		CHECK_OK(load(i));
		CHECK_OK(rota_hex_decode(rota_span_cstr(vectors[i].id), ROTA_BUF(id)));
		CHECK_MEM(keys[i].id, id, 4);
		if (!verifies_here(&vectors[i])) {
			CHECK_EQ(rota_note_open(port, note, &keys[i], 1, &text, &who),
				ROTA_ERR_UNSUPPORTED);
			continue;
		}
		CHECK_OK(rota_note_open(port, note, &keys[i], 1, &text, &who));
		CHECK_EQ(who, 1);
		CHECK_MEM(note.p + text.len, "\n" DASH, 5);
	}
}

TEST(published_lines_are_written_the_same)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct rota_span text, lines, line;
		uint8_t sig[64], room[ROTA_NOTE_LINE_MAX];
		uint64_t time_s = 1;

		ROW(vectors[i].name);
		CHECK_OK(load(i));
		CHECK_OK(rota_note_split(rota_span_cstr(vectors[i].note), &text, &lines));
		CHECK_OK(rota_note_line_read(&keys[i], lines, &time_s, sig));
		CHECK_EQ(time_s, 0);
		CHECK_OK(rota_note_line(&keys[i], 0, ROTA_SPAN(sig), ROTA_BUF(room), &line));
		CHECK(rota_span_eq(line, lines));
	}
}

TEST(each_byte_of_a_signed_note_matters)
{
	for (size_t i = 1; i < 2;
		i++) { /* P-256 verification takes its time on a microcontroller */
		size_t len = strlen(vectors[i].note);

		CHECK_OK(load(i));
		for (size_t at = 0; at<len; at += at> 20 ? 7 : 1) {
			struct rota_span text;
			uint32_t who;
			enum rota_err err;

			memcpy(changed, vectors[i].note, len);
			changed[at] ^= 1;
			err = rota_note_open(
				port, rota_span(changed, len), &keys[i], 1, &text, &who);
			CHECK(err != ROTA_OK || who == 0);
		}
	}
}

/* C2SP tlog-cosignature ------------------------------------------------------------------------ */

static const char cosigned[] =
	"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/"
	"Xajj7h2fB2MPA3j2jxq2I=\n\n" DASH "example.com/behind-the-sofa "
	"Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
	"1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" DASH "witness.example.com/w1 "
	"jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2o"
	"yin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

TEST(the_example_of_a_cosigned_checkpoint_reads)
{
	struct rota_note_key log = { .kind = ROTA_NOTE_LOG_ED25519,
		.name = ROTA_STR("example.com/behind-the-sofa"),
		.id = { 0x03, 0x3d, 0xe0, 0xae } };
	struct rota_note_key witness = { .kind = ROTA_NOTE_WITNESS_ED25519,
		.name = ROTA_STR("witness.example.com/w1"),
		.id = { 0x8d, 0x66, 0xcf, 0x3f } };
	struct rota_span text, lines, first, second, line;
	struct rota_checkpoint c;
	uint8_t sig[64], room[ROTA_NOTE_LINE_MAX];
	uint64_t time_s;

	CHECK_OK(rota_note_split(ROTA_STR(cosigned), &text, &lines));
	CHECK_OK(rota_checkpoint_read(text, &c));
	CHECK(rota_span_is(c.origin, "example.com/behind-the-sofa"));
	CHECK_EQ(c.size, 20852163);
	CHECK_MEM(c.root, "\x0a\xc5\x18\x6a\x91", 5);
	CHECK_OK(rota_checkpoint_write(&c, ROTA_BUF(room), &line));
	CHECK(rota_span_eq(line, text));
	first = rota_note_next(&lines);
	second = rota_note_next(&lines);
	CHECK_EQ(lines.len, 0);
	CHECK_OK(rota_note_line_read(&log, first, &time_s, sig));
	CHECK_EQ(rota_note_line_read(&log, second, &time_s, sig), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_note_line_read(&witness, second, &time_s, sig));
	CHECK_EQ(time_s, 1679315147);
	CHECK_OK(rota_note_line(&witness, time_s, ROTA_SPAN(sig), ROTA_BUF(room), &line));
	CHECK(rota_span_eq(line, second));
}

TEST(a_witness_signs_its_time_before_the_text)
{
	static const struct rota_note_key witness = { .kind = ROTA_NOTE_WITNESS_P256,
		.name = { (const uint8_t *)"w", 1 } };
	static const struct rota_note_key log = { .kind = ROTA_NOTE_LOG_P256 };
	uint8_t room[64];
	struct rota_span message;

	CHECK_OK(rota_note_message(
		&witness, ROTA_STR("a\nb\n"), 1679315147, ROTA_BUF(room), &message));
	CHECK(rota_span_is(message, "cosignature/v1\ntime 1679315147\na\nb\n"));
	CHECK_OK(rota_note_message(&witness, ROTA_STR("a\n"), 0, ROTA_BUF(room), &message));
	CHECK(rota_span_is(message, "cosignature/v1\ntime 0\na\n"));
	CHECK_OK(rota_note_message(&witness, ROTA_STR(""), UINT64_MAX, ROTA_BUF(room), &message));
	CHECK(rota_span_is(message, "cosignature/v1\ntime 18446744073709551615\n"));
	CHECK_EQ(rota_note_message(&witness, ROTA_STR("a\n"), 0, rota_buf(room, 22), &message),
		ROTA_ERR_LIMIT);
	CHECK_OK(rota_note_message(&log, ROTA_STR("a\nb\n"), 7, rota_buf(NULL, 0), &message));
	CHECK(rota_span_is(message, "a\nb\n"));
}

/* A P-256 witness's line over C2SP's example text, signed with python3-cryptography by the key of RFC 6979 A.2.5 at time
 * 1700000000; id by hashlib over name, LF, ff, type and point. */
static const char point[] = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char witness_line[] = DASH
	"witness.example/w2 kGJ36wAAAABlU/EA+c0/JDNDG7MAJ5y2W46W63JjUflnhsR+fMOJcmKDgT+oV0TcNY6LmUF"
	"5ZT2BlxgbYN8KPB4MESai9eP2D/Lmhg==\n";

static enum rota_err own_witness(struct rota_note_key *key, uint8_t to[static 65])
{
	ROTA_TRY(rota_hex_decode(rota_span_cstr(point), rota_buf(to, 65)));
	*key = (struct rota_note_key){ .kind = ROTA_NOTE_WITNESS_P256,
		.name = ROTA_STR("witness.example/w2"),
		.raw = rota_span(to, 65) };
	rota_note_key_id(port, key);
	return ROTA_OK;
}

TEST(a_p256_witness_cosigns)
{
	struct rota_note_key key;
	struct rota_span text, lines;
	uint8_t at[65];
	uint64_t time_s = 0;

	CHECK_OK(own_witness(&key, at));
	CHECK_OK(rota_note_split(ROTA_STR(cosigned), &text, &lines));
	CHECK_OK(rota_note_verify(port, &key, text, ROTA_STR(witness_line), &time_s));
	CHECK_EQ(time_s, 1700000000);
	text.len--; /* another text */
	CHECK_EQ(rota_note_verify(port, &key, text, ROTA_STR(witness_line), &time_s),
		ROTA_ERR_SIGNATURE);
}

TEST(a_line_of_the_same_name_and_another_id_is_passed_over)
{
	struct rota_note_key key;
	uint8_t at[65], sig[64];
	uint64_t time_s;

	CHECK_OK(own_witness(&key, at));
	key.id[3] ^= 1;
	CHECK_EQ(rota_note_line_read(&key, ROTA_STR(witness_line), &time_s, sig),
		ROTA_ERR_NOT_FOUND);
	key.id[3] ^= 1;
	key.kind = ROTA_NOTE_WITNESS_ED25519;
	rota_note_key_id(port, &key);
	CHECK_EQ(rota_note_line_read(&key, ROTA_STR(witness_line), &time_s, sig),
		ROTA_ERR_NOT_FOUND);
}

/* Bad ones ------------------------------------------------------------------------------------------ */

TEST(a_bad_checkpoint_is_refused)
{
	static const struct {
		const char *why, *text;
	} rows[] = {
		{ "nothing", "" },
		{ "no newline at the end", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=" },
		{ "no origin", "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "a blank in the origin",
			"o o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "a plus in the origin", "o+\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "no size", "o\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "a leading zero", "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "a sign", "o\n+1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "no digit", "o\n1x\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "2^64",
			"o\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "ten times as much",
			"o\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" },
		{ "a root of 31 bytes", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n" },
		{ "a root of 33 bytes", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2Jh\n" },
		{ "bits under the padding",
			"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n" },
		{ "no base64", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq-I=\n" },
		{ "an extension line", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nx\n" },
	};
	struct rota_checkpoint c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(rota_checkpoint_read(rota_span_cstr(rows[i].text), &c), ROTA_ERR_FORMAT);
	}
	ROW("the largest size");
	CHECK_OK(rota_checkpoint_read(
		ROTA_STR("o\n18446744073709551615\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"),
		&c));
	CHECK(c.size == UINT64_MAX);
}

TEST(names_and_texts_have_limits)
{
	static uint8_t text[ROTA_NOTE_TEXT_MAX + 1];
	struct rota_checkpoint c = { .origin = rota_span(text, ROTA_NOTE_NAME_MAX),
		.size = UINT64_MAX };
	struct rota_span out;
	uint8_t room[ROTA_NOTE_TEXT_MAX];

	memset(text, 'n', sizeof(text));
	CHECK_OK(rota_checkpoint_write(&c, ROTA_BUF(room), &out));
	CHECK_OK(rota_checkpoint_read(out, &c));
	CHECK_EQ(rota_checkpoint_write(&c, rota_buf(room, out.len - 1), &out), ROTA_ERR_LIMIT);
	c.origin = rota_span(text, ROTA_NOTE_NAME_MAX + 1);
	CHECK_EQ(rota_checkpoint_write(&c, ROTA_BUF(room), &out), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_checkpoint_read(ROTA_SPAN(text), &c), ROTA_ERR_LIMIT);
}

TEST(a_bad_line_is_refused_or_passed_over)
{
	static const struct {
		const char *why, *line;
		enum rota_err err;
	} rows[] = {
		{ "nothing", "", ROTA_ERR_FORMAT },
		{ "no dash", "- w1 jWbPPwAAAABkGFDL\n", ROTA_ERR_FORMAT },
		{ "no newline", DASH "w1 jWbPPwAAAABkGFDL", ROTA_ERR_FORMAT },
		{ "no name", DASH " jWbPPwAAAABkGFDL\n", ROTA_ERR_FORMAT },
		{ "no signature", DASH "w1\n", ROTA_ERR_FORMAT },
		{ "another name", DASH "w2 !!\n", ROTA_ERR_NOT_FOUND },
		{ "a longer name", DASH "w11 jWbPPwAAAABkGFDL\n", ROTA_ERR_NOT_FOUND },
		{ "no base64", DASH "w1 jWbP-wAAAABkGFDL\n", ROTA_ERR_FORMAT },
		{ "no whole id", DASH "w1 jWbP\n", ROTA_ERR_FORMAT },
		{ "an id alone", DASH "w1 jWbPPw==\n", ROTA_ERR_FORMAT },
		{ "another id", DASH "w1 jWbPPgAAAABkGFDL\n", ROTA_ERR_NOT_FOUND },
		{ "too short", DASH "w1 jWbPPwAAAABkGFDL\n", ROTA_ERR_FORMAT },
		{ "two blanks", DASH "w1  jWbPPwAAAABkGFDL\n", ROTA_ERR_FORMAT },
	};
	struct rota_note_key key = { .kind = ROTA_NOTE_WITNESS_ED25519,
		.name = ROTA_STR("w1"),
		.id = { 0x8d, 0x66, 0xcf, 0x3f } };
	uint8_t sig[64];
	uint64_t time_s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(rota_note_line_read(&key, rota_span_cstr(rows[i].line), &time_s, sig),
			rows[i].err);
	}
}

TEST(a_signature_a_byte_longer_is_malformed)
{
	struct rota_note_key key;
	uint8_t at[65], sig[64], blob[80] = { 0 }, line[ROTA_NOTE_LINE_MAX];
	struct rota_span whole = ROTA_STR(witness_line);
	size_t head = sizeof(DASH "witness.example/w2 ") - 1, len = 0;
	uint64_t time_s;

	CHECK_OK(own_witness(&key, at));
	CHECK_OK(rota_base64_decode(
		rota_span_slice(whole, head, whole.len - head - 1), ROTA_BUF(blob), &len));
	CHECK_EQ(len, 76);
	memcpy(line, whole.p, head);
	CHECK_OK(rota_base64_encode(
		rota_span(blob, 77), rota_buf(line + head, sizeof(line) - head - 1), &len));
	line[head + len] = '\n';
	CHECK_EQ(rota_note_line_read(&key, rota_span(line, head + len + 1), &time_s, sig),
		ROTA_ERR_FORMAT);
}

TEST(a_known_key_that_does_not_verify_spoils_the_note_and_unknown_ones_do_not)
{
	struct rota_span text;
	uint32_t who = 7;

	CHECK_OK(load(1));
	snprintf(changed, sizeof(changed), "%s" DASH "other.example AAAA!\n", vectors[1].note);
	CHECK_OK(rota_note_open(port, rota_span_cstr(changed), &keys[1], 1, &text, &who));
	CHECK_EQ(who, 1);
	/* the same line over another text, before the good one: whoever verifies but one line is misled */
	snprintf(changed, sizeof(changed), "x%s", vectors[1].note);
	CHECK_EQ(rota_note_open(port, rota_span_cstr(changed), &keys[1], 1, &text, &who),
		ROTA_ERR_SIGNATURE);
	CHECK_OK(rota_note_open(port, rota_span_cstr(vectors[2].note), &keys[1], 1, &text, &who));
	CHECK_EQ(who, 0);
}

TEST(a_note_has_a_bounded_number_of_lines)
{
	struct rota_span text;
	uint32_t who;

	CHECK_OK(load(1));
	strcpy(changed, "t\n\n");
	for (unsigned n = 0; n < ROTA_NOTE_SIGS_MAX; n++)
		strcat(changed, DASH "other.example AAAAAAAA\n");
	CHECK_OK(rota_note_open(port, rota_span_cstr(changed), keys, 1, &text, &who));
	strcat(changed, DASH "other.example AAAAAAAA\n");
	CHECK_EQ(rota_note_open(port, rota_span_cstr(changed), keys, 1, &text, &who),
		ROTA_ERR_LIMIT);
}

TEST(text_and_lines_are_apart_at_the_last_empty_line)
{
	struct rota_span text, lines;

	CHECK_OK(rota_note_split(ROTA_STR("a\n\nb\n\nline\n"), &text, &lines));
	CHECK(rota_span_is(text, "a\n\nb\n"));
	CHECK(rota_span_is(lines, "line\n"));
	CHECK_EQ(rota_note_split(ROTA_STR("a\nb\n"), &text, &lines), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_note_split(ROTA_STR("a\n\nb"), &text, &lines), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_note_split(ROTA_STR("\n\n"), &text, &lines), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_note_split(ROTA_STR(""), &text, &lines), ROTA_ERR_FORMAT);
}

TESTS(T(published_notes_open), T(published_lines_are_written_the_same),
	T(each_byte_of_a_signed_note_matters), T(the_example_of_a_cosigned_checkpoint_reads),
	T(a_witness_signs_its_time_before_the_text), T(a_p256_witness_cosigns),
	T(a_line_of_the_same_name_and_another_id_is_passed_over), T(a_bad_checkpoint_is_refused),
	T(names_and_texts_have_limits), T(a_bad_line_is_refused_or_passed_over),
	T(a_signature_a_byte_longer_is_malformed),
	T(a_known_key_that_does_not_verify_spoils_the_note_and_unknown_ones_do_not),
	T(a_note_has_a_bounded_number_of_lines), T(text_and_lines_are_apart_at_the_last_empty_line))
