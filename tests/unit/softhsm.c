/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/softhsm.h"
#include "host/base/file.h"
#include "tests/unit/tempdir.h"

#include <stdio.h>
#include <sys/stat.h>

const char *softhsm_module(void)
{
	static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so" };

	return rota_file_exists(places[0]) ? places[0] : places[1];
}

void softhsm_put(const char *name, const char *text)
{
	tempdir_put(name, text);
	chmod(tempdir_path(name), 0600);
}

void softhsm_store(const char *name, const char *pin)
{
	char text[2 * ROTA_FILE_PATH_MAX];

	mkdir(tempdir_path(name), 0700);
	snprintf(text, sizeof(text),
		"directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
		tempdir_path(name));
	softhsm_put("softhsm2.conf", text);
	softhsm_put("pin", pin);
	softhsm_put("so-pin", "12345678\n");
}
