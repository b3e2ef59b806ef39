/* SPDX-License-Identifier: Apache-2.0 */
/* What the thief does in each incident, and by what it is told that he won. */
#include "apps/rota/drill.h"
#include "apps/rota/drill_keys.h"
#include "host/base/when.h"
#include "host/pki/cert.h"
#include "host/pki/idevid.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/series/hands.h"
#include "ports/pkcs11/pkcs11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRILL_KEY_OF_HIS 9 /* a generation above ours */
#define HOURS_AHEAD_S (5 * UINT64_C(3600))

static const char *const none[] = { NULL };

/* ---- helpers ---- */

static uint64_t version_of(unsigned major)
{
	return (uint64_t)major << 56;
}

/* The device sees what the thief shows. */
static void show(struct drill *d, struct sim_device *device, uint64_t ahead_s)
{
	d->fleet->front = d->front;
	(void)drill_poll(d->fleet, device, ahead_s);
	d->fleet->front = NULL;
}

/* Snapshot and timestamp by those who sign them and know nothing. */
static enum rota_err carry(struct drill *d, const char *const *roles)
{
	const struct drill_hand hands[] = { { .by = &d->mine, .party = "snapshot" },
		{ .by = &d->mine, .party = "timestamp" } };
	uint64_t snapshot, timestamp;

	ROTA_TRY(drill_next_version(d, "snapshot", &snapshot));
	ROTA_TRY(drill_next_version(d, "timestamp", &timestamp));
	return drill_carry(d, roles, snapshot, timestamp, hands);
}

/* A role's file as the thief's directory has it, signed by `hand`. */
static enum rota_err forge_his(struct drill *d, const char *role, const struct drill_hand *hand)
{
	json_t *content;

	ROTA_TRY(drill_newest(d, &d->thief, role, &content));
	return drill_forge_next(d, role, content, hand, 1);
}

/* His policy, signed by those of rollouts, who know nothing. */
static enum rota_err forge_his_policy(struct drill *d, void (*change)(json_t *policy))
{
	const struct drill_hand mine = { .by = &d->mine, .party = "rollouts" };
	uint64_t sequence;

	ROTA_TRY(drill_next_sequence(d, &sequence));
	return drill_forge_policy(d, &d->thief, sequence, &mine, change);
}

/* His release is offered by the campaign of a policy of his, and this is how the device takes it. */
static enum rota_err offer(struct drill *d, struct sim_device *device, const char *const *roles,
	void (*change)(json_t *policy), bool *won)
{
	ROTA_TRY(forge_his_policy(d, change));
	ROTA_TRY(drill_bring_targets(d));
	ROTA_TRY(carry(d, roles));
	show(d, device, 0);
	*won = device->version == version_of(d->major);
	return ROTA_OK;
}

/* ---- timestamp, snapshot ---- */

static enum rota_err far_timestamp(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand hand = { .by = &d->thief, .party = "timestamp" };
	json_t *content;

	ROTA_TRY(drill_newest(d, &d->mine, "timestamp", &content));
	ROTA_TRY(drill_forge(d, "timestamp", DRILL_FAR, content, &hand, 1));
	show(d, device, 0);
	*won = device->state.trusted.timestamp_version == DRILL_FAR;
	return ROTA_OK;
}

static enum rota_err far_snapshot(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand hands[] = { { .by = &d->thief, .party = "snapshot" },
		{ .by = &d->thief, .party = "timestamp" } };

	ROTA_TRY(drill_carry(d, none, DRILL_FAR, DRILL_FAR, hands));
	show(d, device, 0);
	*won = device->state.trusted.snapshot.version == DRILL_FAR;
	return ROTA_OK;
}

/* ---- rollouts ---- */

static enum rota_err pause_a_rollout(struct drill *d)
{
	char *version = rota_text("%u.0.0", ++d->major);
	enum rota_err err = drill_add(d, d->ours, d->major, false, false);

	if (err == ROTA_OK)
		err = drill_rota(d, d->ours, "rollout", "set", "--version", version, "--state",
			"paused", NULL);
	free(version);
	return err == ROTA_OK ? drill_rota(d, d->ours, "publish", NULL) : err;
}

static void activate(json_t *policy)
{
	json_t *campaign = json_array_get(json_object_get(policy, "campaigns"), 0);

	json_object_set_new(campaign, "state", json_string("active"));
}

