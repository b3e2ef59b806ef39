/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata decoder: a good file of each type with its events, then one edit after the other. What is signed is
 * checked by its bytes; whether it is trusted is for test_session.c. */
#include "rota/codec/tuf.h"
#include "rota/base/mem.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define SIGS "{\"signatures\":[{\"keyid\":\"k1\",\"sig\":\"00ff\"}],\"signed\":"
#define TAIL "\"spec_version\":\"1.0.34\""
#define EXP "\"expires\":\"2030-01-01T00:00:00Z\""
#define ISS "\"x-rota-issued\":\"2029-01-01T00:00:00Z\""
#define KEY "{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"line\\nline\"},\"scheme\":\"s\"}"
#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define ROOT                                                                                       \
	"{\"_type\":\"root\",\"consistent_snapshot\":true," EXP ",\"keys\":{\"k1\":" KEY           \
	"},\"roles\":{\"root\":{\"keyids\":[\"k1\",\"k2\"],\"threshold\":2}}," TAIL                \
	",\"version\":7," ISS ",\"x-rota-not-before\":\"2029-01-01T00:00:01Z\"}"
#define TIMESTAMP                                                                                  \
	"{\"_type\":\"timestamp\"," EXP ",\"meta\":{\"snapshot.json\":{\"hashes\":{\"sha256\":"    \
	"\"" H64 "\"},\"length\":12,\"version\":3}}," TAIL ",\"version\":7," ISS "}"
#define SNAPSHOT                                                                                   \
	"{\"_type\":\"snapshot\"," EXP ",\"meta\":{\"targets.json\":{\"version\":3}}," TAIL        \
	",\"version\":7," ISS "}"
#define DELEGATIONS                                                                                \
	"{\"keys\":{\"k1\":" KEY "},\"roles\":[{\"keyids\":[\"k1\"],\"name\":\"r\",\"paths\":["    \
	"\"a/*\",\"b\"],\"terminating\":true,\"threshold\":1}]}"
#define TARGETS                                                                                    \
	"{\"_type\":\"targets\",\"delegations\":" DELEGATIONS "," EXP "," TAIL                     \
	",\"targets\":{\"a/b\":{\"hashes\":{\"sha256\":\"" H64                                     \
	"\"},\"length\":5}},\"version\":7," ISS "}"

/* What came out of a file, as text: a letter for each event and its id. */
struct seen {
	char events[512];
	size_t len;
	char signed_bytes[2048];
	size_t signed_len;
	enum rota_err refuse; /* what the sink answers to a target */
};

static struct decoder {
	struct rota_tuf tuf;
	struct seen *seen;
} decoder;

static struct seen *seen_of(struct rota_tuf *d)
{
	return ROTA_JSON_OWNER(d, struct decoder, tuf)->seen;
}

static enum rota_err on_event(struct rota_tuf *d, const struct rota_tuf_event *e)
{
	static const char letters[] = "skRDBmtSirp"; /* by enum rota_tuf_event_kind */
	struct seen *seen = seen_of(d);
	char letter = letters[e->kind];
	struct rota_span id = strchr("skRDBmt", letter) ? e->id : rota_span(NULL, 0);
	struct rota_span text = strchr("skirp", letter) ? e->text : rota_span(NULL, 0);
	int n = snprintf(seen->events + seen->len, sizeof(seen->events) - seen->len,
		"%c%.*s%s%.*s ", letter, (int)id.len, (const char *)id.p, text.len > 0 ? "=" : "",
		(int)text.len, (const char *)text.p);

	seen->len += (size_t)n;
	return e->kind == ROTA_TUF_TARGET ? seen->refuse : ROTA_OK;
}

static void on_signed(struct rota_tuf *d, struct rota_span bytes)
{
	struct seen *seen = seen_of(d);

	memcpy(seen->signed_bytes + seen->signed_len, bytes.p, bytes.len);
	seen->signed_len += bytes.len;
}

static const struct rota_tuf_sink sink = { on_event, on_signed };

static enum rota_err decode(
	enum rota_tuf_type type, const char *text, size_t piece, struct seen *seen)
{
	static uint8_t names[288], value[192], hold[230];
	const struct rota_tuf_room room = { { ROTA_BUF(value), ROTA_BUF(names) }, ROTA_BUF(hold) };
	struct rota_span rest = rota_span_cstr(text);

