-- variables.lua - replaces ${name} in steps, and expands the three objects
-- that stand for something else ($repeat, $file, $config).
--
-- A scope is a table of values; its metatable leads to the scope outside it.

local folder = require "tests.support.folder"
local json = require "tests.support.json"

local variables = {}

local HERE = "tests/conformance/"

local SECONDS = { s = 1, m = 60, h = 3600, d = 86400 }

-- A scope inside another, or one of its own.
function variables.scope(outer, values)
  return setmetatable(values or {}, { __index = outer })
end

-- "+90s" as seconds.
function variables.seconds(text)
  local sign, count, unit = text:match("^([+-])(%d+)([smhd])$")
  if not sign then error("not a duration: " .. text, 0) end
  return tonumber(sign .. count) * SECONDS[unit]
end

local function time_value(name, now)
  local days = name:match("^today([+-]%d+)$") or name == "today" and 0
  if days then
    return os.date("!%Y-%m-%d", now + tonumber(days) * SECONDS.d)
  end
  local distance = name:match("^now([+-]%d+[smhd])$")
  if distance or name == "now" then
    local seconds = distance and variables.seconds(distance) or 0
    return os.date("!%Y-%m-%dT%H:%M:%SZ", now + seconds)
  end
end

local Expander = {}
Expander.__index = Expander

-- `now` is a function that tells the server's time in whole seconds.
function variables.expander(environment_id, now)
  return setmetatable({ id = environment_id, now = now, count = 0 }, Expander)
end

function Expander:lookup(name, scope)
  local value = scope[name]
  if value ~= nil then return value end
  if name == "env" then return self.id end
  if name == "unique" then
    self.count = self.count + 1
    return ("unique-%s-%d"):format(self.id:sub(1, 8), self.count)
  end
  return time_value(name, self.now()) or error("no variable " .. name, 0)
end

local function as_text(value)
  return type(value) == "string" and value or json.encode(value)
end

-- Replace inside a text. `write` turns a value into text; without it a text
-- that is nothing but one variable becomes the value itself.
function Expander:text(text, scope, write)
  local whole = text:match("^%${([^{}]+)}$")
  if whole and not write then return self:lookup(whole, scope) end
  write = write or as_text
  return (text:gsub("%${([^{}]+)}", function(name)
    return write(self:lookup(name, scope))
  end))
end

local function percent_encode(value)
  return (as_text(value):gsub("[^%w._~-]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

-- A "METHOD /path?query" with values percent-encoded.
function Expander:target(text, scope)
  return self:text(text, scope, percent_encode)
end

function Expander:repeated(value, scope)
  local result = json.array()
  for index = 0, value["$repeat"] - 1 do
    local inner = variables.scope(scope, { i = index })
    result[index + 1] = self:value(value.item, inner)
  end
  return result
end

-- A configuration document, patched, for this environment.
function variables.document(name, patch, environment_id)
  local text = folder.read(HERE .. "config/" .. name)
  local document = json.decode(assert(text, "no configuration " .. name))
  if patch then document = json.merge(document, patch) end
  document.environmentId = environment_id
  return document
end

function Expander:special(value, scope)
  if value["$repeat"] then return self:repeated(value, scope) end
  if value["$file"] then
    return assert(folder.read(HERE .. value["$file"]), value["$file"])
  end
  if value["$config"] then
    local patch = value.patch and self:value(value.patch, scope)
    return variables.document(value["$config"], patch, self.id)
  end
end

-- A copy of a value with all variables replaced, in names too.
function Expander:value(value, scope)
  if type(value) == "string" then return self:text(value, scope) end
  if type(value) ~= "table" or value == json.null then return value end
  local special = self:special(value, scope)
  if special ~= nil then return special end
  local result = {}
  for key, element in pairs(value) do
    if type(key) == "string" then key = as_text(self:text(key, scope)) end
    result[key] = self:value(element, scope)
  end
  return setmetatable(result, getmetatable(value))
end

return variables
