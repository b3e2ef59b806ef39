/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/station.h against devices that say what they like, up to where the authority would log one in. */
#include "host/factory/station.h"
#include "host/pki/cert.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/codec/statement.h"
#include "rota/crypto/factory.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum flaw {
	NONE,
	OTHER_NONCE, /* its request is signed for another nonce */
	OTHER_SERIAL,
	SOFT,
	SECOND_STATEMENT, /* number 2 */
	OTHER_AGREE, /* a statement of another agree key */
	UNSIGNED_STATEMENT,
	OTHER_POINT, /* a secret that is sealed to a carrier's point */
	OTHER_SECRET, /* one that somebody else signed */
	NO_SECRET,
	TPM,
};

struct pair {
	uint8_t secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];
};

static struct pair identity, agree, other, seal_to, carrier;
static struct issuer ca;
static enum flaw flaw;
static bool full; /* no device more may be made */
static bool unsealed; /* no factory secrets are wanted */
static unsigned issued;
static struct rota_talk ends[2];

static void sign(const struct pair *by, const uint8_t *digest, uint8_t *sig)
{
	if (rota_p256_openssl.sign(rota_p256_openssl.ctx, by->secret, digest, sig) != ROTA_OK)
		abort();
}

/* ---- the device ---- */

static void say_made(struct rota_span nonce)
{
	struct rota_factory_message m = { .kind = ROTA_FACTORY_MADE };
	uint8_t rot[1 + ROTA_ROM_ROOT_NAME_LEN] = { flaw == SOFT ? ROTA_ROT_SOFT
			: flaw == TPM                            ? ROTA_ROT_TPM
								 : ROTA_ROT_PKCS11 };
	const char *serial = flaw == OTHER_SERIAL ? "SN-2" : "SN-1";
	struct rota_bytes request = { 0 }, said = { 0 };
	uint8_t digest[ROTA_SHA256_LEN], sig[ROTA_P256_SIG_LEN];
	struct rota_fail why;

	rota_bytes_add(&request, ROTA_SPAN(identity.point));
	rota_bytes_add(&request, ROTA_SPAN(agree.point));
	rota_bytes_add_byte(&request, (char)strlen(serial));
	rota_bytes_add_text(&request, serial);
	rota_bytes_add(&said, nonce);
	said.p[0] ^= flaw == OTHER_NONCE;
	rota_bytes_add(&said, rota_bytes_span(&request));
	rota_factory_digest(&rota_crypto_openssl, rota_bytes_span(&said), digest);
	sign(&identity, digest, sig);
	rota_bytes_add(&request, ROTA_SPAN(sig));
	m.field[FACTORY_REQUEST] = rota_bytes_span(&request);
	m.field[FACTORY_ROT] = rota_span(rot, flaw == TPM ? sizeof(rot) : 1);
	m.field[FACTORY_FOLDER] = ROTA_STR("/d");
	(void)!rota_talk_say(&ends[1], &m, &why);
	rota_bytes_free(&request);
	rota_bytes_free(&said);
}

static struct rota_span state(const uint8_t *device, uint8_t room[static ROTA_STATEMENT_MAX])
{
	struct rota_statement s = { .kind = ROTA_STATEMENT_ANEW,
		.number = flaw == SECOND_STATEMENT ? 2 : 1 };
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_span body;

	memcpy(s.device, device, sizeof(s.device));
	memcpy(s.point, flaw == OTHER_AGREE ? other.point : agree.point, sizeof(s.point));
	if (rota_statement_encode(
		    &s, rota_buf(room, ROTA_STATEMENT_MAX - ROTA_P256_SIG_LEN), &body) != ROTA_OK)
		abort();
	rota_statement_digest(&rota_crypto_openssl, body, digest);
	sign(flaw == UNSIGNED_STATEMENT ? &other : &identity, digest, room + body.len);
	return rota_span(room, body.len + ROTA_P256_SIG_LEN);
}

