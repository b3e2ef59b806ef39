/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/peer.h -- which device asks: by the certificate that nginx says it has proved to hold (SPEC 13.1, 13.4). */
#ifndef APPS_ROTAD_PEER_H
#define APPS_ROTAD_PEER_H

#include "apps/rotad/worker.h"
#include "host/identity/escaped.h"
#include "host/ingest/record.h"

struct evhttp_request;

/* Header in which nginx passes $ssl_client_escaped_cert; it overwrites what a client sent. */
#define PEER_HEADER "X-Rota-Client-Cert"
#define PEER_HEADER_LOWER "x-rota-client-cert"

struct peer {
	uint8_t id[ROTA_DEVICE_ID_LEN];
	uint8_t der[ROTA_CERT_DER_MAX]; /* the certificate of the connection */
	size_t der_len;
};

/* For EST: by an LDevID that counts now, or by an IDevID. */
enum peer_kind { PEER_NONE, PEER_IDEVID, PEER_LDEVID };

/* PEER_NONE: it was answered, with 403. */
enum peer_kind peer_identify_any(
	struct worker *w, struct evhttp_request *request, struct peer *peer);

/* By an LDevID that counts now. false: it was answered, with 403. */
bool peer_identify(struct worker *w, struct evhttp_request *request, struct peer *peer);

/* The same of what stands in the header, empty where nothing does. NULL, or why not, which the caller answers with 403. */
const char *peer_of(struct worker *w, struct rota_span certificate, struct peer *peer);

#endif
