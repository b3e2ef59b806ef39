/* SPDX-License-Identifier: Apache-2.0 */
/* release.json: decoding (rota/codec/release.h) and the rules of SPEC 7 (rota/trust/release.h). The bad files
 * are one good file, written by hand from SPEC 7.1, with one place changed. */
#include "rota/codec/release.h"
#include "rota/trust/release.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"
#define D3 "3333333333333333333333333333333333333333333333333333333333333333"

static const char good[] =
	"{\"_type\":\"release\",\"abort\":\"pause\",\"build\":\"ci-42\","
	"\"ceilings\":{\"canary\":50,\"everyone\":\"auto\",\"first_ppm\":10000,"
	"\"groups\":[\"lab\",\"beta\"],\"growth\":2,\"soak_s\":86400},"
	"\"components\":["
	"{\"counter\":7,\"depends\":[{\"min\":\"1.1.0\",\"name\":\"radio\"}],\"digest\":\"" D1 "\","
	"\"hardware\":[\"rev-a\",\"rev-b\"],\"length\":123456,\"name\":\"main\",\"order\":20,"
	"\"path\":\"releases/sensor/1.2.0/main.bin\",\"sha256\":\"" D2 "\",\"slot\":\"app\"},"
	"{\"counter\":0,\"depends\":[],\"hardware\":[\"rev-b\"],\"length\":99,\"name\":\"table\","
	"\"order\":10,\"path\":\"releases/sensor/1.2.0/table.bin\",\"sha256\":\"" D3 "\","
	"\"slot\":\"data\"}],"
	"\"deltas\":[{\"component\":\"main\",\"from\":\"" D3 "\",\"length\":10,"
	"\"path\":\"releases/sensor/1.2.0/main.delta\",\"sha256\":\"" D1 "\"},"
	"{\"component\":\"table\",\"from\":\"" D1 "\",\"length\":11,"
	"\"path\":\"releases/sensor/1.2.0/table.delta\",\"sha256\":\"" D2 "\"}],"
	"\"format\":1,\"issued\":\"2026-03-01T00:00:00Z\",\"minimum\":\"1.0.0\","
	"\"product\":\"sensor\",\"provenance\":\"releases/sensor/1.2.0/provenance.json\","
	"\"revert_to\":[\"1.0.5\",\"1.1.0+3\"],\"sbom\":\"releases/sensor/1.2.0/sbom.json\","
	"\"version\":\"1.2.0\"}";

static struct rota_component components[3];
static struct rota_delta deltas[3];
static struct rota_release_want want;

static void keep_for(const char *hardware, const char *group)
{
	memset(components, 0, sizeof(components));
	memset(deltas, 0, sizeof(deltas));
	want = (struct rota_release_want){ .hardware = rota_span_cstr(hardware),
		.group = rota_span_cstr(group),
		.components = components,
		.component_room = 3,
		.deltas = deltas,
		.delta_room = 3 };
}

static enum rota_err decode(struct rota_span file, size_t piece, struct rota_release *out)
{
	static uint8_t names[ROTA_RELEASE_NAMES_ROOM], value[ROTA_RELEASE_VALUE_ROOM];
	struct rota_release_decoder d;
	enum rota_err err = ROTA_OK;

	rota_release_begin(&d, &want, ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; err == ROTA_OK && at < file.len; at += piece)
		err = rota_release_feed(&d, rota_span_slice(file, at, piece));
	if (err == ROTA_OK)
		err = rota_release_end(&d);
	*out = d.release;
	return err;
}

/* `good` with its first `from` replaced by `to`. */
static struct rota_span edited(const char *from, const char *to)
{
	static char text[sizeof(good) + 1024];
	const char *at = strstr(good, from);

	if (at == NULL) {
		test_fail(__FILE__, __LINE__, "the row's text is not in the good file");
		return rota_span(NULL, 0);
	}
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	return rota_span_cstr(text);
}

static bool is(struct rota_span got, const char *wanted)
{
	return rota_span_eq(got, rota_span_cstr(wanted));
}

