# Seals and opens SRTP and SRTCP packets (RFC 3711, RFC 7714) on cipher contexts that are keyed once and only get a new IV.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from media.forwarder.native.libcrypto cimport (
    CRYPTO_memcmp, EVP_CIPHER_CTX, EVP_CIPHER_CTX_ctrl, EVP_CIPHER_CTX_free, EVP_CIPHER_CTX_get_params,
    EVP_CIPHER_CTX_new, EVP_CTRL_AEAD_SET_TAG, EVP_CTRL_GCM_SET_IV_FIXED, EVP_Cipher, EVP_DecryptInit_ex,
    EVP_EncryptInit_ex, EVP_EncryptUpdate, EVP_MAC, EVP_MAC_CTX, EVP_MAC_CTX_free, EVP_MAC_CTX_new, EVP_MAC_fetch,
    EVP_MAC_final, EVP_MAC_free, EVP_MAC_init, EVP_MAC_update, EVP_aes_128_ctr, EVP_aes_128_gcm, EVP_aes_256_gcm,
    key_schedule_of, OPENSSL_cleanse, OSSL_PARAM, OSSL_PARAM_construct_end, OSSL_PARAM_construct_octet_string,
    OSSL_PARAM_construct_utf8_string,
)
from media.forwarder.native.wire cimport prefetch_lines, read32, write16, write32

cdef enum:
    PROFILE_GCM_128 = 0
    PROFILE_GCM_256 = 1
    PROFILE_CM_SHA1_80 = 2
    GCM_TAG_BYTES = 16
    SHA1_TAG_BYTES = 10
    SRTCP_INDEX_BYTES = 4
    CONTEXT_LINES = 3       # of the cache
    KEY_SCHEDULE_LINES = 12
    REPLAY_WORDS = 16       # replay window of 1024 packets, RFC 3711 3.3.2 asks for at least 64

# One direction of one protection (RTP or RTCP) with one peer.
ctypedef struct Protection:
    int profile
    EVP_CIPHER_CTX *cipher
    const void *key_schedule        # of it, to be prefetched
    EVP_MAC_CTX *mac
    OSSL_PARAM tag[2]       # where GCM puts the tag of what it sealed
    uint8_t salt[14]

# Packet index and replay window of one received SSRC (RFC 3711 3.2.1).
ctypedef struct ReplayWindow:
    int64_t highest         # -1 before the first packet
    uint64_t seen[REPLAY_WORDS]


cdef inline int tag_bytes(int profile) noexcept nogil:
    return SHA1_TAG_BYTES if profile == PROFILE_CM_SHA1_80 else GCM_TAG_BYTES


cdef inline bint protection_init(Protection *p, int profile, const uint8_t *key, const uint8_t *auth_key,
                                 const uint8_t *salt, bint sealing) noexcept nogil:
    # key: 16 or 32 bytes by profile; auth_key: 20 bytes for SHA1, else unused; salt: 12 (GCM) or 14 bytes.
    cdef EVP_MAC *hmac
    cdef OSSL_PARAM params[2]
    cdef int ok
    p.profile = profile
    p.mac = NULL
    memset(p.salt, 0, 14)
    p.cipher = EVP_CIPHER_CTX_new()
    if p.cipher == NULL:
        return False
    if profile == PROFILE_CM_SHA1_80:
        memcpy(p.salt, salt, 14)
        if EVP_EncryptInit_ex(p.cipher, EVP_aes_128_ctr(), NULL, key, NULL) != 1:
            return False
        hmac = EVP_MAC_fetch(NULL, b"HMAC", NULL)
        if hmac == NULL:
            return False
        p.mac = EVP_MAC_CTX_new(hmac)
        EVP_MAC_free(hmac)
        if p.mac == NULL:
            return False
        params[0] = OSSL_PARAM_construct_utf8_string(b"digest", <char *>b"SHA1", 0)
        params[1] = OSSL_PARAM_construct_end()
        return EVP_MAC_init(p.mac, auth_key, 20, params) == 1
    memcpy(p.salt, salt, 12)
    p.tag[0] = OSSL_PARAM_construct_octet_string(b"tag", p.salt, GCM_TAG_BYTES)
    p.tag[1] = OSSL_PARAM_construct_end()
    if sealing:
        ok = EVP_EncryptInit_ex(p.cipher, EVP_aes_128_gcm() if profile == PROFILE_GCM_128 else EVP_aes_256_gcm(), NULL,
                                key, NULL)
    else:
        ok = EVP_DecryptInit_ex(p.cipher, EVP_aes_128_gcm() if profile == PROFILE_GCM_128 else EVP_aes_256_gcm(), NULL,
                                key, NULL)
    p.key_schedule = key_schedule_of(p.cipher)
    return ok == 1


