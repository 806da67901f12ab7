"""Records of journals between those who have something to record and the thread that writes it: packets come from the
packet thread and go to the file without Python, everything else may come from any thread.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from media.forwarder.native.tap cimport PacketTap
from media.recorder.native.chunks cimport (
    CODEC, SENDER_REPORT, Records, Share, add_long, begin_packet, begin_record, discard_records, load_long, publish,
    publish_long, records_free, records_init, write_records,
)
from media.recorder.native.crc32 cimport crc32_of, crc32_prepare, crc32_slowly

cdef enum:
    CODEC_BYTES = 128
    PACKET_KIND = 1

crc32_prepare()


def checksum(bytes data, *, bint slowly=False):
    """The CRC-32 of zlib."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(data)
    return crc32_slowly(at, len(data)) if slowly else crc32_of(at, len(data))


cdef class RecordsShare:
    """What the journals of one disk share: how full their queues may be together, and what is given up at present."""

    cdef Share *share

    def __cinit__(self, int64_t limit_bytes):
        self.share = <Share *>calloc(1, sizeof(Share))
        if self.share == NULL:
            raise MemoryError
        self.share.limit_bytes = limit_bytes

    def __dealloc__(self):
        free(self.share)

    @property
    def queued_bytes(self):
        """What waits to be written."""
        return load_long(&self.share.queued_bytes)

    @property
    def dropped(self):
        """Records that all journals lost."""
        return load_long(&self.share.dropped)

    @property
    def level(self):
        """The `SpaceLevel`; read at every packet."""
        return load_long(&self.share.level)

    @level.setter
    def level(self, int64_t level):
        publish_long(&self.share.level, level)


@cython.no_gc_clear      # it needs its share to the end
cdef class JournalRecords:
    """The records of one journal that wait to be written, and its file as far as it is written."""

    cdef Records records
    cdef PacketTap tap
    cdef RecordsShare share
    cdef readonly object packet_tap

    def __cinit__(self, RecordsShare share not None, int64_t given_up_at, int64_t limit_bytes):
        self.share = share
        records_init(&self.records, share.share, given_up_at, limit_bytes)
        self.tap = PacketTap(&self.records, tap_packet, tap_written, tap_report, tap_codec)
        self.packet_tap = PyCapsule_New(&self.tap, "media.forwarder.PacketTap", NULL)

    def __dealloc__(self):
        records_free(&self.records)

    def put(self, int kind, int64_t at_us, bytes body not None):
        """A record of any thread; what does not fit, comes after the end or is longer than a chunk is dropped."""
        cdef const char *data = PyBytes_AS_STRING(body)
        cdef int size = <int>min(PyBytes_GET_SIZE(body), 1 << 30)
        cdef uint8_t *room
        with nogil:
            if kind == PACKET_KIND:
                room = begin_packet(&self.records, at_us, size)
            else:
                room = begin_record(&self.records, <uint8_t>kind, at_us, size)
            if room != NULL:
                memcpy(room, data, size)
                publish(&self.records)

    @property
    def dropped(self):
        """Records that did not fit or could not be written."""
        return load_long(&self.records.dropped)

    @property
    def given_up(self):
        """Whether packets are left out for want of space."""
        return bool(self.records.given_up)

    @property
    def closing(self):
        """Whether the end record was put."""
        return bool(self.records.closing)

    @property
    def queued_bytes(self):
        """What waits to be written."""
        return load_long(&self.records.queued_bytes)

    @property
    def began_us(self):
        """When the first record was put, Unix microseconds; 0 before."""
        return load_long(&self.records.began_us)

    @property
    def file_bytes(self):
        """The length of the file up to its last whole record."""
        return self.records.file_bytes

    def write_to(self, int fd, int64_t file_bytes):
        """Records go to this file from now on, behind that many bytes; -1 for none."""
        self.records.fd = fd
        self.records.file_bytes = file_bytes
        self.records.torn = False

    @property
    def error(self):
        """The number of the error that the last writing ended with, 0 if it went well."""
        return self.records.error

    def discard(self):
        """Drop what waits, because there is no file; the writing thread's."""
        with nogil:
            discard_records(&self.records)


def write_all(list journals):
    """Write what the journals with a file hold: each in one call, and all without the GIL.

    `error` of each that had something is then the error number, 0 if all went well.
    """
    cdef int n = len(journals)
    cdef int i
    cdef JournalRecords journal
    cdef Records **row = <Records **>calloc(max(n, 1), sizeof(Records *))
    if row == NULL:
        raise MemoryError
    try:
        for i in range(n):
            journal = journals[i]
            row[i] = &journal.records
        with nogil:
            for i in range(n):
                if row[i].fd >= 0 and load_long(&row[i].queued_bytes):
                    row[i].error = write_records(row[i])
    finally:
        free(row)


# --- what the packet thread calls -------------------------------------------------------------------------------------

cdef uint8_t *tap_packet(void *owner, int64_t arrival_us, int packet_bytes) noexcept nogil:
    return begin_packet(<Records *>owner, arrival_us, packet_bytes)


cdef void tap_written(void *owner) noexcept nogil:
    publish(<Records *>owner)


cdef void tap_report(void *owner, int64_t arrival_us, uint64_t ntp, uint32_t rtp_timestamp) noexcept nogil:
    cdef uint8_t *body = begin_record(<Records *>owner, SENDER_REPORT, arrival_us, 12)
    if body != NULL:
        memcpy(body, &ntp, 8)
        memcpy(body + 8, &rtp_timestamp, 4)
        publish(<Records *>owner)


cdef void tap_codec(void *owner, int64_t at_us, int name, int payload_type, uint32_t clock_rate) noexcept nogil:
    cdef char note[CODEC_BYTES]
    cdef const char *codec = "opus" if name == 0 else "vp8" if name == 1 else "h264"
    cdef int size = snprintf(note, CODEC_BYTES, '{"name": "%s", "payload_type": %d, "clock_rate": %u}', codec,
                             payload_type, clock_rate)
    cdef uint8_t *body = begin_record(<Records *>owner, CODEC, at_us, size)
    if body != NULL:
        memcpy(body, note, size)
        publish(<Records *>owner)
