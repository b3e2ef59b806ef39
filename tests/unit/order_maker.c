/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/order_maker.h"

#include <string.h>

const int order_keys[ORDER_KEYS] = { KEY_OTHER, KEY_RELEASES4, KEY_RELEASES5 };

static struct rota_span span_of(const struct maker_text *t)
{
	return rota_span(t->p, t->len);
}

struct rota_span order_point(int key)
{
	struct maker_bytes spki = maker_spki(key);

	return rota_span(spki.p + spki.len - 65, 65);
}

struct rota_span order_record(uint8_t sha256[32])
{
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t, "{\"_type\":\"recovery-keys\",\"format\":1,\"keys\":[");
	for (int i = 0; i < ORDER_KEYS; i++) {
		char hex[131];

		maker_hex(order_point(order_keys[i]).p, 65, hex);
		maker_printf(&t, "%s{\"alg\":1,\"public\":\"%s\"}", i > 0 ? "," : "", hex);
	}
	maker_printf(&t, "],\"lms\":null,\"threshold\":2}");
	maker_sha256(maker_text_bytes(&t), sha256);
	return span_of(&t);
}

static const char *either(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

struct rota_span order_signed(const struct order_plan *p)
{
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t, "{\"_type\":\"recovery\",\"add_keys\":%s,\"devices\":%s,",
		either(p->add_keys, "[]"), either(p->devices, "[]"));
	maker_printf(&t, "\"epoch\":%u,\"format\":1,\"hardware\":%s,\"image\":%s,",
		p->epoch > 0 ? p->epoch : 1, either(p->hardware, "[\"demo-1\"]"),
		either(p->image, "null"));
	maker_printf(&t, "\"product\":\"%s\",\"retire_keys\":%s,\"root\":%s,\"running\":%s%s}",
		either(p->product, "sensor"), either(p->retire_keys, "[]"), either(p->root, "null"),
		either(p->running, "[]"), either(p->further, ""));
	return span_of(&t);
}

const char *order_signature(int place, int key, struct rota_span sign)
{
	struct maker_bytes sig =
		maker_sign(key, (struct maker_bytes){ (uint8_t *)(uintptr_t)sign.p, sign.len });
	struct maker_text t = { NULL, 0, 0 };
	char *hex = maker_room(2 * sig.len + 1);

	maker_hex(sig.p, sig.len, hex);
	maker_printf(&t, "{\"key\":%d,\"sig\":\"%s\"}", place, hex);
	return t.p;
}

struct rota_span order_with(struct rota_span sign, const char *signatures)
{
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t, "{\"signatures\":%s,\"signed\":%.*s}", signatures, (int)sign.len,
		(const char *)sign.p);
	return span_of(&t);
}

struct rota_span order_make(const struct order_plan *plan)
{
	static const int two[] = { 0, 1 };
	const int *who = plan->signer_count > 0 ? plan->signers : two;
	int count = plan->signer_count > 0 ? plan->signer_count : 2;
	struct rota_span sign = order_signed(plan);
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t, "[");
	for (int i = 0; i < count; i++)
		maker_printf(&t, "%s%s", i > 0 ? "," : "",
			order_signature(who[i], order_keys[who[i]], sign));
	maker_printf(&t, "]");
	return order_with(sign, t.p);
}
