/* SPDX-License-Identifier: Apache-2.0 */
/* rota: one command for operators and CI. The table of verbs, and nothing else. */
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/apart.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct verb verbs[] = {
	{ "init", "make an authority directory: tokens, roles, certificates, repository",
		verb_init },
	{ "factory enrol", "make a device's identity, anchors and first flash",
		verb_factory_enrol },
	{ "factory station", "make a device that makes its keys itself, at the end of the line",
		verb_factory_station },
	{ "factory enlist", "give devices that a station made to the registry",
		verb_factory_enlist },
	{ "factory check", "verify the station's log, and compare batches with the list of devices",
		verb_factory_check },
	{ "image sign", "make a signed image from a payload", verb_image_sign },
	{ "image show", "print and check an image", verb_image_show },
	{ "build", "build a source without network, and say what it was made of", verb_build },
	{ "rebuild-check", "build it again, and compare bit for bit", verb_rebuild_check },
	{ "promote prepare", "take a ci release out of the repository, to be approved",
		verb_promote_prepare },
	{ "promote approve", "an officer's token says yes to it", verb_promote_approve },
	{ "promote sign", "where the image token is: add the production signature",
		verb_promote_sign },
	{ "release add", "describe artifacts as a release, signed by the release signers",
		verb_release_add },
	{ "target add", "list files without a release, one or a million", verb_target_add },
	{ "rollout set", "say which release a channel installs, and in which stages",
		verb_rollout_set },
	{ "withdraw", "take releases back: devices do not install them", verb_withdraw },
	{ "retire", "raise floors that never fall again: counters, boot keys", verb_retire },
	{ "campaign new", "ask for new data keys for devices", verb_campaign_new },
	{ "campaign list", "all key campaigns, and how they stand", verb_campaign_list },
	{ "campaign status", "how far one is among its devices", verb_campaign_status },
	{ "campaign pause", "no device begins with it until it is resumed", verb_campaign_pause },
	{ "campaign resume", "one that was paused goes on", verb_campaign_resume },
	{ "campaign late", "devices that its trees have not, for one tree more",
		verb_campaign_late },
	{ "campaign done", "everybody has come who was waited for", verb_campaign_done },
	{ "campaign abort", "end one for good", verb_campaign_abort },
	{ "campaign due", "which data keys are to be replaced when", verb_campaign_due },
	{ "campaign retire", "old data keys may go, once nobody needs them", verb_campaign_retire },
	{ "campaign approve", "an officer lets keys go that devices still need",
		verb_campaign_approve },
	{ "registry decommission", "devices are over: their certificates, and in the registry",
		verb_registry_decommission },
	{ "registry lists",
		"revocation lists and who answers OCSP, brought to where they are served",
		verb_registry_lists },
	{ "recovery make", "write an order that saves devices without TUF, clock or certificate",
		verb_recovery_make },
	{ "recovery sign", "add the signature of a recovery token to it", verb_recovery_sign },
	{ "recovery show", "say what it orders, for whom, and who signed", verb_recovery_show },
	{ "recovery pack", "put it and all that it names into one file", verb_recovery_pack },
	{ "recovery publish", "put it into the repository", verb_recovery_publish },
	{ "recovery send", "send a pack over a serial line", verb_recovery_send },
	{ "recovery root", "make the root that begins anew, sign it, and trust it",
		verb_recovery_root },
	{ "incident", "what to do when a key is stolen or lost, step by step", verb_incident },
	{ "drill", "rehearse an incident on a copy, with a thief and devices", verb_drill },
	{ "publish", "make what was signed count: roles, snapshot, timestamp", verb_publish },
	{ "series make", "online keys that live for hours, and the roots that name them",
		verb_series_make },
	{ "series prepare", "the same for people elsewhere: keys, and a file to be signed",
		verb_series_prepare },
	{ "series sign", "on one person's machine: show all roots, compare, ask, sign",
		verb_series_sign },
	{ "series finish", "take that file back, and seal what a keeper is to have",
		verb_series_finish },
	{ "series show", "which slot is where: sealed, open, counting, over", verb_series_show },
	{ "series approve", "an officer lets the keeper give all its roots now",
		verb_series_approve },
	{ "series end", "an ordinary root in their place: a stolen series, a change of root",
		verb_series_end },
	{ "repo bins", "hand a role's targets to hash bins, or sign them all anew",
		verb_repo_bins },
	{ "repo gc", "remove what no reader can still ask for", verb_repo_gc },
	{ "repo verify", "check everything that stands in the repository", verb_repo_verify },
	{ "repo export", "write what offline signers shall sign to a file", verb_repo_export },
	{ "repo sign", "on the offline machine: show such a file, ask, and sign it",
		verb_repo_sign },
	{ "repo import", "take signed files back, and publish", verb_repo_import },
	{ "ceremony prepare", "make the folder that offline signers get, and its fingerprint",
		verb_ceremony_prepare },
	{ "ceremony sign", "on one person's machine: show, compare, ask, sign",
		verb_ceremony_sign },
	{ "ceremony finish", "take the folder back, publish, and keep the transcript",
		verb_ceremony_finish },
	{ "ceremony show", "how far a ceremony is", verb_ceremony_show },
	{ "keys list", "every key: its state, its period, what stands on it", verb_keys_list },
	{ "keys make", "make a key in a token", verb_keys_make },
	{ "keys retire", "a key's time is over, others know it, or it is destroyed",
		verb_keys_retire },
	{ "authority split", "put the offline tokens into a directory of their own",
		verb_authority_split },
	{ "audit cosign", "have witnesses cosign the signing log", verb_audit_cosign },
	{ "audit export", "what an auditor takes home", verb_audit_export },
	{ "audit prove", "that the signing log has a release, as one file", verb_audit_prove },
	{ "audit reconcile", "has each signature of a token its entry", verb_audit_reconcile },
	{ "audit show", "who had what signed, why, when, from which build", verb_audit_show },
	{ "audit verify", "is the signing log what it says, and one log", verb_audit_verify },
	{ "approve", "show what a signing daemon was asked for, and say yes or no to it",
		verb_approve },
	{ "status", "versions, expiries and signers of every role", verb_status },
	{ "doctor", "name what is wrong with a set-up, step by step", verb_doctor },
	{ "serve", "serve the repository and take devices' reports", verb_serve },
	{ NULL, NULL, NULL },
};

