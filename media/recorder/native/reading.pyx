"""Whole journals read fast, for the final files: what `arrivals`, `frames` and `track_clock` do in Python for journals
that still grow. Tests hold both to the same results, packet by packet.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_SetFromErrno
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memmove

from media.recorder.native.crc32 cimport crc32_of, crc32_prepare
from media.recorder.native.parsing cimport (
    IDR, PPS, SPS, Nal, Rtp, Unwrapper, find_start_code, floor_div, h264_part, next_nal, parse_rtp, unwrap,
    vp8_descriptor_bytes,
)

import os

from media.recorder.frames import EncodedFrame, Happening
from media.recorder.journal_format import CodecNote, JournalError

cdef extern from "unistd.h" nogil:
    ssize_t read(int fd, void *buffer, size_t count)
    int close(int fd)

cdef enum:
    ROOM_BYTES = 1 << 20
    HEAD_BYTES = 17
    BODY_LIMIT_BYTES = 1 << 17
    CODEC_NOTES = 256               # different ones of a journal that are told apart
    LATE_LIMIT_US = 1_000_000       # these four as in `arrivals`, `frames` and `track_clock`
    HELD_LIMIT_PACKETS = 2048
    FRAME_LIMIT_BYTES = 4 << 20
    BUCKET_US = 5_000_000
    JUMP_US = 500_000
    DISBELIEF_US = 3_000_000
    OTHER = 0                       # codecs
    OPUS = 1
    VP8 = 2
    H264 = 3
    ENDED = 0                       # what `next_item` found
    ARRIVED = 1
    REPORTED = 2
    INTERRUPTED = 3
    PACKET_KIND = 1                 # of `RecordKind`
    REPORT_KIND = 2
    CODEC_KIND = 3
    PAUSE_KIND = 4
    RESUME_KIND = 5
    LAST_KIND = 6

cdef int64_t NTP_TO_UNIX_S = 2_208_988_800

crc32_prepare()

ctypedef struct Packet:
    int run
    int codec                       # index into the notes
    bint marker
    int64_t ext_seq
    int64_t ext_timestamp
    int64_t arrival_us
    const uint8_t *payload
    int payload_bytes


cdef class JournalReader:
    """A journal's packets, reports and pauses one by one. Raises OSError if it cannot be read."""

    cdef int fd
    cdef uint8_t *room
    cdef int64_t begin, end
    cdef int64_t shift_us
    # the record
    cdef int kind
    cdef int64_t at_us
    cdef const uint8_t *body
    cdef int body_bytes
    # the track
    cdef list notes
    cdef int note_codecs[CODEC_NOTES]
    cdef int note_of_type[128]
    cdef int run
    cdef uint32_t ssrc
    cdef Unwrapper seqs, timestamps
    # the item
    cdef Packet packet
    cdef int64_t report_timestamp, report_sender_us

    def __cinit__(self, path, *_others):
        cdef int i
        self.fd = -1
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.room = <uint8_t *>malloc(ROOM_BYTES)
        if self.room == NULL:
            raise MemoryError
        self.notes = []
        for i in range(128):
            self.note_of_type[i] = -1
        self.run = -1
        if not self.have(4) or memcmp(self.room, b"3CJ1", 4) != 0:
            raise JournalError(f"{path.name} is not a journal")
        self.begin = 4

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)
        free(self.room)

    cdef bint have(self, int64_t size) except -1:
        # Whether so many bytes follow.
        cdef ssize_t got
        if self.end - self.begin >= size:
            return True
        memmove(self.room, self.room + self.begin, self.end - self.begin)
        self.end -= self.begin
        self.begin = 0
        while self.end < size:
            with nogil:
                got = read(self.fd, self.room + self.end, ROOM_BYTES - self.end)
            if got < 0:
                PyErr_SetFromErrno(OSError)
            if got <= 0:
                return False
            self.end += got
        return True

    cdef bint next_record(self) except -1:
        # False at the end, at a torn tail, and where two records in a row are damaged.
        cdef bint damaged = False
        cdef uint32_t length, checksum
        while self.have(HEAD_BYTES):
            memcpy(&length, self.room + self.begin, 4)
            if length > BODY_LIMIT_BYTES or not self.have(HEAD_BYTES + length):
                return False
            memcpy(&checksum, self.room + self.begin + 4, 4)
            self.kind = self.room[self.begin + 8]
            memcpy(&self.at_us, self.room + self.begin + 9, 8)
            self.at_us += self.shift_us
            self.body = self.room + self.begin + HEAD_BYTES
            self.body_bytes = <int>length
            self.begin += HEAD_BYTES + length
            if checksum == crc32_of(self.body - 9, 9 + length) and self.kind <= LAST_KIND:
                return True
            if damaged:
                return False
            damaged = True
        return False

    cdef int next_item(self) except -1:
        while self.next_record():
            if self.kind == PACKET_KIND:
                if self.take_packet():
                    return ARRIVED
            elif self.kind == REPORT_KIND:
                if self.run >= 0 and self.body_bytes == 12:
                    self.take_report()
                    return REPORTED
            elif self.kind == CODEC_KIND:
                self.take_codec()
            elif self.kind == PAUSE_KIND or self.kind == RESUME_KIND:
                return INTERRUPTED
        return ENDED

    cdef bint take_packet(self):
        cdef Rtp rtp
        if not parse_rtp(self.body, self.body_bytes, &rtp) or self.note_of_type[rtp.payload_type] < 0:
            return False
        if self.run < 0 or rtp.ssrc != self.ssrc:
            self.run += 1
            self.ssrc = rtp.ssrc
            self.seqs.begun = self.timestamps.begun = False
        self.packet = Packet(
            self.run, self.note_of_type[rtp.payload_type], rtp.marker, unwrap(&self.seqs, rtp.seq, 16),
            unwrap(&self.timestamps, rtp.timestamp, 32), self.at_us, rtp.payload, rtp.payload_bytes)
        return True

    cdef void take_report(self):
        cdef uint64_t ntp
        cdef uint32_t timestamp
        memcpy(&ntp, self.body, 8)
        memcpy(&timestamp, self.body + 8, 4)
        self.report_timestamp = unwrap(&self.timestamps, timestamp, 32)
        self.report_sender_us = (<int64_t>(ntp >> 32) - NTP_TO_UNIX_S) * 1_000_000 + <int64_t>(
            (ntp & <uint64_t>0xFFFFFFFF) * 1_000_000 >> 32)

    cdef void take_codec(self) except *:
        try:
            note = CodecNote.decode(PyBytes_FromStringAndSize(<const char *>self.body, self.body_bytes))
        except JournalError:
            return
        if note not in self.notes:
            if len(self.notes) == CODEC_NOTES:
                return
            self.note_codecs[len(self.notes)] = {"opus": OPUS, "vp8": VP8, "h264": H264}.get(note.name, OTHER)
            self.notes.append(note)
        self.note_of_type[note.payload_type] = self.notes.index(note)

    def scan(self):
        """Look through all of it: packets, first and last arrival, and for each run its clock points.

        Times in Unix microseconds. Of a run: clock rate, points by report, points by arrival, smallest report delay.
        """
        cdef int64_t packets = 0, first_us = 0, last_us = 0, bucket_end_us = 0, difference, smallest = 0, delay_us
        cdef int64_t clock_rate = 1
        cdef int run = -1
        cdef int item = self.next_item()
        runs = []
        while item != ENDED:
            if item == ARRIVED:
                if self.packet.run != run:
                    run = self.packet.run
                    clock_rate = self.notes[self.packet.codec].clock_rate
                    runs.append([clock_rate, [], [], None])
                    bucket_end_us = 0
                difference = self.at_us - floor_div(self.packet.ext_timestamp * 1_000_000, clock_rate)
                if self.at_us >= bucket_end_us:
                    bucket_end_us = self.at_us + BUCKET_US
                    smallest = difference
                    runs[run][2].append((self.packet.ext_timestamp, difference))
                elif difference < smallest:
                    smallest = difference
                    points = runs[run][2]
                    points[len(points) - 1] = (points[len(points) - 1][0], difference)
                packets += 1
                first_us = first_us or self.at_us
                last_us = max(last_us, self.at_us)
            elif item == REPORTED:
                runs[run][1].append((
                    self.report_timestamp,
                    self.report_sender_us - floor_div(self.report_timestamp * 1_000_000, clock_rate),
                ))
                delay_us = self.at_us - self.report_sender_us
                runs[run][3] = delay_us if runs[run][3] is None else min(runs[run][3], delay_us)
            item = self.next_item()
        return packets, first_us, last_us, runs


