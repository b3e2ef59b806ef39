/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_uboot/env.h"
#include "rota/base/crc32.h"

#include <string.h>

#define CRC_LEN sizeof(uint32_t)

static size_t head_len(const struct rota_uboot_env *env)
{
	return CRC_LEN + (env->redundant ? 1 : 0);
}

static struct rota_buf data_of(const struct rota_uboot_env *env)
{
	size_t head = head_len(env);

	return rota_buf(env->bytes.p + head, env->bytes.len - head);
}

static uint32_t crc_of(const struct rota_uboot_env *env)
{
	struct rota_buf data = data_of(env);

	return rota_crc32(0, rota_span(data.p, data.len));
}

/* Bytes of the strings with the last NUL, which is the second of two; 0: they have no end. */
static size_t strings_len(struct rota_buf data)
{
	size_t at = 0;

	while (at < data.len && data.p[at] != 0) {
		const uint8_t *end = memchr(data.p + at, 0, data.len - at);

		if (end == NULL)
			return 0;
		at = (size_t)(end - data.p) + 1;
	}
	return at < data.len ? at + 1 : 0;
}

bool rota_uboot_env_valid(const struct rota_uboot_env *env)
{
	uint32_t crc;

	memcpy(&crc, env->bytes.p, CRC_LEN);
	return crc == crc_of(env) && strings_len(data_of(env)) != 0;
}

uint8_t rota_uboot_env_flag(const struct rota_uboot_env *env)
{
	return env->redundant ? env->bytes.p[CRC_LEN] : 0;
}

unsigned rota_uboot_env_newer(const struct rota_uboot_env *a, const struct rota_uboot_env *b)
{
	uint8_t flag_a = rota_uboot_env_flag(a), flag_b = rota_uboot_env_flag(b);

	if (flag_a == UINT8_MAX && flag_b == 0)
		return 1;
	if (flag_a == 0 && flag_b == UINT8_MAX)
		return 0;
	return flag_b > flag_a;
}

/* Where the string of `name` begins in the data, and its length with the NUL; false: there is none. */
static bool find(const struct rota_uboot_env *env, struct rota_span name, size_t *at, size_t *len)
{
	struct rota_buf data = data_of(env);
	size_t end = strings_len(data);

	for (*at = 0; *at + 1 < end; *at += *len) {
		*len = strlen((const char *)data.p + *at) + 1;
		if (*len > name.len + 1 && memcmp(data.p + *at, name.p, name.len) == 0 &&
			data.p[*at + name.len] == '=')
			return true;
	}
	return false;
}

bool rota_uboot_env_get(
	const struct rota_uboot_env *env, struct rota_span name, struct rota_span *value)
{
	struct rota_buf data = data_of(env);
	size_t at, len;

	if (!find(env, name, &at, &len))
		return false;
	*value = rota_span(data.p + at + name.len + 1, len - name.len - 2);
	return true;
}

static void take_out(struct rota_uboot_env *env, size_t at, size_t len)
{
	struct rota_buf data = data_of(env);
	size_t end = strings_len(data);

	memmove(data.p + at, data.p + at + len, end - at - len);
	memset(data.p + end - len, 0, len);
}

enum rota_err rota_uboot_env_set(
	struct rota_uboot_env *env, struct rota_span name, struct rota_span value)
{
	struct rota_buf data = data_of(env);
	size_t at, len, end = strings_len(data), need = name.len + 1 + value.len + 1;
	bool there = find(env, name, &at, &len);

	if (value.len != 0 && end - (there ? len : 0) + need > data.len)
		return ROTA_ERR_FULL;
	if (there)
		take_out(env, at, len);
	if (value.len == 0)
		return ROTA_OK;
	at = strings_len(data) - 1;
	memcpy(data.p + at, name.p, name.len);
	data.p[at + name.len] = '=';
	memcpy(data.p + at + name.len + 1, value.p, value.len);
	memset(data.p + at + need - 1, 0, 2);
	return ROTA_OK;
}

void rota_uboot_env_seal(struct rota_uboot_env *env, uint8_t flag)
{
	uint32_t crc = crc_of(env);

	memcpy(env->bytes.p, &crc, CRC_LEN);
	if (env->redundant)
		env->bytes.p[CRC_LEN] = flag;
}
