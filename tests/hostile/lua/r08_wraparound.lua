-- tries: adds the largest integer to a measure, which leaves the range of quantities; expect: run-stop(contract)
return function(m, ctx)
  return m.fno.onhand + 9223372036854775807
end
