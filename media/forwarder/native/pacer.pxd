# Pictures for a receiver whose line is narrow: what goes much beyond its rate waits here, unsealed, in order.
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

cdef enum:
    PACER_BYTES = 160 * 1024        # may wait for one receiver; what finds no room is lost,
    WAIT_MS = 2500                  # and what would have to wait for so much and for the largest picture that waits
    PACE_PERCENT = 110              # of the line's rate: a burst shall wait here and not in front of the sound
    BURST_MS = 40                   # of it may go at once,
    MIN_BURST_BYTES = 4000          # and so much at any rate
    RESEND_PART = 5                 # of the line's rate, one part is for retransmissions
    MIN_RESEND_BYTES = 3000         # may be resent at once at any rate

# What it takes to seal a packet, in front of its header and payload.
ctypedef struct Waiting:
    int64_t number                  # SRTP index
    uint32_t ssrc
    uint16_t header_bytes
    uint16_t payload_bytes
    int16_t transport_at            # where the transport-wide number goes in the header, 0 nowhere

ctypedef struct Pacer:
    int64_t bits_per_second         # of the line, 0: nothing waits
    int64_t budget_bytes            # may go now
    int64_t resend_bytes            # may be resent now
    int64_t filled_us
    uint8_t *queue                  # NULL before something had to wait
    int begin
    int end
    int largest_bytes               # of one picture, since nothing waited


cdef inline void pacer_fill(Pacer *pacer, int64_t now_us) noexcept nogil:
    # Budgets grow with time.
    cdef int64_t passed_us = min(now_us - pacer.filled_us, 1_000_000)
    cdef int64_t rate = pacer.bits_per_second // 8
    if passed_us <= 0:
        return
    pacer.filled_us = now_us
    pacer.budget_bytes = min(pacer.budget_bytes + PACE_PERCENT * rate * passed_us // 100_000_000,
                             max(PACE_PERCENT * rate * BURST_MS // 100_000, <int64_t>MIN_BURST_BYTES))
    pacer.resend_bytes = min(pacer.resend_bytes + rate * passed_us // (RESEND_PART * 1_000_000),
                             max(rate // RESEND_PART, <int64_t>MIN_RESEND_BYTES))


cdef inline void pacer_set(Pacer *pacer, int64_t bits_per_second, int64_t now_us) noexcept nogil:
    # A line that was not paced before may begin with a full budget.
    if pacer.bits_per_second:
        pacer_fill(pacer, now_us)
        pacer.bits_per_second = bits_per_second
        return
    pacer.bits_per_second = bits_per_second
    pacer.budget_bytes = pacer.resend_bytes = 0
    pacer.filled_us = now_us - 1_000_000
    pacer_fill(pacer, now_us)


cdef inline bint must_wait(Pacer *pacer, int64_t now_us) noexcept nogil:
    # Whether the next picture packet may not go yet.
    if pacer.bits_per_second == 0:
        return pacer.begin < pacer.end
    pacer_fill(pacer, now_us)
    return pacer.begin < pacer.end or pacer.budget_bytes <= 0


cdef inline uint8_t *pacer_room(Pacer *pacer, int bytes) noexcept nogil:
    # Where the next packet may be put, NULL without room.
    if pacer.queue == NULL:
        pacer.queue = <uint8_t *>malloc(PACER_BYTES)
        if pacer.queue == NULL:
            return NULL
    if pacer.begin == pacer.end:
        pacer.begin = pacer.end = 0
    elif pacer.end + bytes > PACER_BYTES and pacer.begin:
        memmove(pacer.queue, pacer.queue + pacer.begin, pacer.end - pacer.begin)
        pacer.end -= pacer.begin
        pacer.begin = 0
    return NULL if pacer.end + bytes > PACER_BYTES else pacer.queue + pacer.end


cdef inline bint is_too_late(Pacer *pacer, int bytes, int picture_bytes) noexcept nogil:
    # Whether the line takes too long until there. One picture may take as long as it needs: without it nothing is seen.
    if pacer.begin == pacer.end:
        pacer.largest_bytes = 0
    pacer.largest_bytes = max(pacer.largest_bytes, picture_bytes)
    return pacer.bits_per_second != 0 and (
        pacer.end - pacer.begin + bytes - pacer.largest_bytes > pacer.bits_per_second * WAIT_MS // 8000)


cdef inline bint pacer_push(Pacer *pacer, const Waiting *waiting, const uint8_t *header, const uint8_t *payload,
                            int *picture_bytes) noexcept nogil:
    # False without room; `picture_bytes`: of this packet's picture before it, and afterwards with it.
    cdef int bytes = <int>sizeof(Waiting) + waiting.header_bytes + waiting.payload_bytes
    cdef uint8_t *at
    if is_too_late(pacer, bytes, picture_bytes[0] + bytes):
        return False
    at = pacer_room(pacer, bytes)
    if at == NULL:
        return False
    picture_bytes[0] += bytes
    memcpy(at, waiting, sizeof(Waiting))
    memcpy(at + sizeof(Waiting), header, waiting.header_bytes)
    memcpy(at + sizeof(Waiting) + waiting.header_bytes, payload, waiting.payload_bytes)
    pacer.end += bytes
    return True


cdef inline const uint8_t *pacer_take(Pacer *pacer, Waiting *waiting) noexcept nogil:
    # The packet that waits longest: its header, followed by its payload; NULL if none does.
    cdef const uint8_t *at = pacer.queue + pacer.begin
    if pacer.begin == pacer.end:
        return NULL
    memcpy(waiting, at, sizeof(Waiting))
    pacer.begin += <int>sizeof(Waiting) + waiting.header_bytes + waiting.payload_bytes
    return at + sizeof(Waiting)


cdef inline void pacer_forget(Pacer *pacer, uint32_t ssrc, int64_t *next_number) noexcept nogil:
    # Takes out all that waits under an SSRC. None of it was sealed: what stands at the end of the row of numbers, below
    # `next_number`, is free again and `next_number` set back. Only such numbers may be used for anything else.
    cdef int at = pacer.begin
    cdef int kept = pacer.begin
    cdef int size
    cdef int64_t first = -1, next_ = -1         # of the last run of numbers without a gap
    cdef Waiting waiting
    while at < pacer.end:
        memcpy(&waiting, pacer.queue + at, sizeof(Waiting))
        size = <int>sizeof(Waiting) + waiting.header_bytes + waiting.payload_bytes
        if waiting.ssrc != ssrc:
            memmove(pacer.queue + kept, pacer.queue + at, size)
            kept += size
        elif waiting.number == next_:
            next_ += 1
        elif waiting.number > next_:            # lower: it came late
            first = waiting.number
            next_ = first + 1
        at += size
    pacer.end = kept
    if next_ == next_number[0]:
        next_number[0] = first
