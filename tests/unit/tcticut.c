/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tcticut.h"

#include <stdint.h>
#include <string.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>
#include <tss2/tss2_tpm2_types.h>

/* All that one test of many calls sends and hears. */
#define KEPT_MAX (4u * 1024 * 1024)

static struct {
	unsigned after, commands, objects, sessions;
	bool overflowed;
	const uint8_t *from, *to;
	size_t replaced_len;
	uint8_t kept[KEPT_MAX];
	size_t kept_len;
} bus;

void tcticut_begin(unsigned after)
{
	bus.after = after;
	bus.commands = bus.objects = bus.sessions = 0;
	bus.overflowed = false;
	bus.from = bus.to = NULL;
	bus.kept_len = 0;
}

unsigned tcticut_commands(void)
{
	return bus.commands;
}

unsigned tcticut_objects(void)
{
	return bus.objects;
}

unsigned tcticut_sessions(void)
{
	return bus.sessions;
}

bool tcticut_overflowed(void)
{
	return bus.overflowed;
}

bool tcticut_saw(const void *bytes, size_t len)
{
	return memmem(bus.kept, bus.kept_len, bytes, len) != NULL;
}

void tcticut_replace(const void *from, const void *to, size_t len)
{
	bus.from = from;
	bus.to = to;
	bus.replaced_len = len;
}

static void keep(const uint8_t *bytes, size_t len)
{
	if (len > KEPT_MAX - bus.kept_len) {
		bus.overflowed = true;
		return;
	}
	memcpy(&bus.kept[bus.kept_len], bytes, len);
	bus.kept_len += len;
}

static void put_others(uint8_t *bytes, size_t len)
{
	uint8_t *at = bytes;

	while (bus.from != NULL &&
		(at = memmem(at, len - (size_t)(at - bytes), bus.from, bus.replaced_len)) != NULL)
		memcpy(at, bus.to, bus.replaced_len);
}

/* ---- the TCTI ---- */

struct context {
	TSS2_TCTI_CONTEXT_COMMON_V2 face; /* first: tpm2-tss sees this */
	TSS2_TCTI_CONTEXT *inner;
};

static struct context *of(TSS2_TCTI_CONTEXT *face)
{
	return (struct context *)(void *)face;
}

/* TPM2_GetCapability of the handles from `first` on: how many there are. */
static unsigned count_loaded(TSS2_TCTI_CONTEXT *inner, uint8_t kind)
{
	const uint8_t ask[22] = { 0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7A, 0, 0, 0,
		TPM2_CAP_HANDLES, kind, 0, 0, 0, 0, 0, 0, 16 };
	uint8_t answer[TPM2_MAX_RESPONSE_SIZE];
	size_t len = sizeof(answer);

	if (Tss2_Tcti_Transmit(inner, sizeof(ask), ask) != TSS2_RC_SUCCESS ||
		Tss2_Tcti_Receive(inner, &len, answer, TSS2_TCTI_TIMEOUT_BLOCK) !=
			TSS2_RC_SUCCESS ||
		len < 19)
		return 99;
	return answer[18];
}

static void take_most(unsigned *most, unsigned now)
{
	if (now > *most)
		*most = now;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *face, size_t len, const uint8_t *bytes)
{
	if (bus.after > 0 && bus.commands >= bus.after)
		return TSS2_TCTI_RC_IO_ERROR;
	keep(bytes, len);
	return Tss2_Tcti_Transmit(of(face)->inner, len, bytes);
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *face, size_t *len, uint8_t *bytes, int32_t timeout)
{
	TSS2_TCTI_CONTEXT *inner = of(face)->inner;
	TSS2_RC rc = Tss2_Tcti_Receive(inner, len, bytes, timeout);

	if (rc != TSS2_RC_SUCCESS || bytes == NULL)
		return rc;
	keep(bytes, *len);
	bus.commands++;
	put_others(bytes, *len);
	take_most(&bus.objects, count_loaded(inner, TPM2_HT_TRANSIENT));
	take_most(&bus.sessions, count_loaded(inner, TPM2_HT_LOADED_SESSION));
	return rc;
}

static void finalize(TSS2_TCTI_CONTEXT *face)
{
	Tss2_TctiLdr_Finalize(&of(face)->inner);
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *face)
{
	return Tss2_Tcti_Cancel(of(face)->inner);
}

static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT *face, TSS2_TCTI_POLL_HANDLE *handles, size_t *count)
{
	return Tss2_Tcti_GetPollHandles(of(face)->inner, handles, count);
}

static TSS2_RC locality(TSS2_TCTI_CONTEXT *face, uint8_t number)
{
	return Tss2_Tcti_SetLocality(of(face)->inner, number);
}

static TSS2_RC sticky(TSS2_TCTI_CONTEXT *face, TPM2_HANDLE *handle, uint8_t yes)
{
	(void)face, (void)handle, (void)yes;
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC init(TSS2_TCTI_CONTEXT *face, size_t *size, const char *over)
{
	if (face == NULL) {
		*size = sizeof(struct context);
		return TSS2_RC_SUCCESS;
	}
	of(face)->face = (TSS2_TCTI_CONTEXT_COMMON_V2){
		.v1 = {
			.magic = 0x7463746963757400,
			.version = 2,
			.transmit = transmit,
			.receive = receive,
			.finalize = finalize,
			.cancel = cancel,
			.getPollHandles = poll_handles,
			.setLocality = locality,
		},
		.makeSticky = sticky,
	};
	return Tss2_TctiLdr_Initialize(over, &of(face)->inner);
}

const TSS2_TCTI_INFO *Tss2_Tcti_Info(void);

const TSS2_TCTI_INFO *Tss2_Tcti_Info(void)
{
	static const TSS2_TCTI_INFO info = {
		.version = 2,
		.name = "tcticut",
		.description = "somebody on the bus",
		.config_help = "another TCTI",
		.init = init,
	};

	return &info;
}
