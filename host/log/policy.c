/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/policy.h"
#include "host/base/file.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX (3 + ROTA_LOG_KEYS_MAX) /* group NAME K and every witness */
#define GROUPS_MAX ROTA_LOG_KEYS_MAX
#define NAME_MAX_LEN 64 /* of a group or witness in this file */

/* What names in the file mean while it is read. */
struct reading {
	const struct rota_crypto *crypto;
	struct rota_log_policy *policy;
	struct rota_fail *why;
	char *words[WORDS_MAX];
	size_t word_count;
	const char *witness[ROTA_LOG_KEYS_MAX]; /* by key; NULL: a log's */
	struct {
		const char *name;
		uint32_t members;
		unsigned need;
	} group[GROUPS_MAX];
	size_t groups;
	bool quorum;
};

static enum rota_err wrong(struct reading *r, const char *what)
{
	return rota_fail(r->why, ROTA_ERR_FORMAT, "%s", what);
}

static enum rota_err take_key(struct reading *r, const char *text, bool witness)
{
	struct rota_log_policy *p = r->policy;
	struct rota_vkey *key = &p->key[p->count];

	if (p->count == ROTA_LOG_KEYS_MAX)
		return rota_fail(r->why, ROTA_ERR_LIMIT, "more than %d keys", ROTA_LOG_KEYS_MAX);
	ROTA_TRY(rota_vkey_read(r->crypto, rota_span_cstr(text), key, r->why));
	if (rota_note_is_witness(key->kind) != witness)
		return wrong(r, witness ? "the key is a log's" : "the key is a witness's");
	for (size_t i = 0; i < p->count; i++) {
		if (p->key[i].raw_len == key->raw_len &&
			memcmp(p->key[i].raw, key->raw, key->raw_len) == 0)
			return wrong(r, "this key stood before: nobody counts twice");
	}
	p->note[p->count] = rota_vkey_note(key);
	if (!witness)
		p->logs |= UINT32_C(1) << p->count;
	p->count++;
	return ROTA_OK;
}

static bool named(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->policy->count; i++) {
		if (r->witness[i] && strcmp(r->witness[i], name) == 0)
			return true;
	}
	for (size_t i = 0; i < r->groups; i++) {
		if (strcmp(r->group[i].name, name) == 0)
			return true;
	}
	return strcmp(name, "none") == 0;
}

static enum rota_err take_log(struct reading *r)
{
	if (r->word_count < 2 || r->word_count > 3)
		return wrong(r, "the form is: log VKEY");
	return take_key(r, r->words[1], false);
}

static enum rota_err take_witness(struct reading *r)
{
	size_t at = r->policy->count;

	if (r->word_count < 3 || r->word_count > 4)
		return wrong(r, "the form is: witness NAME VKEY [URL]");
	if (named(r, r->words[1]) || strlen(r->words[1]) > NAME_MAX_LEN)
		return wrong(r, "this name stood before, or is too long");
	ROTA_TRY(take_key(r, r->words[2], true));
	r->witness[at] = r->words[1];
	if (r->word_count < 4)
		return ROTA_OK;
	if (strlen(r->words[3]) >= ROTA_LOG_URL_MAX)
		return wrong(r, "the URL is too long");
	memcpy(r->policy->url[at], r->words[3], strlen(r->words[3]) + 1);
	return ROTA_OK;
}

static enum rota_err member(struct reading *r, const char *name, uint32_t *members)
{
	for (size_t i = 0; i < r->policy->count; i++) {
		if (!r->witness[i] || strcmp(r->witness[i], name) != 0)
			continue;
		if (*members >> i & 1)
			return wrong(r, "a witness stands twice in a group");
		*members |= UINT32_C(1) << i;
		return ROTA_OK;
	}
	return rota_fail(r->why, ROTA_ERR_FORMAT,
		"no witness '%s' stands before this line (groups of groups are not taken)", name);
}

static enum rota_err take_group(struct reading *r)
{
	size_t count = r->word_count - 3;
	uint32_t members = 0;
	unsigned long need;
	char *end;

	if (r->word_count < 4 || named(r, r->words[1]) || r->groups == GROUPS_MAX)
		return wrong(r, "the form is: group NAME K WITNESS..., with a name of its own");
	for (size_t i = 3; i < r->word_count; i++)
		ROTA_TRY(member(r, r->words[i], &members));
	need = strtoul(r->words[2], &end, 10);
	if (strcmp(r->words[2], "any") == 0)
		need = 1;
	else if (strcmp(r->words[2], "all") == 0)
		need = count;
	else if (*end != 0 || need == 0 || need > count)
		return wrong(r, "K is a number of its witnesses, any or all");
	r->group[r->groups].name = r->words[1];
	r->group[r->groups].members = members;
	r->group[r->groups++].need = (unsigned)need;
	return ROTA_OK;
}

static enum rota_err take_quorum(struct reading *r)
{
	struct rota_log_policy *p = r->policy;

