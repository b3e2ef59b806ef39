/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/sibling.h"
#include "host/base/bytes.h"
#include "host/base/file.h"

#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

char *sibling_find(const char *name)
{
	char self[ROTA_FILE_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir;

	self[len > 0 ? len : 0] = '\0';
	dir = dirname(self);
	for (int i = 0; i < 3; i++) {
		char *path = i == 0 ? rota_text("%s/%s", dir, name)
			: i == 1    ? rota_text("%s/../%s/%s", dir, name, name)
				    : rota_text("%s/../sbin/%s", dir, name);

		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return rota_text("/usr/sbin/%s", name);
}
