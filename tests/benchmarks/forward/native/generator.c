/* The clients of the benchmark in one loop on one core: publishers that send on a timetable or as fast as the server
   takes it, and receivers that count. All clients share one socket: client i has the i-th address from the first on, so that one
   recvmmsg serves thousands, and UDP_GRO gives a server's GSO sends in one piece. Only samples are decrypted. */
#define _GNU_SOURCE
#include "srtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define MAX_SSRCS 64
#define IN_MESSAGES 32
#define IN_BYTES 65536
#define OUT_MESSAGES 64
#define OUT_BYTES 65536
#define CONTROL_BYTES (1 << 20)
#define DELAY_BUCKETS (1 << 20)
#define SECOND_NS 1000000000LL
#define STALL_NS 30000000LL
#define REPORT_BYTES 64

typedef struct {
    uint32_t ssrc;
    uint32_t unused;
    uint64_t highest, packets;
} Received;

typedef struct {
    struct sockaddr_in remote;
    Sealer seal, open, seal_rtcp;
    uint32_t rtcp_index;
    int ready, ssrcs;
    uint64_t packets;
    Received received[MAX_SSRCS];
} Leg;

typedef struct {
    int leg, video, fps, packets_per_s, packet_bytes, payload_type, fanout;
    uint32_t ssrc;
    int64_t phase_ns;
    uint64_t index, frame, packets, bytes;
    uint32_t timestamp;
} Stream;

/* Real encoded media for servers that decode: payloads one after the other, grouped into frames. */
typedef struct {
    const uint8_t *bytes;
    const int *lengths, *first_of_frame;            /* first_of_frame has one entry more than frames */
    const int64_t *at;
    int frames;
} Media;

typedef struct {
    uint64_t sent, expected, received, rtcp, late, opened, forged, unknown, send_errors, receive_calls, messages, loops;
    int64_t longest_loop_ns, idle_ns, elapsed_ns;
} Counters;

typedef struct {
    int fd, legs, streams, active, sample_every;
    uint32_t first_address;
    uint32_t until_sample;
    Leg *leg;
    Stream *stream;
    Counters counters;
    uint32_t *delays_us;

    Media media[2];
    uint64_t next_event[2];
    int order_count[2];
    int *orders[2];
    struct mmsghdr in[IN_MESSAGES], out[OUT_MESSAGES];
    struct iovec in_part[IN_MESSAGES], out_part[OUT_MESSAGES];
    struct sockaddr_in in_name[IN_MESSAGES];
    uint8_t in_control[IN_MESSAGES][128], out_control[OUT_MESSAGES][128];
    uint8_t *in_bytes, *out_bytes;
    int out_count;
    uint8_t *control;
    volatile uint32_t control_read, control_written;
    volatile int stop;
    int64_t next_report_ns;
    int next_report_leg;
    uint8_t filler[2048];
} Generator;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

Generator *generator_new(int fd, int legs, int streams, uint32_t first_address) {
    Generator *g = calloc(1, sizeof(Generator));
    if (!g) return NULL;
    g->fd = fd;
    g->first_address = first_address;
    g->legs = legs;
    g->streams = streams;
    g->leg = calloc(legs, sizeof(Leg));
    g->stream = calloc(streams, sizeof(Stream));
    g->delays_us = calloc(DELAY_BUCKETS, sizeof(uint32_t));
    g->orders[0] = calloc(streams, sizeof(int));
    g->orders[1] = calloc(streams, sizeof(int));
    g->in_bytes = malloc((size_t)IN_MESSAGES * IN_BYTES);
    g->out_bytes = malloc((size_t)OUT_MESSAGES * OUT_BYTES);
    g->control = malloc(CONTROL_BYTES);
    g->sample_every = 1;
    for (int i = 0; i < IN_MESSAGES; i++) {
        g->in_part[i].iov_base = g->in_bytes + (size_t)i * IN_BYTES;
        g->in_part[i].iov_len = IN_BYTES;
        g->in[i].msg_hdr.msg_iov = &g->in_part[i];
        g->in[i].msg_hdr.msg_iovlen = 1;
        g->in[i].msg_hdr.msg_name = &g->in_name[i];
        g->in[i].msg_hdr.msg_control = g->in_control[i];
    }
    for (size_t i = 0; i < sizeof g->filler; i++) g->filler[i] = (uint8_t)(i * 167 + 13);
    return g;
}