static enum rota_err far_policy(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand hand = { .by = &d->thief, .party = "rollouts" };
	static const char *const roles[] = { "rollouts", NULL };

	ROTA_TRY(drill_forge_policy(d, &d->mine, DRILL_FAR, &hand, activate));
	ROTA_TRY(carry(d, roles));
	show(d, device, 0);
	*won = device->state.policy_sequence == DRILL_FAR &&
		(d->after || device->version == version_of(d->major));
	return ROTA_OK;
}

/* ---- ci ---- */

static enum rota_err offer_ci(
	struct drill *d, struct sim_device *device, void (*change)(json_t *policy), bool *won)
{
	const struct drill_hand ci = { .by = &d->thief, .party = "ci" };
	static const char *const roles[] = { "ci", "rollouts", NULL };

	ROTA_TRY(drill_release(d, d->stolen, ++d->major, true, false));
	ROTA_TRY(forge_his(d, "ci", &ci));
	return offer(d, device, roles, change, won);
}

/* The campaign of ci is shown to production. */
static void to_production(json_t *policy)
{
	json_t *list = json_object_get(policy, "campaigns"), *one, *kept = NULL;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "channel")), "ci") == 0)
			kept = json_incref(one);
	}
	json_object_set_new(kept, "channel", json_string("production"));
	json_array_clear(list);
	json_array_append_new(list, kept);
}

static enum rota_err ci_for_production(struct drill *d, struct sim_device *device, bool *won)
{
	return offer_ci(d, device, to_production, won);
}

static enum rota_err ci_for_ci(struct drill *d, struct sim_device *device, bool *won)
{
	return offer_ci(d, device, NULL, won);
}

/* ---- releases, targets, image ---- */

static enum rota_err offer_release(
	struct drill *d, struct sim_device *device, struct session *signers, bool *won)
{
	const struct drill_hand hand = { .by = signers, .party = "releases" };
	static const char *const roles[] = { "releases", "rollouts", NULL };

	ROTA_TRY(drill_release(d, d->stolen, ++d->major, false, false));
	ROTA_TRY(forge_his(d, "releases", &hand));
	return offer(d, device, roles, NULL, won);
}

static enum rota_err release_of_stolen_keys(struct drill *d, struct sim_device *device, bool *won)
{
	return offer_release(d, device, &d->thief, won);
}

/* People release what they take for theirs: the image alone is the thief's. */
static enum rota_err image_of_stolen_key(struct drill *d, struct sim_device *device, bool *won)
{
	return offer_release(d, device, &d->mine, won);
}

static enum rota_err delegation_to_him(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand targets = { .by = &d->thief, .party = "targets" }, own = { 0 };
	static const char *const roles[] = { "targets", "releases", "rollouts", NULL };
	json_t *content;

	ROTA_TRY(drill_release(d, d->stolen, ++d->major, false, false));
	ROTA_TRY(drill_newest(d, &d->mine, "targets", &content));
	drill_usurp(content, "releases");
	ROTA_TRY(drill_forge_next(d, "targets", content, &targets, 1));
	ROTA_TRY(forge_his(d, "releases", &own));
	return offer(d, device, roles, NULL, won);
}

/* The steps that a person does: a release whose image both keys sign. */
static enum rota_err release_by_both_keys(struct drill *d, const struct incident_step *step)
{
	if (strcmp(step->name, "image") != 0)
		return ROTA_OK;
	ROTA_TRY(drill_release(d, d->ours, ++d->major, false, true));
	return drill_rota(d, d->ours, "publish", NULL);
}

/* ---- time ---- */

/* Flash of yesterday is put back; the thief says what time it is. */
static enum rota_err forged_time(struct drill *d, struct sim_device *device, bool *won)
{
	struct sim_image image;
	enum rota_err err;

	if (sim_save(device, &image) != ROTA_OK)
		return rota_fail(&d->why, ROTA_ERR_FULL, "no memory for a device's flash");
	err = drill_release(d, d->ours, ++d->major, false, false);
	if (err == ROTA_OK)
		err = drill_rota(d, d->ours, "publish", NULL);
	if (err == ROTA_OK) {
		(void)drill_poll(d->fleet, device, 0);
		sim_put_back(device, &image, (1U << SIM_PLACES) - 1);
		d->fleet->clock = rota_authdir_party(&d->thief.dir, "time");
		d->fleet->clock_tokens = &d->thief.tokens;
		(void)drill_poll(d->fleet, device, 0);
		*won = !device->state.bound.restored;
	}
	sim_image_free(&image);
	return err == ROTA_OK ? drill_reload(d) : err;
}

