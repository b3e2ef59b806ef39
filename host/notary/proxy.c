/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/proxy_parts.h"
#include "host/base/when.h"
#include "host/notary/asks.h"
#include "host/repo/judge.h"
#include "host/repo/bundle_view.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* The daemon starts its processes anew for another slot, and asks a keeper. */
#define HOLD_MS 30000
#define HOLD_TICK_MS 100

void rota_proxy_init(struct rota_proxy *r, const struct rota_authdir *dir,
	struct rota_tokens *tokens, const char *reason)
{
	*r = (struct rota_proxy){ .dir = dir, .hand = rota_notary_at_hand(tokens) };
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

void rota_proxy_close(struct rota_proxy *r)
{
	rota_client_close(r->client);
	r->client = NULL;
}

static bool is_daemons(const struct rota_proxy *r, const struct rota_party *party)
{
	return r->dir->signd[0] && rota_party_online(party);
}

static enum rota_err reach(struct rota_proxy *r, struct rota_fail *why)
{
	const struct rota_client_server server = rota_client_server(r->dir);

	if (r->client || rota_client_open(&server, &r->client, why) == ROTA_OK)
		return ROTA_OK;
	if (why->err != ROTA_ERR_NET || !r->start)
		return why->err;
	ROTA_TRY(r->start(r->start_ctx, why));
	return rota_client_open(&server, &r->client, why);
}

/* ---- requests ---- */

/* A daemon far away hashes what is listed when it is brought; one of this machine finds it in the repository. */
static enum rota_err bring(struct rota_proxy *r, const char *path,
	const struct rota_store_target *target, struct rota_fail *why)
{
	char file[ROTA_FILE_PATH_MAX];

	rota_store_target_path(r->dir, path, target->sha256, file);
	ROTA_TRY(reach(r, why));
	return rota_client_artifact(
		r->client, r->dir->product, file, target->len, target->sha256, why);
}

/* Texts that the daemon reads before it signs: of each target that is listed anew and that is no artifact. */
static enum rota_err add_texts(struct rota_proxy *r, const struct rota_notary_file *file,
	json_t *texts, struct rota_fail *why)
{
	const struct rota_duty *duty = rota_duty_find(file->role);
	json_t *now = NULL, *targets = json_object_get(file->content, "targets"), *entry;
	const json_t *was;
	const char *path;
	enum rota_err err = ROTA_OK;
	uint64_t version;

	if (!duty || !duty->paths)
		return ROTA_OK;
	/* What was listed last, not verified: where the role's keys have just been replaced it stands under none that counts. */
	ROTA_TRY(rota_store_newest(r->dir, file->role, true, &version, why));
	ROTA_TRY(rota_store_envelope(r->dir, file->role, version, &now, why));
	was = json_object_get(json_object_get(now, "signed"), "targets");
	json_object_foreach(targets, path, entry)
	{
		const json_t *before = json_object_get(was, path);
		struct rota_store_target target;

		if (err != ROTA_OK || json_equal(before, entry))
			continue;
		if (!rota_store_target_read(entry, &target))
			err = rota_fail(why, ROTA_ERR_FORMAT, "%s has no SHA-256", path);
		else if (rota_judge_is_read(duty, path))
			err = rota_asks_text(r->dir, path, &target, texts, why);
		else if (rota_signd_is_remote(r->dir->signd))
			err = bring(r, path, &target, why);
	}
	json_decref(now);
	return err;
}

static enum rota_err draw_id(struct rota_ask *ask, struct rota_fail *why)
{
	if (getrandom(ask->id, sizeof(ask->id), 0) == (ssize_t)sizeof(ask->id))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_IO, "the system gives no random numbers");
}

/* The text of a request; `body` is stolen. */
static enum rota_err write_ask(struct rota_proxy *r, struct rota_ask *ask, json_t *body,
	struct rota_bytes *text, struct rota_fail *why)
{
	enum rota_err err = draw_id(ask, why);

