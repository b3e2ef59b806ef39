/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/config.h -- rotad.ini, read once at start (docs/man/rotad.ini.5.md). */
#ifndef APPS_ROTAD_CONFIG_H
#define APPS_ROTAD_CONFIG_H

#include "host/base/fail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A worker is one thread with one event loop; more than this many serve no machine that rotad is for. */
#define WORKERS_MAX 64
/* Users of the operators' socket: people, and the programs of a factory. */
#define OPERATORS_MAX 16

struct config {
	char *socket; /* path */
	uid_t peer; /* who may connect, beside root and ourselves */
	char *desk; /* the operators' socket; NULL: none */
	uid_t operators[OPERATORS_MAX]; /* who may connect there */
	size_t operator_count;
	uint64_t workers, connections; /* connections: of each worker */
	uint64_t idle_s, header_s, request_s; /* deadlines */
	char *ca, *crl; /* crl may be NULL */
	char *device_ca; /* of IDevIDs; may be NULL */
	char *journal; /* directory */
	uint64_t segment_bytes;
	uint64_t keep_segments; /* 0: drop none */
	uint64_t queue; /* reports that wait for the disk */
	char *database;
	char *ocsp_key, *ocsp_certificate, *ocsp_issuer; /* NULL: nobody answers OCSP */
	char *keys; /* directory of what key campaigns need; NULL: none are served */
	char *log; /* directory of the signing log's files; NULL: there is none */
	char *authority,
		*product; /* the signing daemon, and whom it issues certificates for; NULL: none */
	char *signd,
		*scope; /* the signing daemon's socket, and the product; NULL: no time is told */
};

/* Read and check; every mistake is one line that names file, section and key. */
ROTA_MUST_USE enum rota_err config_load(
	const char *path, struct config *out, struct rota_fail *why);
void config_free(struct config *c);

#endif
