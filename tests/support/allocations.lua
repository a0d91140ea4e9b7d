-- allocations.lua - short words for what is allocated to groups.
--
-- Groups are written as the values of the configured ones, highest first:
-- groups("web", "gold") is { channel = "web", segment = "gold" }.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local match = require "tests.support.match"

local Allocations = {}
Allocations.__index = Allocations

local NAMES = { "channel", "segment", "country" }

function Allocations.groups(...)
  local result = json.object()
  for index, value in ipairs { ... } do result[NAMES[index]] = value end
  return result
end

-- For an app; dimensions are the usual place unless given.
function Allocations.new(app, dimensions)
  return setmetatable({
    app = app, dimensions = dimensions or App.place(),
  }, Allocations)
end

-- A body with the usual members; `more` replaces or adds, null leaves out.
function Allocations:body(groups, quantity, more)
  local body = json.object {
    id = self.app:unique(), organizationId = App.ORGANIZATION,
    productId = App.PRODUCT, dimensions = self.dimensions, groups = groups,
    quantity = quantity,
  }
  for key, value in pairs(more or {}) do body[key] = value end
  for key, value in pairs(body) do
    if value == json.null then body[key] = nil end
  end
  return body
end

function Allocations:send(operation, groups, quantity, more, options)
  return self.app:post("/allocation/" .. operation,
    self:body(groups, quantity, more), options)
end

function Allocations:allocate(groups, quantity, more)
  return self:send("allocate", groups, quantity, more)
end

function Allocations:unallocate(groups, quantity, more)
  return self:send("unallocate", groups, quantity, more)
end

function Allocations:consume(groups, quantity, more)
  return self:send("consume", groups, quantity, more)
end

function Allocations:reallocate(source, groups, quantity, more)
  more = json.copy(more or {})
  more.sourceGroups = source
  return self:send("reallocate", groups, quantity, more)
end

-- What POST /allocation/query answers; `more` as in body().
function Allocations:query(groups, more)
  more = json.copy(more or {})
  more.id = json.null
  return expect.ok(self:send("query", groups or json.object(), nil, more))
end

-- The one record of exactly these groups, or nil.
function Allocations:record(groups)
  local records = self:query(groups)
  assert(#records <= 1, "more than one record")
  return records[1]
end

-- Raise unless the records of the place are these: { { groups, members } ... }.
function Allocations:expect_records(wanted, more)
  local records = self:query(json.object(), more)
  for index, pair in ipairs(wanted) do
    local members = json.copy(pair[2])
    members.groups = pair[1]
    local ok, why = match.contains(records[index] or json.object(), members)
    if not ok then
      error(("record %d: %s in %s"):format(index, why, match.show(records)), 2)
    end
  end
  if #records ~= #wanted then
    error(("%d records: %s"):format(#records, match.show(records)), 2)
  end
end

-- The usual place's total of one of the service's own measures.
function Allocations:total(name)
  return self.app:total("@iv." .. name)
end

return Allocations
