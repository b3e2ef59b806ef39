/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns as they come. The daemon says which were approved, the inbox has their exports, files say how far each is.
 *
 * Each tree is made by a child: what passes through its memory ends with it, and a broken export ends no other campaign. */
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/trees.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/apart.h"
#include "host/notary/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A campaign that the daemon has told of. */
struct known {
	uint8_t id[32];
	uint8_t purpose; /* 0: of no use to us, or over; which was told */
	uint32_t generation;
	bool waits; /* for its export, which was told */
	uint64_t told; /* bit N: that the export of supplement N waits for a word */
};

struct running {
	const struct config *config;
	const struct arguments *arguments;
	struct known known[ROTA_CLIENT_CAMPAIGNS_MAX];
	size_t count;
	bool delivered; /* something, since `publish` last ran */
	bool failed;
	bool refused; /* the token its PIN: whoever tries it again locks it */
};

static void tell(const struct known *k, unsigned tree, const char *text)
{
	char id[65];

	rota_hex(ROTA_SPAN(k->id), id);
	fprintf(stderr, "rota-seald: campaign %.16s, tree %u: %s\n", id, tree, text);
}

/* ---- children ---- */

typedef enum rota_err (*verb_fn)(
	const struct config *c, const struct arguments *a, struct rota_fail *why);

static int child(verb_fn verb, const struct config *c, const struct arguments *a)
{
	struct rota_fail why;
	enum rota_err err = rota_apart("seald-work", NULL, false, &why);

	if (err == ROTA_OK)
		err = verb(c, a, &why);
	if (err != ROTA_OK)
		fprintf(stderr, "rota-seald: %s\n", why.text);
	fflush(NULL);
	return holders_refused() ? HOLDERS_PIN_REFUSED : err != ROTA_OK;
}

/* Whether it came to a good end. */
static bool in_child(struct running *r, verb_fn verb, const struct arguments *a)
{
	int status = 1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(child(verb, r->config, a));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	r->failed = true;
	r->refused |= pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == HOLDERS_PIN_REFUSED;
	return false;
}

/* ---- one tree ---- */

/* Where the export of a tree comes in; that of tree 0 as `rota campaign new` names it. */
static void inbox_path(const struct config *c, const struct known *k, unsigned tree,
	char out[static ROTA_FILE_PATH_MAX])
{
	char hex[65];

	rota_hex(ROTA_SPAN(k->id), hex);
	if (tree == 0)
		snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s.export", c->inbox, hex);
	else
		snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s.%u.export", c->inbox, hex, tree);
}

static bool has(const struct config *c, const struct known *k, unsigned tree, const char *kind)
{
	char path[ROTA_FILE_PATH_MAX];

	config_campaign(c, k->id, tree, kind, path);
	return rota_file_exists(path);
}

/* Devices have a later one, or will have it. That stays so. */
static bool is_overtaken(const struct running *r, struct known *k)
{
	if (!trees_overtake(r->config, k->id, k->purpose, k->generation))
		return false;
	k->purpose = 0;
	return true;
}

/* Whether its export is here: in the state, or, of tree 0, whose digest was approved, in the inbox: *from. What comes in as a
 * supplement's nobody has given his word for yet (SPEC 37.9). */
static bool has_export(
	const struct running *r, struct known *k, unsigned tree, char *path, const char **from)
{
	*from = NULL;
	if (has(r->config, k, tree, "export"))
		return true;
	inbox_path(r->config, k, tree, path);
	if (tree == 0) {
		*from = rota_file_exists(path) ? path : NULL;
		if (!*from && !k->waits && !is_overtaken(r, k))
			tell(k, tree, "waits for its export");
		k->waits = true;
	} else if (rota_file_exists(path) && !(k->told >> tree & 1)) {
		tell(k, tree, "its export is taken in by rota-seald import, at somebody's word");
		k->told |= UINT64_C(1) << tree;
	}
	return *from != NULL;
}

/* What was approved may be over by now: then it is of no use, which is told once. */
static bool is_over(struct running *r, struct known *k, const char *id)
{
	static struct approved approved;
	struct rota_fail why;

	if (approved_load(r->config, id, &approved, &why) != ROTA_OK) {
		tell(k, 0, why.text);
		r->failed = true;
		return true;
	}
	if (!approved_is_over(&approved))
		return false;
	tell(k, 0, "is over: nothing more is made of it");
	k->purpose = 0;
	return true;
}

