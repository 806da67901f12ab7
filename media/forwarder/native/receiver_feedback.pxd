# What a receiver tells about its line: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1)
# gathered into windows, and REMB (draft-alvestrand-rmcat-remb-03).
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from media.forwarder.native.probing cimport UNTIMED, Probe, probe_note
from media.forwarder.native.sent_log cimport (
    ARRIVED, LOST, PADDING, SENT_PACKETS, UNREPORTED, SentLog, SentPacket, may_be_again, sent_log_find,
)
from media.forwarder.native.sequence cimport nearest
from media.forwarder.native.wire cimport read16, read32

cdef enum:
    WINDOW_US = 200_000
    TICK_US = 250
    TICKS_OF_REFERENCE = 256        # 64 ms
    LEAST_BUCKET_US = 30_000_000    # how long the fastest packet is remembered, at least
    CLOCK_LEAP_US = 10_000_000      # a one-way time that changes by more: the receiver's clock was set
    NEVER_US = 0x7FFFFFFFFFFFFFF

# The fastest packets of this and of the last half a minute. One-way times have an unknown constant in them: the clocks'.
ctypedef struct LeastDelay:
    bint known
    int64_t since_us
    int64_t now_us
    int64_t before_us

ctypedef struct FeedbackWindow:
    bint begun
    int64_t since_us                # when the last window ended
    int64_t reference               # of the last feedback, extended beyond 24 bits
    int64_t last_arrival_us         # receiver's clock
    int64_t arrival_before_us       # last arrival before this window
    int64_t sent_bytes
    int64_t acked_bytes
    int sent_packets
    int acked_packets
    int lost_packets
    int timed_packets               # those of which it is known when they were sent
    int64_t queue_sum_us
    int64_t least_queue_us          # of the packets of this window; NEVER_US before the first
    bint padding
    LeastDelay least


cdef inline int64_t queue_of(LeastDelay *least, int64_t one_way_us, int64_t now_us) noexcept nogil:
    # How much longer than the fastest this packet was under way.
    if not least.known or one_way_us - min(least.now_us, least.before_us) > CLOCK_LEAP_US:
        least[0] = LeastDelay(True, now_us, one_way_us, one_way_us)
    elif now_us - least.since_us > LEAST_BUCKET_US:
        least[0] = LeastDelay(True, now_us, one_way_us, least.now_us)
    least.now_us = min(least.now_us, one_way_us)
    return one_way_us - min(least.now_us, least.before_us)


cdef inline int chunks_end(const uint8_t *feedback, int size, int statuses) noexcept nogil:
    # Where the deltas begin, -1 if the chunks are cut off.
    cdef int at = 20
    cdef uint16_t chunk
    while statuses > 0:
        if at + 2 > size:
            return -1
        chunk = read16(feedback + at)
        at += 2
        if not chunk & 0x8000:
            statuses -= chunk & 0x1FFF
            if not chunk & 0x1FFF:
                return -1
        else:
            statuses -= 7 if chunk & 0x4000 else 14
    return at


cdef inline int symbol_of(uint16_t chunk, int i) noexcept nogil:
    # The i-th status of a chunk: 0 not received, 1 small delta, 2 large or negative delta, 3 reserved.
    if not chunk & 0x8000:
        return (chunk >> 13) & 3
    if chunk & 0x4000:
        return (chunk >> (12 - 2 * i)) & 3
    return (chunk >> (13 - i)) & 1


cdef inline int chunk_length(uint16_t chunk) noexcept nogil:
    if not chunk & 0x8000:
        return chunk & 0x1FFF
    return 7 if chunk & 0x4000 else 14


