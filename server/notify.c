/*
 * notify.c - datagrams to the service manager.
 */
#include "server/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MICROSECONDS 1000000ULL

void rf_notify(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (name == NULL || (name[0] != '/' && name[0] != '@') ||
        strlen(name) >= sizeof address.sun_path) {
        return;
    }
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0'; /* the abstract name space */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    socklen_t size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
               (const struct sockaddr *)&address, size) < 0) {
        /* Nothing to be done about it. */
    }
    close(fd);
}

unsigned rf_notify_watchdog_seconds(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    unsigned long long microseconds =
        text == NULL ? 0 : strtoull(text, NULL, 10);
    unsigned long long half = microseconds / MICROSECONDS / 2;
    return half > 3600 ? 3600 : (unsigned)half;
}