	if (r->word_count != 2 || r->quorum)
		return wrong(r, "the form is: quorum NAME, once");
	r->quorum = true;
	if (strcmp(r->words[1], "none") == 0)
		return ROTA_OK;
	for (size_t i = 0; i < r->groups; i++) {
		if (strcmp(r->group[i].name, r->words[1]) != 0)
			continue;
		p->quorum = r->group[i].members;
		p->need = r->group[i].need;
		return ROTA_OK;
	}
	p->need = 1;
	return member(r, r->words[1], &p->quorum);
}

static enum rota_err take_line(struct reading *r, char *line)
{
	static const struct {
		const char *word;
		enum rota_err (*take)(struct reading *r);
	} kinds[] = { { "log", take_log }, { "witness", take_witness }, { "group", take_group },
		{ "quorum", take_quorum } };
	char *rest = line, *word;

	r->word_count = 0;
	while ((word = strtok_r(rest, " \t\r", &rest)) != NULL) {
		if (r->word_count == WORDS_MAX)
			return wrong(r, "too many words");
		r->words[r->word_count++] = word;
	}
	if (r->word_count == 0 || r->words[0][0] == '#')
		return ROTA_OK;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(r->words[0], kinds[i].word) == 0)
			return kinds[i].take(r);
	}
	return wrong(r, "a line begins with log, witness, group, quorum or #");
}

static enum rota_err take_all(struct reading *r, const char *path, char *text)
{
	unsigned number = 1;
	char *line;

	for (; (line = strsep(&text, "\n")) != NULL; number++) {
		if (take_line(r, line) != ROTA_OK)
			return rota_fail_in(r->why, "%s:%u", path, number);
	}
	if (r->policy->logs == 0)
		return rota_fail(r->why, ROTA_ERR_FORMAT, "%s: no log is named", path);
	return ROTA_OK;
}

enum rota_err rota_log_policy_load(const struct rota_crypto *crypto, const char *path,
	struct rota_log_policy *out, struct rota_fail *why)
{
	struct reading r = { .crypto = crypto, .policy = out, .why = why };
	struct rota_bytes text = { 0 };
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_file_read(path, ROTA_LOG_POLICY_MAX, &text, why));
	err = take_all(&r, path, (char *)text.p);
	rota_bytes_free(&text);
	return err;
}

static unsigned count_bits(uint32_t of)
{
	return (unsigned)__builtin_popcount(of);
}

/* A log's key signs under the origin as its name. */
static bool by_log_itself(
	const struct rota_log_policy *p, uint32_t who, const struct rota_checkpoint *c)
{
	for (size_t i = 0; i < p->count; i++) {
		if ((who & p->logs) >> i & 1 && rota_span_eq(p->note[i].name, c->origin))
			return true;
	}
	return false;
}

enum rota_err rota_log_policy_open(const struct rota_crypto *crypto,
	const struct rota_log_policy *policy, struct rota_span note, bool witnessed,
	struct rota_checkpoint *out, uint32_t *who, struct rota_fail *why)
{
	struct rota_span text;
	enum rota_err err = rota_note_open(crypto, note, policy->note, policy->count, &text, who);

	if (err == ROTA_OK)
		err = rota_checkpoint_read(text, out);
	if (err == ROTA_ERR_SIGNATURE)
		return rota_fail(why, err, "a signature of a known key does not verify");
	if (err != ROTA_OK)
		return rota_fail(why, err, "no checkpoint: %s", rota_err_str(err));
	if ((*who & policy->logs) == 0)
		return rota_fail(why, ROTA_ERR_SIGNATURE, "no log that is known signed it");
	if (!by_log_itself(policy, *who, out))
		return rota_fail(why, ROTA_ERR_ROLE, "it is of log '%.*s', signed by another one",
			(int)out->origin.len, (const char *)out->origin.p);
	if (witnessed && count_bits(*who & policy->quorum) < policy->need)
		return rota_fail(why, ROTA_ERR_THRESHOLD,
			"%u of the %u witnesses wanted cosigned it",
			count_bits(*who & policy->quorum), policy->need);
	return ROTA_OK;
}

enum rota_err rota_log_policy_demand(
	const struct rota_log_policy *policy, struct rota_log_demand *out, struct rota_fail *why)
{
	unsigned logs = 0;

	*out = (struct rota_log_demand){ .need = (uint8_t)policy->need };
	for (size_t i = 0; i < policy->count; i++) {
		const struct rota_note_key *key = &policy->note[i];
		bool counts = policy->quorum >> i & 1;

		if (key->kind == ROTA_NOTE_LOG_P256) {
			out->log = *key;
			logs++;
		}
		if (!counts)
			continue;
		if (key->kind != ROTA_NOTE_WITNESS_P256 || out->count == ROTA_WITNESSES_MAX)
			return rota_fail(why, ROTA_ERR_UNSUPPORTED,
				"devices take at most %d witnesses, each with a P-256 key",
				ROTA_WITNESSES_MAX);
		out->witness[out->count++] = *key;
	}
	if (logs != 1 || out->need == 0)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"devices want one P-256 key of a log, and a quorum");
	return ROTA_OK;
}
