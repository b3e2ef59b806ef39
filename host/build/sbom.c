/* SPDX-License-Identifier: Apache-2.0 */
/* The bill of materials: CycloneDX 1.5. It has no time, and its serial number comes from the digests that it is about, so
 * that two builds that are equal have equal ones. */
#include "host/base/digest.h"
#include "host/build/provenance.h"

#include <stdio.h>
#include <string.h>

static json_t *hashes(const char *digest)
{
	return json_pack("[{s:s,s:s}]", "alg", "SHA-256", "content", digest);
}

/* A UUID of version 8 (RFC 9562, 5.8) from a digest. */
static void serial(const uint8_t digest[static ROTA_DIGEST_LEN], char out[static 48])
{
	uint8_t raw[16];
	char hex[33];

	memcpy(raw, digest, sizeof(raw));
	raw[6] = (uint8_t)(0x80 | (raw[6] & 0x0F));
	raw[8] = (uint8_t)(0x80 | (raw[8] & 0x3F));
	rota_hex(ROTA_SPAN(raw), hex);
	snprintf(out, 48, "urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		hex + 20);
}

static json_t *files(const json_t *artifacts, struct rota_digest *all)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach(artifacts, i, one)
	{
		const char *digest = json_string_value(json_object_get(one, "digest"));

		rota_digest_add(all, rota_span(digest, strlen(digest)));
		json_array_append_new(list,
			json_pack("{s:s,s:O,s:o}", "type", "file", "name",
				json_object_get(one, "name"), "hashes", hashes(digest)));
	}
	return list;
}

static json_t *libraries(const json_t *contains)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach(contains, i, one) json_array_append_new(list,
		json_pack("{s:s,s:O,s:O,s:O,s:O}", "type", "library", "name",
			json_object_get(one, "name"), "version", json_object_get(one, "version"),
			"purl", json_object_get(one, "purl"), "bom-ref",
			json_object_get(one, "purl")));
	return list;
}

json_t *rota_sbom_make(const struct rota_build_facts *f, const char *name, const char *version,
	const json_t *contains)
{
	struct rota_digest *all = rota_digest_new();
	json_t *parts = files(f->artifacts, all);
	uint8_t digest[ROTA_DIGEST_LEN];
	char urn[48];

	rota_digest_get(all, digest);
	rota_digest_free(all);
	serial(digest, urn);
	return json_pack("{s:s,s:s,s:s,s:i,s:{s:{s:s,s:s,s:s,s:o}},s:o}", "bomFormat", "CycloneDX",
		"specVersion", "1.5", "serialNumber", urn, "version", 1, "metadata", "component",
		"type", "firmware", "name", name, "version", version, "components", parts,
		"components", libraries(contains));
}
