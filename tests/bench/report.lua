-- report.lua - the table of a benchmark run: medians, ratios, verdicts.
--
-- lua5.4 report.lua FIGURES QUICK. FIGURES has a line for each single figure:
-- round, case, subject, name, value, separated by tabs. Ratios are made within
-- a round and the median of the ratios is judged. Ends with 0 when every target
-- is met, 1 when one is missed, 3 when the machine was too unsteady to judge.

-- A round counts when the disk was as fast after it as before, and nobody else
-- used the processors.
local FLUSH_SPREAD_MAX <const> = 1.5
local FOREIGN_CORES_MAX <const> = 0.3
local ROUNDS_MIN <const> = 3

local CASES <const> = {
  { "one-64", "one SKU, 64 connections", redis = 1.2, postgresql = 25 },
  { "one-256", "one SKU, 256 connections", redis = 1.4 },
  { "many-64", "%s SKUs, 64 connections", redis = 0.8, postgresql = 2.3 },
  { "many-256", "%s SKUs, 256 connections", redis = 1.0 },
}
local P99_MAX <const> = 1.5
local QUERY_OF_PING_MIN <const> = 0.6
local QUERY_LARGE_OF_SMALL_MIN <const> = 0.9
local LEVELS <const> = { [0] = "location", "color", "size", "style" }

local COUNTERS <const> = {
  { "one_flushes_per_commit", "flushes a commit, one SKU", "<=", 2 },
  { "many_flushes_per_commit", "flushes a commit, many SKUs", "<=", 2 },
  { "one_commands_per_commit", "commands a commit, one SKU", ">=", 20 },
  { "many_commands_per_commit", "commands a commit, many SKUs", ">=", 20 },
  { "one_saved_per_command", "records saved a command, one SKU", "<=", 2 },
  { "many_saved_per_command", "records saved a command, many SKUs" },
  { "reserve_system_calls", "system calls a reservation", "<=", 8 },
  { "query_system_calls", "system calls a query", "<=", 8 },
  { "query_allocations_second", "allocations a query" },
  { "replay_allocations_second", "allocations a repeated request" },
  { "query_heap_growth_kib", "heap growth, 100,000 queries, KiB", "<=", 1024 },
  { "replay_heap_growth_kib", "heap growth, 100,000 repeats, KiB", "<=", 1024 },
}

-- figures[case][subject][name][round] = value
local function read_figures(path)
  local figures, rounds = {}, 0
  for line in io.lines(path) do
    local round, case, subject, name, value =
      line:match("^(%d+)\t([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)$")
    if not tonumber(value) then
      error("not a figure: " .. line)
    end
    local at = figures
    for _, key in ipairs { case, subject, name } do
      at[key] = at[key] or {}
      at = at[key]
    end
    at[tonumber(round)] = tonumber(value)
    rounds = math.max(rounds, tonumber(round))
  end
  return figures, rounds
end

local function median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  if #sorted % 2 == 1 then
    return sorted[middle + 1]
  end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

