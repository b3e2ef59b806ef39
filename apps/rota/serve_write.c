/* SPDX-License-Identifier: Apache-2.0 */
/* The ports, and the two configurations that are made at each start. */
#include "apps/rota/serve_state.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/serve/nginx.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bind and let go: nginx binds again in a moment. */
static enum rota_err probe(
	const char *address, uint64_t wanted, const char *key, uint16_t *out, struct rota_fail *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *at = NULL;
	struct sockaddr_storage got;
	socklen_t len = sizeof(got);
	char port[8], service[8];
	int fd, one = 1, code;

	snprintf(port, sizeof(port), "%u", (unsigned)(wanted & 0xffff));
	if (getaddrinfo(address, port, &hints, &at) != 0)
		return rota_fail(
			why, ROTA_ERR_FORMAT, "address '%s' is no IPv4 or IPv6 address", address);
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	code = fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 1) != 0 ||
			getsockname(fd, (struct sockaddr *)&got, &len) != 0
		? errno
		: 0;
	freeaddrinfo(at);
	if (fd >= 0)
		close(fd);
	if (code == EADDRINUSE)
		return rota_fail(why, ROTA_ERR_BUSY,
			"port %s on %s is in use; stop who has it, or set %s (0: a free one)", port,
			address, key);
	if (code != 0)
		return rota_fail_errno(why, code, "port %s on %s", port, address);
	if (getnameinfo((struct sockaddr *)&got, len, NULL, 0, service, sizeof(service),
		    NI_NUMERICSERV) != 0)
		return rota_fail(why, ROTA_ERR_NET, "the port of a socket is not known");
	*out = (uint16_t)strtoul(service, NULL, 10);
	return ROTA_OK;
}

enum rota_err serve_ports(struct serve_state *s, struct rota_fail *why)
{
	const struct serve_config *c = s->config;

	ROTA_TRY(probe(c->address, c->repo_port, "port", &s->repo_port, why));
	ROTA_TRY(probe(c->address, c->device_port, "device_port", &s->device_port, why));
	if (c->http)
		ROTA_TRY(probe(c->address, c->http_port, "http_port", &s->http_port, why));
	if (s->repo_port == s->device_port || s->repo_port == s->http_port ||
		s->device_port == s->http_port)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"port, device_port and http_port must differ from each other");
	return ROTA_OK;
}

static enum rota_err write_rotad(const struct serve_state *s, struct rota_fail *why)
{
	const struct serve_config *c = s->config;
	char *crl = c->crl == NULL ? rota_text("%s", "")
				   : rota_text("crl = %s\n", serve_path(s, "ca/crl.pem"));
	char *peer = s->root ? rota_text("peer_user = %s\n", c->web_user) : rota_text("%s", "");
	/* with a daemon to ask: the time, certificates, and keys, as rows are made of what devices say of these */
	char *asked = c->signd == NULL
		? rota_text("%s", "")
		: rota_text("\n[time]\nsignd = %s\nproduct = %s\n"
			    "\n[signd]\nsocket = %s\nproduct = %s\n"
			    "\n[keys]\ndirectory = %s\n",
			  c->signd, c->product, c->signd, c->product, serve_path(s, "rotad/keys"));
	char *ocsp = c->ocsp_key == NULL || c->crl == NULL
		? rota_text("%s", "")
		: rota_text("\n[ocsp]\nkey = %s\ncertificate = %s\nissuer = %s\n", c->ocsp_key,
			  c->ocsp_certificate, serve_path(s, "ca/operational-ca.pem"));
	char *text =
		rota_text("; Made by `rota serve` from %s at each start; changes here are lost.\n"
			  "[server]\nsocket = %s\n%sworkers = %" PRIu64 "\n\n"
			  "[identity]\nca = %s\ndevice_ca = %s\n%s\n"
			  "[journal]\ndirectory = %s\nsegment_bytes = %" PRIu64
			  "\nkeep_segments = %" PRIu64 "\n\n"
			  "[projection]\ndatabase = %s\n\n"
			  "[operators]\nsocket = %s\n%s%s\n\n"
			  "[log]\ndirectory = %s/log\n%s%s",
			c->file, serve_path(s, "run/rotad.sock"), peer, c->workers,
			serve_path(s, "ca/operational-ca.pem"), serve_path(s, "ca/device-ca.pem"),
			crl, serve_path(s, "rotad/journal"), c->segment_bytes, c->keep_segments,
			serve_path(s, "rotad/fleet.sqlite"), serve_path(s, "desk/operators.sock"),
			*c->operators ? "users = " : "", c->operators, c->repository, asked, ocsp);
	enum rota_err err =
		rota_file_write(serve_path(s, "rotad.ini"), rota_span_cstr(text), 0644, why);

	free(crl);
	free(peer);
	free(asked);
	free(ocsp);
	free(text);
	return err;
}

/* "nginx version: nginx/1.22.1" on standard error. */
static bool has_http2_directive(const char *nginx)
{
	char *command = rota_text("'%s' -v 2>&1", nginx), line[128] = "";
	unsigned major = 0, minor = 0, patch = 0;
	FILE *p = strchr(nginx, '\'') == NULL ? popen(command, "r") : NULL;

	free(command);
	if (p == NULL)
		return false;
	if (fgets(line, sizeof(line), p) == NULL)
		line[0] = '\0';
	pclose(p);
	if (sscanf(line, "nginx version: nginx/%u.%u.%u", &major, &minor, &patch) != 3)
		return false;
	return major > 1 || minor > 25 || (minor == 25 && patch >= 1);
}

static enum rota_err write_nginx(const struct serve_state *s, struct rota_fail *why)
{
	const struct serve_config *c = s->config;
	char *address = strchr(c->address, ':') != NULL ? rota_text("[%s]", c->address)
							: rota_text("%s", c->address);
	struct rota_nginx n = {
		.made_from = c->file,
		.user = s->root ? c->web_user : NULL,
		.repository = c->repository,
		.staging = c->staging,
		.certificate = c->certificate,
		.key = c->key,
		.client_ca = serve_path(s, "ca/client-ca.pem"),
		.rotad_socket = serve_path(s, "run/rotad.sock"),
		.status_socket = serve_path(s, "nginx/run/status.sock"),
		.address = address,
		.repo_port = s->repo_port,
		.device_port = s->device_port,
		.http_port = s->http_port,
		.device_rate = (uint32_t)c->device_rate,
		.targets_mtls = c->targets_mtls,
		.http2_directive = has_http2_directive(c->nginx),
	};
	struct rota_bytes text = { 0 };
	enum rota_err err = rota_nginx_write(&n, &text, why);

	if (err == ROTA_OK)
		err = rota_file_write(
			serve_path(s, "nginx/nginx.conf"), rota_bytes_span(&text), 0644, why);
	rota_bytes_free(&text);
	free(address);
	return err;
}

enum rota_err serve_write_configs(struct serve_state *s, struct rota_fail *why)
{
	ROTA_TRY(write_rotad(s, why));
	return write_nginx(s, why);
}