void generator_free(Generator *g) {
    for (int i = 0; i < g->legs; i++) {
        if (!g->leg[i].ready) continue;
        sealer_close(&g->leg[i].seal);
        sealer_close(&g->leg[i].open);
        sealer_close(&g->leg[i].seal_rtcp);
    }
    free(g->leg);
    free(g->stream);
    free(g->delays_us);
    free(g->orders[0]);
    free(g->orders[1]);
    free(g->in_bytes);
    free(g->out_bytes);
    free(g->control);
    free(g);
}

/* `sealed` and `opened`: SESSION_BYTES each, of what the client sends and of what it receives. */
int generator_set_leg(Generator *g, int i, uint32_t ip, int port, const uint8_t *sealed, const uint8_t *opened) {
    Leg *leg = &g->leg[i];
    leg->remote.sin_family = AF_INET;
    leg->remote.sin_addr.s_addr = htonl(ip);
    leg->remote.sin_port = htons((uint16_t)port);
    leg->ready = 1;
    return sealer_open(&leg->seal, sealed, 1) && sealer_open(&leg->open, opened, 0) &&
           sealer_open(&leg->seal_rtcp, sealed + KEY_BYTES + SALT_BYTES, 1);
}

void generator_set_stream(Generator *g, int i, int leg, int video, int fps, int packets_per_s, int packet_bytes,
                          int payload_type, int fanout, uint32_t ssrc, int64_t phase_ns) {
    g->stream[i] = (Stream){.leg = leg, .video = video, .fps = fps, .packets_per_s = packets_per_s,
                            .packet_bytes = packet_bytes, .payload_type = payload_type, .fanout = fanout,
                            .ssrc = ssrc, .phase_ns = phase_ns, .index = 1000 + ssrc % 20000};
}

/* From now on streams of this kind repeat these frames instead of sending made-up payloads; the arrays stay the caller's. */
void generator_set_media(Generator *g, int video, const uint8_t *bytes, const int64_t *at, const int *lengths,
                         const int *first_of_frame, int frames) {
    g->media[video] = (Media){.bytes = bytes, .at = at, .lengths = lengths, .first_of_frame = first_of_frame, .frames = frames};
}

const Counters *generator_counters(Generator *g) { return &g->counters; }
const uint32_t *generator_delays(Generator *g) { return g->delays_us; }
uint64_t generator_leg_packets(Generator *g, int leg) { return g->leg[leg].packets; }

void generator_reset_counters(Generator *g, int sample_every) {
    memset(&g->counters, 0, sizeof g->counters);
    memset(g->delays_us, 0, DELAY_BUCKETS * sizeof(uint32_t));
    for (int i = 0; i < g->legs; i++) g->leg[i].packets = 0;
    g->sample_every = sample_every;
    g->until_sample = 1;
}

void generator_stop(Generator *g) { g->stop = 1; }

/* The oldest datagram that is neither RTP nor RTCP: returns its length, 0 when there is none. */
int generator_take_control(Generator *g, uint8_t *data, int *leg) {
    uint32_t at = g->control_read;
    uint16_t length;
    if (at == __atomic_load_n(&g->control_written, __ATOMIC_ACQUIRE)) return 0;
    uint8_t *slot = g->control + at * 2048;
    memcpy(&length, slot, 2);
    memcpy(leg, slot + 4, 4);
    memcpy(data, slot + 8, length);
    __atomic_store_n(&g->control_read, (at + 1) % (CONTROL_BYTES / 2048), __ATOMIC_RELEASE);
    return length;
}

