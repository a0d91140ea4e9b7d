/*
 * candidate.c - from a document's text to a catalog with scripts.
 */
#include "server/candidate.h"

#include "server/document.h"
#include "server/json.h"

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

/* ---- Reading ---- */

/* Read the form of the document; mistakes are noted, not told yet. */
static rf_status read_document(rf_candidate *candidate, rf_error *err)
{
    const rf_json *root = NULL;
    rf_status status =
        rf_json_parse(&candidate->memory, candidate->request.document,
                      RF_DOCUMENT_LIMITS, &root, err);
    if (status != RF_OK) {
        return status;
    }
    if (!rf_json_is(root, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "the document is not an object");
    }
    rf_error mistakes = {0};
    status = rf_document_read(&candidate->memory, root, &candidate->draft,
                              &candidate->problems, &mistakes);
    if (status == RF_OK || status == RF_E_BAD_CONFIGURATION) {
        return RF_OK;
    }
    *err = mistakes;
    return status;
}

bool rf_candidate_names(const rf_candidate *candidate, rf_text plugin)
{
    const rf_draft_names *names = &candidate->draft.plugins;
    for (size_t i = 0; i < names->count; i++) {
        if (rf_text_equal(names->items[i].text, plugin)) {
            return true;
        }
    }
    return false;
}

/* Note a plugin that cannot be run because of what the document says. */
static void miss_plugin(rf_candidate *candidate, const rf_draft_name *name,
                        const char *what)
{
    rf_problems_add(&candidate->problems, name->path, "%.*s: %s",
                    RF_SHOWN(name->text), what);
    candidate->is_incomplete = true;
}

/* Tell where a plugin was looked for. */
static void miss_folder(rf_candidate *candidate, const rf_draft_name *name)
{
    const rf_candidate_request *request = &candidate->request;
    char own[RF_OWN_FOLDER_SIZE];
    rf_plugin_own_folder(request->environment, own);
    rf_problems_add(&candidate->problems, name->path,
                    "there is no plugin %.*s in %.40s nor in %.24s/%s",
                    (int)name->text.length, name->text.bytes,
                    request->options->plugins_directory,
                    request->options->environments_directory, own);
    candidate->is_incomplete = true;
}

static bool is_repeated(const rf_draft_names *names, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (rf_text_equal(names->items[i].text, names->items[index].text)) {
            return true;
        }
    }
    return false;
}

/* Find one plugin's texts: those given, or those in the folders. */
static rf_status find_plugin(rf_candidate *candidate, rf_text plugin,
                             rf_plugin_source *out, rf_error *err)
{
    const rf_candidate_request *request = &candidate->request;
    const rf_plugin_source *given =
        rf_plugin_set_find(&request->instead, plugin);
    if (given != NULL) {
        *out = *given;
        return RF_OK;
    }
    rf_plugin_folders folders =
        rf_plugin_folders_of(request->options, request->environment);
    rf_plugin_which which = rf_text_equal(plugin, request->without_own)
                                ? RF_PLUGIN_SHARED
                                : RF_PLUGIN_EFFECTIVE;
    return rf_plugin_files_read(&folders, which, plugin, &candidate->memory,
                                out, err);
}

/* Read the plugin that the document names at `index`. */
static rf_status read_named(rf_candidate *candidate, size_t index,
                            rf_plugin_source *plugins, size_t *count,
                            rf_error *err)
{
    const rf_draft_names *names = &candidate->draft.plugins;
    const rf_draft_name *name = &names->items[index];
    if (!rf_plugin_name_is_valid(name->text)) {
        miss_plugin(candidate, name,
                    "a plugin's name is made of 1 to 50 letters, digits, '-' "
                    "and '_'");
        return RF_OK;
    }
    if (is_repeated(names, index)) {
        miss_plugin(candidate, name, "the plugin is named twice");
        return RF_OK;
    }
    rf_error failed = {0};
    rf_status status =
        find_plugin(candidate, name->text, &plugins[*count], &failed);
    if (status == RF_E_UNKNOWN_PLUGIN) {
        miss_folder(candidate, name);
        return RF_OK;
    }
    *count += status == RF_OK;
    if (status != RF_OK) {
        *err = failed;
    }
    return status;
}

