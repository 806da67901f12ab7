# RTP that publishers send: told apart, opened, put in order, kept for the receivers and told to the tap.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from media.forwarder.native.events cimport EVENT_RESUMED, tell, tell_started, tell_tapped, told_tapped
from media.forwarder.native.keyframe cimport starts_h264_keyframe, starts_vp8_keyframe
from media.forwarder.native.layers cimport begin_layer, catch_up, layer_lives, layer_started, tap_packet
from media.forwarder.native.nack cimport forget_missing, note_gap
from media.forwarder.native.packet_cache cimport Packet, cache_find, cache_keep, cache_pad, cache_room
from media.forwarder.native.reception cimport reception_note, reception_start
from media.forwarder.native.red cimport red_newest
from media.forwarder.native.reporting cimport STALL_US
from media.forwarder.native.rtp cimport (
    Elements, Header, find_element, padding_bytes, parse_header, read_extensions,
)
from media.forwarder.native.sending cimport forward_all, forward_stream
from media.forwarder.native.sequence cimport MAX_GAP, nearest, order_leave_out, order_place, order_start
from media.forwarder.native.srtp cimport ReplayWindow, guess_index, is_replayed, open_rtp, remember_index, replay_init
from media.forwarder.native.state cimport (
    H264, MAX_BATCH_STREAMS, MAX_PENDING, OPUS, RED, STREAM_LINES, VP8, Codec, Peer, State, Stream, want_keyframe,
)
from media.forwarder.native.transport_feedback cimport feedback_note
from media.forwarder.native.windows cimport UNBOUND, Window, windows_add, windows_find
from media.forwarder.native.wire cimport prefetch, prefetch_lines, read16, write16, write32

cdef enum:
    MIN_SOURCE_US = 500_000         # a publisher may change its SSRC, but not twice within this time
    SOON_AFTER_ROLLOVER = 0x1000    # numbers this low may be of a source that began shortly before 0

# A packet of a stream after SRTP and RTX: where its parts lie and what it is.
ctypedef struct Arrival:
    const uint8_t *header           # as received
    const uint8_t *opened           # payload and padding, in the stream's cache room
    int skip_bytes                  # from there to the payload: the original number of RTX
    int payload_bytes               # without padding
    int padding_bytes
    int codec                       # index into the stream's codecs
    bint repaired                   # came by RTX
    int newest_at                   # of RED: where the newest sound begins in the payload, else 0
    uint32_t ssrc
    int64_t ext_seq


cdef inline void take_rtp(State *state, int p, const uint8_t *data, int length, int64_t now_us) noexcept nogil:
    cdef Peer *peer = state.peers[p]
    cdef Header header
    cdef Elements elements
    cdef Arrival arrival
    cdef ReplayWindow fresh
    cdef ReplayWindow *replay = &fresh
    cdef Window *window
    cdef Stream *stream
    cdef int at, opened
    cdef int64_t index
    if not parse_header(data, length, &header):
        state.drops.malformed += 1
        return
    window = windows_find(&peer.rtp_windows, header.ssrc)
    at = UNBOUND if window == NULL else window.stream
    if at < 0:
        at = find_stream(state, peer, data, &header)
        if at < 0:
            state.drops.unknown_ssrc += 1
            return
    stream = state.streams[at]
    if not read_extensions(data, &header, &stream.extensions, &elements):
        state.drops.malformed += 1
        return
    if window == NULL:
        replay_init(&fresh)
    else:
        replay = &window.replay
    index = guess_index(replay, header.seq)
    if is_replayed(replay, index):
        state.drops.replayed += 1
        return
    arrival.opened = cache_room(&stream.cache)
    opened = open_rtp(&peer.rtp_in, header.ssrc, index, data, header.header_bytes, length,
                      <uint8_t *>arrival.opened)
    if opened < 0 and window == NULL and header.seq < SOON_AFTER_ROLLOVER:
        index += 0x10000        # its first packets, sent before the numbers began anew, may all be lost
        opened = open_rtp(&peer.rtp_in, header.ssrc, index, data, header.header_bytes, length,
                          <uint8_t *>arrival.opened)
    if opened < 0:
        state.drops.auth_failed += 1
        return
    if window == NULL:
        window = windows_add(&peer.rtp_windows, header.ssrc, at)
        if window == NULL:
            state.drops.too_many_ssrcs += 1
            return
    window.stream = at
    remember_index(&window.replay, index)
    if elements.transport_number >= 0 and stream.wants_feedback:
        if peer.feedback.arrivals_us == NULL:
            state.peers_due_us[p] = 0
        feedback_note(&peer.feedback, <uint16_t>elements.transport_number, header.ssrc, now_us)
    arrival.padding_bytes = 0
    if header.padded and opened:
        arrival.padding_bytes = padding_bytes(arrival.opened, opened)
        if arrival.padding_bytes < 0:
            state.drops.malformed += 1
            return
    arrival.header = data
    arrival.payload_bytes = opened - arrival.padding_bytes
    take_payload_type(state, at, &header, &elements, &arrival, index, now_us)


