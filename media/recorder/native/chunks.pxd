# Records of one journal on their way to its file: chunks that producers fill and one consumer writes. Producers exclude
# each other by a mutex and wait for nobody else; the consumer takes only what is published.
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from media.recorder.native.crc32 cimport crc32_of

cdef extern from *:
    """
    #include <errno.h>
    #include <pthread.h>
    #include <sys/uio.h>
    #include <unistd.h>
    static void *load_pointer(void **from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }
    static void publish_pointer(void **to, void *value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }
    static void *exchange_pointer(void **of, void *value) { return __atomic_exchange_n(of, value, __ATOMIC_ACQ_REL); }
    static int replace_pointer(void **of, void **expected, void *value) {
        return __atomic_compare_exchange_n(of, expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
    static int64_t load_long(const int64_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }
    static void publish_long(int64_t *to, int64_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }
    static void add_long(int64_t *to, int64_t change) { __atomic_add_fetch(to, change, __ATOMIC_RELAXED); }
    static int journal_errno(void) { return errno; }
    """
    ctypedef struct journal_mutex "pthread_mutex_t":
        pass
    ctypedef struct part "struct iovec":
        void *iov_base
        size_t iov_len
    void *load_pointer(void **source) nogil
    void publish_pointer(void **to, void *value) nogil
    void *exchange_pointer(void **of, void *value) nogil
    bint replace_pointer(void **of, void **expected, void *value) nogil
    int64_t load_long(const int64_t *source) nogil
    void publish_long(int64_t *to, int64_t value) nogil
    void add_long(int64_t *to, int64_t change) nogil
    int journal_errno() nogil
    int pthread_mutex_init(journal_mutex *mutex, void *attributes) nogil
    int pthread_mutex_destroy(journal_mutex *mutex) nogil
    int pthread_mutex_lock(journal_mutex *mutex) nogil
    int pthread_mutex_unlock(journal_mutex *mutex) nogil
    int64_t pwritev(int fd, const part *parts, int count, int64_t at) nogil
    int ftruncate(int fd, int64_t length) nogil
    int EINTR
    int EIO

cdef enum:
    CHUNK_BYTES = 16 * 1024
    KEPT_CHUNKS = 12                # of a journal for use again; half a second of 2 Mbit/s
    RECORD_HEAD_BYTES = 17          # u32 body length, u32 checksum, u8 kind, u64 Unix microseconds
    UNCHECKED_BYTES = 8             # of these, what the checksum leaves out
    LONGEST_BODY_BYTES = CHUNK_BYTES - RECORD_HEAD_BYTES
    MOST_PARTS = 64                 # chunks written in one call
    PACKET = 1                      # kinds of `journal_format.RecordKind`
    SENDER_REPORT = 2
    CODEC = 3
    PAUSE = 4
    RESUME = 5
    END = 6
    LEVELS = 6                      # of `disk_space.SpaceLevel`

ctypedef struct Chunk:
    Chunk *next                     # published once nothing more comes into this one
    int64_t used                    # bytes published
    int64_t done                    # of those, bytes dealt with
    uint8_t bytes[CHUNK_BYTES]

# What all journals on one disk share.
ctypedef struct Share:
    int64_t level                   # what is given up
    int64_t queued_bytes
    int64_t limit_bytes
    int64_t dropped                 # records lost by all journals since the beginning

ctypedef struct Records:
    Share *share
    int64_t given_up_at             # the level
    int64_t limit_bytes
    # producers'
    journal_mutex mutex
    Chunk *filling
    Chunk *spare                    # to be filled next
    int64_t writing_bytes           # of the record that has room but is not published
    bint given_up
    bint closing
    # both sides'
    Chunk *first                    # where it all began
    Chunk *returned                 # emptied chunks
    int64_t chunks
    int64_t queued_bytes
    int64_t dropped
    int64_t began_us                # of the first record, 0 before
    # consumer's
    int fd                          # -1: none yet
    int error                       # of the last writing
    Chunk *emptying
    int64_t file_bytes              # up to the last whole record
    bint torn                       # the file may be longer than that


cdef inline void records_init(Records *records, Share *share, int64_t given_up_at, int64_t limit_bytes) noexcept nogil:
    records.share = share
    records.given_up_at = given_up_at
    records.limit_bytes = limit_bytes
    records.fd = -1
    pthread_mutex_init(&records.mutex, NULL)


cdef inline void records_free(Records *records) noexcept nogil:
    if records.share != NULL:
        add_long(&records.share.queued_bytes, -records.queued_bytes)
    free_row(records.emptying if records.emptying != NULL else records.first)
    free_row(records.returned)
    free_row(records.spare)
    pthread_mutex_destroy(&records.mutex)


