/*
 * test_document.c - configuration documents, from JSON to a draft.
 */
#include "core/alloc.h"
#include "core/catalog.h"
#include "core/registry.h"
#include "server/document.h"
#include "tests/unit/unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENTS "tests/conformance/config/*.json"

typedef struct fixture {
    rf_arena arena;
    rf_draft draft;
    rf_problems problems;
    rf_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    rf_arena_init(&f->arena, 65536, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rf_arena_done(&f->arena);
    free(f);
    return 0;
}

/* Tests write quotes as ' so that documents stay readable. */
static const rf_json *parse(fixture *f, const char *document)
{
    rf_arena_reset(&f->arena);
    f->problems = (rf_problems){0};
    char *text = rf_arena_copy(&f->arena, document, strlen(document));
    assert_non_null(text);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    const rf_json *root = NULL;
    rf_status status = rf_json_parse(&f->arena, rf_text_of(text),
                                     RF_JSON_REQUEST_LIMITS, &root, &f->err);
    if (status != RF_OK) {
        fail_msg("%s", f->err.message);
    }
    return root;
}

static void read_good(fixture *f, const char *document)
{
    const rf_json *root = parse(f, document);
    if (rf_document_read(&f->arena, root, &f->draft, &f->problems, &f->err) !=
        RF_OK) {
        fail_msg("%s", f->err.message);
    }
    assert_int_equal(f->problems.count, 0);
}

static void assert_mistake(fixture *f, const char *document, const char *path,
                           const char *part)
{
    const rf_json *root = parse(f, document);
    assert_int_equal(
        rf_document_read(&f->arena, root, &f->draft, &f->problems, &f->err),
        RF_E_BAD_CONFIGURATION);
    if (f->problems.count != 1 ||
        strcmp(f->problems.items[0].path, path) != 0 ||
        strstr(f->problems.items[0].message, part) == NULL) {
        fail_msg("%s", f->err.message);
    }
    assert_string_equal(f->err.field, path);
}

static void assert_text(rf_text text, const char *expected)
{
    if (!rf_text_equal(text, rf_text_of(expected))) {
        fail_msg("'%.*s' is not '%s'", (int)text.length, text.bytes, expected);
    }
}

static void assert_names(const rf_draft_names *names, const char *expected)
{
    char text[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < names->count; i++) {
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%s%.*s", i == 0 ? "" : " ",
            (int)names->items[i].text.length, names->items[i].text.bytes);
    }
    assert_string_equal(text, expected);
}

static const rf_draft_source *source(fixture *f, const char *name)
{
    for (size_t i = 0; i < f->draft.source_count; i++) {
        if (rf_text_is_name(f->draft.sources[i].name.text, rf_text_of(name))) {
            return &f->draft.sources[i];
        }
    }
    fail_msg("there is no source %s", name);
    return NULL;
}

static rf_catalog *build(fixture *f)
{
    rf_registry *registry = NULL;
    rf_catalog *catalog = NULL;
    assert_int_equal(rf_registry_create(&registry, NULL), RF_OK);
    rf_status status =
        rf_catalog_build(&f->draft, registry, &f->problems, &catalog, &f->err);
    rf_registry_free(registry);
    if (status != RF_OK) {
        fail_msg("%s", f->err.message);
    }
    return catalog;
}

static void test_an_empty_document_is_an_environment(void **state)
{
    fixture *f = *state;
    read_good(f, "{}");
    assert_false(f->draft.by_product);
    assert_true(f->draft.strict);
    assert_false(f->draft.drops_dimensions);
    assert_false(f->draft.allow_fno_writes);
    assert_int_equal(f->draft.refusal_http_status, 409);
    assert_int_equal(f->draft.id_retention_days, 7);
    assert_names(&f->draft.reservation_keys,
                 "siteid locationid colorid sizeid");
    assert_int_equal(f->draft.groups.count, 0);
    assert_int_equal(source(f, "fno")->physicals.count, 18);
    assert_int_equal(source(f, "fno")->mappings.count, 25);

    rf_catalog *catalog = build(f);
    assert_true(catalog->has_index);
    assert_int_equal(catalog->source_count, 2);
    assert_non_null(rf_catalog_physical(catalog, rf_text_of("fno"),
                                        rf_text_of("AvailPhysical")));
    const rf_source *fno = rf_catalog_source(catalog, rf_text_of("fno"));
    assert_int_equal(
        rf_catalog_dimension(catalog, fno, rf_text_of("InventSiteId")),
        RF_SITE);
    assert_int_equal(
        rf_catalog_dimension(catalog, fno, rf_text_of("InventDimension12")),
        rf_dimension_find(rf_text_of("CustomDimension12")));
    rf_catalog_free(catalog);
}