/* ---- root ---- */

/* The next root, of which all is his, signed by these and by him; then timestamp and snapshot by him. */
static enum rota_err forge_root(struct drill *d, struct sim_device *device,
	const struct drill_hand *hands, size_t count, bool *won)
{
	const struct drill_hand own[] = { { 0 }, { 0 } };
	struct drill_hand all[4];
	uint64_t root, timestamp;
	json_t *content;

	for (size_t i = 0; i < count; i++)
		all[i] = hands[i];
	all[count] = own[0];
	ROTA_TRY(drill_newest(d, &d->mine, "root", &content));
	drill_usurp(content, "root");
	drill_usurp(content, "timestamp");
	drill_usurp(content, "snapshot");
	ROTA_TRY(drill_next_version(d, "root", &root));
	ROTA_TRY(drill_forge(d, "root", root, content, all, count + 1));
	ROTA_TRY(drill_next_version(d, "timestamp", &timestamp));
	ROTA_TRY(drill_carry(d, none, timestamp + 100, timestamp + 100, own));
	show(d, device, 0);
	*won = device->state.trusted.root.version == root &&
		device->state.trusted.timestamp_version == timestamp + 100;
	return ROTA_OK;
}

static enum rota_err root_of_one(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand hand = { .by = &d->thief, .party = "root", .count = 1 };

	return forge_root(d, device, &hand, 1, won);
}

/* Later he gets another person's key. */
static enum rota_err root_of_one_and_another(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand hands[] = { { .by = &d->thief, .party = "root", .count = 1 },
		{ .by = &d->mine,
			.party = "root",
			.first = 1,
			.count = rota_authdir_party(&d->mine.dir, "root")->threshold - 1 } };

	return forge_root(d, device, hands, 2, won);
}

static enum rota_err root_of_threshold(struct drill *d, struct sim_device *device, bool *won)
{
	const struct drill_hand hand = { .by = &d->thief, .party = "root" };

	return forge_root(d, device, &hand, 1, won);
}

static bool any_key(const void *ctx, const uint8_t *point)
{
	(void)ctx;
	(void)point;
	return true;
}

/* A fire: so many tokens have no key any more. */
static enum rota_err lose_root(struct drill *d)
{
	const struct rota_party *party = rota_authdir_party(&d->mine.dir, "root");

	for (unsigned i = 0; i < d->of->stolen; i++) {
		const struct rota_pkcs11_token token =
			session_token(&d->mine.dir, party->seats[i].token);

		ROTA_TRY(rota_pkcs11_destroy(&token, party->seats[i].key, any_key, NULL, &d->why));
	}
	return drill_reload(d);
}

/* Whether a root cannot be signed. */
static enum rota_err no_root(struct drill *d, struct sim_device *device, bool *won)
{
	char *folder = rota_text("%s/root-%u", d->base, d->refused + d->after);
	enum rota_err err =
		drill_rota(d, d->ours, "ceremony", "prepare", "--role", "root", folder, NULL);

	(void)device;
	if (err == ROTA_OK)
		*won = drill_ceremony(d, folder) != ROTA_OK;
	free(folder);
	return err;
}

/* ---- a series ---- */

static enum rota_err make_a_series(struct drill *d)
{
	char from[ROTA_WHEN_LEN];

	rota_when_text(rota_when_now() + HOURS_AHEAD_S / 5, from);
	ROTA_TRY(drill_rota(d, d->ours, "series", "make", "--yes", "--slots", "3", "--period", "2h",
		"--landing", "2h", "--from", from, NULL));
	return drill_rota(d, d->ours, "publish", NULL);
}

