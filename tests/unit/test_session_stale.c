/* SPDX-License-Identifier: Apache-2.0 */
/* The TUF session against files that were signed once, or for something else: rollback, freeze, mix-and-match, endless
 * data, other kinds of file, things left out, and lifetimes. Each attack is a row: what the attacker does after a good
 * refresh, and what must come of it. */
#include "tests/unit/session_attacks.h"

#include <string.h>

/* An hour later everything but `role` is issued anew. */
static void all_but(struct device *d, int role, uint64_t now_s)
{
	d->clock_s = now_s;
	for (int i = 0; i < d->m.role_count; i++) {
		struct maker_role *r = &d->m.role[i];
		uint64_t life_s = r->expires_s - r->issued_s;

		if (i == role)
			continue;
		if (i != MAKER_ROOT)
			r->version++;
		r->issued_s = now_s;
		r->expires_s = now_s + life_s;
	}
	if (role != MAKER_ROOT)
		device_next_root(&d->m, now_s, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

static void skipped_root(struct device *d)
{
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
	device_answer(d, "root", maker_meta(&d->m, "root", 3));
}

static void same_root_again(struct device *d)
{
	device_answer(d, "root", maker_meta(&d->m, "root", 1));
}

static void replayed_timestamp(struct device *d)
{
	struct maker_file old = *maker_meta(&d->m, "timestamp", 0);

	device_publish(d, -1);
	if (device_refresh(d).err == ROTA_OK)
		device_answer(d, "timestamp", &old);
}

static void timestamp_lists_an_old_snapshot(struct device *d)
{
	device_publish(d, -1);
	if (device_refresh(d).err != ROTA_OK)
		return;
	d->m.role[MAKER_SNAPSHOT].listed_version = 1;
	d->m.role[MAKER_TIMESTAMP].version++;
	maker_publish(&d->m);
}

static void old_targets(struct device *d)
{
	device_publish(d, MAKER_TARGETS);
	if (device_refresh(d).err != ROTA_OK)
		return;
	d->m.role[MAKER_TARGETS].version = 1;
	device_publish(d, -1);
}

static void old_releases(struct device *d)
{
	device_publish(d, MAKER_RELEASES);
	if (device_session(d, "releases", RELEASE).err != ROTA_OK)
		return;
	d->m.role[MAKER_RELEASES].version = 1;
	device_publish(d, -1);
}

static void frozen_timestamp(struct device *d)
{
	d->clock_s = NOW + 2 * DAY_S;
}

static void expired_timestamp(struct device *d)
{
	all_but(d, MAKER_TIMESTAMP, NOW + 2 * DAY_S);
	d->m.role[MAKER_TIMESTAMP].version++;
	maker_publish(&d->m);
}

static void expired_snapshot(struct device *d)
{
	all_but(d, MAKER_SNAPSHOT, NOW + 2 * DAY_S);
}

static void expired_targets(struct device *d)
{
	all_but(d, MAKER_TARGETS, NOW + 400 * DAY_S);
}

static void expired_releases(struct device *d)
{
	all_but(d, MAKER_RELEASES, NOW + 400 * DAY_S);
}

static void expired_root(struct device *d)
{
	all_but(d, MAKER_ROOT, NOW + 400 * DAY_S);
}

static void expired_rollouts(struct device *d)
{
	all_but(d, MAKER_ROLLOUTS, NOW + 2 * DAY_S);
}

/* Snapshots 1 and 2 are both good; 1 is given for 2. */
static void mixed_snapshots(struct device *d)
{
	struct maker_file old = *maker_meta(&d->m, "snapshot", 1);

	d->m.role[MAKER_SNAPSHOT].no_length = true; /* signatures differ in length by chance */
	device_publish(d, MAKER_RELEASES);
	device_answer(d, "snapshot", &old);
}

static void mixed_snapshots_without_hash(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].no_hash = true;
	mixed_snapshots(d);
}

static void mixed_roles(struct device *d)
{
	struct maker_file old = *maker_meta(&d->m, "releases", 1);

	d->m.role[MAKER_RELEASES].no_length = true;
	device_publish(d, MAKER_RELEASES);
	device_answer(d, "releases", &old);
}

static void mixed_roles_without_hash(struct device *d)
{
	d->m.role[MAKER_RELEASES].no_hash = true;
	mixed_roles(d);
}

static void endless_timestamp(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].pad = ROTA_TIMESTAMP_MAX_LEN;
	device_publish(d, -1);
}

