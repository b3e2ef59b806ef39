/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign late: the rows of devices that a campaign's trees have not, for one tree more (SPEC 32.6). */
#include "apps/rota/campaign.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/digest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "print it as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign late [--json] ID",
	.text = "Exports the devices that the campaign means, that have not proved its generation "
		"and that none of\n"
		"its exports has with the keys that they have now: who was enrolled since, or has "
		"another key by now.\n"
		"DIR/campaigns/ID.TREE.export is what rota-seald import takes for a tree more, "
		"with "
		"the SHA-256 that is\n"
		"said here, within what was approved. Who has a secret of the generation keeps it.",
	.examples = "  rota campaign late 0f4bc1c0",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* An export that is walked, row by row. */
struct walk {
	FILE *file;
	uint32_t left;
	bool has;
	uint8_t row[ROTA_ROW_LEN];
};

struct late {
	struct session *s;
	const struct campaign *c;
	struct walk before[ROTA_KEYS_TREES_MAX], now;
	struct rota_export head;
	struct rota_draft draft;
	uint32_t kept;
	char sha256[ROTA_DIGEST_HEX];
};

static void next(struct walk *w)
{
	w->has = w->left > 0 && fread(w->row, sizeof(w->row), 1, w->file) == 1;
	w->left -= w->has;
}

static enum rota_err begin(struct late *l, const char *path, struct walk *w)
{
	uint8_t head[ROTA_EXPORT_HEAD_LEN];

	w->file = fopen(path, "rbe");
	if (!w->file)
		return rota_fail(&l->s->why, ROTA_ERR_NOT_FOUND,
			"%s is not here: what its trees have is not known", path);
	if (fread(head, sizeof(head), 1, w->file) != 1 ||
		rota_export_decode(head, &l->head) != ROTA_OK)
		return rota_fail(&l->s->why, ROTA_ERR_FORMAT, "%s is no export (SPEC 30.3)", path);
	w->left = l->head.count;
	next(w);
	return ROTA_OK;
}

static void tree_path(const struct late *l, unsigned tree, char out[static ROTA_FILE_PATH_MAX])
{
	char ending[24];

	if (tree == 0)
		snprintf(ending, sizeof(ending), "export");
	else
		snprintf(ending, sizeof(ending), "%u.export", tree);
	campaign_path(l->s, l->c->id, ending, out);
}

static int by_device(const uint8_t *a, const uint8_t *b)
{
	return memcmp(&a[16], &b[16], ROTA_SHA256_LEN); /* SPEC 30.2 */
}

/* Whether a walk has the device with the very keys that a bundle is sealed to and under; rows change for other purposes, too. All
 * ascend by device. */
static bool is_in(struct walk *w, const uint8_t *bytes, const struct rota_row *row, uint8_t purpose)
{
	struct rota_row was;

	while (w->has && by_device(w->row, bytes) < 0)
		next(w);
	return w->has && by_device(w->row, bytes) == 0 && rota_row_read(w->row, &was) == ROTA_OK &&
		memcmp(was.agree, row->agree, sizeof(was.agree)) == 0 &&
		was.proved[purpose - 1] == row->proved[purpose - 1];
}

static bool is_late(struct late *l, const uint8_t *bytes)
{
	const struct rota_key_campaign *c = &l->c->request.campaign;
	struct rota_row row;
	bool late;

	if (rota_row_read(bytes, &row) != ROTA_OK)
		return true; /* rota-seald says what is wrong with it */
	late = row.proved[c->purpose - 1] < c->generation;
	for (unsigned i = 0; i < l->c->trees; i++)
		late &= !is_in(&l->before[i], bytes, &row, c->purpose);
	return late;
}

static enum rota_err put_rows(struct late *l)
{
	uint8_t head[ROTA_EXPORT_HEAD_LEN];

	for (; l->now.has; next(&l->now)) {
		if (!is_late(l, l->now.row))
			continue;
		ROTA_TRY(rota_draft_write(&l->draft, ROTA_SPAN(l->now.row), &l->s->why));
		l->kept++;
	}
	l->head.count = l->kept;
	rota_export_encode(&l->head, head);
	return pwrite(l->draft.fd, head, sizeof(head), 0) == (ssize_t)sizeof(head)
		? ROTA_OK
		: rota_fail(&l->s->why, ROTA_ERR_IO, "%s cannot be written", l->draft.path);
}