/* What is in it nobody here can read. */
static void seal(const uint8_t *device, uint8_t out[static ROTA_FACTORY_SECRET_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	memset(out, 7, ROTA_FACTORY_SECRET_LEN);
	rota_factory_secret_digest(&rota_crypto_openssl,
		flaw == OTHER_POINT ? carrier.point : seal_to.point, device, out, digest);
	sign(flaw == OTHER_SECRET ? &other : &identity, digest, out + ROTA_FACTORY_SEALED_LEN);
}

static void say_asks(const uint8_t *device)
{
	struct rota_factory_message m = { .kind = ROTA_FACTORY_ASKS };
	uint8_t room[ROTA_STATEMENT_MAX], secret[ROTA_FACTORY_SECRET_LEN];
	struct rota_fail why;

	seal(device, secret);
	m.field[FACTORY_STATEMENT] = state(device, room);
	if (flaw != NO_SECRET)
		m.field[FACTORY_SECRET] = ROTA_SPAN(secret);
	(void)!rota_talk_say(&ends[1], &m, &why);
}

static void *device_run(void *ignored)
{
	struct rota_factory_message m;
	struct rota_bytes room;
	struct rota_fail why;

	if (rota_talk_hear(&ends[1], ROTA_FACTORY_MAKE, &room, &m, &why) != ROTA_OK)
		return ignored;
	say_made(m.field[FACTORY_NONCE]);
	rota_bytes_free(&room);
	if (rota_talk_hear(&ends[1], ROTA_FACTORY_BORN, &room, &m, &why) != ROTA_OK)
		return ignored;
	say_asks(m.field[FACTORY_DEVICE].p);
	rota_bytes_free(&room);
	if (rota_talk_hear(&ends[1], ROTA_FACTORY_GIVE, &room, &m, &why) == ROTA_OK)
		rota_bytes_free(&room);
	return ignored;
}

/* ---- the authority ---- */

/* The device CA issues; where the operational one is asked the device has passed. */
static enum rota_err certify(void *ctx, const char *party, struct rota_span csr,
	struct rota_span endorsement, struct rota_span idevid, struct rota_bytes *der,
	struct rota_fail *why)
{
	struct rota_tbs_plan plan = issuer_plan(&ca, ROTA_TBS_IDEVID);

	(void)ctx, (void)endorsement, (void)idevid;
	if (strcmp(party, "device-ca") != 0)
		return rota_fail(why, ROTA_ERR_NET, "so far");
	issued++;
	plan.name = "SN-1";
	plan.point = csr.p;
	rota_tbs_idevid_serial("sensor", plan.name, csr.p, plan.serial);
	issuer_issue(&ca, &plan, der, NULL);
	return ROTA_OK;
}

static enum rota_err give_nonce(
	void *ctx, const char *device, uint8_t out[static 32], struct rota_fail *why)
{
	(void)ctx, (void)device, (void)why;
	memset(out, 1, 32);
	return ROTA_OK;
}

static enum rota_err may(void *ctx, const struct rota_station_made *made, struct rota_fail *why)
{
	(void)ctx, (void)made;
	return full ? rota_fail(why, ROTA_ERR_CEILING, "full") : ROTA_OK;
}

static enum rota_err made(void *ctx, const struct rota_station_made *m, struct rota_fail *why)
{
	(void)ctx, (void)m, (void)why;
	return ROTA_OK;
}

static struct rota_authdir dir = { .product = "sensor" };
static struct rota_desk desk = { .dir = &dir };

static struct rota_station station(void)
{
	return (struct rota_station){ .desk = &desk,
		.crypto = &rota_crypto_openssl,
		.talk = ends[0],
		.ca = { .certify = certify, .nonce = give_nonce },
		.book = { .may = may, .made = made },
		.plan = { .serial = "SN-1",
			.hardware = "board-a",
			.channel = "production",
			.repository = "main",
			.repository_url = "https://a/",
			.server_url = "https://b/" },
		.seal_to = unsealed ? NULL : seal_to.point,
		.pcrs = 1 };
}

static bool begin(void)
{
	struct pair *const all[] = { &identity, &agree, &other, &seal_to, &carrier };
	struct rota_bytes pem;

	snprintf(dir.dir, sizeof(dir.dir), "%s", tempdir_fresh());
	issuer_begin(&ca, "device-ca", false);
	if (mkdir(tempdir_path("ca"), 0700) != 0)
		return false;
	rota_cert_pem(ca.cert, &pem);
	tempdir_put("ca/device-ca.pem", (const char *)pem.p);
	rota_bytes_free(&pem);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (rota_p256_openssl.make(rota_p256_openssl.ctx, all[i]->secret, all[i]->point) !=
			ROTA_OK)
			return false;
	full = unsealed = false;
	return true;
}

static void end(void)
{
	issuer_end(&ca);
	tempdir_remove();
}

static enum rota_err try(enum flaw with, const uint8_t *pcrs_sha256)
{
	struct rota_station_made out;
	struct rota_station s;
	struct rota_fail why;
	pthread_t device;
	enum rota_err err;
	int fds[2];

	flaw = with;
	issued = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return ROTA_ERR_IO;
	for (unsigned i = 0; i < 2; i++) {
		ends[i] = (struct rota_talk){ .in = fds[i], .out = fds[i] };
		if (rota_talk_begin(&ends[i], &why) != ROTA_OK)
			return ROTA_ERR_IO;
	}
	if (pthread_create(&device, NULL, device_run, NULL) != 0)
		return ROTA_ERR_IO;
	s = station();
	s.pcrs_sha256 = pcrs_sha256;
	err = rota_station_make(&s, &out, &why);
	pthread_join(device, NULL);
	for (unsigned i = 0; i < 2; i++) {
		rota_talk_end(&ends[i]);
		close(fds[i]);
	}
	return err;
}

TEST(what_a_device_has_to_show)
{
	static const struct {
		const char *row;
		enum flaw flaw;
		enum rota_err err;
		unsigned issued;
	} rows[] = {
		{ "all is well", NONE, ROTA_ERR_NET, 1 },
		{ "a request of another talk", OTHER_NONCE, ROTA_ERR_SIGNATURE, 0 },
		{ "another serial", OTHER_SERIAL, ROTA_ERR_HARDWARE, 0 },
		{ "keys in the clear", SOFT, ROTA_ERR_DENIED, 0 },
		{ "a later statement", SECOND_STATEMENT, ROTA_ERR_FORMAT, 1 },
		{ "of another agree key", OTHER_AGREE, ROTA_ERR_FORMAT, 1 },
		{ "that it did not sign", UNSIGNED_STATEMENT, ROTA_ERR_SIGNATURE, 1 },
		{ "a secret for a carrier", OTHER_POINT, ROTA_ERR_SIGNATURE, 1 },
		{ "somebody's secret", OTHER_SECRET, ROTA_ERR_SIGNATURE, 1 },
		{ "no secret", NO_SECRET, ROTA_ERR_FORMAT, 1 },
	};
	static const uint8_t shown[ROTA_SHA256_LEN] = { 1 };

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].row);
		CHECK_EQ(try(rows[i].flaw, NULL), rows[i].err);
		CHECK_EQ(issued, rows[i].issued);
	}
	ROW("one that quotes nothing, and has to");
	CHECK_EQ(try(NONE, shown), ROTA_ERR_DENIED);
	ROW("nothing is certified of one that may not be made");
	full = true;
	CHECK_EQ(try(NONE, NULL), ROTA_ERR_CEILING);
	CHECK_EQ(issued, 0);
	end();
}

