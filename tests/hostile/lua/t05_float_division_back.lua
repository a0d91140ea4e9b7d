-- tries: traps a tracer, x / 2 * 2 looks linear but is a float; expect: harmless=250
return function(m, ctx)
  return m.fno.onhand / 2 * 2
end
