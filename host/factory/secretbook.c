/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/secretbook.h"
#include "host/base/json.h"
#include "host/pki/enrol.h"
#include "host/pki/idevid.h"

#include <stdlib.h>
#include <string.h>

#define IDEVID_MAX 4096 /* DER */

/* A device of the file. */
struct item {
	uint8_t device[ROTA_DEVICE_LEN];
	uint32_t line;
	bool none; /* a line without a secret */
	enum rota_err
		err; /* its device did not seal to our point, or what it sealed does not open */
	uint8_t secret[ROTA_FACTORY_SECRET_LEN]; /* sealed */
	uint8_t psk[ROTA_PSK_LEN]; /* opened */
};

struct job {
	const struct rota_secretbook_plan *plan;
	struct rota_secretbook_counts *counts;
	struct rota_book old;
	struct item *item;
	size_t count;
	uint32_t line; /* that is read, from 1 */
};

/* ---- the file ---- */

/* As many bytes as the hex digits say; 0: more than there is room for, or no hex. */
static size_t unhex(const json_t *row, const char *name, struct rota_buf to)
{
	const char *hex = json_string_value(json_object_get(row, name));
	size_t len = hex ? strlen(hex) / 2 : 0;

	return len <= to.len && rota_unhex(hex, rota_buf(to.p, len)) ? len : 0;
}

/* Whose line it is, which the device CA says; a line of nobody spoils the file. What the device sealed spoils but its own. */
static enum rota_err judge(
	const struct job *j, const json_t *row, struct item *item, struct rota_fail *why)
{
	const char *product = json_string_value(json_object_get(row, "product"));
	const struct rota_secretbook_plan *p = j->plan;
	uint8_t der[IDEVID_MAX], device[ROTA_DEVICE_LEN];
	struct rota_idevid born;
	size_t len = unhex(row, "idevid", ROTA_BUF(der));

	if (!product || strcmp(product, p->product) != 0)
		return rota_fail(
			why, ROTA_ERR_PRODUCT, "a device that is not of product %s", p->product);
	ROTA_TRY(rota_idevid_read(p->device_ca, rota_span(der, len), &born, why));
	if (unhex(row, "device", ROTA_BUF(device)) != sizeof(device) ||
		memcmp(device, born.device, sizeof(device)) != 0)
		return rota_fail(why, ROTA_ERR_SIGNATURE, "its certificate is another device's");
	item->err = rota_factory_secret_check(
		p->hpke->crypto, born.point, p->own->point, born.device, ROTA_SPAN(item->secret));
	return ROTA_OK;
}

static enum rota_err take_row(struct job *j, const json_t *row, struct rota_fail *why)
{
	struct item *item = &j->item[j->count];

	*item = (struct item){ .line = j->line };
	if (!json_object_get(row, "secret")) {
		j->counts->without++;
		item->none = true;
		j->count += unhex(row, "device", ROTA_BUF(item->device)) == sizeof(item->device);
		return ROTA_OK;
	}
	if (unhex(row, "device", ROTA_BUF(item->device)) != sizeof(item->device) ||
		unhex(row, "secret", ROTA_BUF(item->secret)) != sizeof(item->secret))
		return rota_fail(why, ROTA_ERR_FORMAT, "no device and no secret of SPEC 28.7");
	ROTA_TRY(judge(j, row, item, why));
	j->count++;
	return ROTA_OK;
}

static enum rota_err take_line(struct job *j, const char *line, struct rota_fail *why)
{
	json_t *row;
	enum rota_err err;

	ROTA_TRY(rota_json_parse(rota_span_cstr(line), &row, why));
	err = take_row(j, row, why);
	json_decref(row);
	return err;
}

static size_t count_lines(const struct rota_bytes *text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text->len; i++)
		lines += text->p[i] == '\n';
	return lines;
}

static enum rota_err read_file(struct job *j, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err = ROTA_OK;
	char *line, *rest;

	ROTA_TRY(rota_file_read(j->plan->enrolments, ROTA_ENROLMENTS_MAX, &text, why));
	j->item = calloc(count_lines(&text), sizeof(*j->item));
	if (!j->item)
		abort();
	rest = (char *)text.p;
	while (err == ROTA_OK && (line = strsep(&rest, "\n")) != NULL) {
		j->line++;
		/* half a line at the end is one that a cut left */
		if (*line && rest)
			err = take_line(j, line, why);
	}
	rota_bytes_free(&text);
	return err == ROTA_OK
		? ROTA_OK
		: rota_fail_in(why, "%s line %u", j->plan->enrolments, (unsigned)j->line);
}

/* By device, and of one device as they stood. */
static int in_order(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int by = memcmp(one->device, other->device, sizeof(one->device));

	return by != 0 ? by : one->line < other->line ? -1 : one->line > other->line;
}

/* The last line of each device; a device whose last line has no secret is not brought in. */
static void keep_last(struct job *j)
{
	size_t kept = 0;

	if (j->count > 0)
		qsort(j->item, j->count, sizeof(*j->item), in_order);
	for (size_t i = 0; i < j->count; i++)
		if ((i + 1 == j->count ||
			    memcmp(j->item[i].device, j->item[i + 1].device, ROTA_DEVICE_LEN) !=
				    0) &&
			!j->item[i].none)
			j->item[kept++] = j->item[i];
	j->count = kept;
}