/* false: it is not there, and was not made. */
static bool make_tree(struct running *r, struct known *k, unsigned tree)
{
	char path[ROTA_FILE_PATH_MAX], id[65];
	struct arguments a = { .campaign = id, .tree = tree, .json = r->arguments->json };

	if (has(r->config, k, tree, "delivered"))
		return true;
	rota_hex(ROTA_SPAN(k->id), id);
	if (!has_export(r, k, tree, path, &a.export_path) || is_overtaken(r, k) ||
		is_over(r, k, id) || !in_child(r, verb_seal, &a))
		return false;
	r->delivered = true;
	return true;
}

static void make_trees(struct running *r, struct known *k)
{
	if (k->purpose == 0 || !make_tree(r, k, 0))
		return;
	for (unsigned tree = 1; k->purpose != 0 && !r->refused && tree < ROTA_KEYS_TREES_MAX;
		tree++)
		(void)make_tree(r, k, tree);
}

/* ---- all of them ---- */

static void learn(struct running *r, const uint8_t id[static 32])
{
	static struct approved approved;
	struct known *k = &r->known[r->count];
	struct rota_fail why;
	enum rota_err err;
	char hex[65];

	for (size_t i = 0; i < r->count; i++)
		if (memcmp(r->known[i].id, id, sizeof(r->known[i].id)) == 0)
			return;
	if (r->count == ROTA_CLIENT_CAMPAIGNS_MAX)
		return; /* the oldest are behind us, and who is begun anew knows the newest */
	*k = (struct known){ 0 };
	memcpy(k->id, id, sizeof(k->id));
	rota_hex(ROTA_SPAN(k->id), hex);
	err = approved_load(r->config, hex, &approved, &why);
	if (err == ROTA_OK) {
		k->purpose = approved.request.campaign.purpose;
		k->generation = approved.request.campaign.generation;
	} else {
		tell(k, 0, why.text);
		r->failed = true;
		if (err == ROTA_ERR_NET || err == ROTA_ERR_TIMEOUT)
			return;
	}
	r->count++;
}

static enum rota_err ask(struct running *r, struct rota_fail *why)
{
	static uint8_t ids[ROTA_CLIENT_CAMPAIGNS_MAX][ROTA_DIGEST_LEN];
	const struct rota_client_server server = { .address = r->config->signd };
	struct rota_client *client;
	size_t count = 0;
	enum rota_err err;

	ROTA_TRY(rota_client_open(&server, &client, why));
	err = rota_client_campaigns(client, r->config->product, ids, &count, why);
	rota_client_close(client);
	for (size_t i = 0; err == ROTA_OK && i < count; i++)
		learn(r, ids[i]);
	return err;
}

static void pass(struct running *r)
{
	const struct arguments a = { .json = r->arguments->json };
	struct rota_fail why;

	if (ask(r, &why) != ROTA_OK) {
		fprintf(stderr, "rota-seald: %s\n", why.text);
		r->failed = true;
		return;
	}
	for (size_t i = r->count; i > 0 && !r->refused; i--) /* newest first: they overtake */
		make_trees(r, &r->known[i - 1]);
	if (r->config->authority && r->delivered)
		r->delivered = !in_child(r, verb_publish, &a);
}

enum rota_err verb_run(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct running r;

	ROTA_TRY(config_needs(c, "signd", c->signd, why));
	ROTA_TRY(config_needs(c, "inbox", c->inbox, why));
	ROTA_TRY(config_needs(c, "outbox", c->outbox, why));
	r = (struct running){ .config = c, .arguments = a, .delivered = true };
	pass(&r);
	while (!a->once && !r.refused) {
		sleep(c->poll_s);
		pass(&r);
	}
	if (r.refused)
		return rota_fail(why, holders_saw(ROTA_ERR_DENIED),
			"the token refuses its PIN, which is not tried again");
	return r.failed ? rota_fail(why, ROTA_ERR_STATE, "not all of it could be done") : ROTA_OK;
}
