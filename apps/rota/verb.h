/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/verb.h -- a verb of the command: `rota NAME ...`.
 *
 * `rota` is a table of verbs in main.c, one file per verb. A name may be two words ("image sign"). run() gets
 * argv[0] as the verb's name and answers with the exit status: 0 done, 1 refused or failed (one line on
 * standard error said what, where and what to do), 2 wrong usage.
 */
#ifndef APPS_ROTA_VERB_H
#define APPS_ROTA_VERB_H

struct verb {
	const char *name;
	const char *help; /* one line */
	int (*run)(int argc, char **argv);
};

/* Value of the global option --dir, else $ROTA_DIR, else ".": the authority directory. */
const char *verb_dir(void);

/* Remember --dir where a verb's own option table met it. */
void verb_set_dir(const char *dir);

/* Run the verb that the first words of argv name; gives its exit status. Once in a process: options are static. */
int verb_run(int argc, char **argv);

int verb_init(int argc, char **argv);
int verb_factory_check(int argc, char **argv);
int verb_factory_enlist(int argc, char **argv);
int verb_factory_enrol(int argc, char **argv);
int verb_factory_station(int argc, char **argv);
int verb_image_sign(int argc, char **argv);
int verb_image_show(int argc, char **argv);
int verb_build(int argc, char **argv);
int verb_rebuild_check(int argc, char **argv);
int verb_promote_prepare(int argc, char **argv);
int verb_promote_approve(int argc, char **argv);
int verb_promote_sign(int argc, char **argv);
int verb_registry_decommission(int argc, char **argv);
int verb_registry_lists(int argc, char **argv);
int verb_release_add(int argc, char **argv);
int verb_approve(int argc, char **argv);
int verb_incident(int argc, char **argv);
int verb_drill(int argc, char **argv);
int verb_recovery_root(int argc, char **argv);
int verb_recovery_make(int argc, char **argv);
int verb_recovery_sign(int argc, char **argv);
int verb_recovery_show(int argc, char **argv);
int verb_recovery_pack(int argc, char **argv);
int verb_recovery_publish(int argc, char **argv);
int verb_recovery_send(int argc, char **argv);
int verb_rollout_set(int argc, char **argv);
int verb_retire(int argc, char **argv);
int verb_withdraw(int argc, char **argv);
int verb_publish(int argc, char **argv);
int verb_series_make(int argc, char **argv);
int verb_series_approve(int argc, char **argv);
int verb_series_end(int argc, char **argv);
int verb_series_finish(int argc, char **argv);
int verb_series_prepare(int argc, char **argv);
int verb_series_sign(int argc, char **argv);
int verb_series_show(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_serve(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_target_add(int argc, char **argv);
int verb_repo_bins(int argc, char **argv);
int verb_repo_gc(int argc, char **argv);
int verb_repo_verify(int argc, char **argv);
int verb_repo_export(int argc, char **argv);
int verb_repo_sign(int argc, char **argv);
int verb_repo_import(int argc, char **argv);
int verb_campaign_new(int argc, char **argv);
int verb_campaign_list(int argc, char **argv);
int verb_campaign_status(int argc, char **argv);
int verb_campaign_pause(int argc, char **argv);
int verb_campaign_resume(int argc, char **argv);
int verb_campaign_late(int argc, char **argv);
int verb_campaign_done(int argc, char **argv);
int verb_campaign_abort(int argc, char **argv);
int verb_campaign_retire(int argc, char **argv);
int verb_campaign_approve(int argc, char **argv);
int verb_campaign_due(int argc, char **argv);
int verb_ceremony_prepare(int argc, char **argv);
int verb_ceremony_sign(int argc, char **argv);
int verb_ceremony_finish(int argc, char **argv);
int verb_ceremony_show(int argc, char **argv);
int verb_keys_list(int argc, char **argv);
int verb_keys_make(int argc, char **argv);
int verb_keys_retire(int argc, char **argv);
int verb_authority_split(int argc, char **argv);
int verb_audit_cosign(int argc, char **argv);
int verb_audit_export(int argc, char **argv);
int verb_audit_prove(int argc, char **argv);
int verb_audit_reconcile(int argc, char **argv);
int verb_audit_show(int argc, char **argv);
int verb_audit_verify(int argc, char **argv);

#endif