static void test_null_is_absent(void **state)
{
    fixture *f = *state;
    read_good(f, "{'environmentId': null, 'partitionConfiguration': null,"
                 "'cachePartitionIdVersion': null, 'indexConfiguration': null,"
                 "'inventorySystemConfigurations': null,"
                 "'reservConfiguration': null, 'allocationConfiguration': null,"
                 "'scheduleConfiguration': null, 'ringfence': null}");
    assert_int_equal(f->draft.source_count, 1);
    assert_int_equal(f->draft.index_set_count, 1);

    read_good(f, "{'inventorySystemConfigurations': {'a': null, 'b': {"
                 "'dataSourceName': null, 'dimensionMappings': {'x': null},"
                 "'physicalMeasures': null, 'calculatedMeasures': {'c': null},"
                 "'reservMappings': null}},"
                 "'indexConfiguration': {'indexAttributeSets': null,"
                 "'partitionKeyAttributes': {'setNumber': null, 'keys': null}},"
                 "'allocationConfiguration': {'groups': null,"
                 "'availableToAllocateCalculation': {'a.b': null}}}");
    assert_int_equal(f->draft.source_count, 3);
    assert_int_equal(source(f, "b")->mappings.count, 0);
    assert_int_equal(source(f, "b")->calculated_count, 0);
    assert_int_equal(f->draft.index_set_count, 1);
}

static const char full[] =
    "{'environmentId': 'demo', 'vendorExtra': [1],"
    "'PartitionConfiguration': {'useProductId': true, 'useDimensions': false},"
    "'cachePartitionIdVersion': 'byproductid',"
    "'indexConfiguration': {'version': 0,"
    " 'partitionKeyAttributes':"
    "  {'setNumber': 0, 'keys': ['SiteId', 'LocationId']},"
    " 'indexAttributeSets': [{'setNumber': 1, 'keys': ['colorid', 'sizeid']},"
    "  {'setNumber': '2', 'keys': ['Empty']}]},"
    "'inventorySystemConfigurations': {"
    " 'fno': {'physicalMeasures': ['availphysical'], 'dimensionMappings': {}},"
    " 'pos': {'dataSourceName': 'POS',"
    "  'dimensionMappings': {'poscolor': 'colorid'},"
    "  'physicalMeasures': ['inbound', 'total ordered'],"
    "  'calculatedMeasures': {'net':"
    "   {'AdditionModifiers': ['pos.inbound'],"
    "    'subtractionModifiers': ['pos.total ordered']}},"
    "  'reservMappings': {'inbound': 'pos.net'}}},"
    "'reservConfiguration': {'version': 1, 'keys': ['colorid']},"
    "'allocationConfiguration': {'groups': ['region', 'channel'],"
    " 'groupsOrder': {'channel': 'G0', 'REGION': 'g3'},"
    " 'availableToAllocateCalculation':"
    "  {'pos.inbound': 'Addition', '@iv.@allocated': 'subtraction'}},"
    "'scheduleConfiguration':"
    " {'indexAttributeSets': [{'setNumber': 1, 'keys': ['batchid']}]},"
    "'ringfence': {'levels': [['SiteId'], []], 'hierarchyCheck': 'Independent',"
    " 'allowFnoWrites': true, 'refusalHttpStatus': '422',"
    " 'idempotencyRetentionDays': 3650, 'plugins': ['safety-stock'],"
    " 'aliases': {'pos.in': 'pos.inbound'}, 'orders': {'check': 'a.b'}}}";

