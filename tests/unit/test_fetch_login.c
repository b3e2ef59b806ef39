/* SPDX-License-Identifier: Apache-2.0 */
/* Who shows a certificate hears whether that was turned away, and mistakes nothing else for it (SPEC 29.9): a server that ends the
 * talk in each way, in a thread, on loopback. */
#include "host/fetch/fetch.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	int listener;
	unsigned port;
	EVP_PKEY *key, *device_key;
	X509 *certificate, *device;
	char ca[300], device_path[300], url[64];
} world;

/* How it ends. */
static struct ending {
	const char *name;
	int version; /* highest, of TLS */
	bool reset; /* behind the first bytes */
	int plain_alert; /* instead of an answer to them; 0: none */
	int refusal; /* of the certificate: X509_V_ERR_... */
	enum rota_err heard;
} endings[] = {
	{ "taken", TLS1_3_VERSION, false, 0, X509_V_OK, ROTA_OK },
	{ "taken, TLS 1.2", TLS1_2_VERSION, false, 0, X509_V_OK, ROTA_OK },
	{ "reset", TLS1_3_VERSION, true, 0, 0, ROTA_ERR_NET },
	{ "anybody's alert: unknown CA", TLS1_3_VERSION, false, SSL_AD_UNKNOWN_CA, 0,
		ROTA_ERR_NET },
	{ "anybody's alert: handshake failure", TLS1_3_VERSION, false, SSL_AD_HANDSHAKE_FAILURE, 0,
		ROTA_ERR_NET },
	{ "unknown CA", TLS1_3_VERSION, false, 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		ROTA_ERR_DENIED },
	{ "unknown CA, TLS 1.2", TLS1_2_VERSION, false, 0,
		X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ROTA_ERR_DENIED },
	{ "revoked", TLS1_3_VERSION, false, 0, X509_V_ERR_CERT_REVOKED, ROTA_ERR_DENIED },
	{ "expired", TLS1_3_VERSION, false, 0, X509_V_ERR_CERT_HAS_EXPIRED, ROTA_ERR_DENIED },
	{ "its own trouble", TLS1_3_VERSION, false, 0, X509_V_ERR_OUT_OF_MEM, ROTA_ERR_NET },
};

/* ---- the server ---- */

static X509 *certificate(EVP_PKEY *key, const char *name)
{
	X509 *x = X509_new();
	X509_EXTENSION *at = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509_add_ext(x, at, -1);
	X509_EXTENSION_free(at);
	if (X509_sign(x, key, EVP_sha256()) <= 0)
		test_fail(__FILE__, __LINE__, "no certificate");
	return x;
}

static int refuse(X509_STORE_CTX *ctx, void *arg)
{
	const struct ending *e = arg;

	X509_STORE_CTX_set_error(ctx, e->refusal);
	return e->refusal == X509_V_OK;
}

static void answer(SSL *ssl)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
	char request[2048];

	if (SSL_read(ssl, request, sizeof(request)) > 0)
		(void)SSL_write(ssl, text, sizeof(text) - 1);
	(void)SSL_shutdown(ssl);
}

static void talk(int fd, struct ending *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	SSL_CTX_set_max_proto_version(ctx, e->version);
	SSL_CTX_use_certificate(ctx, world.certificate);
	SSL_CTX_use_PrivateKey(ctx, world.key);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, refuse, e);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		answer(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

static void end_rudely(int fd, const struct ending *e)
{
	const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, (uint8_t)e->plain_alert };
	const struct linger at_once = { 1, 0 };
	uint8_t hello[4096];

	(void)!recv(fd, hello, sizeof(hello), 0);
	if (e->reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	else
		(void)!send(fd, alert, sizeof(alert), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
	struct ending *e = arg;
	int fd = accept(world.listener, NULL, NULL);

	if (e->reset || e->plain_alert != 0)
		end_rudely(fd, e);
	else
		talk(fd, e);
	if (!e->reset) { /* what was not read yet would reset the connection */
		(void)shutdown(fd, SHUT_WR);
		while (recv(fd, &(char){ 0 }, 1, 0) > 0)
			continue;
	}
	(void)close(fd);
	return NULL;
}

/* ---- the device ---- */

static void put_pem(const char *path, X509 *x)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || PEM_write_X509(f, x) != 1 || fclose(f) != 0)
		test_fail(__FILE__, __LINE__, "no file");
}

static void begin(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)tempdir_fresh();
	(void)snprintf(world.ca, sizeof(world.ca), "%s", tempdir_path("ca.pem"));
	(void)snprintf(world.device_path, sizeof(world.device_path), "%s", tempdir_path("d.pem"));
	world.key = EVP_EC_gen("P-256");
	world.device_key = EVP_EC_gen("P-256");
	world.certificate = certificate(world.key, "server");
	world.device = certificate(world.device_key, "device");
	put_pem(world.ca, world.certificate);
	put_pem(world.device_path, world.device);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(world.listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(world.listener, 8) != 0 ||
		getsockname(world.listener, (struct sockaddr *)&at, &len) != 0)
		test_fail(__FILE__, __LINE__, "no listener");
	(void)snprintf(world.url, sizeof(world.url), "https://127.0.0.1:%u", ntohs(at.sin_port));
}

static void end(void)
{
	(void)close(world.listener);
	X509_free(world.certificate);
	X509_free(world.device);
	EVP_PKEY_free(world.key);
	EVP_PKEY_free(world.device_key);
	tempdir_remove();
}

static enum rota_err ask(struct rota_fetch *f, const struct rota_fetch_server *server,
	struct ending *e, struct rota_fail *why)
{
	static struct rota_fetch_answer got;
	pthread_t thread;
	enum rota_err err;

	if (pthread_create(&thread, NULL, serve, e) != 0)
		test_fail(__FILE__, __LINE__, "no thread");
	err = rota_fetch_post(f, server, "report", ROTA_STR("{}"), 30, &got, why);
	(void)pthread_join(thread, NULL);
	return err;
}

TEST(what_a_server_says_of_a_certificate_is_told_from_what_befalls_a_connection)
{
	const struct rota_fetch_settings settings = {
		.user_agent = "test", .connect_s = 30, .stall_s = 30
	};
	struct rota_fetch_login login = { 0 };
	struct rota_fetch_server server = { 0 };
	struct rota_fetch *f;
	struct rota_fail why;

	begin();
	login = (struct rota_fetch_login){ world.device_path, world.device_key, 0 };
	server = (struct rota_fetch_server){ .url = world.url, .ca = world.ca, .login = &login };
	f = rota_fetch_new(&settings);
	CHECK(f != NULL);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		ROW(endings[i].name);
		login.turn++;
		CHECK_EQ(ask(f, &server, &endings[i], &why), endings[i].heard);
	}
	ROW("and what was said of one is not said of the next");
	CHECK_EQ(ask(f, &server, &endings[5], &why), ROTA_ERR_DENIED);
	CHECK_EQ(ask(f, &server, &endings[2], &why), ROTA_ERR_NET);
	rota_fetch_free(f);
	end();
}

TESTS(T(what_a_server_says_of_a_certificate_is_told_from_what_befalls_a_connection))
