/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/doctor_signd.h"
#include "apps/rota/doctor_users.h"
#include "host/base/bytes.h"
#include "host/notary/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_INI "/etc/rota/signd.ini"

struct look {
	struct session *s;
	const struct doctor_sink *sink;
	const char *file; /* signd.ini */
	bool wrong;
};

static void wrong(struct look *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct look *l, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->sink->say(l->sink->ctx, false, text);
	l->wrong = true;
}

/* What publish brings into the repository is this daemon's log. */
static void check_log(struct look *l, const struct rota_policy *policy)
{
	const char *public = rota_ini_get(&l->s->dir.ini, "log", "public");
	char *is = rota_text("%s/log/public", rota_policy_daemon(policy)->state);
	char *names = public && *public != '/' ? rota_text("%s/%s", l->s->dir.dir, public)
					       : rota_text("%s", public ? public : "");

	if (public && strcmp(is, names) != 0)
		wrong(l, "[log] public of %s is %s, and %s writes its log to %s",
			l->s->dir.ini.path, names, l->file, is);
	free(is);
	free(names);
}

/* Roles that online keys sign, and nobody may ask for. */
static void check_rules(struct look *l, const struct rota_policy *policy)
{
	const struct rota_authdir *dir = &l->s->dir;

	for (size_t i = 0; i < dir->party_count; i++) {
		const struct rota_party *party = &dir->parties[i];

		if (party->is_role && rota_party_online(party) &&
			!rota_policy_signs(policy, dir->product, party->name))
			wrong(l,
				"%s has no [rule] by which anybody may ask for role %s, whose keys "
				"are online in %s",
				l->file, party->name, dir->ini.path);
	}
}

static void check_policy(struct look *l, const struct rota_policy *policy)
{
	const struct rota_authdir *dir = &l->s->dir;
	const struct rota_authdir *scope = rota_policy_scope(policy, dir->product);

	if (!scope) {
		wrong(l, "%s has no [scope %s]", l->file, dir->product);
		return;
	}
	if (strcmp(scope->dir, dir->dir) != 0)
		wrong(l, "%s: authority of [scope %s] is %s, not this one", l->file, dir->product,
			scope->dir);
	if (strcmp(rota_policy_daemon(policy)->socket, dir->signd) != 0)
		wrong(l, "%s listens at %s, %s asks at %s", l->file,
			rota_policy_daemon(policy)->socket, dir->ini.path, dir->signd);
	check_log(l, policy);
	check_rules(l, policy);
	if (!doctor_users(l->s, policy, l->sink))
		l->wrong = true;
}

static void check_file(struct look *l)
{
	struct rota_policy *policy;
	struct rota_fail why;

	if (!rota_file_exists(l->file))
		return; /* the daemon is another machine's, or another user's */
	if (rota_policy_load(l->file, &policy, &why) != ROTA_OK) {
		wrong(l, "%s", why.text);
		return;
	}
	check_policy(l, policy);
	rota_policy_free(policy);
}

bool doctor_signd(struct session *s, const struct doctor_sink *sink)
{
	char own[ROTA_FILE_PATH_MAX], text[400];
	struct look l = { .s = s, .sink = sink, .file = own };
	bool answers;

	rota_authdir_path(&s->dir, "signd.ini", own);
	if (!rota_file_exists(own))
		l.file = SYSTEM_INI;
	check_file(&l);
	answers = session_daemon(s) == ROTA_OK;
	if (!answers)
		wrong(&l, "%s", s->why.text);
	if (l.wrong)
		return answers;
	snprintf(text, sizeof(text), "a signing daemon answers at %s%s", s->dir.signd,
		rota_file_exists(l.file) ? ", and its rules fit" : "");
	sink->say(sink->ctx, true, text);
	return answers;
}