cdef inline void protection_foresee(const Protection *p) noexcept nogil:
    # Something will soon be sealed or opened: with many peers the context lies in far memory.
    prefetch_lines(p.cipher, CONTEXT_LINES)
    prefetch_lines(p.key_schedule, KEY_SCHEDULE_LINES)


cdef inline void protection_free(Protection *p) noexcept nogil:
    EVP_CIPHER_CTX_free(p.cipher)
    EVP_MAC_CTX_free(p.mac)
    OPENSSL_cleanse(p, sizeof(Protection))


# --- initialisation vectors ---------------------------------------------------------------------------------------

cdef inline void gcm_iv_rtp(const Protection *p, uint32_t ssrc, uint64_t index, uint8_t *iv) noexcept nogil:
    # RFC 7714 8.1: 00 00 | SSRC | ROC | SEQ, xor salt.
    cdef int i
    iv[0] = 0
    iv[1] = 0
    write32(iv + 2, ssrc)
    write32(iv + 6, <uint32_t>(index >> 16))
    write16(iv + 10, <uint32_t>(index & 0xFFFF))
    for i in range(12):
        iv[i] ^= p.salt[i]


cdef inline void gcm_iv_rtcp(const Protection *p, uint32_t ssrc, uint32_t index, uint8_t *iv) noexcept nogil:
    # RFC 7714 9.1: 00 00 | SSRC | 00 00 | 0 + 31-bit SRTCP index, xor salt.
    cdef int i
    iv[0] = 0
    iv[1] = 0
    write32(iv + 2, ssrc)
    iv[6] = 0
    iv[7] = 0
    write32(iv + 8, index & 0x7FFFFFFF)
    for i in range(12):
        iv[i] ^= p.salt[i]


cdef inline void cm_iv(const Protection *p, uint32_t ssrc, uint64_t index, uint8_t *iv) noexcept nogil:
    # RFC 3711 4.1.1: (salt * 2^16) xor (SSRC * 2^64) xor (index * 2^16).
    cdef int i
    cdef uint8_t number[8]
    memcpy(iv, p.salt, 14)
    iv[14] = 0
    iv[15] = 0
    write32(number, ssrc)
    for i in range(4):
        iv[4 + i] ^= number[i]
    write16(number, <uint32_t>(index >> 32))
    write32(number + 2, <uint32_t>index)
    for i in range(6):
        iv[8 + i] ^= number[i]


cdef inline bint gcm_set_iv(Protection *p, const uint8_t *iv) noexcept nogil:
    # All 12 bytes (-1), under the key that stays: what EVP_*Init_ex does at twice the price.
    return EVP_CIPHER_CTX_ctrl(p.cipher, EVP_CTRL_GCM_SET_IV_FIXED, -1, <void *>iv) == 1


# --- sealing ------------------------------------------------------------------------------------------------------

