/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/nginx.h"
#include "host/serve/nginx_parts.h"

static enum rota_err check(const struct rota_nginx *n, struct rota_fail *why)
{
	const char *const all[] = { n->made_from, n->user, n->repository, n->staging,
		n->certificate, n->key, n->client_ca, n->rotad_socket, n->status_socket,
		n->address };

	return nginx_literal(all, sizeof(all) / sizeof(all[0]), why);
}

static void add_main(const struct rota_nginx *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"# Made by `rota serve` from %s at each start; changes here are lost.\n"
		"# All paths without a leading slash are below the prefix that nginx was started "
		"with.\n"
		"\n"
		"daemon off; # `rota serve` watches this process\n",
		n->made_from);
	if (n->user != NULL)
		rota_bytes_print(out, "user %s;\n", n->user);
	rota_bytes_print(out,
		"worker_processes auto;\n"
		"worker_rlimit_nofile 16384;\n"
		"worker_shutdown_timeout 10s;\n"
		"pid nginx.pid;\n"
		"error_log log/error.log;\n"
		"\n"
		"events {\n"
		"\tworker_connections 8000;\n"
		"}\n"
		"\n");
}

static void add_http_files(struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t# Files.\n"
		"\ttypes {\n"
		"\t\tapplication/json json;\n"
		"\t}\n"
		"\tdefault_type application/octet-stream;\n"
		"\tsendfile on;\n"
		"\ttcp_nopush on;\n"
		"\tetag on;\n"
		"\tmax_ranges 8;\n"
		"\n");
}

static void add_http_limits(const struct rota_nginx *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t# Limits. A report is at most 16 KiB; nothing else has a body.\n"
		"\tserver_tokens off;\n"
		"\tclient_header_timeout 10s;\n"
		"\tclient_body_timeout 5s;\n"
		"\tsend_timeout 30s;\n"
		"\tkeepalive_timeout 65s;\n"
		"\tkeepalive_requests 1000;\n"
		"\tclient_header_buffer_size 1k;\n"
		"\tlarge_client_header_buffers 4 4k;\n"
		"\tclient_body_buffer_size 16k;\n"
		"\tclient_max_body_size 16k;\n"
		"\treset_timedout_connection on;\n"
		"\tignore_invalid_headers off; # an odd header is an error, not ignored\n"
		"\t# Many devices share an address behind NAT; one device has one certificate.\n"
		"\tlimit_conn_zone $binary_remote_addr zone=address:10m;\n"
		"\tlimit_conn address 1024;\n"
		"\tlimit_req_zone $ssl_client_fingerprint zone=device_rate:10m rate=%ur/s;\n"
		"\tlimit_conn_zone $ssl_client_fingerprint zone=device_conn:10m;\n"
		"\tlimit_req_zone $binary_remote_addr zone=ocsp_rate:10m rate=20r/s;\n"
		"\tlimit_conn_status 429;\n"
		"\tlimit_req_status 429;\n"
		"\n",
		(unsigned)n->device_rate);
}

static void add_upstream(const struct rota_nginx *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tupstream rotad {\n"
		"\t\tserver unix:%s;\n"
		"\t\tkeepalive 32;\n"
		"\t\tkeepalive_timeout 60s; # below rotad's own 75 s\n"
		"\t}\n"
		"\tproxy_http_version 1.1;\n"
		"\tproxy_connect_timeout 2s;\n"
		"\tproxy_read_timeout 20s;\n"
		"\tproxy_next_upstream off;\n"
		"\n",
		n->rotad_socket);
}

/* A location of the repository. `pattern` is that of the path below `folder` of `above`; the group has a
 * name, since the regular expression of an `if` would take $1 away. */
static void add_files(const char *above, struct rota_bytes *out, const char *comment,
	const char *folder, const char *pattern, const char *cache)
{
	rota_bytes_print(out,
		"\t\t# %s\n"
		"\t\tlocation ~ \"^/repo/%s/(?<file>%s)$\" {\n"
		"\t\t\tif ($request_method !~ ^(GET|HEAD)$) {\n"
		"\t\t\t\treturn 405;\n"
		"\t\t\t}\n"
		"\t\t\talias \"%s/%s/$file\";\n"
		"\t\t\tadd_header Cache-Control \"%s\";\n"
		"\t\t\tadd_header X-Content-Type-Options nosniff;\n"
		"\t\t}\n",
		comment, folder, pattern, above, folder, cache);
}

#define DIGEST_NAMES                                                                               \
	"(?:[A-Za-z0-9_+~=,@-][A-Za-z0-9._+~=,@-]*/)*[0-9a-f]{64}\\.[A-Za-z0-9._+~=,@-]+"

/* Builds that nobody has promoted: not for everybody to look into. */
static void add_staging(const struct rota_nginx *n, struct rota_bytes *out, bool devices)
{
	if (!n->staging)
		return;
	if (devices)
		add_files(n->staging, out, "Builds of ci, from where they are staged.", "targets",
			"ci/" DIGEST_NAMES, "private, max-age=31536000, immutable");
	else
		rota_bytes_print(out,
			"\t\t# Builds of ci need a client certificate: they are on the device "
			"listener.\n"
			"\t\tlocation ^~ /repo/targets/ci/ {\n"
			"\t\t\treturn 403 \"builds of ci are served to devices only\\n\";\n"
			"\t\t}\n");
}