	ask->scope = r->dir->product;
	ask->reason = r->reason;
	ask->body = body;
	if (err == ROTA_OK)
		err = rota_ask_write(ask, text, why);
	json_decref(body);
	return err;
}

/* Every signature is looked at, whoever says that it is good. */
static enum rota_err check(const struct rota_answer *answer,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	for (size_t i = 0; i < answer->count; i++)
		if (!rota_p256_verify(answer->sig[i].key, digest, answer->sig[i].sig))
			return rota_fail(why, ROTA_ERR_SIGNATURE,
				"the signing daemon's signature does not verify with the key that "
				"it names");
	if (answer->count == 0)
		return rota_fail(why, ROTA_ERR_THRESHOLD,
			"the signing daemon says yes, and sends no signature");
	return ROTA_OK;
}

enum rota_err proxy_ask(struct rota_proxy *r, struct rota_span text,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_answer *answer,
	struct rota_fail *why)
{
	ROTA_TRY(reach(r, why));
	ROTA_TRY(rota_client_ask(r->client, text, answer, why));
	ROTA_TRY(rota_client_verdict(answer, why));
	return check(answer, digest, why);
}

/* ---- the notary ---- */

static enum rota_err key(void *ctx, const struct rota_party *party, size_t seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	uint8_t points[ROTA_SIGNERS_MAX][ROTA_P256_KEY_LEN];
	struct rota_proxy *r = ctx;
	size_t count;

	if (!is_daemons(r, party))
		return r->hand.key(r->hand.ctx, party, seat, out, why);
	ROTA_TRY(reach(r, why));
	ROTA_TRY(rota_client_keys(r->client, r->dir->product, party->name, points, &count, why));
	if (seat >= count)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"the signing daemon has %zu keys for %s, rota.ini names %zu", count,
			party->name, party->seat_count);
	memcpy(out, points[seat], ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

/* ---- what waits already ---- */

struct alike {
	const struct rota_notary_file *file;
	char digest[ROTA_DIGEST_HEX]; /* of the request that was found; empty: none */
};

static json_t *without_times(const json_t *content)
{
	json_t *copy = json_deep_copy(content);

	json_object_del(copy, "x-rota-issued");
	json_object_del(copy, "expires");
	return copy;
}

/* The same but for its times, in the first half of its life. */
static enum rota_err compare(void *ctx, const struct rota_ask *ask, struct rota_fail *why)
{
	const json_t *signed_ = json_object_get(ask->body, "signed");
	uint64_t issued, expires, now = rota_when_now();
	struct alike *a = ctx;
	json_t *one, *other;

	(void)why;
	if (strcmp(ask->role, a->file->role) != 0 ||
		!rota_metadata_times(signed_, &issued, &expires) ||
		now > issued + (expires - issued) / 2)
		return ROTA_OK;
	one = without_times(signed_);
	other = without_times(a->file->content);
	if (json_equal(one, other))
		rota_hex(ROTA_SPAN(ask->digest), a->digest);
	json_decref(one);
	json_decref(other);
	return ROTA_OK;
}

/* Officers are not asked twice for one thing: a role that grows old is asked for at each publish. */
static enum rota_err check_waiting(
	struct rota_proxy *r, const struct rota_notary_file *file, struct rota_fail *why)
{
	struct alike a = { .file = file };

	ROTA_TRY(rota_asks_each(r->dir, compare, &a, why));
	if (!a.digest[0])
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_BUSY,
		"role %s, version %llu, is asked for already, request %s: where officers have to "
		"approve that, rota approve; then run this once more",
		file->role, (unsigned long long)rota_chain_version(file->content), a.digest);
}

