/*
 * server.c - a server of our own: started, killed, stopped, verified.
 */
#include "tests/fault/server.h"

#include "tests/fault/common.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_LIMIT_MS = 60000, /* a start may have a journal to read */
    STOP_LIMIT_MS = 60000
};

static void make_folder(const char *root, const char *name)
{
    char *path = rf_common_format("%s/%s", root, name);
    if (mkdir(path, 0700) != 0) {
        rf_common_die("cannot make %s: %s", path, strerror(errno));
    }
    free(path);
}

void rf_server_configure(const rf_server *server, const char *document)
{
    char *path = rf_common_format("%s/config.json", server->root);
    rf_common_write_file(path, document, strlen(document));
    free(path);
}

void rf_server_prepare(rf_server *server, const char *environment_file)
{
    size_t length = 0;
    char *document = rf_common_read_file(environment_file, &length);
    *server = (rf_server){.root = rf_common_make_directory(),
                          .binary = rf_common_need("RINGFENCE_BIN"),
                          .output = -1};
    make_folder(server->root, "data");
    make_folder(server->root, "plugins");
    make_folder(server->root, "environments");
    char *path = rf_common_format("%s/environments/%s.json", server->root,
                                  RF_SERVER_ENVIRONMENT);
    rf_common_write_file(path, document, length);
    free(path);
    rf_server_configure(server, "{\"store\":{\"freeSpaceBytes\":0}}");
    path = rf_common_format("%s/server.log", server->root);
    server->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(path);
    free(document);
    server->data = rf_common_format("%s/data", server->root);
}

void rf_server_discard(rf_server *server, bool keep)
{
    if (keep) {
        rf_tap_note("kept for inspection: %s", server->root);
    } else {
        /* A test may have put a file system of its own there. */
        umount2(server->data, MNT_DETACH);
        rf_common_remove_tree(server->root);
    }
    close(server->log);
    free(server->data);
    free(server->root);
}

/* Fill in the arguments that every subcommand takes. */
static char **make_arguments(const rf_server *server, const char *command,
                             const char *data, const char *extra)
{
    char **arguments = rf_common_alloc(13, sizeof(char *));
    size_t count = 0;
    arguments[count++] = rf_common_format("%s", server->binary);
    arguments[count++] = rf_common_format("%s", command);
    arguments[count++] = rf_common_format("--config");
    arguments[count++] = rf_common_format("%s/config.json", server->root);
    arguments[count++] = rf_common_format("--data");
    arguments[count++] = rf_common_format("%s", data);
    arguments[count++] = rf_common_format("--environments");
    arguments[count++] = rf_common_format("%s/environments", server->root);
    if (strcmp(command, "serve") == 0) {
        arguments[count++] = rf_common_format("--plugins");
        arguments[count++] = rf_common_format("%s/plugins", server->root);
        arguments[count++] = rf_common_format("--listen");
        arguments[count++] = rf_common_format("127.0.0.1:0");
    } else if (extra != NULL) {
        arguments[count++] = rf_common_format("%s", extra);
    }
    return arguments;
}

static void free_arguments(char **arguments)
{
    for (size_t at = 0; arguments[at] != NULL; at++) {
        free(arguments[at]);
    }
    free(arguments);
}

/* The child's half of a start. */
_Noreturn static void become_server(char *const *arguments, int output,
                                    const char *const *settings)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    for (; settings != NULL && *settings != NULL; settings++) {
        char *copy = strdup(*settings);
        if (copy == NULL || putenv(copy) != 0) {
            _exit(127);
        }
    }
    execv(arguments[0], arguments);
    _exit(127);
}

/* Read what the server prints until the line with its port. Returns 0 when it
 * ended without one. */
static int read_port(const rf_server *server)
{
    static const char marker[] = "listening on http://127.0.0.1:";
    char text[8192] = "";
    size_t length = 0;
    uint64_t deadline = rf_common_now_ms() + START_LIMIT_MS;
    while (length < sizeof text - 1) {
        struct pollfd entry = {.fd = server->output, .events = POLLIN};
        uint64_t now = rf_common_now_ms();
        if (now >= deadline || poll(&entry, 1, (int)(deadline - now)) <= 0) {
            rf_common_die("the server neither listens nor ends: %s", text);
        }
        ssize_t got =
            read(server->output, text + length, sizeof text - 1 - length);
        if (got <= 0 || write(server->log, text + length, (size_t)got) < 0) {
            return 0;
        }
        length += (size_t)got;
        text[length] = '\0';
        const char *found = strstr(text, marker);
        if (found != NULL && strchr(found, '\n') != NULL) {
            return (int)strtol(found + sizeof marker - 1, NULL, 10);
        }
    }
    rf_common_die("the server prints, but not its port: %s", text);
}

/* Copy what the server prints to the log, so that it never waits for us. */
static void *drain_output(void *argument)
{
    const rf_server *server = argument;
    char block[4096];
    for (;;) {
        ssize_t got = read(server->output, block, sizeof block);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || write(server->log, block, (size_t)got) < 0) {
            return NULL;
        }
    }
}

bool rf_server_start(rf_server *server, const char *const *settings)
{
    int ends[2];
    char **arguments = make_arguments(server, "serve", server->data, NULL);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        rf_common_die("no pipe: %s", strerror(errno));
    }
    fflush(stdout);
    server->pid = fork();
    if (server->pid == 0) {
        become_server(arguments, ends[1], settings);
    }
    if (server->pid < 0) {
        rf_common_die("cannot fork: %s", strerror(errno));
    }
    close(ends[1]);
    free_arguments(arguments);
    server->output = ends[0];
    server->port = read_port(server);
    if (pthread_create(&server->drainer, NULL, drain_output, server) != 0) {
        rf_common_die("cannot start a thread");
    }
    return server->port != 0;
}

void rf_server_must_start(rf_server *server, const char *const *settings)
{
    if (!rf_server_start(server, settings)) {
        rf_common_die("the server does not start, see %s/server.log",
                      server->root);
    }
}

void rf_server_signal(const rf_server *server, int number)
{
    kill(server->pid, number);
}

int rf_server_wait(rf_server *server)
{
    return rf_server_wait_for(server, STOP_LIMIT_MS);
}

int rf_server_wait_for(rf_server *server, unsigned limit_ms)
{
    int status = 0;
    int handle = (int)syscall(SYS_pidfd_open, server->pid, 0);
    struct pollfd entry = {.fd = handle, .events = POLLIN};
    if (handle < 0 || poll(&entry, 1, (int)limit_ms) != 1) {
        rf_tap_note("the server did not end within %u ms", limit_ms);
        kill(server->pid, SIGKILL);
    }
    close(handle);
    waitpid(server->pid, &status, 0);
    pthread_join(server->drainer, NULL);
    close(server->output);
    server->output = -1;
    server->pid = 0;
    server->port = 0;
    return status;
}

bool rf_server_stop(rf_server *server)
{
    rf_server_signal(server, SIGTERM);
    int status = rf_server_wait(server);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int rf_server_verify(const rf_server *server, const char *data,
                     char **journal_out)
{
    char **arguments = make_arguments(server, "verify", data,
                                      journal_out != NULL ? "--journal" : NULL);
    int status = rf_common_run(arguments, journal_out);
    free_arguments(arguments);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
