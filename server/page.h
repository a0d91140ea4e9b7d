/*
 * page.h - the texts that the program carries, to be sent as they are.
 *
 * They are files of this folder, built into the program, so that what a server
 * says of itself and what it does can never be of different versions.
 */
#ifndef RINGFENCE_SERVER_PAGE_H
#define RINGFENCE_SERVER_PAGE_H

#include "core/text.h"

/* Return openapi.json: what the server answers, in OpenAPI 3.1. There for the
 * life of the program. */
rf_text rf_openapi_text(void);

/* Return console.html, the page for people. Likewise. */
rf_text rf_console_text(void);

#endif
