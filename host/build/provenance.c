/* SPDX-License-Identifier: Apache-2.0 */
#include "host/build/provenance.h"
#include "host/base/when.h"
#include "host/build/dsse.h"
#include "host/sign/duty.h"

#include <stdio.h>
#include <string.h>

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define PREDICATE_TYPE "https://slsa.dev/provenance/v1"
#define BUILD_TYPE "https://rota.invalid/build/v1"
/* A component's name and "#image". */
#define SUBJECT_MAX 64

static json_t *subject(const char *name, const char *suffix, const char *digest)
{
	return json_pack("{s:s+,s:{s:s}}", "name", name, suffix, "digest", "sha256", digest);
}

static json_t *subjects(const json_t *artifacts)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach(artifacts, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *image = json_string_value(json_object_get(one, "image"));

		json_array_append_new(
			list, subject(name, "", json_string_value(json_object_get(one, "digest"))));
		if (image)
			json_array_append_new(list, subject(name, "#image", image));
	}
	return list;
}

/* The source first, then each package of the machine. */
static json_t *materials(const struct rota_build_facts *f)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_append_new(
		list, json_pack("{s:s,s:{s:s}}", "uri", f->source, "digest", "rotaTree", f->tree));
	json_array_foreach(f->packages, i, one) json_array_append_new(
		list, json_pack("{s:O}", "uri", json_object_get(one, "purl")));
	return list;
}

static json_t *image_json(const struct rota_build_image *image)
{
	char version[ROTA_VERSION_CSTR_MAX];
	json_t *hardware = json_array();

	if (!image->product) {
		json_decref(hardware);
		return json_null();
	}
	for (size_t i = 0; i < image->hardware_count; i++)
		json_array_append_new(hardware, json_string(image->hardware[i]));
	rota_version_cstr(image->version, version);
	return json_pack("{s:I,s:o,s:s,s:s}", "counter", (json_int_t)image->counter, "hardware",
		hardware, "product", image->product, "version", version);
}

json_t *rota_provenance_make(const struct rota_build_facts *f)
{
	char started[ROTA_WHEN_LEN], finished[ROTA_WHEN_LEN];
	json_t *definition, *run;

	rota_when_text(f->started_s, started);
	rota_when_text(f->finished_s, finished);
	definition = json_pack("{s:s,s:{s:O,s:O,s:I,s:o,s:s,s:s},s:{},s:o}", "buildType",
		BUILD_TYPE, "externalParameters", "artifacts", f->paths, "command", f->command,
		"epoch", (json_int_t)f->epoch_s, "image", image_json(&f->image), "revision",
		f->revision, "source", f->source, "internalParameters", "resolvedDependencies",
		materials(f));
	run = json_pack("{s:{s:s},s:{s:s,s:s,s:s}}", "builder", "id", f->builder, "metadata",
		"finishedOn", finished, "invocationId", f->id, "startedOn", started);
	return json_pack("{s:s,s:{s:o,s:o},s:s,s:o}", "_type", STATEMENT_TYPE, "predicate",
		"buildDefinition", definition, "runDetails", run, "predicateType", PREDICATE_TYPE,
		"subject", subjects(f->artifacts));
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
	const char *is = json_string_value(json_object_get(object, name));

	return is && strcmp(is, text) == 0;
}

enum rota_err rota_provenance_parse(
	struct rota_span text, json_t **statement, struct rota_fail *why)
{
	const json_t *definition;

	ROTA_TRY(rota_json_parse_strict(text, statement, why));
	definition = json_object_get(json_object_get(*statement, "predicate"), "buildDefinition");
	if (is_text(*statement, "_type", STATEMENT_TYPE) &&
		is_text(*statement, "predicateType", PREDICATE_TYPE) &&
		is_text(definition, "buildType", BUILD_TYPE))
		return ROTA_OK;
	json_decref(*statement);
	*statement = NULL;
	return rota_fail(
		why, ROTA_ERR_FORMAT, "no in-toto statement of a build of ours (SPEC 26.1)");
}

const char *rota_provenance_subject(const json_t *statement, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(statement, "subject"), i, one) if (
		is_text(one, "name",
			name)) return json_string_value(json_object_get(json_object_get(one,
										"digest"),
		"sha256"));
	return NULL;
}

/* Every component of the release stands in this statement, and as it is there. */
static enum rota_err agrees(
	const json_t *statement, const json_t *release, const char *builder, struct rota_fail *why)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(release, "components"), i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *want = json_string_value(json_object_get(one, "digest"));
		bool image = want != NULL;
		char subject_name[SUBJECT_MAX];
		const char *built;

		if (!image)
			want = json_string_value(json_object_get(one, "sha256"));
		snprintf(subject_name, sizeof(subject_name), "%s%s", name ? name : "",
			image ? "#image" : "");
		built = rota_provenance_subject(statement, subject_name);
		if (!built || !want || strcmp(built, want) != 0)
			return rota_fail(why, ROTA_ERR_HASH,
				"builder %s built %s as %.16s, the release has %.16s (SPEC 26.5)",
				builder, subject_name, built ? built : "nothing",
				want ? want : "nothing");
	}
	return ROTA_OK;
}

/* One line of the bundle; `seen` counts each builder once. */
static enum rota_err check_line(struct rota_span line, const struct rota_named_key *builders,
	size_t count, const json_t *release, bool *seen, struct rota_fail *why)
{
	uint8_t points[ROTA_NAMED_KEYS_MAX][ROTA_P256_KEY_LEN];
	struct rota_bytes text;
	json_t *statement;
	enum rota_err err;
	size_t signer;

	for (size_t i = 0; i < count; i++)
		memcpy(points[i], builders[i].key, sizeof(points[i]));
	ROTA_TRY(rota_dsse_read(
		line, (const uint8_t(*)[ROTA_P256_KEY_LEN])points, count, &text, &signer, why));
	if (signer == count) { /* of nobody that is known: it neither helps nor hinders */
		rota_bytes_free(&text);
		return ROTA_OK;
	}
	err = rota_provenance_parse(rota_bytes_span(&text), &statement, why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	err = agrees(statement, release, builders[signer].name, why);
	json_decref(statement);
	seen[signer] = true;
	return err;
}

enum rota_err rota_provenance_check(struct rota_span bundle, const struct rota_named_key *builders,
	size_t count, const json_t *release, unsigned need, struct rota_fail *why)
{
	bool seen[ROTA_NAMED_KEYS_MAX] = { false };
	struct rota_span line;
	unsigned lines = 0, have = 0;

	if (json_array_size(json_object_get(release, "components")) == 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "a release without components");
	while (rota_dsse_line(&bundle, &line)) {
		if (lines++ == ROTA_DSSE_LINES_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT,
				"more than %d envelopes in the provenance", ROTA_DSSE_LINES_MAX);
		ROTA_TRY(check_line(line, builders, count, release, seen, why));
	}
	for (size_t i = 0; i < count; i++)
		have += seen[i];
	if (have >= need)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_THRESHOLD,
		"%u of %u builders say how this was built: rota rebuild-check --sign adds one "
		"(SPEC 26.5)",
		have, need);
}
