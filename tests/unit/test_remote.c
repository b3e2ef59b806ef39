/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks from afar: certificates as nginx hands them on (SPEC 18.8). */
#include "host/base/digest.h"
#include "host/identity/cert.h"
#include "host/notary/remote.h"
#include "tests/unit/cert_maker.h"
#include "tests/unit/test.h"

#include <string.h>
#include <unistd.h>

static struct rota_fail why;
static struct cert_ca ca, other;
static struct rota_remote *remote;

static bool begin(void)
{
	ca = cert_ca("Clients");
	other = cert_ca("Others");
	cert_write_ca(&ca);
	cert_write_crl(&ca, 66);
	return rota_remote_open(cert_ca_path, cert_crl_path, &remote, &why) == ROTA_OK;
}

static void end(void)
{
	rota_remote_close(remote);
	cert_ca_free(&ca);
	cert_ca_free(&other);
	unlink(cert_ca_path);
	unlink(cert_crl_path);
}

/* NULL: the one with this key; else why not. */
static const char *refused(
	const struct cert_ca *by, long serial, int from, int to, uint8_t spki[32])
{
	static char text[ROTA_CERT_ESCAPED_MAX + 1];
	struct rota_span der =
		cert_leaf(by, "ci", serial, CERT_NOW + from * CERT_DAY, CERT_NOW + to * CERT_DAY);
	struct rota_identity who;
	struct rota_cert cert;

	if (rota_cert_read(der, &cert) == ROTA_OK)
		rota_digest_of(cert.spki, spki);
	rota_remote_who(remote, rota_span(text, cert_escape(der, text)), (uint64_t)CERT_NOW, &who);
	if (!who.remote || (memcmp(who.spki, spki, 32) == 0) != (who.refused == NULL))
		return "it is somebody else";
	return who.refused;
}

TEST(certificates_are_judged)
{
	struct rota_identity who;
	uint8_t spki[32];

	CHECK(begin());
	CHECK(!refused(&ca, 1, -1, 1, spki));
	CHECK(strstr(refused(&ca, 66, -1, 1, spki), "revoked"));
	CHECK(strstr(refused(&ca, 1, -2, -1, spki), "not valid at this time"));
	CHECK(strstr(refused(&ca, 1, 1, 2, spki), "not valid at this time"));
	CHECK(strstr(refused(&other, 1, -1, 1, spki), "none of the CAs"));
	rota_remote_who(remote, ROTA_STR(""), (uint64_t)CERT_NOW, &who);
	CHECK(who.remote && strstr(who.refused, "showed no certificate"));
	rota_remote_who(remote, ROTA_STR("-----BEGIN"), (uint64_t)CERT_NOW, &who);
	CHECK(who.remote && strstr(who.refused, "cannot be read"));
	end();
}

TEST(files_are_looked_at_each_time)
{
	uint8_t spki[32];

	CHECK(begin());
	CHECK(!refused(&ca, 1, -1, 1, spki));
	cert_write_crl(&ca, 1);
	CHECK(strstr(refused(&ca, 1, -1, 1, spki), "revoked"));
	unlink(cert_crl_path);
	for (int i = 0; i < 2; i++) /* it stays so, whoever asks */
		CHECK(strstr(refused(&ca, 2, -1, 1, spki), "cannot be read now"));
	cert_write_crl(&ca, 1);
	CHECK(!refused(&ca, 2, -1, 1, spki));
	cert_write_ca(&other);
	CHECK(strstr(
		refused(&ca, 2, -1, 1, spki), "cannot be read now")); /* a list of another CA */
	end();
}

TEST(without_its_files_it_does_not_open)
{
	CHECK(begin());
	rota_remote_close(remote);
	unlink(cert_crl_path);
	CHECK(rota_remote_open(cert_ca_path, cert_crl_path, &remote, &why) != ROTA_OK);
	CHECK(remote == NULL && strstr(why.text, "[remote]"));
	CHECK_OK(rota_remote_open(cert_ca_path, NULL, &remote, &why));
	end();
}

TESTS(T(certificates_are_judged), T(files_are_looked_at_each_time),
	T(without_its_files_it_does_not_open))