static void test_every_section_is_read(void **state)
{
    fixture *f = *state;
    read_good(f, full);
    const rf_draft *draft = &f->draft;
    assert_true(draft->by_product);
    assert_false(draft->strict);
    assert_true(draft->drops_dimensions);
    assert_true(draft->allow_fno_writes);
    assert_int_equal(draft->refusal_http_status, 422);
    assert_int_equal(draft->id_retention_days, 3650);
    assert_int_equal(draft->index_set_count, 2);
    assert_names(&draft->index_sets[0], "colorid sizeid");
    assert_int_equal(draft->schedule_set_count, 1);
    assert_names(&draft->schedule_sets[0], "batchid");
    assert_int_equal(draft->level_count, 2);
    assert_names(&draft->levels[0], "SiteId");
    assert_names(&draft->levels[1], "");
    assert_names(&draft->reservation_keys, "colorid");
    assert_names(&draft->groups, "channel region");
    assert_names(&draft->plugins, "safety-stock");
    assert_int_equal(draft->aliases.count, 1);
    assert_int_equal(draft->source_count, 3);
    assert_int_equal(source(f, "fno")->mappings.count, 0);
    assert_names(&source(f, "fno")->physicals, "availphysical");

    const rf_draft_source *pos = source(f, "pos");
    assert_text(pos->mappings.items[0].from.text, "poscolor");
    assert_text(pos->mappings.items[0].to.text, "colorid");
    assert_names(&pos->physicals, "inbound total ordered");
    assert_text(pos->calculated[0].name.text, "net");
    assert_names(&pos->calculated[0].added, "pos.inbound");
    assert_names(&pos->calculated[0].subtracted, "pos.total ordered");
    assert_text(pos->reservations.items[0].to.text, "pos.net");
    rf_catalog_free(build(f));
}

static void test_every_name_has_its_path(void **state)
{
    fixture *f = *state;
    read_good(f, full);
    const rf_draft *draft = &f->draft;
    const rf_draft_source *pos = source(f, "pos");
    assert_text(draft->index_sets[0].items[1].path,
                "$.indexConfiguration.indexAttributeSets[0].keys[1]");
    assert_text(draft->index_sets[1].path,
                "$.indexConfiguration.indexAttributeSets[1].keys");
    assert_text(pos->name.path, "$.inventorySystemConfigurations.pos");
    assert_text(pos->mappings.path,
                "$.inventorySystemConfigurations.pos.dimensionMappings");
    assert_text(
        pos->mappings.items[0].to.path,
        "$.inventorySystemConfigurations.pos.dimensionMappings.poscolor");
    assert_text(pos->calculated[0].subtracted.items[0].path,
                "$.inventorySystemConfigurations.pos.calculatedMeasures.net."
                "subtractionModifiers[0]");
    assert_text(pos->reservations.items[0].from.path,
                "$.inventorySystemConfigurations.pos.reservMappings.inbound");
    assert_text(draft->aliases.items[0].from.path,
                "$.ringfence.aliases[\"pos.in\"]");
    assert_text(draft->levels[0].items[0].path, "$.ringfence.levels[0][0]");
    assert_text(source(f, "@iv")->calculated[0].added.items[0].path,
                "$.allocationConfiguration.availableToAllocateCalculation"
                "[\"pos.inbound\"]");
}

static void test_the_partition_rule_in_both_forms(void **state)
{
    static const struct {
        const char *document;
        bool by_product;
    } rules[] = {
        {"{'cachePartitionIdVersion': 'ByLocation'}", false},
        {"{'cachePartitionIdVersion': 'ByLocationAndProductIdMod64'}", false},
        {"{'cachePartitionIdVersion': 'ByProductId'}", true},
        {"{'partitionConfiguration': {}}", false},
        {"{'partitionConfiguration': {'useProductId': true}}", true},
        {"{'partitionConfiguration': {'useDimensions': true}}", false},
        {"{'partitionConfiguration':"
         " {'useProductId': true, 'useDimensions': true}}",
         false},
        {"{'partitionConfiguration':"
         " {'useProductId': true, 'useDimensions': false}}",
         true},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        read_good(f, rules[i].document);
        assert_int_equal(f->draft.by_product, rules[i].by_product);
    }
}

