/* SRTP and SRTCP under AEAD_AES_128_GCM (RFC 7714) with keyed libcrypto contexts: only the nonce changes per packet. */
#ifndef BENCH_SRTP_H
#define BENCH_SRTP_H

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#define TAG_BYTES 16
#define KEY_BYTES 16
#define SALT_BYTES 12
/* Session keys of one direction: RTP key and salt, RTCP key and salt. */
#define SESSION_BYTES (2 * (KEY_BYTES + SALT_BYTES))

typedef struct {
    EVP_CIPHER_CTX *cipher;
    uint8_t salt[SALT_BYTES];
} Sealer;

static inline int sealer_open(Sealer *sealer, const uint8_t *key_and_salt, int sealing) {
    sealer->cipher = EVP_CIPHER_CTX_new();
    memcpy(sealer->salt, key_and_salt + KEY_BYTES, SALT_BYTES);
    return sealer->cipher && EVP_CipherInit_ex(sealer->cipher, EVP_aes_128_gcm(), NULL, key_and_salt, NULL, sealing) == 1;
}

static inline void sealer_close(Sealer *sealer) {
    EVP_CIPHER_CTX_free(sealer->cipher);
    sealer->cipher = NULL;
}

static inline uint32_t read_u32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return __builtin_bswap32(value);
}

static inline uint16_t read_u16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, 2);
    return __builtin_bswap16(value);
}

static inline void write_u32(uint8_t *at, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(at, &value, 4);
}

static inline void write_u16(uint8_t *at, uint16_t value) {
    value = __builtin_bswap16(value);
    memcpy(at, &value, 2);
}

/* RFC 7714 8.1: two zero bytes, SSRC, rollover counter and sequence number, over the salt. */
static inline void nonce_of(const Sealer *sealer, uint32_t ssrc, uint64_t index, uint8_t *nonce) {
    write_u16(nonce, 0);
    write_u32(nonce + 2, ssrc);
    write_u32(nonce + 6, (uint32_t)(index >> 16));
    write_u16(nonce + 10, (uint16_t)index);
    for (int i = 0; i < SALT_BYTES; i++) nonce[i] ^= sealer->salt[i];
}

/* Seals `bytes` from `in` to `out` (may be the same), of which the first `header` stay clear; returns the new length. */
static inline int seal(Sealer *sealer, uint32_t ssrc, uint64_t index, const uint8_t *in, int header, int bytes, uint8_t *out) {
    uint8_t nonce[SALT_BYTES];
    int done;
    nonce_of(sealer, ssrc, index, nonce);
    if (in != out) memcpy(out, in, header);
    if (EVP_EncryptInit_ex(sealer->cipher, NULL, NULL, NULL, nonce) != 1) return -1;
    if (EVP_EncryptUpdate(sealer->cipher, NULL, &done, in, header) != 1) return -1;
    if (EVP_EncryptUpdate(sealer->cipher, out + header, &done, in + header, bytes - header) != 1) return -1;
    if (EVP_EncryptFinal_ex(sealer->cipher, out + bytes, &done) != 1) return -1;
    if (EVP_CIPHER_CTX_ctrl(sealer->cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + bytes) != 1) return -1;
    return bytes + TAG_BYTES;
}

/* Opens a sealed packet into `out`; returns the clear length, or -1 when it is not genuine. */
static inline int unseal(Sealer *sealer, uint32_t ssrc, uint64_t index, const uint8_t *in, int header, int bytes, uint8_t *out) {
    uint8_t nonce[SALT_BYTES];
    int done, clear = bytes - TAG_BYTES;
    if (clear < header) return -1;
    nonce_of(sealer, ssrc, index, nonce);
    memcpy(out, in, header);
    if (EVP_DecryptInit_ex(sealer->cipher, NULL, NULL, NULL, nonce) != 1) return -1;
    if (EVP_DecryptUpdate(sealer->cipher, NULL, &done, in, header) != 1) return -1;
    if (EVP_DecryptUpdate(sealer->cipher, out + header, &done, in + header, clear - header) != 1) return -1;
    if (EVP_CIPHER_CTX_ctrl(sealer->cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, (void *)(in + clear)) != 1) return -1;
    if (EVP_DecryptFinal_ex(sealer->cipher, out + clear, &done) != 1) return -1;
    return clear;
}

/* Seals an RTCP packet in place (RFC 7714 9): 8 clear bytes, ciphertext, tag, E flag and index. */
static inline int seal_rtcp(Sealer *sealer, uint32_t index, uint8_t *packet, int bytes) {
    uint8_t nonce[SALT_BYTES], trailer[4];
    int done;
    nonce_of(sealer, read_u32(packet + 4), index, nonce);
    /* For RTCP the 31-bit index fills the last four bytes; nonce_of puts a 48-bit number in the last six: the same. */
    write_u32(trailer, 0x80000000u | index);
    if (EVP_EncryptInit_ex(sealer->cipher, NULL, NULL, NULL, nonce) != 1) return -1;
    if (EVP_EncryptUpdate(sealer->cipher, NULL, &done, packet, 8) != 1) return -1;
    if (EVP_EncryptUpdate(sealer->cipher, NULL, &done, trailer, 4) != 1) return -1;
    if (EVP_EncryptUpdate(sealer->cipher, packet + 8, &done, packet + 8, bytes - 8) != 1) return -1;
    if (EVP_EncryptFinal_ex(sealer->cipher, packet + bytes, &done) != 1) return -1;
    if (EVP_CIPHER_CTX_ctrl(sealer->cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, packet + bytes) != 1) return -1;
    memcpy(packet + bytes + TAG_BYTES, trailer, 4);
    return bytes + TAG_BYTES + 4;
}

/* Header length of an RTP packet (RFC 3550 5.1, 5.3.1), 0 when it is cut short. */
static inline int rtp_header_bytes(const uint8_t *packet, int bytes) {
    int header;
    if (bytes < 12) return 0;
    header = 12 + 4 * (packet[0] & 15);
    if (packet[0] & 16) {
        if (bytes < header + 4) return 0;
        header += 4 + 4 * read_u16(packet + header + 2);
    }
    return header <= bytes ? header : 0;
}

static inline int is_media(const uint8_t *packet, int bytes) { return bytes > 1 && packet[0] >= 128 && packet[0] < 192; }
static inline int is_rtcp(const uint8_t *packet) { return packet[1] >= 192 && packet[1] < 224; }

/* The packet index whose low 16 bits are `seq`, nearest to the highest seen (RFC 3711 3.3.1). */
static inline uint64_t nearest_index(uint64_t highest, uint16_t seq) {
    int16_t ahead = (int16_t)(seq - (uint16_t)highest);
    if (ahead < 0 && highest < (uint64_t)-ahead) return seq;
    return highest + ahead;
}

#endif
