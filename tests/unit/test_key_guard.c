/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys tokens sign with: by what DIR/keys and the published metadata say of them. */
#include "host/keys/guard.h"
#include "host/sign/p256.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct scene s;
static struct soft others; /* keys that nothing names */
static struct rota_key_guard guard;

static void begin(void)
{
	CHECK(scene_begin(&s));
	soft_make(&others);
	tempdir_put("online/keys", "");
	guard = (struct rota_key_guard){ .dir = &s.online };
}

static void end(void)
{
	rota_key_guard_close(&guard);
	soft_free(&others);
	scene_end(&s);
}

/* May this key sign as one of token n? */
static enum rota_err look(EVP_PKEY *key, size_t n)
{
	struct rota_seat seat = { .token = &s.online.tokens[n], .key = "key" };
	uint8_t point[ROTA_P256_KEY_LEN];

	if (!rota_p256_of_pkey(key, point))
		return ROTA_ERR_ARGUMENT;
	rota_key_guard_renew(&guard, true);
	return rota_key_guard_look(&guard, &seat, point, &s.why);
}

/* An event, as a line of DIR/keys. */
static void happen(EVP_PKEY *key, const char *event, const char *uses)
{
	char id[ROTA_DIGEST_HEX], *text;
	uint8_t point[ROTA_P256_KEY_LEN];

	CHECK(rota_p256_of_pkey(key, point));
	rota_p256_key_id(point, id);
	text = rota_text("%s{\"at\":\"2027-01-01T00:00:00Z\",\"event\":\"%s\",\"id\":\"%s\","
			 "\"label\":\"\",\"owner\":\"\",\"reason\":\"\",\"token\":\"\","
			 "\"uses\":\"%s\"}\n",
		tempdir_get("online/keys"), event, id, uses);
	tempdir_put("online/keys", text);
	free(text);
}

static void live(EVP_PKEY *key, const char *uses)
{
	happen(key, "made", uses);
	CHECK_OK(look(key, 7)); /* it signs what names it first */
	happen(key, "activated", "");
	CHECK_OK(look(key, 7));
}

/* Token 2 has a key of root, token 7 one of machines; metadata names both. */
TEST(a_compromised_key)
{
	begin();
	live(s.soft.key[2], "root");
	live(s.soft.key[7], "timestamp");
	happen(s.soft.key[2], "compromised", "");
	CHECK_EQ(look(s.soft.key[2], 2), ROTA_ERR_STATE);
	CHECK(strstr(s.why.text, "it is compromised, and signs no more"));
	happen(s.soft.key[7], "compromised", "");
	CHECK_OK(look(s.soft.key[7], 7)); /* nothing could be published else */
	happen(others.key[0], "made", "timestamp");
	happen(others.key[0], "compromised", "");
	CHECK_EQ(look(others.key[0], 7), ROTA_ERR_STATE); /* metadata does not name it */
	end();
}

/* A rollover needs the signature of the old key of ROM, too. */
TEST(a_compromised_key_of_images)
{
	char hex[2 * ROTA_P256_KEY_LEN + 1], *text;
	uint8_t point[ROTA_P256_KEY_LEN];

	begin();
	live(others.key[0], "image");
	happen(others.key[0], "compromised", "");
	CHECK_EQ(look(others.key[0], 2), ROTA_ERR_STATE); /* in no ROM */
	CHECK(rota_p256_of_pkey(others.key[0], point));
	rota_hex(ROTA_SPAN(point), hex);
	text = rota_text("{\"keys\":[{\"channel\":\"production\",\"public\":\"%s\"}]}", hex);
	tempdir_put("online/trust/image-keys.json.new", text);
	free(text);
	text = rota_text("%s/trust/image-keys.json", s.online.dir);
	CHECK_EQ(rename(tempdir_path("online/trust/image-keys.json.new"), text), 0);
	free(text);
	CHECK_OK(look(others.key[0], 2));
	end();
}

TEST(a_key_whose_life_is_over)
{
	static const char *const ends[] = { "deactivated", "destroyed" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		test_row = ends[i];
		begin();
		live(s.soft.key[7], "timestamp"); /* which metadata names */
		happen(s.soft.key[7], ends[i], "");
		CHECK_EQ(look(s.soft.key[7], 7), ROTA_ERR_STATE);
		CHECK(strstr(s.why.text, ends[i]));
		CHECK_OK(look(others.key[0], 7)); /* of which nothing is known */
		end();
	}
	test_row = NULL;
}

/* Nobody wrote that down yet. */
TEST(a_key_that_metadata_names_no_longer)
{
	begin();
	happen(others.key[0], "made", "timestamp");
	CHECK_OK(look(others.key[0], 7));
	happen(others.key[0], "activated", "");
	CHECK_EQ(look(others.key[0], 7), ROTA_ERR_STATE);
	end();
}

TEST(what_cannot_be_looked_at)
{
	begin();
	CHECK_OK(look(s.soft.key[2], 2));
	tempdir_put("online/keys", "{}\n");
	CHECK_EQ(look(s.soft.key[2], 2), ROTA_ERR_CORRUPT);
	CHECK_EQ(look(s.soft.key[2], 2), ROTA_ERR_CORRUPT); /* nor the next time */
	tempdir_put("online/keys", "");
	CHECK_OK(look(s.soft.key[2], 2));
	end();
}

/* A command looks once: what it publishes itself does not end what it began. */
TEST(without_renewal_it_stays)
{
	struct rota_seat seat = { .token = &s.online.tokens[7], .key = "key" };
	uint8_t point[ROTA_P256_KEY_LEN];

	begin();
	live(s.soft.key[7], "timestamp");
	happen(s.soft.key[7], "deactivated", "");
	CHECK(rota_p256_of_pkey(s.soft.key[7], point));
	CHECK_OK(rota_key_guard_look(&guard, &seat, point, &s.why));
	end();
}

/* The daemon asks for DIR/keys each time, for the rest seldom: with the first event that there is, and with each later one. */
TEST(an_event_counts_at_once)
{
	struct rota_seat seat = { .token = &s.online.tokens[7], .key = "key" };
	uint8_t point[ROTA_P256_KEY_LEN];

	begin();
	CHECK(rota_p256_of_pkey(s.soft.key[7], point));
	CHECK(unlink(tempdir_path("online/keys")) == 0 || errno == ENOENT);
	CHECK_OK(look(s.soft.key[7], 7));
	tempdir_put("online/keys", "");
	happen(s.soft.key[7], "made", "timestamp");
	happen(s.soft.key[7], "activated", "");
	rota_key_guard_renew(&guard, false);
	CHECK_OK(rota_key_guard_look(&guard, &seat, point, &s.why));
	happen(s.soft.key[7], "deactivated", "");
	rota_key_guard_renew(&guard, false);
	CHECK_EQ(rota_key_guard_look(&guard, &seat, point, &s.why), ROTA_ERR_STATE);
	end();
}

TESTS(T(a_compromised_key), T(a_compromised_key_of_images), T(a_key_whose_life_is_over),
	T(a_key_that_metadata_names_no_longer), T(what_cannot_be_looked_at),
	T(without_renewal_it_stays), T(an_event_counts_at_once))