cdef inline void foresee_taking(const Stream *stream) noexcept nogil:
    # A packet of this stream will soon be taken: with many streams it lies in far memory.
    prefetch_lines(stream, STREAM_LINES)
    prefetch(&stream.codecs)
    prefetch(&stream.missing)
    prefetch(&stream.pending)


cdef inline int find_stream(State *state, const Peer *peer, const uint8_t *packet, const Header *header) noexcept nogil:
    # By declared SSRC, else by mid, else by a payload type that only one stream has (RFC 8843 9.2); -1 if none tells.
    cdef int i, k, found = -1, candidates = 0
    cdef bint named = False
    cdef Stream *stream
    cdef Elements elements
    for i in range(peer.streams.n):
        stream = state.streams[peer.streams.at[i]]
        for k in range(stream.n_declared):
            if stream.declared[k] == header.ssrc:
                return peer.streams.at[i]
    for i in range(peer.streams.n):
        stream = state.streams[peer.streams.at[i]]
        if read_extensions(packet, header, &stream.extensions, &elements) and elements.mid != NULL:
            named = True
            if elements.mid_bytes == stream.mid_bytes and memcmp(elements.mid, stream.mid, stream.mid_bytes) == 0 and (
                    stream.simulcast == NULL or names_layer(stream, packet, header)):
                return peer.streams.at[i]
        if codec_of_type(stream, header.payload_type) >= 0 or codec_of_rtx_type(stream, header.payload_type) >= 0:
            found = peer.streams.at[i]
            candidates += 1
    return found if candidates == 1 and not named else -1


cdef inline bint names_layer(const Stream *stream, const uint8_t *packet, const Header *header) noexcept nogil:
    # Whether the packet carries the layer's rid, or that of what it repairs (RFC 8852 3).
    cdef int length = 0
    cdef const uint8_t *rid = find_element(packet, header, stream.extensions.rid, &length)
    if rid == NULL:
        rid = find_element(packet, header, stream.extensions.repaired_rid, &length)
    return rid != NULL and length == stream.rid_bytes and memcmp(rid, stream.rid, length) == 0


cdef inline int codec_of_type(const Stream *stream, int payload_type) noexcept nogil:
    cdef int i
    for i in range(stream.n_codecs):
        if stream.codecs[i].payload_type == payload_type:
            return i
    return -1


cdef inline int codec_of_rtx_type(const Stream *stream, int payload_type) noexcept nogil:
    cdef int i
    for i in range(stream.n_codecs):
        if stream.codecs[i].rtx_payload_type == payload_type:
            return i
    return -1


cdef inline int codec_of_name(const Stream *stream, int name) noexcept nogil:
    cdef int i
    for i in range(stream.n_codecs):
        if stream.codecs[i].name == name:
            return i
    return -1


cdef inline void take_payload_type(State *state, int at, const Header *header, const Elements *elements,
                                   Arrival *arrival, int64_t index, int64_t now_us) noexcept nogil:
    # Media as it is; retransmissions (RFC 4588 4) become the packet they repeat.
    cdef Stream *stream = state.streams[at]
    arrival.codec = codec_of_type(stream, header.payload_type)
    arrival.repaired = arrival.codec < 0
    arrival.newest_at = 0
    arrival.skip_bytes = 0
    arrival.ssrc = header.ssrc
    arrival.ext_seq = index
    if not arrival.repaired and stream.codecs[arrival.codec].name == RED:
        arrival.codec = codec_of_name(stream, OPUS)
        if arrival.payload_bytes:
            arrival.newest_at = red_newest(arrival.opened, arrival.payload_bytes,
                                           stream.codecs[arrival.codec].payload_type)
        if arrival.newest_at < 0:
            state.drops.malformed += 1
            return
    if arrival.repaired:
        arrival.codec = codec_of_rtx_type(stream, header.payload_type)
        if arrival.codec < 0:
            state.drops.unknown_payload_type += 1
            return
        if not stream.started:
            state.drops.unbound_rtx += 1
            return
        if arrival.payload_bytes < 2:
            state.drops.rtx_padding += 1        # it probes the line
            return
        arrival.skip_bytes = 2
        arrival.payload_bytes -= 2
        arrival.padding_bytes = 0
        arrival.ssrc = stream.ssrc
        arrival.ext_seq = nearest(stream.order.highest, read16(arrival.opened))
    take_media(state, at, header, elements, arrival, now_us)


