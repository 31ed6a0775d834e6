-- Lua cannot sleep by itself; nobody asks it to.
print('{"runtime": "lua"}')
