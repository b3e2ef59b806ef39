/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/nginx_parts.h"

#include <string.h>

enum rota_err nginx_literal(const char *const *texts, size_t count, struct rota_fail *why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789/._+@:,=-[]*~ ";

	for (size_t i = 0; i < count; i++)
		if (texts[i] != NULL && texts[i][strspn(texts[i], allowed)] != '\0')
			return rota_fail(why, ROTA_ERR_FORMAT,
				"'%s' has a character that nginx's configuration cannot hold: use "
				"letters, digits, space and /._+@:,=~-",
				texts[i]);
	return ROTA_OK;
}

void nginx_add_files(struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\tlog_format rota '$remote_addr [$time_iso8601] \"$request\" $status "
		"$body_bytes_sent '\n"
		"\t\t'$request_time $ssl_protocol $ssl_client_verify \"$ssl_client_s_dn\"';\n"
		"\taccess_log log/access.log rota;\n"
		"\tclient_body_temp_path tmp/body;\n"
		"\tproxy_temp_path tmp/proxy;\n"
		"\tfastcgi_temp_path tmp/fastcgi;\n"
		"\tuwsgi_temp_path tmp/uwsgi;\n"
		"\tscgi_temp_path tmp/scgi;\n"
		"\n");
}

void nginx_add_tls(const char *certificate, const char *key, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"\t# TLS 1.2 and 1.3, forward secrecy and authenticated ciphers only. Sessions are "
		"kept on the\n"
		"\t# server: tickets would carry the client's certificate and cost more than they "
		"save.\n"
		"\tssl_certificate \"%s\";\n"
		"\tssl_certificate_key \"%s\";\n"
		"\tssl_protocols TLSv1.2 TLSv1.3;\n"
		"\tssl_ciphers "
		"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-"
		"GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-"
		"CHACHA20-"
		"POLY1305;\n"
		"\tssl_prefer_server_ciphers off; # a device without AES instructions picks "
		"ChaCha20\n"
		"\tssl_session_tickets off;\n"
		"\tssl_session_timeout 4h;\n"
		"\n",
		certificate, key);
}
