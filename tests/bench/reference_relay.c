/* The least that a UDP chat relay can do, as a yardstick: recvmmsg, parse, one hash look-up, sendmmsg.
 *
 * It speaks the chat's datagrams on 127.0.0.1 (room size, token size, room, token, message) and knows nothing
 * else: no joins, names, limits, time-outs or metrics. A token is let in by its first datagram, into the room that
 * the datagram names. It prints its port, and runs until it is ended.
 *
 *     reference_relay [--gso]
 *
 * With --gso, messages of one size that come for a room in one batch go to each member in one piece, which the kernel
 * cuts into datagrams: the least that a relay can do that lets the kernel cut, as ours does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    MAX_DATAGRAM_BYTES = 4096,
    MAX_NAME_BYTES = 255,
    RECEIVE_BATCH = 64,
    GSO_RECEIVE_BATCH = 512, /* this and the last three as in our relay */
    SEND_BATCH = 1024, /* the kernel takes no more in one call */
    SLOTS = 1 << 17,   /* a power of two, far above the number of members */
    BUFFER_BYTES = 8 << 20,
    MAX_SEGMENT_BYTES = 1200, /* what is longer isn't cut */
    MAX_SEGMENTS = 64,
    MAX_PIECE_BYTES = 65000,
};

struct room {
    uint8_t name[MAX_NAME_BYTES];
    size_t name_bytes;
    struct sockaddr_in *addresses;
    size_t members;
    struct iovec messages[GSO_RECEIVE_BATCH]; /* of this batch, for --gso */
    size_t speakers[GSO_RECEIVE_BATCH];       /* their places */
    size_t count;
    struct room *next;
};

struct member {
    uint8_t token[MAX_NAME_BYTES];
    size_t token_bytes; /* 0: the slot is free */
    struct room *room;
    size_t place; /* of its address in the room's */
};

struct datagram {
    const uint8_t *room, *token, *message;
    size_t room_bytes, token_bytes, message_bytes;
};

static struct member *slots;
static struct room *rooms;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL)
        fail("calloc");
    return memory;
}

static bool parse(const uint8_t *data, size_t size, struct datagram *datagram) {
    if (size < 4 || data[0] == 0 || data[1] == 0 || (size_t)2 + data[0] + data[1] > size)
        return false;
    datagram->room = data + 2;
    datagram->room_bytes = data[0];
    datagram->token = datagram->room + data[0];
    datagram->token_bytes = data[1];
    datagram->message = datagram->token + data[1];
    datagram->message_bytes = size - 2 - data[0] - data[1];
    return true;
}

/* Return the token's slot, or the free one where it belongs. */
static struct member *look_up(const uint8_t *token, size_t token_bytes) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < token_bytes; i++)
        hash = (hash ^ token[i]) * 16777619u;
    for (;; hash++) {
        struct member *member = &slots[hash % SLOTS];
        if (member->token_bytes == 0)
            return member;
        if (member->token_bytes == token_bytes && memcmp(member->token, token, token_bytes) == 0)
            return member;
    }
}

static struct room *find_or_make_room(const uint8_t *name, size_t name_bytes) {
    for (struct room *room = rooms; room != NULL; room = room->next)
        if (room->name_bytes == name_bytes && memcmp(room->name, name, name_bytes) == 0)
            return room;
    struct room *room = allocate(1, sizeof *room);
    memcpy(room->name, name, name_bytes);
    room->name_bytes = name_bytes;
    room->next = rooms;
    return rooms = room;
}

static void let_in(struct member *member, const struct datagram *datagram, const struct sockaddr_in *source) {
    static size_t members;
    if (++members > SLOTS / 2) {
        fprintf(stderr, "too many members\n");
        exit(1);
    }
    struct room *room = find_or_make_room(datagram->room, datagram->room_bytes);
    memcpy(member->token, datagram->token, datagram->token_bytes);
    member->token_bytes = datagram->token_bytes;
    member->room = room;
    member->place = room->members++;
    room->addresses = realloc(room->addresses, room->members * sizeof *room->addresses);
    if (room->addresses == NULL)
        fail("realloc");
    room->addresses[member->place] = *source;
}

static void send_all(int udp, struct mmsghdr *headers, unsigned count) {
    unsigned done = 0;
    while (done < count) {
        int sent = sendmmsg(udp, headers + done, count - done, 0);
        done += sent > 0 ? (unsigned)sent : 1; /* what can't be sent is lost, as on any network */
    }
}

static void relay(int udp, const struct member *sender, const struct datagram *datagram) {
    static struct mmsghdr headers[SEND_BATCH];
    const struct room *room = sender->room;
    struct iovec message = {(void *)datagram->message, datagram->message_bytes};
    unsigned count = 0;
    for (size_t i = 0; i < room->members; i++) {
        if (i == sender->place)
            continue;
        headers[count++].msg_hdr = (struct msghdr){
            .msg_name = &room->addresses[i],
            .msg_namelen = sizeof room->addresses[i],
            .msg_iov = &message,
            .msg_iovlen = 1,
        };
        if (count == SEND_BATCH) {
            send_all(udp, headers, count);
            count = 0;
        }
    }
    send_all(udp, headers, count);
}

/* --- with --gso: what a batch brought for a room --- */

union control {
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
    struct cmsghdr aligned;
};

static struct room *spoken_in[GSO_RECEIVE_BATCH];
static unsigned spoken_in_count;
static struct {
    struct mmsghdr headers[SEND_BATCH];
    unsigned count;
} outbox;

static void keep(const struct member *sender, const struct datagram *datagram) {
    struct room *room = sender->room;
    if (room->count == 0)
        spoken_in[spoken_in_count++] = room;
    room->messages[room->count] = (struct iovec){(void *)datagram->message, datagram->message_bytes};
    room->speakers[room->count++] = sender->place;
}

