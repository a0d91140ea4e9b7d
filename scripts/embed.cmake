# embed.cmake - writes the prelude's text as the function of scripts/prelude.h.
#
#   cmake -D INPUT=prelude.lua -D OUTPUT=prelude.c -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "    \\1\n"
    bytes "${bytes}")
file(WRITE ${OUTPUT}
    "#include \"scripts/prelude.h\"\n\n"
    "static const char text[] = {\n${bytes}0x00};\n\n"
    "rf_text rf_prelude_text(void)\n"
    "{\n"
    "    return (rf_text){text, sizeof text - 1};\n"
    "}\n")
