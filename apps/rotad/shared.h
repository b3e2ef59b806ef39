/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/shared.h -- what rotad's threads know of each other.
 *
 *     worker (each its own event loop, connections, chain check)
 *        | struct post ->      ingest queue, bounded: full means 503
 *     ingest (owns the journal: append, fdatasync for the group)
 *        | <- struct post      the worker's queue: now it may be acknowledged
 *        | durable position -> signal
 *     projection (owns the database, reads the journal's files with its own cursor)
 *
 * Messages change hands; the configuration is constant; the figures below are single numbers that one thread
 * writes and any may read, each atomic by itself.
 */
#ifndef APPS_ROTAD_SHARED_H
#define APPS_ROTAD_SHARED_H

#include "apps/rotad/config.h"
#include "apps/rotad/queue.h"
#include "apps/rotad/turns.h"
#include "host/ingest/record.h"
#include "host/registry/fleet.h"
#include "host/registry/needs.h"
#include "rota/crypto/hmac.h"

#include <openssl/x509.h>
#include <stdatomic.h>

struct evhttp_request;
struct post; /* apps/rotad/post.h */

struct figures {
	_Atomic uint64_t requests, accepted, refused_http, refused_identity, refused_report, busy,
		deadlines, connections, chain_checks, times, bundles, ocsp; /* workers add */
	_Atomic uint64_t durable, groups; /* ingest writes */
	_Atomic uint64_t projected; /* projection writes: durable in the database */
	_Atomic uint64_t rows, rows_refused; /* rows.h adds */
	_Atomic uint64_t rowed; /* it writes: last record whose rows are made */
	_Atomic uint64_t snapshot; /* snapshot.h writes: last record that the copy has */
	_Atomic uint64_t strange; /* checkpoints that devices told of and the log does not have */
	_Atomic uint64_t refused_statements; /* workers add */
	_Atomic uint64_t
		lost_proofs; /* they too: that a device speaks of, and the registry has not */
	_Atomic uint64_t
		early_proofs; /* they too: of campaigns that the registry has not heard of */
	_Atomic uint64_t statements[ROTA_FLEET_RESULTS]; /* of devices, by what came of each */
	_Atomic uint64_t keys[ROTA_PURPOSES_MAX][ROTA_REACHES]; /* devices: key_figures.h */
	_Atomic uint64_t keys_newest[ROTA_PURPOSES_MAX], keys_oldest[ROTA_PURPOSES_MAX];
	_Atomic bool ingest_ok, projection_ok; /* each by its thread: can it do its work */
};

struct shared {
	struct config config;
	struct queue ingest; /* of struct post */
	struct queue projection; /* only its signal is used: the durable position moved */
	X509 *device_ca; /* who issues IDevIDs; NULL: not known here */
	struct turns turns; /* of devices that speak of their keys */
	struct turns enrols; /* of those that ask for a certificate */
	struct queue rows; /* only its signal is used: the database moved */
	struct queue snapshot; /* only its end is used */
	struct queue est; /* of struct post: questions for the signing daemon */
	struct rota_hmac prove; /* begun with the secret of nonces (keys.h); each copies it */
	struct figures figures;
};

static inline void count_one(_Atomic uint64_t *figure)
{
	atomic_fetch_add_explicit(figure, 1, memory_order_relaxed);
}

#endif
