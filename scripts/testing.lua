-- testing.lua - runs a plugin's formulas in plain Lua 5.4, for its tests.
--
--   local testing = dofile("scripts/testing.lua")
--   local plugin = testing.load("plugins/acme-availability")
--   plugin:evaluate("iv.instock", { ["pos.inbound"] = 5 })
--   plugin:check_examples()
--
-- A plugin sees the library it has in the server and nothing more, so that
-- what runs here runs there. Numbers, names, `m` and `ctx` are the server's
-- too. What only the server has is its limits and its catalog: whether a
-- measure exists is known there (`ringfence check`), here every measure does.
-- Methods of texts, as in text:len(), work here and not there.

local testing = {}

local SOURCE_BYTES_MAX = 32 * 1024
local INSTRUCTIONS_MAX = 1000000 -- ends an endless loop; the server allows less
local CALL_DEPTH_MAX = 16        -- of calculated measures inside each other
local NUMBER_TEXT_MAX = 63       -- longer texts are no numbers
local TIME_MAX = 253402300799    -- the last second of the year 9999

-- This file's folder, where prelude.lua is.
local HERE = string.match(debug.getinfo(1, "S").source, "^@(.*/)") or "./"

-- Views (m, ctx and their groups) to a function that lists their names.
local lists = setmetatable({}, { __mode = "k" })

-- ---- The library ----

