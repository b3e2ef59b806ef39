/* SPDX-License-Identifier: Apache-2.0 */
/* rota image sign: a payload becomes an image of SPEC 6. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/sign/duty.h"
#include "host/sign/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *version, *counter, *out, *product, *key;
static struct opts_list hardware;
static bool ci, both_keys, json;

static const struct opts_row rows[] = {
	{ "version", "VERSION", "major.minor.revision[+build]", OPTS_TEXT, &version },
	{ "hardware", "ID", "hardware that it runs on; may repeat, at most 8", OPTS_LIST,
		&hardware },
	{ "counter", "N", "security counter (default 0)", OPTS_TEXT, &counter },
	{ "out", "FILE", "image to write (default PAYLOAD.img)", OPTS_TEXT, &out },
	{ "product", "NAME", "product (default: rota.ini's)", OPTS_TEXT, &product },
	{ "ci", NULL, "sign with the online ci-image key: boots only on ci devices", OPTS_FLAG,
		&ci },
	{ "key", "N", "image key to use, 1 or 2 (default 1)", OPTS_TEXT, &key },
	{ "both-keys", NULL, "sign with both image keys: for a rollover", OPTS_FLAG, &both_keys },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota image sign [OPTION]... PAYLOAD",
	.text = "Wraps PAYLOAD into an image with product, hardware, version and security counter, "
		"signed\n"
		"with the image key in its token. The payload is streamed; any size up to 4 GiB.",
	.examples = "  rota image sign --version 2.0.0 --hardware board-a --counter 2 sensor\n"
		    "  rota image sign --version 2.1.0 --hardware board-a --both-keys --out s.img "
		    "sensor",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* Which seats sign: the chosen one, or both. */
static enum rota_err choose(struct session *s, struct rota_image_plan *plan)
{
	const struct rota_party *party = rota_authdir_party(&s->dir, ci ? "ci-image" : "image");
	size_t first = key && strcmp(key, "2") == 0 ? 1 : 0;

	plan->party = party;
	plan->seats[plan->seat_count++] = first;
	if (both_keys)
		plan->seats[plan->seat_count++] = 1;
	if ((both_keys || first == 1) && party->seat_count < 2)
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"[keys %s] of rota.ini has no second key", party->name);
	return ROTA_OK;
}

static void report(const struct rota_image_plan *plan, const uint8_t digest[static 32])
{
	char hex[ROTA_DIGEST_HEX], text[ROTA_VERSION_CSTR_MAX];

	rota_hex(rota_span(digest, ROTA_DIGEST_LEN), hex);
	rota_version_cstr(plan->version, text);
	if (json)
		printf("{\"counter\":%u,\"digest\":\"%s\",\"file\":\"%s\",\"product\":\"%s\","
		       "\"version\":\"%s\"}\n",
			plan->counter, hex, plan->out, plan->product, text);
	else
		printf("%s: %s %s, counter %u, image digest %s\n", plan->out, plan->product, text,
			plan->counter, hex);
}

static int run(struct rota_image_plan *plan)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bar bar;
	struct session s;
	enum rota_err err;

	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	plan->product = product ? product : s.dir.product;
	rota_bar_begin(&bar, stderr, "signing");
	err = choose(&s, plan);
	if (err == ROTA_OK)
		err = rota_image_sign(plan, &s.notary, &bar.port, digest, &s.why);
	rota_bar_end(&bar);
	if (err == ROTA_OK)
		report(plan, digest);
	return session_close(&s, err);
}

static int fill_hardware(struct rota_image_plan *plan)
{
	if (hardware.count == 0 || hardware.count > ROTA_IMAGE_SIGN_HARDWARE_MAX)
		return opts_wrong(&usage, "--hardware ID is needed once, at most %d times",
			ROTA_IMAGE_SIGN_HARDWARE_MAX);
	for (size_t i = 0; i < hardware.count; i++) {
		if (!rota_name_ok(hardware.at[i]))
			return opts_wrong(&usage, "hardware '%s' is no name of 1 to 32 [a-z0-9._-]",
				hardware.at[i]);
		plan->hardware[i] = hardware.at[i];
	}
	plan->hardware_count = hardware.count;
	return 0;
}

int verb_image_sign(int argc, char **argv)
{
	struct rota_image_plan plan = { 0 };
	int at, status;
	uint64_t number;
	char *made = NULL;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!version || !rota_version_of(version, &plan.version))
		return opts_wrong(
			&usage, "--version needs major.minor.revision[+build] (SPEC 1.3)");
	if (!opts_number(counter ? counter : "0", UINT32_MAX, &number))
		return opts_wrong(&usage, "--counter %s is no number below 2^32", counter);
	if (key && strcmp(key, "1") != 0 && strcmp(key, "2") != 0)
		return opts_wrong(&usage, "--key is 1 or 2");
	if (both_keys && (key || ci))
		return opts_wrong(&usage, "--both-keys goes with neither --key nor --ci");
	if (product && !rota_name_ok(product))
		return opts_wrong(
			&usage, "product '%s' is no name of 1 to 32 [a-z0-9._-]", product);
	status = fill_hardware(&plan);
	if (status)
		return status;
	plan.counter = (uint32_t)number;
	plan.payload = argv[at];
	plan.out = out ? out : (made = rota_text("%s.img", argv[at]));
	status = run(&plan);
	free(made);
	return status;
}
