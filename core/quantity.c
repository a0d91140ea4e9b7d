/*
 * quantity.c - reading, printing and adding exact amounts.
 *
 * A number is read in two steps: its text is taken apart into significant
 * digits and a power of ten, with no zeros left at either end, and only then
 * weighed against the limits. So "1", "1.0" and "10e-1" meet the same checks
 * with the same numbers, and no step can overflow.
 */
#include "core/quantity.h"

#include <stddef.h>

/* Longer numbers are refused unread: no amount within the limits needs it. */
#define NUMBER_TEXT_MAX 64

/* Decimals a quantity holds: RF_QUANTITY_SCALE is ten to this power. */
#define DECIMALS_MAX 6

/* Decimal digits of RF_QUANTITY_REQUEST_MAX; any number of so many digits
 * fits 64 bits. */
#define REQUEST_DIGITS_MAX 18

/* Exponents stop growing here. Beyond it every non-zero number is out of
 * range, whatever its digits. */
#define EXPONENT_MAX 1000

_Static_assert(RF_QUANTITY_REQUEST_MAX == INT64_C(100000000000000000),
               "REQUEST_DIGITS_MAX counts the digits of this number");

/* The number `digits` times ten to the power of `exponent`. Zero has no
 * digits; any other number begins and ends with a digit that is not 0. */
typedef struct decimal {
    bool negative;
    char digits[NUMBER_TEXT_MAX];
    int count;
    int exponent;
} decimal;

typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static bool is_digit_next(const cursor *in)
{
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

static bool skip_byte(cursor *in, char byte)
{
    if (in->at == in->end || *in->at != byte) {
        return false;
    }
    in->at++;
    return true;
}

/* Read a run of at least one digit, leaving out zeros in front of the first
 * significant one. Each digit moves the exponent by `step`. */
static bool scan_digits(cursor *in, decimal *number, int step)
{
    if (!is_digit_next(in)) {
        return false;
    }
    for (; is_digit_next(in); in->at++) {
        if (number->count > 0 || *in->at != '0') {
            number->digits[number->count++] = *in->at;
        }
        number->exponent += step;
    }
    return true;
}

/* A leading 0 is the whole part: digits right after it belong to no number of
 * JSON's form. */
static bool scan_whole(cursor *in, decimal *number)
{
    return skip_byte(in, '0') || scan_digits(in, number, 0);
}

static bool scan_exponent(cursor *in, decimal *number)
{
    bool negative = skip_byte(in, '-');
    if (!negative) {
        skip_byte(in, '+');
    }
    if (!is_digit_next(in)) {
        return false;
    }
    int exponent = 0;
    for (; is_digit_next(in); in->at++) {
        if (exponent < EXPONENT_MAX) {
            exponent = exponent * 10 + (*in->at - '0');
        }
    }
    number->exponent += negative ? -exponent : exponent;
    return true;
}

static void drop_trailing_zeros(decimal *number)
{
    while (number->count > 0 && number->digits[number->count - 1] == '0') {
        number->count--;
        number->exponent++;
    }
}

/* Take apart a text of 1 to NUMBER_TEXT_MAX bytes. */
static bool scan_number(rf_text text, decimal *number)
{
    cursor in = {text.bytes, text.bytes + text.length};
    number->negative = skip_byte(&in, '-');
    if (!scan_whole(&in, number)) {
        return false;
    }
    if (skip_byte(&in, '.') && !scan_digits(&in, number, -1)) {
        return false;
    }
    if ((skip_byte(&in, 'e') || skip_byte(&in, 'E')) &&
        !scan_exponent(&in, number)) {
        return false;
    }
    drop_trailing_zeros(number);
    return in.at == in.end;
}

/* The number in millionths. It has no decimals beyond them and at most
 * REQUEST_DIGITS_MAX digits. */
static rf_quantity count_millionths(const decimal *number)
{
    int64_t millionths = 0;
    for (int i = 0; i < number->count; i++) {
        millionths = millionths * 10 + (number->digits[i] - '0');
    }
    for (int i = 0; i < number->exponent + DECIMALS_MAX; i++) {
        millionths *= 10;
    }
    return number->negative ? -millionths : millionths;
}

static rf_status fail_too_large(rf_error *err)
{
    return rf_fail(err, RF_E_INVALID_QUANTITY,
                   "the quantity is beyond 100000000000, the most a request "
                   "may carry either way");
}

rf_status rf_quantity_parse(rf_text text, rf_quantity *out, rf_error *err)
{
    if (text.length > NUMBER_TEXT_MAX) {
        return rf_fail(err, RF_E_INVALID_QUANTITY,
                       "the quantity has more than %d characters",
                       NUMBER_TEXT_MAX);
    }
    decimal number = {0};
    if (text.length == 0 || !scan_number(text, &number)) {
        return rf_fail(err, RF_E_INVALID_QUANTITY,
                       "the quantity is not a decimal number");
    }
    if (number.count == 0) {
        *out = 0;
        return RF_OK;
    }
    if (number.count + number.exponent + DECIMALS_MAX > REQUEST_DIGITS_MAX) {
        return fail_too_large(err);
    }
    if (number.exponent < -DECIMALS_MAX) {
        return rf_fail(err, RF_E_INVALID_QUANTITY,
                       "the quantity has more than %d decimals", DECIMALS_MAX);
    }
    rf_quantity quantity = count_millionths(&number);
    if (quantity > RF_QUANTITY_REQUEST_MAX ||
        quantity < -RF_QUANTITY_REQUEST_MAX) {
        return fail_too_large(err);
    }
    *out = quantity;
    return RF_OK;
}

/* Write the digits of `value` so that they end before `end`, at least `least`
 * of them, and return the first. */
static char *write_digits(char *end, uint64_t value, int least)
{
    for (; value > 0 || least > 0; least--) {
        *--end = (char)('0' + value % 10);
        value /= 10;
    }
    return end;
}

size_t rf_quantity_print(rf_quantity quantity, char text[RF_QUANTITY_TEXT_MAX])
{
    uint64_t scale = (uint64_t)RF_QUANTITY_SCALE;
    /* Unsigned, because the lowest quantity has no positive counterpart. */
    uint64_t size = quantity < 0 ? 0 - (uint64_t)quantity : (uint64_t)quantity;
    uint64_t fraction = size % scale;
    int decimals = DECIMALS_MAX;
    for (; decimals > 0 && fraction % 10 == 0; decimals--) {
        fraction /= 10;
    }

    char reversed[RF_QUANTITY_TEXT_MAX];
    char *end = reversed + sizeof reversed;
    char *at = end;
    if (decimals > 0) {
        at = write_digits(at, fraction, decimals);
        *--at = '.';
    }
    at = write_digits(at, size / scale, 1);
    if (quantity < 0) {
        *--at = '-';
    }
    size_t length = (size_t)(end - at);
    for (size_t i = 0; i < length; i++) {
        text[i] = at[i];
    }
    text[length] = '\0';
    return length;
}

bool rf_quantity_add(rf_quantity a, rf_quantity b, rf_quantity *out)
{
    rf_quantity sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

bool rf_quantity_subtract(rf_quantity a, rf_quantity b, rf_quantity *out)
{
    rf_quantity difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return false;
    }
    *out = difference;
    return true;
}

bool rf_quantity_multiply(rf_quantity a, int64_t factor, rf_quantity *out)
{
    rf_quantity product;
    if (__builtin_mul_overflow(a, factor, &product)) {
        return false;
    }
    *out = product;
    return true;
}