cdef inline bint take_feedback(FeedbackWindow *window, SentLog *log, Probe *probe, int64_t highest,
                               const uint8_t *feedback, int size, int64_t now_us) noexcept nogil:
    # One packet; `highest`: last transport-wide number given. False if it is malformed.
    cdef int statuses, delta_at, i, symbol
    cdef int at = 20
    cdef int64_t number, reference, arrival_us
    cdef uint16_t chunk
    if size < 20:
        return False
    statuses = read16(feedback + 14)
    delta_at = chunks_end(feedback, size, statuses)
    if statuses > SENT_PACKETS or delta_at < 0:
        return False
    number = nearest(highest, read16(feedback + 12))
    reference = read32(feedback + 16) >> 8
    if window.begun:
        reference += (window.reference - reference + 0x800000) & <int64_t>-0x1000000
    else:
        window.begun = True
        window.since_us = now_us
        window.last_arrival_us = window.arrival_before_us = window.least_queue_us = NEVER_US
    window.reference = reference
    arrival_us = reference * TICKS_OF_REFERENCE * TICK_US
    while statuses > 0:
        chunk = read16(feedback + at)
        at += 2
        for i in range(min(chunk_length(chunk), statuses)):
            symbol = symbol_of(chunk, i)
            if symbol == 3 or delta_at + symbol > size:
                return False
            if symbol == 1:
                arrival_us += feedback[delta_at] * TICK_US
            elif symbol == 2:
                arrival_us += <int16_t>read16(feedback + delta_at) * TICK_US
            delta_at += symbol
            if number <= highest:
                note_status(window, log, probe, number, symbol != 0, arrival_us, now_us)
            number += 1
        statuses -= chunk_length(chunk)
    return True


cdef inline void note_status(FeedbackWindow *window, SentLog *log, Probe *probe, int64_t number, bint arrived,
                             int64_t arrival_us, int64_t now_us) noexcept nogil:
    cdef SentPacket *packet = sent_log_find(log, number)
    cdef bint was_lost
    cdef int64_t queue_us = 0
    if packet == NULL or packet.fate == ARRIVED or (packet.fate == LOST and not arrived):
        return
    was_lost = packet.fate == LOST
    if not was_lost:
        window.sent_packets += 1
        window.sent_bytes += packet.size
    packet.fate = ARRIVED if arrived else LOST
    window.padding |= packet.mark == PADDING
    if arrived:
        queue_us = queue_of(&window.least, arrival_us - packet.at_us, now_us)
        if may_be_again(packet, queue_us):
            queue_us = UNTIMED
        else:
            window.queue_sum_us += queue_us
            window.least_queue_us = min(window.least_queue_us, queue_us)
            window.timed_packets += 1
        window.acked_packets += 1
        window.acked_bytes += packet.size
        window.lost_packets -= was_lost and window.lost_packets > 0
        if window.last_arrival_us == NEVER_US or arrival_us > window.last_arrival_us:
            window.last_arrival_us = arrival_us
        if window.arrival_before_us == NEVER_US:
            window.arrival_before_us = arrival_us
    else:
        window.lost_packets += 1
    probe_note(probe, number, packet.size, packet.at_us, arrived, arrival_us, queue_us, was_lost)


cdef inline void window_restart(FeedbackWindow *window, int64_t now_us) noexcept nogil:
    window.since_us = now_us
    window.arrival_before_us = window.last_arrival_us
    window.sent_bytes = window.acked_bytes = window.queue_sum_us = 0
    window.sent_packets = window.acked_packets = window.lost_packets = window.timed_packets = 0
    window.least_queue_us = NEVER_US
    window.padding = False


cdef inline int64_t read_remb(const uint8_t *packet, int size) noexcept nogil:
    # Bits per second, -1 if it is another application's feedback or cut off.
    cdef int exponent
    cdef int64_t mantissa
    if size < 20 or memcmp(packet + 12, b"REMB", 4) != 0:
        return -1
    exponent = packet[17] >> 2
    mantissa = read32(packet + 16) & 0x3FFFF
    return min(mantissa << min(exponent, 40), <int64_t>1_000_000_000_000)