cdef inline int gcm_seal(Protection *p, const uint8_t *iv, const uint8_t *aad, int aad_bytes, const uint8_t *more_aad,
                         int more_aad_bytes, const uint8_t *plain, int plain_bytes, uint8_t *out) noexcept nogil:
    # Writes ciphertext and tag to out (which may be plain itself); returns their length or -1.
    # EVP_Cipher and a prepared parameter for the tag: a sixth less time for each packet than EVP_Encrypt* and a ctrl.
    if not gcm_set_iv(p, iv) or EVP_Cipher(p.cipher, NULL, aad, aad_bytes) < 0:
        return -1
    if more_aad_bytes and EVP_Cipher(p.cipher, NULL, more_aad, more_aad_bytes) < 0:
        return -1
    if plain_bytes and EVP_Cipher(p.cipher, out, plain, plain_bytes) < 0:
        return -1
    if EVP_Cipher(p.cipher, out + plain_bytes, NULL, 0) < 0:
        return -1
    p.tag[0].data = out + plain_bytes
    if EVP_CIPHER_CTX_get_params(p.cipher, p.tag) != 1:
        return -1
    return plain_bytes + GCM_TAG_BYTES


cdef inline bint sha1_tag(Protection *p, const uint8_t *data, int data_bytes, const uint8_t *more, int more_bytes,
                          uint8_t *tag) noexcept nogil:
    cdef uint8_t whole[20]
    cdef size_t length = 0
    if EVP_MAC_init(p.mac, NULL, 0, NULL) != 1 or EVP_MAC_update(p.mac, data, data_bytes) != 1:
        return False
    if more_bytes and EVP_MAC_update(p.mac, more, more_bytes) != 1:
        return False
    if EVP_MAC_final(p.mac, whole, &length, 20) != 1:
        return False
    memcpy(tag, whole, SHA1_TAG_BYTES)
    return True


cdef inline int seal_rtp(Protection *p, uint32_t ssrc, uint64_t index, uint8_t *packet, int header_bytes,
                         const uint8_t *payload, int payload_bytes) noexcept nogil:
    # The header stands at packet already; payload may stand elsewhere. Returns the sealed length or -1.
    cdef uint8_t iv[16]
    cdef uint8_t roc[4]
    cdef int sealed, done = 0
    if p.profile != PROFILE_CM_SHA1_80:
        gcm_iv_rtp(p, ssrc, index, iv)
        sealed = gcm_seal(p, iv, packet, header_bytes, NULL, 0, payload, payload_bytes, packet + header_bytes)
        return -1 if sealed < 0 else header_bytes + sealed
    cm_iv(p, ssrc, index, iv)
    if EVP_EncryptInit_ex(p.cipher, NULL, NULL, NULL, iv) != 1:
        return -1
    if payload_bytes and EVP_EncryptUpdate(p.cipher, packet + header_bytes, &done, payload, payload_bytes) != 1:
        return -1
    write32(roc, <uint32_t>(index >> 16))
    if not sha1_tag(p, packet, header_bytes + payload_bytes, roc, 4, packet + header_bytes + payload_bytes):
        return -1
    return header_bytes + payload_bytes + SHA1_TAG_BYTES


cdef inline int seal_rtcp(Protection *p, uint32_t index, uint8_t *packet, int length) noexcept nogil:
    # Seals a compound of `length` bytes in place (room for 20 more); always with the E bit. Returns the length or -1.
    cdef uint8_t iv[16]
    cdef uint8_t trailer[4]
    cdef int sealed, done = 0
    cdef uint32_t ssrc = read32(packet + 4)
    write32(trailer, 0x80000000U | index)
    if p.profile != PROFILE_CM_SHA1_80:
        gcm_iv_rtcp(p, ssrc, index, iv)
        sealed = gcm_seal(p, iv, packet, 8, trailer, 4, packet + 8, length - 8, packet + 8)
        if sealed < 0:
            return -1
        memcpy(packet + 8 + sealed, trailer, 4)
        return 8 + sealed + 4
    cm_iv(p, ssrc, index, iv)
    if EVP_EncryptInit_ex(p.cipher, NULL, NULL, NULL, iv) != 1:
        return -1
    if length > 8 and EVP_EncryptUpdate(p.cipher, packet + 8, &done, packet + 8, length - 8) != 1:
        return -1
    memcpy(packet + length, trailer, 4)
    if not sha1_tag(p, packet, length + 4, NULL, 0, packet + length + 4):
        return -1
    return length + 4 + SHA1_TAG_BYTES


