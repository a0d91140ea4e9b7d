-- app.lua - a running server with one environment, and short words to use it.
--
-- Specs are about behaviour; this module knows the paths, the bodies and the
-- usual organization, product and place, so that a spec names only what it is
-- about.

local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local http = require "tests.support.http"
local json = require "tests.support.json"
local rows = require "tests.support.rows"
local Server = require "tests.support.server"

local App = {}
App.__index = App

App.ORGANIZATION = "acme"
App.PRODUCT = "LAMP"

local CONFIG_FOLDER = "tests/conformance/config/"

-- The usual place, with more coordinates when given.
function App.place(more)
  return json.merge(json.object { siteId = "10", locationId = "A1" },
    json.object(more))
end

-- A configuration document, patched, for this environment; `base` is one of
-- the conformance cases by its file's name, or a document.
function App.document(base, patch, environment_id)
  local document = json.copy(base)
  if type(base) == "string" then
    document = json.decode(assert(folder.read(CONFIG_FOLDER .. base), base))
  end
  if patch then document = json.merge(document, patch) end
  document.environmentId = environment_id
  return document
end

-- Version 4 form, so that it is taken for what the real thing looks like.
function App.guid()
  return (("xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx"):gsub("x", function()
    return ("%x"):format(math.random(0, 15))
  end))
end

local function documents(id, options)
  local base = options.config or "standard.json"
  local result = { [id] = App.document(base, options.patch, id) }
  for other, patch in pairs(options.others or {}) do
    result[other] = App.document(base, patch, other)
  end
  return result
end

-- Options, all optional: config (file name, default standard.json, or a
-- document), patch, id (of the environment), server, plugins, environment,
-- listen, others (more environments: id -> patch), stopped (do not start it
-- yet).
function App.start(options)
  options = options or {}
  local id = options.id or App.guid()
  local self = setmetatable({ id = id, count = 0 }, App)
  self.server = Server.new {
    config = options.server, plugins = options.plugins,
    environments = documents(id, options),
    environment = options.environment, listen = options.listen,
  }
  if options.stopped then return self end
  local ok, message = pcall(self.server.start, self.server)
  if not ok then
    self.server:destroy()
    error(message, 0)
  end
  return self
end

-- Orderly end, for after_each. Does nothing when the start had failed, or
-- when the app has ended before.
function App.finish(self)
  if not self or self.finished then return end
  self.finished = true
  if self.connection then self.connection:close() end
  self.server:finish()
end

-- Forget the connection: the server behind it is going away.
function App:disconnect()
  if self.connection then self.connection:close() end
  self.connection = nil
end

function App:restart(how)
  self:disconnect()
  self.server:restart(how)
end

-- Stop the server and have the tool compare every total with its leaves.
-- Raises with what it said when it found a difference.
function App:verify()
  self:disconnect()
  self.server:stop()
  local status, output, errors = self.server:tool("verify")
  if status ~= 0 then error(output .. errors, 2) end
end

-- A new text every time, for request ids.
function App:unique()
  self.count = self.count + 1
  return ("u-%s-%d"):format(self.id:sub(1, 8), self.count)
end

-- The target of a path: below the environment, or as it is when it starts
-- with "host:".
function App:target(path)
  return path:match("^host:(.*)$") or "/api/environment/" .. self.id .. path
end

-- The request for a call; options: headers, auth, raw (the body as text).
function App:build(method, path, body, options)
  options = options or {}
  local headers = json.copy(options.headers or {})
  local auth = options.auth or self.auth
  if auth and auth ~= "none" then headers.Authorization = auth end
  local text = options.raw or body ~= nil and json.encode(body) or nil
  if text and not headers["Content-Type"] then
    headers["Content-Type"] = "application/json"
  end
  return {
    method = method, target = self:target(path), headers = headers, body = text,
  }
end

-- Decode the body of a reply when it says that it is JSON.
function App.decode(reply)
  local kind = reply.headers["content-type"] or ""
  if #reply.body > 0 and kind:find("^application/json") then
    reply.json = json.decode(reply.body)
  end
  return reply
end

local function send(self, request)
  if not self.connection then
    self.connection = http.connect(self.server.port)
  end
  local connection = self.connection
  local reply = connection:request(request)
  if reply.headers.connection == "close" or connection.closed then
    self:disconnect()
  end
  return reply
end

-- One call over the app's own connection; the reply, its body decoded.
function App:call(method, path, body, options)
  return App.decode(send(self, self:build(method, path, body, options)))
end

function App:get(path, options)
  return self:call("GET", path, nil, options)
end

function App:post(path, body, options)
  return self:call("POST", path, body, options)
end

-- The calls built by build(), all in flight together; decoded replies.
function App:together(requests)
  local replies = http.together(self.server.port, requests)
  for _, reply in ipairs(replies) do App.decode(reply) end
  return replies
end

local function fill(self, body, more)
  body.id = self:unique()
  body.organizationId = App.ORGANIZATION
  body.productId = App.PRODUCT
  body.dimensions = App.place()
  for key, value in pairs(more or {}) do body[key] = value end
  for key, value in pairs(body) do
    if value == json.null then body[key] = nil end
  end
  return json.object(body)
end

-- Bodies with the usual members; `more` replaces or adds, null leaves out.

function App:event(quantities, more)
  return fill(self, { quantities = json.object(quantities) }, more)
end

function App:reservation(quantity, more)
  return fill(self, {
    quantityDataSource = "iv", modifier = "softreserved", quantity = quantity,
  }, more)
end

function App:reversal(reservation_id, quantity, more)
  return fill(self, { reservationId = reservation_id, OffsetQty = quantity },
    more)
end

-- Put stock somewhere: wms.unrestricted unless quantities are named.
function App:put(quantity, more)
  return expect.ok(self:post("/onhand",
    self:event({ wms = { unrestricted = quantity } }, more)))
end

-- The same at a site and location, with no other dimension but those of `more`.
function App:put_at(site, location, quantity, more)
  more = more or {}
  more.dimensions = json.merge(
    json.object { siteId = site, locationId = location },
    json.object(more.dimensions))
  return self:put(quantity, more)
end

function App:reserve(quantity, more)
  return self:post("/onhand/reserve", self:reservation(quantity, more))
end

function App:unreserve(reservation_id, quantity, more)
  return self:post("/onhand/unreserve",
    self:reversal(reservation_id, quantity, more))
end

-- Filters for the usual organization, product and place; `more` replaces or
-- adds, null leaves out.
function App.filters(more)
  local filters = json.object {
    organizationId = { App.ORGANIZATION }, productId = { App.PRODUCT },
    siteId = { "10" }, locationId = { "A1" },
  }
  return json.merge(filters, json.object(more))
end

-- Index query; body has filters (default: the usual), groupByValues, ...
function App:query(body, options)
  body = json.object(json.copy(body or {}))
  body.filters = body.filters or App.filters()
  if body.returnNegative == nil then body.returnNegative = true end
  return self:post("/onhand/indexquery", body, options)
end

-- The rows of a query that must succeed.
function App:rows(body, options)
  return rows.of(expect.ok(self:query(body, options)))
end

-- The total of a measure over a query's rows, default: the usual product at
-- the usual place.
function App:total(measure, filters, groups)
  return rows.sum(self:rows {
    filters = filters, groupByValues = json.array(groups or {}),
  }, measure)
end

-- All journal entries after a number.
function App:events(after)
  local body = expect.ok(self:get(
    ("/events?after=%d&limit=1000"):format(after or 0)))
  return body.events, body
end

return App
