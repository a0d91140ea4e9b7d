-- process.lua - start programs, watch them end, leave none behind.
--
-- Lua 5.4 has no fork in Debian 12 (lua-posix stops at 5.3), so a small shell
-- script (supervise.sh) is the parent and tells through files what happened.

local folder = require "tests.support.folder"
local tasks = require "tests.support.tasks"

local process = {}

-- How often a file is looked at while waiting for another process.
local POLL_SECONDS = 0.002

local Process = {}
Process.__index = Process

-- Look again and again until `probe` gives a value; nil after the deadline.
function process.await(seconds, probe)
  local deadline = tasks.now() + seconds
  while true do
    local value = probe()
    if value then return value end
    if tasks.now() >= deadline then return nil end
    tasks.pause(POLL_SECONDS)
  end
end

local function command_line(words, environment)
  local parts = {}
  if environment and next(environment) then
    parts[1] = "env"
    for name, value in pairs(environment) do
      parts[#parts + 1] = folder.quote(name .. "=" .. value)
    end
  end
  for _, word in ipairs(words) do parts[#parts + 1] = folder.quote(word) end
  return table.concat(parts, " ")
end

-- Start a program in the background. Its output goes to files in `directory`,
-- which must be there; several starts may share it, one after the other. The
-- folder `scratch` is removed when this process dies before the program.
function process.start(directory, scratch, words, environment)
  local line = ("exec sh tests/support/supervise.sh %s %s %s 2>/dev/null")
    :format(folder.quote(directory), folder.quote(scratch),
      command_line(words, environment))
  os.remove(directory .. "/pid")
  os.remove(directory .. "/exit")
  local lifeline = assert(io.popen(line, "w"))
  local self = setmetatable({ directory = directory, lifeline = lifeline },
    Process)
  local pid = process.await(10, function()
    return folder.read(directory .. "/pid")
  end)
  self.pid = assert(tonumber(pid), "the program did not start")
  return self
end

-- The exit status as a shell counts it (128 + n for signal n), nil while the
-- program runs.
function Process:exit_status()
  return tonumber(folder.read(self.directory .. "/exit"))
end

-- Wait for the end; the exit status, or nil when it still runs after that.
function Process:wait(seconds)
  local status = process.await(seconds, function()
    return self:exit_status()
  end)
  if status and self.lifeline then
    self.lifeline:close()
    self.lifeline = nil
  end
  return status
end

function Process:signal(name)
  os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

-- End it now, whatever it is doing.
function Process:kill()
  if not self.lifeline then return end
  self:signal("KILL")
  assert(self:wait(20), "a killed program is still there")
end

-- Resident memory in bytes, now and at its highest; nil once it has ended.
function Process:memory()
  local text = folder.read(("/proc/%d/status"):format(self.pid)) or ""
  local now = text:match("VmRSS:%s*(%d+)")
  local highest = text:match("VmHWM:%s*(%d+)")
  if not now then return nil end
  return tonumber(now) * 1024, tonumber(highest) * 1024
end

-- Run a program to its end: status, standard output, standard error.
function process.run(words, environment, seconds)
  local directory = folder.create()
  local child = process.start(directory, directory, words, environment)
  local status = child:wait(seconds or 60)
  if not status then child:kill() end
  local output = folder.read(directory .. "/stdout")
  local errors = folder.read(directory .. "/stderr")
  folder.remove(directory)
  if not status then error("did not end: " .. table.concat(words, " "), 2) end
  return status, output, errors
end

return process