static const char *dir_option;

const char *verb_dir(void)
{
	const char *env = getenv("ROTA_DIR");

	if (dir_option)
		return dir_option;
	return env && *env ? env : ".";
}

void verb_set_dir(const char *dir)
{
	dir_option = dir;
}

static void help(void)
{
	printf("Usage: rota [--dir DIR] VERB [OPTION]...\n\n"
	       "Signs, publishes and serves updates for a fleet of devices.\n\nVerbs:\n");
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %-22s %s\n", v->name, v->help);
	printf("\nThe authority directory is --dir, else $ROTA_DIR, else the current one.\n"
	       "rota VERB --help says more, with examples.\n");
}

/* Whether a verb's first word is this, and another follows. */
static bool is_of(const struct verb *v, const char *word)
{
	size_t len = strlen(word);

	return strncmp(v->name, word, len) == 0 && v->name[len] == ' ';
}

/* "the verbs are image sign, image show", for who knows but the first word. */
static int no_verb(const char *word, const char *next)
{
	const char *before = "; the verbs are: ";
	bool known = false;

	for (const struct verb *v = verbs; v->name; v++)
		known = known || is_of(v, word);
	fprintf(stderr, "rota: no verb '%s%s%s'", word, known && next ? " " : "",
		known && next ? next : "");
	for (const struct verb *v = verbs; v->name; v++) {
		if (!is_of(v, word))
			continue;
		fprintf(stderr, "%s%s", before, v->name);
		before = ", ";
	}
	fprintf(stderr, "; see: rota --help\n");
	return 2;
}

/* How many words of argv name this verb: 0 when it is another one. */
static int words(const struct verb *v, int argc, char **argv)
{
	const char *space = strchr(v->name, ' ');
	size_t len;

	if (!space)
		return strcmp(argv[0], v->name) == 0 ? 1 : 0;
	len = (size_t)(space - v->name);
	if (argc < 2 || strncmp(argv[0], v->name, len) != 0 || argv[0][len])
		return 0;
	return strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

/* "rota recovery --help": what there is of that first word. */
static bool help_on_group(const char *word)
{
	bool any = false;

	for (const struct verb *v = verbs; v->name; v++) {
		if (!is_of(v, word))
			continue;
		if (!any)
			printf("Usage: rota [--dir DIR] %s VERB [OPTION]...\n\nVerbs:\n", word);
		any = true;
		printf("  %-22s %s\n", v->name, v->help);
	}
	if (any)
		printf("\nrota %s VERB --help says more, with examples.\n", word);
	return any;
}

int verb_run(int argc, char **argv)
{
	for (const struct verb *v = verbs; v->name; v++) {
		int taken = words(v, argc, argv);

		if (taken == 0)
			continue;
		session_set_verb(v->name);
		return v->run(argc - taken + 1, argv + taken - 1);
	}
	if (argc > 1 && strcmp(argv[1], "--help") == 0 && help_on_group(argv[0]))
		return 0;
	return no_verb(argv[0], argc > 1 ? argv[1] : NULL);
}

/* "rota help image sign" is "rota image sign --help". */
static int help_on(int argc, char **argv)
{
	char option[] = "--help";
	char *words[] = { argv[0], argc > 1 ? argv[1] : option, option, NULL };

	return verb_run(argc > 1 ? 3 : 2, words);
}

int main(int argc, char **argv)
{
	int at = 1;

	rota_keep_private();
	umask(022);
	if (argc > at + 1 && strcmp(argv[at], "--dir") == 0) {
		verb_set_dir(argv[at + 1]);
		at += 2;
	} else if (argc > at && strncmp(argv[at], "--dir=", 6) == 0) {
		verb_set_dir(argv[at] + 6);
		at++;
	} else if (argc > at && strcmp(argv[at], "--dir") == 0) {
		fprintf(stderr, "rota: no value for --dir; see: rota --help\n");
		return 2;
	}
	if (argc > at && strcmp(argv[at], "--version") == 0) {
		printf("rota %s\n", ROTA_VERSION);
		return 0;
	}
	if (argc > at + 1 && strcmp(argv[at], "help") == 0)
		return help_on(argc - at - 1, argv + at + 1);
	if (argc > at && (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "help") == 0)) {
		help();
		return 0;
	}
	if (argc <= at) {
		fprintf(stderr, "rota: no verb given; see: rota --help\n");
		return 2;
	}
	return verb_run(argc - at, argv + at);
}
