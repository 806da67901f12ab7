# When each packet to a receiver left, by its transport-wide number, until the receiver reports on it.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    PADDING = 1
    AGAIN_STEP_US = 4_000
    SENT_PACKETS = 2048             # remembered for each receiver, a power of two: a second of 20 Mbit/s

ctypedef enum Fate:
    UNREPORTED
    LOST
    ARRIVED

ctypedef struct SentPacket:
    int64_t at_us                   # 0: none
    uint32_t number                 # transport-wide, extended
    uint16_t size                   # of the datagram, in bytes
    uint8_t fate
    uint8_t mark                    # PADDING: of a probe; beyond: when it was sent again first, in steps, plus one

ctypedef struct SentLog:
    uint64_t bytes                  # sent in all
    SentPacket packets[SENT_PACKETS]


cdef inline void sent_log_note(SentLog *log, uint32_t number, int size, bint padding, int64_t now_us) noexcept nogil:
    # A datagram sent again under its old number keeps its first time, and how much later it went again first.
    cdef SentPacket *packet = &log.packets[number & (SENT_PACKETS - 1)]
    log.bytes += size
    if packet.number != number or packet.at_us == 0:
        packet[0] = SentPacket(now_us, number, <uint16_t>size, UNREPORTED, PADDING if padding else 0)
    elif packet.mark == 0:
        packet.mark = <uint8_t>min((now_us - packet.at_us) // AGAIN_STEP_US + 1 + PADDING, 255)


cdef inline bint may_be_again(const SentPacket *packet, int64_t later_us) noexcept nogil:
    # Whether what arrived so much later than the fastest may be the datagram sent again, of which the first was lost.
    # A step less than when it went: arrival times are rounded.
    return packet.mark > PADDING and later_us >= (packet.mark - 2 - PADDING) * AGAIN_STEP_US


cdef inline SentPacket *sent_log_find(SentLog *log, int64_t number) noexcept nogil:
    # NULL if it was never sent or is forgotten.
    cdef SentPacket *packet = &log.packets[number & (SENT_PACKETS - 1)]
    return packet if packet.at_us and packet.number == number else NULL