cdef inline void free_row(Chunk *chunk) noexcept nogil:
    cdef Chunk *following
    while chunk != NULL:
        following = chunk.next
        free(chunk)
        chunk = following


# --- producers --------------------------------------------------------------------------------------------------------

cdef inline uint8_t *begin_packet(Records *records, int64_t arrival_us, int body_bytes) noexcept nogil:
    # Room for a packet's body, NULL if it is given up or does not fit; if not NULL `publish` must follow.
    cdef uint8_t *body
    pthread_mutex_lock(&records.mutex)
    if load_long(&records.share.level) >= records.given_up_at:
        if not records.given_up:
            records.given_up = True
            put_empty(records, PAUSE, arrival_us)
        pthread_mutex_unlock(&records.mutex)
        return NULL
    if records.given_up:
        records.given_up = False
        put_empty(records, RESUME, arrival_us)
    body = record_room(records, PACKET, arrival_us, body_bytes)
    if body == NULL:
        pthread_mutex_unlock(&records.mutex)
    return body


cdef inline uint8_t *begin_record(Records *records, uint8_t kind, int64_t at_us, int body_bytes) noexcept nogil:
    # The same for any other record.
    cdef uint8_t *body
    pthread_mutex_lock(&records.mutex)
    body = record_room(records, kind, at_us, body_bytes)
    if body == NULL:
        pthread_mutex_unlock(&records.mutex)
    return body


cdef inline void publish(Records *records) noexcept nogil:
    publish_record(records)
    pthread_mutex_unlock(&records.mutex)


cdef inline void publish_record(Records *records) noexcept nogil:
    add_long(&records.queued_bytes, records.writing_bytes)
    add_long(&records.share.queued_bytes, records.writing_bytes)
    publish_long(&records.filling.used, records.filling.used + records.writing_bytes)


cdef inline void put_empty(Records *records, uint8_t kind, int64_t at_us) noexcept nogil:
    if record_room(records, kind, at_us, 0) != NULL:
        publish_record(records)


cdef inline void count_dropped(Records *records, int64_t n) noexcept nogil:
    add_long(&records.dropped, n)
    add_long(&records.share.dropped, n)


