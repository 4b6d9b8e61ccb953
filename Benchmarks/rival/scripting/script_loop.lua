local function remainder(steps)
  local total = 0
  local i = 0
  while i < steps do
    total = (total + i * 2) % 7
    i = i + 1
  end
  return total
end

print(remainder(10000000))
