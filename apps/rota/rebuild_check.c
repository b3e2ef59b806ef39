/* SPDX-License-Identifier: Apache-2.0 */
/* rota rebuild-check: build again what a statement speaks of, and compare bit for bit. */
#include "apps/rota/build_sign.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/build/build.h"
#include "host/build/dsse.h"
#include "host/build/packages.h"
#include "host/sign/duty.h"
#include "host/sign/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 256

static const char *source, *keep, *builder, *timeout;
static bool sign, json;

static const struct opts_row rows[] = {
	{ "source", "DIR", "the same source, as this machine has it", OPTS_TEXT, &source },
	{ "keep", "DIR", "folder to make and to leave the artifacts in", OPTS_TEXT, &keep },
	{ "builder", "URI", "who builds here (with --sign)", OPTS_TEXT, &builder },
	{ "timeout", "TIME", "then the command is killed (default 1h)", OPTS_TEXT, &timeout },
	{ "sign", NULL, "where all is equal, add this builder's signed statement to FILE",
		OPTS_FLAG, &sign },
	{ "json", NULL, "print the result as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota rebuild-check --source DIR [OPTION]... FILE",
	.text = "Builds again what FILE, a provenance.json or provenance.jsonl of `rota build`, "
		"says, in a\n"
		"namespace without network, and compares: source tree, then every artifact bit by "
		"bit by its\n"
		"SHA-256, and image digests. The command is the one in FILE, and can reach nothing "
		"of this\n"
		"machine but /usr.",
	.examples = "  rota rebuild-check --source fw made/provenance.json\n"
		    "  rota rebuild-check --sign --source fw --builder https://two.example.org/ "
		    "made/provenance.jsonl",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* What was read of the statement, and where the second build goes. */
struct second {
	const char *path;
	struct rota_bytes file;
	bool bundle; /* lines of envelopes */
	json_t *statement; /* owned */
	const json_t *parameters; /* within it */
	const char *words[WORDS_MAX + 1], *hardware[ROTA_IMAGE_SIGN_HARDWARE_MAX];
	struct rota_build_plan plan;
	json_t *packages;
	char *out, *work, drawn[33];
};

/* A statement as it is, or the first envelope of a bundle, whoever signed it: what it says is tried, not believed. */
static enum rota_err read_statement(struct second *s, struct rota_fail *why)
{
	struct rota_span rest, line;
	struct rota_bytes text;
	enum rota_err err;
	size_t signer;

	ROTA_TRY(rota_file_read(s->path, ROTA_DSSE_BUNDLE_MAX, &s->file, why));
	rest = rota_bytes_span(&s->file);
	if (rota_provenance_parse(rest, &s->statement, why) == ROTA_OK)
		return ROTA_OK;
	s->bundle = true;
	if (!rota_dsse_line(&rest, &line) ||
		rota_dsse_read(line, NULL, 0, &text, &signer, why) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s is no statement of a build and no bundle of them (SPEC 26.1, 26.2)",
			s->path);
	err = rota_provenance_parse(rota_bytes_span(&text), &s->statement, why);
	rota_bytes_free(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", s->path);
}

static enum rota_err read_image(struct second *s, struct rota_fail *why)
{
	const json_t *image = json_object_get(s->parameters, "image"), *one;
	const char *product = json_string_value(json_object_get(image, "product"));
	const char *version = json_string_value(json_object_get(image, "version"));
	json_int_t counter = json_integer_value(json_object_get(image, "counter"));
	size_t i;

	if (!json_is_object(image))
		return ROTA_OK;
	json_array_foreach(json_object_get(image, "hardware"), i, one)
	{
		if (i == ROTA_IMAGE_SIGN_HARDWARE_MAX || !json_is_string(one))
			return rota_fail(why, ROTA_ERR_FORMAT, "%s: wrong hardware", s->path);
		s->hardware[i] = json_string_value(one);
		s->plan.image.hardware_count = i + 1;
	}
	if (!product || !rota_name_ok(product) || !version ||
		!rota_version_of(version, &s->plan.image.version) || counter < 0 ||
		counter > UINT32_MAX)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: wrong image", s->path);
	s->plan.image.product = product;
	s->plan.image.counter = (uint32_t)counter;
	s->plan.image.hardware = s->hardware;
	return ROTA_OK;
}

static enum rota_err read_parameters(struct second *s, struct rota_fail *why)
{
	const json_t *definition =
		json_object_get(json_object_get(s->statement, "predicate"), "buildDefinition");
	const json_t *command, *one;
	size_t i;

	s->parameters = json_object_get(definition, "externalParameters");
	s->plan.paths = json_object_get(s->parameters, "artifacts");
	s->plan.epoch_s = (uint64_t)json_integer_value(json_object_get(s->parameters, "epoch"));
	command = json_object_get(s->parameters, "command");
	if (json_array_size(command) == 0 || json_array_size(command) > WORDS_MAX ||
		!json_is_string(json_object_get(s->parameters, "source")) ||
		!json_is_string(json_object_get(s->parameters, "revision")))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: wrong externalParameters", s->path);
	json_array_foreach(command, i, one)
	{
		s->words[i] = json_string_value(one);
		if (!s->words[i])
			return rota_fail(why, ROTA_ERR_FORMAT, "%s: wrong command", s->path);
	}
	s->plan.argv = s->words;
	return read_image(s, why);
}

/* The digest of the source that the statement names first. */
static const char *tree_of(const struct second *s)
{
	const json_t *materials = json_object_get(
		json_object_get(json_object_get(s->statement, "predicate"), "buildDefinition"),
		"resolvedDependencies");

	return json_string_value(json_object_get(
		json_object_get(json_array_get(materials, 0), "digest"), "rotaTree"));
}

/* Packages of the statement that are not here in that version: what is likely to be the reason. */
static size_t packages_apart(const struct second *s, const char **first)
{
	const json_t *materials = json_object_get(
		json_object_get(json_object_get(s->statement, "predicate"), "buildDefinition"),
		"resolvedDependencies");
	json_t *here = json_object();
	const json_t *one;
	size_t i, apart = 0;

	json_array_foreach(s->packages, i, one) json_object_set_new(
		here, json_string_value(json_object_get(one, "purl")), json_true());
	json_array_foreach(materials, i, one)
	{
		const char *purl = json_string_value(json_object_get(one, "uri"));

		if (i == 0 || !purl || json_object_get(here, purl))
			continue;
		if (apart++ == 0)
			*first = purl;
	}
	json_decref(here);
	return apart;
}

static bool same(const struct second *s, const json_t *artifact)
{
	const char *name = json_string_value(json_object_get(artifact, "name"));
	const char *image = json_string_value(json_object_get(artifact, "image"));
	const char *was = rota_provenance_subject(s->statement, name);
	char *image_name = rota_text("%s#image", name);
	const char *image_was = rota_provenance_subject(s->statement, image_name);

	free(image_name);
	if (!was || strcmp(was, json_string_value(json_object_get(artifact, "digest"))) != 0)
		return false;
	return !image || (image_was && strcmp(image, image_was) == 0);
}

static enum rota_err compare(
	const struct second *s, const struct rota_build_done *done, struct rota_fail *why)
{
	const char *tree = tree_of(s), *package = "", *other = NULL;
	const json_t *one;
	size_t i, apart, differ = 0;

	if (!tree || strcmp(tree, done->tree) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "another source: tree %.16s here, %.16s in %s",
			done->tree, tree ? tree : "none", s->path);
	json_array_foreach(done->artifacts, i, one)
	{
		if (same(s, one))
			continue;
		if (differ++ == 0)
			other = json_string_value(json_object_get(one, "name"));
	}
	if (differ == 0)
		return ROTA_OK;
	apart = packages_apart(s, &package);
	return rota_fail(why, ROTA_ERR_HASH,
		"%s comes out otherwise here (%zu of %zu artifacts); %zu packages are other "
		"ones%s%s",
		other, differ, json_array_size(done->artifacts), apart,
		apart ? ", the first is " : "; the build itself is not reproducible", package);
}

static enum rota_err add_statement(
	const struct second *s, const struct rota_build_done *done, struct rota_fail *why)
{
	const struct rota_build_facts facts = { .id = s->drawn,
		.source = json_string_value(json_object_get(s->parameters, "source")),
		.revision = json_string_value(json_object_get(s->parameters, "revision")),
		.builder = builder ? builder : "https://rota.invalid/builder/second",
		.command = json_object_get(s->parameters, "command"),
		.paths = s->plan.paths,
		.artifacts = done->artifacts,
		.packages = s->packages,
		.tree = done->tree,
		.image = s->plan.image,
		.epoch_s = s->plan.epoch_s,
		.started_s = done->started_s,
		.finished_s = done->finished_s };
	struct rota_bytes text, bundle = { 0 };
	json_t *statement = rota_provenance_make(&facts);
	enum rota_err err = rota_json_encode(statement, ROTA_JSON_FILE, &text, why);

	json_decref(statement);
	ROTA_TRY(err);
	rota_bytes_add(&bundle, rota_bytes_span(&s->file));
	err = build_sign(rota_bytes_span(&text), &bundle, why);
	if (err == ROTA_OK)
		err = rota_file_write(s->path, rota_bytes_span(&bundle), 0644, why);
	rota_bytes_free(&text);
	rota_bytes_free(&bundle);
	return err;
}

static void report(const struct second *s, const struct rota_build_done *done)
{
	json_t *all;

	if (!json) {
		printf("%s: %zu artifact%s the same here, bit for bit%s\n", s->path,
			json_array_size(done->artifacts),
			json_array_size(done->artifacts) == 1 ? " is" : "s are",
			sign ? "; signed" : "");
		return;
	}
	all = json_pack(
		"{s:O,s:b,s:s}", "artifacts", done->artifacts, "signed", sign, "tree", done->tree);
	json_dumpf(all, stdout, JSON_SORT_KEYS | JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

static enum rota_err check(struct second *s, struct rota_fail *why)
{
	struct rota_build_done done;
	char vendor[32];
	enum rota_err err;

	if (keep && rota_file_exists(keep))
		return rota_fail(why, ROTA_ERR_STATE, "--keep %s is there already", keep);
	ROTA_TRY(read_statement(s, why));
	ROTA_TRY(read_parameters(s, why));
	if (sign && !s->bundle)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"%s is not signed itself; --sign adds to a provenance.jsonl", s->path);
	if (sign)
		ROTA_TRY(build_can_sign(why));
	rota_packages_vendor(vendor);
	ROTA_TRY(rota_packages_read(NULL, vendor, &s->packages, why));
	ROTA_TRY(rota_file_mkdir_anew(s->out, 0755, why));
	ROTA_TRY(rota_build_run(&s->plan, &done, why));
	err = compare(s, &done, why);
	if (err == ROTA_OK && sign)
		err = add_statement(s, &done, why);
	if (err == ROTA_OK)
		report(s, &done);
	json_decref(done.artifacts);
	return err;
}

int verb_rebuild_check(int argc, char **argv)
{
	struct second s = { 0 };
	uint64_t timeout_s;
	struct rota_fail why;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!source)
		return opts_wrong(&usage, "--source DIR is needed");
	if (!rota_duration_parse(timeout ? timeout : "1h", &timeout_s) || timeout_s == 0 ||
		timeout_s > 7 * 86400)
		return opts_wrong(&usage, "--timeout %s is no time up to 7d", timeout);
	s.path = argv[at];
	s.out = rota_text("%s%s", keep ? keep : s.path, keep ? "" : ".again");
	s.work = rota_text("%s.work", s.out);
	s.plan.source = source;
	s.plan.timeout_s = (uint32_t)timeout_s;
	s.plan.out = s.out;
	s.plan.work = s.work;
	build_id(s.drawn);
	status = check(&s, &why) == ROTA_OK ? 0 : say_fail(&why);
	if (!keep)
		rota_file_remove_tree(s.out);
	free(s.out);
	free(s.work);
	rota_bytes_free(&s.file);
	json_decref(s.statement);
	json_decref(s.packages);
	return status;
}