static void keep_control(Generator *g, int leg, const uint8_t *data, int bytes) {
    uint32_t at = g->control_written, next = (at + 1) % (CONTROL_BYTES / 2048);
    uint16_t length = (uint16_t)bytes;
    if (bytes > 2040 || next == __atomic_load_n(&g->control_read, __ATOMIC_ACQUIRE)) return;
    uint8_t *slot = g->control + at * 2048;
    memcpy(slot, &length, 2);
    memcpy(slot + 4, &leg, 4);
    memcpy(slot + 8, data, bytes);
    __atomic_store_n(&g->control_written, next, __ATOMIC_RELEASE);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void flush(Generator *g) {
    int done = 0;
    while (done < g->out_count) {
        int sent = sendmmsg(g->fd, g->out + done, g->out_count - done, MSG_DONTWAIT);
        if (sent <= 0) {
            g->counters.send_errors++;
            sent = 1;
        }
        done += sent;
    }
    g->out_count = 0;
}

static uint8_t *new_message(Generator *g) {
    if (g->out_count == OUT_MESSAGES) flush(g);
    return g->out_bytes + (size_t)g->out_count * OUT_BYTES;
}

static void add_control(struct msghdr *header, struct cmsghdr **at, int level, int type, const void *data, int bytes) {
    struct cmsghdr *control = *at ? (struct cmsghdr *)((uint8_t *)*at + CMSG_ALIGN((*at)->cmsg_len))
                                  : (struct cmsghdr *)header->msg_control;
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(control), data, bytes);
    header->msg_controllen = (uint8_t *)control - (uint8_t *)header->msg_control + CMSG_SPACE(bytes);
    *at = control;
}

static void close_message(Generator *g, int leg, int bytes, int segment_bytes) {
    int i = g->out_count++;
    struct msghdr *header = &g->out[i].msg_hdr;
    struct cmsghdr *at = NULL;
    struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(g->first_address + leg)};
    uint16_t segment = (uint16_t)segment_bytes;
    memset(g->out_control[i], 0, sizeof g->out_control[i]);
    g->out_part[i].iov_base = g->out_bytes + (size_t)i * OUT_BYTES;
    g->out_part[i].iov_len = bytes;
    *header = (struct msghdr){.msg_name = &g->leg[leg].remote, .msg_namelen = sizeof(struct sockaddr_in),
                              .msg_iov = &g->out_part[i], .msg_iovlen = 1, .msg_control = g->out_control[i]};
    add_control(header, &at, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    if (segment_bytes && bytes > segment_bytes) add_control(header, &at, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
}

/* VP8 payload descriptor with a 15-bit picture id (RFC 7741 4.2), and at a key frame its 10-byte header (RFC 6386 9.1). */
static int write_vp8(const Stream *stream, uint8_t *at, int first) {
    int bytes = 4;
    at[0] = first ? 0x90 : 0x80;
    at[1] = 0x80;
    write_u16(at + 2, 0x8000 | (stream->frame & 0x7fff));
    if (!first) return bytes;
    if (stream->frame % stream->fps == 0) {
        static const uint8_t key_frame[10] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02};
        memcpy(at + bytes, key_frame, sizeof key_frame);
        return bytes + (int)sizeof key_frame;
    }
    at[bytes] = 0x11;
    return bytes + 1;
}

static int write_packet(Generator *g, Stream *stream, uint8_t *at, int first, int last, int64_t now) {
    Leg *leg = &g->leg[stream->leg];
    int bytes = stream->packet_bytes, used = 12;
    at[0] = 0x80;
    at[1] = (uint8_t)(stream->payload_type | (stream->video && last ? 0x80 : 0));
    write_u16(at + 2, (uint16_t)stream->index);
    write_u32(at + 4, stream->timestamp);
    write_u32(at + 8, stream->ssrc);
    if (stream->video) used += write_vp8(stream, at + 12, first);
    memcpy(at + used, g->filler, bytes - used - 8);
    if (!stream->video) at[12] = 0x78;                  /* Opus, CELT fullband 20 ms (RFC 6716 3.1) */
    memcpy(at + bytes - 8, &now, 8);
    bytes = seal(&leg->seal, stream->ssrc, stream->index, at, 12, bytes, at);
    stream->index++;
    stream->packets++;
    stream->bytes += stream->packet_bytes - 12;
    return bytes;
}

