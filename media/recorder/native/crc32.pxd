# The CRC-32 of zlib (polynomial 0x04C11DB7, reflected), 64 bytes at a time where the processor multiplies without carry.
from libc.stdint cimport uint8_t, uint32_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #if defined(__x86_64__)
    #include <immintrin.h>
    #endif

    static uint32_t crc32_tables[8][256];

    static void crc32_prepare(void) {
        uint32_t n, k, c;
        for (n = 0; n < 256; n++) {
            for (c = n, k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
            crc32_tables[0][n] = c;
        }
        for (n = 0; n < 256; n++)
            for (k = 1; k < 8; k++)
                crc32_tables[k][n] = crc32_tables[0][crc32_tables[k - 1][n] & 255] ^ (crc32_tables[k - 1][n] >> 8);
    }

    /* `crc` is the inverted state between parts. Eight bytes at a time, by tables. */
    static uint32_t crc32_by_tables(uint32_t crc, const uint8_t *at, size_t n) {
        for (; n >= 8; n -= 8, at += 8) {
            uint32_t a, b;
            memcpy(&a, at, 4);
            memcpy(&b, at + 4, 4);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            a = __builtin_bswap32(a), b = __builtin_bswap32(b);
    #endif
            a ^= crc;
            crc = crc32_tables[7][a & 255] ^ crc32_tables[6][a >> 8 & 255] ^ crc32_tables[5][a >> 16 & 255]
                ^ crc32_tables[4][a >> 24] ^ crc32_tables[3][b & 255] ^ crc32_tables[2][b >> 8 & 255]
                ^ crc32_tables[1][b >> 16 & 255] ^ crc32_tables[0][b >> 24];
        }
        while (n--) crc = crc32_tables[0][(crc ^ *at++) & 255] ^ (crc >> 8);
        return crc;
    }

    #if defined(__x86_64__)
    /* Folding by carry-less multiplication: Gopal, Ozturk and others, "Fast CRC Computation for Generic Polynomials
       Using PCLMULQDQ Instruction", Intel 2009, with its constants for this polynomial. At least 64 bytes, a multiple
       of 16. */
    __attribute__((target("pclmul,sse4.1")))
    static uint32_t crc32_by_folding(uint32_t crc, const uint8_t *at, size_t n) {
        const __m128i four = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
        const __m128i one = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
        const __m128i last = _mm_set_epi64x(0, 0x0163cd6124);
        const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
        const __m128i low = _mm_set_epi32(0, ~0, 0, ~0);
        __m128i x[4], high;
        int i;
        for (i = 0; i < 4; i++) x[i] = _mm_loadu_si128((const __m128i *)(at + 16 * i));
        x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)crc));
        for (at += 64, n -= 64; n >= 64; at += 64, n -= 64)
            for (i = 0; i < 4; i++)
                x[i] = _mm_xor_si128(
                    _mm_xor_si128(_mm_clmulepi64_si128(x[i], four, 0x00), _mm_clmulepi64_si128(x[i], four, 0x11)),
                    _mm_loadu_si128((const __m128i *)(at + 16 * i)));
        for (i = 1; i < 4; i++)
            x[0] = _mm_xor_si128(
                _mm_xor_si128(_mm_clmulepi64_si128(x[0], one, 0x00), _mm_clmulepi64_si128(x[0], one, 0x11)), x[i]);
        for (; n >= 16; at += 16, n -= 16)
            x[0] = _mm_xor_si128(
                _mm_xor_si128(_mm_clmulepi64_si128(x[0], one, 0x00), _mm_clmulepi64_si128(x[0], one, 0x11)),
                _mm_loadu_si128((const __m128i *)at));
        /* 128 bits to 96, to 64, to 32. */
        x[0] = _mm_xor_si128(_mm_clmulepi64_si128(x[0], one, 0x10), _mm_srli_si128(x[0], 8));
        high = _mm_srli_si128(x[0], 4);
        x[0] = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(x[0], low), last, 0x00), high);
        high = _mm_clmulepi64_si128(_mm_and_si128(x[0], low), barrett, 0x10);
        high = _mm_clmulepi64_si128(_mm_and_si128(high, low), barrett, 0x00);
        return (uint32_t)_mm_extract_epi32(_mm_xor_si128(x[0], high), 1);
    }
    #endif

    /* Without folding, for tests. */
    static uint32_t crc32_slowly(const uint8_t *at, size_t n) { return ~crc32_by_tables(~0u, at, n); }

    static uint32_t crc32_of(const uint8_t *at, size_t n) {
        uint32_t crc = ~0u;
    #if defined(__x86_64__)
        if (n >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
            crc = crc32_by_folding(crc, at, n & ~(size_t)15);
            at += n & ~(size_t)15;
            n &= 15;
        }
    #endif
        return ~crc32_by_tables(crc, at, n);
    }
    """
    void crc32_prepare() nogil
    uint32_t crc32_slowly(const uint8_t *at, size_t n) nogil
    uint32_t crc32_of(const uint8_t *at, size_t n) nogil
