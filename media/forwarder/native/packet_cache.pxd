# The last packets of a stream: fixed descriptors, and their payloads in one ring of bytes, opened straight into it.
from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint16_t, uint32_t

from media.forwarder.native.huge_pages cimport pool_give, pool_take

cdef enum:
    MAX_PACKET_BYTES = 1500             # larger datagrams are dropped
    VIDEO_PACKETS = 1024                # powers of two
    VIDEO_BYTES = 256 * 1024            # a second of 2 Mbit/s
    AUDIO_PACKETS = 256
    AUDIO_BYTES = 32 * 1024
    OSN_BYTES = 2                       # room before a payload for the original number of RTX (RFC 4588 4)
    EVEN_WITHIN_BYTES = 24              # room behind it for padding
    GUARD_BYTES = 1600                  # what may be scribbled over beyond the head while a packet is opened

ctypedef struct Packet:
    int64_t place                       # in the stream's gapless order, -1 when empty
    int64_t position                    # of its payload, in bytes since the ring began
    int64_t arrival_us
    uint32_t timestamp                  # as the receivers get it
    uint16_t payload_bytes              # without padding
    int8_t codec                        # index into the codec names
    uint8_t pad_bytes                   # of ours, to even sizes
    uint16_t newest_at                  # of RED: where the newest sound begins in the payload
    bint marker
    int16_t audio_level                 # -1 if the packet has none
    int16_t video_orientation           # -1 if the packet has none

ctypedef struct PacketCache:
    Packet *packets
    int n_packets
    uint8_t *ring
    int64_t ring_bytes
    int64_t head                        # where the next payload begins, in bytes since the ring began


cdef inline bint cache_init(PacketCache *cache, int n_packets, int64_t ring_bytes) noexcept nogil:
    cdef int i
    cache.n_packets = n_packets
    cache.ring_bytes = ring_bytes
    cache.packets = <Packet *>pool_take(n_packets * sizeof(Packet))
    cache.ring = <uint8_t *>pool_take(ring_bytes)
    if cache.packets == NULL or cache.ring == NULL:
        return False
    for i in range(n_packets):
        cache.packets[i].place = -1
    cache.head = OSN_BYTES
    return True


cdef inline void cache_free(PacketCache *cache) noexcept nogil:
    pool_give(cache.packets, cache.n_packets * sizeof(Packet))
    pool_give(cache.ring, cache.ring_bytes)


cdef inline uint8_t *cache_room(PacketCache *cache) noexcept nogil:
    # Where the next payload may be opened: room for MAX_PACKET_BYTES, nothing of which counts until `cache_keep`.
    cdef int64_t at = cache.head & (cache.ring_bytes - 1)
    if at + GUARD_BYTES > cache.ring_bytes:
        cache.head += cache.ring_bytes - at + OSN_BYTES
        at = OSN_BYTES
    return cache.ring + at


cdef inline Packet *cache_keep(PacketCache *cache, int64_t place, int skip_bytes, int payload_bytes) noexcept nogil:
    # Keeps what was opened at `cache_room`, without its first `skip_bytes`; the caller fills in the rest.
    cdef Packet *packet = &cache.packets[place & (cache.n_packets - 1)]
    packet.place = place
    packet.position = cache.head + skip_bytes
    packet.payload_bytes = <uint16_t>payload_bytes
    packet.pad_bytes = 0
    packet.newest_at = 0
    cache.head += skip_bytes + payload_bytes + EVEN_WITHIN_BYTES + OSN_BYTES
    return packet


cdef inline Packet *cache_find(const PacketCache *cache, int64_t place) noexcept nogil:
    # The descriptor, NULL if that packet never came or is overwritten. Its payload may be gone: see `cache_payload`.
    cdef Packet *packet = &cache.packets[place & (cache.n_packets - 1)]
    return packet if packet.place == place else NULL


cdef inline uint8_t *cache_payload(const PacketCache *cache, const Packet *packet) noexcept nogil:
    # NULL if the ring has gone round since.
    if cache.head + GUARD_BYTES - packet.position > cache.ring_bytes - OSN_BYTES:
        return NULL
    return cache.ring + (packet.position & (cache.ring_bytes - 1))


cdef inline void cache_pad(PacketCache *cache, Packet *packet, int pad_bytes) noexcept nogil:
    # RTP padding behind the payload (RFC 3550 5.1), at most EVEN_WITHIN_BYTES; only before it is first sent.
    cdef uint8_t *end = cache.ring + (packet.position & (cache.ring_bytes - 1)) + packet.payload_bytes
    cdef int i
    packet.pad_bytes = <uint8_t>pad_bytes
    for i in range(pad_bytes - 1):
        end[i] = 0
    end[pad_bytes - 1] = <uint8_t>pad_bytes
