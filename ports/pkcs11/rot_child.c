/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/rot_child.h"
#include "host/base/apart.h"
#include "host/base/frame.h"
#include "ports/pkcs11/ck.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MS 30000
#define SEALED_LEN (ROTA_ROT_SECRET_LEN + 16)

struct answer {
	uint8_t bytes[ROT_ANSWER_MAX];
	size_t len;
};

static const char *const pair_label[ROTA_ROT_KEYS] = {
	[ROTA_ROT_IDENTITY] = "rota-identity",
	[ROTA_ROT_LDEVID_0] = "rota-ldevid-0",
	[ROTA_ROT_LDEVID_1] = "rota-ldevid-1",
	[ROTA_ROT_AGREE_0] = "rota-agree-0",
	[ROTA_ROT_AGREE_1] = "rota-agree-1",
};

static const char *const wrap_label[ROTA_ROT_WRAPS] = {
	[ROTA_ROT_WRAP_0] = "rota-wrap-0",
	[ROTA_ROT_WRAP_1] = "rota-wrap-1",
	[ROTA_ROT_SEED] = "rota-seed",
};

/* ---- pairs ---- */

static enum rota_err point(
	struct module *m, unsigned key, struct answer *out, struct rota_fail *why)
{
	struct module_key found;

	ROTA_TRY(module_key(m, pair_label[key], &found, why));
	memcpy(out->bytes, found.point, ROTA_P256_KEY_LEN);
	out->len = ROTA_P256_KEY_LEN;
	return ROTA_OK;
}

static enum rota_err make(struct module *m, unsigned key, struct answer *out, struct rota_fail *why)
{
	ROTA_TRY(module_clear(m, pair_label[key], why));
	ROTA_TRY(key >= ROTA_ROT_AGREE_0 ? module_generate_agree(m, pair_label[key], why)
					 : module_generate(m, pair_label[key], why));
	return point(m, key, out, why);
}

static enum rota_err destroy(struct module *m, unsigned key, struct rota_fail *why)
{
	enum rota_err err = module_destroy(m, pair_label[key], why);

	return err == ROTA_ERR_NOT_FOUND ? module_clear(m, pair_label[key], why) : err;
}

static enum rota_err sign(struct module *m, unsigned key, struct rota_reader *r, struct answer *out,
	struct rota_fail *why)
{
	struct rota_span digest = rota_read_span(r, ROTA_SHA256_LEN);
	struct module_key found;
	CK_RV rv;

	ROTA_TRY(rota_reader_end(r));
	ROTA_TRY(module_key(m, pair_label[key], &found, why));
	rv = module_sign(m, m->session, found.handle, digest.p, out->bytes);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "signing");
	out->len = ROTA_P256_SIG_LEN;
	return ROTA_OK;
}

static enum rota_err agree(struct module *m, unsigned key, struct rota_reader *r,
	struct answer *out, struct rota_fail *why)
{
	struct rota_span peer = rota_read_span(r, ROTA_P256_KEY_LEN);
	struct module_key found;

	ROTA_TRY(rota_reader_end(r));
	ROTA_TRY(module_key(m, pair_label[key], &found, why));
	ROTA_TRY(module_derive(m, found.handle, peer.p, out->bytes, why));
	out->len = ROTA_P256_DH_LEN;
	return ROTA_OK;
}

/* ---- wrap keys ---- */

static enum rota_err find_wrap(
	struct module *m, unsigned place, CK_OBJECT_HANDLE *key, struct rota_fail *why)
{
	CK_ULONG count = 0;

	ROTA_TRY(module_find(m, CKO_SECRET_KEY, wrap_label[place], key, &count, why));
	if (count == 0)
		return rota_fail(
			why, ROTA_ERR_NOT_FOUND, "no key is called '%s'", wrap_label[place]);
	return ROTA_OK;
}

static enum rota_err wrap_has(
	struct module *m, unsigned place, struct answer *out, struct rota_fail *why)
{
	CK_OBJECT_HANDLE key;
	enum rota_err err = find_wrap(m, place, &key, why);

	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	out->bytes[0] = err == ROTA_OK;
	out->len = 1;
	return ROTA_OK;
}

static enum rota_err wrap_destroy(struct module *m, unsigned place, struct rota_fail *why)
{
	CK_OBJECT_HANDLE key;
	enum rota_err err = find_wrap(m, place, &key, why);
	CK_RV rv;

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	rv = m->f->C_DestroyObject(m->session, key);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "destroying the wrap key");
}

