# ICE connectivity checks of peers that are known (RFC 8445 7.3), by which they also consent to what they are sent
# (RFC 7675): hundreds of lessons make hundreds of them a second. What is not plain is left to Python.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

from media.forwarder.native.libcrypto cimport (
    CRYPTO_memcmp, EVP_MAC, EVP_MAC_CTX_new, EVP_MAC_fetch, EVP_MAC_final, EVP_MAC_free, EVP_MAC_init, EVP_MAC_update,
    OSSL_PARAM, OSSL_PARAM_construct_end, OSSL_PARAM_construct_utf8_string,
)
from media.forwarder.native.outbox cimport outbox_append, outbox_room
from media.forwarder.native.state cimport Peer, State
from media.forwarder.native.wire cimport read16, read32, write16, write32

cdef enum:
    BINDING_REQUEST = 0x0001
    BINDING_SUCCESS = 0x0101
    MAGIC_COOKIE = 0x2112A442
    STUN_HEADER_BYTES = 20
    MAX_CHECK_BYTES = 512
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    OPTIONAL = 0x8000               # attributes from here on need not be understood
    HMAC_BYTES = 20
    INTEGRITY_BYTES = 24            # with its header
    FINGERPRINT_BYTES = 8
    FINGERPRINT_XOR = 0x5354554E
    NO_PEER = -1

# A check whose form is right: where its parts lie.
ctypedef struct Check:
    int integrity_at
    bint ours                       # for our user name fragment
    bint nominates


cdef inline bint answer_check(State *state, int p, const uint8_t *data, int length, const uint8_t *address,
                              int64_t now_us) noexcept nogil:
    # From one of the peer's addresses. True: answered, or dropped as forged; False: Python's business.
    cdef Peer *peer = state.peers[p]
    cdef Check check
    cdef uint8_t integrity[HMAC_BYTES]
    if peer.ufrag_bytes == 0 or not parse_check(peer, data, length, &check) or not check.ours:
        return False
    if check.nominates and memcmp(address, peer.address, sizeof(peer.address)) != 0:
        return False
    memcpy(state.compound, data, check.integrity_at)
    write16(state.compound + 2, check.integrity_at - STUN_HEADER_BYTES + INTEGRITY_BYTES)
    if not integrity_of(state, peer, state.compound, check.integrity_at, integrity):
        return False
    if CRYPTO_memcmp(integrity, data + check.integrity_at + 4, HMAC_BYTES) != 0:
        state.drops.auth_failed += 1
        return True
    peer.checked_us = now_us
    return write_answer(state, peer, data, address)


cdef inline bint parse_check(const Peer *peer, const uint8_t *data, int length, Check *check) noexcept nogil:
    # False for whatever is no binding request, or has something in it that is not known here.
    cdef int at = STUN_HEADER_BYTES
    cdef int kind, size
    check.integrity_at = 0
    check.ours = check.nominates = False
    if length < STUN_HEADER_BYTES or length > MAX_CHECK_BYTES or read16(data) != BINDING_REQUEST:
        return False
    if read16(data + 2) != length - STUN_HEADER_BYTES or length % 4 or read32(data + 4) != MAGIC_COOKIE:
        return False
    while at + 4 <= length:
        kind = read16(data + at)
        size = read16(data + at + 2)
        if at + 4 + size > length:
            return False
        if check.integrity_at:          # only a fingerprint may follow
            return kind == FINGERPRINT and size == 4 and at + FINGERPRINT_BYTES == length
        if kind == USERNAME:
            check.ours = (size > peer.ufrag_bytes and data[at + 4 + peer.ufrag_bytes] == c":"
                          and memcmp(data + at + 4, peer.ufrag, peer.ufrag_bytes) == 0)
        elif kind == MESSAGE_INTEGRITY:
            if size != HMAC_BYTES:
                return False
            check.integrity_at = at
        elif kind == USE_CANDIDATE:
            check.nominates = True
        elif kind == ICE_CONTROLLED or (kind < OPTIONAL and kind != PRIORITY):
            return False
        at += 4 + (size + 3) // 4 * 4
    return check.integrity_at != 0


