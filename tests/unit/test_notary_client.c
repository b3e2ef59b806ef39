/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's client as a notary: what it asks for, what it believes, and that nothing granted is lost. */
#include "tests/unit/test.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/notary_server.h"
#include "tests/unit/tempdir.h"
#include "host/notary/client_certificate.h"
#include "host/notary/proxy.h"
#include "host/repo/rollout.h"
#include "host/repo/store.h"
#include "host/sign/image.h"
#include "host/sign/p256.h"

#include <dirent.h>
#include <stdlib.h>

#define POLICY "{\"campaigns\":[],\"format\":1,\"product\":\"sensor\",\"sequence\":1}"

/* The scene's authority, with a daemon for its online keys. */
struct daemon_scene {
	struct scene s;
	struct server server;
	struct rota_proxy proxy;
	struct rota_notary notary;
};

static bool begin(struct daemon_scene *d)
{
	if (!scene_begin(&d->s) || !server_begin(&d->server, tempdir_path("socket"), &d->s.soft))
		return false;
	rota_tokens_close(&d->s.tokens);
	d->s.soft.mood[7] = SOFT_ABSENT; /* here: the daemon has it */
	snprintf(d->s.online.signd, sizeof(d->s.online.signd), "%s", d->server.socket);
	rota_proxy_init(&d->proxy, &d->s.online, &d->s.tokens, "why not");
	d->notary = rota_proxy_notary(&d->proxy);
	d->s.desk.notary = &d->notary;
	return true;
}

static void end(struct daemon_scene *d)
{
	rota_proxy_close(&d->proxy);
	server_end(&d->server);
	scene_end(&d->s);
}

static unsigned asks_left(void)
{
	DIR *d = opendir(tempdir_path("online/asks"));
	unsigned count = 0;

	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return count;
}

/* The next version of a role, which says so much more. */
static enum rota_err sign(struct daemon_scene *d, const char *role, uint64_t *version)
{
	json_t *content = rota_metadata_empty();
	enum rota_err err = rota_metadata_sign(&d->s.desk, role, content, 0, version, &d->s.why);

	json_decref(content);
	return err;
}

static uint64_t newest(struct daemon_scene *d, const char *role)
{
	uint64_t version;

	return rota_store_newest(&d->s.online, role, true, &version, &d->s.why) == ROTA_OK ? version
											   : 0;
}

static enum rota_err settle(struct daemon_scene *d)
{
	return rota_proxy_settle(&d->proxy, &d->s.desk, &d->s.why);
}

TEST(online_roles_are_the_daemons)
{
	struct daemon_scene d;
	uint64_t version;

	CHECK(begin(&d));
	CHECK_OK(sign(&d, "rollouts", &version));
	CHECK_EQ(version, 2);
	CHECK_EQ(newest(&d, "rollouts"), 2);
	CHECK_EQ(d.server.board->asks, 1);
	CHECK_OK(sign(&d, "retirements", &version)); /* people's */
	CHECK_EQ(d.server.board->asks, 1);
	CHECK_EQ(asks_left(), 1);
	CHECK_OK(settle(&d)); /* there is a file of that version: nothing to ask */
	CHECK_EQ(d.server.board->asks, 1);
	CHECK_EQ(asks_left(), 0);
	end(&d);
}

TEST(keys_are_what_the_daemon_says)
{
	const struct rota_party *rollouts, *retirements;
	uint8_t point[ROTA_P256_KEY_LEN], own[ROTA_P256_KEY_LEN];
	struct daemon_scene d;

	CHECK(begin(&d));
	rollouts = rota_authdir_party(&d.s.online, "rollouts");
	retirements = rota_authdir_party(&d.s.online, "retirements");
	CHECK_OK(d.notary.key(d.notary.ctx, rollouts, 0, point, &d.s.why));
	CHECK(rota_p256_of_pkey(d.s.soft.key[7], own));
	CHECK_MEM(point, own, sizeof(own));
	CHECK_EQ(d.notary.key(d.notary.ctx, rollouts, 1, point, &d.s.why), ROTA_ERR_NOT_FOUND);
	CHECK_OK(d.notary.key(d.notary.ctx, retirements, 1, point, &d.s.why));
	CHECK(rota_p256_of_pkey(d.s.soft.key[1], own));
	CHECK_MEM(point, own, sizeof(own));
	d.server.board->mood = SERVER_LIES; /* an id that is not of its key */
	CHECK_EQ(d.notary.key(d.notary.ctx, rollouts, 0, point, &d.s.why), ROTA_ERR_FORMAT);
	end(&d);
}