ctypedef struct RunClock:
    int64_t clock_rate
    int n
    int64_t *timestamps
    int64_t *offsets


cdef class FrameReader(JournalReader):
    """A journal's frames as Happenings, times never falling below `after_us`; see `timeline.happenings`."""

    cdef bint video
    cdef RunClock *clocks
    cdef int n_clocks
    cdef int64_t until_us
    cdef readonly int64_t last_us
    cdef list ready
    cdef int n_given
    cdef bint over
    # packets put in order
    cdef int order_run              # -1: what comes next continues nothing
    cdef int64_t awaited
    cdef int64_t waiting_since_us
    cdef bint broken
    cdef Packet held[HELD_LIMIT_PACKETS + 1]    # in order of their numbers, with payloads of their own
    cdef int n_held
    # the picture being put together
    cdef bint has_first
    cdef Packet first               # without payload
    cdef uint8_t *picture
    cdef int64_t picture_bytes
    cdef int64_t picture_room
    cdef bint damaged, too_long
    cdef bint waiting_for_key, left_out
    cdef bytes parameter_sets
    cdef int codec                  # OTHER before the first

    def __cinit__(self, path, bint video, clocks, int64_t after_us, int64_t until_us, int64_t shift_us=0):
        """`clocks`: for each run its clock rate and the `timestamps` and `offsets` of its clock points.

        `shift_us` is added to all arrival times.
        """
        cdef int i, k
        self.video = video
        self.last_us = after_us
        self.until_us = until_us
        self.shift_us = shift_us
        self.ready = []
        self.order_run = -1
        self.waiting_for_key = True
        self.parameter_sets = b""
        self.clocks = <RunClock *>calloc(max(len(clocks), 1), sizeof(RunClock))
        if self.clocks == NULL:
            raise MemoryError
        for i, (clock_rate, timestamps, offsets) in enumerate(clocks):
            self.n_clocks = i + 1
            self.clocks[i].clock_rate = clock_rate
            self.clocks[i].n = len(timestamps)
            self.clocks[i].timestamps = <int64_t *>calloc(max(len(timestamps), 1), sizeof(int64_t))
            self.clocks[i].offsets = <int64_t *>calloc(max(len(timestamps), 1), sizeof(int64_t))
            if self.clocks[i].timestamps == NULL or self.clocks[i].offsets == NULL:
                raise MemoryError
            for k in range(self.clocks[i].n):
                self.clocks[i].timestamps[k] = timestamps[k]
                self.clocks[i].offsets[k] = offsets[k]

    def __dealloc__(self):
        cdef int i
        for i in range(self.n_held):
            free(<void *>self.held[i].payload)
        for i in range(self.n_clocks):
            free(self.clocks[i].timestamps)
            free(self.clocks[i].offsets)
        free(self.clocks)
        free(self.picture)

    def __iter__(self):
        return self

    def __next__(self):
        cdef int item
        while self.n_given == len(self.ready):
            if self.over:
                raise StopIteration
            self.ready.clear()
            self.n_given = 0
            item = self.next_item()
            if item == ARRIVED:
                self.order(&self.packet)
            elif item == INTERRUPTED:
                self.interrupt()
            elif item == ENDED:
                self.interrupt()
                if self.video:
                    self.finish()
                self.over = True
        self.n_given += 1
        return self.ready[self.n_given - 1]

    # --- order --------------------------------------------------------------------------------------------------------

    cdef void order(self, Packet *packet) except *:
        if packet.run != self.order_run:
            self.interrupt()
            self.order_run = packet.run
            self.awaited = packet.ext_seq
        if packet.ext_seq < self.awaited:
            return
        if not self.n_held:
            self.waiting_since_us = packet.arrival_us
            if packet.ext_seq == self.awaited:
                self.pass_on(packet)
                return
        self.hold(packet)
        self.release()
        while self.n_held and (packet.arrival_us - self.waiting_since_us > LATE_LIMIT_US
                               or self.n_held > HELD_LIMIT_PACKETS):
            self.skip_hole()
            self.waiting_since_us = packet.arrival_us
            self.release()

    cdef void interrupt(self) except *:
        while self.n_held:
            self.skip_hole()
            self.release()
        self.broken = True
        self.order_run = -1

    cdef void skip_hole(self):
        self.awaited = self.held[0].ext_seq
        self.broken = True

    cdef void hold(self, const Packet *packet) except *:
        cdef int at = self.n_held
        cdef uint8_t *copy
        while at and self.held[at - 1].ext_seq > packet.ext_seq:
            at -= 1
        if at and self.held[at - 1].ext_seq == packet.ext_seq:
            return
        copy = <uint8_t *>malloc(max(packet.payload_bytes, 1))
        if copy == NULL:
            raise MemoryError
        memcpy(copy, packet.payload, packet.payload_bytes)
        memmove(&self.held[at + 1], &self.held[at], (self.n_held - at) * sizeof(Packet))
        self.held[at] = packet[0]
        self.held[at].payload = copy
        self.n_held += 1

    cdef void release(self) except *:
        cdef int n = 0
        while n < self.n_held and self.held[n].ext_seq == self.awaited:
            self.waiting_since_us = self.held[n].arrival_us
            self.pass_on(&self.held[n])
            free(<void *>self.held[n].payload)
            self.held[n].payload = NULL
            n += 1
        if n:
            self.n_held -= n
            memmove(&self.held[0], &self.held[n], self.n_held * sizeof(Packet))

    cdef void pass_on(self, Packet *packet) except *:
        cdef bint broken = self.broken
        cdef int codec = self.note_codecs[packet.codec]
        self.broken = False
        self.awaited += 1
        if not self.video:
            if codec == OPUS and packet.payload_bytes:
                self.give(packet, PyBytes_FromStringAndSize(<const char *>packet.payload, packet.payload_bytes), True,
                          broken)
        elif codec == VP8 or codec == H264:
            self.add(packet, codec, broken)

    cdef void give(self, const Packet *packet, bytes data, bint is_key, bint after_loss) except *:
        cdef int64_t time_us
        if packet.arrival_us >= self.until_us:
            self.over = True
        if self.over:
            return
        time_us = self.time_us(packet)
        self.last_us = max(self.last_us, time_us)
        note = self.notes[packet.codec]
        frame = tuple.__new__(EncodedFrame, (note.name, packet.run, note.clock_rate, packet.ext_timestamp,
                                             packet.arrival_us, data, bool(is_key), bool(after_loss)))
        self.ready.append(tuple.__new__(Happening, (self.last_us, frame)))

    cdef int64_t time_us(self, const Packet *packet) except? -1:
        cdef RunClock *clock
        cdef int low = 0, high, middle
        cdef int64_t offset, after, at, time_us
        if packet.run >= self.n_clocks or self.clocks[packet.run].n == 0:
            raise IndexError("a run that was not scanned")
        clock = &self.clocks[packet.run]
        high = clock.n
        while low < high:
            middle = (low + high) // 2
            if packet.ext_timestamp < clock.timestamps[middle]:
                high = middle
            else:
                low = middle + 1
        offset = clock.offsets[max(low - 1, 0)]
        if 0 < low < clock.n:
            after = clock.offsets[low]
            at = clock.timestamps[low - 1]
            if abs(after - offset) <= JUMP_US:
                offset += floor_div((after - offset) * (packet.ext_timestamp - at), clock.timestamps[low] - at)
        time_us = floor_div(packet.ext_timestamp * 1_000_000, clock.clock_rate) + offset
        return time_us if abs(time_us - packet.arrival_us) <= DISBELIEF_US else packet.arrival_us

    # --- pictures -----------------------------------------------------------------------------------------------------

    cdef void add(self, Packet *packet, int codec, bint broken) except *:
        cdef bint is_first
        if self.has_first and (packet.run != self.first.run or packet.ext_timestamp != self.first.ext_timestamp
                               or packet.codec != self.first.codec):
            # Without a marker the end of a picture followed by a hole is in doubt.
            self.damaged = self.damaged or broken
            self.finish()
        if broken:
            self.waiting_for_key = self.left_out = True
        if codec != self.codec:
            self.waiting_for_key = True
            self.codec = codec
        if packet.payload_bytes == 0:
            return
        is_first = not self.has_first
        if is_first:
            self.first = packet[0]
            self.has_first = True
            self.damaged = False
        elif broken:
            self.damaged = True
        self.take(packet, codec, is_first)
        if packet.marker:
            self.finish()

    cdef void take(self, const Packet *packet, int codec, bint is_first) except *:
        cdef bint starts = False
        cdef int64_t size
        cdef uint8_t *out = self.more_picture(3 * <int64_t>packet.payload_bytes + 8)
        if codec == H264:
            size = h264_part(packet.payload, packet.payload_bytes, out, &starts)
        else:
            size = vp8_descriptor_bytes(packet.payload, packet.payload_bytes, &starts)
            if size >= 0:
                memcpy(out, packet.payload + size, packet.payload_bytes - size)
                size = packet.payload_bytes - size
        if size < 0:
            self.damaged = True
            return
        if is_first and not starts:
            self.damaged = True
        self.picture_bytes += size
        if self.too_long or self.picture_bytes > FRAME_LIMIT_BYTES:
            self.damaged = self.too_long = True
            self.picture_bytes = 0

    cdef uint8_t *more_picture(self, int64_t size) except NULL:
        # Room behind what there is of the picture.
        cdef uint8_t *grown
        cdef int64_t wanted
        if self.picture_bytes + size > self.picture_room:
            wanted = max(2 * self.picture_room, self.picture_bytes + size + 65_536)
            grown = <uint8_t *>malloc(wanted)
            if grown == NULL:
                raise MemoryError
            if self.picture != NULL:
                memcpy(grown, self.picture, self.picture_bytes)
            free(self.picture)
            self.picture = grown
            self.picture_room = wanted
        return self.picture + self.picture_bytes

    cdef void finish(self) except *:
        # The picture collected so far, if it is whole and decodable.
        cdef int64_t size = self.picture_bytes
        cdef bint began = self.has_first
        cdef bint is_key = False
        cdef bint whole = not self.damaged and size > 0
        cdef const uint8_t *data = self.picture
        cdef bytes before = b""
        self.has_first = self.too_long = False
        self.picture_bytes = 0
        if not began:
            return
        if whole and self.note_codecs[self.first.codec] == H264:
            whole = begins_whole(data, size)
            if whole:
                before = self.parameter_sets_for(data, size, &is_key)
        elif whole:
            # RFC 6386 9.1: the lowest bit of the first byte is 0 in key frames, whose header has 10 bytes.
            is_key = size >= 10 and not data[0] & 1 and data[3] == 0x9D and data[4] == 1 and data[5] == 0x2A
        if not whole:
            self.waiting_for_key = self.left_out = True
            return
        if self.waiting_for_key and not is_key:
            self.left_out = True
            return
        after_loss, self.left_out = self.left_out, False
        whole_picture = PyBytes_FromStringAndSize(<const char *>data, size)
        self.give(&self.first, before + whole_picture if before else whole_picture, is_key, after_loss)
        self.waiting_for_key = False

    cdef bytes parameter_sets_for(self, const uint8_t *data, int64_t size, bint *is_key):
        # What a picture needs before it so that a player may start at it, and whether it is a key frame then.
        cdef const uint8_t *end = data + size
        cdef const uint8_t *code = find_start_code(data, end)
        cdef Nal nal
        cdef int kind
        cdef int seen = 0
        cdef bint is_idr = False
        sets = []
        while code != NULL:
            code = next_nal(code, end, &nal)
            if nal.length == 0:
                continue
            kind = nal.at[0] & 0x1F
            is_idr = is_idr or kind == IDR
            if kind == SPS or kind == PPS:
                seen |= 1 if kind == SPS else 2
                sets.append(b"\0\0\0\1" + PyBytes_FromStringAndSize(<const char *>nal.at, nal.length))
        if seen == 3:
            self.parameter_sets = b"".join(sets)
            is_key[0] = is_idr
            return b""
        is_key[0] = is_idr and len(self.parameter_sets) > 0
        return self.parameter_sets if is_idr else b""


cdef bint begins_whole(const uint8_t *data, int64_t size) noexcept:
    # Whether the first slice begins at the picture's first macroblock (7.3.3: first_mb_in_slice is 0, one set bit).
    cdef const uint8_t *end = data + size
    cdef const uint8_t *code = find_start_code(data, end)
    cdef Nal nal
    while code != NULL:
        code = next_nal(code, end, &nal)
        if nal.length and 1 <= nal.at[0] & 0x1F <= IDR:
            return nal.length > 1 and nal.at[1] & 0x80 != 0
    return False
