# A receiver's line: its reports taken in and told to Python, and probes of it.
from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.string cimport memset

from media.forwarder.native.events cimport EVENT_ESTIMATE, EVENT_PROBED, EVENT_WINDOW, tell_numbers
from media.forwarder.native.line cimport Line, line_new
from media.forwarder.native.packet_cache cimport Packet
from media.forwarder.native.probing cimport PADDING_BYTES, PATIENCE_US, UNTIMED, Probe, probe_due_bytes, probe_span_us, probe_start
from media.forwarder.native.receiver_feedback cimport (
    NEVER_US, WINDOW_US, FeedbackWindow, read_remb, take_feedback, window_restart,
)
from media.forwarder.native.sending cimport send_beside
from media.forwarder.native.sent_log cimport PADDING, UNREPORTED, SentPacket, sent_log_find
from media.forwarder.native.state cimport CODEC_NAMES, Peer, Sink, State, Stream

cdef enum:
    LINE_WATCH_US = 5_000           # how often a line with something waiting or a probe is looked at
    MOST_PADDING = 200              # packets at once


cdef inline Line *line_of(Peer *peer) noexcept nogil:
    # Made when first needed; NULL without memory.
    if peer.line == NULL:
        peer.line = line_new()
    return peer.line


cdef inline bint is_line_busy(const Line *line) noexcept nogil:
    return line.pacer.begin < line.pacer.end or line.probe.sending or line.probe.waiting


# --- reports ----------------------------------------------------------------------------------------------------------

cdef inline bint take_line_feedback(State *state, int p, const uint8_t *packet, int size, int64_t now_us) noexcept nogil:
    # False if it is malformed. With the first one the log of what is sent begins.
    cdef Peer *peer = state.peers[p]
    cdef Line *line
    cdef FeedbackWindow *window
    if peer.transport_number == 0:
        return True                 # about packets we never sent
    line = line_of(peer)
    if line == NULL:
        return True
    window = &line.window
    if not take_feedback(window, &line.log, &line.probe, peer.transport_number, packet, size, now_us):
        return False
    if window.sent_packets and now_us - window.since_us >= WINDOW_US:
        tell_window(state, peer, window, now_us)
        window_restart(window, now_us)
    if line.probe.waiting and is_reported(line, line.probe.last):
        tell_probed(state, peer, now_us)
    return True


cdef inline bint is_reported(Line *line, int64_t number) noexcept nogil:
    cdef SentPacket *packet = sent_log_find(&line.log, number)
    return packet == NULL or packet.fate != UNREPORTED


cdef inline void tell_window(State *state, const Peer *peer, const FeedbackWindow *window, int64_t now_us) noexcept nogil:
    cdef int64_t[9] numbers
    numbers[0] = now_us
    numbers[1] = 0 if window.arrival_before_us == NEVER_US else window.last_arrival_us - window.arrival_before_us
    numbers[2] = window.sent_bytes
    numbers[3] = window.acked_bytes
    numbers[4] = window.sent_packets
    numbers[5] = window.lost_packets
    numbers[6] = window.queue_sum_us // window.timed_packets if window.timed_packets else 0
    numbers[7] = window.padding
    numbers[8] = window.least_queue_us if window.timed_packets else 0
    tell_numbers(state, EVENT_WINDOW, peer.id, numbers, 9)


cdef inline void take_remb(State *state, int p, const uint8_t *packet, int size, int64_t now_us) noexcept nogil:
    cdef Peer *peer = state.peers[p]
    cdef int64_t bits_per_second = read_remb(packet, size)
    if bits_per_second < 0 or line_of(peer) == NULL or (
            peer.line.estimate_us and now_us - peer.line.estimate_us < WINDOW_US):
        return
    peer.line.estimate_us = now_us
    tell_numbers(state, EVENT_ESTIMATE, peer.id, &bits_per_second, 1)


# --- probes -----------------------------------------------------------------------------------------------------------

