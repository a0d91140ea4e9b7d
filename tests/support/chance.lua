-- chance.lua - numbers that look random and are the same in every run.

local chance = {}

-- A generator of its own for every caller, so that a failing run can be had
-- again: the choices depend on the seed and the turn only. It is a function
-- that gives one of 1 to `count`.
function chance.chooser(seed)
  local state = seed * 2654435761 % 4294967296
  return function(count)
    state = (state * 1664525 + 1013904223) % 4294967296
    return state // 65536 % count + 1
  end
end

return chance
