/*
 * notify.h - telling the service manager how we are.
 *
 * The protocol is one datagram to the socket that the environment names; where
 * it names none, nothing is done.
 */
#ifndef RINGFENCE_SERVER_NOTIFY_H
#define RINGFENCE_SERVER_NOTIFY_H

/* Send a state such as "READY=1". Failure is ignored: nobody could act on it.
 */
void rf_notify(const char *state);

/* Return how often the manager wants a sign of life, in seconds; 0 for never.
 */
unsigned rf_notify_watchdog_seconds(void);

#endif
