/* The least that a relay can do for members on TCP, as a yardstick: a wait, a read, and a write to each other member.
 *
 *     reference_streams MEMBERS_PER_ROOM
 *
 * Who connects to 127.0.0.1 is a member, room after room; what one sends goes to the others as it is. It knows nothing
 * else: no joins, lines, names, numbers, limits or time-outs, and a reader that stalls holds up everybody. It prints its
 * port, and runs until it is ended.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_MEMBERS = 1 << 16, EVENTS = 256, BACKLOG = 1024, BUFFER_BYTES = 1 << 16, LISTENER = MAX_MEMBERS };

static int connections[MAX_MEMBERS];
static size_t count, members_per_room;

static void check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static int listening(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(bind(listener, (struct sockaddr *)&address, size), "bind");
    check(listen(listener, BACKLOG), "listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void watch(int epoll, int descriptor, uint32_t place) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = place};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

static void enter(int epoll, int listener) {
    int connection = accept(listener, NULL, NULL), on = 1;
    check(count < MAX_MEMBERS ? connection : -1, "accept");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, connection, (uint32_t)count);
    connections[count++] = connection;
}

static void pass_on(size_t place) {
    static char buffer[BUFFER_BYTES];
    ssize_t size = read(connections[place], buffer, sizeof buffer);
    if (size <= 0) { /* its member is gone: the run is over */
        close(connections[place]);
        return;
    }
    size_t first = place / members_per_room * members_per_room;
    for (size_t other = first; other < first + members_per_room && other < count; other++)
        if (other != place && send(connections[other], buffer, (size_t)size, MSG_NOSIGNAL) < 0)
            return;
}

int main(int argc, char **argv) {
    members_per_room = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (!members_per_room) {
        fputs("usage: reference_streams MEMBERS_PER_ROOM\n", stderr);
        return 2;
    }
    int listener = listening(), epoll = epoll_create1(0);
    watch(epoll, listener, LISTENER);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 == LISTENER)
                enter(epoll, listener);
            else
                pass_on(events[i].data.u32);
        }
    }
}
