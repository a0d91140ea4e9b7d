-- dialects.lua - one request in the ways that real clients write it.
--
-- A sample is a request as it is documented: method, path, body, and what else
-- it needs. A dialect makes a copy of it that must mean the same. Only names
-- change: of members, path segments, parameters, dimensions, sources and
-- measures. Ids and the values of dimensions never do. A path segment in braces
-- is an id, too.

local json = require "tests.support.json"

local dialects = {}

local function set(words)
  local result = {}
  for word in words:gmatch "%S+" do result[word] = true end
  return result
end

-- Members whose texts are names; in an array all of its elements are.
local NAMES = set [[dimensiondatasource quantitydatasource modifier measure
  datasourcename groupby groupbyvalues dimensions keys groups physicalmeasures
  additionmodifiers subtractionmodifiers]]

-- Members that are objects whose values are names.
local NAMED_VALUES = set "dimensionmappings reservmappings"

-- Members that hold JSON as text.
local PACKED = set "payload"

-- Walk a body. `change` has key(name), name(text) and number(value), each
-- optional: what a member's name, a name and a number become.
local walk

local function walk_member(key, value, change)
  local word = key:lower()
  if PACKED[word] and type(value) == "string" then
    return json.encode(walk(json.decode(value), change))
  end
  local named = NAMES[word] and not json.is_object(value)
    or NAMED_VALUES[word]
  return walk(value, change, named)
end

function walk(value, change, named)
  if type(value) == "number" and change.number then
    return change.number(value)
  elseif type(value) == "string" and named and change.name then
    return change.name(value)
  elseif json.is_array(value) then
    local result = json.array()
    for index, element in ipairs(value) do
      result[index] = walk(element, change, named)
    end
    return result
  elseif json.is_object(value) then
    local result = json.object()
    for key, element in pairs(value) do
      local name = change.key and change.key(key) or key
      result[name] = named and walk(element, change, named)
        or walk_member(key, element, change)
    end
    return result
  end
  return value
end

local function split(path)
  local host, rest = path:match "^(host:)(.*)$"
  local route, query = (rest or path):match "^([^?]*)%??(.*)$"
  return host or "", route, query
end

local function join(host, route, query)
  return host .. route .. (query ~= "" and "?" .. query or "")
end

local function convert_path(path, convert)
  local host, route, query = split(path)
  route = route:gsub("[^/]+", function(segment)
    return segment:find "^{" and segment or convert(segment)
  end)
  query = query:gsub("([^&=]+)=([^&]*)", function(name, value)
    local named = NAMES[name:lower()]
    return convert(name) .. "=" .. (named and convert(value) or value)
  end)
  return join(host, route, query)
end

-- The same request with every name run through `convert`.
local function converted(sample, convert)
  local copy = {}
  for key, value in pairs(sample) do copy[key] = value end
  copy.path = convert_path(sample.path, convert)
  if sample.body ~= nil then
    copy.body = walk(sample.body, { key = convert, name = convert },
      sample.names)
  end
  return copy
end

local function with(sample, members)
  local copy = {}
  for key, value in pairs(sample) do copy[key] = value end
  for key, value in pairs(members) do copy[key] = value end
  return copy
end

local function add_stranger(body)
  local copy = json.copy(body)
  copy.noSuchMember = { deep = { 1, "two", json.null } }
  return copy
end

-- A member that nobody knows, in the object or in each of the array.
local function with_strangers(sample)
  local body = sample.body
  if sample.form then
    return with(sample, { body = json.merge(body,
      json.object { noSuchMember = "x" }) })
  elseif json.is_object(body) then
    return with(sample, { body = add_stranger(body) })
  elseif json.is_array(body) and json.is_object(body[1]) then
    local result = json.array()
    for index, line in ipairs(body) do result[index] = add_stranger(line) end
    return with(sample, { body = result })
  end
  return sample
end

-- The dialects, the documented one first: { name, apply(sample) }.
dialects.list = {
  { "as documented", function(sample) return sample end },
  { "lower case", function(sample)
    return converted(sample, string.lower)
  end },
  { "upper case", function(sample)
    return converted(sample, string.upper)
  end },
  { "a slash at the end", function(sample)
    local host, route, query = split(sample.path)
    return with(sample, { path = join(host, route .. "/", query) })
  end },
  { "numbers as text", function(sample)
    if sample.body == nil or sample.exact_numbers then return sample end
    return with(sample, { body = walk(sample.body,
      { number = json.number }) })
  end },
  { "no content type", function(sample)
    return with(sample, { content_type = not sample.form and "none" or nil })
  end },
  { "no version", function(sample)
    return with(sample, { version = sample.version == "2.0" and "2.0"
      or "none" })
  end },
  { "unknown members", with_strangers },
}

-- The target of a path, below the environment or, with "host:", not; in the
-- letter case of the path.
function dialects.target(path, environment_id)
  local host, route, query = split(path)
  local prefix = ""
  if host == "" then
    prefix = "/api/environment/"
    if not route:find "%l" then prefix = prefix:upper() end
    prefix = prefix .. environment_id
  end
  route = route:gsub("{(.-)}", "%1")
  return prefix .. join("", route, query)
end

local function encode_form(body)
  local parts = {}
  for name, value in pairs(body) do
    parts[#parts + 1] = name .. "=" .. value:gsub("[^%w_.-]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end)
  end
  table.sort(parts)
  return table.concat(parts, "&")
end

-- The request of a sample: for an http connection.
function dialects.request(sample, environment_id)
  local headers = { Authorization = sample.auth,
    ["x-ms-environment-id"] = environment_id }
  if sample.version ~= "none" then
    headers["Api-Version"] = sample.version or "1.0"
  end
  if sample.body ~= nil and sample.content_type ~= "none" then
    headers["Content-Type"] = sample.form
      and "application/x-www-form-urlencoded" or "application/json"
  end
  local encode = sample.form and encode_form or json.encode
  return {
    method = sample.method, headers = headers,
    target = dialects.target(sample.path, environment_id),
    body = sample.body ~= nil and encode(sample.body) or nil,
  }
end

return dialects
