-- folder.lua - files and temporary folders for tests.

local lfs = require "lfs"

local folder = {}

-- One word for the shell, whatever it holds.
function folder.quote(text)
  return "'" .. tostring(text):gsub("'", [['\'']]) .. "'"
end

local function shell(command)
  local ok, how, status = os.execute(command)
  if not ok then
    error(("%s: %s %s"):format(command, how, status), 3)
  end
end

-- A fresh empty folder; the caller removes it.
function folder.create()
  local parent = os.getenv("TMPDIR") or "/tmp"
  local pipe = io.popen("mktemp -d "
    .. folder.quote(parent .. "/ringfence-spec-XXXXXXXX"))
  local path = pipe:read("l")
  assert(pipe:close() and path, "mktemp failed")
  return path
end

-- Remove a folder made by create, with all that is in it.
function folder.remove(path)
  assert(path:match("/ringfence%-spec%-%w+$"), "not one of ours: " .. path)
  shell("rm -rf " .. folder.quote(path))
end

function folder.make(path)
  if lfs.attributes(path, "mode") ~= "directory" then
    assert(lfs.mkdir(path))
  end
end

-- Replace the folder `to` by a copy of `from`.
function folder.copy(from, to)
  shell(("rm -rf %s && cp -R %s %s"):format(folder.quote(to),
    folder.quote(from), folder.quote(to)))
end

-- Leave the folder there with nothing in it.
function folder.empty(path)
  shell(("rm -rf %s && mkdir %s"):format(folder.quote(path),
    folder.quote(path)))
end

function folder.exists(path)
  return lfs.attributes(path, "mode") ~= nil
end

-- The names in a folder, in order; hidden ones too, dots not.
function folder.list(path)
  local names = {}
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- The bytes of a file, or nil when there is none.
function folder.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

-- Write a file so that a reader sees the old or the new text, never a part.
function folder.write(path, text)
  local file = assert(io.open(path .. ".new", "wb"))
  assert(file:write(text))
  assert(file:close())
  assert(os.rename(path .. ".new", path))
end

return folder
