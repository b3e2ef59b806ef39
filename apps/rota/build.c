/* SPDX-License-Identifier: Apache-2.0 */
/* rota build: a source to artifacts without network, and a statement of what they were made of. */
#include "apps/rota/build_sign.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/build/build.h"
#include "host/build/packages.h"
#include "host/sign/duty.h"
#include "host/sign/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILDER "https://rota.invalid/builder/v1"

static const char *source, *uri, *revision, *out, *id, *builder, *epoch, *timeout, *version;
static const char *product, *counter;
static struct opts_list artifacts, hardware, contains;
static bool sign, key, json;

static const struct opts_row rows[] = {
	{ "source", "DIR", "folder to build; it is copied, .git is left out", OPTS_TEXT, &source },
	{ "uri", "URI", "where that source comes from, as the statement says it", OPTS_TEXT, &uri },
	{ "revision", "REV", "its revision there, as a commit", OPTS_TEXT, &revision },
	{ "artifact", "NAME=PATH", "file below the source that the command makes; may repeat",
		OPTS_LIST, &artifacts },
	{ "out", "DIR", "folder to make: artifacts, provenance.json, sbom.json", OPTS_TEXT, &out },
	{ "version", "VERSION", "version of what is built (default 0.0.0)", OPTS_TEXT, &version },
	{ "hardware", "ID", "artifacts become images for it; may repeat, at most 8", OPTS_LIST,
		&hardware },
	{ "counter", "N", "security counter of these images (default 0)", OPTS_TEXT, &counter },
	{ "product", "NAME", "product of these images (needed with --hardware)", OPTS_TEXT,
		&product },
	{ "contains", "PACKAGE", "installed package whose code is in it; may repeat", OPTS_LIST,
		&contains },
	{ "id", "ID", "build id (default: drawn)", OPTS_TEXT, &id },
	{ "builder", "URI", "who builds (default " BUILDER ")", OPTS_TEXT, &builder },
	{ "epoch", "TIME",
		"YYYY-MM-DDThh:mm:ssZ, of all files and SOURCE_DATE_EPOCH (default "
		"1980-01-01T00:00:00Z)",
		OPTS_TEXT, &epoch },
	{ "timeout", "TIME", "then the command is killed (default 1h)", OPTS_TEXT, &timeout },
	{ "sign", NULL, "sign the statement with [keys builder]: provenance.jsonl", OPTS_FLAG,
		&sign },
	{ "key", NULL, "print the public key of [keys builder] and build nothing", OPTS_FLAG,
		&key },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota build --source DIR --uri URI --revision REV --artifact NAME=PATH --out "
		    "DIR [OPTION]... -- COMMAND [ARG]...",
	.text = "Copies DIR to /build of a namespace without network, where of this machine only "
		"/usr can be\n"
		"seen, runs COMMAND there, takes the artifacts out, and writes who built what from "
		"what\n"
		"(in-toto, SLSA 1.0) and a bill of materials (CycloneDX 1.5). The same source and "
		"packages give\n"
		"the same artifacts elsewhere, which `rota rebuild-check` tries.",
	.examples =
		"  rota build --source fw --uri https://git.example.org/fw --revision 1f3c9d2 \\\n"
		"      --artifact app=sensor --out made -- make sensor\n"
		"  rota build --sign --source fw --uri https://git.example.org/fw --revision "
		"1f3c9d2 \\\n"
		"      --artifact app=sensor --out made --version 2.0.0 --product sensor \\\n"
		"      --hardware board-a --counter 2 --contains libc6-dev -- make sensor",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 256,
};

/* What is written, below a folder that gets its name when all of it is there. */
struct made {
	struct rota_build_plan plan;
	struct rota_build_facts facts;
	json_t *command, *paths, *packages, *inside;
	char *draft, *work, drawn[33];
};