static enum rota_err send_file(struct rota_proxy *r, const struct rota_notary_file *file,
	struct rota_span text, struct rota_answer *answer, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX];
	enum rota_err err;

	ROTA_TRY(rota_envelope_digest(file->content, digest, why));
	ROTA_TRY(reach(r, why)); /* what nobody was there to hear was not asked for */
	rota_digest_hex(text, hex);
	ROTA_TRY(rota_asks_put(r->dir, hex, text, why));
	err = proxy_ask(r, text, digest, answer, why);
	if (err == ROTA_ERR_BUSY && answer->kind == ROTA_ANSWER_PENDING)
		return rota_fail(why, ROTA_ERR_BUSY,
			"role %s, version %llu, waits for approvals, %u of %u are there: rota "
			"approve %s, then rota publish",
			file->role, (unsigned long long)rota_chain_version(file->content),
			answer->have, answer->need, hex);
	if (err != ROTA_OK && answer->kind == ROTA_ANSWER_REFUSED && !rota_client_may_stand(answer))
		rota_asks_remove(r->dir, hex);
	return err == ROTA_OK ? err : rota_fail_in(why, "role %s", file->role);
}

static enum rota_err sign(void *ctx, const struct rota_notary_file *file,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	struct rota_proxy *r = ctx;
	struct rota_ask ask = { .kind = ROTA_ASK_METADATA, .role = file->role };
	struct rota_answer answer = { 0 };
	struct rota_bytes text;
	enum rota_err err;

	if (!is_daemons(r, file->party))
		return r->hand.sign(r->hand.ctx, file, out, count, why);
	if (strcmp(file->role, file->party->name) != 0)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"%s is a bin, and the signing daemon signs no bins", file->role);
	ROTA_TRY(check_waiting(r, file, why));
	ask.expires_s = rota_when_now() + ROTA_PROXY_WAIT_S;
	ask.files = json_object();
	err = add_texts(r, file, ask.files, why);
	if (err == ROTA_OK)
		err = write_ask(r, &ask, json_pack("{s:O}", "signed", file->content), &text, why);
	json_decref(ask.files);
	ROTA_TRY(err);
	err = send_file(r, file, rota_bytes_span(&text), &answer, why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	*count = answer.count;
	memcpy(out, answer.sig, answer.count * sizeof(*out));
	return ROTA_OK;
}

static json_t *image_body(const struct rota_notary_image *image, uint64_t len,
	const uint8_t sha256[static ROTA_DIGEST_LEN])
{
	char digest[ROTA_DIGEST_HEX], file[ROTA_DIGEST_HEX], version[ROTA_VERSION_CSTR_MAX];
	json_t *hardware = json_array();

	rota_hex(ROTA_SPAN(image->digest), digest);
	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), file);
	rota_version_cstr(image->version, version);
	for (size_t i = 0; i < image->hardware_count; i++)
		json_array_append_new(hardware, json_string(image->hardware[i]));
	return json_pack("{s:I,s:s,s:o,s:I,s:s,s:s}", "counter", (json_int_t)image->counter,
		"digest", digest, "hardware", hardware, "length", (json_int_t)len, "sha256", file,
		"version", version);
}

/* A rule for images of ci is one for role `ci` (SPEC 19.3). */
static const char *role_of(const struct rota_party *party)
{
	return strcmp(party->name, "ci-image") == 0 ? "ci" : party->name;
}

/* The daemon gets the file first, and signs what it read there. */
static enum rota_err image(void *ctx, const struct rota_notary_image *image,
	struct rota_seat_sig *out, struct rota_fail *why)
{
	struct rota_proxy *r = ctx;
	struct rota_ask ask = { .kind = ROTA_ASK_IMAGE, .role = role_of(image->party) };
	uint8_t sha256[ROTA_DIGEST_LEN];
	struct rota_answer answer;
	struct rota_bytes text;
	uint64_t len;
	enum rota_err err;