cdef inline void take_media(State *state, int at, const Header *header, const Elements *elements,
                            const Arrival *arrival, int64_t now_us) noexcept nogil:
    cdef Stream *stream = state.streams[at]
    cdef int64_t place
    cdef bint in_order
    cdef bint begun = False
    if not stream.started or arrival.ssrc != stream.ssrc:
        if stream.started and now_us - stream.last_packet_us < STALL_US and (
                (elements.has_rid and stream.simulcast == NULL) or now_us - stream.since_us < MIN_SOURCE_US):
            # A layer we did not negotiate, a straggler, or a flood of SSRCs.
            state.drops.extra_source += 1
            return
        start_source(state, at, header, arrival, now_us)
    in_order = arrival.ext_seq > stream.order.highest
    if in_order:
        note_progress(state, at, arrival.ext_seq, now_us)
        place = order_place(&stream.order, arrival.ext_seq)
    else:
        place = place_of_late(state, stream, arrival)
        if place < 0:
            return
        stream.recovered += arrival.ext_seq >= stream.first
        forget_missing(&stream.missing, arrival.ext_seq)
    if arrival.codec != stream.codec:
        stream.codec = arrival.codec
        if stream.simulcast == NULL:
            tell_started(state, stream)
    if not arrival.repaired:
        reception_note(&stream.reception, arrival.ext_seq, header.timestamp, stream.codecs[stream.codec].clock_rate,
                       now_us)
    note_arrival(state, stream, header, arrival, now_us)
    if arrival.payload_bytes == 0 and in_order:
        order_leave_out(&stream.order, arrival.ext_seq)     # padding only: the receivers see no gap
        return
    if stream.simulcast != NULL or stream.waiting.n:
        begun = begin_layer(state, at, arrival.opened + arrival.skip_bytes, arrival.payload_bytes, place,
                            header.timestamp + stream.timestamp_offset, now_us)
    keep(state, at, header, elements, arrival, place, now_us)
    if stream.simulcast != NULL and stream.simulcast.tap_place == at and stream.simulcast.tapped:
        tap_packet(state, stream, cache_find(&stream.cache, place))
    if begun and not in_order:
        catch_up(state, at, place)


cdef inline void start_source(State *state, int at, const Header *header, const Arrival *arrival,
                              int64_t now_us) noexcept nogil:
    # The first packet, or a new SSRC: numbers and timestamps towards the receivers go on where they were.
    cdef Stream *stream = state.streams[at]
    cdef int64_t passed
    if stream.started:
        passed = (now_us - stream.last_packet_us) * stream.codecs[arrival.codec].clock_rate // 1_000_000
        stream.timestamp_offset = stream.last_timestamp + <uint32_t>max(passed, 1) - header.timestamp
    stream.started = True
    stream.ssrc = arrival.ssrc
    stream.codec = arrival.codec
    stream.since_us = now_us
    stream.first = arrival.ext_seq
    stream.missing.n = 0
    stream.has_sr = False
    stream.wish.after = -1
    order_start(&stream.order, arrival.ext_seq)
    reception_start(&stream.reception, arrival.ext_seq)
    state.streams_due_us[at] = 0
    if stream.simulcast == NULL:
        tell_started(state, stream)
    else:
        layer_started(state, at, header.timestamp, now_us)