local function is_before(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

local function sorted_keys(list)
  local keys = {}
  for key in pairs(list) do
    if type(key) ~= "string" and type(key) ~= "number" then
      error("pairs: a key is a " .. type(key), 3)
    end
    keys[#keys + 1] = key
  end
  table.sort(keys, is_before)
  return keys
end

local function sorted_pairs(list)
  local keys = lists[list] and lists[list]() or sorted_keys(list)
  local place = 0
  return function()
    place = place + 1
    local key = keys[place]
    if key ~= nil then return key, list[key] end
  end
end

-- Whole floats look like integers, and nothing shows an address.
local function plain_tostring(value)
  local kind = type(value)
  if math.type(value) == "float" then
    return value ~= value and "nan" or ("%.14g"):format(value + 0.0)
  end
  if kind == "number" or kind == "string" or kind == "boolean" or kind == "nil" then
    return tostring(value)
  end
  return kind
end

local function plain_tonumber(value, base)
  if base ~= nil then error("tonumber takes no base", 2) end
  if type(value) == "string" and #value > NUMBER_TEXT_MAX then return nil end
  return tonumber(value)
end

local function append(list, ...)
  if select("#", ...) ~= 1 then error("table.insert only appends: table.insert(list, value)", 2) end
  list[#list + 1] = ...
end

-- Stable, as the server's is.
local function sort(list, compare)
  compare = compare or function(a, b) return a < b end
  for last = 2, #list do
    local value, place = list[last], last
    while place > 1 and compare(value, list[place - 1]) do
      list[place] = list[place - 1]
      place = place - 1
    end
    list[place] = value
  end
end

local function pick(library, names)
  local chosen = {}
  for name in string.gmatch(names, "%a+") do chosen[name] = library[name] end
  return chosen
end

local function refuse_write(_, name)
  error("'" .. tostring(name) .. "' cannot be assigned: plugins keep nothing between calls", 2)
end

-- Return the read-only face of a table.
local function freeze(list)
  local face = setmetatable({}, {
    __index = list, __newindex = refuse_write, __metatable = false,
    __len = function() return #list end,
  })
  lists[face] = function() return sorted_keys(list) end
  return face
end

local function make_library()
  return {
    type = type, select = select, ipairs = ipairs, error = error, assert = assert,
    pairs = sorted_pairs, tostring = plain_tostring, tonumber = plain_tonumber,
    math = freeze(pick(math, "max min abs floor ceil fmod tointeger type ult "
      .. "maxinteger mininteger")),
    string = freeze(pick(string, "len sub lower upper byte")),
    table = freeze({ insert = append, sort = sort }),
  }
end

local function read(path)
  local file, reason = io.open(path, "rb")
  if not file then error(reason, 0) end
  local text = file:read("a")
  file:close()
  if #text > SOURCE_BYTES_MAX then error(path .. " is larger than 32 KiB", 0) end
  return text
end

-- Run one file as the server does: text only, no globals but the library.
local function run(path, library)
  local name = string.match(path, "[^/]+$")
  local chunk, reason = load(read(path), "@" .. name, "t", freeze(library))
  if not chunk then error(reason, 0) end
  return chunk()
end

local ringfence = freeze(run(HERE .. "prelude.lua", make_library()))

-- Return `value` as the server keeps it, six decimals, and refuse what it would.
local function to_quantity(value, what)
  if not math.type(value) then
    error(what .. " is a " .. type(value) .. ", not a number", 0)
  end
  local fits, result = pcall(ringfence.round, value, 6)
  if not fits then error(what .. " is not finite or out of range", 0) end
  return result
end

-- ---- What a formula is given ----

local function view(find, list)
  local face = setmetatable({}, { __index = find, __newindex = refuse_write, __metatable = false })
  lists[face] = list
  return face
end

-- The names below "source." that have a value of their own, sorted.
local function list_physical(given, formulas, source)
  local names = {}
  for name in pairs(given) do
    if string.sub(name, 1, #source + 1) == source .. "." and not formulas[name] then
      names[#names + 1] = string.sub(name, #source + 2)
    end
  end
  table.sort(names)
  return names
end

local function check_name(name)
  if type(name) ~= "string" then error("a name is a text, not a " .. type(name), 3) end
  return string.lower(name)
end

local function make_measures(given, formulas, value_of)
  local sources = {}
  local function find_source(_, name)
    local source = check_name(name)
    sources[source] = sources[source] or view(function(_, measure)
      return value_of(source .. "." .. check_name(measure))
    end, function() return list_physical(given, formulas, source) end)
    return sources[source]
  end
  return view(find_source, function()
    local found, names = {}, {}
    for name in pairs(given) do found[string.match(name, "^[^.]*")] = true end
    for name in pairs(found) do names[#names + 1] = name end
    table.sort(names)
    return names
  end)
end

-- The names that ctx.dimensions has, in lower case. Groups have any.
local DIMENSIONS = {}
for name in string.gmatch("siteid locationid colorid sizeid styleid configid batchid serialid "
  .. "statusid wmslocationid wmspalletid licenseplateid versionid", "%a+") do
  DIMENSIONS[name] = true
end
for number = 1, 12 do DIMENSIONS["customdimension" .. number] = true end
for number = 1, 8 do DIMENSIONS["extendeddimension" .. number] = true end

-- A group of texts by name without case; one that is not given is "".
local function make_texts(given, what, known)
  local texts = {}
  local function check(name)
    local key = check_name(name)
    if known and not known[key] then error("ctx." .. what .. " has no " .. name, 0) end
    return key
  end
  for name, value in pairs(given or {}) do
    if type(value) ~= "string" then error("ctx." .. what .. "." .. name .. " must be a text", 0) end
    texts[check(name)] = value
  end
  return view(function(_, name) return texts[check(name)] or "" end,
    function() return sorted_keys(texts) end)
end

local CONTEXT = { organization = true, product = true, time = true, date = true,
  dimensions = true, groups = true }
local EXAMPLE = { formula = true, given = true, expect = true, ctx = true, name = true }

local function check_keys(list, known, what)
  for name in pairs(list) do
    if not known[name] then error(what .. " has an unknown key " .. tostring(name), 0) end
  end
end

-- The time of a context; without one, the first second of its date; without
-- both, of 1970-01-01.
local function read_time(given)
  if given.time and given.date then error("ctx has a time or a date, not both", 0) end
  local time = given.time or given.date or 0
  if type(time) == "string" then time = ringfence.date(time) end
  time = math.tointeger(time)
  if not time or time < 0 or time > TIME_MAX then
    error("ctx.time must be whole Unix seconds or YYYY-MM-DDTHH:MM:SSZ", 0)
  end
  return time
end

local function make_context(given)
  check_keys(given, CONTEXT, "ctx")
  local time = read_time(given)
  local values = {
    organization = given.organization or "", product = given.product or "",
    time = time, date = os.date("!%Y-%m-%d", time),
    dimensions = make_texts(given.dimensions, "dimensions", DIMENSIONS),
    groups = make_texts(given.groups, "groups"),
  }
  return view(function(_, name)
    local value = values[check_name(name)]
    if value == nil then error("ctx has no " .. name, 2) end
    return value
  end, function() return sorted_keys(values) end)
end

-- ---- A plugin ----

local Plugin = {}
Plugin.__index = Plugin

-- Call a formula as `call` and end it when it does not end by itself.
local function guard(call)
  local hook, mask, count = debug.gethook()
  debug.sethook(function() error("the formula does not end", 0) end, "", INSTRUCTIONS_MAX)
  local passed, result = pcall(call)
  debug.sethook(hook, mask, count)
  if not passed then error(result, 0) end
  return result
end

-- Return a function that values a measure by its name in lower case.
local function make_evaluator(formulas, given, ctx)
  local known, depth, m = {}, 0, nil
  local function value_of(name)
    local formula = formulas[name]
    if given[name] or not formula then return given[name] or 0.0 end
    if known[name] then return known[name] end
    if depth == CALL_DEPTH_MAX then error(name .. " uses itself, or too many others", 0) end
    depth = depth + 1
    known[name] = to_quantity(formula(m, ctx), "the result of " .. name)
    depth = depth - 1
    return known[name]
  end
  m = make_measures(given, formulas, value_of)
  return value_of
end

local function is_measure(name)
  return type(name) == "string" and string.find(name, "^[^.]+%..+$") ~= nil
end

local function read_given(given)
  local quantities = {}
  for name, value in pairs(given) do
    if not is_measure(name) then error(tostring(name) .. " is not source.measure", 0) end
    quantities[string.lower(name)] = to_quantity(value, name)
  end
  return quantities
end

-- Value a formula: given is { ["pos.inbound"] = 5 }, measures that are not in
-- it are 0, and those that the plugin calculates are calculated. ctx may have
-- organization, product, time (Unix seconds or "YYYY-MM-DDTHH:MM:SSZ") or date
-- ("YYYY-MM-DD"), dimensions and groups (names to texts). Raises what the
-- formula raises, when the result is no number in range, and when a second call
-- gives another result.
function Plugin:evaluate(formula, given, ctx)
  local name = string.lower(tostring(formula))
  if not self.formulas[name] then
    error("the plugin has no formula " .. tostring(formula), 0)
  end
  local quantities = read_given(given or {})
  quantities[name] = nil
  local context = make_context(ctx or {})
  local function evaluate()
    return make_evaluator(self.formulas, quantities, context)(name)
  end
  local result = guard(evaluate)
  if guard(evaluate) ~= result then
    error(formula .. " gives another result when it is called again", 2)
  end
  return result
end

local function check_example(plugin, example)
  check_keys(example, EXAMPLE, "it")
  local got = plugin:evaluate(example.formula, example.given, example.ctx)
  local expected = to_quantity(example.expect, "expect")
  if got ~= expected then error(("expected %.14g, got %.14g"):format(expected, got), 0) end
end

-- Run the plugin's examples; return how many there are. Raises at the first
-- that fails, with its number, what was expected and what came.
function Plugin:check_examples()
  local examples = self.plugin.examples or {}
  for number, example in ipairs(examples) do
    local passed, reason = pcall(check_example, self, example)
    if not passed then
      local title = example.name or example.formula or "no formula"
      error(("example %d (%s): %s"):format(number, title, tostring(reason)), 2)
    end
  end
  return #examples
end

local PARTS = { name = true, version = true, formulas = true, modifiers = true, rules = true,
  examples = true }

local function check_plugin(plugin)
  if type(plugin) ~= "table" then error("plugin.lua must return a table", 0) end
  check_keys(plugin, PARTS, "the plugin")
  for _, key in ipairs({ "name", "version" }) do
    if type(plugin[key]) ~= "string" then error("the plugin's " .. key .. " is missing", 0) end
  end
end

local function index_formulas(plugin)
  local formulas = {}
  for name, formula in pairs(plugin.formulas or {}) do
    if not is_measure(name) then
      error("a formula's name is source.measure, not " .. tostring(name), 0)
    end
    local key = string.lower(name)
    if type(formula) ~= "function" or debug.getinfo(formula, "S").what == "C" then
      error(name .. " is not a Lua function", 0)
    end
    if formulas[key] then error(name .. " is defined twice", 0) end
    formulas[key] = formula
  end
  return formulas
end

-- The name of a file that `use` is given, ".lua" or not.
local function check_file(name)
  if type(name) ~= "string" or name == "" or string.find(name, "[/\\]") then
    error("use takes the name of a file beside plugin.lua", 3)
  end
  if not string.find(name, "%.lua$") then name = name .. ".lua" end
  if string.find(name, "_spec%.lua$") then error(name .. " is a test and no source", 3) end
  return name
end

-- Return a function that runs a file of the folder once and gives its value:
-- the plugin's `use`, which is there only while the plugin loads.
local function make_use(folder, library, is_loading)
  local values = {}
  return function(name)
    if not is_loading() then error("use is there only while a plugin is loaded", 2) end
    name = check_file(name)
    if values[name] == false then error(name .. " is being loaded: files use each other", 2) end
    if values[name] == nil then
      values[name] = false
      values[name] = run(folder .. "/" .. name, library) or error(name .. " returns no value", 2)
    end
    return values[name]
  end
end

-- Load the plugin in a folder. The object has `plugin`, the table that
-- plugin.lua returned, and the functions above. Raises what the plugin raises.
function testing.load(folder)
  local loading = true
  local library = make_library()
  library.ringfence = ringfence
  library.use = make_use(folder, library, function() return loading end)
  local plugin = library.use("plugin.lua")
  loading = false
  check_plugin(plugin)
  return setmetatable({ plugin = plugin, formulas = index_formulas(plugin) }, Plugin)
end

-- The table that plugins find as the global `ringfence`.
testing.ringfence = ringfence

return testing
