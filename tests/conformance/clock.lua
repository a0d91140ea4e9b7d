-- clock.lua - the server's wall clock, moved by libfaketime.

local folder = require "tests.support.folder"
local variables = require "tests.conformance.variables"

local clock = {}

local Clock = {}
Clock.__index = Clock

local function library()
  local pipe = io.popen("ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null")
  local path = pipe:read("l")
  pipe:close()
  return path
end

-- Whether clocks can be moved on this machine.
function clock.available()
  return library() ~= nil
end

-- Seconds since 1970 of "2031-03-10T09:00:00Z".
local function parse(text)
  local year, month, day, hour, minute, second =
    text:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z$")
  local days = 0
  for index = 1970, tonumber(year) - 1 do
    local leap = index % 4 == 0 and (index % 100 ~= 0 or index % 400 == 0)
    days = days + (leap and 366 or 365)
  end
  local first = os.time { year = year, month = 1, day = 1, hour = 12 }
  local today = os.time { year = year, month = month, day = day, hour = 12 }
  days = days + math.floor((today - first) / 86400 + 0.5)
  return ((days * 24 + hour) * 60 + minute) * 60 + second
end

-- A clock that stands at `start` now, or the real one without it. The file
-- that steers it lies in `directory`.
function clock.new(start, directory)
  local self = setmetatable({ offset = 0 }, Clock)
  if start then
    self.file = directory .. "/faketime"
    self.offset = math.floor(parse(start) - os.time())
    self:write()
  end
  return self
end

function Clock:write()
  folder.write(self.file, ("%+d\n"):format(self.offset))
end

-- The server's time in whole seconds.
function Clock:now()
  return os.time() + self.offset
end

-- Move on by a duration such as "+2d".
function Clock:move(text)
  if not self.file then error("this scenario has no clock", 0) end
  self.offset = self.offset + variables.seconds(text)
  self:write()
end

-- What the server's environment needs for this clock.
function Clock:environment()
  if not self.file then return nil end
  local asan = os.getenv("ASAN_OPTIONS")
  return {
    LD_PRELOAD = library(), FAKETIME_TIMESTAMP_FILE = self.file,
    FAKETIME_NO_CACHE = "1", TZ = "UTC",
    ASAN_OPTIONS = (asan and asan .. ":" or "") .. "verify_asan_link_order=0",
  }
end

return clock