/* The roots of slots to come, up to `version`, as they lie in what he took. */
static enum rota_err show_roots(struct drill *d, uint64_t from, uint64_t version)
{
	for (uint64_t v = from; v <= version; v++) {
		char *in = rota_text("%s/series/%llu.root.json", d->stolen, (unsigned long long)v),
		     *out = rota_text(
			     "%s/metadata/%llu.root.json", d->front, (unsigned long long)v);
		enum rota_err err = drill_copy(d, in, out);

		free(in);
		free(out);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* Root and PIN of the slot: with a keeper neither was where he took everything. */
static bool has_taken(const struct drill *d)
{
	char *root = rota_text("%s/series/%llu.root.json", d->stolen, (unsigned long long)d->slot),
	     *pin = rota_text("%s/series/%llu.pin", d->stolen, (unsigned long long)d->slot);
	bool taken = rota_file_exists(root) || rota_file_exists(pin);

	free(root);
	free(pin);
	return taken;
}

static enum rota_err keys_of_a_slot_to_come(struct drill *d, struct sim_device *device, bool *won)
{
	struct drill_hand hands[] = { { .by = &d->thief, .party = "snapshot" },
		{ .by = &d->thief, .party = "timestamp" } };

	if (!d->slot) {
		ROTA_TRY(drill_next_version(d, "root", &d->first_slot));
		d->slot = d->first_slot + 1;
	}
	hands[0].slot = hands[1].slot = d->slot;
	if (d->kept && !has_taken(d))
		return ROTA_OK;
	ROTA_TRY(show_roots(d, d->first_slot, d->slot));
	ROTA_TRY(drill_carry(d, none, DRILL_FAR, DRILL_FAR, hands));
	show(d, device, HOURS_AHEAD_S);
	*won = device->state.trusted.timestamp_version == DRILL_FAR;
	return ROTA_OK;
}

/* ---- data keys ---- */

static enum rota_err hand_out(struct drill *d)
{
	return drill_keys_campaign(d, false);
}

static enum rota_err show_list(struct drill *d, struct sim_device *device)
{
	static const char *const roles[] = { "keys-link", NULL };

	ROTA_TRY(carry(d, roles));
	show(d, device, 0);
	return ROTA_OK;
}

/* The device takes no list of ours any more. */
static enum rota_err far_list(struct drill *d, struct sim_device *device, bool *won)
{
	ROTA_TRY(drill_keys_forge(d, DRILL_FAR, 0));
	ROTA_TRY(show_list(d, device));
	*won = device->keys.state.seen[ROTA_KEYS_LINK].sequence == DRILL_FAR;
	return ROTA_OK;
}

/* He knows every row, and no secret: whatever the list says, the device has a psk, and takes no key without. */
static enum rota_err key_of_his(struct drill *d, struct sim_device *device, bool *won)
{
	uint64_t sequence;

	ROTA_TRY(drill_keys_sequence(d, &sequence));
	ROTA_TRY(drill_keys_forge(d, sequence, DRILL_KEY_OF_HIS));
	ROTA_TRY(show_list(d, device));
	*won = device->keys.state.of[DRILL_KEYS_PURPOSE - 1].highest == DRILL_KEY_OF_HIS;
	return ROTA_OK;
}

/* The same list comes before it: his campaign is listed, and looked at. */
static enum rota_err list_of_his(struct drill *d, struct sim_device *device, bool *won)
{
	uint64_t sequence;
	bool key = false;

	ROTA_TRY(drill_keys_sequence(d, &sequence));
	ROTA_TRY(key_of_his(d, device, &key));
	*won = device->keys.state.seen[ROTA_KEYS_LINK].sequence == sequence &&
		device->keys_why.err != ROTA_OK && !key;
	return ROTA_OK;
}

static enum rota_err new_data_keys(struct drill *d, const struct incident_step *step)
{
	return strcmp(step->name, "campaign") == 0 ? drill_keys_campaign(d, true) : ROTA_OK;
}

/* ---- the device CA ---- */

/* An identity for a device that was never made, as the thief issues it. */
static enum rota_err bear(struct drill *d, struct rota_bytes *der)
{
	const struct rota_seat *seat = &rota_authdir_party(&d->thief.dir, "device-ca")->seats[0];
	uint8_t point[ROTA_P256_KEY_LEN], *to;
	int len;
	struct rota_cert_plan plan = { .kind = ROTA_CERT_DEVICE,
		.organization = d->thief.dir.product,
		.serial_number = "SN-OF-NOBODY",
		.point = point,
		.from = rota_when_now() };
	char path[ROTA_FILE_PATH_MAX];
	X509 *issuer = NULL, *cert = NULL;
	struct rota_bytes key = { 0 };
	enum rota_err err;

	rota_authdir_path(&d->thief.dir, "ca/device-ca.pem", path);
	ROTA_TRY(rota_cert_new_key(point, &key, &d->why));
	rota_bytes_free(&key); /* he has no use for it */
	ROTA_TRY(rota_cert_load(path, &issuer, &d->why));
	plan.issuer = issuer;
	err = rota_cert_issue(&plan, &d->thief.tokens, seat, &cert, &d->why);
	X509_free(issuer);
	ROTA_TRY(err);
	to = NULL;
	len = i2d_X509(cert, &to);
	if (len > 0)
		rota_bytes_add(der, rota_span(to, (size_t)len));
	OPENSSL_free(to);
	X509_free(cert);
	return ROTA_OK;
}

/* Whether who enrols devices takes it: it is issued by the authority that counts. */
static enum rota_err born_of_stolen_key(struct drill *d, struct sim_device *device, bool *won)
{
	struct rota_bytes der = { 0 };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_idevid is;
	struct rota_fail refused;
	enum rota_err err;
	X509 *ca;

	(void)device;
	rota_authdir_path(&d->mine.dir, "ca/device-ca.pem", path);
	ROTA_TRY(bear(d, &der));
	err = rota_cert_load(path, &ca, &d->why);
	if (err == ROTA_OK) {
		*won = rota_idevid_read(ca, rota_bytes_span(&der), &is, &refused) == ROTA_OK;
		X509_free(ca);
	}
	rota_bytes_free(&der);
	return err;
}

/* ---- the table ---- */

const struct drill_case drill_cases[] = {
	{ .name = "timestamp",
		.attack = { { "a timestamp of version 2^53 - 2", far_timestamp, .wins = true } } },
	{ .name = "snapshot",
		.attack = { { "snapshot and timestamp of version 2^53 - 2", far_snapshot,
			.wins = true } } },
	{ .name = "rollouts",
		.prepare = pause_a_rollout,
		.attack = { { "a paused rollout goes on, with sequence 2^53 - 2", far_policy,
			.wins = true } } },
	{ .name = "ci",
		.attack = { { "a ci build before a device of production", ci_for_production,
				    .wins = false },
			{ "a ci build before a device of ci", ci_for_ci, .wins = true,
				.on_ci = true } } },
	{ .name = "releases",
		.stolen = 2,
		.attack = { { "a release that stolen keys signed", release_of_stolen_keys,
			.wins = true } } },
	{ .name = "targets",
		.stolen = 2,
		.attack = { { "releases are handed to a key of the thief's", delegation_to_him,
			.wins = true } } },
	{ .name = "image",
		.mend = release_by_both_keys,
		.attack = { { "an image under the stolen key", image_of_stolen_key,
			.wins = true } } },
	{ .name = "time",
		.attack = { { "forged time ends what restored flash began", forged_time,
			.wins = true } } },
	{ .name = "root-below",
		.stolen = 1,
		.attack = { { "a root under the one stolen key", root_of_one, .wins = false },
			{ "a root under that and another key", root_of_one_and_another,
				.wins = true, .scratch = true } } },
	{ .name = "root-at",
		.stolen = 2,
		.attack = { { "a root of the thief's", root_of_threshold, .wins = true } } },
	{ .name = "series",
		.prepare = make_a_series,
		.attack = { { "keys of a slot to come, the clock set forward",
			keys_of_a_slot_to_come, .wins = true, .of_keeper = true } } },
	{ .name = "root-lost",
		.prepare = lose_root,
		.stolen = 2,
		.attack = { { "nobody can sign a root", no_root, .wins = true } } },
	{ .name = "keys",
		.keyed = true,
		.prepare = hand_out,
		.mend = new_data_keys,
		.attack = { { "a list of data keys of sequence 2^53 - 2", far_list, .wins = true },
			{ "a campaign of the thief's is listed, and refused for its bundle",
				list_of_his, .wins = true },
			{ "a data key that the thief knows", key_of_his, .wins = false } } },
	{ .name = "device-ca",
		.attack = { { "an identity of the thief's for a device that nobody made",
			born_of_stolen_key, .wins = true } } },
	{ .name = NULL },
};