cdef inline void note_progress(State *state, int at, int64_t ext_seq, int64_t now_us) noexcept nogil:
    # A new highest number: what it jumped over is missing, to be asked for.
    cdef Stream *stream = state.streams[at]
    cdef int64_t gap = ext_seq - stream.order.highest - 1
    if gap:
        if not note_gap(&stream.missing, stream.order.highest + 1, ext_seq, now_us):
            want_keyframe(state, at)
        if gap > MAX_GAP:
            order_start(&stream.order, ext_seq)
        else:
            stream.lost += gap
        state.streams_due_us[at] = 0
    stream.order.highest = ext_seq


cdef inline int64_t place_of_late(State *state, Stream *stream, const Arrival *arrival) noexcept nogil:
    # The place of a packet that is not the newest, -1 (and counted) if it is not wanted any more.
    cdef int64_t place = order_place(&stream.order, arrival.ext_seq)
    cdef Packet *packet
    if arrival.ext_seq <= stream.order.highest - (stream.cache.n_packets - MAX_PENDING):
        state.drops.late += 1
        return -1
    packet = &stream.cache.packets[place & (stream.cache.n_packets - 1)]
    if place < 0 or packet.place == place:
        if arrival.repaired:
            state.drops.redundant_rtx += 1
        else:
            state.drops.duplicate += 1
        return -1
    return place


cdef inline void note_arrival(State *state, Stream *stream, const Header *header, const Arrival *arrival,
                              int64_t now_us) noexcept nogil:
    cdef const uint8_t *payload = arrival.opened + arrival.skip_bytes
    cdef uint8_t *told
    cdef int name = stream.codecs[stream.codec].name
    stream.packets += 1
    stream.bytes += arrival.payload_bytes
    stream.last_packet_us = now_us
    if stream.stalled and stream.simulcast != NULL:
        layer_lives(state, stream)
    elif stream.stalled:
        stream.stalled = False
        tell(state, EVENT_RESUMED, stream.id)
    if stream.tapped:
        told = tell_tapped(state, stream.tap_into, stream.id, arrival.header, header.header_bytes,
                           payload + arrival.newest_at,
                           arrival.payload_bytes - arrival.newest_at + arrival.padding_bytes, now_us)
        if told != NULL and arrival.newest_at:
            told[1] = <uint8_t>((header.marker << 7) | stream.codecs[stream.codec].payload_type)
        if told != NULL and arrival.repaired:
            told[0] &= 0xDF
            told[1] = <uint8_t>((header.marker << 7) | stream.codecs[stream.codec].payload_type)
            write16(told + 2, <uint32_t>(arrival.ext_seq & 0xFFFF))
            write32(told + 8, stream.ssrc)
        if told != NULL:
            told_tapped(stream.tap_into)
    if stream.wish.wanted and arrival.ext_seq > stream.wish.after and (
            (name == VP8 and starts_vp8_keyframe(payload, arrival.payload_bytes))
            or (name == H264 and starts_h264_keyframe(payload, arrival.payload_bytes))):
        stream.wish.wanted = stream.wish.fresh = False


cdef inline void keep(State *state, int at, const Header *header, const Elements *elements, const Arrival *arrival,
                      int64_t place, int64_t now_us) noexcept nogil:
    # Keeps the packet for forwarding at the end of the batch and for retransmission.
    cdef Stream *stream = state.streams[at]
    cdef Packet *packet = cache_keep(&stream.cache, place, arrival.skip_bytes, arrival.payload_bytes)
    packet.arrival_us = now_us
    packet.timestamp = header.timestamp + stream.timestamp_offset
    packet.codec = <int>stream.codecs[stream.codec].name
    packet.newest_at = <uint16_t>arrival.newest_at
    packet.marker = header.marker
    packet.audio_level = elements.audio_level
    packet.video_orientation = elements.video_orientation
    if arrival.payload_bytes == 0:
        cache_pad(&stream.cache, packet, 1)     # padding that was asked for again: later numbers went out already
    stream.last_timestamp = packet.timestamp
    if not stream.in_batch:
        if state.n_batch_streams == MAX_BATCH_STREAMS:
            forward_all(state)
        state.batch_streams[state.n_batch_streams] = at
        state.n_batch_streams += 1
        stream.in_batch = True
    stream.pending[stream.n_pending] = <int>(place & (stream.cache.n_packets - 1))
    stream.n_pending += 1
    if (stream.n_pending == MAX_PENDING or stream.cache.head - stream.cache.packets[stream.pending[0]].position
            > stream.cache.ring_bytes // 2):
        forward_stream(state, stream)