TEST(what_is_no_yes_is_no_signature)
{
	static const struct {
		const char *reason;
		enum server_mood mood;
		enum rota_err want;
		unsigned left; /* requests that are kept, for they may have been granted */
		const char *says;
	} rows[] = {
		{ "refused", SERVER_REFUSES, ROTA_ERR_ROLE, 0, "role: as the test" },
		{ "too often", SERVER_RATES, ROTA_ERR_BUSY, 0, "rate: as" },
		{ "token away", SERVER_HAS_NO_TOKEN, ROTA_ERR_BUSY, 1, "token: as" },
		{ "lost answer", SERVER_CUTS, ROTA_ERR_NET, 1, "signing daemon at" },
		{ "bad signature", SERVER_LIES, ROTA_ERR_SIGNATURE, 1, "does not verify" },
		{ "no signature", SERVER_SAYS_NOTHING, ROTA_ERR_THRESHOLD, 1, "no signature" },
		{ "no answer", SERVER_BABBLES, ROTA_ERR_FORMAT, 1, "no answer" },
		{ "waits", SERVER_ASKS_OFFICERS, ROTA_ERR_BUSY, 1, "rota approve" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct daemon_scene d;
		uint64_t version;

		ROW(rows[i].reason);
		CHECK(begin(&d));
		d.server.board->mood = rows[i].mood;
		CHECK_EQ(sign(&d, "rollouts", &version), rows[i].want);
		CHECK_EQ(newest(&d, "rollouts"), 1);
		CHECK_EQ(asks_left(), rows[i].left);
		CHECK(strstr(d.s.why.text, rows[i].says) != NULL);
		end(&d);
	}
}

TEST(nobody_there_was_not_asked)
{
	struct daemon_scene d;
	uint64_t version;

	CHECK(begin(&d));
	snprintf(d.s.online.signd, sizeof(d.s.online.signd), "/nowhere/signd.sock");
	CHECK_EQ(sign(&d, "rollouts", &version), ROTA_ERR_NET);
	CHECK(strstr(d.s.why.text, "/nowhere/signd.sock") != NULL);
	CHECK_EQ(asks_left(), 0);
	end(&d);
}

/* The daemon granted version 2; here it was never heard of. */
TEST(what_was_granted_is_not_lost)
{
	static const enum server_mood moods[] = { SERVER_CUTS, SERVER_HAS_NO_TOKEN };

	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		struct daemon_scene d;
		uint64_t version;

		CHECK(begin(&d));
		d.server.board->mood = moods[i];
		CHECK(sign(&d, "rollouts", &version) != ROTA_OK);
		d.server.board->mood = SERVER_WELL;
		d.s.desk.now++; /* the same version at another time is no second request */
		CHECK_EQ(sign(&d, "rollouts", &version), ROTA_ERR_BUSY);
		CHECK(strstr(d.s.why.text, "asked for already") != NULL);
		CHECK_EQ(asks_left(), 1);
		CHECK_OK(settle(&d));
		CHECK_EQ(newest(&d, "rollouts"), 2);
		CHECK_EQ(asks_left(), 0);
		CHECK_OK(sign(&d, "rollouts", &version));
		CHECK_EQ(version, 3);
		end(&d);
	}
}

TEST(a_request_that_is_left_is_brought_to_an_end)
{
	struct daemon_scene d;
	uint64_t version;

	CHECK(begin(&d));
	d.server.board->mood = SERVER_CUTS;
	CHECK_EQ(sign(&d, "rollouts", &version), ROTA_ERR_NET);
	d.server.board->mood = SERVER_RATES; /* may be granted still */
	CHECK_EQ(settle(&d), ROTA_ERR_BUSY);
	CHECK_EQ(asks_left(), 1);
	d.server.board->mood = SERVER_LIES;
	CHECK_EQ(settle(&d), ROTA_ERR_SIGNATURE);
	CHECK_EQ(newest(&d, "rollouts"), 1);
	CHECK_EQ(asks_left(), 1);
	d.server.board->mood = SERVER_REFUSES; /* told once */
	CHECK_EQ(settle(&d), ROTA_ERR_ROLE);
	CHECK_EQ(asks_left(), 0);
	CHECK_OK(settle(&d));
	end(&d);
}

