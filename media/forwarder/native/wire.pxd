# Memory: big-endian numbers at an address, whose bounds the callers have checked, and what will be wanted soon.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void *at) nogil


cdef inline void prefetch_lines(const void *at, int lines) noexcept nogil:
    # The cache lines from `at` on; any address will do.
    cdef int i
    for i in range(lines):
        prefetch(<const char *>at + 64 * i)


cdef inline uint16_t read16(const uint8_t *at) noexcept nogil:
    return <uint16_t>((at[0] << 8) | at[1])


cdef inline uint32_t read32(const uint8_t *at) noexcept nogil:
    return (<uint32_t>at[0] << 24) | (<uint32_t>at[1] << 16) | (<uint32_t>at[2] << 8) | at[3]


cdef inline uint64_t read64(const uint8_t *at) noexcept nogil:
    return (<uint64_t>read32(at) << 32) | read32(at + 4)


cdef inline void write16(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>(value >> 8)
    at[1] = <uint8_t>value


cdef inline void write24(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>(value >> 16)
    at[1] = <uint8_t>(value >> 8)
    at[2] = <uint8_t>value


cdef inline void write32(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>(value >> 24)
    at[1] = <uint8_t>(value >> 16)
    at[2] = <uint8_t>(value >> 8)
    at[3] = <uint8_t>value


cdef inline void write64(uint8_t *at, uint64_t value) noexcept nogil:
    write32(at, <uint32_t>(value >> 32))
    write32(at + 4, <uint32_t>value)
