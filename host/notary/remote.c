/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/remote.h"
#include "host/identity/chain.h"
#include "host/identity/escaped.h"

#include <stdlib.h>

struct rota_remote {
	char *ca, *crl;
	struct rota_chain
		*chain; /* NULL: the files could not be read when they were last looked at */
};

enum rota_err rota_remote_open(
	const char *ca, const char *crl, struct rota_remote **out, struct rota_fail *why)
{
	struct rota_remote *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	*out = r;
	r->ca = rota_text("%s", ca);
	r->crl = crl ? rota_text("%s", crl) : NULL;
	if (rota_chain_open(ca, crl, &r->chain, why) == ROTA_OK)
		return ROTA_OK;
	rota_remote_close(r);
	*out = NULL;
	return rota_fail_in(why, "[remote]");
}

void rota_remote_close(struct rota_remote *r)
{
	if (!r)
		return;
	if (r->chain)
		rota_chain_close(r->chain);
	free(r->ca);
	free(r->crl);
	free(r);
}

/* Whether what is in force is what the files say now. A list that is gone may have had this client in it, and one that is
 * broken was meant to say something: who signs can wait. */
static bool is_fresh(struct rota_remote *r)
{
	struct rota_fail why;

	if (!r->chain)
		return rota_chain_open(r->ca, r->crl, &r->chain, &why) == ROTA_OK;
	if (rota_chain_refresh(r->chain, &why) == ROTA_OK)
		return true;
	rota_chain_close(r->chain);
	r->chain = NULL;
	return false;
}

static const char *why_not(enum rota_err err)
{
	if (err == ROTA_ERR_EXPIRED)
		return "the client's certificate is not valid at this time";
	if (err == ROTA_ERR_DENIED)
		return "the client's certificate is revoked";
	if (err == ROTA_ERR_SIGNATURE)
		return "the client's certificate is of none of the CAs of [remote] client_ca";
	return "the client's certificate cannot be read";
}

void rota_remote_who(
	struct rota_remote *r, struct rota_span text, uint64_t now, struct rota_identity *who)
{
	uint8_t der[ROTA_CERT_DER_MAX];
	struct rota_cert cert;
	enum rota_err err;
	size_t len;

	*who = (struct rota_identity){ .remote = true,
		.refused = "the client showed no certificate" };
	if (text.len == 0)
		return;
	who->refused = why_not(ROTA_ERR_FORMAT);
	if (rota_escaped_cert(text, ROTA_BUF(der), &len) != ROTA_OK)
		return;
	who->refused = "the files of [remote] client_ca and crl cannot be read now";
	if (!is_fresh(r))
		return;
	err = rota_chain_check(r->chain, rota_span(der, len), now, &cert);
	who->refused = why_not(err);
	if (err != ROTA_OK)
		return;
	rota_digest_of(cert.spki, who->spki);
	who->refused = NULL;
}