/* Approve what waits, as an officer's program does. */
static enum rota_err approve(struct daemon_scene *d, unsigned *shown_version)
{
	uint8_t digests[ROTA_CLIENT_PENDING_MAX][ROTA_DIGEST_LEN];
	struct rota_approval yes = { .expires_s = NOW + 600 };
	struct rota_answer answer;
	struct rota_ask ask;
	size_t count;
	json_t *was;

	ROTA_TRY(rota_client_pending(d->proxy.client, digests, &count, &d->s.why));
	ROTA_TRY(rota_client_shown(d->proxy.client, digests[0], &ask, &was, &d->s.why));
	*shown_version = (unsigned)json_integer_value(json_object_get(was, "version"));
	json_decref(was);
	memcpy(yes.ask, ask.digest, sizeof(yes.ask));
	rota_ask_free(&ask);
	return rota_client_approve(d->proxy.client, &yes, &answer, &d->s.why);
}

TEST(an_approved_request_comes_to_its_file)
{
	unsigned shown = 0;
	struct daemon_scene d;
	uint64_t version;

	CHECK(begin(&d));
	d.server.board->mood = SERVER_ASKS_OFFICERS;
	CHECK_EQ(sign(&d, "rollouts", &version), ROTA_ERR_BUSY);
	CHECK_OK(settle(&d)); /* it waits, and nothing stands still for it */
	CHECK_EQ(asks_left(), 1);
	CHECK_OK(approve(&d, &shown));
	CHECK_EQ(shown, 1);
	CHECK_OK(settle(&d));
	CHECK_EQ(newest(&d, "rollouts"), 2);
	CHECK_EQ(asks_left(), 0);
	d.server.board->mood = SERVER_MIXES_UP;
	CHECK_EQ(approve(&d, &shown), ROTA_ERR_HASH);
	end(&d);
}

TEST(campaigns_are_those_that_were_asked_for)
{
	static uint8_t ids[ROTA_CLIENT_CAMPAIGNS_MAX][ROTA_DIGEST_LEN];
	struct daemon_scene d;
	struct rota_ask ask;
	char state[ROTA_CLIENT_STATE_MAX];
	uint64_t version;
	size_t count = 0;

	CHECK(begin(&d));
	CHECK_OK(sign(&d, "rollouts", &version)); /* the client is opened when it is needed */
	CHECK_OK(rota_client_campaigns(d.proxy.client, "sensor", ids, &count, &d.s.why));
	CHECK_EQ(count, 1);
	CHECK_OK(rota_client_campaign(d.proxy.client, ids[0], &ask, &d.s.why));
	CHECK(rota_span_eq(rota_bytes_span(&ask.bytes), rota_span_cstr(server_campaign)));
	CHECK_EQ(ask.kind, ROTA_ASK_CAMPAIGN);
	rota_ask_free(&ask);
	CHECK_OK(rota_client_campaign_state(d.proxy.client, ids[0], &ask, state, &d.s.why));
	CHECK(strcmp(state, "paused") == 0);
	rota_ask_free(&ask);
	CHECK_EQ(rota_client_campaigns(d.proxy.client, "motor", ids, &count, &d.s.why),
		ROTA_ERR_NOT_FOUND);
	ids[0][0] ^= 1;
	CHECK_EQ(rota_client_campaign(d.proxy.client, ids[0], &ask, &d.s.why), ROTA_ERR_HASH);
	ids[0][0] ^= 1;
	d.server.board->mood = SERVER_MIXES_UP;
	CHECK(rota_client_campaign(d.proxy.client, ids[0], &ask, &d.s.why) != ROTA_OK);
	d.server.board->mood = SERVER_BABBLES;
	CHECK_EQ(rota_client_campaigns(d.proxy.client, "sensor", ids, &count, &d.s.why),
		ROTA_ERR_FORMAT);
	end(&d);
}

