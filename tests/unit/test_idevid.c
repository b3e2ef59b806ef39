/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate it is: its issuer's signature says so, and the id follows from it (SPEC 1.1). */
#include "host/pki/idevid.h"
#include "host/base/digest.h"
#include "host/pki/cert.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

static struct issuer ca, other;
static struct rota_fail why;

TEST(read)
{
	struct rota_tbs_plan plan;
	struct rota_idevid device;
	struct rota_bytes der;
	uint8_t id[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX], own[65];
	X509 *cert;

	issuer_begin(&ca, "device-ca", false);
	plan = issuer_plan(&ca, ROTA_TBS_IDEVID);
	issuer_issue(&ca, &plan, &der, &cert);
	CHECK_OK(rota_idevid_read(ca.cert, rota_bytes_span(&der), &device, &why));
	CHECK_MEM(device.point, ca.point, sizeof(device.point));
	/* the same id as before the daemon issued any */
	rota_pki_device_id(ca.cert, cert, own);
	rota_hex(ROTA_SPAN(device.device), hex);
	CHECK(strcmp(own, hex) == 0);
	rota_tbs_device_id(ca.cert, plan.serial, id);
	CHECK_MEM(device.device, id, sizeof(id));
	for (size_t i = 0; i < der.len; i++) {
		der.p[i] ^= 1;
		CHECK(rota_idevid_read(ca.cert, rota_bytes_span(&der), &device, &why) != ROTA_OK);
		der.p[i] ^= 1;
	}
	X509_free(cert);
	rota_bytes_free(&der);
	issuer_end(&ca);
}

TEST(refused)
{
	struct rota_tbs_plan plan;
	struct rota_idevid device;
	struct rota_bytes der, forged;
	EVP_PKEY *large = EVP_EC_gen("P-384");
	unsigned char *at = cert_room;
	X509 *cert;

	issuer_begin(&ca, "device-ca", false);
	issuer_begin(&other, "device-ca", false);
	plan = issuer_plan(&other, ROTA_TBS_IDEVID);
	issuer_issue(&other, &plan, &der, NULL);
	ROW("an authority of the same name");
	CHECK_EQ(rota_idevid_read(ca.cert, rota_bytes_span(&der), &device, &why),
		ROTA_ERR_SIGNATURE);
	ROW("signed by itself");
	plan = issuer_plan(&ca, ROTA_TBS_IDEVID);
	CHECK_OK(rota_tbs_make(&plan, &forged, &why));
	rota_bytes_free(&der);
	issuer_sealed(ca.device, rota_bytes_span(&forged), &der);
	CHECK_EQ(rota_idevid_read(ca.cert, rota_bytes_span(&der), &device, &why),
		ROTA_ERR_SIGNATURE);
	ROW("a key of another curve");
	cert = cert_issue(
		large, "x", &(struct cert_ca){ ca.key, ca.cert }, 1, CERT_NOW, CERT_NOW + 1, false);
	CHECK_EQ(rota_idevid_read(
			 ca.cert, rota_span(cert_room, (size_t)i2d_X509(cert, &at)), &device, &why),
		ROTA_ERR_FORMAT);
	X509_free(cert);
	rota_bytes_free(&der);
	rota_bytes_free(&forged);
	EVP_PKEY_free(large);
	issuer_end(&ca);
	issuer_end(&other);
}

TESTS(T(read), T(refused))