	memset(seen, 0, offsetof(struct seen, refuse));
	decoder.seen = seen;
	rota_tuf_init(&decoder.tuf, type, &sink, &room);
	while (rest.len > 0) {
		ROTA_TRY(rota_tuf_feed(&decoder.tuf, rota_span_slice(rest, 0, piece)));
		rest = rota_span_skip(rest, piece);
	}
	return rota_tuf_end(&decoder.tuf);
}

static const struct {
	enum rota_tuf_type type;
	const char *body;
	const char *events;
} good[] = {
	{ ROTA_TUF_ROOT, ROOT, "sk1=00ff S kk1=line\nline i=k1 i=k2 Rroot " },
	{ ROTA_TUF_TIMESTAMP, TIMESTAMP, "sk1=00ff S msnapshot.json " },
	{ ROTA_TUF_SNAPSHOT, SNAPSHOT, "sk1=00ff S mtargets.json " },
	{ ROTA_TUF_TARGETS, TARGETS, "sk1=00ff S kk1=line\nline i=k1 r=a/* r=b Dr ta/b " },
};

/* The body with its newline escapes as the newlines that are signed. */
static size_t canonical(const char *body, char *out)
{
	size_t len = 0;

	for (; *body != '\0'; body++) {
		bool newline = body[0] == '\\' && body[1] == 'n';

		out[len++] = newline ? '\n' : *body;
		body += newline;
	}
	return len;
}

TEST(each_type_gives_its_events_and_the_bytes_that_were_signed)
{
	static const size_t pieces[] = { 1, 2, 5, 17, 4096 };

	for (size_t i = 0; i < ROWS(good) * ROWS(pieces); i++) {
		const char *body = good[i / ROWS(pieces)].body;
		char text[2048], want[2048];
		struct seen seen = { .refuse = ROTA_OK };

		ROW(body);
		snprintf(text, sizeof(text), "%s%s}", SIGS, body);
		CHECK_OK(
			decode(good[i / ROWS(pieces)].type, text, pieces[i % ROWS(pieces)], &seen));
		CHECK(strcmp(seen.events, good[i / ROWS(pieces)].events) == 0);
		CHECK_EQ(seen.signed_len, canonical(body, want));
		CHECK_MEM(seen.signed_bytes, want, seen.signed_len);
		CHECK_EQ(decoder.tuf.head.version, 7);
		CHECK_EQ(decoder.tuf.head.expires_s, 1893456000);
		CHECK_EQ(decoder.tuf.head.issued_s, 1861920000);
	}
	ROW(NULL);
}

TEST(members_of_root_s_head_are_read)
{
	struct seen seen = { .refuse = ROTA_OK };

	CHECK_OK(decode(ROTA_TUF_ROOT, SIGS ROOT "}", 64, &seen));
	CHECK(decoder.tuf.head.consistent_snapshot);
	CHECK_EQ(decoder.tuf.head.not_before_s, 1861920001);
	CHECK_EQ(decoder.tuf.head.slot_end_s, 0);
}

/* What a microcontroller says to a number that it cannot count to (rota/base/num.h). */
#define BEYOND_32_BITS (ROTA_NUM_BITS == 32 ? ROTA_ERR_LIMIT : ROTA_OK)

