-- tries: floor division by zero, which is infinite for floats; expect: run-stop(contract)
return function(m, ctx)
  return m.fno.onhand // (m.fno.onhand - 250)
end