static void test_the_pool_measure_comes_from_either_place(void **state)
{
    static const char calculation[] =
        "'allocationConfiguration': {'availableToAllocateCalculation':"
        " {'fno.ordered': 'addition', '@iv.@allocated': 'subtraction'}}";
    fixture *f = *state;
    char document[1024];
    snprintf(document, sizeof document,
             "{'inventorySystemConfigurations': {'@iv': {'calculatedMeasures':"
             " {'other': {}}}}, %s}",
             calculation);
    read_good(f, document);
    const rf_draft_source *own = source(f, "@iv");
    assert_int_equal(own->calculated_count, 2);
    assert_text(own->calculated[1].name.text, "@available_to_allocate");
    assert_names(&own->calculated[1].added, "fno.ordered");
    assert_names(&own->calculated[1].subtracted, "@iv.@allocated");

    snprintf(document, sizeof document,
             "{'inventorySystemConfigurations': {'@iv': {'calculatedMeasures':"
             " {'@Availiable_to_allocate':"
             "  {'additionModifiers': ['fno.picked']}}}}, %s}",
             calculation);
    read_good(f, document);
    own = source(f, "@iv");
    assert_int_equal(own->calculated_count, 1);
    assert_names(&own->calculated[0].added, "fno.picked");
}

static void test_settings_at_their_limits(void **state)
{
    fixture *f = *state;
    read_good(f, "{'ringfence': {'refusalHttpStatus': 'Mirror',"
                 " 'idempotencyRetentionDays': 1}}");
    assert_int_equal(f->draft.refusal_http_status, 0);
    assert_int_equal(f->draft.id_retention_days, 1);
    read_good(f, "{'ringfence': {'refusalHttpStatus': 400}}");
    assert_int_equal(f->draft.refusal_http_status, 400);
    read_good(f, "{'ringfence': {'refusalHttpStatus': 599}}");
    assert_int_equal(f->draft.refusal_http_status, 599);
    read_good(f, "{'indexConfiguration': {'indexAttributeSets': []}}");
    assert_int_equal(f->draft.index_set_count, 0);
    read_good(f, "{'allocationConfiguration': {'groupsOrder':"
                 " {'b': 'g7', 'a': 'g0'}}}");
    assert_names(&f->draft.groups, "a b");
}