	if (!is_daemons(r, image->party))
		return r->hand.image(r->hand.ctx, image, out, why);
	ROTA_TRY(rota_digest_file(image->file, NULL, &len, sha256, why));
	ROTA_TRY(reach(r, why));
	ROTA_TRY(rota_client_artifact(r->client, r->dir->product, image->file, len, sha256, why));
	ROTA_TRY(write_ask(r, &ask, image_body(image, len, sha256), &text, why));
	err = proxy_ask(r, rota_bytes_span(&text), image->digest, &answer, why);
	rota_bytes_free(&text);
	if (err == ROTA_OK)
		*out = answer.sig[0];
	return err == ROTA_OK ? err : rota_fail_in(why, "%s", image->party->name);
}

static enum rota_err statement(void *ctx, const struct rota_notary_statement *what,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	struct rota_proxy *r = ctx;
	struct rota_ask ask = { .kind = ROTA_ASK_BUILD, .role = "ci" };
	struct rota_answer answer;
	struct rota_bytes text;
	enum rota_err err;

	if (!is_daemons(r, what->party))
		return r->hand.statement(r->hand.ctx, what, out, count, why);
	ROTA_TRY(write_ask(r, &ask, json_pack("{s:s%}", "statement", what->text.p, what->text.len),
		&text, why));
	err = proxy_ask(r, rota_bytes_span(&text), what->digest, &answer, why);
	rota_bytes_free(&text);
	if (err != ROTA_OK)
		return rota_fail_in(why, "%s", what->party->name);
	*count = answer.count;
	memcpy(out, answer.sig, answer.count * sizeof(*out));
	return ROTA_OK;
}

/* Asked for twice, an event is two entries, which say the same. */
static enum rota_err record(
	void *ctx, const struct rota_notary_event *event, uint64_t *entry, struct rota_fail *why)
{
	struct rota_proxy *r = ctx;
	struct rota_ask ask = { .kind = ROTA_ASK_RECORD, .role = event->role };
	struct rota_answer answer;
	struct rota_bytes text;
	enum rota_err err;

	if (!r->dir->signd[0])
		return r->hand.record(r->hand.ctx, event, entry, why);
	ROTA_TRY(reach(r, why));
	ROTA_TRY(write_ask(r, &ask, json_pack("{s:O}", "event", event->event), &text, why));
	err = rota_client_ask(r->client, rota_bytes_span(&text), &answer, why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	*entry = answer.entry;
	return rota_client_verdict(&answer, why);
}

struct rota_notary rota_proxy_notary(struct rota_proxy *r)
{
	return (struct rota_notary){
		.ctx = r,
		.key = key,
		.sign = sign,
		.image = image,
		.statement = statement,
		.record = record,
	};
}

/* ---- slots ---- */

/* How many of these, in order, stand in the list. */
static size_t count_held(const json_t *list, const uint64_t *slots, size_t count)
{
	size_t held = 0;

	for (size_t i = 0; i < json_array_size(list) && held < count; i++)
		if ((uint64_t)json_integer_value(json_array_get(list, i)) == slots[held])
			held++;
	return held;
}

enum rota_err rota_proxy_hold(struct rota_proxy *r, const uint64_t *slots, size_t count,
	size_t *held, struct rota_fail *why)
{
	const struct timespec tick = { .tv_nsec = HOLD_TICK_MS * 1000000L };
	enum rota_err err = ROTA_OK;

	*held = 0;
	ROTA_TRY(reach(r, why));
	for (unsigned waited = 0; waited < HOLD_MS; waited += HOLD_TICK_MS) {
		json_t *due;

		err = rota_client_due(r->client, r->dir->product, &due, why);
		if (err == ROTA_OK) {
			*held = count_held(json_object_get(due, "held"), slots, count);
			json_decref(due);
		}
		if (err == ROTA_OK || err == ROTA_ERR_NOT_FOUND)
			break;
		nanosleep(&tick, NULL);
	}
	if (err != ROTA_OK || *held == count)
		return err;
	return rota_fail(why, ROTA_ERR_BUSY,
		"the signing daemon does not hold slot %llu: see what it says of the keeper, and "
		"send it "
		"SIGHUP if rota.ini names one anew",
		(unsigned long long)slots[*held]);
}