/* In a good file of `type`, `from` is replaced by `to`. */
static const struct {
	const char *reason;
	enum rota_tuf_type type;
	const char *from;
	const char *to;
	enum rota_err err;
} edits[] = {
	/* the envelope */
	{ "no signatures", ROTA_TUF_ROOT, "\"signatures\":[{\"keyid\":\"k1\",\"sig\":\"00ff\"}],",
		"", ROTA_ERR_FORMAT },
	{ "signatures are no list", ROTA_TUF_ROOT, "[{\"keyid\":\"k1\",\"sig\":\"00ff\"}]", "{}",
		ROTA_ERR_FORMAT },
	{ "signatures of strings", ROTA_TUF_ROOT, "{\"keyid\":\"k1\",\"sig\":\"00ff\"}", "\"x\"",
		ROTA_ERR_FORMAT },
	{ "none at all is for the threshold", ROTA_TUF_ROOT, "{\"keyid\":\"k1\",\"sig\":\"00ff\"}",
		"", ROTA_OK },
	{ "a signature without a key id", ROTA_TUF_ROOT, "\"keyid\":\"k1\",", "", ROTA_ERR_FORMAT },
	{ "a signature without a signature", ROTA_TUF_ROOT, ",\"sig\":\"00ff\"", "",
		ROTA_ERR_FORMAT },
	{ "a key id of 128 bytes", ROTA_TUF_ROOT, "\"keyid\":\"k1\"", "\"keyid\":\"" H64 H64 "\"",
		ROTA_OK },
	{ "a key id of 129 bytes", ROTA_TUF_ROOT, "\"keyid\":\"k1\"", "\"keyid\":\"x" H64 H64 "\"",
		ROTA_ERR_FORMAT },
	{ "an empty key id", ROTA_TUF_ROOT, "\"keyid\":\"k1\"", "\"keyid\":\"\"", ROTA_ERR_FORMAT },
	{ "a signature too long for us", ROTA_TUF_ROOT, "00ff", H64 H64 H64 H64, ROTA_OK },
	{ "signed is no object", ROTA_TUF_SNAPSHOT, SNAPSHOT, "[]", ROTA_ERR_FORMAT },
	{ "unknown members around", ROTA_TUF_ROOT, "\"signed\":", "\"signee\":[1,{}],\"signed\":",
		ROTA_ERR_SPELLING /* not ascending */ },
	{ "an unknown member before", ROTA_TUF_ROOT,
		"\"signed\":", "\"signatures2\":[1,{}],\"signed\":", ROTA_OK },
	/* the head */
	{ "another type", ROTA_TUF_SNAPSHOT, "\"snapshot\"", "\"timestamp\"", ROTA_ERR_ROLE },
	{ "a type that is no string", ROTA_TUF_SNAPSHOT, "\"snapshot\"", "1", ROTA_ERR_FORMAT },
	{ "no type", ROTA_TUF_SNAPSHOT, "\"_type\":\"snapshot\",", "", ROTA_ERR_FORMAT },
	{ "specification 2", ROTA_TUF_SNAPSHOT, "1.0.34", "2.0.0", ROTA_ERR_UNSUPPORTED },
	{ "specification 1.1", ROTA_TUF_SNAPSHOT, "1.0.34", "1.1.0", ROTA_OK },
	{ "no specification", ROTA_TUF_SNAPSHOT, TAIL ",", "", ROTA_ERR_FORMAT },
	{ "no version", ROTA_TUF_SNAPSHOT, ",\"version\":7", "", ROTA_ERR_FORMAT },
	{ "version 0", ROTA_TUF_SNAPSHOT, "\"version\":7", "\"version\":0", ROTA_ERR_FORMAT },
	{ "a version below", ROTA_TUF_SNAPSHOT, "\"version\":7", "\"version\":-7",
		ROTA_ERR_FORMAT },
	{ "a version beyond 32 bits", ROTA_TUF_SNAPSHOT, "\"version\":7", "\"version\":4294967296",
		BEYOND_32_BITS },
	{ "an unknown number beyond 32 bits", ROTA_TUF_ROOT, "," ISS,
		"," ISS ",\"x-rota-later\":9007199254740991", ROTA_OK },
	{ "a version in quotes", ROTA_TUF_SNAPSHOT, "\"version\":7", "\"version\":\"7\"",
		ROTA_ERR_FORMAT },
	{ "no expiry", ROTA_TUF_SNAPSHOT, EXP ",", "", ROTA_ERR_FORMAT },
	{ "an expiry that is no time", ROTA_TUF_SNAPSHOT, "2030-01-01T00:00:00Z", "tomorrow",
		ROTA_ERR_FORMAT },
	{ "issued on no day", ROTA_TUF_SNAPSHOT, "2029-01-01T00:00:00Z", "2029-02-30T00:00:00Z",
		ROTA_ERR_FORMAT },
	{ "never issued", ROTA_TUF_SNAPSHOT, "," ISS, "", ROTA_OK },
	{ "consistent_snapshot is no truth value", ROTA_TUF_ROOT, "true", "1", ROTA_ERR_FORMAT },
	{ "another type's member", ROTA_TUF_SNAPSHOT, "\"spec_version\"",
		"\"roles\":1,\"spec_version\"", ROTA_OK },
	{ "an unknown member", ROTA_TUF_ROOT, "," ISS, "," ISS ",\"x-rota-later\":{\"keys\":{}}",
		ROTA_OK },
	{ "expiry twice", ROTA_TUF_ROOT, EXP, EXP "," EXP, ROTA_ERR_SPELLING },
	/* keys and roles */
	{ "no keys", ROTA_TUF_ROOT, "\"keys\":{\"k1\":" KEY "},", "", ROTA_ERR_FORMAT },
	{ "keys are no object", ROTA_TUF_ROOT, "{\"k1\":" KEY "}", "[]", ROTA_ERR_FORMAT },
	{ "a key id of 129 bytes in keys", ROTA_TUF_ROOT,
		"{\"k1\":", "{\"x" H64 H64 "\":", ROTA_ERR_FORMAT },
	{ "an empty key id in keys", ROTA_TUF_ROOT, "{\"k1\":", "{\"\":", ROTA_ERR_FORMAT },
	{ "a key is no object", ROTA_TUF_ROOT, KEY, "\"x\"", ROTA_ERR_FORMAT },
	{ "a key without a type", ROTA_TUF_ROOT, "\"keytype\":\"ecdsa\",", "", ROTA_ERR_FORMAT },
	{ "a key without a value", ROTA_TUF_ROOT, "\"keyval\":{\"public\":\"line\\nline\"},", "",
		ROTA_ERR_FORMAT },
	{ "a key without a scheme", ROTA_TUF_ROOT, ",\"scheme\":\"s\"", "", ROTA_ERR_FORMAT },
	{ "a public key that is a number", ROTA_TUF_ROOT, "\"line\\nline\"", "1", ROTA_ERR_FORMAT },
	{ "no roles", ROTA_TUF_ROOT,
		"\"roles\":{\"root\":{\"keyids\":[\"k1\",\"k2\"],\"threshold\":2}},", "",
		ROTA_ERR_FORMAT },
	{ "a role without key ids", ROTA_TUF_ROOT, "\"keyids\":[\"k1\",\"k2\"],", "",
		ROTA_ERR_FORMAT },
	{ "a role without a threshold", ROTA_TUF_ROOT, ",\"threshold\":2", "", ROTA_ERR_FORMAT },
	{ "threshold 0", ROTA_TUF_ROOT, "\"threshold\":2", "\"threshold\":0", ROTA_ERR_FORMAT },
	{ "the greatest threshold", ROTA_TUF_ROOT, "\"threshold\":2", "\"threshold\":4294967295",
		ROTA_OK },
	{ "a threshold beyond 32 bits", ROTA_TUF_ROOT, "\"threshold\":2",
		"\"threshold\":4294967296", BEYOND_32_BITS },
	{ "key ids are no list", ROTA_TUF_ROOT, "[\"k1\",\"k2\"]", "\"k1\"", ROTA_ERR_FORMAT },
	{ "a key id that is a number", ROTA_TUF_ROOT, "[\"k1\",\"k2\"]", "[1]", ROTA_ERR_FORMAT },
	/* meta */
	{ "no meta", ROTA_TUF_SNAPSHOT, "\"meta\":{\"targets.json\":{\"version\":3}},", "",
		ROTA_ERR_FORMAT },
	{ "a file without a version", ROTA_TUF_SNAPSHOT, "\"version\":3", "\"length\":3",
		ROTA_ERR_FORMAT },
	{ "a file of version 0", ROTA_TUF_SNAPSHOT, "\"version\":3", "\"version\":0",
		ROTA_ERR_FORMAT },
	{ "a file of no length", ROTA_TUF_TIMESTAMP, "\"length\":12", "\"length\":0",
		ROTA_ERR_FORMAT },
	{ "an empty target", ROTA_TUF_TARGETS, "\"length\":5", "\"length\":0", ROTA_OK },
	{ "a length below", ROTA_TUF_TIMESTAMP, "\"length\":12", "\"length\":-1", ROTA_ERR_FORMAT },
	{ "a hash in upper case", ROTA_TUF_TIMESTAMP, "0123456789abcdef01", "0123456789ABCDEF01",
		ROTA_ERR_FORMAT },
	{ "a short hash", ROTA_TUF_TIMESTAMP, H64, "00", ROTA_ERR_FORMAT },
	{ "hashes are no object", ROTA_TUF_TIMESTAMP, "{\"sha256\":\"" H64 "\"}", "[]",
		ROTA_ERR_FORMAT },
	{ "only another hash", ROTA_TUF_TIMESTAMP, "\"sha256\"", "\"sha512\"",
		ROTA_ERR_UNSUPPORTED },
	{ "another hash beside", ROTA_TUF_TIMESTAMP, "\"sha256\"", "\"md5\":\"00\",\"sha256\"",
		ROTA_OK },
	/* delegations and targets */
	{ "no targets", ROTA_TUF_TARGETS,
		"\"targets\":{\"a/b\":{\"hashes\":{\"sha256\":\"" H64 "\"},\"length\":5}},", "",
		ROTA_ERR_FORMAT },
	{ "no delegations", ROTA_TUF_TARGETS, "\"delegations\":" DELEGATIONS ",", "", ROTA_OK },
	{ "delegations are a list", ROTA_TUF_TARGETS, DELEGATIONS, "[]", ROTA_ERR_FORMAT },
	{ "delegated roles are an object", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"roles\":{}}", ROTA_ERR_FORMAT },
	{ "delegated keys are a word", ROTA_TUF_TARGETS, DELEGATIONS, "{\"keys\":1}",
		ROTA_ERR_FORMAT },
	{ "another kind of delegation", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"bins\":{\"keys\":[1]},\"keys\":{}}", ROTA_OK },
	{ "bins", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":8,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":1}}",
		ROTA_OK },
	{ "bins of 32 bits", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":32,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":1}}",
		ROTA_OK },
	{ "bins of no bits", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":0,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "bins of 33 bits", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":33,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "bins of 264 bits", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":264,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "bins without a prefix", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":8,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"\",\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "bins whose prefix is a number", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":8,\"keyids\":[\"k1\"],\"name_"
		"prefix\":1,\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "bins without a threshold", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":8,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":0}}",
		ROTA_ERR_FORMAT },
	{ "bins whose key ids are a word", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":8,\"keyids\":\"k1\",\"name_"
		"prefix\":\"bin\",\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "bins are a list", ROTA_TUF_TARGETS, DELEGATIONS, "{\"succinct_roles\":[]}",
		ROTA_ERR_FORMAT },
	{ "bins are a word", ROTA_TUF_TARGETS, DELEGATIONS, "{\"succinct_roles\":1}",
		ROTA_ERR_FORMAT },
	{ "bins of nothing", ROTA_TUF_TARGETS, DELEGATIONS, "{\"succinct_roles\":{}}",
		ROTA_ERR_FORMAT },
	{ "bins beside roles", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"roles\":[],\"succinct_roles\":{\"bit_length\":1,\"keyids\":[],\"name_prefix\":"
		"\"b\",\"threshold\":1}}",
		ROTA_ERR_FORMAT },
	{ "an unknown member of bins", ROTA_TUF_TARGETS, DELEGATIONS,
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":8,\"keyids\":[\"k1\"],\"name_"
		"prefix\":\"bin\",\"threshold\":1,\"x\":[{}]}}",
		ROTA_OK },
	{ "a delegation without a name", ROTA_TUF_TARGETS, "\"name\":\"r\",", "", ROTA_ERR_FORMAT },
	{ "a delegation without paths", ROTA_TUF_TARGETS, "\"paths\":[\"a/*\",\"b\"],", "",
		ROTA_ERR_FORMAT },
	{ "a delegation that does not say whether it ends", ROTA_TUF_TARGETS,
		"\"terminating\":true,", "", ROTA_ERR_FORMAT },
	{ "terminating is a number", ROTA_TUF_TARGETS, "\"terminating\":true", "\"terminating\":1",
		ROTA_ERR_FORMAT },
	{ "a path too long for us", ROTA_TUF_TARGETS, "\"a/*\"", "\"" H64 H64 H64 H64 "\"",
		ROTA_ERR_LIMIT },
	{ "a path that is no string", ROTA_TUF_TARGETS, "\"a/*\"", "{}", ROTA_ERR_FORMAT },
	{ "a target without a length", ROTA_TUF_TARGETS, ",\"length\":5", "", ROTA_ERR_FORMAT },
	{ "a target without hashes", ROTA_TUF_TARGETS, "\"hashes\":{\"sha256\":\"" H64 "\"},", "",
		ROTA_ERR_FORMAT },
	/* the end */
	{ "a byte behind", ROTA_TUF_ROOT, "00:00:01Z\"}}", "00:00:01Z\"}} ", ROTA_ERR_SPELLING },
	{ "a bracket short", ROTA_TUF_ROOT, "00:00:01Z\"}}", "00:00:01Z\"}", ROTA_ERR_SPELLING },
};