/* Each document has one mistake of form. */
static const struct {
    const char *document;
    const char *path;
    const char *message;
} mistakes[] = {
    {"[]", "$", "an object is expected"},
    {"'text'", "$", "an object is expected"},
    {"{'environmentId': 1}", "$.environmentId", "a text is expected"},
    {"{'partitionConfiguration': []}", "$.partitionConfiguration",
     "an object is expected"},
    {"{'partitionConfiguration': {'useProductId': 1, 'useDimensions': true}}",
     "$.partitionConfiguration.useProductId", "true or false is expected"},
    {"{'partitionConfiguration':"
     " {'useProductId': false, 'useDimensions': false}}",
     "$.partitionConfiguration", "both false"},
    {"{'partitionConfiguration': {'useProductId': false}}",
     "$.partitionConfiguration", "both false"},
    {"{'cachePartitionIdVersion': 2}", "$.cachePartitionIdVersion",
     "a text is expected"},
    {"{'cachePartitionIdVersion': 'BySite'}", "$.cachePartitionIdVersion",
     "ByProductId is expected"},
    {"{'cachePartitionIdVersion': 'ByProductId',"
     " 'partitionConfiguration': {'useDimensions': true}}",
     "$.cachePartitionIdVersion", "does not agree"},

    {"{'indexConfiguration': 'x'}", "$.indexConfiguration",
     "an object is expected"},
    {"{'indexConfiguration': {'partitionKeyAttributes': []}}",
     "$.indexConfiguration.partitionKeyAttributes", "an object is expected"},
    {"{'indexConfiguration': {'partitionKeyAttributes': {'setNumber': 1}}}",
     "$.indexConfiguration.partitionKeyAttributes", "set number 0"},
    {"{'indexConfiguration': {'partitionKeyAttributes': {'keys': ['siteid']}}}",
     "$.indexConfiguration.partitionKeyAttributes.keys",
     "siteid and locationid are expected"},
    {"{'indexConfiguration': {'partitionKeyAttributes':"
     " {'keys': ['locationid', 'siteid']}}}",
     "$.indexConfiguration.partitionKeyAttributes.keys", "in this order"},
    {"{'indexConfiguration': {'indexAttributeSets': {}}}",
     "$.indexConfiguration.indexAttributeSets", "a list is expected"},
    {"{'indexConfiguration': {'indexAttributeSets': [null]}}",
     "$.indexConfiguration.indexAttributeSets[0]", "an object is expected"},
    {"{'indexConfiguration': {'indexAttributeSets': [{'setNumber': 1}]}}",
     "$.indexConfiguration.indexAttributeSets[0]", "keys is missing"},
    {"{'indexConfiguration': {'indexAttributeSets':"
     " [{'setNumber': 0, 'keys': []}]}}",
     "$.indexConfiguration.indexAttributeSets[0]", "belongs to the partition"},
    {"{'indexConfiguration': {'indexAttributeSets':"
     " [{'setNumber': 3, 'keys': []}, {'setNumber': 3, 'keys': []}]}}",
     "$.indexConfiguration.indexAttributeSets[1]", "set number 3 is given"},
    {"{'indexConfiguration': {'indexAttributeSets':"
     " [{'setNumber': 1000, 'keys': []}]}}",
     "$.indexConfiguration.indexAttributeSets[0].setNumber", "0 to 999"},
    {"{'indexConfiguration': {'indexAttributeSets':"
     " [{'setNumber': -1, 'keys': []}]}}",
     "$.indexConfiguration.indexAttributeSets[0].setNumber", "0 to 999"},
    {"{'indexConfiguration': {'indexAttributeSets': [{'keys': 'colorid'}]}}",
     "$.indexConfiguration.indexAttributeSets[0].keys", "a list is expected"},
    {"{'indexConfiguration': {'indexAttributeSets':"
     " [{'keys': ['colorid', 'sizeid', 7]}]}}",
     "$.indexConfiguration.indexAttributeSets[0].keys[2]",
     "a text is expected"},

    {"{'inventorySystemConfigurations': []}", "$.inventorySystemConfigurations",
     "an object is expected"},
    {"{'inventorySystemConfigurations': {'pos': 1}}",
     "$.inventorySystemConfigurations.pos", "an object is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'dataSourceName': true}}}",
     "$.inventorySystemConfigurations.pos.dataSourceName",
     "a text is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'dataSourceName': 'web'}}}",
     "$.inventorySystemConfigurations.pos", "dataSourceName is web"},
    {"{'inventorySystemConfigurations': {'pos': {'dimensionMappings': []}}}",
     "$.inventorySystemConfigurations.pos.dimensionMappings",
     "an object is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'dimensionMappings':"
     " {'a b': 1}}}}",
     "$.inventorySystemConfigurations.pos.dimensionMappings[\"a b\"]",
     "a text is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'physicalMeasures': {}}}}",
     "$.inventorySystemConfigurations.pos.physicalMeasures",
     "a list is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'physicalMeasures': [null]}}}",
     "$.inventorySystemConfigurations.pos.physicalMeasures[0]",
     "a text is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'calculatedMeasures': []}}}",
     "$.inventorySystemConfigurations.pos.calculatedMeasures",
     "an object is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'calculatedMeasures':"
     " {'net': []}}}}",
     "$.inventorySystemConfigurations.pos.calculatedMeasures.net",
     "an object is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'calculatedMeasures':"
     " {'net': {'additionModifiers': 'pos.a'}}}}}",
     "$.inventorySystemConfigurations.pos.calculatedMeasures.net."
     "additionModifiers",
     "a list is expected"},
    {"{'inventorySystemConfigurations': {'pos': {'reservMappings':"
     " {'a': ['b']}}}}",
     "$.inventorySystemConfigurations.pos.reservMappings.a",
     "a text is expected"},

    {"{'reservConfiguration': 1}", "$.reservConfiguration",
     "an object is expected"},
    {"{'reservConfiguration': {'version': 2}}", "$.reservConfiguration.version",
     "from 0 to 1"},
    {"{'reservConfiguration': {'keys': {}}}", "$.reservConfiguration.keys",
     "a list is expected"},

    {"{'allocationConfiguration': 1}", "$.allocationConfiguration",
     "an object is expected"},
    {"{'allocationConfiguration': {'groups': 'a'}}",
     "$.allocationConfiguration.groups", "a list is expected"},
    {"{'allocationConfiguration': {'groupsOrder': []}}",
     "$.allocationConfiguration.groupsOrder", "an object is expected"},
    {"{'allocationConfiguration': {'groups': ['a'],"
     " 'groupsOrder': {'a': 'g8'}}}",
     "$.allocationConfiguration.groupsOrder.a", "g0 to g7"},
    {"{'allocationConfiguration': {'groups': ['a'],"
     " 'groupsOrder': {'a': 'h0'}}}",
     "$.allocationConfiguration.groupsOrder.a", "g0 to g7"},
    {"{'allocationConfiguration': {'groups': ['a'],"
     " 'groupsOrder': {'a': 'g01'}}}",
     "$.allocationConfiguration.groupsOrder.a", "g0 to g7"},
    {"{'allocationConfiguration': {'groups': ['a'],"
     " 'groupsOrder': {'a': 'g0', 'b': 'g1'}}}",
     "$.allocationConfiguration.groupsOrder.b", "b is not one of the groups"},
    {"{'allocationConfiguration': {'groups': ['a', 'b'],"
     " 'groupsOrder': {'a': 'g1', 'b': 'g1'}}}",
     "$.allocationConfiguration.groupsOrder.b", "the place g1"},
    {"{'allocationConfiguration': {'groups': ['a', 'b'],"
     " 'groupsOrder': {'a': 'g1'}}}",
     "$.allocationConfiguration.groupsOrder", "not every group"},
    {"{'allocationConfiguration': {'availableToAllocateCalculation': []}}",
     "$.allocationConfiguration.availableToAllocateCalculation",
     "an object is expected"},
    {"{'allocationConfiguration': {'availableToAllocateCalculation':"
     " {'fno.ordered': 'plus'}}}",
     "$.allocationConfiguration.availableToAllocateCalculation"
     "[\"fno.ordered\"]",
     "addition or subtraction"},
    {"{'allocationConfiguration': {'availableToAllocateCalculation':"
     " {'fno.ordered': 1}}}",
     "$.allocationConfiguration.availableToAllocateCalculation"
     "[\"fno.ordered\"]",
     "a text is expected"},

    {"{'scheduleConfiguration': []}", "$.scheduleConfiguration",
     "an object is expected"},
    {"{'scheduleConfiguration': {'indexAttributeSets': [7]}}",
     "$.scheduleConfiguration.indexAttributeSets[0]", "an object is expected"},

    {"{'ringfence': []}", "$.ringfence", "an object is expected"},
    {"{'ringfence': {'levels': {}}}", "$.ringfence.levels",
     "a list is expected"},
    {"{'ringfence': {'levels': [[], 'SiteId']}}", "$.ringfence.levels[1]",
     "a list is expected"},
    {"{'ringfence': {'levels': [['SiteId', 1]]}}", "$.ringfence.levels[0][1]",
     "a text is expected"},
    {"{'ringfence': {'hierarchyCheck': true}}", "$.ringfence.hierarchyCheck",
     "a text is expected"},
    {"{'ringfence': {'hierarchyCheck': 'lax'}}", "$.ringfence.hierarchyCheck",
     "strict or independent"},
    {"{'ringfence': {'allowFnoWrites': 'true'}}", "$.ringfence.allowFnoWrites",
     "true or false"},
    {"{'ringfence': {'refusalHttpStatus': 399}}",
     "$.ringfence.refusalHttpStatus", "400 to 599"},
    {"{'ringfence': {'refusalHttpStatus': 600}}",
     "$.ringfence.refusalHttpStatus", "400 to 599"},
    {"{'ringfence': {'refusalHttpStatus': 'body'}}",
     "$.ringfence.refusalHttpStatus", "mirror"},
    {"{'ringfence': {'idempotencyRetentionDays': 0}}",
     "$.ringfence.idempotencyRetentionDays", "1 to 3650"},
    {"{'ringfence': {'idempotencyRetentionDays': 3651}}",
     "$.ringfence.idempotencyRetentionDays", "1 to 3650"},
    {"{'ringfence': {'idempotencyRetentionDays': 1.5}}",
     "$.ringfence.idempotencyRetentionDays", "whole number"},
    {"{'ringfence': {'aliases': []}}", "$.ringfence.aliases",
     "an object is expected"},
    {"{'ringfence': {'aliases': {'iv.a': 1}}}", "$.ringfence.aliases[\"iv.a\"]",
     "a text is expected"},
    {"{'ringfence': {'plugins': 'a'}}", "$.ringfence.plugins",
     "a list is expected"},
    {"{'ringfence': {'plugins': [{}]}}", "$.ringfence.plugins[0]",
     "a text is expected"},
};