/* One device can sign anything: it is told and passed over, and the others come in. */
static void pass_over(const struct job *j, const struct item *item, const char *what)
{
	char hex[2 * ROTA_DEVICE_LEN + 1];
	struct rota_fail how;

	rota_hex(ROTA_SPAN(item->device), hex);
	j->counts->passed++;
	(void)!rota_fail(&how, item->err, "%s line %u: device %.16s...: %s: %s",
		j->plan->enrolments, (unsigned)item->line, hex, what, rota_err_str(item->err));
	j->plan->tell(&how);
}

/* ROTA_OK: it is open, or item->err says what of its content is not in order. Else the token's error. */
static enum rota_err open_one(const struct rota_secretbook_plan *p, struct item *item)
{
	enum rota_err err =
		rota_factory_secret_open(p->hpke, p->own, item->device, item->secret, item->psk);

	if (err != ROTA_ERR_SIGNATURE && err != ROTA_ERR_FORMAT)
		return err;
	item->err = err;
	return ROTA_OK;
}

static enum rota_err open_all(struct job *j, struct rota_fail *why)
{
	const struct rota_secretbook_plan *p = j->plan;
	size_t kept = 0;

	for (size_t i = 0; i < j->count; i++) {
		struct item *item = &j->item[i];
		bool ours = item->err == ROTA_OK;
		enum rota_err err = ours ? open_one(p, item) : ROTA_OK;

		if (err != ROTA_OK)
			return rota_fail(why, err,
				"%s line %u: the factory secret does not open: %s", p->enrolments,
				(unsigned)item->line, rota_err_str(err));
		if (item->err == ROTA_OK)
			j->item[kept++] = *item;
		else
			pass_over(j, item,
				ours ? "its factory secret does not open"
				     : "it did not seal its factory secret to our point");
	}
	j->count = kept;
	return ROTA_OK;
}

/* ---- the book ---- */

/* Old rows and items in one order: `each` is called for every device with what the two have of it, NULL where one has none. */
static enum rota_err merge(struct job *j,
	enum rota_err (*each)(void *ctx, const struct rota_book_row *was, const struct item *item,
		struct rota_fail *why),
	void *ctx, struct rota_fail *why)
{
	uint32_t n = 0;
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; err == ROTA_OK && (n < j->old.rows || i < j->count);) {
		const struct item *item = i < j->count ? &j->item[i] : NULL;
		struct rota_book_row row;
		int order = 1;

		if (n < j->old.rows) {
			ROTA_TRY(rota_book_read(&j->old, n, &row, why));
			order = item ? memcmp(row.device, item->device, sizeof(row.device)) : -1;
		}
		err = each(ctx, order <= 0 ? &row : NULL, order >= 0 ? item : NULL, why);
		n += order <= 0;
		i += order >= 0;
		explicit_bzero(&row, sizeof(row));
	}
	return err;
}

static enum rota_err count_one(
	void *ctx, const struct rota_book_row *was, const struct item *item, struct rota_fail *why)
{
	struct rota_secretbook_counts *c = ctx;

	(void)why;
	if (item && !was)
		c->added++;
	else if (item && memcmp(was->delivered_psk, item->psk, sizeof(item->psk)) != 0)
		c->changed++;
	else if (item)
		c->same++;
	return ROTA_OK;
}

static enum rota_err write_one(
	void *ctx, const struct rota_book_row *was, const struct item *item, struct rota_fail *why)
{
	struct rota_book_row row = { 0 };
	enum rota_err err;

	if (!item)
		return rota_book_add(ctx, was, why);
	memcpy(row.device, item->device, sizeof(row.device));
	memcpy(row.delivered_psk, item->psk, sizeof(row.delivered_psk));
	err = rota_book_add(ctx, &row, why);
	explicit_bzero(&row, sizeof(row));
	return err;
}

static enum rota_err rewrite(struct job *j, struct rota_fail *why)
{
	const struct rota_secretbook_plan *p = j->plan;
	struct rota_book_maker m;
	enum rota_err err;

	ROTA_TRY(rota_book_make(&m, p->book, ROTA_BOOK_FACTORY, j->old.rows + j->counts->added,
		p->random, p->tools, why));
	err = merge(j, write_one, &m, why);
	if (err == ROTA_OK)
		err = rota_book_place(&m, why);
	rota_book_drop(&m);
	explicit_bzero(&m, sizeof(m));
	return err;
}

static enum rota_err into_book(struct job *j, struct rota_fail *why)
{
	enum rota_err err;

	ROTA_TRY(rota_book_open(&j->old, j->plan->book, ROTA_BOOK_FACTORY, j->plan->tools, why));
	err = merge(j, count_one, j->counts, why);
	if (err == ROTA_OK && (j->counts->added > 0 || j->counts->changed > 0))
		err = rewrite(j, why);
	rota_book_close(&j->old);
	return err;
}

enum rota_err rota_secretbook_take(const struct rota_secretbook_plan *plan,
	struct rota_secretbook_counts *counts, struct rota_fail *why)
{
	struct job j = { .plan = plan, .counts = counts };
	size_t lines;
	enum rota_err err;

	*counts = (struct rota_secretbook_counts){ 0 };
	err = read_file(&j, why);
	lines = j.count;
	if (err == ROTA_OK) {
		keep_last(&j);
		err = open_all(&j, why);
	}
	if (err == ROTA_OK)
		err = into_book(&j, why);
	if (j.item)
		explicit_bzero(j.item, lines * sizeof(*j.item));
	free(j.item);
	return err;
}
