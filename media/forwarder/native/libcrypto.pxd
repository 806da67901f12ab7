# What we use of OpenSSL 3's libcrypto: AES-GCM, AES-CTR and HMAC-SHA1 on contexts keyed once.
cdef extern from "openssl/evp.h" nogil:
    ctypedef struct EVP_CIPHER:
        pass
    ctypedef struct EVP_CIPHER_CTX:
        pass
    ctypedef struct EVP_MAC:
        pass
    ctypedef struct EVP_MAC_CTX:
        pass
    ctypedef struct OSSL_PARAM:
        void *data
    ctypedef struct ENGINE:
        pass

    int EVP_CTRL_AEAD_SET_TAG
    int EVP_CTRL_GCM_SET_IV_FIXED

    const EVP_CIPHER *EVP_aes_128_gcm()
    const EVP_CIPHER *EVP_aes_256_gcm()
    const EVP_CIPHER *EVP_aes_128_ctr()
    EVP_CIPHER_CTX *EVP_CIPHER_CTX_new()
    void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *ctx)
    int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *ctx, int type, int arg, void *ptr)
    int EVP_EncryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl, const unsigned char *key,
                           const unsigned char *iv)
    int EVP_DecryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl, const unsigned char *key,
                           const unsigned char *iv)
    int EVP_EncryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *outl, const unsigned char *data, int inl)

    int EVP_Cipher(EVP_CIPHER_CTX *ctx, unsigned char *out, const unsigned char *data, unsigned int inl)
    int EVP_CIPHER_CTX_get_params(EVP_CIPHER_CTX *ctx, OSSL_PARAM params[])

    EVP_MAC *EVP_MAC_fetch(void *libctx, const char *algorithm, const char *properties)
    void EVP_MAC_free(EVP_MAC *mac)
    EVP_MAC_CTX *EVP_MAC_CTX_new(EVP_MAC *mac)
    void EVP_MAC_CTX_free(EVP_MAC_CTX *ctx)
    int EVP_MAC_init(EVP_MAC_CTX *ctx, const unsigned char *key, size_t keylen, const OSSL_PARAM *params)
    int EVP_MAC_update(EVP_MAC_CTX *ctx, const unsigned char *data, size_t datalen)
    int EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *outl, size_t outsize)

cdef extern from *:
    """
    #include <malloc.h>
    #include <openssl/evp.h>
    #include <stdint.h>

    /* Where a keyed context most likely keeps key schedule and hash table: what it points to that lies nearest. Only a
       hint of what to fetch from far memory; never read. */
    static const void *key_schedule_of(const EVP_CIPHER_CTX *ctx) {
        const uintptr_t *words = (const uintptr_t *)ctx, begin = (uintptr_t)ctx;
        size_t bytes = malloc_usable_size((void *)ctx), i;
        uintptr_t best = begin, best_distance = 1 << 20, distance;
        for (i = 0; i < bytes / sizeof *words; i++) {
            distance = words[i] > begin ? words[i] - begin : begin - words[i];
            if (distance >= bytes && distance < best_distance) {
                best = words[i];
                best_distance = distance;
            }
        }
        return (const void *)best;
    }
    """
    const void *key_schedule_of(const EVP_CIPHER_CTX *ctx) nogil

cdef extern from "openssl/params.h" nogil:
    OSSL_PARAM OSSL_PARAM_construct_utf8_string(const char *key, char *buf, size_t bsize)
    OSSL_PARAM OSSL_PARAM_construct_octet_string(const char *key, void *buf, size_t bsize)
    OSSL_PARAM OSSL_PARAM_construct_end()

cdef extern from "openssl/crypto.h" nogil:
    int CRYPTO_memcmp(const void *a, const void *b, size_t len)
    void OPENSSL_cleanse(void *ptr, size_t len)
