/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/tls.h"
#include "host/base/file.h"
#include "rota/base/mem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

static enum rota_err read_certificate(const char *path, X509 **out, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	BIO *bio;

	ROTA_TRY(rota_file_read(path, ROTA_TLS_FILE_MAX, &text, why));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	*out = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	rota_bytes_free(&text);
	ERR_clear_error();
	if (*out == NULL)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: no PEM certificate", path);
	return ROTA_OK;
}

/* An encrypted key is refused: nobody is there to type at a start in the night. */
static int no_password(char *to, int room, int writing, void *ctx)
{
	(void)to, (void)room, (void)writing, (void)ctx;
	return -1;
}

static enum rota_err read_key(const char *path, EVP_PKEY **out, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	struct stat st;
	BIO *bio;

	if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
		return rota_fail(why, ROTA_ERR_DENIED,
			"%s: a private key that everybody can read; chmod 600 it", path);
	ROTA_TRY(rota_file_read(path, ROTA_TLS_FILE_MAX, &text, why));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	*out = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	rota_wipe(text.p, text.len);
	rota_bytes_free(&text);
	ERR_clear_error();
	if (*out == NULL)
		return rota_fail(
			why, ROTA_ERR_FORMAT, "%s: no PEM private key without password", path);
	return ROTA_OK;
}

static enum rota_err judge(X509 *cert, EVP_PKEY *key, const char *cert_path, const char *key_path,
	struct rota_fail *why)
{
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		return rota_fail(why, ROTA_ERR_EXPIRED, "%s: expired; make a new one", cert_path);
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		return rota_fail(
			why, ROTA_ERR_EXPIRED, "%s: not valid yet; look at the clock", cert_path);
	if (X509_check_private_key(cert, key) != 1)
		return rota_fail(
			why, ROTA_ERR_SIGNATURE, "%s is not the key of %s", key_path, cert_path);
	return ROTA_OK;
}

enum rota_err rota_tls_check(const char *certificate, const char *key, struct rota_fail *why)
{
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;
	enum rota_err err = read_certificate(certificate, &cert, why);

	if (err == ROTA_OK)
		err = read_key(key, &pkey, why);
	if (err == ROTA_OK)
		err = judge(cert, pkey, certificate, key, why);
	EVP_PKEY_free(pkey);
	X509_free(cert);
	ERR_clear_error();
	return err;
}