/* Who asks about a certificate is nobody: he is limited by his address. */
static void add_ocsp(struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t\t# Whether a certificate is good (RFC 6960).\n"
		"\t\tlocation ~ ^/ocsp(/|$) {\n"
		"\t\t\tlimit_req zone=ocsp_rate burst=40 nodelay;\n"
		"\t\t\tproxy_pass_request_headers off;\n"
		"\t\t\tproxy_set_header Host rotad;\n"
		"\t\t\tproxy_set_header Connection \"\";\n"
		"\t\t\tproxy_pass http://rotad;\n"
		"\t\t}\n");
}

static void add_repo(const struct rota_nginx *n, struct rota_bytes *out, bool targets, bool devices)
{
	rota_bytes_print(out,
		"\t\t# What is missing now (the next root) may be there in a moment, and no cache "
		"may say otherwise then.\n"
		"\t\terror_page 404 @missing;\n"
		"\t\tlocation @missing {\n"
		"\t\t\tadd_header Cache-Control no-store always;\n"
		"\t\t\treturn 404 \"not found\\n\";\n"
		"\t\t}\n");
	add_files(n->repository, out, "What changes in place.", "metadata",
		"(?:timestamp|root-hint)\\.json", "public, max-age=60, must-revalidate");
	add_files(n->repository, out, "A version is written once.", "metadata",
		"[0-9]{1,10}\\.[a-z0-9][a-z0-9._-]{0,63}\\.json",
		"public, max-age=31536000, immutable");
	add_staging(n, out, devices);
	if (targets)
		add_files(n->repository, out, "The name has the digest.", "targets", DIGEST_NAMES,
			"public, max-age=31536000, immutable");
	else
		rota_bytes_print(out,
			"\t\t# Targets need a client certificate: they are on the device "
			"listener.\n"
			"\t\tlocation /repo/targets/ {\n"
			"\t\t\treturn 403 \"targets are served to devices only\\n\";\n"
			"\t\t}\n");
	add_files(n->repository, out, "The signing log: what it says of itself now.", "log",
		"checkpoint", "public, max-age=60");
	add_files(n->repository, out, "Its leaves and hashes, written once.", "log",
		"tile/(?:[0-9]|entries)/(?:x[0-9]{3}/){0,6}[0-9]{3}(?:\\.p/[0-9]{1,3})?",
		"public, max-age=31536000, immutable");
	add_files(n->repository, out,
		"Proofs of releases: made anew when further witnesses signed.", "log",
		"proofs/[0-9a-f]{64}\\.tlog-proof", "public, max-age=60");
	add_files(n->repository, out, "What an order names: the name is the digest.", "recovery",
		"[0-9a-f]{64}", "public, max-age=31536000, immutable");
	add_files(n->repository, out,
		"Looked at first by a device in trouble: never stale for long.", "recovery",
		"[a-z0-9][a-z0-9._-]{0,31}\\.json", "public, max-age=60");
	add_files(n->repository, out, "Revocation lists of devices' certificates.", "crl",
		"[a-z0-9][a-z0-9-]{0,63}\\.crl", "public, max-age=3600");
	rota_bytes_print(out,
		"\t\tlocation / {\n"
		"\t\t\treturn 404;\n"
		"\t\t}\n");
}

static void add_listen(const struct rota_nginx *n, struct rota_bytes *out, uint16_t port, bool tls)
{
	rota_bytes_print(out, "\t\tlisten %s:%u%s%s;\n", n->address, (unsigned)port,
		tls ? " ssl" : "", tls && !n->http2_directive ? " http2" : "");
	if (tls && n->http2_directive)
		rota_bytes_print(out, "\t\thttp2 on;\n");
}

static void add_public(const struct rota_nginx *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t# The public front: /repo/ for everybody who trusts the server's certificate. "
		"What is served\n"
		"\t# is signed, so that it may be mirrored anywhere.\n"
		"\tserver {\n");
	add_listen(n, out, n->repo_port, true);
	rota_bytes_print(out, "\t\tssl_session_cache shared:public:8m;\n");
	add_ocsp(out);
	add_repo(n, out, !n->targets_mtls, false);
	rota_bytes_print(out, "\t}\n\n");
	if (n->http_port == 0)
		return;
	rota_bytes_print(out,
		"\t# The same without TLS: nothing that a device believes depends on it.\n"
		"\tserver {\n");
	add_listen(n, out, n->http_port, false);
	add_ocsp(out);
	add_repo(n, out, !n->targets_mtls, false);
	rota_bytes_print(out, "\t}\n\n");
}

/* What goes to rotad: for one method, of the headers those that are named, and who speaks. */
struct way {
	const char *pattern, *method, *to; /* to: another path there, or "" */
	const char *headers; /* further lines, or "" */
};

