/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/nginx_signd.h"
#include "host/serve/nginx_parts.h"

static void add_main(const struct rota_nginx_signd *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"# Made by `rota-signd --nginx` from %s; changes here are lost when it is made "
		"anew.\n"
		"# All paths without a leading slash are below the prefix that nginx was started "
		"with.\n"
		"\n"
		"daemon off;\n",
		n->made_from);
	if (n->user != NULL)
		rota_bytes_print(
			out, "user %s; # nobody else may connect to the daemon\n", n->user);
	rota_bytes_print(out,
		"worker_processes 1;\n"
		"worker_shutdown_timeout 10s;\n"
		"pid nginx.pid;\n"
		"error_log log/error.log;\n"
		"\n"
		"events {\n"
		"\tworker_connections 512;\n"
		"}\n"
		"\n");
}

static void add_limits(struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t# Limits. The daemon has room for 64 connections (SPEC 18.2): no client has all "
		"of them.\n"
		"\tserver_tokens off;\n"
		"\tclient_header_timeout 10s;\n"
		"\tclient_body_timeout 30s;\n"
		"\tsend_timeout 30s;\n"
		"\tkeepalive_timeout 65s;\n"
		"\tclient_header_buffer_size 1k;\n"
		"\tlarge_client_header_buffers 4 4k;\n"
		"\treset_timedout_connection on;\n"
		"\tignore_invalid_headers off; # an odd header is an error, not ignored\n"
		"\tlimit_conn_zone $ssl_client_fingerprint zone=client_conn:1m;\n"
		"\tlimit_conn client_conn 8;\n"
		"\tlimit_conn_status 429;\n"
		"\n");
}

static void add_upstream(const struct rota_nginx_signd *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tupstream signd {\n"
		"\t\tserver unix:%s;\n"
		"\t\tkeepalive 8;\n"
		"\t\tkeepalive_timeout 30s; # below the daemon's own 60 s\n"
		"\t}\n"
		"\tproxy_http_version 1.1;\n"
		"\tproxy_connect_timeout 2s;\n"
		"\tproxy_read_timeout 100s; # log and token have 40 s each\n"
		"\tproxy_next_upstream off;\n"
		"\t# Nothing that the client sent passes but method, path, type and body.\n"
		"\tproxy_pass_request_headers off;\n"
		"\tproxy_set_header Host signd;\n"
		"\tproxy_set_header Connection \"\";\n"
		"\tproxy_set_header Content-Type $content_type;\n"
		"\tproxy_set_header X-Rota-Certificate $ssl_client_escaped_cert;\n"
		"\n",
		n->socket);
}

static void add_server(const struct rota_nginx_signd *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tserver {\n"
		"\t\tlisten %s:%u ssl;\n"
		"\t\tssl_session_cache shared:client:1m;\n"
		"\t\tssl_client_certificate \"%s\";\n"
		"\t\tssl_verify_client on;\n"
		"\t\tssl_verify_depth 3;\n"
		"\t\terror_page 495 496 =403 @nobody;\n"
		"\t\tlocation @nobody {\n"
		"\t\t\tdefault_type application/json;\n"
		"\t\t\treturn 403 '{\"error\":\"a client certificate of this daemon is "
		"required\"}\\n';\n"
		"\t\t}\n"
		"\t\t# A request with the texts of its targets; it is whole before the daemon sees "
		"it.\n"
		"\t\tlocation /v1/ {\n"
		"\t\t\tclient_max_body_size 24m;\n"
		"\t\t\tproxy_pass http://signd;\n"
		"\t\t}\n"
		"\t\t# An artifact is hashed as it comes: it is written down once, by the daemon.\n"
		"\t\tlocation /v1/artifact/ {\n"
		"\t\t\tclient_max_body_size 4g;\n"
		"\t\t\tproxy_request_buffering off;\n"
		"\t\t\tproxy_pass http://signd;\n"
		"\t\t}\n"
		"\t\tlocation / {\n"
		"\t\t\treturn 404;\n"
		"\t\t}\n"
		"\t}\n",
		n->address, (unsigned)n->port, n->client_ca);
}

enum rota_err rota_nginx_signd_write(
	const struct rota_nginx_signd *n, struct rota_bytes *out, struct rota_fail *why)
{
	const char *const all[] = { n->made_from, n->user, n->certificate, n->key, n->client_ca,
		n->socket, n->address };

	ROTA_TRY(nginx_literal(all, sizeof(all) / sizeof(all[0]), why));
	add_main(n, out);
	rota_bytes_print(out, "http {\n");
	nginx_add_files(out);
	add_limits(out);
	nginx_add_tls(n->certificate, n->key, out);
	add_upstream(n, out);
	add_server(n, out);
	rota_bytes_print(out, "}\n");
	return ROTA_OK;
}
