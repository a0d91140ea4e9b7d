-- rows.lua - reads the rows of on-hand queries.

local json = require "tests.support.json"
local match = require "tests.support.match"

local rows = {}

-- The rows of a reply body: the array itself, or the page's Value.
function rows.of(body)
  if json.is_array(body) then return body end
  if json.is_object(body) and json.is_array(body.Value) then
    return body.Value
  end
  error("no query rows: " .. match.show(body), 0)
end

-- The value of "source.measure" in a row, nil when the row does not show it.
function rows.measure(row, name)
  local source, measure = name:match("^([^.]+)%.(.+)$")
  local quantities = row.quantities or {}
  return quantities[source] and quantities[source][measure]
end

-- The sum of a measure over rows, exact to the sixth decimal.
function rows.sum(list, name)
  local millionths = 0
  for _, row in ipairs(list) do
    local value = rows.measure(row, name) or 0
    millionths = millionths + math.floor(value * 1000000 + 0.5)
  end
  return millionths / 1000000
end

local function lower_keys(object)
  local result = json.object()
  for key, value in pairs(object) do result[key:lower()] = value end
  return result
end

-- Whether a row has these dimensions; their names compare without case.
function rows.has_dimensions(row, dimensions)
  return match.contains(lower_keys(row.dimensions or {}),
    lower_keys(dimensions))
end

-- All rows that fit: { productId, organizationId, dimensions }.
function rows.select(list, wanted)
  local found = {}
  for _, row in ipairs(list) do
    local fits = rows.has_dimensions(row, wanted.dimensions or {})
      and (not wanted.productId or row.productId == wanted.productId)
      and (not wanted.organizationId
        or row.organizationId == wanted.organizationId)
    if fits then found[#found + 1] = row end
  end
  return found
end

-- The one row that fits; raises when there are none or several.
function rows.one(list, wanted)
  local found = rows.select(list, wanted)
  if #found ~= 1 then
    error(("%d rows fit %s in %s"):format(#found, match.show(wanted),
      match.show(list)), 0)
  end
  return found[1]
end

local function check_quantity(row, name, wanted)
  local actual = rows.measure(row, name)
  if wanted == json.null then
    return actual == nil, "absent"
  elseif type(wanted) == "number" then
    return (actual or 0) == wanted, json.number(wanted)
  end
  return actual ~= nil and match.contains(actual, wanted), match.show(wanted)
end

-- Raise unless the row has these quantities: a number (zero may be absent),
-- null for absent, or a matcher.
function rows.check_quantities(row, quantities)
  for name, wanted in pairs(quantities) do
    local ok, text = check_quantity(row, name, wanted)
    if not ok then
      error(("%s: expected %s in %s"):format(name, text, match.show(row)), 0)
    end
  end
end

return rows