# --- opening ------------------------------------------------------------------------------------------------------

cdef inline int gcm_open(Protection *p, const uint8_t *iv, const uint8_t *aad, int aad_bytes, const uint8_t *more_aad,
                         int more_aad_bytes, const uint8_t *sealed, int sealed_bytes, uint8_t *out) noexcept nogil:
    # sealed is ciphertext and tag; returns the plain length or -1 when the tag is wrong.
    cdef int plain_bytes = sealed_bytes - GCM_TAG_BYTES
    if plain_bytes < 0 or not gcm_set_iv(p, iv) or EVP_Cipher(p.cipher, NULL, aad, aad_bytes) < 0:
        return -1
    if more_aad_bytes and EVP_Cipher(p.cipher, NULL, more_aad, more_aad_bytes) < 0:
        return -1
    if plain_bytes and EVP_Cipher(p.cipher, out, sealed, plain_bytes) < 0:
        return -1
    if EVP_CIPHER_CTX_ctrl(p.cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, <void *>(sealed + plain_bytes)) != 1:
        return -1
    if EVP_Cipher(p.cipher, out + plain_bytes, NULL, 0) < 0:
        return -1
    return plain_bytes


cdef inline int open_rtp(Protection *p, uint32_t ssrc, uint64_t index, const uint8_t *packet, int header_bytes,
                         int length, uint8_t *out) noexcept nogil:
    # Writes the plain payload to out (not the header); returns its length or -1 when the tag is wrong.
    cdef uint8_t iv[16]
    cdef uint8_t roc[4]
    cdef uint8_t tag[SHA1_TAG_BYTES]
    cdef int done = 0
    cdef int payload_bytes
    if p.profile != PROFILE_CM_SHA1_80:
        gcm_iv_rtp(p, ssrc, index, iv)
        return gcm_open(p, iv, packet, header_bytes, NULL, 0, packet + header_bytes, length - header_bytes, out)
    payload_bytes = length - header_bytes - SHA1_TAG_BYTES
    if payload_bytes < 0:
        return -1
    write32(roc, <uint32_t>(index >> 16))
    if not sha1_tag(p, packet, length - SHA1_TAG_BYTES, roc, 4, tag):
        return -1
    if CRYPTO_memcmp(tag, packet + length - SHA1_TAG_BYTES, SHA1_TAG_BYTES) != 0:
        return -1
    cm_iv(p, ssrc, index, iv)
    if EVP_EncryptInit_ex(p.cipher, NULL, NULL, NULL, iv) != 1:
        return -1
    if payload_bytes and EVP_EncryptUpdate(p.cipher, out, &done, packet + header_bytes, payload_bytes) != 1:
        return -1
    return payload_bytes


