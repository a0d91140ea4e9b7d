-- tasks.lua - many connections at once in one thread.
--
-- A task is a function that uses sockets as if it had them for itself. Where
-- it would block it waits here, and the others go on. Code outside a task
-- waits too, for its own socket only, so that one client serves both uses.

local socket = require "socket"

local tasks = {}

-- Seconds on a clock that only goes forward fast enough for deadlines.
tasks.now = socket.gettime

local function wait_alone(handle, mode, deadline)
  local seconds = math.max(0, deadline - tasks.now())
  if not handle then
    socket.sleep(seconds)
    return nil, "timeout"
  end
  local reading = mode == "read" and { handle } or nil
  local writing = mode == "write" and { handle } or nil
  local readable, writable = socket.select(reading, writing, seconds)
  if #readable + #writable > 0 then return true end
  return nil, "timeout"
end

-- Wait until the socket can be read or written. nil, "timeout" when the
-- deadline comes first. Without a socket, wait for the deadline only.
function tasks.wait(handle, mode, deadline)
  if coroutine.isyieldable() and tasks.running then
    return coroutine.yield { handle = handle, mode = mode, deadline = deadline }
  end
  return wait_alone(handle, mode, deadline)
end

-- Let some time pass; only for pauses that are themselves under test.
function tasks.pause(seconds)
  tasks.wait(nil, nil, tasks.now() + seconds)
end

local function resume(thread, waiting, ...)
  local ok, request = coroutine.resume(thread, ...)
  if not ok then error(debug.traceback(thread, request), 0) end
  if coroutine.status(thread) == "dead" then
    waiting[thread] = nil
  else
    waiting[thread] = request
  end
end

-- What select has to look at, and until when.
local function collect(waiting)
  local reading, writing, first = {}, {}, math.huge
  for _, request in pairs(waiting) do
    if request.mode == "read" then reading[#reading + 1] = request.handle end
    if request.mode == "write" then writing[#writing + 1] = request.handle end
    first = math.min(first, request.deadline)
  end
  return reading, writing, first
end

local function ready_threads(waiting, ready, now)
  local threads = {}
  for thread, request in pairs(waiting) do
    if request.handle and ready[request.handle] then
      threads[#threads + 1] = { thread, true }
    elseif request.deadline <= now then
      threads[#threads + 1] = { thread, nil, "timeout" }
    end
  end
  return threads
end

local function turn(waiting)
  local reading, writing, first = collect(waiting)
  local seconds = math.max(0, first - tasks.now())
  local readable, writable = {}, {}
  if #reading + #writing > 0 then
    readable, writable = socket.select(reading, writing, seconds)
  else
    socket.sleep(seconds)
  end
  local ready = {}
  for _, handle in ipairs(readable) do ready[handle] = true end
  for _, handle in ipairs(writable) do ready[handle] = true end
  for _, entry in ipairs(ready_threads(waiting, ready, tasks.now())) do
    resume(entry[1], waiting, entry[2], entry[3])
  end
end

local function run_all(functions)
  local waiting = {}
  for _, body in ipairs(functions) do
    resume(coroutine.create(body), waiting)
  end
  while next(waiting) do turn(waiting) end
end

-- Run all functions as tasks until the last has ended. The first error of one
-- ends them all and is raised again.
function tasks.run(functions)
  tasks.running = true
  local ok, message = xpcall(run_all, debug.traceback, functions)
  tasks.running = false
  if not ok then error(message, 0) end
end

-- Run body(1) .. body(count) as tasks.
function tasks.times(count, body)
  local functions = {}
  for index = 1, count do
    functions[index] = function() body(index) end
  end
  tasks.run(functions)
end

return tasks
