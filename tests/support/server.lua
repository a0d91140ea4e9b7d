-- server.lua - one Ringfence server in a folder of its own.
--
-- The server is the real binary on a free port with fresh folders. Whatever a
-- test does, finish() or destroy() ends the process and removes the folder;
-- finish() also demands an orderly stop and a clean standard error.

local folder = require "tests.support.folder"
local json = require "tests.support.json"
local process = require "tests.support.process"

local Server = {}
Server.__index = Server

-- A start rebuilds the memory of ids, and sanitized builds are slow.
local START_SECONDS = 30
-- The drain may take 20 seconds; more is a hang.
local STOP_SECONDS = 30

local SANITIZER_MARKS = {
  "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
  "WARNING: ThreadSanitizer", "ERROR: ThreadSanitizer",
  "MemorySanitizer", "SUMMARY: UndefinedBehaviorSanitizer",
}

-- The program under test.
function Server.binary()
  return os.getenv("RINGFENCE_BIN") or "build/ringfence"
end

local function write_documents(root, options)
  folder.write(root .. "/ringfence.json",
    options.config_text or json.encode(options.config or json.object()))
  for id, document in pairs(options.environments or {}) do
    local text = type(document) == "string" and document
      or json.encode(document)
    folder.write(("%s/environments/%s.json"):format(root, id), text)
  end
end

local function install_plugins(root, plugins)
  folder.copy("plugins", root .. "/plugins")
  for name, source in pairs(plugins or {}) do
    folder.copy(source, root .. "/plugins/" .. name)
  end
end

-- Lay out the folders; nothing runs yet. Options, all optional:
-- config       the server's own document (config_text: the file as it is)
-- environments id -> configuration document, or the file's text
-- plugins      name -> folder, beside the shipped ones
-- environment  extra environment variables
-- listen       address:port instead of 127.0.0.1:0
function Server.new(options)
  local root = folder.create()
  local self = setmetatable({ root = root, options = options or {} }, Server)
  for _, name in ipairs { "data", "environments", "process" } do
    folder.make(root .. "/" .. name)
  end
  write_documents(root, self.options)
  install_plugins(root, self.options.plugins)
  return self
end

-- The words that name this server's files, for every subcommand that needs
-- them.
function Server:file_words()
  return {
    "--config", self.root .. "/ringfence.json",
    "--data", self.root .. "/data",
    "--plugins", self.root .. "/plugins",
    "--environments", self.root .. "/environments",
  }
end

-- Everything written to standard error so far.
function Server:stderr()
  return folder.read(self.root .. "/process/stderr") or ""
end

local function ready_port(self, offset)
  return tonumber(self:stderr():sub(offset + 1)
    :match("listening on http://127%.0%.0%.1:(%d+)"))
end

-- Start and wait until it listens. Raises with its standard error when not.
function Server:start()
  local words = { Server.binary(), "serve" }
  for _, word in ipairs(self:file_words()) do words[#words + 1] = word end
  words[#words + 1] = "--listen"
  words[#words + 1] = self.options.listen or "127.0.0.1:0"
  local offset = #self:stderr()
  self.process = process.start(self.root .. "/process", self.root, words,
    self.options.environment)
  process.await(START_SECONDS, function()
    self.port = ready_port(self, offset)
    return self.port or self.process:exit_status()
  end)
  if not self.port then self:fail("the server did not start") end
  return self
end

-- Raise with what the server said.
function Server:fail(text)
  error(text .. "; its standard error:\n" .. self:stderr(), 0)
end

-- Whether it still runs.
function Server:is_alive()
  return self.process ~= nil and self.process:exit_status() == nil
end

function Server:signal(name)
  self.process:signal(name)
end

-- Ask for an orderly stop; the exit status must be 0.
function Server:stop()
  self.process:signal("TERM")
  local status = self.process:wait(STOP_SECONDS)
  if not status then
    self:fail("still running " .. STOP_SECONDS .. " s after SIGTERM")
  elseif status ~= 0 then
    self:fail("exit status " .. status .. " after SIGTERM")
  end
end

function Server:kill()
  self.process:kill()
end

-- Stop ("stop") or kill ("kill"), then start again on the same folders.
function Server:restart(how)
  self[how](self)
  return self:start()
end

-- Raise when a sanitizer has spoken.
function Server:check_sanitizers()
  local text = self:stderr()
  for _, mark in ipairs(SANITIZER_MARKS) do
    if text:find(mark, 1, true) then self:fail("sanitizer report") end
  end
end

-- A program that should end by itself is given this long.
local TOOL_SECONDS = 30

-- Run a subcommand on this server's files: status, output, errors.
function Server:tool(name, ...)
  local words = { Server.binary(), name }
  for _, word in ipairs(self:file_words()) do words[#words + 1] = word end
  for _, word in ipairs { ... } do words[#words + 1] = word end
  return process.run(words, self.options.environment, TOOL_SECONDS)
end

-- Throw the data away, as a broken disk would; the server must not run.
function Server:wipe_data()
  folder.empty(self.root .. "/data")
end

-- Orderly stop if it runs, then remove everything; raises when the stop or
-- the standard error was not clean.
function Server:finish()
  local ok, message = pcall(function()
    if self.process and self.process.lifeline then self:stop() end
    self:check_sanitizers()
  end)
  self:destroy()
  if not ok then error(message, 0) end
end

-- End the process and remove the folder. Safe to call at any time.
function Server:destroy()
  if self.process then self.process:kill() end
  if self.root then folder.remove(self.root) end
  self.root = nil
end

return Server
