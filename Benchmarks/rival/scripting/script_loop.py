def remainder(steps):
    total = 0
    i = 0
    while i < steps:
        total = (total + i * 2) % 7
        i += 1
    return total


print(remainder(10_000_000))
