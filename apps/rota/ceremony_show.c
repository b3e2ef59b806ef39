/* SPDX-License-Identifier: Apache-2.0 */
/* rota ceremony show: how far a ceremony is. Needs no authority: it verifies no signature, only the transcript. */
#include "apps/rota/ceremony.h"
#include "apps/rota/verb.h"
#include "host/repo/chain.h"

#include <stdio.h>

#define WORD_MAX 48 /* a time, a role */
#define KEY_DIGITS 16

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "the transcript as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota ceremony show [OPTION] FOLDER",
	.text = "Shows the fingerprint, what is to be signed and how many signatures it has, and "
		"the "
		"transcript,\n"
		"of which no line was changed or taken away from before another. What the "
		"signatures "
		"are worth is\n"
		"for `rota ceremony sign` and `finish` to say.",
	.examples = "  rota ceremony show /media/stick/2027",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* A word that we wrote, if it is one still: whoever carried the folder may have put something there that moves the cursor. */
static void print_word(const json_t *line, const char *name, size_t most)
{
	const char *text = json_string_value(json_object_get(line, name));

	for (text = text ? text : "-"; *text && most; text++, most--)
		putchar(*text > 0x20 && *text < 0x7f ? *text : '?');
}

/* As JSON in ASCII where it was typed by somebody. */
static void print_line(const json_t *line)
{
	const json_t *keys = json_object_get(line, "keys");

	print_word(line, "at", WORD_MAX);
	printf(" ");
	print_word(line, "did", WORD_MAX);
	printf(" by ");
	json_dumpf(json_object_get(line, "user"), stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	printf(" on ");
	json_dumpf(json_object_get(line, "host"), stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	printf("\n");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);

		printf("  ");
		print_word(key, "role", WORD_MAX);
		printf(" with key ");
		print_word(key, "key", KEY_DIGITS);
		printf(" of ");
		json_dumpf(
			json_object_get(key, "owner"), stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		printf("\n");
	}
}

static void show(const struct ceremony *c)
{
	struct rota_bundle_part part;

	if (json) {
		json_dumpf(c->transcript.lines, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
		return;
	}
	printf("fingerprint %s\n", c->fingerprint);
	for (size_t i = 0; rota_bundle_part(&c->bundle, i, &part); i++)
		printf("%s version %llu, signatures: %zu\n", part.role,
			(unsigned long long)rota_chain_version(part.content),
			json_array_size(part.signatures));
	for (size_t i = 0; i < json_array_size(c->transcript.lines); i++)
		print_line(json_array_get(c->transcript.lines, i));
}

int verb_ceremony_show(int argc, char **argv)
{
	struct rota_fail why;
	struct ceremony c;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	opts_trim_slashes(argv[at]);
	if (ceremony_open(argv[at], &c, &why) != ROTA_OK)
		return say_fail(&why);
	show(&c);
	ceremony_close(&c);
	return 0;
}