/* Return where the messages end that the kernel can cut from one piece with the one at `start`. */
static size_t end_of_run(const struct room *room, size_t start) {
    size_t size = room->messages[start].iov_len, most = MAX_PIECE_BYTES / size, end = start + 1;
    if (most > MAX_SEGMENTS)
        most = MAX_SEGMENTS;
    if (size > MAX_SEGMENT_BYTES)
        most = 1;
    while (end < room->count && end - start < most && room->messages[end].iov_len == size)
        end++;
    return end;
}

static void make_control(union control *control, size_t segment_bytes) {
    const uint16_t size = (uint16_t)segment_bytes;
    control->aligned =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof size), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
    memcpy(CMSG_DATA(&control->aligned), &size, sizeof size);
}

/* Point to what a member hears of a run, and return how much that is; who spoke needs a list without its own. */
static size_t choose(struct room *room, size_t start, size_t end, size_t place, struct iovec **heard) {
    static struct iovec others[SEND_BATCH][MAX_SEGMENTS]; /* no more of them wait at a time */
    static unsigned next;
    size_t first = start, count = 0;
    while (first < end && room->speakers[first] != place)
        first++;
    *heard = &room->messages[start];
    if (first == end)
        return end - start;
    *heard = others[next % SEND_BATCH];
    for (size_t i = start; i < end; i++)
        if (room->speakers[i] != place)
            (*heard)[count++] = room->messages[i];
    next += count > 0;
    return count;
}

static void send_kept(int udp) {
    send_all(udp, outbox.headers, outbox.count);
    outbox.count = 0;
}

static void relay_run(int udp, struct room *room, size_t start, size_t end, union control *control) {
    make_control(control, room->messages[start].iov_len);
    for (size_t place = 0; place < room->members; place++) {
        struct msghdr header = {.msg_name = &room->addresses[place], .msg_namelen = sizeof *room->addresses};
        header.msg_iovlen = choose(room, start, end, place, &header.msg_iov);
        if (header.msg_iovlen == 0)
            continue;
        if (header.msg_iovlen > 1) {
            header.msg_control = control;
            header.msg_controllen = sizeof *control;
        }
        outbox.headers[outbox.count++].msg_hdr = header;
        if (outbox.count == SEND_BATCH)
            send_kept(udp);
    }
}

/* Send all that the batch brought. */
static void relay_kept(int udp) {
    static union control controls[GSO_RECEIVE_BATCH];
    unsigned runs = 0;
    for (unsigned i = 0; i < spoken_in_count; i++)
        for (size_t start = 0, end; start < spoken_in[i]->count; start = end) {
            end = end_of_run(spoken_in[i], start);
            relay_run(udp, spoken_in[i], start, end, &controls[runs++]);
        }
    send_kept(udp);
    while (spoken_in_count > 0)
        spoken_in[--spoken_in_count]->count = 0;
}

static void handle(int udp, const uint8_t *data, size_t size, const struct sockaddr_in *source, bool gso) {
    struct datagram datagram;
    if (!parse(data, size, &datagram))
        return;
    struct member *sender = look_up(datagram.token, datagram.token_bytes);
    if (sender->token_bytes == 0)
        let_in(sender, &datagram, source);
    struct sockaddr_in *known = &sender->room->addresses[sender->place];
    if (known->sin_addr.s_addr != source->sin_addr.s_addr)
        return;
    known->sin_port = source->sin_port;
    if (datagram.message_bytes == 0)
        return;
    if (gso)
        keep(sender, &datagram);
    else
        relay(udp, sender, &datagram);
}

static int open_socket(void) {
    int udp = socket(AF_INET, SOCK_DGRAM, 0), size = BUFFER_BYTES;
    if (udp < 0)
        fail("socket");
    const int forced[] = {SO_RCVBUFFORCE, SO_SNDBUFFORCE}, modest[] = {SO_RCVBUF, SO_SNDBUF};
    for (int i = 0; i < 2; i++)
        if (setsockopt(udp, SOL_SOCKET, forced[i], &size, sizeof size) != 0) /* only root may */
            setsockopt(udp, SOL_SOCKET, modest[i], &size, sizeof size);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    if (bind(udp, (struct sockaddr *)&address, sizeof address) != 0)
        fail("bind");
    if (getsockname(udp, (struct sockaddr *)&address, &address_bytes) != 0)
        fail("getsockname");
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return udp;
}

int main(int count_of_arguments, char **arguments) {
    const bool gso = count_of_arguments == 2 && strcmp(arguments[1], "--gso") == 0;
    if (count_of_arguments > 1 && !gso) {
        fprintf(stderr, "reference_relay [--gso]\n");
        return 2;
    }
    static uint8_t inbox[GSO_RECEIVE_BATCH][MAX_DATAGRAM_BYTES];
    static struct sockaddr_in sources[GSO_RECEIVE_BATCH];
    static struct iovec pieces[GSO_RECEIVE_BATCH];
    static struct mmsghdr headers[GSO_RECEIVE_BATCH];
    const int batch = gso ? GSO_RECEIVE_BATCH : RECEIVE_BATCH;
    slots = allocate(SLOTS, sizeof *slots);
    int udp = open_socket();
    for (int i = 0; i < batch; i++) {
        pieces[i] = (struct iovec){inbox[i], sizeof inbox[i]};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &sources[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    for (;;) {
        for (int i = 0; i < batch; i++)
            headers[i].msg_hdr.msg_namelen = sizeof sources[i];
        int count = recvmmsg(udp, headers, batch, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++)
            handle(udp, inbox[i], headers[i].msg_len, &sources[i], gso);
        relay_kept(udp);
    }
}