static void test_every_mistake_of_form(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        assert_mistake(f, mistakes[i].document, mistakes[i].path,
                       mistakes[i].message);
    }
}

static void test_form_and_meaning_are_told_together(void **state)
{
    fixture *f = *state;
    const rf_json *root =
        parse(f, "{'ringfence': {'levels': [['flavour']], 'plugins': 7},"
                 "'inventorySystemConfigurations': {'iv': {"
                 " 'physicalMeasures': [5, 'softreserved'],"
                 " 'reservMappings': {'softreserved': 'iv.nowhere'}}}}");
    assert_int_equal(
        rf_document_read(&f->arena, root, &f->draft, &f->problems, &f->err),
        RF_E_BAD_CONFIGURATION);
    assert_int_equal(f->problems.count, 2);
    rf_registry *registry = NULL;
    rf_catalog *catalog = NULL;
    assert_int_equal(rf_registry_create(&registry, NULL), RF_OK);
    assert_int_equal(
        rf_catalog_build(&f->draft, registry, &f->problems, &catalog, &f->err),
        RF_E_BAD_CONFIGURATION);
    rf_registry_free(registry);
    assert_int_equal(f->problems.count, 4);
    assert_string_equal(
        f->err.field, "$.inventorySystemConfigurations.iv.physicalMeasures[0]");
    assert_non_null(strstr(f->err.message, "; $.ringfence.plugins: "));
}

