-- Breaks a text into lines of at most so many letters.
local width = tonumber(os.getenv("ATTUNE_PARAM_WIDTH"))
local lines, line = {}, ""
for word in os.getenv("ATTUNE_PARAM_TEXT"):gmatch("%S+") do
  if line ~= "" and #line + 1 + #word > width then
    lines[#lines + 1], line = line, word
  else
    line = line == "" and word or line .. " " .. word
  end
end
if line ~= "" then lines[#lines + 1] = line end

-- Lua brings no JSON; of a line without control characters only these two need care.
for number, text in ipairs(lines) do
  lines[number] = '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end
print('{"lines": [' .. table.concat(lines, ", ") .. "]}")
