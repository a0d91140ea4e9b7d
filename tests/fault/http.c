/*
 * http.c - requests and replies on plain sockets.
 */
#include "tests/fault/http.h"

#include "tests/fault/common.h"
#include "tests/fault/server.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REPLY_LIMIT_S = 30
};

char *rf_http_request(const char *path, const char *body)
{
    static const char prefix[] = "/api/environment/" RF_SERVER_ENVIRONMENT;
    if (body == NULL) {
        return rf_common_format("GET %s%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                prefix, path);
    }
    return rf_common_format("POST %s%s HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n%s",
                            prefix, path, strlen(body), body);
}

/* Return the value of a header in a head that ends at `end`, or NULL. */
static const char *find_header(const char *head, const char *end,
                               const char *name)
{
    size_t length = strlen(name);
    const char *line = head;
    while (line + length < end) {
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            return line + length + 1;
        }
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (next == NULL) {
            return NULL;
        }
        line = next + 1;
    }
    return NULL;
}

bool rf_http_parse(const char *bytes, size_t length, rf_reply *out)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    const char *size = find_header(bytes, end, "Content-Length");
    if (strncmp(bytes, "HTTP/1.1 ", 9) != 0 || size == NULL) {
        rf_common_die("a reply these tests cannot read: %.*s",
                      (int)(end - bytes), bytes);
    }
    size_t head_length = (size_t)(end - bytes) + 4;
    size_t body_length = strtoul(size, NULL, 10);
    if (length < head_length + body_length) {
        return false;
    }
    *out = (rf_reply){.status = (int)strtol(bytes + 9, NULL, 10),
                      .body = bytes + head_length,
                      .body_length = body_length,
                      .length = head_length + body_length};
    return true;
}

int rf_http_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void rf_client_init(rf_client *client, int port)
{
    *client = (rf_client){.port = port, .fd = -1};
}

static void hang_up(rf_client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
        client->fd = -1;
    }
}

void rf_client_done(rf_client *client)
{
    hang_up(client);
    free(client->received);
    client->received = NULL;
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool receive_reply(rf_client *client, rf_reply *out)
{
    size_t length = 0;
    for (;;) {
        if (client->capacity - length < 65536) {
            client->capacity = client->capacity * 2 + 65536;
            client->received =
                rf_common_grow(client->received, client->capacity);
        }
        ssize_t got = recv(client->fd, client->received + length,
                           client->capacity - length, 0);
        if (got <= 0) {
            return false;
        }
        length += (size_t)got;
        if (rf_http_parse(client->received, length, out)) {
            return true;
        }
    }
}

bool rf_client_send(rf_client *client, const char *request, rf_reply *out)
{
    const struct timeval limit = {.tv_sec = REPLY_LIMIT_S};
    if (client->fd < 0) {
        client->fd = rf_http_connect(client->port);
        if (client->fd < 0) {
            return false;
        }
        setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    bool answered = send_all(client->fd, request, strlen(request)) &&
                    receive_reply(client, out);
    if (!answered) {
        hang_up(client);
    }
    return answered;
}

bool rf_client_call(rf_client *client, const char *path, const char *body,
                    rf_reply *out)
{
    char *request = rf_http_request(path, body);
    bool answered = rf_client_send(client, request, out);
    free(request);
    return answered;
}
