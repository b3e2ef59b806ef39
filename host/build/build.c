/* SPDX-License-Identifier: Apache-2.0 */
#include "host/build/build.h"
#include "host/base/when.h"
#include "host/build/sandbox.h"
#include "host/build/tree.h"
#include "host/sign/duty.h"
#include "host/sign/image.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool stays_below(const char *path)
{
	char *copy = strdup(path), *rest = copy, *part;
	bool good = copy && *path && *path != '/';

	while (good && (part = strsep(&rest, "/")) != NULL)
		good = *part && strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
	free(copy);
	return good;
}

enum rota_err rota_build_paths_check(const json_t *paths, struct rota_fail *why)
{
	const char *name;
	const json_t *value;

	if (json_object_size(paths) == 0 || json_object_size(paths) > ROTA_BUILD_ARTIFACTS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "a build makes 1 to %d artifacts",
			ROTA_BUILD_ARTIFACTS_MAX);
	json_object_foreach((json_t *)(uintptr_t)paths, name, value)
	{
		const char *path = json_string_value(value);

		if (!rota_name_ok(name) || !path || !stays_below(path))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"artifact '%s=%s' is not NAME=PATH below the source", name,
				path ? path : "");
	}
	return ROTA_OK;
}

/* The command may have left a link there that leads to a file of the machine; nothing changes it any more, since all that
 * it started ended with it. */
static enum rota_err look(const char *folder, const char *path, struct rota_fail *why)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	int code = errno;
	struct stat st;
	bool file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	if (file)
		return ROTA_OK;
	if (fd < 0 && code != ELOOP)
		return rota_fail_errno(why, code, "the command left no %s", path);
	return rota_fail(why, ROTA_ERR_DENIED, "%s is no regular file of the build", path);
}

struct taking {
	struct rota_draft draft;
	struct rota_digest *digest;
	struct rota_fail *why;
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct taking *t = ctx;

	rota_digest_add(t->digest, piece);
	return rota_draft_write(&t->draft, piece, t->why);
}

static enum rota_err take_out(const struct rota_build_plan *plan, const char *from, const char *to,
	char hex[static ROTA_DIGEST_HEX], struct rota_fail *why)
{
	struct taking t = { .why = why };
	uint8_t digest[ROTA_DIGEST_LEN];
	enum rota_err err;

	ROTA_TRY(rota_draft_open(&t.draft, plan->out, 0644, why));
	t.digest = rota_digest_new();
	err = rota_feed_file(from, NULL, &t, take, why);
	if (err == ROTA_OK)
		err = rota_draft_commit(&t.draft, to, why);
	rota_draft_drop(&t.draft);
	rota_digest_get(t.digest, digest);
	rota_digest_free(t.digest);
	rota_hex(ROTA_SPAN(digest), hex);
	return err;
}

/* The digest that the payload will have as an image, whoever signs it. */
static enum rota_err measure(const struct rota_build_plan *plan, const char *payload,
	char hex[static ROTA_DIGEST_HEX], struct rota_fail *why)
{
	char *unsigned_ = rota_text("%s/unsigned.img", plan->work);
	struct rota_image_plan image = { .payload = payload,
		.out = unsigned_,
		.product = plan->image.product,
		.version = plan->image.version,
		.counter = plan->image.counter };
	uint8_t digest[ROTA_DIGEST_LEN];
	enum rota_err err;

	for (size_t i = 0; i < plan->image.hardware_count; i++)
		image.hardware[image.hardware_count++] = plan->image.hardware[i];
	err = rota_image_sign(&image, NULL, NULL, digest, why);
	free(unsigned_);
	ROTA_TRY(err);
	rota_hex(ROTA_SPAN(digest), hex);
	return ROTA_OK;
}

static enum rota_err add_artifact(const struct rota_build_plan *plan, const char *name,
	const char *path, json_t *list, struct rota_fail *why)
{
	char *folder = rota_text("%s/build", plan->work);
	char *from = rota_text("%s/%s", folder, path), *to = rota_text("%s/%s", plan->out, name);
	char digest[ROTA_DIGEST_HEX], image[ROTA_DIGEST_HEX];
	enum rota_err err = look(folder, path, why);

	if (err == ROTA_OK)
		err = take_out(plan, from, to, digest, why);
	if (err == ROTA_OK && plan->image.product)
		err = measure(plan, to, image, why);
	if (err == ROTA_OK)
		json_array_append_new(list,
			json_pack("{s:s,s:s,s:s*}", "name", name, "digest", digest, "image",
				plan->image.product ? image : NULL));
	free(folder);
	free(from);
	free(to);
	return err;
}

static enum rota_err build(
	const struct rota_build_plan *plan, struct rota_build_done *out, struct rota_fail *why)
{
	/* in there another folder is the current one */
	char *work = realpath(plan->work, NULL);
	char *folder = rota_text("%s/build", work ? work : plan->work);
	char *root = rota_text("%s/root", work ? work : plan->work);
	const struct rota_sandbox sandbox = { .build = folder,
		.root = root,
		.argv = plan->argv,
		.epoch_s = plan->epoch_s,
		.timeout_s = plan->timeout_s };
	uint8_t tree[ROTA_DIGEST_LEN];
	enum rota_err err = rota_tree_copy(plan->source, folder, plan->epoch_s, tree, why);

	if (err == ROTA_OK)
		err = rota_file_mkdirs(root, 0755, why);
	if (err == ROTA_OK)
		err = rota_sandbox_run(&sandbox, why);
	rota_hex(ROTA_SPAN(tree), out->tree);
	free(work);
	free(folder);
	free(root);
	return err;
}

enum rota_err rota_build_run(
	const struct rota_build_plan *plan, struct rota_build_done *out, struct rota_fail *why)
{
	const char *name;
	const json_t *path;
	enum rota_err err;

	*out = (struct rota_build_done){ .started_s = rota_when_now() };
	ROTA_TRY(rota_build_paths_check(plan->paths, why));
	/* Nobody else's: what the command makes is the builder's, and may be setuid. */
	ROTA_TRY(rota_file_mkdir_anew(plan->work, 0700, why));
	out->artifacts = json_array();
	err = build(plan, out, why);
	json_object_foreach((json_t *)(uintptr_t)plan->paths, name, path) if (err == ROTA_OK) err =
		add_artifact(plan, name, json_string_value(path), out->artifacts, why);
	rota_file_remove_tree(plan->work);
	out->finished_s = rota_when_now();
	if (err != ROTA_OK) {
		json_decref(out->artifacts);
		out->artifacts = NULL;
	}
	return err;
}