cdef inline int open_rtcp(Protection *p, const uint8_t *packet, int length, uint32_t *index,
                          uint8_t *out) noexcept nogil:
    # Writes the plain compound to out and its SRTCP index to *index; returns its length or -1. Room at out: length.
    cdef uint8_t iv[16]
    cdef uint8_t tag[SHA1_TAG_BYTES]
    cdef const uint8_t *trailer
    cdef int plain, sealed, done = 0
    cdef uint32_t ssrc, word
    if length < 8 + SRTCP_INDEX_BYTES + tag_bytes(p.profile):
        return -1
    ssrc = read32(packet + 4)
    if p.profile != PROFILE_CM_SHA1_80:
        trailer = packet + length - 4
        word = read32(trailer)
        index[0] = word & 0x7FFFFFFF
        gcm_iv_rtcp(p, ssrc, index[0], iv)
        if not word & 0x80000000U:  # authenticated only, RFC 7714 9.3
            sealed = length - 4 - GCM_TAG_BYTES
            return -1 if sealed < 0 else gcm_open_clear(p, iv, packet, sealed, trailer, out)
        plain = gcm_open(p, iv, packet, 8, trailer, 4, packet + 8, length - 12, out + 8)
        if plain < 0:
            return -1
        memcpy(out, packet, 8)
        return 8 + plain
    if not sha1_tag(p, packet, length - SHA1_TAG_BYTES, NULL, 0, tag):
        return -1
    if CRYPTO_memcmp(tag, packet + length - SHA1_TAG_BYTES, SHA1_TAG_BYTES) != 0:
        return -1
    trailer = packet + length - SHA1_TAG_BYTES - 4
    word = read32(trailer)
    index[0] = word & 0x7FFFFFFF
    plain = length - SHA1_TAG_BYTES - 4
    memcpy(out, packet, plain)
    if word & 0x80000000U and plain > 8:
        cm_iv(p, ssrc, index[0], iv)
        if EVP_EncryptInit_ex(p.cipher, NULL, NULL, NULL, iv) != 1:
            return -1
        if EVP_EncryptUpdate(p.cipher, out + 8, &done, packet + 8, plain - 8) != 1:
            return -1
    return plain


cdef inline int gcm_open_clear(Protection *p, const uint8_t *iv, const uint8_t *packet, int plain_bytes,
                               const uint8_t *trailer, uint8_t *out) noexcept nogil:
    # An SRTCP packet that is authenticated but not encrypted: packet | tag | index.
    cdef int opened = gcm_open(p, iv, packet, plain_bytes, trailer, 4, packet + plain_bytes, GCM_TAG_BYTES, out)
    if opened < 0:
        return -1
    memcpy(out, packet, plain_bytes)
    return plain_bytes


# --- packet index and replay (RFC 3711 3.3.1, 3.3.2 and appendix A) -------------------------------------------------

cdef inline void replay_init(ReplayWindow *window) noexcept nogil:
    memset(window, 0, sizeof(ReplayWindow))
    window.highest = -1


cdef inline int64_t guess_index(const ReplayWindow *window, uint16_t seq) noexcept nogil:
    # The index nearest to the highest one seen; at the start the rollover counter is 0 and nothing lies before it.
    cdef int64_t guess
    cdef int64_t highest = window.highest
    if highest < 0:
        return seq
    guess = (highest & <int64_t>-65536) | seq
    if guess > highest + 0x8000 and guess >= 0x10000:
        guess -= 0x10000
    elif guess <= highest - 0x8000:
        guess += 0x10000
    return guess


cdef inline bint is_replayed(const ReplayWindow *window, int64_t index) noexcept nogil:
    if index > window.highest:
        return False
    if window.highest - index >= (REPLAY_WORDS - 1) * 64:  # the ring's newest word may be partly filled
        return True
    return (window.seen[(index >> 6) % REPLAY_WORDS] >> (index & 63)) & 1


cdef inline void remember_index(ReplayWindow *window, int64_t index) noexcept nogil:
    # To be called only for authenticated packets that were not replayed.
    cdef int64_t word, last
    if index > window.highest:
        if window.highest < 0 or index - window.highest >= REPLAY_WORDS * 64:
            memset(window.seen, 0, sizeof(window.seen))
        else:
            last = index >> 6
            word = (window.highest >> 6) + 1
            while word <= last:
                window.seen[word % REPLAY_WORDS] = 0
                word += 1
        window.highest = index
    window.seen[(index >> 6) % REPLAY_WORDS] |= <uint64_t>1 << (index & 63)