/* Names that are too long to show end up in no path. */
static void test_endless_names_do_not_multiply(void **state)
{
    fixture *f = *state;
    static char document[120000];
    char name[50001];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    size_t used = (size_t)snprintf(
        document, sizeof document,
        "{'inventorySystemConfigurations': {'%s': {'physicalMeasures': [1",
        name);
    for (size_t i = 0; i < 10000; i++) {
        memcpy(document + used, ",1", 2);
        used += 2;
    }
    memcpy(document + used, "]}}}", 5);
    const rf_json *root = parse(f, document);
    size_t before = f->arena.held_bytes;
    assert_int_equal(
        rf_document_read(&f->arena, root, &f->draft, &f->problems, &f->err),
        RF_E_BAD_CONFIGURATION);
    assert_true(f->arena.held_bytes - before < 4 * 1024 * 1024);
    assert_int_equal(f->problems.count, 10001);
    assert_string_equal(f->err.field, "$.inventorySystemConfigurations."
                                      "physicalMeasures[0]");

    /* The list's path just fits, those of its later elements do not. */
    name[148] = '\0';
    snprintf(document, sizeof document,
             "{'inventorySystemConfigurations': {'%s': {'physicalMeasures':"
             " ['0','1','2','3','4','5','6','7','8','9','10']}}}",
             name);
    read_good(f, document);
    const rf_draft_names *physicals = &source(f, name)->physicals;
    assert_int_equal(physicals->path.length, 197);
    assert_int_equal(physicals->items[9].path.length, 200);
    assert_true(rf_text_equal(physicals->items[10].path, physicals->path));
}

