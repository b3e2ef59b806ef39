/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/signedtime.h"
#include "rota/base/mem.h"

void rota_time_key_digest(const struct rota_crypto *crypto, enum rota_alg alg, struct rota_span raw,
	uint8_t out[static ROTA_SHA256_LEN])
{
	const uint8_t id = (uint8_t)alg;
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, rota_span(&id, 1));
	crypto->sha256_update(&h, raw);
	crypto->sha256_final(&h, out);
}

static bool is_time_key(const struct rota_crypto *crypto, const struct rota_time_keys *keys,
	const struct rota_timesig *by)
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_time_key_digest(crypto, by->alg, by->key, digest);
	for (uint8_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->sha256[i], digest, sizeof(digest)) == 0)
			return true;
	}
	return false;
}

/* Schemes of both shapes (rota/port/crypto.h). */
static enum rota_err verify(
	const struct rota_crypto *crypto, const struct rota_timesig *by, struct rota_span message)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_verify v;

	if ((unsigned)by->alg >= 32 || (crypto->algs & (1u << by->alg)) == 0)
		return ROTA_ERR_UNSUPPORTED;
	if (rota_alg_signs_sha256(by->alg)) {
		rota_sha256_of(crypto, message, digest);
		return crypto->verify_digest(crypto->ctx, by->alg, by->key, by->sig, digest);
	}
	ROTA_TRY(crypto->verify_begin(crypto->ctx, &v, by->alg, by->key, by->sig));
	crypto->verify_update(&v, message);
	return crypto->verify_finish(&v);
}

static enum rota_err verify_written(const struct rota_crypto *crypto,
	const struct rota_time_keys *keys, const struct rota_timesig *by,
	const struct rota_writer *message)
{
	struct rota_span bytes;

	ROTA_TRY(rota_writer_end(message, &bytes));
	if (!is_time_key(crypto, keys, by))
		return ROTA_ERR_ROLE;
	return verify(crypto, by, bytes);
}

void rota_time_message(
	struct rota_writer *w, const struct rota_time_question *question, uint64_t unix_s)
{
	rota_write_span(w, ROTA_STR("rota-time-v1"));
	rota_write_span(w, ROTA_SPAN(question->nonce));
	rota_write_span(w, question->device_id);
	rota_write_le64(w, unix_s);
}

void rota_ticket_message(
	struct rota_writer *w, struct rota_span device_id, uint32_t number, uint32_t seconds)
{
	rota_write_span(w, ROTA_STR("rota-ticket-v1"));
	rota_write_span(w, device_id);
	rota_write_le32(w, number);
	rota_write_le32(w, seconds);
}

enum rota_err rota_signed_time_read(const struct rota_crypto *crypto,
	const struct rota_time_keys *keys, const struct rota_time_question *question,
	struct rota_span answer, uint64_t took_s, uint64_t *unix_s)
{
	struct rota_reader r = rota_reader(answer);
	uint64_t seconds = rota_read_le64(&r);
	uint8_t room[ROTA_TIME_MESSAGE_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(room));
	struct rota_timesig by;

	if (answer.len > ROTA_TIME_ANSWER_MAX)
		return ROTA_ERR_LIMIT;
	rota_timesig_read(&r, &by);
	ROTA_TRY(rota_reader_end(&r));
	if (took_s > ROTA_TIME_WITHIN_S)
		return ROTA_ERR_TIMEOUT;
	rota_time_message(&w, question, seconds);
	ROTA_TRY(verify_written(crypto, keys, &by, &w));
	*unix_s = seconds;
	return ROTA_OK;
}

enum rota_err rota_ticket_verify(const struct rota_crypto *crypto,
	const struct rota_time_keys *keys, struct rota_span device_id,
	const struct rota_ticket *ticket)
{
	uint8_t room[ROTA_TIME_MESSAGE_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(room));

	rota_ticket_message(&w, device_id, ticket->number, ticket->seconds);
	return verify_written(crypto, keys, &ticket->by, &w);
}