static rf_status read_plugins(rf_candidate *candidate, rf_error *err)
{
    const rf_draft_names *names = &candidate->draft.plugins;
    const rf_plugin_set *instead = &candidate->request.instead;
    rf_plugin_source *plugins = rf_arena_calloc(
        &candidate->memory, names->count + instead->count + 1, sizeof *plugins);
    rf_status status = RF_OK;
    size_t count = 0;
    if (plugins == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (names->count > RF_PLUGINS_MAX) {
        rf_problems_add(&candidate->problems, names->path,
                        "an environment runs at most %d plugins",
                        RF_PLUGINS_MAX);
        candidate->is_incomplete = true;
        return RF_OK;
    }
    for (size_t i = 0; i < names->count && status == RF_OK; i++) {
        status = read_named(candidate, i, plugins, &count, err);
    }
    for (size_t i = 0; i < instead->count && status == RF_OK; i++) {
        if (candidate->request.with_all &&
            !rf_candidate_names(candidate, instead->plugins[i].name)) {
            plugins[count++] = instead->plugins[i];
        }
    }
    candidate->plugins = (rf_plugin_set){plugins, count};
    return status;
}

rf_status rf_candidate_read(rf_candidate *candidate,
                            const rf_candidate_request *request, rf_error *err)
{
    candidate->request = *request;
    rf_arena_init(&candidate->memory, ARENA_BLOCK_BYTES, 0);
    rf_status status = read_document(candidate, err);
    if (status == RF_OK) {
        status = read_plugins(candidate, err);
    }
    if (status == RF_OK) {
        status = rf_plugin_set_content(&candidate->plugins, request->document,
                                       &candidate->content, err);
    }
    return status;
}

/* ---- Building ---- */

/* Run the plugins, if there are any. When the document has mistakes already,
 * those come first. */
static rf_status load_scripts(rf_candidate *candidate, rf_error *err)
{
    const rf_candidate_request *request = &candidate->request;
    rf_scripts_options options = {
        .threads = request->threads,
        .compile = request->options->compile_formulas,
    };
    rf_status status =
        rf_scripts_load(candidate->plugins.plugins, candidate->plugins.count,
                        &options, &candidate->scripts, err);
    if (status == RF_OK) {
        rf_draft *draft = &candidate->draft;
        draft->formulas =
            rf_scripts_formulas(candidate->scripts, &draft->formula_count);
        draft->host = rf_scripts_host(candidate->scripts);
        return RF_OK;
    }
    candidate->scripts = NULL;
    return status != RF_E_NO_MEMORY && candidate->problems.count > 0
               ? rf_problems_fail(&candidate->problems, err)
               : status;
}

static rf_status copy_numbers(rf_candidate *candidate, rf_error *err)
{
    const rf_registry *registry = candidate->request.registry;
    return registry == NULL
               ? rf_registry_create(&candidate->registry, err)
               : rf_registry_copy(registry, &candidate->registry, err);
}

rf_status rf_candidate_build(rf_candidate *candidate, rf_error *err)
{
    if (candidate->is_incomplete) {
        return rf_problems_fail(&candidate->problems, err);
    }
    rf_status status = RF_OK;
    if (candidate->plugins.count > 0) {
        status = load_scripts(candidate, err);
    }
    if (status == RF_OK) {
        status = copy_numbers(candidate, err);
    }
    if (status == RF_OK) {
        status =
            rf_catalog_build(&candidate->draft, candidate->registry,
                             &candidate->problems, &candidate->catalog, err);
    }
    if (status == RF_OK && candidate->scripts != NULL) {
        status = rf_scripts_bind(candidate->scripts, candidate->catalog, err);
    }
    return status;
}

void rf_candidate_done(rf_candidate *candidate)
{
    rf_catalog_free(candidate->catalog);
    rf_scripts_free(candidate->scripts);
    rf_registry_free(candidate->registry);
    if (candidate->request.options != NULL) {
        rf_arena_done(&candidate->memory);
    }
    *candidate = (rf_candidate){0};
}
