/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/remote.h"
#include "host/base/when.h"
#include "host/http/head.h"
#include "host/serve/listener.h"
#include "host/serve/nginx_signd.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum rota_err remote_check(struct plan *plan, struct rota_fail *why)
{
	const struct rota_policy_daemon *d = rota_policy_daemon(plan->policy);
	struct rota_remote *remote;

	if (d->remote_socket)
		ROTA_TRY(rota_user_find(d->nginx_user, &plan->nginx, why));
	ROTA_TRY(remote_open(plan, &remote, why));
	rota_remote_close(remote);
	return ROTA_OK;
}

enum rota_err remote_listen(struct plan *plan, struct rota_fail *why)
{
	const struct rota_policy_daemon *d = rota_policy_daemon(plan->policy);

	plan->remote_listener = -1;
	if (!d->remote_socket)
		return ROTA_OK;
	return rota_listener_open(d->remote_socket, 0666, &plan->remote_listener, why);
}

enum rota_err remote_open(const struct plan *plan, struct rota_remote **out, struct rota_fail *why)
{
	const struct rota_policy_daemon *d = rota_policy_daemon(plan->policy);

	*out = NULL;
	if (!d->remote_socket)
		return ROTA_OK;
	return rota_remote_open(d->client_ca, d->crl, out, why);
}

bool remote_is_nginx(const struct plan *plan, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		peer.uid == plan->nginx.uid;
}

void remote_identify(struct rota_remote *r, struct rota_span head, struct rota_identity *who)
{
	struct rota_span text = ROTA_STR("");

	(void)rota_http_header(head, "x-rota-certificate", &text);
	rota_remote_who(r, text, rota_when_now(), who);
}

static enum rota_err check_path(const char *key, const char *path, struct rota_fail *why)
{
	if (path)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "nginx needs %s", key);
}

static enum rota_err write_nginx(
	const struct rota_policy_daemon *d, const char *config, struct rota_fail *why)
{
	const struct rota_nginx_signd n = { .made_from = config,
		.user = geteuid() == 0 ? d->nginx_user : NULL,
		.certificate = d->certificate,
		.key = d->key,
		.client_ca = d->client_ca,
		.socket = d->remote_socket,
		.address = d->address,
		.port = d->port };
	struct rota_bytes text = { 0 };
	enum rota_err err;

	ROTA_TRY(check_path("[daemon] remote_socket", d->remote_socket, why));
	ROTA_TRY(check_path("[remote] client_ca", d->client_ca, why));
	ROTA_TRY(check_path("[remote] certificate", d->certificate, why));
	ROTA_TRY(check_path("[remote] key", d->key, why));
	err = rota_nginx_signd_write(&n, &text, why);
	if (err == ROTA_OK && fwrite(text.p, 1, text.len, stdout) != text.len)
		err = rota_fail(why, ROTA_ERR_IO, "standard output cannot be written");
	rota_bytes_free(&text);
	return err;
}

int remote_write_nginx(const struct rota_policy *policy, const char *config)
{
	struct rota_fail why = { 0 };

	if (write_nginx(rota_policy_daemon(policy), config, &why) == ROTA_OK)
		return 0;
	fprintf(stderr, "rota-signd: %s: %s\n", config, why.text);
	return 1;
}
