/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/agentini.h"

#include <string.h>

bool rota_agentini_holds(const char *value)
{
	size_t len = strlen(value);

	if (len < 1 || len > ROTA_AGENTINI_VALUE_MAX || *value == ' ' || *value == ';' ||
		value[len - 1] == ' ' || strstr(value, " ;"))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7F)
			return false;
	return true;
}

static void line(struct rota_bytes *out, const char *key, const char *value)
{
	rota_bytes_print(out, "%s = %s\n", key, value);
}

/* KEY = AT/NAME */
static void path(struct rota_bytes *out, const char *key, const char *at, const char *name)
{
	rota_bytes_print(out, "%s = %s/%s\n", key, at, name);
}

/* Builds of ci that are staged are served to devices only (SPEC 26.8). */
static void staged(const struct rota_enrol_plan *plan, struct rota_bytes *out)
{
	size_t len = strlen(plan->server_url);

	while (len > 0 && plan->server_url[len - 1] == '/')
		len--;
	rota_bytes_print(out, "targets_url = %.*s/repo\ntargets_identity = yes\n", (int)len,
		plan->server_url);
}

static void repository(
	const struct rota_authdir *dir, const struct rota_enrol_plan *plan, struct rota_bytes *out)
{
	rota_bytes_print(out,
		"# Made by rota factory enrol; rota-agent.ini(5) explains each setting.\n"
		"[repository %s]\n",
		plan->repository);
	line(out, "url", plan->repository_url);
	if (dir->staging[0] && strcmp(plan->channel, "ci") == 0)
		staged(plan, out);
	path(out, "ca", plan->at, "trust/server-ca.pem");
	path(out, "root", plan->at, "trust/root.json");
}

/* Further components of the set that rota-boot boots, in the same device. */
static void components(const struct rota_enrol_plan *plan, struct rota_bytes *out)
{
	for (size_t i = 0; plan->components && plan->components[i]; i++) {
		char *head = rota_text("\n[slot %s]\n", plan->components[i]);

		rota_bytes_add_text(out, head);
		free(head);
		line(out, "backend", "boot");
		line(out, "device", plan->at);
	}
}

static void slot(const struct rota_enrol_plan *plan, struct rota_bytes *out)
{
	rota_bytes_add_text(out, "\n[slot app]\n");
	line(out, "backend", plan->script ? "exec" : "boot");
	if (!plan->script) {
		line(out, "device", plan->at);
		components(plan, out);
		rota_bytes_add_text(out, "\n[recovery]\n");
		path(out, "file", plan->at, "flash"); /* where rota-boot leaves a pack */
		return;
	}
	line(out, "script", plan->script);
	if (plan->script_dir)
		line(out, "directory", plan->script_dir);
	else
		path(out, "directory", plan->at, "files");
}

static void command(const char *section, const char *text, struct rota_bytes *out)
{
	if (!text)
		return;
	rota_bytes_add_text(out, section);
	line(out, "command", text);
}

void rota_agentini(
	const struct rota_authdir *dir, const struct rota_enrol_plan *plan, struct rota_bytes *out)
{
	*out = (struct rota_bytes){ 0 };
	repository(dir, plan, out);
	rota_bytes_add_text(out, "\n[server]\n");
	line(out, "url", plan->server_url);
	rota_bytes_add_text(out, "\n[device]\n");
	line(out, "product", dir->product);
	line(out, "hardware", plan->hardware);
	line(out, "channel", plan->channel);
	if (plan->group)
		line(out, "group", plan->group);
	if (plan->region)
		line(out, "region", plan->region);
	path(out, "rom", plan->at, "rom.bin");
	path(out, "state", plan->at, "state");
	if (plan->tpm)
		line(out, "tpm", plan->tpm);
	rota_bytes_add_text(out, "\n[identity]\n");
	if (plan->inside) {
		path(out, "directory", plan->at, "identity");
	} else {
		path(out, "certificate", plan->at, "identity/ldevid.pem");
		path(out, "key", plan->at, "identity/ldevid.key");
	}
	slot(plan, out);
	command("\n[health]\n", plan->health, out);
	command("\n[reboot]\n", plan->reboot, out);
}
