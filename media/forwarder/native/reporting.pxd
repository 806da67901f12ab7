# RTCP that we write: what publishers and receivers are told and asked, at once or when it is due.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from media.forwarder.native.clock cimport ntp_of, rtp_at
from media.forwarder.native.events cimport EVENT_STALLED, tell
from media.forwarder.native.keyframe cimport PLI_INTERVAL_US, is_request_due, take_due_request
from media.forwarder.native.layers cimport (
    LAYER_WATCH_US, is_awaited, is_left_behind, is_sent, layer_stalled,
)
from media.forwarder.native.line_reports cimport LINE_WATCH_US, is_line_busy, run_probe
from media.forwarder.native.nack cimport MAX_MISSING, NACK_TRIES_AUDIO, NACK_TRIES_VIDEO, take_due_missing
from media.forwarder.native.reception cimport write_report_block
from media.forwarder.native.rtcp cimport (
    MAX_REPORT_BLOCKS, NACK_FORMAT, PLI_FORMAT, PSFB, RR, RTPFB, write_bye, write_cname, write_feedback_header,
    write_nack_entries, write_rtcp_header, write_sender_info,
)
from media.forwarder.native.sending cimport release_waiting, send_report
from media.forwarder.native.state cimport Peer, Simulcast, Sink, State, Stream, want_keyframe
from media.forwarder.native.transport_feedback cimport FEEDBACK_INTERVAL_US, write_transport_feedback
from media.forwarder.native.wire cimport write32

cdef enum:
    STALL_US = 2_000_000
    REPORT_INTERVAL_US = 1_000_000
    RETRY_US = 10_000               # how often a stream that waits for something is looked at
    RELIEF_US = 300_000             # how long after our socket overflowed nothing is asked for
    UNREADY_US = 50_000             # how often a sink that cannot report yet is looked at


cdef inline int64_t watch_stream(State *state, int at, int64_t now_us) noexcept nogil:
    # Asks for what is missing and for key frames, notices silence; returns when to look again.
    cdef Stream *stream = state.streams[at]
    if not stream.started:
        return now_us + STALL_US    # the first packet looks at once
    ask_for_missing(state, at, now_us)
    if stream.waiting.n + (stream.simulcast != NULL) and not stream.wish.wanted and is_awaited(state, stream, at):
        want_keyframe(state, at)
    if stream.codecs[stream.codec].pli and is_its_turn(state, stream, now_us) and take_due_request(
            &stream.wish, now_us):
        if stream.simulcast != NULL:
            stream.simulcast.asked_us = now_us
        write_feedback_header(state.report, PSFB, PLI_FORMAT, 12, state.peers[stream.peer].report_ssrc, stream.ssrc)
        stream.plis_sent += 1
        send_report(state, stream.peer, 12)
    if not stream.stalled and stream.simulcast != NULL and (
            now_us - stream.last_packet_us > STALL_US or is_left_behind(state, stream)):
        layer_stalled(state, stream)
    elif not stream.stalled and now_us - stream.last_packet_us > STALL_US:
        stream.stalled = True
        tell(state, EVENT_STALLED, stream.id)
    if stream.missing.n or stream.wish.wanted:
        return now_us + RETRY_US
    if stream.simulcast != NULL or stream.waiting.n:
        return now_us + LAYER_WATCH_US
    return now_us + STALL_US if stream.stalled else stream.last_packet_us + STALL_US + 1


cdef inline bint is_its_turn(State *state, const Stream *stream, int64_t now_us) noexcept nogil:
    # One encoder serves all layers: they ask one after the other, who asked longest ago first.
    cdef const Simulcast *track = stream.simulcast
    cdef const Stream *other
    cdef int i
    if track == NULL:
        return True
    if now_us - track.asked_us < PLI_INTERVAL_US:
        return False
    for i in range(track.n):
        other = state.streams[track.places[i]]
        if (is_request_due(&other.wish, now_us) and is_sent(other) and other.codecs[other.codec].pli
                and other.wish.last_us < stream.wish.last_us):
            return False
    return True


cdef inline void ask_for_missing(State *state, int at, int64_t now_us) noexcept nogil:
    cdef Stream *stream = state.streams[at]
    cdef int64_t due[MAX_MISSING]
    cdef int n_due, length
    cdef bint gave_up = False
    if stream.missing.n == 0:
        return
    if not stream.codecs[stream.codec].nack:
        stream.missing.n = 0
        return
    if state.dropped_us and now_us - state.dropped_us < RELIEF_US:
        return                      # we dropped it ourselves: not to be asked for while that may happen again
    n_due = take_due_missing(&stream.missing, NACK_TRIES_VIDEO if stream.video else NACK_TRIES_AUDIO, now_us, due,
                             &gave_up)
    if gave_up:
        want_keyframe(state, at)
    if n_due:
        stream.nacks_sent += n_due
        length = 12 + write_nack_entries(state.report + 12, due, n_due)
        write_feedback_header(state.report, RTPFB, NACK_FORMAT, length, state.peers[stream.peer].report_ssrc,
                              stream.ssrc)
        send_report(state, stream.peer, length)