cdef inline bint integrity_of(State *state, const Peer *peer, const uint8_t *data, int length,
                              uint8_t *out) noexcept nogil:
    # HMAC-SHA1 under the short-term password (RFC 5389 15.4); False without memory.
    cdef EVP_MAC *hmac
    cdef OSSL_PARAM params[2]
    cdef size_t size = 0
    if state.check_mac == NULL:
        hmac = EVP_MAC_fetch(NULL, b"HMAC", NULL)
        if hmac == NULL:
            return False
        state.check_mac = EVP_MAC_CTX_new(hmac)
        EVP_MAC_free(hmac)
        if state.check_mac == NULL:
            return False
    params[0] = OSSL_PARAM_construct_utf8_string(b"digest", <char *>b"SHA1", 0)
    params[1] = OSSL_PARAM_construct_end()
    return (EVP_MAC_init(state.check_mac, peer.password, peer.password_bytes, params) == 1
            and EVP_MAC_update(state.check_mac, data, length) == 1
            and EVP_MAC_final(state.check_mac, out, &size, HMAC_BYTES) == 1)


cdef inline bint write_answer(State *state, const Peer *peer, const uint8_t *request,
                              const uint8_t *address) noexcept nogil:
    # Tells the client the address we see; False if there is no room for it.
    cdef uint8_t *out = outbox_room(&state.outbox)
    cdef int at
    if out == NULL:
        return False
    write16(out, BINDING_SUCCESS)
    memcpy(out + 4, request + 4, 16)
    at = STUN_HEADER_BYTES + write_mapped_address(out + STUN_HEADER_BYTES, address, request + 4)
    write16(out + 2, at - STUN_HEADER_BYTES + INTEGRITY_BYTES)
    if not integrity_of(state, peer, out, at, out + at + 4):
        return False
    write16(out + at, MESSAGE_INTEGRITY)
    write16(out + at + 2, HMAC_BYTES)
    at += INTEGRITY_BYTES
    write16(out + 2, at - STUN_HEADER_BYTES + FINGERPRINT_BYTES)
    write16(out + at, FINGERPRINT)
    write16(out + at + 2, 4)
    write32(out + at + 4, crc32(out, at) ^ <uint32_t>FINGERPRINT_XOR)
    at += FINGERPRINT_BYTES
    outbox_append(&state.outbox, NO_PEER, address, at)
    state.outbox.messages[state.outbox.n - 1].closed = True     # the next may be for another address
    return True


cdef inline int write_mapped_address(uint8_t *out, const uint8_t *address, const uint8_t *cookie) noexcept nogil:
    # XOR-MAPPED-ADDRESS (RFC 5389 15.2) from 18 bytes, IPv6 or v4-mapped and port; `cookie` and the transaction id
    # behind it are the mask. Returns its bytes.
    cdef bint is_v4 = memcmp(address, b"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0
    cdef const uint8_t *ip = address + 12 if is_v4 else address
    cdef int size = 4 if is_v4 else 16
    cdef int i
    write16(out, XOR_MAPPED_ADDRESS)
    write16(out + 2, 4 + size)
    write16(out + 4, 1 if is_v4 else 2)
    out[6] = address[16] ^ cookie[0]
    out[7] = address[17] ^ cookie[1]
    for i in range(size):
        out[8 + i] = ip[i] ^ cookie[i]
    return 8 + size


cdef inline uint32_t crc32(const uint8_t *data, int length) noexcept nogil:
    # ISO 3309, as RFC 5389 15.5 wants it.
    cdef uint32_t crc = 0xFFFFFFFFU
    cdef int i, bit
    for i in range(length):
        crc ^= data[i]
        for bit in range(8):
            crc = (crc >> 1) ^ (<uint32_t>0xEDB88320U & (0 - (crc & 1)))
    return ~crc
