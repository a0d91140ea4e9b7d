-- check_layers.lua - every #include of the product against the layers.
--
-- One direction only: server -> scripts -> core, and each foreign library
-- behind the few files that own it. Run from the top folder; prints TAP. The
-- first cases hold the checker itself against samples that must be caught.

-- Which part a file belongs to: the first pattern that fits.
local PARTS = {
  { "^core/store_lmdb", "store" },
  { "^core/", "core" },
  { "^scripts/", "scripts" },
  { "^server/http", "http" },
  { "^server/json", "json" },
  { "^server/exchange%.h$", "exchange" },
  { "^server/utf8%.[ch]$", "text" },
  { "^server/main%.c$", "wiring" },
  { "^server/cmd_", "wiring" },
  { "^server/", "api" },
}

-- The parts whose headers a part may include, beside its own.
local MAY_SEE = {
  core = {},
  store = { "core" },
  scripts = { "core" },
  text = { "core" },
  exchange = { "core" },
  http = { "base", "exchange" },
  json = { "core", "text" },
  api = { "core", "scripts", "json", "text", "exchange" },
  wiring = { "core", "store", "scripts", "http", "json", "text", "exchange",
    "api" },
}

-- What the http part may know of the core: nothing about stock.
local BASE = {
  ["core/alloc.h"] = true, ["core/arena.h"] = true, ["core/buffer.h"] = true,
  ["core/clock.h"] = true, ["core/error.h"] = true, ["core/status.h"] = true,
  ["core/text.h"] = true,
}

-- Libraries that belong to somebody: header pattern, the parts that may.
local OWNERS = {
  { "^lmdb%.h$", "store" },
  { "^lua", "scripts" },
  { "^lauxlib%.h$", "scripts" },
  { "^event2/", "http" },
  { "^llhttp%.h$", "http" },
  { "^[cC][jJ]", "json" },
  { "^cjson/", "json" },
  { "^openssl/", "api" },
  { "^xxhash%.h$", "core" },
}

-- The rules, each one case of the test.
local RULES = {
  "includes of ours name a file by its path from the top",
  "a source file includes its own header first",
  "no part includes a header of a part above or beside it",
  "the http part knows only the base of the core",
  "foreign libraries stay behind the files that own them",
  "every file belongs to a part",
}
local ROOTED, OWN_FIRST, DIRECTION, BASE_ONLY, OWNED, KNOWN = 1, 2, 3, 4, 5, 6

local function part_of(path)
  for _, row in ipairs(PARTS) do
    if path:find(row[1]) then return row[2] end
  end
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

-- Report what is wrong with one include of ours: rule and words, or nothing.
local function judge_ours(part, name, exists)
  if not name:find("/") or not exists(name) then
    return ROOTED, "no such file from the top"
  end
  local other = part_of(name)
  if not other then return KNOWN, name .. " belongs to no part" end
  if other == part then return end
  if part == "http" and other == "core" then
    if BASE[name] then return end
    return BASE_ONLY, "the http part must not know it"
  end
  if not contains(MAY_SEE[part], other) then
    return DIRECTION, ("%s must not know %s"):format(part, other)
  end
end

local function judge_library(part, name)
  for _, row in ipairs(OWNERS) do
    if name:find(row[1]) and row[2] ~= part then
      return OWNED, ("belongs to %s, not to %s"):format(row[2], part)
    end
  end
end

-- The header that must come first in a source file, if it has one. A part's
-- internal header may stand in for the one it includes.
local function is_own_header(path, name, exists)
  local stem = path:gsub("%.c$", "")
  if not exists(stem .. ".h") then return true end
  return name == stem .. ".h" or name == stem .. "_internal.h"
end

-- Call report(rule, line, words) for everything wrong in one file.
local function check_file(path, text, exists, report)
  local part = part_of(path)
  if not part then return report(KNOWN, 1, "belongs to no part") end
  local number, first = 0, path:find("%.c$") ~= nil
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    local mark, name = line:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
    if mark then
      local judge = mark == '"' and judge_ours or judge_library
      local rule, words = judge(part, name, exists)
      if rule then report(rule, number, name .. ": " .. words) end
      if first and not is_own_header(path, name, exists) then
        report(OWN_FIRST, number, name .. " stands before the own header")
      end
      first = false
    end
  end
end

-- Samples the checker must catch, or let pass (rule 0).
local SAMPLES = {
  { 0, "core/level.c", '#include "core/level.h"\n#include <string.h>\n' },
  { 0, "server/http.c", '#include "server/http.h"\n#include <event2/event.h>\n' },
  { 0, "server/main.c", '#include "core/store_lmdb.h"\n' },
  { ROOTED, "core/level.c", '#include "level.h"\n' },
  { ROOTED, "core/new.c", '#include "core/missing.h"\n' },
  { OWN_FIRST, "core/level.c", '#include <string.h>\n#include "core/level.h"\n' },
  { DIRECTION, "core/new.c", '#include "server/http.h"\n' },
  { DIRECTION, "core/new.c", '#include "core/store_lmdb.h"\n' },
  { DIRECTION, "scripts/host.c", '#include "server/exchange.h"\n' },
  { DIRECTION, "server/http_new.c", '#include "server/api_new.h"\n' },
  { DIRECTION, "server/api_new.c", '#include "server/http.h"\n' },
  { BASE_ONLY, "server/http_new.c", '#include "core/level.h"\n' },
  { OWNED, "core/new.c", "#  include <lua.h>\n" },
  { OWNED, "core/new.c", "#include <lmdb.h>\n" },
  { OWNED, "server/api_new.c", "#include <event2/event.h>\n" },
  { OWNED, "server/api_new.c", "#include <cjson/cJSON.h>\n" },
  { OWNED, "server/main.c", "#include <lauxlib.h>\n" },
  { KNOWN, "tools/new.c", "int x;\n" },
}

local SAMPLE_FILES = {
  ["core/level.h"] = true, ["core/store_lmdb.h"] = true,
  ["server/http.h"] = true, ["server/exchange.h"] = true,
  ["server/api_new.h"] = true,
}

local function sample_exists(name)
  return SAMPLE_FILES[name] or false
end

local function file_exists(name)
  local file = io.open(name)
  if file then file:close() end
  return file ~= nil
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local count, failures = 0, 0

local function case(passed, title, notes)
  count = count + 1
  if not passed then failures = failures + 1 end
  print(("%s %d - %s"):format(passed and "ok" or "not ok", count, title))
  for _, note in ipairs(notes or {}) do print("# " .. note) end
end

local function check_samples()
  for _, sample in ipairs(SAMPLES) do
    local found = 0
    check_file(sample[2], sample[3], sample_exists, function(rule)
      if found == 0 then found = rule end
    end)
    local include = sample[3]:match("[^\n]*")
    local verdict = sample[1] == 0 and "passes" or "is caught"
    case(found == sample[1],
      ("sample: %s in %s %s"):format(include, sample[2], verdict))
  end
end

local function check_product()
  local notes = {}
  for rule = 1, #RULES do notes[rule] = {} end
  local files = 0
  local list = assert(io.popen(
    "find core scripts server -name '*.[ch]' | LC_ALL=C sort"))
  for path in list:lines() do
    files = files + 1
    check_file(path, read(path), file_exists, function(rule, line, words)
      table.insert(notes[rule], ("%s:%d: %s"):format(path, line, words))
    end)
  end
  list:close()
  for rule, title in ipairs(RULES) do
    case(#notes[rule] == 0 and files > 0, title, notes[rule])
  end
end

check_samples()
check_product()
print("1.." .. count)
os.exit(failures == 0)