static void read_file(fixture *f, const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    assert_true(length > 0 && length < sizeof text - 1);
    text[length] = '\0';
    fclose(file);
    read_good(f, text);
}

/* The only thing that can be missing is what a plugin would define. */
static void assert_document(fixture *f, const char *path)
{
    rf_registry *registry = NULL;
    rf_catalog *catalog = NULL;
    read_file(f, path);
    assert_int_equal(rf_registry_create(&registry, NULL), RF_OK);
    rf_status status =
        rf_catalog_build(&f->draft, registry, &f->problems, &catalog, &f->err);
    rf_registry_free(registry);
    if (status != RF_OK && f->draft.plugins.count == 0) {
        fail_msg("%s: %s", path, f->err.message);
    }
    for (size_t i = 0; status != RF_OK && i < f->problems.count; i++) {
        assert_non_null(strstr(f->problems.items[i].path, ".reservMappings."));
    }
    if (status == RF_OK) {
        assert_true(catalog->has_index);
        assert_true(catalog->level_count > 4);
        assert_non_null(rf_catalog_physical(catalog, rf_text_of("iv"),
                                            rf_text_of("SoftReserved")));
        rf_catalog_free(catalog);
    }
}

static void test_documents_of_the_conformance_cases(void **state)
{
    fixture *f = *state;
    glob_t found;
    assert_int_equal(glob(DOCUMENTS, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 6);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        assert_document(f, found.gl_pathv[i]);
    }
    globfree(&found);
}

static void test_the_standard_document(void **state)
{
    fixture *f = *state;
    read_file(f, "tests/conformance/config/standard.json");
    rf_catalog *catalog = build(f);
    const rf_physical *reserved = rf_catalog_physical(
        catalog, rf_text_of("iv"), rf_text_of("softreserved"));
    const rf_calculated *available = rf_catalog_calculated(
        catalog, rf_text_of("iv"), rf_text_of("availabletoreserve"));
    assert_ptr_equal(&catalog->calculated[reserved->reservation], available);
    assert_int_equal(available->sum.term_count, 5);
    assert_int_equal(catalog->physical_count, 18);
    assert_int_equal(catalog->group_order_count, 3);
    assert_text(rf_catalog_coordinate_name(catalog, catalog->group_order[1]),
                "segment");
    /* The leaf, three of the partition, two of the reservation, two more of
     * the first index set's three, the second's, one for each prefix of the
     * groups, and two of what is scheduled. */
    assert_int_equal(catalog->level_count, 13);
    assert_int_equal(catalog->schedule.days, 5);
    assert_int_equal(catalog->schedule.promise_count, 2);
    rf_catalog_free(catalog);
}

static void test_every_failed_allocation_is_reported(void **state)
{
    fixture *f = *state;
    unsigned long nth = 1;
    rf_status status;
    do {
        rf_arena small;
        rf_arena_init(&small, 64, 0);
        const rf_json *root = parse(f, full);
        rf_alloc_fail_at(nth);
        status =
            rf_document_read(&small, root, &f->draft, &f->problems, &f->err);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        rf_arena_done(&small);
        nth++;
    } while (status != RF_OK);
    rf_alloc_fail_at(0);
    assert_true(nth > 30);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_document_is_an_environment),
        TEST(test_null_is_absent),
        TEST(test_every_section_is_read),
        TEST(test_every_name_has_its_path),
        TEST(test_the_partition_rule_in_both_forms),
        TEST(test_the_pool_measure_comes_from_either_place),
        TEST(test_settings_at_their_limits),
        TEST(test_every_mistake_of_form),
        TEST(test_form_and_meaning_are_told_together),
        TEST(test_endless_names_do_not_multiply),
        TEST(test_documents_of_the_conformance_cases),
        TEST(test_the_standard_document),
        TEST(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
