/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/registrar.h"
#include "apps/rota-signd/beside.h"
#include "apps/rota-signd/message.h"
#include "host/base/cpus.h"
#include "host/campaign/keywrap.h"
#include "host/notary/registrar.h"
#include "host/pki/cert.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/pkcs11/sealer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A token's start, for each scope that has a registry. */
#define START_MS 60000

struct desk {
	const char *scope;
	X509 *device_ca;
	struct rota_registrar registrar;
};

struct registrar {
	struct desk desks[ROTA_POLICY_SCOPES_MAX];
	size_t count;
	int in, out;
	struct rota_span items[ROTA_REGISTRAR_ITEMS_MAX];
	struct signd_rows_done done;
};

/* ---- keys ---- */

/* The key is in plain for as long as it takes to begin with it. */
static enum rota_err open_key(
	const struct rota_policy_registry *r, struct rota_hmac *out, struct rota_fail *why)
{
	const struct rota_pkcs11_token token = { .name = r->label,
		.dir = "/",
		.module = r->module,
		.label = r->label,
		.pin_file = r->pin_file,
		.environment = r->environment };
	uint8_t key[ROTA_KEYWRAP_KEY_LEN];
	struct rota_sealer hsm;
	enum rota_err err;

	ROTA_TRY(rota_pkcs11_sealer_open(&token, "registry", &hsm, why));
	err = rota_keywrap_load(r->key, &hsm, ROTA_KEYWRAP_REGISTRY, key, why);
	hsm.close(hsm.ctx);
	if (err == ROTA_OK)
		rota_hmac_begin(out, &rota_crypto_openssl, ROTA_SPAN(key));
	explicit_bzero(key, sizeof(key));
	return err;
}

static enum rota_err open_desk(
	struct desk *d, const struct rota_authdir *scope, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(scope, "ca/device-ca.pem", path);
	ROTA_TRY(rota_cert_load(path, &d->device_ca, why));
	d->scope = scope->product;
	d->registrar.crypto = &rota_crypto_openssl;
	d->registrar.device_ca = d->device_ca;
	rota_row_product(
		&rota_crypto_openssl, rota_span_cstr(scope->product), d->registrar.product);
	return ROTA_OK;
}

/* As who starts the daemon: the authority is not for who holds tokens. */
static enum rota_err open_desks(struct registrar *r, const struct plan *plan, struct rota_fail *why)
{
	const struct rota_authdir *scope;

	for (size_t n = 0; (scope = rota_policy_scope_at(plan->policy, n)) != NULL; n++)
		if (rota_policy_registry(plan->policy, scope->product))
			ROTA_TRY(open_desk(&r->desks[r->count++], scope, why));
	return ROTA_OK;
}

static enum rota_err open_keys(struct registrar *r, const struct plan *plan, struct rota_fail *why)
{
	for (size_t i = 0; i < r->count; i++) {
		struct desk *d = &r->desks[i];

		if (open_key(rota_policy_registry(plan->policy, d->scope), &d->registrar.key,
			    why) != ROTA_OK)
			return rota_fail_in(why, "registry of %s", d->scope);
	}
	return ROTA_OK;
}

/* ---- orders ---- */

static const struct rota_registrar *find(const struct registrar *r, const char *scope)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->desks[i].scope, scope) == 0)
			return &r->desks[i].registrar;
	return NULL;
}

static void make(
	const struct rota_registrar *office, struct rota_span item, struct rota_rows_result *out)
{
	struct rota_registrar_item read;
	enum rota_err err = rota_registrar_read(item, &read);

	*out = (struct rota_rows_result){ .err = ROTA_OK };
	if (err == ROTA_OK)
		err = rota_registrar_row(office, &read, out->row);
	out->err = (int32_t)err;
}

static bool tell(struct registrar *r, size_t results)
{
	size_t len = offsetof(struct signd_rows_done, result) + results * sizeof(r->done.result[0]);
	ssize_t sent;

	do
		sent = send(r->out, &r->done, len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)len;
}

