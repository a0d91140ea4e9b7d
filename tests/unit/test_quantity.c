/*
 * test_quantity.c - reading, printing and adding quantities.
 *
 * Beside the cases chosen by hand, random spellings, sums and prints are held
 * against a model in GMP's big integers, which knows no limit and shares no
 * step with the code under test. RINGFENCE_SEED repeats or varies a run.
 */
#include "core/quantity.h"
#include "tests/unit/unit.h"

#include <gmp.h>

#include <inttypes.h>
#include <regex.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPELLING_CASES 400000
#define DAMAGE_CASES 200000
#define SUM_CASES 300000
#define PRINT_CASES 200000

/* Longer than any number that is read, to try those that are not. */
#define SPELLING_MAX 100

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned random_below(unsigned bound)
{
    return (unsigned)(random_next() % bound);
}

/* Amounts of every size, both signs, and often an extreme one. */
static int64_t random_int64(void)
{
    switch (random_below(8)) {
    case 0:
        return INT64_MAX - random_below(3);
    case 1:
        return INT64_MIN + random_below(3);
    default:
        return (int64_t)random_next() >> random_below(64);
    }
}

static int set_up_random(void **state)
{
    (void)state;
    const char *seed = getenv("RINGFENCE_SEED");
    random_state = seed == NULL ? 88172645463325252U : strtoull(seed, NULL, 10);
    assert_true(random_state != 0);
    return 0;
}

static rf_status parse(const char *text, rf_quantity *out)
{
    return rf_quantity_parse(rf_text_of(text), out, NULL);
}

static void assert_reads(const char *text, rf_quantity expected)
{
    rf_quantity quantity = 42;
    rf_error err = {0};
    if (rf_quantity_parse(rf_text_of(text), &quantity, &err) != RF_OK ||
        quantity != expected) {
        fail_msg("%s read as %" PRId64 " (%s)", text, quantity, err.message);
    }
}

static void assert_refuses(const char *text, const char *reason)
{
    rf_quantity quantity = 42;
    rf_error err = {.field = "old"};
    rf_status status = rf_quantity_parse(rf_text_of(text), &quantity, &err);
    if (status != RF_E_INVALID_QUANTITY ||
        strstr(err.message, reason) == NULL) {
        fail_msg("%s: status %d, message '%s'", text, (int)status, err.message);
    }
    assert_int_equal(err.status, RF_E_INVALID_QUANTITY);
    assert_string_equal(err.field, "");
    assert_int_equal(quantity, 42);
}

static void test_every_spelling_of_a_number_is_the_same(void **state)
{
    (void)state;
    assert_reads("1", 1000000);
    assert_reads("1.0", 1000000);
    assert_reads("10e-1", 1000000);
    assert_reads("0.1E1", 1000000);
    assert_reads("0.1e+1", 1000000);
    assert_reads("1e00000000000000000000", 1000000);
    assert_reads("1000000000000000000000000000000e-30", 1000000);
    assert_reads("0.000001", 1);
    assert_reads("-0.0000010000", -1);
    assert_reads("1e-6", 1);
    assert_reads("-2.5", -2500000);
    assert_reads("1e11", RF_QUANTITY_REQUEST_MAX);
}

static void test_zero_has_no_sign_and_no_size(void **state)
{
    (void)state;
    assert_reads("0", 0);
    assert_reads("-0", 0);
    assert_reads("-0.000", 0);
    assert_reads("0e999999999999999999", 0);
    assert_reads("0.0000000000000e-999999", 0);
}

static void test_other_forms_are_refused(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "",    " ",   "-",    "+1",   ".5",    "5.",    "01",   "-01",  "00",
        "1e",  "1e+", "1e-",  "1.e1", "1 ",    " 1",    "1,0",  "0x10", "1e1.5",
        "NaN", "inf", "null", "--1",  "1e--1", "1_000", "1eE1", "1.2.3"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_refuses(forms[i], "not a decimal number");
    }
    rf_quantity quantity;
    rf_text cut_at_nul = {"1\0", 2};
    assert_int_equal(rf_quantity_parse(cut_at_nul, &quantity, NULL),
                     RF_E_INVALID_QUANTITY);
    assert_int_equal(rf_quantity_parse((rf_text){NULL, 0}, &quantity, NULL),
                     RF_E_INVALID_QUANTITY);
}

