-- json.lua - JSON as the tests need it: nothing lost on the way in or out.
--
-- Decoding keeps null and the difference between [] and {}, because both mean
-- something to the server. Encoding writes every number so that reading it
-- back gives the same number, and whole numbers without a fraction.

local dkjson = require "dkjson"

local json = {}

json.null = dkjson.null

local OBJECT = { __jsontype = "object" }
local ARRAY = { __jsontype = "array" }

-- Mark a table, so that an empty one is written as meant.
function json.object(value)
  return setmetatable(value or {}, OBJECT)
end

function json.array(value)
  return setmetatable(value or {}, ARRAY)
end

-- An unmarked table is an array when it has a first element; an unmarked
-- empty one is an object, which is what request bodies mostly need.
function json.is_array(value)
  if type(value) ~= "table" or value == json.null then return false end
  local mark = getmetatable(value)
  if mark and mark.__jsontype then return mark.__jsontype == "array" end
  return value[1] ~= nil
end

function json.is_object(value)
  return type(value) == "table" and value ~= json.null
    and not json.is_array(value)
end

-- The word JSON has for the type of a decoded value.
function json.type(value)
  if value == nil then return "absent" end
  if value == json.null then return "null" end
  if type(value) ~= "table" then return type(value) end
  return json.is_array(value) and "array" or "object"
end

-- Decode one whole document; raise when it is not exactly that.
function json.decode(text)
  if not utf8.len(text) then error("not UTF-8: " .. text, 2) end
  local value, next_position, message =
    dkjson.decode(text, 1, json.null, OBJECT, ARRAY)
  if message then error(message .. ": " .. text:sub(1, 400), 2) end
  if text:find("%S", next_position) then
    error("text after the document: " .. text:sub(next_position, -1), 2)
  end
  return value
end

-- The shortest form that reads back as the same number.
function json.number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or value == math.huge or value == -math.huge then
    error("JSON has no such number: " .. tostring(value), 2)
  end
  if value == math.floor(value) and math.abs(value) < 2 ^ 53 then
    return ("%.0f"):format(value)
  end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text end
  end
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local encode

local function encode_array(value)
  local parts = {}
  for index, element in ipairs(value) do parts[index] = encode(element) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(value)
  local parts = {}
  for index, key in ipairs(sorted_keys(value)) do
    parts[index] = dkjson.quotestring(key) .. ":" .. encode(value[key])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  if value == json.null then return "null" end
  local kind = type(value)
  if kind == "table" then
    return json.is_array(value) and encode_array(value) or encode_object(value)
  elseif kind == "number" then
    return json.number(value)
  elseif kind == "string" then
    return dkjson.quotestring(value)
  elseif kind == "boolean" then
    return tostring(value)
  end
  error("cannot be written as JSON: " .. kind, 2)
end

-- Members come out in alphabetical order, so equal values give equal text.
json.encode = encode

-- A copy that shares nothing with the original; marks are kept.
function json.copy(value)
  if type(value) ~= "table" or value == json.null then return value end
  local result = {}
  for key, element in pairs(value) do result[key] = json.copy(element) end
  return setmetatable(result, getmetatable(value))
end

-- RFC 7396: null removes a member, an object is merged, all else replaces.
function json.merge(target, patch)
  if not json.is_object(patch) then return json.copy(patch) end
  local result = json.is_object(target) and json.copy(target) or json.object()
  for key, value in pairs(patch) do
    if value == json.null then
      result[key] = nil
    else
      result[key] = json.merge(result[key], value)
    end
  end
  return result
end

return json
