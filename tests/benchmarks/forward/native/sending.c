/* The sending half of the generator: frames sealed and sent, a frame a call, and RTCP reports. */
#include "generator.h"

#include <netinet/udp.h>

void flush_messages(Generator *g) {
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
    if (g->out_count == OUT_MESSAGES) flush_messages(g);
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

void send_frame(Generator *g, Stream *stream) {
    uint64_t rate = (uint64_t)stream->packets_per_s, fps = (uint64_t)stream->fps, frame = stream->frame;
    int count = (int)((frame + 1) * rate / fps - frame * rate / fps), bytes = 0, packet = 0;
    if (g->media[stream->video].frames) {
        send_media_frame(g, stream);
        return;
    }
    uint8_t *at = new_message(g);
    int64_t now = wall_ns();
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
void send_reports(Generator *g, int number) {
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

void send_check(Generator *g, int number) {
    Leg *leg = &g->leg[number];
    memcpy(new_message(g), leg->check, leg->check_bytes);
    close_message(g, number, leg->check_bytes, 0);
    g->counters.checks++;
}