static void test_text_ends_where_its_length_says(void **state)
{
    (void)state;
    rf_quantity quantity;
    rf_text first_two = {"12345", 2};
    assert_int_equal(rf_quantity_parse(first_two, &quantity, NULL), RF_OK);
    assert_int_equal(quantity, 12000000);
}

static void test_request_limit_just_under_at_and_over(void **state)
{
    (void)state;
    assert_reads("99999999999.999999", RF_QUANTITY_REQUEST_MAX - 1);
    assert_reads("100000000000", RF_QUANTITY_REQUEST_MAX);
    assert_refuses("100000000000.000001", "beyond");
    assert_reads("-99999999999.999999", -RF_QUANTITY_REQUEST_MAX + 1);
    assert_reads("-100000000000", -RF_QUANTITY_REQUEST_MAX);
    assert_refuses("-100000000000.000001", "beyond");
    assert_refuses("1e12", "beyond");
    assert_refuses("9223372036854.775808", "beyond");
    assert_refuses("1e99999999999999999999", "beyond");
}

static void test_six_decimals_just_under_at_and_over(void **state)
{
    (void)state;
    assert_reads("0.12345", 123450);
    assert_reads("0.123456", 123456);
    assert_reads("0.1234560000", 123456);
    assert_refuses("0.1234567", "more than 6 decimals");
    assert_refuses("1e-7", "more than 6 decimals");
    assert_refuses("1e-99999999999999999999", "more than 6 decimals");
}

static void test_64_characters_are_read_and_65_are_not(void **state)
{
    (void)state;
    char text[67];
    memset(text, '0', sizeof text);
    memcpy(text, "1.5", 3);
    text[63] = '\0';
    assert_reads(text, 1500000);
    text[63] = '0';
    text[64] = '\0';
    assert_reads(text, 1500000);
    text[64] = '0';
    text[65] = '\0';
    assert_refuses(text, "more than 64 characters");
}