static enum rota_err check_room(struct late *l)
{
	if (l->kept == 0)
		return rota_fail(&l->s->why, ROTA_ERR_NOT_FOUND, "nobody is late");
	if ((uint64_t)l->c->sealed + l->kept <= l->c->request.most)
		return ROTA_OK;
	return rota_fail(&l->s->why, ROTA_ERR_LIMIT,
		"%u devices are late, and %u of %u that were approved have a bundle; ask for "
		"another "
		"campaign",
		(unsigned)l->kept, (unsigned)l->c->sealed, (unsigned)l->c->request.most);
}

static enum rota_err write_file(struct late *l)
{
	static const uint8_t room[ROTA_EXPORT_HEAD_LEN];
	char folder[ROTA_FILE_PATH_MAX], path[ROTA_FILE_PATH_MAX];
	uint8_t sha256[ROTA_DIGEST_LEN];
	uint64_t len;
	enum rota_err err;

	rota_authdir_path(&l->s->dir, CAMPAIGN_FOLDER, folder);
	tree_path(l, l->c->trees, path);
	ROTA_TRY(rota_draft_open(&l->draft, folder, 0640, &l->s->why));
	err = rota_draft_write(&l->draft, ROTA_SPAN(room), &l->s->why);
	if (err == ROTA_OK)
		err = put_rows(l);
	if (err == ROTA_OK)
		err = check_room(l);
	if (err == ROTA_OK)
		err = rota_draft_commit(&l->draft, path, &l->s->why);
	rota_draft_drop(&l->draft);
	if (err == ROTA_OK)
		err = rota_digest_file(path, NULL, &len, sha256, &l->s->why);
	if (err == ROTA_OK)
		rota_hex(ROTA_SPAN(sha256), l->sha256);
	return err;
}

static enum rota_err export_now(struct late *l)
{
	struct campaign_fleet fleet;
	struct rota_exported all;
	enum rota_err err;

	ROTA_TRY(campaign_fleet_open(l->s, &fleet));
	err = campaign_export(l->s, &fleet, l->c->request.devices, &all);
	campaign_fleet_close(&fleet);
	return err;
}

static enum rota_err walk_all(struct late *l)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err = ROTA_OK;

	for (unsigned i = 0; i < l->c->trees && err == ROTA_OK; i++) {
		tree_path(l, i, path);
		err = begin(l, path, &l->before[i]);
	}
	campaign_path(l->s, CAMPAIGN_NEW, "export", path);
	if (err == ROTA_OK)
		err = begin(l, path, &l->now);
	if (err == ROTA_OK)
		err = write_file(l);
	for (unsigned i = 0; i < ROTA_KEYS_TREES_MAX; i++)
		if (l->before[i].file)
			fclose(l->before[i].file);
	if (l->now.file)
		fclose(l->now.file);
	return err;
}

static enum rota_err late(struct session *s, const struct campaign *c)
{
	struct late l = { .s = s, .c = c, .draft = { .fd = -1 } };

	if (c->trees == 0 || c->trees == ROTA_KEYS_TREES_MAX || !c->request.devices[0] ||
		c->stand != CAMPAIGN_ACTIVE)
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"campaign %.16s is %s, with %u trees: no tree more can follow", c->id,
			campaign_stand_word(c->stand), (unsigned)c->trees);
	ROTA_TRY(export_now(&l));
	ROTA_TRY(walk_all(&l));
	if (json)
		printf("{\"campaign\":\"%s\",\"devices\":%u,\"sha256\":\"%s\",\"tree\":%u}\n",
			c->id, (unsigned)l.kept, l.sha256, (unsigned)c->trees);
	else
		printf("%u devices for tree %u; take " CAMPAIGN_FOLDER "/%.16s....%u.export to "
		       "rota-seald:\nrota-seald import --campaign %s --tree %u --export FILE "
		       "--sha256 %s\n",
			(unsigned)l.kept, (unsigned)c->trees, c->id, (unsigned)c->trees, c->id,
			(unsigned)c->trees, l.sha256);
	return ROTA_OK;
}

int verb_campaign_late(int argc, char **argv)
{
	const struct campaign *c;
	struct campaign_book book;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = campaign_book_open(&s, &book);
	if (err == ROTA_OK) {
		err = campaign_find(&s, &book, argv[at], &c);
		if (err == ROTA_OK)
			err = late(&s, c);
		campaign_book_close(&book);
	}
	return session_close(&s, err);
}