/* A token does not say why a text does not open. */
static enum rota_err wrap(struct module *m, unsigned place, bool encrypt, struct rota_reader *r,
	struct answer *out, struct rota_fail *why)
{
	struct rota_span nonce = rota_read_span(r, 12);
	struct rota_span aad = rota_read_span(r, rota_read_le16(r));
	struct rota_span in = rota_read_span(r, encrypt ? ROTA_ROT_SECRET_LEN : SEALED_LEN);
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	ROTA_TRY(rota_reader_end(r));
	ROTA_TRY(find_wrap(m, place, &key, why));
	out->len = sizeof(out->bytes); /* some modules ask for more room than they use */
	rv = module_gcm(m, key, encrypt, nonce, aad, in, out->bytes, &out->len);
	if (rv != CKR_OK && !encrypt)
		return rota_fail(why, ROTA_ERR_SIGNATURE, "it was not wrapped here, or as another");
	if (rv != CKR_OK)
		return ck_fail(why, rv, "wrapping");
	if (out->len != (encrypt ? SEALED_LEN : ROTA_ROT_SECRET_LEN))
		return rota_fail(why, ROTA_ERR_IO, "the token sealed to another length");
	return ROTA_OK;
}

/* ---- the rest ---- */

static enum rota_err draw(
	struct module *m, struct rota_reader *r, struct answer *out, struct rota_fail *why)
{
	CK_ULONG count = rota_read_u8(r);
	CK_RV rv;

	ROTA_TRY(rota_reader_end(r));
	rv = m->f->C_GenerateRandom(m->session, out->bytes, count);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "drawing random bytes");
	out->len = count;
	return ROTA_OK;
}

static enum rota_err can(struct module *m, struct answer *out)
{
	out->bytes[0] = module_has(m, CKM_ECDH1_DERIVE);
	out->bytes[1] = module_has(m, CKM_AES_GCM);
	out->len = 2;
	return ROTA_OK;
}

static enum rota_err obey(
	struct module *m, struct rota_span order, struct answer *out, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(order);
	uint8_t deed = rota_read_u8(&r), key = rota_read_u8(&r);

	if (key >= (deed >= ROT_WRAP_MAKE ? (unsigned)ROTA_ROT_WRAPS : (unsigned)ROTA_ROT_KEYS))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "no key %u", key);
	switch (deed) {
	case ROT_CAN:
		return can(m, out);
	case ROT_MAKE:
		return make(m, key, out, why);
	case ROT_POINT:
		return point(m, key, out, why);
	case ROT_DESTROY:
		return destroy(m, key, why);
	case ROT_SIGN:
		return sign(m, key, &r, out, why);
	case ROT_AGREE:
		return agree(m, key, &r, out, why);
	case ROT_WRAP_MAKE:
		return module_generate_aes(m, wrap_label[key], why);
	case ROT_WRAP_HAS:
		return wrap_has(m, key, out, why);
	case ROT_WRAP_DESTROY:
		return wrap_destroy(m, key, why);
	case ROT_WRAP:
	case ROT_UNWRAP:
		return wrap(m, key, deed == ROT_WRAP, &r, out, why);
	case ROT_RANDOM:
		return draw(m, &r, out, why);
	default:
		return rota_fail(why, ROTA_ERR_FORMAT, "no order %u", deed);
	}
}

/* false: nobody orders any more. */
static bool serve(struct module *m, int fd)
{
	struct rota_fail why = { 0 }, ignored;
	struct answer answer = { .len = 0 };
	struct rota_bytes order;
	bool told;

	do
		why.err = rota_frame_read(fd, ROT_ORDER_MAX, INT_MAX, &order, &why);
	while (why.err == ROTA_ERR_TIMEOUT);
	if (why.err != ROTA_OK)
		return false;
	why = (struct rota_fail){ 0 };
	why.err = obey(m, rota_bytes_span(&order), &answer, &why);
	rota_bytes_wipe(&order);
	told = rota_frame_say(fd, &why, ANSWER_MS, &ignored) == ROTA_OK &&
		(why.err != ROTA_OK ||
			rota_frame_write(fd, rota_span(answer.bytes, answer.len), ANSWER_MS,
				&ignored) == ROTA_OK);
	rota_wipe(&answer, sizeof(answer));
	return told;
}

static enum rota_err begin(const struct rot_plan *plan, struct module *m, struct rota_fail *why)
{
	ROTA_TRY(rota_apart("rota-token", NULL, plan->token->lock, why));
	ROTA_TRY(holder_load(m, plan->token, why));
	return holder_login(m, plan->token, 0, why);
}

void rot_child_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = begin(plan, &m, &why);
	if (send(fds->report, &why, sizeof(why), MSG_NOSIGNAL) > 0 && why.err == ROTA_OK)
		while (serve(&m, fds->in))
			;
	module_end(&m);
}