static const char *body_of(enum rota_tuf_type type)
{
	for (size_t i = 0; i < ROWS(good); i++) {
		if (good[i].type == type)
			return good[i].body;
	}
	return "";
}

TEST(each_edit_is_seen)
{
	for (size_t i = 0; i < ROWS(edits); i++) {
		char text[2048], edited[4096];
		struct seen seen = { .refuse = ROTA_OK };
		const char *at;

		ROW(edits[i].reason);
		snprintf(text, sizeof(text), "%s%s}", SIGS, body_of(edits[i].type));
		at = strstr(text, edits[i].from);
		CHECK(at != NULL);
		snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, edits[i].to,
			at + strlen(edits[i].from));
		CHECK_EQ(decode(edits[i].type, edited, 7, &seen), edits[i].err);
		CHECK_EQ(decode(edits[i].type, edited, 4096, &seen), edits[i].err);
	}
	ROW(NULL);
}

/* TAP 15 */
TEST(bins_are_one_event)
{
	static const char text[] =
		SIGS "{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"k1\":" KEY
		     "},\"succinct_roles\":{\"bit_length\":9,\"keyids\":[\"k1\",\"k2\"],"
		     "\"name_prefix\":\"bin\",\"threshold\":2}}," EXP "," TAIL
		     ",\"targets\":{},\"version\":7," ISS "}}";
	struct seen seen = { .refuse = ROTA_OK };

	CHECK_OK(decode(ROTA_TUF_TARGETS, text, 7, &seen));
	CHECK(strcmp(seen.events, "sk1=00ff S kk1=line\nline i=k1 i=k2 Bbin ") == 0);
}

