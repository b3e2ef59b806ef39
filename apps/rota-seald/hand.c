/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/mem.h" /* before <string.h>, which a header of libcrypto brings */

#include "apps/rota-seald/deposit.h"
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/record.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/bar.h"
#include "host/campaign/hand.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct job {
	const struct config *config;
	const struct arguments *arguments;
	const struct service *service;
	struct rota_backkeys tree;
	char name[ROTA_FILE_PATH_MAX]; /* of the tree */
	struct rota_pkcs11_entropy *source;
	struct rota_pkcs11_deposit *deposit;
	struct rota_sealer copies;
};

/* With a point for a file, or a token. */
static enum rota_err find_service(struct job *j, struct rota_fail *why)
{
	j->service = services_named(&j->config->services, j->arguments->service);
	if (j->service && (j->service->has_agree || !j->arguments->out))
		return ROTA_OK;
	if (!j->arguments->out)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: no [service %s]",
			j->config->ini.path, j->arguments->service);
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: no [service %s] with agree",
		j->config->ini.path, j->arguments->service);
}

static enum rota_err open_tree(struct job *j, struct rota_fail *why)
{
	const struct arguments *a = j->arguments;
	uint8_t id[32];

	if (!rota_unhex(a->campaign, ROTA_BUF(id)))
		return rota_fail(
			why, ROTA_ERR_ARGUMENT, "--campaign %s is not 64 hex digits", a->campaign);
	config_campaign(j->config, id, a->tree, "", j->name);
	j->name[strlen(j->name) - 1] = 0; /* the dot before what kind of file */
	return rota_backkeys_open(&j->tree, j->name, &rota_crypto_openssl, &rota_aead_openssl, why);
}

/* Before the HSM opens anything. */
static enum rota_err record(const struct job *j, struct rota_fail *why)
{
	const struct unwrapped what = { j->service->name, &j->tree, NULL };
	struct rota_client *client = NULL;
	enum rota_err err = record_unwrapped(j->config, &client, &what, why);

	rota_client_close(client);
	return err;
}

static enum rota_err write_file(struct job *j, struct rota_fail *why)
{
	struct rota_random entropy = rota_pkcs11_entropy_random(j->source);
	struct rota_bar bar = { 0 };
	const struct rota_hand_plan plan = { .tree = &j->tree,
		.hsm = &j->copies,
		.point = j->service->agree,
		.p256 = &rota_p256_openssl,
		.entropy = &entropy,
		.path = j->arguments->out,
		.progress = &bar.port };
	enum rota_err err;

	rota_bar_begin(&bar, stderr, "handing");
	err = rota_hand_write(&plan, why);
	rota_bar_end(&bar);
	return err;
}

/* The log has it first. */
static enum rota_err record_and(struct job *j,
	enum rota_err (*then)(struct job *j, struct rota_fail *why), struct rota_fail *why)
{
	enum rota_err err;

	ROTA_TRY(holders_copies(j->config, j->tree.head.purpose, &j->copies, why));
	err = record(j, why);
	if (err == ROTA_OK)
		err = then(j, why);
	j->copies.close(j->copies.ctx);
	return err;
}

static enum rota_err into_file(struct job *j, struct rota_fail *why)
{
	enum rota_err err;

	if (rota_file_exists(j->arguments->out))
		return rota_fail(why, ROTA_ERR_STATE, "%s is there already", j->arguments->out);
	ROTA_TRY(holders_entropy(j->config, &j->source, why));
	err = record_and(j, write_file, why);
	rota_pkcs11_entropy_close(j->source);
	return err;
}

static enum rota_err fill_token(struct job *j, struct rota_fail *why)
{
	return deposit_tree(j->deposit, &j->tree, &j->copies, why);
}

static enum rota_err into_token(struct job *j, struct rota_fail *why)
{
	const struct rota_copies *head = &j->tree.head;
	enum rota_err err;

	ROTA_TRY(deposit_open(j->service, head->purpose, head->generation, &j->deposit, why));
	err = record_and(j, fill_token, why);
	rota_pkcs11_deposit_close(j->deposit);
	return err;
}

static enum rota_err hand(struct job *j, struct rota_fail *why)
{
	const uint8_t purpose = j->tree.head.purpose;

	if (!(j->service->purposes & 1u << purpose))
		return rota_fail(why, ROTA_ERR_DENIED, "service %s has no keys of purpose %s",
			j->service->name, rota_purpose_word(purpose));
	ROTA_TRY(holders_lock_memory(j->config, why));
	return j->arguments->out ? into_file(j, why) : into_token(j, why);
}

static void tell(const struct job *j)
{
	const struct arguments *a = j->arguments;

	if (a->json)
		printf("{\"campaign\":\"%s\",\"devices\":%" PRIu32
		       ",\"service\":\"%s\",\"tree\":%u}\n",
			a->campaign, j->tree.head.size, a->service, a->tree);
	else
		printf("rota-seald: keys of %" PRIu32 " devices for service %s in %s\n",
			j->tree.head.size, a->service, a->out ? a->out : "its token");
}

enum rota_err verb_hand(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct job j;
	enum rota_err err;

	j = (struct job){ .config = c, .arguments = a };
	ROTA_TRY(config_needs(c, "signd", c->signd, why));
	ROTA_TRY(find_service(&j, why));
	ROTA_TRY(open_tree(&j, why));
	err = hand(&j, why);
	rota_backkeys_close(&j.tree);
	if (err == ROTA_OK)
		tell(&j);
	return err;
}
