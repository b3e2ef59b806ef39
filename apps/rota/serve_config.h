/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/serve_config.h -- what `rota serve` is told: section [serve] of rota.ini (or of another file), and
 * options over it (docs/man/rota-serve.1.md). Relative paths are below the configuration's directory. */
#ifndef APPS_ROTA_SERVE_CONFIG_H
#define APPS_ROTA_SERVE_CONFIG_H

#include "host/base/fail.h"

#include <stdbool.h>
#include <stdint.h>

struct serve_options { /* NULL where not given */
	const char *config, *state, *ports_file;
	const char *address, *port, *device_port, *http_port;
};

struct serve_config {
	char *file; /* it was read from */
	char *state; /* directory: all that is written lies below */
	char *repository;
	char *staging; /* NULL: builds of ci lie in the repository */
	char *certificate, *key;
	char *device_ca, *operational_ca, *crl; /* crl may be NULL */
	char *ocsp_key, *ocsp_certificate; /* both or none; may be NULL */
	char *operators; /* users who may write into the registry; may be empty */
	char *address;
	uint64_t repo_port, device_port, http_port; /* 0: choose a free one */
	bool http; /* http_port is wanted */
	bool targets_mtls;
	char *signd, *product; /* the signing daemon's socket; NULL where [authority] names none */
	char *nginx, *rotad; /* programs */
	char *web_user, *ingest_user; /* as root */
	uint64_t workers, segment_bytes, keep_segments;
	uint64_t device_rate; /* requests of one device per second */
};

ROTA_MUST_USE enum rota_err serve_config_load(
	const struct serve_options *o, struct serve_config *out, struct rota_fail *why);
void serve_config_free(struct serve_config *c);

#endif
