# The state of the packet core: peers, the streams they publish, the sinks that carry a stream to a receiver.
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from media.forwarder.native.rtp cimport Extensions, Header
from media.forwarder.native.srtp cimport Protection, ReplayWindow
from media.forwarder.native.tables cimport Table

cdef enum:
    MAX_PACKET_BYTES = 1500         # larger datagrams are dropped as malformed
    SLOT_BYTES = 1600               # a packet and the padding that evens sizes for GSO
    VIDEO_SLOTS = 512               # about 2 s of a 2 Mbit/s picture; a power of two
    AUDIO_SLOTS = 64                # 1.3 s of Opus
    MAX_SSRCS = 32                  # SSRCs one peer may send; more are dropped
    MAX_RTCP_SSRCS = 16
    MAX_CODECS = 16
    MAX_DECLARED = 16
    MAX_MISSING = 256               # sequence numbers asked for at a time
    MAX_PENDING = 256               # packets of one stream in one batch
    MAX_DROPS = 32
    TWCC_RING = 2048
    RESEND_RING = 128
    CODEC_NAMES = 3                 # opus, vp8, h264

ctypedef struct Codec:
    int payload_type
    int rtx_payload_type            # -1 if not negotiated
    int name                        # 0 opus, 1 vp8, 2 h264
    uint32_t clock_rate
    bint nack
    bint pli
    bint twcc

ctypedef struct Slot:
    int64_t fwd_seq                 # number in the stream's gapless order, -1 when empty
    int64_t arrival_us
    int length                      # of the packet as received
    int header_bytes
    int payload_bytes               # without the publisher's padding
    int pad_bytes                   # of ours, to even sizes
    uint32_t timestamp
    int codec
    bint marker
    int16_t audio_level             # -1 if the packet has none
    int16_t video_orientation       # -1 if the packet has none
    uint8_t bytes[SLOT_BYTES]

ctypedef struct Missing:
    int64_t ext_seq
    int64_t since_us
    int64_t due_us
    int asked

ctypedef struct Binding:
    uint32_t ssrc
    int stream                      # index of the stream
    ReplayWindow window

ctypedef struct RtcpBinding:
    uint32_t ssrc
    ReplayWindow window

ctypedef struct Spent:
    uint32_t ssrc
    int64_t next_index              # first SRTP index not used yet under this SSRC

ctypedef struct Peer:
    int64_t id
    bint has_address
    uint8_t address[18]
    Protection rtp_in
    Protection rtp_out
    Protection rtcp_in
    Protection rtcp_out
    uint32_t srtcp_index
    uint32_t report_ssrc            # under which we report to a peer that gets no sink
    char cname[64]
    int cname_bytes
    Binding bindings[MAX_SSRCS]
    int n_bindings
    int last_binding
    RtcpBinding rtcp_bindings[MAX_RTCP_SSRCS]
    int n_rtcp_bindings
    Spent *spent
    int n_spent
    int room_spent
    # transport-wide feedback
    bint twcc_any
    int64_t twcc_highest
    int64_t twcc_base               # first number not reported yet
    int64_t twcc_due_us
    uint32_t twcc_media_ssrc
    uint8_t twcc_count
    int64_t *twcc_arrivals          # by number modulo TWCC_RING, microseconds, 0 unknown
    int64_t clock_offset_ntp        # our NTP minus the publisher's, 32.32
    bint has_clock_offset
    int64_t rr_due_us
    uint32_t twcc_out               # last transport-wide number given to what we send
    int started_streams
    int said_bye