cdef inline Sink *padding_sink(State *state, const Peer *peer) noexcept nogil:
    # Whose retransmissions can carry padding, best one that sends; NULL if none can.
    cdef Sink *found = NULL
    cdef Sink *sink
    cdef int i
    for i in range(peer.sinks.n):
        sink = state.sinks[peer.sinks.at[i]]
        if (sink.has_rtx and sink.extensions.transport_cc and state.streams[sink.stream].video
                and padding_type(sink) >= 0 and (found == NULL or sink.active > found.active)):
            found = sink
    return found


cdef inline int padding_type(const Sink *sink) noexcept nogil:
    # A payload type of its retransmissions, -1 without.
    cdef int i
    for i in range(CODEC_NAMES):
        if sink.rtx_payload_types[i] >= 0:
            return sink.rtx_payload_types[i]
    return -1


cdef inline void start_probe(State *state, int p, int64_t bits_per_second, int64_t duration_us,
                             int64_t now_us) noexcept nogil:
    # The line is there already.
    cdef Peer *peer = state.peers[p]
    probe_start(&peer.line.probe, bits_per_second, duration_us, <int64_t>peer.transport_number + 1,
                peer.line.log.bytes, now_us)
    if not peer.has_address or padding_sink(state, peer) == NULL:
        tell_probed(state, peer, now_us)
    state.peers_due_us[p] = 0


cdef inline void run_probe(State *state, int p, int64_t now_us) noexcept nogil:
    # Sends the padding that is due, and ends the probe.
    cdef Peer *peer = state.peers[p]
    cdef Probe *probe = &peer.line.probe
    cdef Sink *sink
    cdef int sent = 0
    if probe.sending:
        sink = padding_sink(state, peer)
        while sink != NULL and sent < MOST_PADDING and probe_due_bytes(probe, peer.line.log.bytes, now_us) > 0:
            send_padding(state, sink, now_us)
            sent += 1
        if now_us >= probe.until_us:
            probe.sending = False
            probe.waiting = True
            probe.last = peer.transport_number
    elif probe.waiting and now_us - probe.until_us > PATIENCE_US:
        tell_probed(state, peer, now_us)


cdef inline void send_padding(State *state, Sink *sink, int64_t now_us) noexcept nogil:
    # RTP padding under the numbers of retransmissions: it has no place in the picture (RFC 4588 4).
    cdef Peer *peer = state.peers[sink.peer]
    cdef Packet packet
    cdef uint8_t padding[PADDING_BYTES]
    cdef SentPacket *logged
    cdef int64_t budget_bytes = peer.line.pacer.budget_bytes
    memset(&packet, 0, sizeof(Packet))
    memset(padding, 0, PADDING_BYTES)
    padding[PADDING_BYTES - 1] = PADDING_BYTES
    packet.arrival_us = now_us
    packet.audio_level = packet.video_orientation = -1
    packet.timestamp = state.streams[sink.stream].last_timestamp
    if sink.shaping != NULL:
        packet.timestamp += sink.shaping.timestamp_shift
    send_beside(state, sink, &packet, padding_type(sink), padding, PADDING_BYTES, True)
    peer.line.pacer.budget_bytes = budget_bytes     # pictures do not wait for padding
    logged = sent_log_find(&peer.line.log, peer.transport_number)
    if logged != NULL:
        logged.mark = PADDING


cdef inline void tell_probed(State *state, const Peer *peer, int64_t now_us) noexcept nogil:
    cdef Probe *probe = &peer.line.probe
    cdef int64_t[7] numbers
    numbers[0] = now_us
    numbers[1] = probe.sent_bytes
    numbers[2] = probe.acked_bytes
    numbers[3] = probe_span_us(probe)
    numbers[4] = probe.lost_packets
    numbers[5] = probe.queue_us
    numbers[6] = probe.queue_us if probe.left_queue_us == UNTIMED else probe.left_queue_us
    probe.sending = probe.waiting = False
    tell_numbers(state, EVENT_PROBED, peer.id, numbers, 7)