TEST(who_is_listed_comes_again_as_the_same)
{
	uint8_t spki[ROTA_P256_SPKI_LEN];
	char hex[2 * ROTA_P256_SPKI_LEN + 1], text[512];

	CHECK(begin());
	rota_p256_spki(identity.point, spki);
	rota_hex(ROTA_SPAN(spki), hex);
	snprintf(text, sizeof(text), "{\"idevid_spki\":\"%s\",\"serial\":\"SN-1\"}\n", hex);
	tempdir_put("enrolments", text);
	CHECK_EQ(try(NONE, NULL), ROTA_ERR_NET);
	ROW("another device");
	rota_p256_spki(other.point, spki);
	rota_hex(ROTA_SPAN(spki), hex);
	snprintf(text, sizeof(text), "{\"idevid_spki\":\"%s\",\"serial\":\"SN-1\"}\n", hex);
	tempdir_put("enrolments", text);
	CHECK_EQ(try(NONE, NULL), ROTA_ERR_STATE);
	CHECK_EQ(issued, 0);
	end();
}

/* Its line, with what it showed then. */
static void put_line(const char *more)
{
	uint8_t spki[ROTA_P256_SPKI_LEN], serial[ROTA_TBS_SERIAL_LEN], device[ROTA_SHA256_LEN];
	char hex[2 * ROTA_P256_SPKI_LEN + 1], id[ROTA_DIGEST_HEX], text[1024];

	rota_p256_spki(identity.point, spki);
	rota_hex(ROTA_SPAN(spki), hex);
	rota_tbs_idevid_serial("sensor", "SN-1", identity.point, serial);
	rota_tbs_device_id(ca.cert, serial, device);
	rota_hex(ROTA_SPAN(device), id);
	snprintf(text, sizeof(text),
		"{\"device\":\"%s\",\"idevid_spki\":\"%s\",\"serial\":\"SN-1\"%s}\n", id, hex,
		more);
	tempdir_put("enrolments", text);
}

TEST(who_comes_again_shows_what_it_showed)
{
	CHECK(begin());
	ROW("it never had a TPM");
	put_line("");
	CHECK_EQ(try(NONE, NULL), ROTA_ERR_NET);
	ROW("it had one, and says that it is a token now");
	put_line(",\"quote_key\":\"000b\"");
	CHECK_EQ(try(NONE, NULL), ROTA_ERR_HARDWARE);
	CHECK_EQ(issued, 0);
	ROW("whoever has one shows it at the end");
	CHECK_EQ(try(TPM, NULL), ROTA_ERR_NET);
	ROW("it had a factory secret, and is asked for none");
	put_line(",\"secret\":\"00\"");
	CHECK_EQ(try(NONE, NULL), ROTA_ERR_NET);
	unsealed = true;
	CHECK_EQ(try(NO_SECRET, NULL), ROTA_ERR_DENIED);
	put_line("");
	CHECK_EQ(try(NO_SECRET, NULL), ROTA_ERR_NET);
	end();
}

TESTS(T(what_a_device_has_to_show), T(who_is_listed_comes_again_as_the_same),
	T(who_comes_again_shows_what_it_showed))