static int fill_image(struct rota_build_image *image)
{
	uint64_t number;

	if (!rota_version_of(version ? version : "0.0.0", &image->version))
		return opts_wrong(
			&usage, "--version needs major.minor.revision[+build] (SPEC 1.3)");
	if (!opts_number(counter ? counter : "0", UINT32_MAX, &number))
		return opts_wrong(&usage, "--counter %s is no number below 2^32", counter);
	image->counter = (uint32_t)number;
	if (hardware.count == 0 && (product || counter))
		return opts_wrong(&usage, "--product and --counter go with --hardware");
	if (hardware.count == 0)
		return 0;
	if (!product || !rota_name_ok(product))
		return opts_wrong(&usage, "--hardware needs --product NAME of 1 to 32 [a-z0-9._-]");
	if (hardware.count > ROTA_IMAGE_SIGN_HARDWARE_MAX)
		return opts_wrong(&usage, "--hardware stands more than %d times",
			ROTA_IMAGE_SIGN_HARDWARE_MAX);
	for (size_t i = 0; i < hardware.count; i++)
		if (!rota_name_ok(hardware.at[i]))
			return opts_wrong(&usage, "hardware '%s' is no name of 1 to 32 [a-z0-9._-]",
				hardware.at[i]);
	image->product = product;
	image->hardware = hardware.at;
	image->hardware_count = hardware.count;
	return 0;
}

static int fill_paths(struct made *m)
{
	for (size_t i = 0; i < artifacts.count; i++) {
		const char *equals = strchr(artifacts.at[i], '=');
		size_t len = equals ? (size_t)(equals - artifacts.at[i]) : 0;

		if (!equals)
			return opts_wrong(
				&usage, "--artifact %s is not NAME=PATH", artifacts.at[i]);
		if (json_object_getn(m->paths, artifacts.at[i], len))
			return opts_wrong(
				&usage, "--artifact %.*s stands twice", (int)len, artifacts.at[i]);
		if (json_object_setn_new(m->paths, artifacts.at[i], len, json_string(equals + 1)) !=
			0)
			return opts_wrong(&usage, "--artifact %s is not UTF-8", artifacts.at[i]);
	}
	return 0;
}

static int fill(struct made *m, char **command)
{
	uint64_t timeout_s;
	int status;

	if (!source || !uri || !revision || !out || artifacts.count == 0)
		return opts_wrong(
			&usage, "--source, --uri, --revision, --artifact and --out are needed");
	if (!rota_when_parse(epoch ? epoch : "1980-01-01T00:00:00Z", &m->plan.epoch_s))
		return opts_wrong(&usage, "--epoch %s is no time (SPEC 1.4)", epoch);
	if (!rota_duration_parse(timeout ? timeout : "1h", &timeout_s) || timeout_s == 0 ||
		timeout_s > 7 * 86400)
		return opts_wrong(&usage, "--timeout %s is no time up to 7d", timeout);
	if (!command[0])
		return opts_wrong(&usage, "the command that builds is missing, behind --");
	for (size_t i = 0; command[i]; i++)
		if (json_array_append_new(m->command, json_string(command[i])) != 0)
			return opts_wrong(&usage, "the command is not UTF-8");
	status = fill_image(&m->plan.image);
	if (!status)
		status = fill_paths(m);
	m->plan.source = source;
	m->plan.timeout_s = (uint32_t)timeout_s;
	m->plan.argv = (const char *const *)command;
	m->plan.paths = m->paths;
	return status;
}

/* The packages that are here, and those of them that --contains names. */
static enum rota_err read_packages(struct made *m, struct rota_fail *why)
{
	char vendor[32];

	rota_packages_vendor(vendor);
	ROTA_TRY(rota_packages_read(NULL, vendor, &m->packages, why));
	for (size_t i = 0; i < contains.count; i++) {
		const json_t *one = rota_packages_find(m->packages, contains.at[i]);

		if (!one)
			return rota_fail(why, ROTA_ERR_NOT_FOUND,
				"--contains %s: no such package is installed", contains.at[i]);
		json_array_append(m->inside, (json_t *)(uintptr_t)one);
	}
	return ROTA_OK;
}

static enum rota_err write_json(
	const struct made *m, const char *name, const json_t *value, struct rota_fail *why)
{
	char *path = rota_text("%s/%s", m->draft, name);
	struct rota_bytes text;
	enum rota_err err = rota_json_encode(value, ROTA_JSON_FILE, &text, why);

	if (err == ROTA_OK) {
		err = rota_file_write(path, rota_bytes_span(&text), 0644, why);
		rota_bytes_free(&text);
	}
	free(path);
	return err;
}

