/* SPDX-License-Identifier: Apache-2.0 */
/* The incidents of SPEC 27.1, step by step. docs/playbook.md says the same to people. */
#include "apps/rota/incident.h"
#include "apps/rota/incident_steps.h"

/* ---- rows that several have ---- */

#define MARK                                                                                       \
	{                                                                                          \
		.name = "mark",                                                                    \
		.say = "say that others know the key, or that it is gone: the mark stays for "     \
		       "good",                                                                     \
		.command = "keys retire --compromised --reason {reason} {id}",                     \
		.done = incident_is_marked, .each = true                                           \
	}
#define NEW_KEY(WHERE)                                                                             \
	{                                                                                          \
		.name = "new-key", .say = "make the key that comes in its place, in a token",      \
		.command =                                                                         \
			"keys make --token {token} --label {successor} --use {use} --out {pem}",   \
		.done = incident_is_made, .where = WHERE, .each = true                             \
	}
#define SEAT                                                                                       \
	{                                                                                          \
		.name = "seat",                                                                    \
		.say = "let rota.ini name the new key, here and where it is kept; a daemon that "  \
		       "signs reads rota.ini at its next start",                                   \
		.act = incident_seat, .done = incident_is_seated, .each = true                     \
	}
#define SIGN(DONE)                                                                                 \
	{                                                                                          \
		.name = "sign", .say = "each signer compares the fingerprint by voice, and signs", \
		.command = "ceremony sign {fingerprint} {folder}", .done = DONE,                   \
		.where = INCIDENT_PEOPLE                                                           \
	}
#define FINISH(DONE)                                                                               \
	{                                                                                          \
		.name = "finish", .say = "take the folder back, and publish",                      \
		.command = "ceremony finish {folder}", .done = DONE                                \
	}
#define PUBLISH                                                                                    \
	{                                                                                          \
		.name = "publish", .say = "publish all that is signed",                            \
		.command = "publish --all", .done = incident_is_published                          \
	}
#define ASK_OFFICERS                                                                               \
	{                                                                                          \
		.name = "ask",                                                                     \
		.say = "where a keeper has roots of the series: write down what its officers "     \
		       "approve",                                                                  \
		.command = "series end --ask {emergency} --reason {reason}",                       \
		.done = incident_is_asked                                                          \
	}
#define APPROVE                                                                                    \
	{                                                                                          \
		.name = "approve",                                                                 \
		.say = "each of two officers reads it and approves, at a machine of his own or "   \
		       "here",                                                                     \
		.command = "series approve {yes} {officer} {emergency}",                           \
		.done = incident_is_approved, .where = INCIDENT_PEOPLE                             \
	}
#define DESTROY                                                                                    \
	{                                                                                          \
		.name = "destroy", .say = "destroy the old key in its token",                      \
		.command = "keys retire --destroy {yes} --reason {reason} {id}",                   \
		.done = incident_is_destroyed, .each = true                                        \
	}

/* Keys that root names and machines use. Devices forget the versions that were signed under the old ones (TUF 5.3.11). */
static const struct incident_step online_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_HERE),
	SEAT,
	ASK_OFFICERS,
	APPROVE,
	{
		.name = "end-series",
		.say = "where a series is under way: a root behind all of its roots, with the new "
		       "keys",
		.command = "series end {yes} {approved}",
		.done = incident_is_ahead,
		.where = INCIDENT_PEOPLE,
	},
	{
		.name = "prepare",
		.say = "a root with the new keys, to be signed by its people",
		.command = "ceremony prepare --role root --reason {reason} {folder}",
		.done = incident_is_prepared,
	},
	SIGN(incident_is_signed),
	FINISH(incident_is_finished),
	PUBLISH,
	DESTROY,
	{ .name = NULL },
};

/* Keys of a delegated role that machines use. */
static const struct incident_step role_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_HERE),
	SEAT,
	{
		.name = "prepare",
		.say = "targets with the new key, to be signed by its people",
		.command = "ceremony prepare --role targets --reason {reason} {folder}",
		.done = incident_is_prepared,
	},
	SIGN(incident_is_signed),
	FINISH(incident_is_finished),
	PUBLISH,
	DESTROY,
	{ .name = NULL },
};

