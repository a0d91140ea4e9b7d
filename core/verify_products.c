/*
 * verify_products.c - the table of products: every record can be read.
 *
 * A record may be there without stock, and stock without a record, so there is
 * nothing to compare it with.
 */
#include "core/key.h"
#include "core/product.h"
#include "core/verify_internal.h"

#define ARENA_BLOCK_BYTES ((size_t)16 * 1024)

typedef struct product_check {
    rf_verifier *verifier;
    rf_arena arena; /* of the record at hand */
    rf_status status;
    rf_error *err;
} product_check;

static bool visit_product(void *context, rf_bytes key, rf_bytes value)
{
    product_check *check = context;
    rf_verifier *verifier = check->verifier;
    const rf_verify_subject *subject = rf_verify__subject(verifier, key);
    rf_error damage = {0};
    rf_key_parts parts;
    rf_product product;
    rf_arena_reset(&check->arena);
    verifier->report->product_records++;
    if (subject == NULL || rf_key_read_product(key, &parts, NULL) != RF_OK) {
        rf_verify__differ(verifier, "the table of products has a record that "
                                    "belongs to no product");
        return !verifier->is_stopped;
    }
    rf_status status =
        rf_product_read(key, value, &check->arena, &product, &damage);
    if (status == RF_E_NO_MEMORY) {
        check->status = rf_fail(check->err, status, "%s", damage.message);
    } else if (status != RF_OK) {
        rf_verify__differ_at(verifier, subject, &parts, NULL, "%s",
                             damage.message);
    }
    return check->status == RF_OK && !verifier->is_stopped;
}

rf_status rf_verify__products(rf_verifier *verifier, rf_error *err)
{
    product_check check = {.verifier = verifier, .err = err};
    rf_arena_init(&check.arena, ARENA_BLOCK_BYTES, 0);
    rf_status status = verifier->store->operations->scan(
        verifier->transaction,
        &(rf_store_range){RF_TABLE_PRODUCTS, (rf_bytes){NULL, 0},
                          (rf_bytes){NULL, 0}},
        visit_product, &check, err);
    rf_arena_done(&check.arena);
    return status == RF_OK ? check.status : status;
}
