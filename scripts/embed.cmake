# embed.cmake - writes a file's text as a function that returns it.
#
#   cmake -D INPUT=prelude.lua -D OUTPUT=prelude.c -D HEADER=scripts/prelude.h
#         -D FUNCTION=rf_prelude_text -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "    \\1\n"
    bytes "${bytes}")
file(WRITE ${OUTPUT}
    "#include \"${HEADER}\"\n\n"
    "static const char text[] = {\n${bytes}0x00};\n\n"
    "rf_text ${FUNCTION}(void)\n"
    "{\n"
    "    return (rf_text){text, sizeof text - 1};\n"
    "}\n")