static enum rota_err write_signed(
	const struct made *m, const json_t *statement, struct rota_fail *why)
{
	char *path = rota_text("%s/provenance.jsonl", m->draft);
	struct rota_bytes text, bundle = { 0 };
	enum rota_err err = rota_json_encode(statement, ROTA_JSON_FILE, &text, why);

	if (err == ROTA_OK) {
		err = build_sign(rota_bytes_span(&text), &bundle, why);
		rota_bytes_free(&text);
	}
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&bundle), 0644, why);
	rota_bytes_free(&bundle);
	free(path);
	return err;
}

static enum rota_err write_papers(struct made *m, struct rota_fail *why)
{
	char number[ROTA_VERSION_CSTR_MAX];
	json_t *statement = rota_provenance_make(&m->facts), *sbom;
	enum rota_err err;

	rota_version_cstr(m->plan.image.version, number);
	sbom = rota_sbom_make(&m->facts, product ? product : uri, number, m->inside);
	err = write_json(m, "provenance.json", statement, why);
	if (err == ROTA_OK)
		err = write_json(m, "sbom.json", sbom, why);
	if (err == ROTA_OK && sign)
		err = write_signed(m, statement, why);
	json_decref(statement);
	json_decref(sbom);
	return err;
}

static enum rota_err make(struct made *m, struct rota_fail *why)
{
	struct rota_build_done done;
	enum rota_err err;

	if (sign)
		ROTA_TRY(build_can_sign(why));
	ROTA_TRY(read_packages(m, why));
	ROTA_TRY(rota_file_mkdir_anew(m->draft, 0755, why));
	ROTA_TRY(rota_build_run(&m->plan, &done, why));
	m->facts = (struct rota_build_facts){ .id = id ? id : m->drawn,
		.source = uri,
		.revision = revision,
		.builder = builder ? builder : BUILDER,
		.command = m->command,
		.paths = m->paths,
		.artifacts = done.artifacts,
		.packages = m->packages,
		.tree = done.tree,
		.image = m->plan.image,
		.epoch_s = m->plan.epoch_s,
		.started_s = done.started_s,
		.finished_s = done.finished_s };
	err = write_papers(m, why);
	if (err == ROTA_OK)
		err = rota_file_rename(m->draft, out, why);
	if (err == ROTA_OK && json) {
		json_t *all = json_pack("{s:O,s:s,s:s,s:s}", "artifacts", done.artifacts, "id",
			m->facts.id, "out", out, "tree", done.tree);

		json_dumpf(all, stdout, JSON_SORT_KEYS | JSON_COMPACT);
		printf("\n");
		json_decref(all);
	} else if (err == ROTA_OK) {
		printf("%s: %zu artifact%s of %s at %s, source tree %.16s, build %s\n", out,
			json_array_size(done.artifacts),
			json_array_size(done.artifacts) == 1 ? "" : "s", uri, revision, done.tree,
			m->facts.id);
	}
	json_decref(done.artifacts);
	return err;
}

static int say_key(void)
{
	char hex[2 * ROTA_P256_KEY_LEN + 1];
	struct rota_fail why;

	if (build_key(hex, &why) != ROTA_OK)
		return say_fail(&why);
	printf(json ? "{\"key\":\"%s\"}\n" : "%s\n", hex);
	return 0;
}

int verb_build(int argc, char **argv)
{
	struct made m;
	struct rota_fail why;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (key)
		return say_key();
	m = (struct made){
		.command = json_array(), .paths = json_object(), .inside = json_array()
	};
	status = fill(&m, argv + at);
	if (!status && rota_file_exists(out))
		status =
			say_fail((rota_fail(&why, ROTA_ERR_STATE,
					  "%s is there already; a build makes its own folder", out),
				&why));
	if (!status) {
		m.draft = rota_text("%s.draft", out);
		m.work = rota_text("%s.work", out);
		m.plan.out = m.draft;
		m.plan.work = m.work;
		build_id(m.drawn);
		if (make(&m, &why) != ROTA_OK) {
			status = say_fail(&why);
			rota_file_remove_tree(m.draft);
		}
	}
	free(m.draft);
	free(m.work);
	json_decref(m.command);
	json_decref(m.paths);
	json_decref(m.packages);
	json_decref(m.inside);
	return status;
}