static const struct incident_step ci_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_HERE),
	SEAT,
	{
		.name = "record",
		.say = "let the record of image keys name the new ci key: devices of ci get it in "
		       "the factory",
		.act = incident_record,
		.done = incident_is_recorded,
	},
	{
		.name = "prepare",
		.say = "targets with the new key of role ci, to be signed by its people",
		.command = "ceremony prepare --role targets --reason {reason} {folder}",
		.done = incident_is_prepared,
	},
	SIGN(incident_is_signed),
	FINISH(incident_is_finished),
	PUBLISH,
	{
		.name = "order",
		.say = "for the devices of ci that were named: take the new image key, retire the "
		       "old",
		.command = "recovery make {hardware} {devices} --add-key {image-pem} --retire-key "
			   "{old-pem} {order}",
		.done = incident_has_order,
	},
	{
		.name = "order-sign",
		.say = "the holders of the recovery tokens sign the order",
		.command = "recovery sign {yes} {order}",
		.done = incident_is_ordered,
		.where = INCIDENT_PEOPLE,
	},
	{
		.name = "order-publish",
		.say = "put the order into the repository",
		.command = "recovery publish {order}",
		.done = incident_is_sent,
	},
	DESTROY,
	{ .name = NULL },
};

/* One or more people's keys, fewer than would do: the others replace them. */
static const struct incident_step people_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_PEOPLE),
	SEAT,
	{
		.name = "prepare",
		.say = "who names the keys names new ones, and the role is signed with them",
		.command = "ceremony prepare {replace} --reason {reason} {folder}",
		.done = incident_is_prepared,
	},
	SIGN(incident_is_signed),
	FINISH(incident_is_finished),
	PUBLISH,
	{ .name = NULL },
};

static const struct incident_step releases_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_PEOPLE),
	SEAT,
	{
		.name = "prepare",
		.say = "targets names new keys for releases, which is signed with them",
		.command = "ceremony prepare {replace} --reason {reason} {folder}",
		.done = incident_is_prepared,
	},
	SIGN(incident_is_signed),
	FINISH(incident_is_finished),
	{
		.name = "withdraw",
		.say = "withdraw what the thief released, by the digests that --release gave "
		       "(rota audit show --role releases lists what was signed)",
		.command = "withdraw {releases}",
		.done = incident_is_withdrawn,
	},
	PUBLISH,
	{ .name = NULL },
};

static const struct incident_step image_steps[] = {
	MARK,
	{
		.name = "image",
		.say = "sign the newest program with both keys, or with the cold one alone",
		.command = "image sign --both-keys --version VERSION --hardware HARDWARE --counter "
			   "COUNTER --out IMAGE PROGRAM",
		.done = incident_is_rolled,
		.where = INCIDENT_HAND,
	},
	{
		.name = "release",
		.say = "release it",
		.command = "release add --version VERSION --image IMAGE",
		.done = incident_is_rolled,
		.where = INCIDENT_HAND,
	},
	{
		.name = "rollout",
		.say = "send every device to it, and publish",
		.command = "rollout set --version VERSION",
		.done = incident_is_rolled,
		.where = INCIDENT_HAND,
	},
	{
		.name = "retire",
		.say = "retire the first boot key: each device does so once what it runs needs it "
		       "no more",
		.command = "retire --boot-key 1 --unsigned",
		.done = incident_is_floor_waiting,
	},
	{
		.name = "prepare",
		.say = "for the people of the role retirements",
		.command = "ceremony prepare --role retirements --reason {reason} {folder}",
		.done = incident_has_floor_folder,
	},
	SIGN(incident_is_floor_signed),
	FINISH(incident_is_floored),
	{ .name = NULL },
};

static const struct incident_step series_steps[] = {
	ASK_OFFICERS,
	APPROVE,
	{
		.name = "end-series",
		.say = "a root behind all that are signed, with the online keys of rota.ini: the "
		       "slots' keys count no more",
		.command = "series end {yes} {approved}",
		.done = incident_is_ahead,
		.where = INCIDENT_PEOPLE,
	},
	PUBLISH,
	{ .name = NULL },
};