TEST(rows_come_as_they_were_asked_for)
{
	const struct rota_span items[] = { ROTA_STR("abc"), ROTA_STR("-"), ROTA_STR("z") };
	static const struct {
		enum server_mood mood;
		enum rota_err err;
	} moods[] = { { SERVER_MIXES_UP, ROTA_ERR_FORMAT }, { SERVER_REFUSES, ROTA_ERR_ROLE },
		{ SERVER_RATES, ROTA_ERR_BUSY }, { SERVER_HAS_NO_TOKEN, ROTA_ERR_BUSY },
		{ SERVER_BABBLES, ROTA_ERR_FORMAT } };
	struct rota_rows_result out[3];
	struct daemon_scene d;
	uint64_t version;

	CHECK(begin(&d));
	CHECK_OK(sign(&d, "rollouts", &version)); /* the client is opened when it is needed */
	CHECK_OK(rota_client_rows(d.proxy.client, "sensor", "r", items, 3, out, &d.s.why));
	CHECK_EQ(out[0].err, ROTA_OK);
	CHECK_EQ(out[0].row[255], 'a');
	CHECK_EQ(out[1].err, ROTA_ERR_COUNTER);
	CHECK_EQ(out[2].row[0], 'z');
	CHECK_EQ(rota_client_rows(d.proxy.client, "sensor", "r", items, 0, out, &d.s.why),
		ROTA_ERR_LIMIT);
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		d.server.board->mood = moods[i].mood;
		CHECK_EQ(rota_client_rows(d.proxy.client, "sensor", "r", items, 3, out, &d.s.why),
			moods[i].err);
	}
	end(&d);
}

TEST(an_authority_is_asked)
{
	static const uint8_t device[ROTA_DIGEST_LEN] = { 1 }, serial[] = { 0x5a, 1 };
	struct rota_bytes der, ask = { 0 };
	struct daemon_scene d;
	uint64_t version;
	unsigned asks;

	CHECK(begin(&d));
	CHECK_OK(sign(&d, "rollouts", &version)); /* the client is opened when it is needed */
	CHECK_OK(rota_client_crl(d.proxy.client, "sensor", "device-ca", "r", &der, &d.s.why));
	CHECK_EQ(der.len, 60000);
	CHECK(der.p[0] == 1 && der.p[2] == 3 && der.p[59999] == 0);
	rota_bytes_free(&der);
	CHECK_OK(rota_client_responder(
		d.proxy.client, "sensor", "device-ca", "r", ROTA_STR("csr"), &der, &d.s.why));
	CHECK_EQ(der.len, 600);
	rota_bytes_free(&der);
	CHECK_OK(rota_client_revoke(d.proxy.client, "sensor", "device-ca", "r", device,
		ROTA_SPAN(serial), &ask, &d.s.why));
	rota_bytes_free(&ask);
	ROW("an officer first: the same request is brought again");
	d.server.board->mood = SERVER_ASKS_OFFICERS;
	CHECK_EQ(rota_client_revoke(d.proxy.client, "sensor", "device-ca", "r", device,
			 ROTA_SPAN(serial), &ask, &d.s.why),
		ROTA_ERR_BUSY);
	asks = d.server.board->asks;
	version = ask.len;
	CHECK_EQ(rota_client_revoke(d.proxy.client, "sensor", "device-ca", "r", device,
			 ROTA_SPAN(serial), &ask, &d.s.why),
		ROTA_ERR_BUSY);
	CHECK(d.server.board->asks == asks + 1 && ask.len == version);
	rota_bytes_free(&ask);
	ROW("what is no yes");
	CHECK_EQ(rota_client_crl(d.proxy.client, "sensor", "device-ca", "r", &der, &d.s.why),
		ROTA_ERR_BUSY);
	d.server.board->mood = SERVER_SAYS_NOTHING;
	CHECK_EQ(rota_client_crl(d.proxy.client, "sensor", "device-ca", "r", &der, &d.s.why),
		ROTA_ERR_FORMAT);
	d.server.board->mood = SERVER_REFUSES;
	CHECK_EQ(rota_client_crl(d.proxy.client, "sensor", "device-ca", "r", &der, &d.s.why),
		ROTA_ERR_ROLE);
	CHECK(!der.p);
	end(&d);
}