static void send_media_frame(Generator *g, Stream *stream) {
    const Media *media = &g->media[stream->video];
    Leg *leg = &g->leg[stream->leg];
    int frame = (int)(stream->frame % media->frames), end = media->first_of_frame[frame + 1];
    for (int i = media->first_of_frame[frame]; i < end; i++) {
        uint8_t *at = new_message(g);
        int bytes = 12 + media->lengths[i];
        at[0] = 0x80;
        at[1] = (uint8_t)(stream->payload_type | (stream->video && i == end - 1 ? 0x80 : 0));
        write_u16(at + 2, (uint16_t)stream->index);
        write_u32(at + 4, stream->timestamp);
        write_u32(at + 8, stream->ssrc);
        memcpy(at + 12, media->bytes + media->at[i], media->lengths[i]);
        close_message(g, stream->leg, seal(&leg->seal, stream->ssrc, stream->index, at, 12, bytes, at), 0);
        stream->index++;
        stream->packets++;
        stream->bytes += media->lengths[i];
        g->counters.sent++;
        g->counters.expected += stream->fanout;
    }
    stream->frame++;
    stream->timestamp += (stream->video ? 90000 : 48000) / stream->fps;
}

static void send_frame(Generator *g, Stream *stream, int64_t now) {
    uint64_t rate = (uint64_t)stream->packets_per_s, fps = (uint64_t)stream->fps, frame = stream->frame;
    int count = (int)((frame + 1) * rate / fps - frame * rate / fps), bytes = 0, packet = 0;
    if (g->media[stream->video].frames) {
        send_media_frame(g, stream);
        return;
    }
    uint8_t *at = new_message(g);
    for (int i = 0; i < count; i++) {
        packet = write_packet(g, stream, at + bytes, i == 0, i == count - 1, now);
        bytes += packet;
    }
    if (bytes) close_message(g, stream->leg, bytes, packet);
    stream->frame++;
    stream->timestamp += (stream->video ? 90000 : 48000) / stream->fps;
    g->counters.sent += count;
    g->counters.expected += (uint64_t)count * stream->fanout;
}

