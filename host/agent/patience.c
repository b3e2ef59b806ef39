/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/patience.h"
#include "host/base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_LEN (2 * ROTA_SHA256_LEN)
/* The digest, and two numbers of 20 digits and a boot id, with what stands between. */
#define LINE_MAX_LEN (HEX_LEN + 3 + 2 * 20 + ROTA_PATIENCE_BOOT_LEN)

static void read_line(struct rota_patience *p, const char *line)
{
	char hex[HEX_LEN + 1];
	struct rota_patience is = { 0 };

	if (sscanf(line, "%64s %u %36s %" SCNu64, hex, &is.holds, is.boot, &is.at_s) != 4 ||
		!rota_unhex(hex, ROTA_BUF(is.digest)))
		return;
	memcpy(is.path, p->path, sizeof(is.path));
	*p = is;
}

void rota_patience_open(struct rota_patience *p, const char *path)
{
	struct rota_bytes text;
	struct rota_fail why;
	char line[LINE_MAX_LEN + 1];

	*p = (struct rota_patience){ 0 };
	(void)snprintf(p->path, sizeof(p->path), "%s", path);
	if (rota_file_read(path, LINE_MAX_LEN, &text, &why) != ROTA_OK)
		return;
	memcpy(line, text.p, text.len);
	line[text.len] = '\0';
	rota_bytes_free(&text);
	read_line(p, line);
}

static bool counts(const struct rota_patience *p, const char *boot, uint64_t uptime_s)
{
	return p->holds == 0 || strcmp(p->boot, boot) != 0 || uptime_s < p->at_s ||
		uptime_s - p->at_s >= ROTA_PATIENCE_EVERY_S;
}

static enum rota_err save(const struct rota_patience *p, struct rota_fail *why)
{
	char line[LINE_MAX_LEN + 1], hex[HEX_LEN + 1];

	rota_hex(ROTA_SPAN(p->digest), hex);
	(void)snprintf(
		line, sizeof(line), "%s %u %s %" PRIu64 "\n", hex, p->holds, p->boot, p->at_s);
	return rota_file_write(p->path, rota_span_cstr(line), 0644, why);
}

enum rota_err rota_patience_held(struct rota_patience *p,
	const uint8_t digest[static ROTA_SHA256_LEN], const char *boot, uint64_t uptime_s,
	bool *over, struct rota_fail *why)
{
	if (memcmp(p->digest, digest, sizeof(p->digest)) != 0)
		p->holds = 0;
	*over = p->holds >= ROTA_PATIENCE_HOLDS;
	if (*over || !counts(p, boot, uptime_s))
		return ROTA_OK;
	memcpy(p->digest, digest, sizeof(p->digest));
	p->holds++;
	p->at_s = uptime_s;
	(void)snprintf(p->boot, sizeof(p->boot), "%s", boot);
	return save(p, why);
}