cdef inline bint has_room(const Records *records, int64_t size_bytes) noexcept nogil:
    # On a slow disk, too, what is given up first goes first.
    cdef const Share *share = records.share
    return (load_long(&records.queued_bytes) + size_bytes <= records.limit_bytes and load_long(&share.queued_bytes)
            < share.limit_bytes * (1 + records.given_up_at) // LEVELS)


cdef inline uint8_t *record_room(Records *records, uint8_t kind, int64_t at_us, int body_bytes) noexcept nogil:
    # The end is always let in: it is the last record and a small one.
    cdef int64_t size_bytes = RECORD_HEAD_BYTES + body_bytes
    cdef uint32_t length = <uint32_t>body_bytes
    cdef uint32_t unchecked = 0
    cdef uint8_t *at
    if records.closing or body_bytes > LONGEST_BODY_BYTES or (kind != END and not has_room(records, size_bytes)) or (
            not make_room(records, size_bytes)):
        count_dropped(records, 1)
        return NULL
    records.closing = kind == END
    if records.began_us == 0:
        publish_long(&records.began_us, at_us)
    at = records.filling.bytes + records.filling.used
    memcpy(at, &length, 4)
    memcpy(at + 4, &unchecked, 4)       # the consumer fills it in
    at[8] = kind
    memcpy(at + 9, &at_us, 8)
    records.writing_bytes = size_bytes
    return at + RECORD_HEAD_BYTES


cdef inline bint make_room(Records *records, int64_t size_bytes) noexcept nogil:
    cdef Chunk *chunk = records.filling
    if chunk != NULL and chunk.used + size_bytes <= CHUNK_BYTES:
        return True
    chunk = fresh_chunk(records)
    if chunk == NULL:
        return False
    if records.filling == NULL:
        publish_pointer(<void **>&records.first, chunk)
    else:
        publish_pointer(<void **>&records.filling.next, chunk)
    records.filling = chunk
    return True


cdef inline Chunk *fresh_chunk(Records *records) noexcept nogil:
    # One that was emptied, or else a new one.
    cdef Chunk *chunk
    if records.spare == NULL:
        records.spare = <Chunk *>exchange_pointer(<void **>&records.returned, NULL)
    chunk = records.spare
    if chunk != NULL:
        records.spare = chunk.next
    else:
        chunk = <Chunk *>malloc(sizeof(Chunk))
        if chunk == NULL:
            return NULL
        add_long(&records.chunks, 1)
    chunk.next = NULL
    chunk.used = chunk.done = 0
    return chunk


# --- the consumer -----------------------------------------------------------------------------------------------------

cdef inline int write_records(Records *records) noexcept nogil:
    # Everything published so far; returns 0 or the error number, and then those not written are counted as dropped.
    cdef part parts[MOST_PARTS]
    cdef int64_t size_bytes = 0
    cdef int count = 0
    cdef int64_t n_records = 0
    cdef int error = 0
    cdef Chunk *chunk = first_chunk(records)
    cdef Chunk *following
    cdef int64_t used
    while chunk != NULL and error == 0:
        following = <Chunk *>load_pointer(<void **>&chunk.next)     # before `used`: which is then the last word
        used = load_long(&chunk.used)
        if used > chunk.done:
            n_records += fill_in_checksums(chunk, used)
            parts[count].iov_base = chunk.bytes + chunk.done
            parts[count].iov_len = used - chunk.done
            size_bytes += used - chunk.done
            count += 1
        if count and (count == MOST_PARTS or following == NULL):
            error = write_parts(records, parts, count, size_bytes)
            if error:
                count_dropped(records, n_records)
            take_away(records, size_bytes, chunk, used)
            count, size_bytes, n_records = 0, 0, 0
        chunk = following
    return error


cdef inline int64_t discard_records(Records *records) noexcept nogil:
    # As if all that is published could not be written; returns how many records.
    cdef Chunk *chunk = first_chunk(records)
    cdef Chunk *last = NULL
    cdef Chunk *following
    cdef int64_t used = 0, size_bytes = 0, n_records = 0
    while chunk != NULL:
        following = <Chunk *>load_pointer(<void **>&chunk.next)
        used = load_long(&chunk.used)
        n_records += fill_in_checksums(chunk, used)
        size_bytes += used - chunk.done
        last, chunk = chunk, following
    if last != NULL:
        take_away(records, size_bytes, last, used)
    count_dropped(records, n_records)
    return n_records


cdef inline Chunk *first_chunk(Records *records) noexcept nogil:
    if records.emptying == NULL:
        records.emptying = <Chunk *>load_pointer(<void **>&records.first)
    return records.emptying


cdef inline int64_t fill_in_checksums(Chunk *chunk, int64_t used) noexcept nogil:
    # Returns how many records there are.
    cdef int64_t at = chunk.done
    cdef int64_t n_records = 0
    cdef uint32_t length, checksum
    while at < used:
        memcpy(&length, chunk.bytes + at, 4)
        checksum = crc32_of(chunk.bytes + at + UNCHECKED_BYTES, RECORD_HEAD_BYTES - UNCHECKED_BYTES + length)
        memcpy(chunk.bytes + at + 4, &checksum, 4)
        at += RECORD_HEAD_BYTES + length
        n_records += 1
    return n_records


cdef inline void take_away(Records *records, int64_t size_bytes, Chunk *last, int64_t used) noexcept nogil:
    # What came before `used` of the chunk `last` is dealt with; chunks before it go back to the producers.
    cdef Chunk *chunk
    while records.emptying != last:
        chunk = records.emptying
        records.emptying = chunk.next
        give_back(records, chunk)
    last.done = used
    add_long(&records.queued_bytes, -size_bytes)
    add_long(&records.share.queued_bytes, -size_bytes)


cdef inline void give_back(Records *records, Chunk *chunk) noexcept nogil:
    if load_long(&records.chunks) > KEPT_CHUNKS:
        free(chunk)
        add_long(&records.chunks, -1)
        return
    chunk.next = <Chunk *>load_pointer(<void **>&records.returned)
    while not replace_pointer(<void **>&records.returned, <void **>&chunk.next, chunk):
        pass


cdef inline int write_parts(Records *records, part *parts, int count, int64_t size_bytes) noexcept nogil:
    # All or nothing: what was written by halves is cut off, now or before the next write.
    cdef int64_t done = 0
    cdef int64_t written
    cdef int error = 0
    cdef int i = 0
    if records.torn and ftruncate(records.fd, records.file_bytes) != 0:
        return journal_errno()
    records.torn = False
    while done < size_bytes:
        written = pwritev(records.fd, parts + i, count - i, records.file_bytes + done)
        if written <= 0:
            error = journal_errno() if written < 0 else EIO
            if error == EINTR:
                continue
            records.torn = ftruncate(records.fd, records.file_bytes) != 0
            return error
        done += written
        while i < count and <size_t>written >= parts[i].iov_len:
            written -= parts[i].iov_len
            i += 1
        if i < count:
            parts[i].iov_base = <uint8_t *>parts[i].iov_base + written
            parts[i].iov_len -= written
    records.file_bytes += done
    return 0