static void endless_root(struct device *d)
{
	d->m.role[MAKER_ROOT].pad = ROTA_ROOT_MAX_LEN;
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

static void lengthen(struct device *d, const char *role, uint64_t version)
{
	struct maker_file *f = maker_meta(&d->m, role, version);
	uint8_t *longer = maker_room(f->bytes.len + 1000);

	memcpy(longer, f->bytes.p, f->bytes.len);
	f->bytes = (struct maker_bytes){ longer, f->bytes.len + 1000 };
}

static void endless_snapshot(struct device *d)
{
	device_publish(d, -1);
	lengthen(d, "snapshot", 2);
}

static void endless_releases(struct device *d)
{
	device_publish(d, MAKER_RELEASES);
	lengthen(d, "releases", 2);
}

static void short_releases(struct device *d)
{
	device_publish(d, MAKER_RELEASES);
	maker_meta(&d->m, "releases", 2)->bytes.len -= 1;
}

static void length_beyond_reason(struct device *d)
{
	d->m.role[MAKER_RELEASES].pad = ROTA_META_MAX_LEN;
	device_publish(d, MAKER_RELEASES);
}

static void snapshot_for_timestamp(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].type = "snapshot";
	device_publish(d, -1);
}

static void root_for_releases(struct device *d)
{
	d->m.role[MAKER_RELEASES].type = "root";
	device_publish(d, MAKER_RELEASES);
}

static void later_specification(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].spec = "2.0.0";
	device_publish(d, -1);
}

/* All that is signed is there. */
static void last_bracket_missing(struct device *d)
{
	device_publish(d, -1);
	maker_meta(&d->m, "timestamp", 0)->bytes.len--;
}

static void white_space(struct device *d)
{
	static uint8_t text[8192];
	struct maker_file *f;

	device_publish(d, -1);
	f = maker_meta(&d->m, "timestamp", 0);
	text[0] = ' ';
	memcpy(text + 1, f->bytes.p, f->bytes.len);
	f->bytes = (struct maker_bytes){ text, f->bytes.len + 1 };
}

static void no_snapshot_listed(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].unlisted = true;
	device_publish(d, -1);
}

static void no_targets_listed(struct device *d)
{
	d->m.role[MAKER_TARGETS].unlisted = true;
	device_publish(d, -1);
}

static void releases_vanish(struct device *d)
{
	d->m.role[MAKER_RELEASES].unlisted = true;
	device_publish(d, -1);
}

static void releases_never_there(struct device *d)
{
	memset(&d->floors, 0, sizeof(d->floors));
	releases_vanish(d);
}

static void file_missing(struct device *d)
{
	device_publish(d, MAKER_RELEASES);
	maker_meta(&d->m, "releases", 2)->name[0] = '-';
}

static void timestamp_for_ten_years(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].expires_s = NOW + 3650 * DAY_S;
	device_publish(d, -1);
}

static void rollouts_for_two_days(struct device *d)
{
	d->m.role[MAKER_ROLLOUTS].expires_s = NOW + 2 * DAY_S;
	device_publish(d, MAKER_ROLLOUTS);
}

static void snapshot_from_the_future(struct device *d)
{
	maker_next(&d->m, d->clock_s + 601, -1, -1);
	d->m.role[MAKER_TIMESTAMP].issued_s = NOW;
	d->m.role[MAKER_TIMESTAMP].expires_s = NOW + DAY_S;
	maker_publish(&d->m);
}

static void root_without_snapshot(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].listed_as = "snapshat";
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

static void never_issued(struct device *d)
{
	d->m.role[MAKER_TARGETS].no_issued = true;
	device_publish(d, MAKER_TARGETS);
}

