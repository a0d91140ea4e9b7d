/*
 * exact.c - percentages and roundings on decimals, for the prelude.
 */
#include "scripts/exact.h"

#include "core/text.h"
#include "scripts/number.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

/* Wide enough for the product of two quantities. */
__extension__ typedef __int128 wide;

/* What one call costs of a script's budget. */
#define CALL_COST 4

/* Powers of ten that a product of two quantities, over a hundred, counts in one
 * unit: a quantity counts ten to the sixth. */
#define PRODUCT_DECIMALS (2 * RF_EXACT_DECIMALS_MAX + 2)

/* The number of units in the last place: ten to the power of `places`. */
static wide power_of_ten(unsigned places)
{
    wide power = 1;
    for (; places > 0; places--) {
        power *= 10;
    }
    return power;
}

/* Say whether the quotient, which was cut towards zero, has to grow by one away
 * from zero; `rest` is what was cut off, without sign. */
static bool is_rounded_away(rf_rounding rounding, bool negative, wide quotient,
                            wide rest, wide divisor)
{
    if (rest == 0) {
        return false;
    }
    if (rounding == RF_ROUND_FLOOR || rounding == RF_ROUND_CEIL) {
        return negative == (rounding == RF_ROUND_FLOOR);
    }
    if (rest * 2 != divisor) {
        return rest * 2 > divisor;
    }
    return rounding == RF_ROUND_HALF_UP || quotient % 2 != 0;
}

/* Round `number`, which counts ten to the power of `places` in one unit. */
static bool scale_down(wide number, unsigned places, unsigned decimals,
                       rf_rounding rounding, rf_quantity *out)
{
    bool negative = number < 0;
    wide size = negative ? -number : number;
    wide divisor = power_of_ten(places - decimals);
    wide quotient = size / divisor;
    if (is_rounded_away(rounding, negative, quotient, size % divisor,
                        divisor)) {
        quotient++;
    }
    wide unit = power_of_ten(RF_EXACT_DECIMALS_MAX - decimals);
    if (quotient > INT64_MAX / unit) {
        return false;
    }
    wide result = quotient * unit;
    *out = (rf_quantity)(negative ? -result : result);
    return true;
}

bool rf_exact_percent(rf_quantity value, rf_quantity percent,
                      rf_rounding rounding, unsigned decimals, rf_quantity *out)
{
    return scale_down((wide)value * percent, PRODUCT_DECIMALS, decimals,
                      rounding, out);
}

bool rf_exact_round(rf_quantity value, unsigned decimals, rf_rounding rounding,
                    rf_quantity *out)
{
    return scale_down(value, RF_EXACT_DECIMALS_MAX, decimals, rounding, out);
}

/* Raise at the line of the plugin, which called the prelude, which called the
 * running function. */
static int raise_at_plugin(lua_State *L, const char *function,
                           const char *message)
{
    luaL_where(L, 2);
    lua_pushfstring(L, "ringfence.%s: %s", function, message);
    lua_concat(L, 2);
    return lua_error(L);
}

bool rf_exact__quantity(lua_State *L, int index, rf_quantity *out)
{
    if (lua_isinteger(L, index)) {
        return rf_number_scale(lua_tointeger(L, index), out);
    }
    return lua_type(L, index) == LUA_TNUMBER &&
           rf_number_round(lua_tonumber(L, index), out);
}

/* Read a number as a quantity; `function` is for the message. */
static rf_quantity check_quantity(lua_State *L, int index, const char *function)
{
    rf_quantity quantity = 0;
    if (rf_trace__is_symbol(L, index)) {
        raise_at_plugin(L, function, "a measure is not known yet");
    } else if (lua_type(L, index) != LUA_TNUMBER) {
        raise_at_plugin(L, function,
                        lua_pushfstring(L, "a number is needed, not a %s",
                                        luaL_typename(L, index)));
    } else if (!rf_exact__quantity(L, index, &quantity)) {
        raise_at_plugin(L, function,
                        "the number is not finite or out of range");
    }
    return quantity;
}

static rf_rounding check_rounding(lua_State *L, int index, const char *function)
{
    static const char *const words[] = {[RF_ROUND_FLOOR] = "floor",
                                        [RF_ROUND_CEIL] = "ceil",
                                        [RF_ROUND_HALF_EVEN] = "half_even",
                                        [RF_ROUND_HALF_UP] = "half_up"};
    rf_text word = RF_TEXT_EMPTY;
    if (lua_type(L, index) == LUA_TSTRING) {
        word.bytes = lua_tolstring(L, index, &word.length);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (rf_text_equal(word, rf_text_of(words[i]))) {
            return (rf_rounding)i;
        }
    }
    raise_at_plugin(L, function,
                    "rounding must be floor, ceil, half_even or half_up");
    return RF_ROUND_FLOOR;
}

static unsigned check_decimals(lua_State *L, int index, const char *function)
{
    lua_Integer decimals =
        lua_isinteger(L, index) ? lua_tointeger(L, index) : -1;
    if (decimals < 0 || decimals > RF_EXACT_DECIMALS_MAX) {
        raise_at_plugin(L, function,
                        "decimals must be a whole number from 0 to 6");
    }
    return (unsigned)decimals;
}

static int push_result(lua_State *L, const char *function, bool fits,
                       rf_quantity quantity)
{
    if (!fits) {
        return raise_at_plugin(L, function, "the result is out of range");
    }
    lua_pushnumber(L, rf_number_of_quantity(quantity));
    return 1;
}

static int l_percent(lua_State *L)
{
    static const char function[] = "percent";
    rf_sandbox__charge(L, CALL_COST);
    rf_quantity value = check_quantity(L, 1, function);
    rf_quantity percent = check_quantity(L, 2, function);
    rf_rounding rounding = check_rounding(L, 3, function);
    unsigned decimals = check_decimals(L, 4, function);
    rf_quantity result = 0;
    bool fits = rf_exact_percent(value, percent, rounding, decimals, &result);
    return push_result(L, function, fits, result);
}

static int l_round(lua_State *L)
{
    static const char function[] = "round";
    rf_sandbox__charge(L, CALL_COST);
    rf_quantity value = check_quantity(L, 1, function);
    unsigned decimals = check_decimals(L, 2, function);
    rf_rounding rounding = check_rounding(L, 3, function);
    rf_quantity result = 0;
    bool fits = rf_exact_round(value, decimals, rounding, &result);
    return push_result(L, function, fits, result);
}

void rf_exact__push(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, l_percent);
    lua_setfield(L, -2, "percent");
    lua_pushcfunction(L, l_round);
    lua_setfield(L, -2, "round");
}