/* The bytes are those that the entry names: whoever had them in his hands in between. */
static enum rota_err check(const struct registrar *r, const struct signd_rows_order *order,
	struct rota_span batch, const struct rota_registrar **office)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	*office = memchr(order->scope, 0, sizeof(order->scope)) ? find(r, order->scope) : NULL;
	rota_digest_of(batch, digest);
	if (*office && memcmp(digest, order->digest, sizeof(digest)) == 0)
		return ROTA_OK;
	return ROTA_ERR_HASH;
}

/* false: nobody hears the answer. */
static bool serve(struct registrar *r, const struct signd_rows_order *order, struct rota_span batch)
{
	const struct rota_registrar *office;
	size_t all = 0;
	enum rota_err err = check(r, order, batch, &office);

	if (err == ROTA_OK)
		err = rota_rows_batch_read(batch, r->items, &all);
	r->done = (struct signd_rows_done){
		.tag = order->tag, .err = (int32_t)err, .all = (uint32_t)all
	};
	if (err != ROTA_OK)
		return tell(r, 0);
	for (size_t at = 0; at < all; at += r->done.count) {
		r->done.first = (uint32_t)at;
		r->done.count = (uint32_t)(all - at < SIGND_ROWS_MAX ? all - at : SIGND_ROWS_MAX);
		for (size_t i = 0; i < r->done.count; i++)
			make(office, r->items[at + i], &r->done.result[i]);
		if (!tell(r, r->done.count))
			return false;
	}
	return true;
}

/* Until the log writer is gone. */
static void work(struct registrar *r)
{
	struct rota_bytes batch = { 0 };
	struct signd_rows_order order;
	bool good = true;

	while (good &&
		beside_recv(r->in, rota_buf((uint8_t *)&order, sizeof(order)), 0,
			ROTA_ROWS_BATCH_MAX, &batch) == (ssize_t)sizeof(order))
		good = serve(r, &order, rota_bytes_span(&batch));
	rota_bytes_free(&batch);
}

static void end(struct registrar *r)
{
	for (size_t i = 0; i < r->count; i++)
		X509_free(r->desks[i].device_ca);
	explicit_bzero(r, sizeof(*r));
	free(r);
}

/* ---- the process ---- */

static int run(struct plan *plan, int report)
{
	const struct rota_policy_daemon *d = rota_policy_daemon(plan->policy);
	struct registrar *r = calloc(1, sizeof(*r));
	struct rota_fail why = { 0 };

	if (!r)
		abort();
	plan_keep(plan, PLAN_REGISTRAR);
	r->in = plan->registrar.order[0];
	r->out = plan->registrar.answer[0];
	why.err = rota_cpus_stay(d->cpus, &why);
	if (why.err == ROTA_OK)
		why.err = open_desks(r, plan, &why);
	if (why.err == ROTA_OK)
		why.err = rota_apart("signd-rows", plan_user(plan, PLAN_REGISTRAR), d->lock, &why);
	if (why.err == ROTA_OK)
		why.err = open_keys(r, plan, &why);
	if (send(report, &why, sizeof(why), MSG_NOSIGNAL) == (ssize_t)sizeof(why) &&
		why.err == ROTA_OK) {
		close(report);
		work(r);
	}
	end(r);
	return why.err == ROTA_OK ? 0 : 1;
}

static enum rota_err wait_for(int report, struct rota_fail *why)
{
	struct pollfd p = { .fd = report, .events = POLLIN };
	struct rota_fail said;

	if (poll(&p, 1, START_MS) == 1 && recv(report, &said, sizeof(said), 0) == sizeof(said)) {
		*why = said;
		return said.err;
	}
	return rota_fail(why, ROTA_ERR_IO, "the registrar does not start");
}

enum rota_err registrar_start(struct plan *plan, struct rota_fail *why)
{
	struct plan_registrar *r = &plan->registrar;
	enum rota_err err;
	int pair[2];

	if (!r->wanted)
		return ROTA_OK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return rota_fail_errno(why, errno, "socketpair");
	fflush(NULL);
	r->pid = fork();
	if (r->pid == 0) {
		close(pair[0]);
		_exit(run(plan, pair[1]));
	}
	close(pair[1]);
	err = r->pid > 0 ? wait_for(pair[0], why) : rota_fail_errno(why, errno, "fork");
	close(pair[0]);
	if (err != ROTA_OK && r->pid > 0)
		kill(r->pid, SIGKILL); /* it ends of itself, or hangs in its token */
	return err;
}
