/* The least that a UDP chat relay can do, as a yardstick: recvmmsg, parse, one hash look-up, sendmmsg.
 *
 * It speaks the chat's datagrams on 127.0.0.1 (room size, token size, room, token, message) and knows nothing
 * else: no joins, names, limits, time-outs or metrics. A token is let in by its first datagram, into the room that
 * the datagram names. It prints its port, and runs until it is ended.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
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
    SEND_BATCH = 1024, /* the kernel takes no more in one call */
    SLOTS = 1 << 17,   /* a power of two, far above the number of members */
    BUFFER_BYTES = 8 << 20,
};

struct room {
    uint8_t name[MAX_NAME_BYTES];
    size_t name_bytes;
    struct sockaddr_in *addresses;
    size_t members;
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

static void handle(int udp, const uint8_t *data, size_t size, const struct sockaddr_in *source) {
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
    if (datagram.message_bytes > 0)
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

int main(void) {
    static uint8_t inbox[RECEIVE_BATCH][MAX_DATAGRAM_BYTES];
    static struct sockaddr_in sources[RECEIVE_BATCH];
    static struct iovec pieces[RECEIVE_BATCH];
    static struct mmsghdr headers[RECEIVE_BATCH];
    slots = allocate(SLOTS, sizeof *slots);
    int udp = open_socket();
    for (int i = 0; i < RECEIVE_BATCH; i++) {
        pieces[i] = (struct iovec){inbox[i], sizeof inbox[i]};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &sources[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    for (;;) {
        for (int i = 0; i < RECEIVE_BATCH; i++)
            headers[i].msg_hdr.msg_namelen = sizeof sources[i];
        int count = recvmmsg(udp, headers, RECEIVE_BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++)
            handle(udp, inbox[i], headers[i].msg_len, &sources[i]);
    }
}