/* Sender reports of what a leg publishes, receiver reports of what it got, once a second (RFC 3550 6.4). */
static void send_reports(Generator *g, int number) {
    Leg *leg = &g->leg[number];
    struct timespec wall;
    int bytes = 0;
    uint8_t *at = new_message(g);
    clock_gettime(CLOCK_REALTIME, &wall);
    for (int i = 0; i < g->active; i++) {
        Stream *stream = &g->stream[i];
        if (stream->leg != number || !stream->packets) continue;
        memset(at, 0, 28);
        at[0] = 0x80;
        at[1] = 200;
        write_u16(at + 2, 6);
        write_u32(at + 4, stream->ssrc);
        write_u32(at + 8, (uint32_t)(wall.tv_sec + 2208988800u));
        write_u32(at + 12, (uint32_t)(((uint64_t)wall.tv_nsec << 32) / SECOND_NS));
        write_u32(at + 16, stream->timestamp);
        write_u32(at + 20, (uint32_t)stream->packets);
        write_u32(at + 24, (uint32_t)stream->bytes);
        bytes = seal_rtcp(&leg->seal_rtcp, ++leg->rtcp_index, at, 28);
        close_message(g, number, bytes, 0);
        at = new_message(g);
    }
    if (!leg->ssrcs) return;
    int blocks = leg->ssrcs < 24 ? leg->ssrcs : 24;
    memset(at, 0, 8 + 24 * blocks);
    at[0] = (uint8_t)(0x80 | blocks);
    at[1] = 201;
    write_u16(at + 2, (uint16_t)(1 + 6 * blocks));
    write_u32(at + 4, 1);
    for (int i = 0; i < blocks; i++) {
        write_u32(at + 8 + 24 * i, leg->received[i].ssrc);
        write_u32(at + 16 + 24 * i, (uint32_t)leg->received[i].highest);
    }
    bytes = seal_rtcp(&leg->seal_rtcp, ++leg->rtcp_index, at, 8 + 24 * blocks);
    close_message(g, number, bytes, 0);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static Received *received_of(Leg *leg, uint32_t ssrc, uint16_t seq) {
    for (int i = 0; i < leg->ssrcs; i++)
        if (leg->received[i].ssrc == ssrc) return &leg->received[i];
    if (leg->ssrcs == MAX_SSRCS) return NULL;
    leg->received[leg->ssrcs] = (Received){.ssrc = ssrc, .highest = seq};
    return &leg->received[leg->ssrcs++];
}

static void sample(Generator *g, Leg *leg, uint32_t ssrc, uint64_t index, const uint8_t *packet, int bytes, int64_t now) {
    uint8_t clear[2048];
    int64_t sent, delay_us;
    int header = rtp_header_bytes(packet, bytes), length = -1;
    if (header && bytes <= (int)sizeof clear) length = unseal(&leg->open, ssrc, index, packet, header, bytes, clear);
    if (length > 0 && clear[0] & 0x20) length -= clear[length - 1];
    if (length < header + 8) {
        g->counters.forged++;
        return;
    }
    g->counters.opened++;
    memcpy(&sent, clear + length - 8, 8);
    delay_us = (now - sent) / 1000;
    if (delay_us < 0) delay_us = 0;
    g->delays_us[delay_us < DELAY_BUCKETS ? delay_us : DELAY_BUCKETS - 1]++;
}

static void count_packet(Generator *g, int number, const uint8_t *packet, int bytes, int64_t now) {
    Leg *leg = &g->leg[number];
    if (!is_media(packet, bytes)) {
        keep_control(g, number, packet, bytes);
        return;
    }
    if (is_rtcp(packet)) {
        g->counters.rtcp++;
        return;
    }
    uint32_t ssrc = read_u32(packet + 8);
    uint16_t seq = read_u16(packet + 2);
    Received *received = bytes >= 12 ? received_of(leg, ssrc, seq) : NULL;
    if (!received) {
        g->counters.unknown++;
        return;
    }
    uint64_t index = nearest_index(received->highest, seq);
    if (index > received->highest) received->highest = index;
    else if (received->packets) g->counters.late++;
    received->packets++;
    leg->packets++;
    g->counters.received++;
    if (--g->until_sample == 0) {
        g->until_sample = g->sample_every;
        if (leg->ready) sample(g, leg, ssrc, index, packet, bytes, now);
    }
}

static void count_message(Generator *g, int i, int64_t now) {
    struct msghdr *header = &g->in[i].msg_hdr;
    const uint8_t *at = g->in_bytes + (size_t)i * IN_BYTES;
    int left = (int)g->in[i].msg_len, segment = left, number = -1;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
            number = (int)(ntohl(((struct in_pktinfo *)CMSG_DATA(control))->ipi_addr.s_addr) - g->first_address);
        else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
            memcpy(&segment, CMSG_DATA(control), sizeof segment);
    }
    if (number < 0 || number >= g->legs || segment <= 0) {
        g->counters.unknown++;
        return;
    }
    for (; left > 0; at += segment, left -= segment) count_packet(g, number, at, left < segment ? left : segment, now);
}