TEST(nothing_cut_short_is_whole)
{
	char text[2048];
	struct seen seen = { .refuse = ROTA_OK };
	size_t len = (size_t)snprintf(text, sizeof(text), "%s%s}", SIGS, TARGETS);

	while (len-- > 0) {
		text[len] = '\0';
		CHECK_EQ(decode(ROTA_TUF_TARGETS, text, 4096, &seen), ROTA_ERR_SPELLING);
	}
}

/* Room for an entry's strings: a role's name must fit; a key that does not is one that nobody knows. */
TEST(a_text_longer_than_the_room_is_refused_or_unknown)
{
	static const struct {
		size_t hold;
		enum rota_err err;
		const char *events;
	} rows[] = {
		/* "ecdsa", "line\nline", "s"; and a name of 20 */
		{ 20, ROTA_OK, "sk1=00ff S kk1=line\nline i=k1 Dname-of-20-character " },
		{ 19, ROTA_ERR_LIMIT, "sk1=00ff S kk1=line\nline i=k1 " },
		{ 13, ROTA_ERR_LIMIT, "sk1=00ff S kk1 i=k1 " },
	};
	static const char text[] =
		SIGS "{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"k1\":" KEY
		     "},\"roles\":[{\"keyids\":[\"k1\"],\"name\":\"name-of-20-character\","
		     "\"paths\":[],\"terminating\":true,\"threshold\":1}]}";
	static uint8_t names[288], value[192], hold[20];
	static struct seen seen;

	decoder.seen = &seen;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct rota_tuf_room room = { { ROTA_BUF(value), ROTA_BUF(names) },
			rota_buf(hold, rows[i].hold) };

		memset(&seen, 0, sizeof(seen));
		rota_tuf_init(&decoder.tuf, ROTA_TUF_TARGETS, &sink, &room);
		CHECK_EQ(rota_tuf_feed(&decoder.tuf, rota_span_cstr(text)), rows[i].err);
		CHECK(strcmp(seen.events, rows[i].events) == 0);
	}
}

TEST(what_the_sink_says_ends_the_file)
{
	struct seen seen = { .refuse = ROTA_ERR_LIMIT };

	CHECK_EQ(decode(ROTA_TUF_TARGETS, SIGS TARGETS "}", 4096, &seen), ROTA_ERR_LIMIT);
	CHECK_EQ(rota_tuf_feed(&decoder.tuf, ROTA_STR("}")), ROTA_ERR_LIMIT);
}

TESTS(T(each_type_gives_its_events_and_the_bytes_that_were_signed),
	T(members_of_root_s_head_are_read), T(each_edit_is_seen), T(bins_are_one_event),
	T(nothing_cut_short_is_whole), T(a_text_longer_than_the_room_is_refused_or_unknown),
	T(what_the_sink_says_ends_the_file))