static void assert_prints(rf_quantity quantity, const char *expected)
{
    char text[RF_QUANTITY_TEXT_MAX];
    size_t length = rf_quantity_print(quantity, text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void test_prints_the_shortest_exact_decimal(void **state)
{
    (void)state;
    assert_prints(0, "0");
    assert_prints(1, "0.000001");
    assert_prints(-1, "-0.000001");
    assert_prints(1000000, "1");
    assert_prints(-1500000, "-1.5");
    assert_prints(10000000, "10");
    assert_prints(123456789, "123.456789");
    assert_prints(INT64_MAX, "9223372036854.775807");
    assert_prints(INT64_MIN, "-9223372036854.775808");
}

static void test_overflow_leaves_the_result_untouched(void **state)
{
    (void)state;
    rf_quantity out = 42;
    assert_false(rf_quantity_add(INT64_MAX, 1, &out));
    assert_false(rf_quantity_subtract(INT64_MIN, 1, &out));
    assert_false(rf_quantity_subtract(0, INT64_MIN, &out));
    assert_false(rf_quantity_multiply(INT64_MIN, -1, &out));
    assert_int_equal(out, 42);
    assert_true(rf_quantity_add(INT64_MAX, INT64_MIN, &out));
    assert_int_equal(out, -1);
    assert_true(rf_quantity_subtract(-1, INT64_MIN, &out));
    assert_int_equal(out, INT64_MAX);
    assert_true(rf_quantity_multiply(2500000, -4, &out));
    assert_int_equal(out, -10000000);
}

static size_t append_digits(char *text, size_t at, unsigned count)
{
    /* Runs of zeros and nines are where rounding and carries go wrong. */
    unsigned mood = random_below(4);
    for (unsigned i = 0; i < count; i++) {
        char digit = (char)('0' + random_below(10));
        text[at++] = mood == 0 ? '0' : mood == 1 ? '9' : digit;
    }
    return at;
}

static size_t append_zeros(char *text, size_t at, unsigned count)
{
    memset(text + at, '0', count);
    return at + count;
}

/* Write a number in JSON's form, most often near the limits of a quantity. */
static void spell(char text[SPELLING_MAX])
{
    size_t at = 0;
    if (random_below(2) == 0) {
        text[at++] = '-';
    }
    if (random_below(4) == 0) {
        text[at++] = '0';
    } else {
        text[at++] = (char)('1' + random_below(9));
        at = append_digits(text, at, random_below(14));
    }
    if (random_below(2) == 0) {
        text[at++] = '.';
        at = append_digits(text, at, 1 + random_below(8));
        at =
            append_zeros(text, at, random_below(8) == 0 ? random_below(40) : 0);
    }
    text[at] = '\0';
    if (random_below(2) == 0) {
        static const char *const marks[] = {"e", "E", "e+", "E-", "e-"};
        snprintf(text + at, SPELLING_MAX - at, "%s%0*u", marks[random_below(5)],
                 (int)random_below(5), random_below(22));
    }
}

/* The exponent, pulled in to where no spelling that fits SPELLING_MAX changes
 * its answer any more. */
static long model_exponent(const char *at)
{
    long exponent = *at == '\0' ? 0 : strtol(at + 1, NULL, 10);
    return exponent > 999 ? 999 : exponent < -999 ? -999 : exponent;
}

/* Put the value of a well-formed number, in millionths, into `value`; false
 * when it has a remainder. */
static bool model_value(const char *text, mpz_t value)
{
    char digits[SPELLING_MAX];
    size_t count = 0;
    long power = 6;
    bool fraction = false;
    const char *at = text;
    for (; *at != '\0' && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        digits[count++] = *at;
        power -= fraction ? 1 : 0;
    }
    digits[count] = '\0';
    power += model_exponent(at);
    assert_int_equal(mpz_set_str(value, digits, 10), 0);

    mpz_t scale;
    mpz_init(scale);
    mpz_ui_pow_ui(scale, 10, (unsigned long)labs(power));
    bool whole = power >= 0 || mpz_divisible_p(value, scale) != 0;
    if (power >= 0) {
        mpz_mul(value, value, scale);
    } else if (whole) {
        mpz_divexact(value, value, scale);
    }
    mpz_clear(scale);
    return whole;
}

static bool model_reads(const char *text, mpz_t value)
{
    return model_value(text, value) && strlen(text) <= 64 &&
           mpz_cmpabs_ui(value, (unsigned long)RF_QUANTITY_REQUEST_MAX) <= 0;
}

static void test_random_spellings_agree_with_the_model(void **state)
{
    (void)state;
    mpz_t value;
    mpz_init(value);
    unsigned read = 0;
    for (unsigned i = 0; i < SPELLING_CASES; i++) {
        char text[SPELLING_MAX];
        spell(text);
        rf_quantity quantity = 0;
        bool expected = model_reads(text, value);
        if ((parse(text, &quantity) == RF_OK) != expected ||
            (expected && mpz_cmp_si(value, quantity) != 0)) {
            fail_msg("%s read as %" PRId64, text, quantity);
        }
        read += expected ? 1 : 0;
    }
    mpz_clear(value);
    /* A generator that drifted to one side would prove nothing. */
    assert_in_range(read, SPELLING_CASES / 4, SPELLING_CASES * 3 / 4);
}

/* Change, drop or double one byte. */
static void damage(char text[SPELLING_MAX])
{
    static const char bytes[] = "0123456789.-+eE x";
    size_t length = strlen(text);
    size_t at = random_below((unsigned)length);
    switch (random_below(3)) {
    case 0:
        text[at] = bytes[random_below(sizeof bytes - 1)];
        break;
    case 1:
        memmove(text + at, text + at + 1, length - at);
        break;
    default:
        memmove(text + at + 1, text + at, length - at + 1);
    }
}

static void test_damaged_spellings_agree_with_the_grammar(void **state)
{
    (void)state;
    regex_t grammar;
    const char *pattern = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$";
    assert_int_equal(regcomp(&grammar, pattern, REG_EXTENDED | REG_NOSUB), 0);
    mpz_t value;
    mpz_init(value);
    unsigned read = 0;
    for (unsigned i = 0; i < DAMAGE_CASES; i++) {
        char text[SPELLING_MAX];
        spell(text);
        damage(text);
        rf_quantity quantity = 0;
        bool expected = regexec(&grammar, text, 0, NULL, 0) == 0 &&
                        model_reads(text, value);
        if ((parse(text, &quantity) == RF_OK) != expected ||
            (expected && mpz_cmp_si(value, quantity) != 0)) {
            fail_msg("'%s' read as %" PRId64, text, quantity);
        }
        read += expected ? 1 : 0;
    }
    mpz_clear(value);
    regfree(&grammar);
    assert_in_range(read, DAMAGE_CASES / 10, DAMAGE_CASES * 9 / 10);
}

typedef bool checked_operation(int64_t a, int64_t b, int64_t *out);
typedef void model_operation(mpz_t out, const mpz_t a, const mpz_t b);

static void model_add(mpz_t out, const mpz_t a, const mpz_t b)
{
    mpz_add(out, a, b);
}

static void model_subtract(mpz_t out, const mpz_t a, const mpz_t b)
{
    mpz_sub(out, a, b);
}

static void model_multiply(mpz_t out, const mpz_t a, const mpz_t b)
{
    mpz_mul(out, a, b);
}

static void compare_operation(checked_operation *operation,
                              model_operation *model)
{
    mpz_t a;
    mpz_t b;
    mpz_t expected;
    mpz_inits(a, b, expected, NULL);
    for (unsigned i = 0; i < SUM_CASES / 3; i++) {
        int64_t left = random_int64();
        int64_t right = random_int64();
        mpz_set_si(a, left);
        mpz_set_si(b, right);
        model(expected, a, b);
        int64_t out = 42;
        bool fits = mpz_fits_slong_p(expected) != 0;
        if (operation(left, right, &out) != fits ||
            (fits ? mpz_cmp_si(expected, out) != 0 : out != 42)) {
            fail_msg("%" PRId64 " and %" PRId64 " gave %" PRId64, left, right,
                     out);
        }
    }
    mpz_clears(a, b, expected, NULL);
}

static void test_random_sums_agree_with_the_model(void **state)
{
    (void)state;
    compare_operation(rf_quantity_add, model_add);
    compare_operation(rf_quantity_subtract, model_subtract);
    compare_operation(rf_quantity_multiply, model_multiply);
}

static void assert_shortest(const char *text, size_t length)
{
    assert_true(length < RF_QUANTITY_TEXT_MAX && text[length] == '\0');
    if (strchr(text, '.') != NULL && text[length - 1] == '0') {
        fail_msg("%s ends in a zero it does not need", text);
    }
}

static void test_random_prints_read_back_as_the_same_amount(void **state)
{
    (void)state;
    mpz_t value;
    mpz_init(value);
    for (unsigned i = 0; i < PRINT_CASES; i++) {
        rf_quantity quantity = random_int64();
        char text[RF_QUANTITY_TEXT_MAX];
        assert_shortest(text, rf_quantity_print(quantity, text));
        if (!model_value(text, value) || mpz_cmp_si(value, quantity) != 0) {
            fail_msg("%" PRId64 " printed as %s", quantity, text);
        }
        if (mpz_cmpabs_ui(value, (unsigned long)RF_QUANTITY_REQUEST_MAX) <= 0) {
            assert_reads(text, quantity);
        }
    }
    mpz_clear(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_spelling_of_a_number_is_the_same),
        cmocka_unit_test(test_zero_has_no_sign_and_no_size),
        cmocka_unit_test(test_other_forms_are_refused),
        cmocka_unit_test(test_text_ends_where_its_length_says),
        cmocka_unit_test(test_request_limit_just_under_at_and_over),
        cmocka_unit_test(test_six_decimals_just_under_at_and_over),
        cmocka_unit_test(test_64_characters_are_read_and_65_are_not),
        cmocka_unit_test(test_prints_the_shortest_exact_decimal),
        cmocka_unit_test(test_overflow_leaves_the_result_untouched),
        cmocka_unit_test(test_random_spellings_agree_with_the_model),
        cmocka_unit_test(test_damaged_spellings_agree_with_the_grammar),
        cmocka_unit_test(test_random_sums_agree_with_the_model),
        cmocka_unit_test(test_random_prints_read_back_as_the_same_amount),
    };
    return cmocka_run_group_tests(tests, set_up_random, NULL);
}
