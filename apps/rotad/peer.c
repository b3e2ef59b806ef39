/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/peer.h"
#include "apps/rotad/api.h"
#include "apps/rotad/log.h"
#include "host/base/when.h"
#include "host/pki/idevid.h"

#include <event2/http.h>
#include <string.h>

/* Two stat() calls a request: a revocation counts from the moment that its file is there. */
static void look_at_authority(struct worker *w)
{
	struct rota_fail why;

	if (rota_chain_refresh(w->chain, &why) != ROTA_OK)
		log_line("identity: the change is ignored, what was read before stays: %s",
			why.text);
}

static const char *why_refused(enum rota_err err)
{
	if (err == ROTA_ERR_EXPIRED)
		return "the certificate is not valid at this time";
	if (err == ROTA_ERR_DENIED)
		return "the certificate is revoked";
	if (err == ROTA_ERR_SIGNATURE)
		return "the certificate is not an operational one (LDevID) of this server's CA";
	return "the certificate cannot be read";
}

/* NULL, or why there is no certificate. */
static const char *read_text(struct rota_span text, struct peer *peer)
{
	if (text.len == 0)
		return "no client certificate";
	if (rota_escaped_cert(text, ROTA_BUF(peer->der), &peer->der_len) != ROTA_OK)
		return "the certificate cannot be read";
	return NULL;
}

/* The certificate of the connection. */
static const char *read_certificate(struct evhttp_request *req, struct peer *peer)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const char *text = evhttp_find_header(headers, PEER_HEADER);

	return read_text(rota_span_cstr(text == NULL ? "" : text), peer);
}

/* SPEC 13.4. NULL and `peer`, or why not. */
static const char *judge(struct worker *w, struct peer *peer)
{
	uint64_t asked;
	struct rota_cert cert;
	enum rota_err err;

	look_at_authority(w);
	err = rota_chain_check(
		w->chain, rota_span(peer->der, peer->der_len), rota_when_now(), &cert);
	asked = rota_chain_asked(w->chain);
	atomic_fetch_add(&w->shared->figures.chain_checks, asked - w->chain_asked);
	w->chain_asked = asked;
	if (err != ROTA_OK)
		return why_refused(err);
	if (rota_cert_device_id(&cert, peer->id) != ROTA_OK)
		return "the certificate's common name is no device id";
	return NULL;
}

/* SPEC 29.4: of the device CA, for good. That the IDevID is not revoked is the signing daemon's to say. */
static bool is_idevid(struct worker *w, struct peer *peer)
{
	const X509 *ca = w->shared->device_ca;
	struct rota_idevid idevid;
	struct rota_fail why;

	if (ca == NULL ||
		rota_idevid_read(ca, rota_span(peer->der, peer->der_len), &idevid, &why) != ROTA_OK)
		return false;
	memcpy(peer->id, idevid.device, sizeof(peer->id));
	return true;
}

static void refuse(struct worker *w, struct evhttp_request *request, const char *refusal)
{
	count_one(&w->shared->figures.refused_identity);
	api_error(request, 403, refusal);
}

enum peer_kind peer_identify_any(
	struct worker *w, struct evhttp_request *request, struct peer *peer)
{
	const char *refusal = read_certificate(request, peer);

	if (refusal == NULL && is_idevid(w, peer))
		return PEER_IDEVID;
	if (refusal == NULL)
		refusal = judge(w, peer);
	if (refusal == NULL)
		return PEER_LDEVID;
	refuse(w, request, refusal);
	return PEER_NONE;
}

bool peer_identify(struct worker *w, struct evhttp_request *request, struct peer *peer)
{
	const char *refusal = read_certificate(request, peer);

	if (refusal == NULL)
		refusal = judge(w, peer);
	if (refusal != NULL)
		refuse(w, request, refusal);
	return refusal == NULL;
}

const char *peer_of(struct worker *w, struct rota_span certificate, struct peer *peer)
{
	const char *refusal = read_text(certificate, peer);

	if (refusal == NULL)
		refusal = judge(w, peer);
	if (refusal != NULL)
		count_one(&w->shared->figures.refused_identity);
	return refusal;
}