/* Those who hold root are others, or too few are left: devices learn of the new root by an order under their ROM. */
static const struct incident_step anew_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_PEOPLE),
	SEAT,
	{
		.name = "root",
		.say = "a root with the new keys, which no old one vouches for",
		.command = "recovery root {replace} {root}",
		.done = incident_has_root,
	},
	{
		.name = "root-sign",
		.say = "the holders of the new keys sign it",
		.command = "recovery root --sign {yes} {root}",
		.done = incident_is_root_signed,
		.where = INCIDENT_PEOPLE,
	},
	{
		.name = "order",
		.say = "an order to trust it from now on",
		.command = "recovery make {hardware} --root {root} {order}",
		.done = incident_has_order,
	},
	{
		.name = "order-sign",
		.say = "the holders of the recovery tokens sign the order",
		.command = "recovery sign {yes} {order}",
		.done = incident_is_ordered,
		.where = INCIDENT_PEOPLE,
	},
	{
		.name = "pack",
		.say = "the order and the root as one file, for sticks and serial lines",
		.command = "recovery pack --root {root} --out {pack} {order}",
		.done = incident_has_pack,
	},
	{
		.name = "order-publish",
		.say = "put the order into the repository",
		.command = "recovery publish --root {root} {order}",
		.done = incident_is_sent,
	},
	{
		.name = "anchor",
		.say = "the new root is what this directory trusts; copy trust/root.json to the "
		       "signers' machines",
		.command = "recovery root --take {root}",
		.done = incident_is_anchored,
	},
	PUBLISH,
	{ .name = NULL },
};

/* The online key of keys-link: what devices got by it is overtaken by keys that the thief has not. */
static const struct incident_step keys_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_HERE),
	SEAT,
	{
		.name = "prepare",
		.say = "targets with the new key, to be signed by its people",
		.command = "ceremony prepare --role targets --reason {reason} {folder}",
		.done = incident_is_prepared,
	},
	SIGN(incident_is_signed),
	FINISH(incident_is_finished),
	PUBLISH,
	{
		.name = "campaign",
		.say = "where data keys were handed out: new ones for each purpose of the role, at "
		       "once, above the highest generation that a device took",
		.command = "campaign new --emergency --purpose PURPOSE --devices all "
			   "--generation GENERATION --reason {reason}",
		.done = incident_is_rekeyed,
		.where = INCIDENT_HAND,
	},
	DESTROY,
	{ .name = NULL },
};

/* Who has it can bear devices. Those that there are keep their identity, which the registry has, and their certificates. */
static const struct incident_step device_ca_steps[] = {
	MARK,
	NEW_KEY(INCIDENT_PEOPLE),
	SEAT,
	{
		.name = "certificate",
		.say = "the certificate of the new authority; copy ca/ to the factory, the server "
		       "and "
		       "the daemon",
		.act = incident_certify,
		.done = incident_is_certified,
	},
	{
		.name = "retire",
		.say = "retire the old authority, in a file that people sign",
		.command = "retire --ca {old-ca} --unsigned",
		.done = incident_is_ca_waiting,
	},
	{
		.name = "prepare",
		.say = "for the people of the role retirements",
		.command = "ceremony prepare --role retirements --reason {reason} {folder}",
		.done = incident_has_ca_folder,
	},
	SIGN(incident_is_ca_signed),
	FINISH(incident_is_ca_retired),
	PUBLISH,
	DESTROY,
	{ .name = NULL },
};

const struct incident incidents[] = {
	{ "timestamp", "the key of timestamp is known to others", { "timestamp" }, false,
		online_steps },
	{ "snapshot", "the key of snapshot is known to others, and that of timestamp beside it",
		{ "snapshot", "timestamp" }, false, online_steps },
	{ "rollouts", "the key of rollouts is known to others", { "rollouts" }, false, role_steps },
	{ "ci", "the keys of ci builds are known to others", { "ci", "ci-image" }, false,
		ci_steps },
	{ "releases", "keys of people who release are known to others", { "releases" }, true,
		releases_steps },
	{ "targets", "keys of people of targets are known to others", { "targets" }, true,
		people_steps },
	{ "image", "the first image key is known to others", { "image" }, false, image_steps },
	{ "time", "the key of signed time is known to others", { "time" }, false, role_steps },
	{ "root-below", "keys of root are known to others or lost, fewer than its threshold",
		{ "root" }, true, people_steps },
	{ "root-at", "as many keys of root as its threshold are known to others", { "root" }, true,
		anew_steps },
	{ "series", "sealed roots or keys of slots to come are known to others", { NULL }, false,
		series_steps },
	{ "root-lost", "too few keys of root are left to sign", { "root" }, true, anew_steps },
	{ "keys", "the online key of data keys for telemetry and link is known to others",
		{ "keys-link" }, false, keys_steps },
	{ "device-ca", "the key of the device CA is known to others", { "device-ca" }, false,
		device_ca_steps },
	{ NULL, NULL, { NULL }, false, NULL },
};