-- 1234567.8 as 1,234,568; what is below 100 keeps two decimals.
local function show(value)
  if value < 100 then
    return string.format("%.2f", value)
  end
  local digits = string.format("%.0f", value)
  return (digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function show_ms(us)
  return string.format("%.2f", us / 1000)
end

local Report = {}
Report.__index = Report

function Report.new(figures, rounds, quick)
  local self = setmetatable({}, Report)
  self.figures, self.rounds, self.quick = figures, rounds, quick
  self.missed, self.unsure = 0, 0
  self.chosen = self:find_quiet_rounds()
  self.steady = #self.chosen >= ROUNDS_MIN
  if not self.steady then
    for round = 1, rounds do
      self.chosen[round] = round
    end
  end
  return self
end

function Report:case_name(case)
  return string.format(case[2], show(self.figures.fill.ringfence.products[0]))
end

function Report:find_quiet_rounds()
  local quiet = {}
  for round = 1, self.rounds do
    local before = self.figures.before.machine
    local after = self.figures.after.machine
    local first, last = before.flush_us[round], after.flush_us[round]
    local spread = math.max(first, last) / math.min(first, last)
    local foreign =
      math.max(before.foreign_cores[round], after.foreign_cores[round])
    local counts = spread <= FLUSH_SPREAD_MAX and foreign <= FOREIGN_CORES_MAX
    print(string.format("round %d: flush %.0f us before, %.0f us after; "
      .. "others use %.2f cores%s", round, first, last, foreign,
      counts and "" or "; disturbed"))
    if counts then
      quiet[#quiet + 1] = round
    end
  end
  return quiet
end

-- The values of one figure in the rounds that count, nil when it is missing.
function Report:values(case, subject, name)
  local at = self.figures[case]
  at = at and at[subject]
  at = at and at[name]
  if not at then
    return nil
  end
  local values = {}
  for _, round in ipairs(self.chosen) do
    values[#values + 1] = at[round]
  end
  return #values > 0 and values or nil
end

function Report:line(...)
  print(string.format("%-34s %11s %11s %7s %15s %9s  %s", ...))
end

function Report:judge(value, how, limit)
  if not limit then
    return ""
  end
  if how == "<=" and value <= limit or how == ">=" and value >= limit then
    return "met"
  end
  self.missed = self.missed + 1
  return "MISSED"
end

-- Rates and latencies can be judged only on a machine that kept still.
function Report:judge_timing(value, how, limit)
  if not limit then
    return ""
  elseif self.quick then
    return "not judged"
  elseif not self.steady then
    self.unsure = self.unsure + 1
    return "inconclusive"
  end
  return self:judge(value, how, limit)
end

-- One line: ours, theirs, and the median and range of the rounds' ratios.
function Report:compare(what, ours, theirs, how, limit, format)
  if not ours or not theirs then
    return
  end
  local ratios = {}
  for round = 1, #ours do
    ratios[round] = ours[round] / theirs[round]
  end
  local middle = median(ratios)
  local target = limit and string.format("%s %.4g", how, limit) or ""
  self:line(what, format(median(ours)), format(median(theirs)),
    string.format("%.2f", middle),
    string.format("%.2f - %.2f", math.min(table.unpack(ratios)),
      math.max(table.unpack(ratios))),
    target, self:judge_timing(middle, how, limit))
end

function Report:head(what, theirs)
  print()
  self:line(what, "ringfence", theirs, "ratio", "range", "target", "")
end

function Report:reservations()
  for _, peer in ipairs { "redis", "postgresql" } do
    self:head("durable reservations a second", peer)
    for _, case in ipairs(CASES) do
      self:compare(self:case_name(case), self:values(case[1], "ringfence", "rate"),
        self:values(case[1], peer, "rate"), ">=", case[peer], show)
    end
  end
  for _, name in ipairs { "p50", "p99" } do
    self:head(name .. " of a reservation, ms", "redis")
    for _, case in ipairs(CASES) do
      local judged = name == "p99" and case[1]:find("-64", 1, true)
      self:compare(self:case_name(case), self:values(case[1], "ringfence", name .. "_us"),
        self:values(case[1], "redis", name .. "_us"), "<=",
        judged and P99_MAX or nil, show_ms)
    end
  end
end

-- Open loop, so these are the latencies that callers see who do not wait for
-- each other.
function Report:pace()
  local function middle(name)
    return median(self:values("pace", "ringfence", name))
  end
  print(string.format("\nat half the rate of many SKUs, %s a second: p50 %s ms, p99 %s ms",
    show(middle("rate")), show_ms(middle("p50_us")), show_ms(middle("p99_us"))))
end

-- The sizes of product that were queried, smallest first.
function Report:sizes()
  local sizes = {}
  for case in pairs(self.figures) do
    local size = case:match("^query%-0%-(%d+)$")
    sizes[#sizes + 1] = tonumber(size)
  end
  table.sort(sizes)
  return sizes
end

function Report:queries()
  local sizes = self:sizes()
  local ping = self:values("ping", "ringfence", "rate")
  local function rates(level, size)
    return self:values(string.format("query-%d-%d", level, size),
      "ringfence", "rate")
  end
  self:head("queries of one node a second", "ping")
  for level = 0, #LEVELS do
    for _, size in ipairs(sizes) do
      self:compare(string.format("%s, %s leaves", LEVELS[level],
        size < 100 and size or show(size)), rates(level, size), ping, ">=",
        QUERY_OF_PING_MIN, show)
    end
  end
  local small, large = sizes[1], sizes[#sizes]
  self:head(string.format("%s leaves", show(large)), small .. " leaves")
  for level = 0, #LEVELS do
    self:compare(LEVELS[level], rates(level, large), rates(level, small),
      ">=", QUERY_LARGE_OF_SMALL_MIN, show)
  end
end

function Report:counters()
  print()
  self:line("counted, not timed", "ringfence", "", "", "", "target", "")
  local found = self.figures.counters.ringfence
  for _, counter in ipairs(COUNTERS) do
    local name, what, how, limit = table.unpack(counter)
    local value = found[name] and found[name][0]
    if value then
      self:line(what, show(value), "", "", "",
        limit and how .. " " .. limit or "", self:judge(value, how, limit))
    else
      self:line(what, "-", "", "", "", "", "not counted")
    end
  end
end

function Report:sizes_of_store()
  local fill = self.figures.fill.ringfence
  local nodes = fill.nodes[0]
  print()
  self:line(show(nodes) .. " nodes", "MiB", "", "", "", "", "bytes a node")
  for _, row in ipairs { { "resident memory", "rss_kib" },
    { "of it heap", "heap_kib" }, { "files", "file_kib" } } do
    local kib = fill[row[2]][0]
    self:line(row[1], show(kib / 1024), "", "", "", "",
      show(kib * 1024 / nodes))
  end
end

function Report:costs()
  print()
  self:line("cost of a reservation", "cpu us", "disk KiB", "", "", "", "")
  for _, case in ipairs(CASES) do
    local used = self:values(case[1], "ringfence", "cpu_us")
    local written = self:values(case[1], "ringfence", "disk_bytes")
    self:line(self:case_name(case), show(median(used)),
      show(median(written) / 1024), "", "", "", "")
  end
  local client = self.figures.client
  self:line("the client, for one ping", show(client.load.cpu_us[0]), "", "",
    "", "", "wrk " .. show(client.wrk.cpu_us[0]))
end

function Report:finish()
  print()
  if self.missed > 0 then
    print(self.missed .. " targets missed")
    return 1
  elseif self.quick then
    print("quick run: rates are not judged")
    return 0
  elseif self.unsure > 0 then
    print("inconclusive: " .. self.unsure .. " targets need at least "
      .. ROUNDS_MIN .. " undisturbed rounds")
    return 3
  end
  print("all targets met")
  return 0
end

local figures, rounds = read_figures(arg[1])
local report = Report.new(figures, rounds, arg[2] == "1")
report:reservations()
report:pace()
report:queries()
report:counters()
report:sizes_of_store()
report:costs()
os.exit(report:finish(), true)