ctypedef struct Sink:
    int64_t id
    int stream
    int peer
    uint32_t ssrc
    uint32_t rtx_ssrc
    bint has_rtx
    int payload_types[CODEC_NAMES]  # -1: that codec is not sent
    int rtx_payload_types[CODEC_NAMES]
    Extensions extensions
    uint8_t mid[16]
    int mid_bytes
    bint active
    bint anchored                   # whether offset is valid
    int64_t offset                  # out_seq = fwd_seq - offset
    int64_t anchor_out              # lowest out_seq to which offset applies
    int64_t first_out
    int64_t next_out                # one more than the highest out_seq used
    int64_t rtx_next
    int64_t sr_due_us
    int64_t resend_seq[RESEND_RING]
    int64_t resend_us[RESEND_RING]
    int resend_count[RESEND_RING]
    int64_t budget_bytes            # what may be resent now
    int64_t budget_us
    uint32_t last_sr_mid[8]         # middle 32 bits of NTP of our last reports, for the round trip
    int64_t last_sr_us[8]
    int last_sr
    uint64_t packets
    uint64_t bytes
    uint64_t resent
    uint64_t nacks_received
    uint64_t plis_received
    double fraction_lost
    int64_t packets_lost
    int64_t last_rr_us
    double rtt

ctypedef struct Stream:
    int64_t id
    int peer
    bint video
    uint8_t mid[16]
    int mid_bytes
    Codec codecs[MAX_CODECS]
    int n_codecs
    Extensions extensions
    uint32_t declared[MAX_DECLARED]
    int n_declared
    bint started
    bint stalled
    bint said_bye
    uint32_t ssrc
    int codec
    int64_t first                   # ext_seq at which fwd_base counts
    int64_t fwd_base
    int64_t highest                 # ext_seq, -1 before the first
    int64_t drops[MAX_DROPS]        # ext_seqs left out of the forwarded order, newest last
    int n_drops
    int64_t total_drops
    uint32_t timestamp_offset
    uint32_t last_timestamp_out
    int64_t last_media_us
    Slot *slots
    int n_slots
    Missing missing[MAX_MISSING]
    int n_missing
    int pending[MAX_PENDING]        # slots to forward at the end of the batch
    int n_pending
    int *sinks
    int n_sinks
    int room_sinks
    bint tapped
    bint keyframe_wanted
    int64_t last_pli_us
    int pli_tries
    uint8_t fir_count
    # reception report (RFC 3550 6.4.1, A.3, A.8)
    int64_t rr_first
    int64_t rr_received
    int64_t rr_expected_prior
    int64_t rr_received_prior
    double jitter
    int64_t last_transit
    # newest sender report
    bint has_sr
    uint64_t sr_ntp
    uint32_t sr_rtp
    int64_t sr_us
    uint64_t packets
    uint64_t bytes
    uint64_t lost
    uint64_t recovered
    uint64_t nacks_sent
    uint64_t plis_sent
    int64_t last_packet_us          # -1 before the first

# One datagram, or several of equal size for one receiver (all but the last), in the arena.
ctypedef struct Message:
    int peer
    uint8_t address[18]
    int64_t at
    int length
    int segment_bytes
    int segments
    bint closed                     # a shorter segment ended it

ctypedef struct Drops:
    uint64_t unknown_peer
    uint64_t unknown_ssrc
    uint64_t unknown_payload_type
    uint64_t malformed
    uint64_t auth_failed
    uint64_t replayed
    uint64_t too_many_ssrcs
    uint64_t late
    uint64_t duplicate
    uint64_t rtcp_malformed
    uint64_t events_full

