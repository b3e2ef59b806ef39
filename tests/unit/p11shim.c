/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module in front of another one, for tests: it counts, and fails as tokens fail.
 *
 * In the folder P11SHIM_DIR: `logins` and `signatures` have a byte for each C_Login and C_Sign that was let through, and
 * `signed.LABEL` for each by the key of that label, as an HSM's own audit counts; `sealed` and `opened`
 * the same of C_Encrypt and C_Decrypt;
 * `mood` is a word, looked at in every call that matters:
 *     ended   the session is gone, once: the file is removed
 *     gone    the token is gone, as long as the file is there
 *     hang    signing does not come back
 *     late    opening what is sealed does not come back before the file is gone
 *     die     the module breaks
 *     stuck   the generator says yes and gives nothing
 *     again   it gives the same at each call
 *     drone   it gives one byte, again and again, another one at each call
 *     no-ecdh, no-gcm   the token has no such mechanism
 *     bare, loose, foreign   a private key is said to be not sensitive, extractable, not made in the token
 * `dumpable` has a byte for each login of a process that can be looked into or leaves a core, `unlocked` of one that may be swapped.
 * P11SHIM_MODULE is the module behind.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static CK_FUNCTION_LIST *behind, front;
static _Thread_local char
	signs_with[80]; /* `signed.LABEL` of the operation that this thread began */

static void path_of(const char *name, char out[static 256])
{
	snprintf(out, 256, "%s/%s", getenv("P11SHIM_DIR"), name);
}

static void count(const char *name)
{
	char path[256];
	int fd;

	path_of(name, path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, ".", 1) != 1)
		abort();
	close(fd);
}

static int mood_is(const char *word)
{
	char path[256], text[32] = "";
	int fd;

	path_of("mood", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		abort();
	close(fd);
	return strcmp(text, word) == 0;
}

static CK_RV slot_list(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR number)
{
	if (!mood_is("gone"))
		return behind->C_GetSlotList(present, slots, number);
	*number = 0;
	return CKR_OK;
}

static int is_locked(void)
{
	char line[128];
	unsigned long locked = 0;
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmLck: %lu", &locked) == 1)
			break;
	if (status)
		fclose(status);
	return locked > 1000;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG len)
{
	count("logins");
	if (prctl(PR_GET_DUMPABLE) != 0)
		count("dumpable");
	if (!is_locked())
		count("unlocked");
	return behind->C_Login(session, user, pin, len);
}

static void remember(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	char text[64] = "";
	CK_ATTRIBUTE label = { CKA_LABEL, text, sizeof(text) - 1 };

	if (behind->C_GetAttributeValue(session, key, &label, 1) != CKR_OK)
		abort();
	snprintf(signs_with, sizeof(signs_with), "signed.%s", text);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
	char path[256];

	if (mood_is("ended")) {
		path_of("mood", path);
		unlink(path);
		return CKR_SESSION_HANDLE_INVALID;
	}
	if (mood_is("gone"))
		return CKR_DEVICE_REMOVED;
	if (mood_is("die"))
		_exit(11);
	while (mood_is("hang"))
		pause();
	remember(session, key);
	return behind->C_SignInit(session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR sig,
	CK_ULONG_PTR sig_len)
{
	count("signatures");
	count(signs_with);
	return behind->C_Sign(session, data, data_len, sig, sig_len);
}

static CK_RV encrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len,
	CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	count("sealed");
	return behind->C_Encrypt(session, data, data_len, out, out_len);
}

static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len,
	CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	count("opened");
	while (mood_is("late"))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	if (mood_is("die"))
		_exit(11);
	return behind->C_Decrypt(session, data, data_len, out, out_len);
}

static unsigned char drone;

static CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG len)
{
	if (mood_is("gone"))
		return CKR_DEVICE_REMOVED;
	if (mood_is("die"))
		_exit(11);
	if (mood_is("stuck"))
		return CKR_OK;
	if (mood_is("drone")) {
		memset(out, ++drone, len);
		return CKR_OK;
	}
	if (!mood_is("again"))
		return behind->C_GenerateRandom(session, out, len);
	for (CK_ULONG i = 0; i < len; i++)
		out[i] = (CK_BYTE)(i >> 4);
	return CKR_OK;
}

static CK_RV mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
	if ((type == CKM_ECDH1_DERIVE && mood_is("no-ecdh")) ||
		(type == CKM_AES_GCM && mood_is("no-gcm")))
		return CKR_MECHANISM_INVALID;
	return behind->C_GetMechanismInfo(slot, type, info);
}

static CK_RV get_attributes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
	CK_ATTRIBUTE_PTR wanted, CK_ULONG number)
{
	static const struct {
		const char *mood;
		CK_ATTRIBUTE_TYPE type;
		CK_BBOOL says;
	} lies[] = {
		{ "bare", CKA_SENSITIVE, CK_FALSE },
		{ "loose", CKA_EXTRACTABLE, CK_TRUE },
		{ "foreign", CKA_LOCAL, CK_FALSE },
	};
	CK_RV rv = behind->C_GetAttributeValue(session, object, wanted, number);

	for (CK_ULONG i = 0; i < number; i++)
		for (size_t k = 0; k < sizeof(lies) / sizeof(lies[0]); k++)
			if (wanted[i].type == lies[k].type && mood_is(lies[k].mood))
				*(CK_BBOOL *)wanted[i].pValue = lies[k].says;
	return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	void *library = dlopen(getenv("P11SHIM_MODULE"), RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get;

	if (!library)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (!get || get(&behind) != CKR_OK)
		return CKR_GENERAL_ERROR;
	front = *behind;
	front.C_GetSlotList = slot_list;
	front.C_Login = login;
	front.C_SignInit = sign_init;
	front.C_Sign = sign;
	front.C_Encrypt = encrypt;
	front.C_Decrypt = decrypt;
	front.C_GenerateRandom = generate_random;
	front.C_GetAttributeValue = get_attributes;
	front.C_GetMechanismInfo = mechanism_info;
	*list = &front;
	return CKR_OK;
}
