-- plugins.lua - plugins as texts, and servers whose environment runs them.
--
-- Specs of plugins need many small ones, often broken in one way. They are
-- written here rather than kept as files.

local App = require "tests.support.app"
local folder = require "tests.support.folder"
local json = require "tests.support.json"

local plugins = {}

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- The text of a plugin.lua: formulas maps measures to the bodies of functions
-- of m and ctx, one per line and from line 4 on, in order of their names.
-- `more`, optional: version, head (one line in front of the table), tail (more
-- members of the table).
function plugins.text(name, formulas, more)
  more = more or {}
  local lines = {
    more.head or "",
    ("return { name = %q, version = %q,"):format(name, more.version or "1.0.0"),
    "  formulas = {",
  }
  for _, measure in ipairs(sorted_keys(formulas)) do
    lines[#lines + 1] = ("    [%q] = function(m, ctx) %s end,")
      :format(measure, formulas[measure])
  end
  lines[#lines + 1] = "  },"
  lines[#lines + 1] = (more.tail or "") .. "}"
  return table.concat(lines, "\n") .. "\n"
end

-- Put a plugin into the server's folder: the text of its plugin.lua, or files.
function plugins.install(server, name, files)
  if type(files) == "string" then files = { ["plugin.lua"] = files } end
  local path = server.root .. "/plugins/" .. name
  folder.make(path)
  for file, text in pairs(files) do
    folder.write(path .. "/" .. file, text)
  end
end

-- A started app whose environment runs these plugins (name -> text or files),
-- in order of their names unless the patch names them. Options as App.start's;
-- the configuration is formulas.json, in which iv has no formulas of its own.
function plugins.start(texts, options)
  options = json.copy(options or {})
  options.config = options.config or "formulas.json"
  options.patch = json.object(options.patch)
  options.patch.ringfence = json.merge(
    json.object { plugins = json.array(sorted_keys(texts)) },
    json.object(options.patch.ringfence))
  options.stopped = true
  local app = App.start(options)
  for name, files in pairs(texts) do
    plugins.install(app.server, name, files)
  end
  local ok, message = pcall(app.server.start, app.server)
  if not ok then
    app.server:destroy()
    error(message, 0)
  end
  return app
end

-- PUT a plugin.lua; the reply.
function plugins.put(app, name, text, options)
  options = json.copy(options or {})
  options.raw = text
  options.headers = options.headers or { ["Content-Type"] = "text/x-lua" }
  return app:call("PUT", ("/plugins/%s/%s"):format(name,
    options.file or "plugin.lua"), nil, options)
end

-- The list of plugins, and one of them by name.
function plugins.list(app, options)
  local reply = app:get("/plugins", options)
  assert(reply.status == 200, reply.body)
  return reply.json
end

function plugins.find(list, name)
  for _, plugin in ipairs(list.plugins) do
    if plugin.name == name then return plugin end
  end
end

-- What is on hand in formulas.json.
plugins.ONHAND =
  "return m.wms.unrestricted + m.till.returned - m.till.sold"

-- A plugin named safety that keeps some percent of what is on hand back.
function plugins.safety(share, more)
  more = json.copy(more or {})
  more.head = ("local SHARE = %d %s"):format(share, more.head or "")
  return plugins.text("safety", {
    ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "local onhand = m.iv.onhand "
      .. "local kept = onhand > 0 and math.floor(onhand * SHARE / 100) or 0 "
      .. "return onhand - kept - m.iv.softreserved",
  }, more)
end

-- Examples of that plugin, for `tail`; the second expects the number given.
plugins.EXAMPLES = [[
  examples = {
    { formula = "iv.onhand", given = { ["wms.unrestricted"] = 7, ["till.sold"] = 2 }, expect = 5 },
    { formula = "iv.availabletoreserve", given = { ["wms.unrestricted"] = 100 }, expect = %d },
  },
]]

-- Versions of that plugin with one mistake each: the code it is told by, the
-- text, and the line (nil: any).
plugins.BROKEN = {
  { "plugin_syntax", "return {\n  name = 'safety'\n  version = '1' }\n", 3 },
  { "plugin_syntax", "\27Lua\84\0\25\147", nil },
  { "plugin_syntax", "return { name = 'safety' }\0", nil },
  { "plugin_failed", "\nerror('not today')\n", 2 },
  { "plugin_failed", "return 7\n", nil },
  { "plugin_failed", "return { name = 'other', version = '1', formulas = {} }",
    nil },
  { "plugin_failed", "while true do end\n", 1 },
  { "plugin_failed", "local t = {}\nfor i = 1, 1e9 do t[i] = { i } end\n", nil },
  { "plugin_failed", "local s = 'x'\nfor i = 1, 60 do s = s .. s end\n", nil },
  { "plugin_failed", "return os.exit(1)\n", 1 },
  { "plugin_failed", "x = 1\n", 1 },
  { "plugin_failed", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "error('always')" }), 4 },
  { "plugin_failed", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "while true do end" }), 4 },
  { "plugin_failed", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "return 'many'" }), 4 },
  { "unknown_measure", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "return m.iv.onhand - m.wms.nothing" }), 4 },
  { "unknown_measure", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "return m.iv.onhand - m.nowhere.picked" }), 4 },
  { "formula_cycle", plugins.text("safety", {
    ["iv.onhand"] = "return m.iv.availabletoreserve",
    ["iv.availabletoreserve"] = "return m.iv.onhand" }), nil },
  { "duplicate_definition", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "return m.iv.onhand",
    ["report.sellable"] = "return m.iv.onhand" }), 6 },
  { "duplicate_definition", plugins.text("safety", { ["iv.onhand"] = plugins.ONHAND,
    ["iv.availabletoreserve"] = "return m.iv.onhand",
    ["till.sold"] = "return m.iv.onhand" }), 6 },
  { "example_failed", plugins.safety(10, { tail = plugins.EXAMPLES:format(91) }), nil },
}

return plugins