static void add_to_rotad(const struct rota_nginx *n, struct rota_bytes *out, const struct way *way)
{
	rota_bytes_print(out,
		"\t\tlocation ~ \"^%s$\" {\n"
		"\t\t\tif ($request_method != %s) {\n"
		"\t\t\t\treturn 405;\n"
		"\t\t\t}\n"
		"\t\t\tlimit_req zone=device_rate burst=%u nodelay;\n"
		"\t\t\tlimit_conn device_conn 8;\n"
		"\t\t\t# rotad sees the body as it comes: nginx limits each pause, rotad the whole "
		"request.\n"
		"\t\t\tproxy_request_buffering off;\n"
		"\t\t\tproxy_pass_request_headers off;\n"
		"\t\t\tproxy_set_header Host rotad;\n"
		"\t\t\tproxy_set_header Connection \"\";\n"
		"\t\t\tproxy_set_header Content-Type $content_type;\n"
		"\t\t\tproxy_set_header X-Rota-Client-Cert $ssl_client_escaped_cert;\n"
		"%s"
		"\t\t\tproxy_pass http://rotad%s;\n"
		"\t\t}\n",
		way->pattern, way->method, 4 * (unsigned)n->device_rate, way->headers, way->to);
}

static void add_api(const struct rota_nginx *n, struct rota_bytes *out)
{
	static const struct way ways[] = {
		{ "/api/v1/(report|statement|time)", "POST", "", "" },
		{ "/api/v1/keys/[0-9a-f]{64}", "GET", "", "" },
		{ "/est/(?<get>cacerts|nonce)", "GET", "/.well-known/est/$get", "" },
		{ "/est/(?<enrol>simpleenroll|simplereenroll)", "POST", "/.well-known/est/$enrol",
			"\t\t\tproxy_set_header X-Rota-Endorsement $http_x_rota_endorsement;\n"
			"\t\t\tproxy_set_header X-Rota-IDevID $http_x_rota_idevid;\n" },
	};

	rota_bytes_print(out,
		"\t\t# Nothing that the client sent reaches rotad but the body, its type, and what "
		"is "
		"named here.\n");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		add_to_rotad(n, out, &ways[i]);
	rota_bytes_print(out,
		"\t\tlocation /api/ {\n"
		"\t\t\tdefault_type application/json;\n"
		"\t\t\treturn 404 '{\"error\":\"no such resource\"}\\n';\n"
		"\t\t}\n");
}

static void add_device(const struct rota_nginx *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t# The device front: whoever gets here showed a certificate of the device CA "
		"(IDevID) or of the\n"
		"\t# operational CA (LDevID). rotad takes LDevIDs only, and looks at validity and "
		"revocation itself.\n"
		"\tserver {\n");
	add_listen(n, out, n->device_port, true);
	rota_bytes_print(out,
		"\t\tssl_session_cache shared:device:32m;\n"
		"\t\tssl_client_certificate \"%s\";\n"
		"\t\tssl_verify_client on;\n"
		"\t\tssl_verify_depth 3;\n"
		"\t\terror_page 495 496 =403 @nobody;\n"
		"\t\terror_page 497 =400 @plain;\n"
		"\t\tlocation @nobody {\n"
		"\t\t\tdefault_type application/json;\n"
		"\t\t\treturn 403 '{\"error\":\"a device certificate of this server is "
		"required\"}\\n';\n"
		"\t\t}\n"
		"\t\tlocation @plain {\n"
		"\t\t\treturn 400 \"this port speaks TLS\\n\";\n"
		"\t\t}\n",
		n->client_ca);
	add_api(n, out);
	add_repo(n, out, true, true);
	rota_bytes_print(out, "\t}\n");
}

static void add_status(const struct rota_nginx *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\n"
		"\t# For `rota serve` and for monitoring on this machine.\n"
		"\tserver {\n"
		"\t\tlisten unix:%s;\n"
		"\t\taccess_log off;\n"
		"\t\tlocation ~ ^/(healthz|readyz|metrics)$ {\n"
		"\t\t\tproxy_pass_request_headers off;\n"
		"\t\t\tproxy_set_header Host rotad;\n"
		"\t\t\tproxy_set_header Connection \"\";\n"
		"\t\t\tproxy_pass http://rotad;\n"
		"\t\t}\n"
		"\t\tlocation / {\n"
		"\t\t\treturn 404;\n"
		"\t\t}\n"
		"\t}\n",
		n->status_socket);
}

enum rota_err rota_nginx_write(
	const struct rota_nginx *n, struct rota_bytes *out, struct rota_fail *why)
{
	ROTA_TRY(check(n, why));
	add_main(n, out);
	rota_bytes_print(out, "http {\n");
	nginx_add_files(out);
	add_http_files(out);
	add_http_limits(n, out);
	nginx_add_tls(n->certificate, n->key, out);
	add_upstream(n, out);
	add_public(n, out);
	add_device(n, out);
	add_status(n, out);
	rota_bytes_print(out, "}\n");
	return ROTA_OK;
}
