/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tempdir.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

void tempdir_remove(void)
{
	if (dir[0])
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	dir[0] = 0;
}

const char *tempdir_fresh(void)
{
	static bool known;

	if (!known)
		atexit(tempdir_remove);
	known = true;
	tempdir_remove();
	/* in memory where there is such a file system: a sync costs nothing there */
	strcpy(dir,
		access("/dev/shm", W_OK) == 0 ? "/dev/shm/rota-unit.XXXXXX"
					      : "/tmp/rota-unit.XXXXXX");
	if (!mkdtemp(dir))
		abort();
	return dir;
}

const char *tempdir_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

void tempdir_put(const char *name, const char *text)
{
	FILE *f = fopen(tempdir_path(name), "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

const char *tempdir_get(const char *name)
{
	static char text[8192];
	FILE *f = fopen(tempdir_path(name), "re");
	size_t len;

	if (!f)
		return NULL;
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = 0;
	fclose(f);
	return text;
}

size_t tempdir_count(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t count = 0;

	while (d && (e = readdir(d)))
		count += e->d_type == DT_REG;
	if (d)
		closedir(d);
	return count;
}