static const struct device_attack attacks[] = {
	/* rollback */
	{ "a root skipped", skipped_root, REFRESH, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_3_5 },
	{ "the same root again", same_root_again, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_3_5 },
	{ "timestamp replayed", replayed_timestamp, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_4_3_1 },
	{ "timestamp lists an old snapshot", timestamp_lists_an_old_snapshot, REFRESH,
		ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_2 },
	{ "snapshot lists old targets", old_targets, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_SPEC_4_3 },
	{ "snapshot lists an old role", old_releases, FIND_RELEASE, ROTA_ERR_VERSION,
		ROTA_CLAUSE_SPEC_4_3 },
	/* freeze */
	{ "nothing new for days", frozen_timestamp, REFRESH, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_4_4 },
	{ "timestamp expired", expired_timestamp, REFRESH, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_4_4 },
	{ "snapshot expired", expired_snapshot, REFRESH, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_5_6 },
	{ "targets expired", expired_targets, REFRESH, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_6_5 },
	{ "releases expired", expired_releases, FIND_RELEASE, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_6_5 },
	{ "rollouts expired", expired_rollouts, FIND_POLICY, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_6_5 },
	{ "root expired", expired_root, REFRESH, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_3_10 },
	/* mix and match */
	{ "another snapshot", mixed_snapshots, REFRESH, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_5_2 },
	{ "another snapshot, no hash listed", mixed_snapshots_without_hash, REFRESH,
		ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_4 },
	{ "another role file", mixed_roles, FIND_RELEASE, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_6_2 },
	{ "another role file, no hash listed", mixed_roles_without_hash, FIND_RELEASE,
		ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_6_4 },
	/* endless data */
	{ "endless timestamp", endless_timestamp, REFRESH, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_4_1 },
	{ "endless root", endless_root, REFRESH, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_3_2 },
	{ "endless snapshot", endless_snapshot, REFRESH, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_5_2 },
	{ "endless releases", endless_releases, FIND_RELEASE, ROTA_ERR_LENGTH,
		ROTA_CLAUSE_TUF_5_6_2 },
	{ "cut short", short_releases, FIND_RELEASE, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_6_2 },
	{ "a listed length beyond reason", length_beyond_reason, FIND_RELEASE, ROTA_ERR_LENGTH,
		ROTA_CLAUSE_TUF_5_6_2 },
	/* another kind of file */
	{ "snapshot for timestamp", snapshot_for_timestamp, REFRESH, ROTA_ERR_ROLE,
		ROTA_CLAUSE_SPEC_3 },
	{ "root for releases", root_for_releases, FIND_RELEASE, ROTA_ERR_ROLE, ROTA_CLAUSE_SPEC_3 },
	{ "specification 2", later_specification, REFRESH, ROTA_ERR_UNSUPPORTED,
		ROTA_CLAUSE_SPEC_3 },
	{ "without its last bracket", last_bracket_missing, REFRESH, ROTA_ERR_SPELLING,
		ROTA_CLAUSE_SPEC_2 },
	{ "white space", white_space, REFRESH, ROTA_ERR_SPELLING, ROTA_CLAUSE_SPEC_2 },
	/* left out */
	{ "timestamp without snapshot", no_snapshot_listed, REFRESH, ROTA_ERR_FORMAT,
		ROTA_CLAUSE_SPEC_3 },
	{ "root without snapshot", root_without_snapshot, REFRESH, ROTA_ERR_FORMAT,
		ROTA_CLAUSE_SPEC_3 },
	{ "snapshot without targets", no_targets_listed, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_5_5 },
	{ "a role vanishes", releases_vanish, FIND_RELEASE, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_5_5 },
	{ "a role was never there", releases_never_there, FIND_RELEASE, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_TUF_5_6_7 },
	{ "a file is missing", file_missing, FIND_RELEASE, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_TUF_5_6_1 },
	/* horizon */
	{ "timestamp for ten years", timestamp_for_ten_years, REFRESH, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
	{ "rollouts for two days", rollouts_for_two_days, FIND_POLICY, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
	{ "snapshot from the future", snapshot_from_the_future, REFRESH, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
	{ "targets without x-rota-issued", never_issued, REFRESH, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
};

TEST(every_attack_is_refused_by_its_clause)
{
	device_attacks(attacks, ROWS(attacks));
}

TESTS(T(every_attack_is_refused_by_its_clause))
