/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz entry on every file of the folders named, without a fuzzer: what a corpus once found stays
 * found. For each file also every prefix of it up to a limit, since a parser's worst inputs are cut ones. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20) /* bytes of a corpus file */
#define PREFIX_MAX ((size_t)2048) /* prefixes of each file that are tried */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* On a copy of exactly `len` bytes, so that a sanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static int replay_file(const char *path)
{
	static uint8_t data[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	run(data, len);
	for (size_t cut = 0; cut < len && cut < PREFIX_MAX; cut++)
		run(data, cut);
	return 0;
}

/* Number of files replayed, or -1. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL) {
		perror(folder);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count = replay_file(path) == 0 ? count + 1 : -1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int passed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count <= 0) {
			fprintf(stderr, "%s: no corpus there\n", argv[i]);
			return 1;
		}
		passed += count;
	}
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}