TEST(good_file_comes_out_whole)
{
	struct rota_release r;

	for (size_t piece = 1; piece < sizeof(good); piece = piece * 5 + 2) {
		keep_for("rev-b", "beta");
		CHECK_OK(decode(rota_span_cstr(good), piece, &r));
		CHECK(is(rota_name_span(&r.product), "sensor"));
		CHECK_EQ(r.version, UINT64_C(0x0102) << 48);
		CHECK_EQ(r.minimum, UINT64_C(0x0100) << 48);
		CHECK_EQ(r.issued_s, 1772323200);
		CHECK_EQ(r.abort, ROTA_ABORT_PAUSE);
		CHECK_EQ(r.ceilings.canary, 50);
		CHECK_EQ(r.ceilings.everyone, ROTA_EVERYONE_AUTO);
		CHECK_EQ(r.ceilings.first_ppm, 10000);
		CHECK_EQ(r.ceilings.growth, 2);
		CHECK_EQ(r.ceilings.soak_s, 86400);
		CHECK(r.ceilings.group);
		CHECK_EQ(r.revert_count, 2);
		CHECK(r.revert_to[1] == ((UINT64_C(0x0101) << 48) | 3));
		CHECK_EQ(r.component_count, 2);
		CHECK_EQ(r.delta_count, 2);
	}
}

TEST(components_come_out_in_order_and_whole)
{
	struct rota_release r;

	keep_for("rev-b", "");
	CHECK_OK(decode(rota_span_cstr(good), sizeof(good), &r));
	CHECK(!r.ceilings.group);
	CHECK(is(rota_name_span(&components[0].name), "table")); /* order 10 before 20 */
	CHECK(!components[0].has_digest);
	CHECK_EQ(components[0].depend_count, 0);
	CHECK(is(rota_name_span(&components[1].name), "main"));
	CHECK(is(rota_name_span(&components[1].slot), "app"));
	CHECK(is(rota_path_span(&components[1].path), "releases/sensor/1.2.0/main.bin"));
	CHECK_EQ(components[1].length, 123456);
	CHECK_EQ(components[1].counter, 7);
	CHECK(components[1].has_digest);
	CHECK_EQ(components[1].digest[31], 0x11);
	CHECK_EQ(components[1].sha256[31], 0x22);
	CHECK_EQ(components[1].depend_count, 1);
	CHECK(is(rota_name_span(&components[1].depends[0].name), "radio"));
	CHECK_EQ(components[1].depends[0].min, UINT64_C(0x0101) << 48);
	CHECK(is(rota_path_span(&deltas[1].path), "releases/sensor/1.2.0/table.delta"));
	CHECK_EQ(deltas[0].from[0], 0x33);
	CHECK_EQ(deltas[0].length, 10);
}

TEST(only_the_devices_own_is_kept)
{
	struct rota_release r;

	keep_for("rev-a", "other");
	want.component_room = 1;
	CHECK_OK(decode(rota_span_cstr(good), 64, &r));
	CHECK_EQ(r.component_count, 1);
	CHECK_EQ(r.delta_count, 1);
	CHECK(!r.ceilings.group);
	keep_for("rev-c", "");
	CHECK_OK(decode(rota_span_cstr(good), 64, &r));
	CHECK_EQ(r.component_count, 0);
	keep_for("", ""); /* no hardware: a tool that looks at all */
	CHECK_OK(decode(rota_span_cstr(good), 64, &r));
	CHECK_EQ(r.component_count, 2);
	want.component_room = 1;
	CHECK_EQ(decode(rota_span_cstr(good), 64, &r), ROTA_ERR_LIMIT);
	keep_for("rev-b", "");
	want.delta_room = 0;
	want.deltas = NULL;
	CHECK_OK(decode(rota_span_cstr(good), 64, &r));
	CHECK_EQ(r.delta_count, 0);
}

#define NAME33 "abcdefghijklmnopqrstuvwxyz0123456"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

