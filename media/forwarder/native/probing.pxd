# Probes of a receiver's line: how much padding is due, and what became of what was sent meanwhile.
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    PATIENCE_US = 1_000_000         # how long after a probe its last reports are waited for
    PADDING_BYTES = 255             # in one packet, the most that RTP allows (RFC 3550 5.1)
    UNTIMED = -1                    # a queueing time that cannot be told
    END_PART = 4                    # the last of so many parts of a probe is its end

ctypedef struct Probe:
    bint sending
    bint waiting                    # for reports
    int64_t bits_per_second
    int64_t since_us
    int64_t until_us
    uint64_t bytes_before           # sent to the peer before the probe
    int64_t first                   # transport-wide numbers sent during the probe, extended
    int64_t last
    # what was reported
    int64_t sent_bytes
    int64_t acked_bytes
    int64_t lost_packets
    int64_t first_sent_us
    int64_t last_sent_us
    int64_t first_arrival_us
    int64_t last_arrival_us
    int64_t queue_us
    int64_t left_queue_us           # the least of what was sent at its end; UNTIMED before the first
    bint any_


cdef inline void probe_start(Probe *probe, int64_t bits_per_second, int64_t duration_us, int64_t next_number,
                             uint64_t bytes_before, int64_t now_us) noexcept nogil:
    probe[0] = Probe(True, False, bits_per_second, now_us, now_us + duration_us, bytes_before, next_number, 0, 0, 0, 0,
                     0, 0, 0, 0, 0, UNTIMED, False)


cdef inline int64_t probe_due_bytes(const Probe *probe, uint64_t bytes, int64_t now_us) noexcept nogil:
    # How much padding it takes now for media and padding to keep the rate; `bytes`: sent to the peer in all.
    cdef int64_t elapsed_us = min(now_us, probe.until_us) - probe.since_us
    return probe.bits_per_second * elapsed_us // 8_000_000 - <int64_t>(bytes - probe.bytes_before)


cdef inline void probe_note(Probe *probe, int64_t number, int size, int64_t sent_us, bint arrived,
                            int64_t arrival_us, int64_t queue_us, bint was_lost) noexcept nogil:
    # A packet was reported on, perhaps for the second time: lost first and arrived after all.
    if not (probe.sending or probe.waiting) or number < probe.first or (probe.waiting and number > probe.last):
        return
    if not was_lost:
        probe.sent_bytes += size
        if probe.first_sent_us == 0:
            probe.first_sent_us = sent_us
        probe.last_sent_us = max(probe.last_sent_us, sent_us)
    if not arrived:
        probe.lost_packets += 1
        return
    probe.lost_packets -= was_lost
    probe.acked_bytes += size
    probe.queue_us = max(probe.queue_us, queue_us)
    if queue_us != UNTIMED and sent_us >= probe.until_us - (probe.until_us - probe.since_us) // END_PART:
        probe.left_queue_us = queue_us if probe.left_queue_us == UNTIMED else min(probe.left_queue_us, queue_us)
    if not probe.any_ or arrival_us < probe.first_arrival_us:
        probe.first_arrival_us = arrival_us
    if not probe.any_ or arrival_us > probe.last_arrival_us:
        probe.last_arrival_us = arrival_us
    probe.any_ = True


cdef inline int64_t probe_span_us(const Probe *probe) noexcept nogil:
    # The longer of the times in which the packets reported on were sent and in which they arrived.
    return max(probe.last_sent_us - probe.first_sent_us, probe.last_arrival_us - probe.first_arrival_us)
