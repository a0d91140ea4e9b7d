-- check_style.lua - sizes and forms that no tool of others checks.
--
-- Run from the top folder; prints TAP. Layout is clang-format's business and
-- nesting clang-tidy's. The first cases hold the checker itself against samples
-- that must be caught.

local FUNCTION_LINES_MAX = 70
local SOURCE_LINES_MAX = 800
local HEADER_LINES_MAX = 300
local WIDTH_MAX = 80
local SCRIPT_WIDTH_MAX = 100

-- The rules, each one case of the test.
local RULES = {
  function_lines = "no function is longer than 70 lines",
  file_lines = "no source is longer than 800 lines, no header than 300",
  width = "no line of C is wider than 80 characters, of a script 100",
  head = "every file opens with a comment `name - what it is for`",
  guard = "every header has the guard of its path",
  blanks = "no tab, no blank at a line's end, a newline at the file's end",
  comment = "comments are /* */",
  marks = "nothing is left to be done later",
}
local ORDER = { "function_lines", "file_lines", "width", "head", "guard",
  "blanks", "comment", "marks" }

-- Spelled in halves, so that this file does not find itself.
local LEFT_OVER = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X", "HA" .. "CK" }

local function split_lines(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

-- clang-format keeps a function's braces, and only those, at the line's start.
local function check_functions(lines, report)
  local start
  for number, line in ipairs(lines) do
    if line == "{" then
      start = number
    elseif line == "}" and start then
      local length = number - start + 1
      if length > FUNCTION_LINES_MAX then
        report("function_lines", start, length .. " lines")
      end
      start = nil
    end
  end
end

local function check_head(path, lines, report)
  local name = path:match("[^/]+$")
  for number = 1, math.min(#lines, 3) do
    local at = lines[number]:find(name .. " - ", 1, true)
    if at and lines[number]:find("^[#%-/ *]+") then return end
  end
  report("head", 1, "no `" .. name .. " - ...`")
end

local function check_guard(path, text, report)
  local guard = "RINGFENCE_" .. path:upper():gsub("[^A-Z0-9]", "_")
  if not text:find("#ifndef " .. guard .. "\n#define " .. guard .. "\n", 1,
      true) then
    report("guard", 1, "expected " .. guard)
  end
end

-- Take the block comments out and leave the lines where they are.
local function without_comments(text)
  return (text:gsub("/%*.-%*/", function(comment)
    return comment:gsub("[^\n]", "")
  end))
end

local function check_c(path, text, lines, report)
  local is_header = path:find("%.h$")
  local limit = is_header and HEADER_LINES_MAX or SOURCE_LINES_MAX
  if #lines > limit then report("file_lines", 1, #lines .. " lines") end
  check_functions(lines, report)
  if is_header then check_guard(path, text, report) end
  for number, line in ipairs(split_lines(without_comments(text))) do
    if line:gsub("\\.", ""):gsub('"[^"]*"', ""):find("//") then
      report("comment", number, "a // comment")
    end
  end
end

local function check_lines(path, lines, report)
  local width_max = path:find("%.[ch]$") and WIDTH_MAX or SCRIPT_WIDTH_MAX
  for number, line in ipairs(lines) do
    local width = utf8.len(line) or #line
    if width > width_max then
      report("width", number, width .. " characters")
    end
    if line:find("\t") or line:find("%s$") then
      report("blanks", number, "tab or blank at the end")
    end
    for _, mark in ipairs(LEFT_OVER) do
      if line:find("%f[%w]" .. mark .. "%f[%W]") then
        report("marks", number, mark)
      end
    end
  end
end

-- Call report(rule, line, words) for everything wrong in one file.
local function check_file(path, text, report)
  local lines = split_lines(text)
  if text:sub(-1) ~= "\n" then report("blanks", #lines, "no last newline") end
  check_lines(path, lines, report)
  check_head(path, lines, report)
  if path:find("%.[ch]$") then check_c(path, text, lines, report) end
end

local HEAD = "/*\n * a.c - a.\n */\n"

local SAMPLES = {
  { "", "core/a.c", HEAD .. "int a;\n" },
  { "", "core/a.c", HEAD .. "int f(void)\n{\n" .. (" x;\n"):rep(68) .. "}\n" },
  { "function_lines", "core/a.c",
    HEAD .. "int f(void)\n{\n" .. (" x;\n"):rep(69) .. "}\n" },
  { "file_lines", "core/a.c", HEAD .. ("\n"):rep(798) },
  { "width", "core/a.c", HEAD .. ("x"):rep(81) .. "\n" },
  { "head", "core/a.c", "int a;\n" },
  { "guard", "core/a.h", "/*\n * a.h - a.\n */\n#ifndef A_H\n#define A_H\n" },
  { "blanks", "core/a.c", HEAD .. "int a; \n" },
  { "blanks", "core/a.c", HEAD .. "\tint a;\n" },
  { "blanks", "core/a.c", HEAD .. "int a;" },
  { "comment", "core/a.c", HEAD .. "int a; // why\n" },
  { "", "core/a.c", HEAD .. 'char *a = "http://b";\n' },
  { "", "core/a.c", HEAD .. "/* see\n * http://b/ */\nint a;\n" },
  { "marks", "core/a.c", HEAD .. "/* " .. LEFT_OVER[1] .. ": a */\n" },
}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local count, failures = 0, 0

local function case(passed, title, notes)
  count = count + 1
  if not passed then failures = failures + 1 end
  print(("%s %d - %s"):format(passed and "ok" or "not ok", count, title))
  for _, note in ipairs(notes or {}) do print("# " .. note) end
end

local function check_samples()
  for number, sample in ipairs(SAMPLES) do
    local found = ""
    check_file(sample[2], sample[3], function(rule)
      if found == "" then found = rule end
    end)
    case(found == sample[1], ("sample %d: %s"):format(number,
      sample[1] == "" and "passes" or "caught for its " .. sample[1]))
  end
end

-- Our sources; what others wrote or what is data has no style.
local FIND = "find core scripts server plugins tests .ci -type f "
  .. "! -path 'tests/hostile/*' ! -path 'tests/conformance/plugins/*' "
  .. "\\( -name '*.[ch]' -o -name '*.lua' -o -name '*.sh' -o -name run "
  .. "-o -name install -o -path 'tests/steps/*' \\) | LC_ALL=C sort"

local function check_project()
  local notes, files = {}, 0
  for rule in pairs(RULES) do notes[rule] = {} end
  local list = assert(io.popen(FIND))
  for path in list:lines() do
    files = files + 1
    check_file(path, read(path), function(rule, line, words)
      table.insert(notes[rule], ("%s:%d: %s"):format(path, line, words))
    end)
  end
  list:close()
  for _, rule in ipairs(ORDER) do
    case(#notes[rule] == 0 and files > 0, RULES[rule], notes[rule])
  end
end

check_samples()
check_project()
print("1.." .. count)
os.exit(failures == 0)