TEST(edits_are_judged)
{
	static const struct {
		const char *reason, *from, *to;
		enum rota_err err;
	} rows[] = {
		{ "another type of file", "\"release\"", "\"rollout\"", ROTA_ERR_ROLE },
		{ "type is a number", "\"release\"", "1", ROTA_ERR_FORMAT },
		{ "no type", "\"_type\":\"release\",", "", ROTA_ERR_FORMAT },
		{ "format 2", "\"format\":1", "\"format\":2", ROTA_ERR_UNSUPPORTED },
		{ "format is a string", "\"format\":1", "\"format\":\"1\"", ROTA_ERR_FORMAT },
		{ "no format", "\"format\":1,", "", ROTA_ERR_FORMAT },
		{ "unknown abort rule", "\"pause\"", "\"stop\"", ROTA_ERR_UNSUPPORTED },
		{ "abort is null", "\"pause\"", "null", ROTA_ERR_FORMAT },
		{ "no abort", "\"abort\":\"pause\",", "", ROTA_ERR_FORMAT },
		{ "empty build", "\"ci-42\"", "\"\"", ROTA_ERR_FORMAT },
		{ "build of 128", "ci-42", X64 X64, ROTA_OK },
		{ "build of 129", "ci-42", X64 X64 "x", ROTA_ERR_LIMIT },
		{ "build is an object", "\"ci-42\"", "{}", ROTA_ERR_FORMAT },
		{ "no build", "\"build\":\"ci-42\",", "", ROTA_ERR_FORMAT },
		{ "ceilings is a list", "{\"canary\":50,", "[{\"canary\":50,", ROTA_ERR_FORMAT },
		{ "negative canary", "\"canary\":50", "\"canary\":-1", ROTA_ERR_FORMAT },
		{ "canary beyond 32 bits", "\"canary\":50", "\"canary\":4294967296",
			ROTA_ERR_LIMIT },
		{ "no canary", "\"canary\":50,", "", ROTA_ERR_FORMAT },
		{ "unknown everyone", "\"auto\"", "\"maybe\"", ROTA_ERR_UNSUPPORTED },
		{ "first_ppm beyond all", "10000,", "1000001,", ROTA_ERR_LIMIT },
		{ "first_ppm is true", "10000,", "true,", ROTA_ERR_FORMAT },
		{ "a group's name", "\"lab\"", "\"Lab\"", ROTA_ERR_FORMAT },
		{ "a group is a number", "\"lab\"", "3", ROTA_ERR_FORMAT },
		{ "16 groups", "\"lab\"",
			"\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\","
			"\"c\",\"d\",\"e\"",
			ROTA_OK },
		{ "17 groups", "\"lab\"",
			"\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\","
			"\"c\",\"d\",\"e\",\"f\"",
			ROTA_ERR_LIMIT },
		{ "no growth", "\"growth\":2,", "", ROTA_ERR_FORMAT },
		{ "growth 0", "\"growth\":2", "\"growth\":0", ROTA_ERR_FORMAT },
		{ "growth 1001", "\"growth\":2", "\"growth\":1001", ROTA_ERR_LIMIT },
		{ "soak 0", "86400", "0", ROTA_ERR_FORMAT },
		{ "soak beyond a year", "86400", "31536001", ROTA_ERR_LIMIT },
		{ "counter beyond 32 bits", "\"counter\":7", "\"counter\":4294967296",
			ROTA_ERR_LIMIT },
		{ "counter without a digest", "\"counter\":0", "\"counter\":1", ROTA_ERR_FORMAT },
		{ "no counter", "\"counter\":7,", "", ROTA_ERR_FORMAT },
		{ "no depends", "\"depends\":[],", "", ROTA_ERR_FORMAT },
		{ "dependency without a name", ",\"name\":\"radio\"", "", ROTA_ERR_FORMAT },
		{ "5 dependencies", "\"depends\":[]",
			"\"depends\":[{\"min\":\"1.0.0\",\"name\":\"a\"},"
			"{\"min\":\"1.0.0\",\"name\":\"b\"},{\"min\":\"1.0.0\",\"name\":\"c\"},"
			"{\"min\":\"1.0.0\",\"name\":\"d\"},{\"min\":\"1.0.0\",\"name\":\"e\"}]",
			ROTA_ERR_LIMIT },
		{ "short digest", "\"digest\":\"11", "\"digest\":\"", ROTA_ERR_FORMAT },
		{ "capital digest", "\"digest\":\"11", "\"digest\":\"AA", ROTA_ERR_FORMAT },
		{ "no hardware", "[\"rev-a\",\"rev-b\"]", "[]", ROTA_ERR_FORMAT },
		{ "9 hardware ids", "[\"rev-a\",\"rev-b\"]",
			"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", ROTA_ERR_LIMIT },
		{ "negative length", "123456", "-1", ROTA_ERR_FORMAT },
		{ "no length", "\"length\":123456,", "", ROTA_ERR_FORMAT },
		{ "component name too long", "\"main\"", "\"" NAME33 "\"", ROTA_ERR_LIMIT },
		{ "order 256", "\"order\":20", "\"order\":256", ROTA_ERR_LIMIT },
		{ "absolute path", "releases/sensor/1.2.0/main.bin", "/etc/passwd",
			ROTA_ERR_FORMAT },
		{ "path goes up", "1.2.0/main.bin", "../main.bin", ROTA_ERR_FORMAT },
		{ "path of 257", "releases/sensor/1.2.0/main.bin", X64 X64 X64 X64 "x",
			ROTA_ERR_LIMIT },
		{ "path of 256", "releases/sensor/1.2.0/main.bin", X64 X64 X64 X64, ROTA_OK },
		{ "no path", "\"path\":\"releases/sensor/1.2.0/main.bin\",", "", ROTA_ERR_FORMAT },
		{ "no sha256", ",\"sha256\":\"" D2 "\",\"slot\":\"app\"", ",\"slot\":\"app\"",
			ROTA_ERR_FORMAT },
		{ "no slot", ",\"slot\":\"app\"", "", ROTA_ERR_FORMAT },
		{ "component is a string", "{\"counter\":7,", "\"x\",{\"counter\":7,",
			ROTA_ERR_FORMAT },
		{ "deltas missing", "\"deltas\":[", "\"delta\":[", ROTA_ERR_FORMAT },
		{ "delta without its source", "\"from\":\"" D3 "\",", "", ROTA_ERR_FORMAT },
		{ "issued in another spelling", "2026-03-01T", "2026-3-01T", ROTA_ERR_FORMAT },
		{ "no issued", "\"issued\":\"2026-03-01T00:00:00Z\",", "", ROTA_ERR_FORMAT },
		{ "minimum is no version", "\"1.0.0\"", "\"1.0\"", ROTA_ERR_FORMAT },
		{ "no minimum", "\"minimum\":\"1.0.0\",", "", ROTA_ERR_FORMAT },
		{ "product's name", "\"sensor\"", "\"a/b\"", ROTA_ERR_FORMAT },
		{ "no product", "\"product\":\"sensor\",", "", ROTA_ERR_FORMAT },
		{ "no provenance", "\"provenance\":\"releases/sensor/1.2.0/provenance.json\",", "",
			ROTA_OK },
		{ "provenance is no path", "releases/sensor/1.2.0/provenance.json", "a//b",
			ROTA_ERR_FORMAT },
		{ "no sbom", "\"sbom\":\"releases/sensor/1.2.0/sbom.json\",", "", ROTA_OK },
		{ "sbom is null", "\"releases/sensor/1.2.0/sbom.json\"", "null", ROTA_ERR_FORMAT },
		{ "9 versions to revert to", "\"1.0.5\"",
			"\"1.0.1\",\"1.0.2\",\"1.0.3\",\"1.0.4\",\"1.0.5\",\"1.0.6\",\"1.0.7\","
			"\"1.0.8\"",
			ROTA_ERR_LIMIT },
		{ "8 versions to revert to", "\"1.0.5\"",
			"\"1.0.1\",\"1.0.2\",\"1.0.3\",\"1.0.4\",\"1.0.5\",\"1.0.6\",\"1.0.7\"",
			ROTA_OK },
		{ "no revert_to", "\"revert_to\":", "\"revert_tp\":", ROTA_ERR_FORMAT },
		{ "no version", ",\"version\":\"1.2.0\"", "", ROTA_ERR_FORMAT },
		{ "version twice", ",\"version\":\"1.2.0\"",
			",\"version\":\"1.2.0\",\"version\":\"1.2.0\"", ROTA_ERR_SPELLING },
		{ "unknown members", "\"version\":\"1.2.0\"",
			"\"version\":\"1.2.0\",\"z\":[{\"abort\":1,\"z\":[]},\"" X64 X64 X64 X64 X64
			"\"]",
			ROTA_OK },
		{ "unknown member of a component", "\"slot\":\"app\"",
			"\"slot\":\"app\",\"zeal\":{\"slot\":7}", ROTA_OK },
		{ "cut off", "\"version\":\"1.2.0\"}", "\"version\":\"1.2.0\"", ROTA_ERR_SPELLING },
		{ "white space", "\"format\":1", "\"format\": 1", ROTA_ERR_SPELLING },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_release r;

		ROW(rows[i].reason);
		keep_for("rev-b", "beta");
		CHECK_EQ(decode(edited(rows[i].from, rows[i].to), 100, &r), rows[i].err);
	}
}

