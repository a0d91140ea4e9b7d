-- match.lua - does a JSON value contain what was expected of it?
--
-- An object contains another when every member of the other is there and
-- contained in turn; arrays match one by one; everything else is equal, numbers
-- by value. An object whose member names all start with "$" is a matcher.

local json = require "tests.support.json"

local match = {}

local contains

local function show(value)
  if value == nil then return "nothing" end
  local text = json.encode(value)
  return #text > 300 and text:sub(1, 300) .. "..." or text
end

local function differs(path, expected, actual)
  return false, ("%s: expected %s, got %s"):format(
    path == "" and "the value" or path, expected, show(actual))
end

local function join(path, key)
  return path == "" and tostring(key) or path .. "." .. key
end

local function texts_of(value)
  return type(value) == "table" and value or { value }
end

local function includes_all(text, wanted)
  if type(text) ~= "string" then return false end
  for _, piece in ipairs(texts_of(wanted)) do
    if not text:find(piece, 1, true) then return false end
  end
  return true
end

local function length_of(value)
  if type(value) == "string" then return utf8.len(value) end
  return json.is_array(value) and #value or nil
end

-- How many elements contain X.
local function count_matching(list, expected)
  local count = 0
  for _, element in ipairs(list) do
    if contains(element, expected, "") then count = count + 1 end
  end
  return count
end

local function has_all(list, wanted)
  if not json.is_array(list) then return false end
  for _, expected in ipairs(wanted) do
    if count_matching(list, expected) == 0 then return false end
  end
  return true
end

local function is_one_of(value, choices)
  for _, choice in ipairs(choices) do
    if contains(value, choice, "") then return true end
  end
  return false
end

local function is_number(value)
  return type(value) == "number"
end

local MATCHERS = {
  ["$any"] = function(value)
    return value ~= nil and value ~= json.null and value ~= ""
  end,
  ["$type"] = function(value, name) return json.type(value) == name end,
  ["$not"] = function(value, other)
    return value ~= nil and not contains(value, other, "")
  end,
  ["$prefix"] = function(value, prefix)
    return type(value) == "string" and value:sub(1, #prefix) == prefix
  end,
  ["$contains"] = includes_all,
  ["$oneOf"] = is_one_of,
  ["$min"] = function(value, least)
    return is_number(value) and value >= least
  end,
  ["$max"] = function(value, most)
    return is_number(value) and value <= most
  end,
  ["$length"] = function(value, length) return length_of(value) == length end,
  ["$has"] = has_all,
  ["$none"] = function(value, expected)
    return json.is_array(value) and count_matching(value, expected) == 0
  end,
  ["$absent"] = function(value, wanted)
    return (value == nil or value == json.null) == wanted
  end,
}

-- Whether a decoded value stands for a matcher.
function match.is_matcher(value)
  if not json.is_object(value) or next(value) == nil then return false end
  for key in pairs(value) do
    if key:sub(1, 1) ~= "$" then return false end
  end
  return true
end

local function run_matchers(actual, expected, path)
  for name, argument in pairs(expected) do
    local matcher = MATCHERS[name] or error("unknown matcher " .. name)
    if not matcher(actual, argument) then
      return differs(path, show(expected), actual)
    end
  end
  return true
end

local function contains_object(actual, expected, path)
  if not json.is_object(actual) then
    return differs(path, "an object " .. show(expected), actual)
  end
  for key, value in pairs(expected) do
    local ok, why = contains(actual[key], value, join(path, key))
    if not ok then return false, why end
  end
  return true
end

local function contains_array(actual, expected, path)
  if not json.is_array(actual) or #actual ~= #expected then
    return differs(path, #expected .. " elements " .. show(expected), actual)
  end
  for index, value in ipairs(expected) do
    local ok, why = contains(actual[index], value, join(path, index - 1))
    if not ok then return false, why end
  end
  return true
end

function contains(actual, expected, path)
  if match.is_matcher(expected) then
    return run_matchers(actual, expected, path)
  elseif json.is_array(expected) then
    return contains_array(actual, expected, path)
  elseif json.is_object(expected) then
    return contains_object(actual, expected, path)
  elseif actual ~= expected then
    return differs(path, show(expected), actual)
  end
  return true
end

-- true, or false and where they differ.
function match.contains(actual, expected, path)
  return contains(actual, expected, path or "")
end

local function same_members(actual, expected)
  for key, value in pairs(actual) do
    if not match.equals(value, expected[key]) then return false end
  end
  for key in pairs(expected) do
    if actual[key] == nil then return false end
  end
  return true
end

-- Whether both are the same JSON value.
function match.equals(actual, expected)
  if json.type(actual) ~= json.type(expected) then return false end
  if type(actual) ~= "table" or actual == json.null then
    return actual == expected
  end
  return same_members(actual, expected)
end

match.show = show

return match
