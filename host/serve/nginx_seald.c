/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/nginx_seald.h"
#include "host/serve/nginx_parts.h"

static void add_main(const struct rota_nginx_seald *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"# Made by `rota-seald nginx` from %s; changes here are lost when it is made "
		"anew.\n"
		"# All paths without a leading slash are below the prefix that nginx was started "
		"with.\n"
		"\n"
		"daemon off;\n",
		n->made_from);
	if (n->user != NULL)
		rota_bytes_print(
			out, "user %s; # nobody else may connect to rota-seald\n", n->user);
	rota_bytes_print(out,
		"worker_processes 1;\n"
		"worker_shutdown_timeout 10s;\n"
		"pid nginx.pid;\n"
		"error_log log/error.log;\n"
		"\n"
		"events {\n"
		"\tworker_connections 256;\n"
		"}\n"
		"\n");
}

static void add_limits(struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tserver_tokens off;\n"
		"\tclient_header_timeout 10s;\n"
		"\tsend_timeout 10s;\n"
		"\tkeepalive_timeout 65s;\n"
		"\tclient_max_body_size 1; # nobody has one to send\n"
		"\tclient_header_buffer_size 1k;\n"
		"\tlarge_client_header_buffers 4 4k;\n"
		"\treset_timedout_connection on;\n"
		"\tignore_invalid_headers off; # an odd header is an error, not ignored\n"
		"\tlimit_conn_zone $ssl_client_fingerprint zone=client_conn:1m;\n"
		"\tlimit_conn client_conn 8;\n"
		"\tlimit_conn_status 429;\n"
		"\n");
}

static void add_upstream(const struct rota_nginx_seald *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tupstream seald {\n"
		"\t\tserver unix:%s; # one request a connection\n"
		"\t}\n"
		"\tproxy_http_version 1.1;\n"
		"\tproxy_connect_timeout 2s;\n"
		"\tproxy_read_timeout 100s; # those before this one, the log and the token\n"
		"\tproxy_next_upstream off;\n"
		"\tproxy_max_temp_file_size 0; # no key goes to a file\n"
		"\tproxy_cache off;\n"
		"\t# Nothing that the client sent passes but method and path.\n"
		"\tproxy_pass_request_headers off;\n"
		"\tproxy_pass_request_body off;\n"
		"\tproxy_set_header Host seald;\n"
		"\tproxy_set_header Connection close;\n"
		"\tproxy_set_header Content-Length \"\";\n"
		"\tproxy_set_header X-Rota-Certificate $ssl_client_escaped_cert;\n"
		"\n",
		n->socket);
}

static void add_server(const struct rota_nginx_seald *n, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tserver {\n"
		"\t\tlisten %s ssl;\n"
		"\t\tssl_session_cache shared:client:1m;\n"
		"\t\tssl_client_certificate \"%s\";\n"
		"\t\tssl_verify_client on;\n"
		"\t\tssl_verify_depth 3;\n"
		"\t\terror_page 495 496 =403 @nobody;\n"
		"\t\tlocation @nobody {\n"
		"\t\t\tdefault_type application/json;\n"
		"\t\t\treturn 403 '{\"error\":\"a client certificate of a service is "
		"required\"}\\n';\n"
		"\t\t}\n"
		"\t\tlocation /v1/keys/ {\n"
		"\t\t\tlimit_except GET {\n"
		"\t\t\t\tdeny all;\n"
		"\t\t\t}\n"
		"\t\t\tproxy_pass http://seald;\n"
		"\t\t}\n"
		"\t\tlocation / {\n"
		"\t\t\treturn 404;\n"
		"\t\t}\n"
		"\t}\n",
		n->listen, n->client_ca);
}

enum rota_err rota_nginx_seald_write(
	const struct rota_nginx_seald *n, struct rota_bytes *out, struct rota_fail *why)
{
	const char *const all[] = { n->made_from, n->user, n->certificate, n->key, n->client_ca,
		n->socket, n->listen };

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
