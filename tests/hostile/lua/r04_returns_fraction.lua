-- tries: returns 83.33 and more digits, which are rounded at the sixth decimal; expect: harmless=83.333333
return function(m, ctx)
  return m.fno.onhand / 3
end