static int receive_some(Generator *g) {
    for (int i = 0; i < IN_MESSAGES; i++) {
        g->in[i].msg_hdr.msg_controllen = sizeof g->in_control[i];
        g->in[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
    }
    int count = recvmmsg(g->fd, g->in, IN_MESSAGES, MSG_DONTWAIT, NULL);
    if (count <= 0) return 0;
    int64_t now = now_ns();
    g->counters.receive_calls++;
    g->counters.messages += count;
    for (int i = 0; i < count; i++) count_message(g, i, now);
    return count;
}

/* --- the timetable ------------------------------------------------------------------------------------------------ */

static const Stream *sorting;
static int by_phase(const void *a, const void *b) {
    int64_t x = sorting[*(const int *)a].phase_ns, y = sorting[*(const int *)b].phase_ns;
    return x < y ? -1 : x > y;
}

/* Two timetables, of video and of audio; within each all streams have the same period. */
static void make_timetable(Generator *g, int active) {
    g->active = active;
    g->order_count[0] = g->order_count[1] = 0;
    for (int i = 0; i < active; i++) {
        int kind = g->stream[i].video;
        g->orders[kind][g->order_count[kind]++] = i;
    }
    sorting = g->stream;
    for (int kind = 0; kind < 2; kind++) {
        qsort(g->orders[kind], g->order_count[kind], sizeof(int), by_phase);
        g->next_event[kind] = 0;
    }
}

static int64_t due_ns(const Generator *g, int kind, Stream **stream) {
    if (!g->order_count[kind]) return INT64_MAX;
    uint64_t count = g->order_count[kind], event = g->next_event[kind];
    *stream = &g->stream[g->orders[kind][event % count]];
    return (int64_t)(event / count) * SECOND_NS / (*stream)->fps + (*stream)->phase_ns;
}

/* Sends what is due until `until_ns` of the timetable, at most `budget` frames; returns how many. */
static int send_due(Generator *g, int64_t until_ns, int budget, int64_t now) {
    int sent = 0;
    while (sent < budget) {
        Stream *video = NULL, *audio = NULL;
        int64_t video_ns = due_ns(g, 1, &video), audio_ns = due_ns(g, 0, &audio);
        int kind = video_ns <= audio_ns;
        if ((kind ? video_ns : audio_ns) > until_ns) break;
        send_frame(g, kind ? video : audio, now);
        g->next_event[kind]++;
        sent++;
    }
    if (sent) flush(g);
    return sent;
}

static void reports_due(Generator *g, int64_t now) {
    int most = 8;
    while (most-- && now >= g->next_report_ns) {
        if (g->leg[g->next_report_leg].ready) send_reports(g, g->next_report_leg);
        g->next_report_leg = (g->next_report_leg + 1) % g->legs;
        g->next_report_ns += SECOND_NS / g->legs;
        if (now - g->next_report_ns > SECOND_NS) g->next_report_ns = now;
    }
    if (g->out_count) flush(g);
}

/* Runs for `duration_ns` with the first `active` streams. `window` 0: by the timetable, in real time. `window` > 0: the
   timetable as fast as the server forwards, with at most that many packets sent and not yet seen by every receiver. */
void generator_run(Generator *g, int64_t duration_ns, int active, int window) {
    int64_t begin = now_ns(), now = begin, moved_ns = begin;
    uint64_t seen = 0, forgiven = g->counters.expected - g->counters.received;
    make_timetable(g, active);
    for (int kind = 0; kind < 2; kind++) g->next_event[kind] = 0;
    if (!g->next_report_ns || begin - g->next_report_ns > SECOND_NS) g->next_report_ns = begin;
    g->stop = 0;
    while (!g->stop && now - begin < duration_ns) {
        int sent = 0, received = receive_some(g);
        if (window && active) {
            uint64_t waiting = g->counters.expected - g->counters.received;
            if (g->counters.received != seen) {
                seen = g->counters.received;
                moved_ns = now;
            } else if (now - moved_ns > STALL_NS) {
                forgiven = waiting;                         /* lost for good: do not wait for it */
                moved_ns = now;
            }
            if (waiting < forgiven) forgiven = waiting;
            if (waiting - forgiven < (uint64_t)window * g->stream[0].fanout) sent = send_due(g, INT64_MAX - 1, 2, now);
        } else if (active) {
            sent = send_due(g, now - begin, 256, now);
        }
        reports_due(g, now);
        int64_t after = now_ns();
        if (!sent && !received) g->counters.idle_ns += after - now;
        if (after - now > g->counters.longest_loop_ns) g->counters.longest_loop_ns = after - now;
        g->counters.loops++;
        now = after;
    }
    g->counters.elapsed_ns += now - begin;
}