cdef class Core:
    cdef Peer **peers
    cdef Stream **streams
    cdef Sink **sinks
    cdef int room_peers, room_streams, room_sinks
    cdef dict peer_numbers, stream_numbers, sink_numbers
    cdef Table addresses
    cdef uint8_t *arena
    cdef int64_t arena_bytes, arena_used
    cdef Message *messages
    cdef int n_messages, room_messages
    cdef int fd                     # -1: sans-IO, messages wait to be taken
    cdef bint gso
    cdef bint ipv6
    cdef uint8_t *events
    cdef int64_t events_bytes, events_used
    cdef Drops drops
    cdef double wall_minus_monotonic
    cdef uint64_t datagrams_in, datagrams_out, sends, send_errors
    cdef int batch_streams[1024]
    cdef int n_batch_streams
    cdef uint8_t scratch[2048]
    cdef uint8_t report[2048]

    cdef void take(self, const uint8_t *data, int length, const uint8_t *address, int64_t now_us) noexcept nogil
    cdef void end_batch(self, int64_t now_us) noexcept nogil
    cdef void run_timers(self, int64_t now_us) noexcept nogil
    cdef void flush(self) noexcept nogil
    cdef int number(self, dict numbers, int64_t wanted) except -1
    cdef void drop_sink(self, int at)
    cdef void take_rtp(self, int p, const uint8_t *data, int length, int64_t now_us) noexcept nogil
    cdef int find_stream(self, int peer, const uint8_t *packet, const Header *header) noexcept nogil
    cdef void take_rtx(self, int at, int codec, const Header *header, int payload, int64_t now_us) noexcept nogil
    cdef void take_media(self, int at, int codec, const Header *header, int64_t ext_seq, int payload,
                    int padding, bint new_ssrc, int64_t now_us) noexcept nogil
    cdef void store(self, int at, int codec, const Header *header, int64_t ext_seq, int payload,
                    int64_t now_us) noexcept nogil
    cdef bint is_keyframe(self, Stream *stream, Slot *slot) noexcept nogil
    cdef void start_stream(self, int at, int codec, const Header *header, int64_t ext_seq,
                    int64_t now_us) noexcept nogil
    cdef void note_gap(self, Stream *stream, int64_t ext_seq, int64_t now_us) noexcept nogil
    cdef void want_keyframe(self, Stream *stream) noexcept nogil
    cdef void forward_all(self) noexcept nogil
    cdef void forward_stream(self, Stream *stream) noexcept nogil
    cdef void send_first(self, Sink *sink, Stream *stream, Slot *slot) noexcept nogil
    cdef void send_again(self, Sink *sink, Stream *stream, Slot *slot, int64_t out) noexcept nogil
    cdef bint send_packet(self, Sink *sink, Slot *slot, uint32_t ssrc, int payload_type, int64_t out,
                    const uint8_t *osn, int pad_bytes) noexcept nogil
    cdef int write_extensions(self, Sink *sink, Slot *slot, Peer *peer, int64_t number, uint8_t *out) noexcept nogil
    cdef void append(self, int peer, int length) noexcept nogil
    cdef bint make_room(self) noexcept nogil
    cdef void take_rtcp(self, int p, const uint8_t *data, int length, int64_t now_us) noexcept nogil
    cdef void take_compound(self, int p, int length, int64_t now_us) noexcept nogil
    cdef void take_sender_report(self, int p, const uint8_t *packet, int64_t now_us) noexcept nogil
    cdef void take_report_blocks(self, int p, const uint8_t *block, int length, int count,
                    int64_t now_us) noexcept nogil
    cdef void take_bye(self, int p, const uint8_t *packet, int size) noexcept nogil
    cdef void take_nack(self, int p, const uint8_t *packet, int size, int64_t now_us) noexcept nogil
    cdef void answer_nack(self, Sink *sink, uint16_t seq, int64_t now_us) noexcept nogil
    cdef void take_keyframe_request(self, int p, const uint8_t *packet, int size) noexcept nogil
    cdef Sink *sink_by_ssrc(self, int p, uint32_t ssrc) noexcept nogil
    cdef void watch_stream(self, Stream *stream, int64_t now_us) noexcept nogil
    cdef void ask_for_missing(self, Stream *stream, int64_t now_us) noexcept nogil
    cdef void send_nack(self, Stream *stream, const int64_t *asked, int n_asked) noexcept nogil
    cdef void send_pli(self, Stream *stream, int64_t now_us) noexcept nogil
    cdef void send_receiver_report(self, int p, int64_t now_us) noexcept nogil
    cdef void send_sender_report(self, Sink *sink, int64_t now_us) noexcept nogil
    cdef void send_bye(self, Sink *sink) noexcept nogil
    cdef void send_transport_feedback(self, int p, int64_t now_us) noexcept nogil
    cdef void send_report(self, int p, int length) noexcept nogil
    cdef uint64_t ntp(self, int64_t now_us) noexcept nogil
    cdef void event(self, uint8_t kind, int64_t number, const void *body, int body_bytes, const void *more,
                    int more_bytes) noexcept nogil
    cdef void event_started(self, Stream *stream) noexcept nogil
    cdef void event_tapped(self, Stream *stream, int length, int64_t now_us) noexcept nogil
    cdef void event_report(self, Stream *stream, int64_t now_us) noexcept nogil