/* Who asks for a device must not tell it that it is refused because the daemon was busy. */
TEST(no_answer_about_a_certificate_is_no_refusal)
{
	const struct rota_certificate_ask ask = { .scope = "sensor",
		.party = "operational-ca",
		.reason = "r",
		.csr = ROTA_STR("csr"),
		.endorsement = ROTA_STR("e"),
		.identity = ROTA_STR("i"),
		.ldevid = rota_span(NULL, 0) };
	struct daemon_scene d;
	struct rota_bytes der;
	uint64_t version;

	CHECK(begin(&d));
	CHECK_OK(sign(&d, "rollouts", &version));
	d.server.board->mood = SERVER_BABBLES;
	CHECK_EQ(rota_client_certificate(d.proxy.client, &ask, &der, &d.s.why), ROTA_ERR_BUSY);
	d.server.board->mood = SERVER_RATES;
	CHECK_EQ(rota_client_certificate(d.proxy.client, &ask, &der, &d.s.why), ROTA_ERR_BUSY);
	d.server.board->mood = SERVER_REFUSES;
	CHECK_EQ(rota_client_certificate(d.proxy.client, &ask, &der, &d.s.why), ROTA_ERR_ROLE);
	end(&d);
}

TEST(the_daemon_gets_the_texts_that_are_new)
{
	static const char path[] = "rollouts/sensor.json";
	struct rota_store_target target;
	struct daemon_scene d;
	uint64_t version;
	json_t *content;

	CHECK(begin(&d));
	CHECK_OK(rota_store_put_target(
		&d.s.online, path, rota_span_cstr(POLICY), &target, &d.s.why));
	content = rota_metadata_empty();
	json_object_set_new(
		json_object_get(content, "targets"), path, rota_store_target_object(&target));
	CHECK_OK(rota_metadata_sign(&d.s.desk, "rollouts", content, 0, &version, &d.s.why));
	CHECK_EQ(d.server.board->files, 1);
	CHECK_OK(rota_metadata_sign(&d.s.desk, "rollouts", content, 0, &version, &d.s.why));
	CHECK_EQ(d.server.board->files, 0); /* the same one again */
	json_decref(content);
	end(&d);
}

TEST(an_image_goes_there_whole)
{
	struct rota_image_plan plan = { .product = "sensor",
		.hardware = { "board-a" },
		.hardware_count = 1,
		.version = 1,
		.seat_count = 1 };
	struct rota_party party = { .name = "ci-image", .threshold = 1, .seat_count = 1 };
	uint8_t digest[ROTA_DIGEST_LEN];
	char out[ROTA_FILE_PATH_MAX], payload[ROTA_FILE_PATH_MAX];
	struct daemon_scene d;

	CHECK(begin(&d));
	party.seats[0] = (struct rota_seat){ .token = &d.s.online.tokens[7], .key = "key" };
	plan.party = &party;
	tempdir_put("payload", "program");
	snprintf(payload, sizeof(payload), "%s", tempdir_path("payload"));
	snprintf(out, sizeof(out), "%s", tempdir_path("out"));
	plan.payload = payload;
	plan.out = out;
	CHECK_OK(rota_image_sign(&plan, &d.notary, NULL, digest, &d.s.why));
	CHECK_EQ(d.server.board->uploads, 1);
	CHECK(rota_file_exists(out));
	remove(out);
	d.server.board->mood = SERVER_MIXES_UP;
	CHECK_EQ(rota_image_sign(&plan, &d.notary, NULL, digest, &d.s.why), ROTA_ERR_HASH);
	CHECK(!rota_file_exists(out));
	end(&d);
}

TESTS(T(online_roles_are_the_daemons), T(keys_are_what_the_daemon_says),
	T(what_is_no_yes_is_no_signature), T(nobody_there_was_not_asked),
	T(what_was_granted_is_not_lost), T(a_request_that_is_left_is_brought_to_an_end),
	T(an_approved_request_comes_to_its_file), T(campaigns_are_those_that_were_asked_for),
	T(an_authority_is_asked), T(no_answer_about_a_certificate_is_no_refusal),
	T(rows_come_as_they_were_asked_for), T(the_daemon_gets_the_texts_that_are_new),
	T(an_image_goes_there_whole))
