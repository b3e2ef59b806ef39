/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/query.h"
#include "host/base/file.h"
#include "host/registry/identity.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n"

/* What a term asks of; `value` gives it as text. */
static const struct field {
	const char *name;
	size_t offset; /* in struct rota_reg_device; 0 stands for the state's word */
} fields[] = {
	{ "channel", offsetof(struct rota_reg_device, channel) },
	{ "group", offsetof(struct rota_reg_device, group) },
	{ "hardware", offsetof(struct rota_reg_device, hardware) },
	{ "id", offsetof(struct rota_reg_device, id) },
	{ "owner", offsetof(struct rota_reg_device, owner) },
	{ "region", offsetof(struct rota_reg_device, region) },
	{ "serial", offsetof(struct rota_reg_device, serial) },
	{ "state", offsetof(struct rota_reg_device, state) },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Lines of a file, sorted; each ends with NUL. */
struct list {
	struct rota_bytes bytes;
	const char **line;
	size_t count;
};

struct term {
	const struct field *field;
	bool negated;
	const char *value; /* in the query's text; NULL: one of the list's */
	struct list list;
};

struct rota_query {
	char text[ROTA_QUERY_TEXT_MAX + 1];
	struct term term[ROTA_QUERY_TERMS_MAX];
	size_t count; /* 0: all */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *value_of(const struct field *f, const struct rota_reg_device *device)
{
	if (strcmp(f->name, "state") == 0)
		return rota_reg_state_word(device->state);
	return (const char *)device + f->offset;
}

static bool holds(const struct term *t, const struct rota_reg_device *device)
{
	const char *value = value_of(t->field, device);
	bool is = t->value
		? strcmp(value, t->value) == 0
		: bsearch(&value, t->list.line, t->list.count, sizeof(value), by_text) != NULL;

	return is != t->negated;
}

bool rota_query_matches(const struct rota_query *q, const struct rota_reg_device *device)
{
	for (size_t i = 0; i < q->count; i++)
		if (!holds(&q->term[i], device))
			return false;
	return true;
}

void rota_query_free(struct rota_query *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < ROTA_QUERY_TERMS_MAX; i++) {
		rota_bytes_free(&q->term[i].list.bytes);
		free(q->term[i].list.line);
	}
	free(q);
}

/* Cut at line ends; blank lines are passed over. */
static enum rota_err split(struct list *l, const char *path, struct rota_fail *why)
{
	char *rest = (char *)l->bytes.p, *line;
	size_t room = 1;

	if (memchr(l->bytes.p, '\0', l->bytes.len))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: it is no text", path);
	for (size_t i = 0; i < l->bytes.len; i++)
		room += l->bytes.p[i] == '\n';
	l->line = calloc(room, sizeof(*l->line));
	if (l->line == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", path);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			l->line[l->count++] = line;
	qsort(l->line, l->count, sizeof(*l->line), by_text);
	return ROTA_OK;
}

static const struct field *field_of(const char *name, size_t len)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
			return &fields[i];
	return NULL;
}

static enum rota_err bad(struct rota_fail *why, const char *word, const char *what)
{
	return rota_fail(why, ROTA_ERR_FORMAT,
		"query: '%s': %s; for example: group=field and not serial in broken.txt",
		word ? word : "its end", what);
}

static enum rota_err read_list(struct term *t, const char *path, struct rota_fail *why)
{
	if (path == NULL)
		return bad(why, path, "the name of a file belongs here");
	ROTA_TRY(rota_file_read(path, ROTA_QUERY_LIST_MAX, &t->list.bytes, why));
	return split(&t->list, path, why);
}

/* NAME=VALUE, or NAME and then `in FILE`. */
static enum rota_err read_term(struct term *t, const char *word, char **rest, struct rota_fail *why)
{
	const char *equals, *more;

	if (word == NULL)
		return bad(why, word, "a term belongs here");
	equals = strchr(word, '=');
	t->field = field_of(word, equals ? (size_t)(equals - word) : strlen(word));
	if (t->field == NULL)
		return bad(why, word,
			"it asks of none of channel, group, hardware, id, owner, region, serial, "
			"state");
	if (equals) {
		t->value = equals + 1;
		return ROTA_OK;
	}
	more = strtok_r(NULL, BLANKS, rest);
	if (more == NULL || strcmp(more, "in") != 0)
		return bad(why, more, "'=VALUE' or 'in FILE' belongs here");
	return read_list(t, strtok_r(NULL, BLANKS, rest), why);
}

static enum rota_err read_terms(
	struct rota_query *q, char *word, char **rest, struct rota_fail *why)
{
	while (true) {
		struct term *t = &q->term[q->count];

		if (q->count == ROTA_QUERY_TERMS_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "query: more than %d terms",
				ROTA_QUERY_TERMS_MAX);
		q->count++; /* what it has read so far is freed with the query */
		if (word && strcmp(word, "not") == 0) {
			t->negated = true;
			word = strtok_r(NULL, BLANKS, rest);
		}
		ROTA_TRY(read_term(t, word, rest, why));
		word = strtok_r(NULL, BLANKS, rest);
		if (word == NULL)
			return ROTA_OK;
		if (strcmp(word, "and") != 0)
			return bad(why, word, "'and' belongs here");
		word = strtok_r(NULL, BLANKS, rest);
	}
}

static enum rota_err parse(struct rota_query *q, struct rota_fail *why)
{
	char *rest = NULL, *word = strtok_r(q->text, BLANKS, &rest);

	if (word == NULL)
		return bad(why, word, "it is empty; 'all' means all devices");
	if (strcmp(word, "all") != 0)
		return read_terms(q, word, &rest, why);
	word = strtok_r(NULL, BLANKS, &rest);
	return word ? bad(why, word, "nothing belongs behind 'all'") : ROTA_OK;
}

enum rota_err rota_query_parse(const char *text, struct rota_query **out, struct rota_fail *why)
{
	struct rota_query *q;
	enum rota_err err;

	*out = NULL;
	if (strlen(text) > ROTA_QUERY_TEXT_MAX)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "query: longer than %d bytes", ROTA_QUERY_TEXT_MAX);
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	memcpy(q->text, text, strlen(text));
	err = parse(q, why);
	if (err == ROTA_OK)
		*out = q;
	else
		rota_query_free(q);
	return err;
}