cdef inline int64_t watch_peer(State *state, int p, int64_t now_us) noexcept nogil:
    # Sends transport-wide feedback and receiver reports when due; returns when to look again.
    cdef Peer *peer = state.peers[p]
    cdef int length
    if peer.line != NULL:
        release_waiting(state, p, now_us)
        run_probe(state, p, now_us)
    if now_us >= peer.feedback_due_us:
        peer.feedback_due_us = now_us + FEEDBACK_INTERVAL_US
        while peer.feedback.arrivals_us != NULL:
            length = write_transport_feedback(&peer.feedback, peer.report_ssrc, state.report)
            if length == 0:
                break
            send_report(state, p, length)
    if now_us >= peer.report_due_us:
        peer.report_due_us = now_us + REPORT_INTERVAL_US
        send_receiver_report(state, p, now_us)
    if peer.line != NULL and is_line_busy(peer.line):
        return now_us + LINE_WATCH_US
    if peer.feedback.arrivals_us != NULL:
        return min(peer.feedback_due_us, peer.report_due_us)
    return peer.report_due_us


cdef inline void send_receiver_report(State *state, int p, int64_t now_us) noexcept nogil:
    # Loss and jitter of what the peer publishes (RFC 3550 6.4.2), and our name.
    cdef Peer *peer = state.peers[p]
    cdef Stream *stream
    cdef int i, blocks = 0
    cdef int at = 8
    for i in range(peer.streams.n):
        stream = state.streams[peer.streams.at[i]]
        if stream.started and blocks < MAX_REPORT_BLOCKS:
            write_report_block(&stream.reception, stream.ssrc, stream.order.highest, state.report + at, now_us)
            at += 24
            blocks += 1
    if blocks == 0:
        return
    write_rtcp_header(state.report, blocks, RR, at)
    write32(state.report + 4, peer.report_ssrc)
    at += write_cname(state.report + at, peer.report_ssrc, b"relay", 5)
    send_report(state, p, at)


cdef inline int64_t watch_sink(State *state, int at, int64_t now_us) noexcept nogil:
    # Sends the SR: the publisher's own mapping of time, on our clock, carried on to now; returns when to look again.
    cdef Sink *sink = state.sinks[at]
    cdef Stream *stream = state.streams[sink.stream]
    cdef Peer *publisher = state.peers[stream.peer]
    cdef uint64_t ntp
    cdef int length
    if not sink.active or not stream.has_sr or stream.stalled:
        return now_us + REPORT_INTERVAL_US      # what makes it ready looks at once; a silent source has nothing to tell
    if not sink.packets:
        return now_us + UNREADY_US
    ntp = ntp_of(state.wall_minus_monotonic, now_us)
    length = write_sender_info(
        state.report, sink.ssrc, ntp,
        rtp_at(ntp, stream.sr_our_ntp, stream.sr_rtp, stream.codecs[stream.codec].clock_rate) + stream.timestamp_offset
        + (0 if sink.shaping == NULL else sink.shaping.timestamp_shift),
        sink.packets, sink.bytes)
    length += write_cname(state.report + length, sink.ssrc, publisher.cname, publisher.cname_bytes)
    send_report(state, sink.peer, length)
    return now_us + REPORT_INTERVAL_US


cdef inline void send_bye(State *state, const Sink *sink) noexcept nogil:
    # Tells the receiver that this SSRC ends, if it ever began.
    cdef Peer *publisher = state.peers[state.streams[sink.stream].peer]
    cdef int at = 8
    if not sink.packets:
        return
    write_rtcp_header(state.report, 0, RR, at)
    write32(state.report + 4, sink.ssrc)
    at += write_cname(state.report + at, sink.ssrc, publisher.cname, publisher.cname_bytes)
    at += write_bye(state.report + at, sink.ssrc)
    send_report(state, sink.peer, at)


cdef inline void run_timers(State *state, int64_t now_us) noexcept nogil:
    # All that is due by time; to be called every 10 to 20 ms.
    cdef int i
    state.now_us = now_us
    for i in range(state.room_streams):
        if state.streams_due_us[i] <= now_us and state.streams[i] != NULL:
            state.streams_due_us[i] = watch_stream(state, i, now_us)
    for i in range(state.room_sinks):
        if state.sinks_due_us[i] <= now_us and state.sinks[i] != NULL:
            state.sinks_due_us[i] = watch_sink(state, i, now_us)
    for i in range(state.room_peers):
        if state.peers_due_us[i] <= now_us and state.peers[i] != NULL:
            state.peers_due_us[i] = watch_peer(state, i, now_us)
