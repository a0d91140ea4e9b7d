-- runner.lua - runs one scenario of a conformance file against a server of
-- its own. README.md beside this file says what the files may hold.

local App = require "tests.support.app"
local checks = require "tests.conformance.checks"
local clock = require "tests.conformance.clock"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local http = require "tests.support.http"
local json = require "tests.support.json"
local Server = require "tests.support.server"
local stream = require "tests.conformance.stream"
local tasks = require "tests.support.tasks"
local variables = require "tests.conformance.variables"

local runner = {}

local HERE = "tests/conformance/"

-- Pause between two tries of a "within" step.
local WITHIN_PAUSE_SECONDS = 0.05

local Run = {}
Run.__index = Run

-- All conformance files in order: { name, templates, scenarios }.
function runner.files()
  local files = {}
  for _, name in ipairs(folder.list(HERE)) do
    if name:match("^%d%d%-.*%.json$") then
      local file = json.decode(folder.read(HERE .. name))
      assert(file.format == "ringfence-conformance/1", name)
      files[#files + 1] = {
        name = name, templates = file.templates or {},
        scenarios = file.scenarios,
      }
    end
  end
  return files
end

-- Whether this machine can run the scenario; if not, why.
function runner.can_run(scenario)
  if scenario.clock and not clock.available() then
    return false, "libfaketime is not installed"
  end
  return true
end

local function plugin_folders(plugins)
  local result = {}
  for name, source in pairs(plugins or {}) do
    result[name] = HERE .. "plugins/" .. source
  end
  return result
end

local function start(file, scenario)
  local id = App.guid()
  local self = setmetatable({ file = file, scenario = scenario }, Run)
  self.scope = variables.scope(nil, json.copy(scenario.vars or {}))
  local server = Server.new {
    config = scenario.server, plugins = plugin_folders(scenario.plugins),
    environments = {
      [id] = variables.document(scenario.config, scenario.patch, id),
    },
  }
  self.clock = clock.new(scenario.clock, server.root)
  server.options.environment = self.clock:environment()
  self.app = setmetatable({ id = id, count = 0, server = server }, App)
  self.expander = variables.expander(id, function() return self.clock:now() end)
  return self
end

local function build_request(self, step, scope)
  local method, path = self.expander:target(step["do"], scope)
    :match("^(%u+) (.+)$")
  local auth = step.auth or self.scenario.auth
  local options = {
    headers = step.headers and self.expander:value(step.headers, scope),
    auth = auth and self.expander:text(auth, scope),
    raw = step.text and self.expander:value(step.text, scope),
  }
  local body = step.body ~= nil and self.expander:value(step.body, scope) or nil
  return self.app:build(method, path, body, options)
end

local function send(self, request)
  if not self.connection then
    self.connection = http.connect(self.app.server.port)
  end
  local reply = self.connection:request(request)
  if reply.headers.connection == "close" or self.connection.closed then
    self:disconnect()
  end
  return App.decode(reply)
end

function Run:disconnect()
  if self.connection then self.connection:close() end
  self.connection = nil
end

local function save(self, reply, wanted, scope)
  for name, path in pairs(wanted or {}) do
    local value = checks.at(reply.json, path)
    if value == nil then expect.fail(reply, "nothing to save at " .. path) end
    self.scope[self.expander:text(name, scope)] = value
  end
end

local function try(self, step, scope)
  local reply = send(self, build_request(self, step, scope))
  local expectation = self.expander:value(
    step.expect or json.object { ok = true }, scope)
  checks.run(reply, expectation)
  return reply
end

-- Try until the expectation holds or the time is over.
local function try_within(self, step, scope)
  local deadline = tasks.now() + step.within
  while true do
    local ok, result = pcall(try, self, step, scope)
    if ok then return result end
    if tasks.now() > deadline then error(result, 0) end
    tasks.pause(WITHIN_PAUSE_SECONDS)
  end
end

local function run_parallel(self, step, scope)
  local requests = {}
  for index = 0, step.parallel - 1 do
    local inner = variables.scope(scope, { i = index })
    requests[index + 1] = build_request(self, step, inner)
  end
  local replies = self.app:together(requests)
  checks.run_parallel(replies, step.expect)
end

local function run_stream(self, step, scope)
  local request = build_request(self, step, scope)
  request.headers.Accept = "text/event-stream"
  local events = stream.read(self.app.server.port, request,
    step.stream.events, step.stream.seconds)
  checks.run_stream(events, self.expander:value(step.expect, scope))
end

local STEPS = {}

STEPS["do"] = function(self, step, scope)
  if step.parallel then return run_parallel(self, step, scope) end
  if step.stream then return run_stream(self, step, scope) end
  local reply = (step.within and try_within or try)(self, step, scope)
  save(self, reply, step.save, scope)
end

-- The template's step as this call wants it.
local function call_step(template, call)
  local step = {}
  for key, value in pairs(template) do step[key] = value end
  if call.expect then step.expect, step.save = call.expect, nil end
  if call.save then step.save = call.save end
  return step
end

function STEPS.call(self, step, scope)
  local template = self.file.templates[step.call]
    or error("no template " .. step.call, 0)
  local values = self.expander:value(step.with or json.object(), scope)
  local inner = variables.scope(scope, values)
  for _, part in ipairs(json.is_array(template) and template or { template }) do
    self:step(call_step(part, step), inner)
  end
end

function STEPS.clock(self, step) self.clock:move(step.clock) end

function STEPS.restart(self, step)
  self:disconnect()
  self.app.server:restart(step.restart)
end

function STEPS.install(self, step)
  folder.copy(HERE .. "plugins/" .. step.install,
    self.app.server.root .. "/plugins/" .. step.as)
end

function STEPS.signal(self, step) self.app.server:signal(step.signal) end

function STEPS.set(self, step, scope)
  for name, value in pairs(self.expander:value(step.set, scope)) do
    self.scope[name] = value
  end
end

function Run:step(step, scope)
  for name, run in pairs(STEPS) do
    if step[name] ~= nil then return run(self, step, scope) end
  end
  error("a step that does nothing", 0)
end

local function describe(step)
  return step["do"] or step.call and "call " .. step.call or "step"
end

local function run_steps(self)
  self.app.server:start()
  for index, step in ipairs(self.scenario.steps) do
    local ok, message = pcall(self.step, self, step, self.scope)
    if not ok then
      error(("step %d, %s: %s"):format(index, describe(step), message), 0)
    end
  end
end

-- Run a scenario to its end. Raises with the step that failed.
function runner.run(file, scenario)
  local self = start(file, scenario)
  local ok, message = pcall(run_steps, self)
  self:disconnect()
  if ok then return self.app.server:finish() end
  self.app.server:destroy()
  error(message, 0)
end

return runner