TEST(lists_have_maxima)
{
	static const char one[] =
		"{\"counter\":0,\"depends\":[],\"hardware\":[\"rev-z\"],\"length\":1,"
		"\"name\":\"n\",\"order\":0,\"path\":\"p\",\"sha256\":\"" D1 "\",\"slot\":\"s\"},";
	static const char delta[] = "{\"component\":\"x\",\"from\":\"" D1
				    "\",\"length\":1,\"path\":\"p\",\"sha256\":\"" D1 "\"},";
	static char text[sizeof(good) + 20 * sizeof(delta)];
	struct rota_release r;

	for (int more = 6; more <= 7; more++) { /* 8 and 9 components with the two of `good` */
		const char *at = strstr(good, "{\"counter\":7");
		int len = snprintf(text, sizeof(text), "%.*s", (int)(at - good), good);

		for (int i = 0; i < more; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", one);
		snprintf(text + len, sizeof(text) - (size_t)len, "%s", at);
		keep_for("rev-b", "");
		CHECK_EQ(decode(rota_span_cstr(text), 1000, &r),
			more == 6 ? ROTA_OK : ROTA_ERR_LIMIT);
	}
	for (int more = 14; more <= 15; more++) { /* 16 and 17 deltas */
		const char *at = strstr(good, "{\"component\"");
		int len = snprintf(text, sizeof(text), "%.*s", (int)(at - good), good);

		for (int i = 0; i < more; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", delta);
		snprintf(text + len, sizeof(text) - (size_t)len, "%s", at);
		keep_for("rev-b", "");
		CHECK_EQ(decode(rota_span_cstr(text), 1000, &r),
			more == 14 ? ROTA_OK : ROTA_ERR_LIMIT);
	}
}

TEST(file_has_a_maximum)
{
	static uint8_t names[ROTA_RELEASE_NAMES_ROOM], value[ROTA_RELEASE_VALUE_ROOM];
	static uint8_t blank[ROTA_RELEASE_MAX];
	struct rota_release_decoder d;
	enum rota_err err;

	memset(blank, 'x', sizeof(blank));
	keep_for("rev-b", "");
	rota_release_begin(&d, &want, ROTA_BUF(names), ROTA_BUF(value));
	CHECK_OK(rota_release_feed(&d, ROTA_STR("{\"_\":\"")));
	err = rota_release_feed(&d, rota_span(blank, ROTA_RELEASE_MAX - 6));
	CHECK_OK(err);
	CHECK_EQ(rota_release_feed(&d, ROTA_STR("\"")), ROTA_ERR_LIMIT);
}

/* ---- SPEC 7.2 and 7.3 ---- */

static const struct rota_span both_slots[] = { { (const uint8_t *)"app", 3 },
	{ (const uint8_t *)"data", 4 } };

static struct rota_release_device device_of(const char *role, const char *product, const char *path)
{
	return (struct rota_release_device){ .role = rota_span_cstr(role),
		.path = rota_span_cstr(path),
		.product = rota_span_cstr(product),
		.slots = both_slots,
		.slot_count = 2 };
}

TEST(product_path_and_version_agree)
{
	static const struct {
		const char *reason, *role, *product, *path;
		enum rota_err err;
	} rows[] = {
		{ "all agree", "releases", "sensor", "releases/sensor/1.2.0/release.json",
			ROTA_OK },
		{ "ci", "ci", "sensor", "ci/sensor/1.2.0/release.json", ROTA_OK },
		{ "another product asks", "releases", "pump", "releases/pump/1.2.0/release.json",
			ROTA_ERR_PRODUCT },
		{ "in another product's folder", "releases", "sensor",
			"releases/pump/1.2.0/release.json", ROTA_ERR_PRODUCT },
		{ "in another version's folder", "releases", "sensor",
			"releases/sensor/1.2.1/release.json", ROTA_ERR_VERSION },
		{ "version is a prefix", "releases", "sensor",
			"releases/sensor/1.2.0+1/release.json", ROTA_ERR_VERSION },
		{ "another role's folder", "releases", "sensor", "ci/sensor/1.2.0/release.json",
			ROTA_ERR_VERSION },
		{ "another file", "releases", "sensor", "releases/sensor/1.2.0/main.bin",
			ROTA_ERR_VERSION },
	};
	struct rota_release r;

	keep_for("rev-b", "");
	CHECK_OK(decode(rota_span_cstr(good), 1000, &r));
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_release_device device =
			device_of(rows[i].role, rows[i].product, rows[i].path);

		ROW(rows[i].reason);
		CHECK_EQ(rota_release_agrees(&r, &device), rows[i].err);
	}
}

TEST(components_fit_the_device)
{
	struct rota_release_device device =
		device_of("releases", "sensor", "releases/sensor/1.2.0/release.json");
	struct rota_release r;

	keep_for("rev-b", "");
	CHECK_OK(decode(rota_span_cstr(good), 1000, &r));
	CHECK_OK(rota_release_fits(&r, &want, &device));
	device.slot_count = 1; /* no slot `data` */
	CHECK_EQ(rota_release_fits(&r, &want, &device), ROTA_ERR_HARDWARE);
	keep_for("rev-a", ""); /* which has nothing for `data` */
	CHECK_OK(decode(rota_span_cstr(good), 1000, &r));
	CHECK_OK(rota_release_fits(&r, &want, &device));
	keep_for("rev-c", "");
	CHECK_OK(decode(rota_span_cstr(good), 1000, &r));
	CHECK_EQ(rota_release_fits(&r, &want, &device), ROTA_ERR_HARDWARE);
	device.slot_count = 2;
	keep_for("rev-b", "");
	CHECK_OK(decode(edited("\"slot\":\"data\"", "\"slot\":\"app\""), 1000, &r));
	CHECK_EQ(rota_release_fits(&r, &want, &device), ROTA_ERR_FORMAT);
	keep_for("rev-b", "");
	CHECK_OK(decode(edited("\"name\":\"table\"", "\"name\":\"main\""), 1000, &r));
	CHECK_EQ(rota_release_fits(&r, &want, &device), ROTA_ERR_FORMAT);
}

/* SPEC 16.5: of images, not of other payloads. */
TEST(images_of_one_hardware_have_one_counter)
{
	struct rota_release_device device =
		device_of("releases", "sensor", "releases/sensor/1.2.0/release.json");
	struct rota_release r;

	keep_for("rev-b", "");
	CHECK_OK(decode(edited("\"counter\":0,\"depends\":[]",
				"\"counter\":8,\"depends\":[],\"digest\":\"" D3 "\""),
		1000, &r));
	CHECK_EQ(rota_release_fits(&r, &want, &device), ROTA_ERR_COUNTER);
	keep_for("rev-b", "");
	CHECK_OK(decode(edited("\"counter\":0,\"depends\":[]",
				"\"counter\":7,\"depends\":[],\"digest\":\"" D3 "\""),
		1000, &r));
	CHECK_OK(rota_release_fits(&r, &want, &device));
}

TEST(dependencies)
{
	struct rota_installed radio = { ROTA_STR("radio"), UINT64_C(0x0101) << 48 };
	struct rota_release r;

	keep_for("rev-b", "");
	CHECK_OK(decode(rota_span_cstr(good), 1000, &r));
	CHECK_OK(rota_release_depends_met(&r, &want, &radio, 1));
	CHECK_EQ(rota_release_depends_met(&r, &want, NULL, 0), ROTA_ERR_VERSION);
	radio.version--;
	CHECK_EQ(rota_release_depends_met(&r, &want, &radio, 1), ROTA_ERR_VERSION);
	keep_for("rev-b", ""); /* on what comes with the release, in its version */
	CHECK_OK(decode(edited("\"name\":\"radio\"", "\"name\":\"table\""), 1000, &r));
	CHECK_OK(rota_release_depends_met(&r, &want, NULL, 0));
	keep_for("rev-b", "");
	CHECK_OK(decode(edited("\"min\":\"1.1.0\",\"name\":\"radio\"",
				"\"min\":\"1.2.0+1\",\"name\":\"table\""),
		1000, &r));
	CHECK_EQ(rota_release_depends_met(&r, &want, NULL, 0), ROTA_ERR_VERSION);
}

TEST(downgrades)
{
	static const uint64_t listed[] = { 30, 50 };
	static const struct {
		const char *reason;
		uint64_t version, minimum, running, before;
		bool has_before, with_list;
		enum rota_err err;
	} rows[] = {
		{ "upgrade", 120, 100, 110, 0, false, false, ROTA_OK },
		{ "the same version", 110, 100, 110, 0, false, false, ROTA_OK },
		{ "minimum is what runs", 120, 110, 110, 0, false, false, ROTA_OK },
		{ "minimum above what runs", 120, 111, 110, 0, false, false, ROTA_ERR_VERSION },
		{ "older", 109, 0, 110, 0, false, false, ROTA_ERR_DOWNGRADE },
		{ "older, the one before", 100, 0, 110, 100, true, false, ROTA_OK },
		{ "older than the one before", 99, 0, 110, 100, true, false, ROTA_ERR_DOWNGRADE },
		{ "between the one before and this", 105, 0, 110, 100, true, false,
			ROTA_ERR_DOWNGRADE },
		{ "no one before, version 0", 0, 0, 110, 0, false, false, ROTA_ERR_DOWNGRADE },
		{ "older, listed", 50, 0, 110, 0, false, true, ROTA_OK },
		{ "older, not listed", 40, 0, 110, 0, false, true, ROTA_ERR_DOWNGRADE },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_release r = { .version = rows[i].version, .minimum = rows[i].minimum };
		struct rota_release_running running = { .version = rows[i].running,
			.has_before = rows[i].has_before,
			.before = rows[i].before,
			.revert_to = listed,
			.revert_count = rows[i].with_list ? 2 : 0 };

		ROW(rows[i].reason);
		CHECK_EQ(rota_release_follows(&r, &running), rows[i].err);
	}
}

TESTS(T(good_file_comes_out_whole), T(components_come_out_in_order_and_whole),
	T(only_the_devices_own_is_kept), T(edits_are_judged), T(lists_have_maxima),
	T(file_has_a_maximum), T(product_path_and_version_agree), T(components_fit_the_device),
	T(images_of_one_hardware_have_one_counter), T(dependencies), T(downgrades))
