-- JSON as the bridge speaks it. null becomes nil; an empty table is an object unless it was made by json.array.

local json = {}

local ARRAY = {}

function json.array(values)
  return setmetatable(values or {}, ARRAY)
end

local ESCAPES = {['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t'}

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(letter)
    return ESCAPES[letter] or string.format('\\u%04x', letter:byte())
  end) .. '"'
end

local function number_text(value)
  if math.type(value) == 'integer' then return string.format('%d', value) end
  assert(value == value and value ~= math.huge and value ~= -math.huge, 'JSON has no such number')
  -- The shortest text that reads back as the same number: the bridge takes decimals for what they say.
  for digits = 15, 17 do
    local text = string.format('%.' .. digits .. 'g', value)
    if tonumber(text) == value then return (text:gsub(',', '.')) end -- a comma where a plug-in changed the language
  end
end

local function is_array(value)
  return getmetatable(value) == ARRAY or #value > 0
end

function json.encode(value)
  local kind = type(value)
  if kind == 'string' then return quoted(value) end
  if kind == 'number' then return number_text(value) end
  if kind == 'boolean' then return tostring(value) end
  if kind == 'nil' then return 'null' end
  assert(kind == 'table', 'JSON has no ' .. kind)
  local parts = {}
  if is_array(value) then
    for index = 1, #value do parts[index] = json.encode(value[index]) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for index, name in ipairs(names) do parts[index] = quoted(name) .. ':' .. json.encode(value[name]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

local UNESCAPES = {b = '\b', f = '\f', n = '\n', r = '\r', t = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/'}

local function fail(text, at, what)
  error(string.format('JSON: %s at character %d of %q', what, at, text:sub(1, 60)), 0)
end

local function read_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\]', at) or fail(text, at, 'a string without end')
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:byte(stop) == 34 then return table.concat(parts), stop + 1 end
    local letter = text:sub(stop + 1, stop + 1)
    if letter == 'u' then
      local code = tonumber(text:sub(stop + 2, stop + 5), 16) or fail(text, stop, 'a bad \\u')
      at = stop + 6
      if code >= 0xD800 and code < 0xDC00 and text:sub(at, at + 1) == '\\u' then
        local low = tonumber(text:sub(at + 2, at + 5), 16) or fail(text, at, 'a bad \\u')
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        at = at + 6
      end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = UNESCAPES[letter] or fail(text, stop, 'a bad escape')
      at = stop + 2
    end
  end
end

local function skip(text, at)
  return text:find('[^ \t\r\n]', at) or #text + 1
end

local read

local function read_list(text, at)
  local values = json.array()
  at = skip(text, at + 1)
  if text:sub(at, at) == ']' then return values, at + 1 end
  while true do
    values[#values + 1], at = read(text, at)
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == ']' then return values, at + 1 end
    if mark ~= ',' then fail(text, at, 'no comma') end
    at = at + 1
  end
end

local function read_object(text, at)
  local values = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == '}' then return values, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, 'no name') end
    local name
    name, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ':' then fail(text, at, 'no colon') end
    values[name], at = read(text, at + 1)
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == '}' then return values, at + 1 end
    if mark ~= ',' then fail(text, at, 'no comma') end
    at = at + 1
  end
end

local WORDS = {['true'] = true, ['false'] = false}

function read(text, at)
  at = skip(text, at)
  local first = text:sub(at, at)
  if first == '"' then return read_string(text, at) end
  if first == '{' then return read_object(text, at) end
  if first == '[' then return read_list(text, at) end
  local word = text:match('^%a+', at)
  if word == 'null' then return nil, at + 4 end
  if WORDS[word] ~= nil then return WORDS[word], at + #word end
  local number = text:match('^-?%d+%.?%d*[eE]?[+-]?%d*', at)
  local value = number and (math.tointeger(tonumber(number)) or tonumber(number))
  if value == nil then fail(text, at, 'no value') end
  return value, at + #number
end

-- The value; raises an error with words for what is no JSON.
function json.decode(text)
  local value, at = read(text, 1)
  if skip(text, at) <= #text then fail(text, at, 'something behind the end') end
  return value
end

return json
