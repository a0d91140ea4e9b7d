/*
 * prelude.h - the Lua that every plugin finds in the global `ringfence`.
 *
 * The text is that of prelude.lua, built into the program, so that a program
 * and what its plugins call can never be of different versions.
 */
#ifndef RINGFENCE_SCRIPTS_PRELUDE_H
#define RINGFENCE_SCRIPTS_PRELUDE_H

#include "core/text.h"

/* Name of the chunk in messages. */
#define RF_PRELUDE_NAME "prelude.lua"

/* Return the text; there for the life of the program. */
rf_text rf_prelude_text(void);

#endif
