-- Paths and files with what Lua itself has; REAPER's Lua takes UTF-8 names on every system.

local files = {}

files.separator = package.config:sub(1, 1)

function files.join(...)
  local parts = {...}
  local path = parts[1]
  for index = 2, #parts do
    if not path:match('[/\\]$') then path = path .. files.separator end
    path = path .. parts[index]
  end
  return path
end

function files.name(path)
  return path:match('[^/\\]*$')
end

function files.stem(path)
  local name = files.name(path)
  return name:match('^(.+)%.[^.]*$') or name
end

-- The beginning of a text, at most so many bytes, without half a letter at its end.
function files.beginning(text, most)
  while #text > most and most > 0 and text:byte(most + 1) & 0xC0 == 0x80 do most = most - 1 end
  return text:sub(1, most)
end

function files.extension(path)
  return (files.name(path):match('%.([^.]+)$') or ''):lower()
end

function files.exists(path)
  local file = io.open(path, 'rb')
  if file then file:close() end
  return file ~= nil
end

function files.read(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read('a')
  file:close()
  return text
end

-- Writes under another name and renames, so that no reader sees half of it. Returns nil and a sentence on failure.
function files.write_whole(path, text)
  local part = path:gsub('%.%w+$', '') .. '.tmp'
  local file, problem = io.open(part, 'wb')
  if not file then return nil, problem end
  local written, why = file:write(text)
  file:close()
  if not written then
    os.remove(part)
    return nil, why
  end
  local renamed, reason = os.rename(part, path)
  if not renamed then
    os.remove(part)
    return nil, reason
  end
  return true
end

local CHUNK = 4 * 1024 * 1024

-- Copies in pieces, so that REAPER stays alive: call the returned function until it gives 1 (all is there) or nil and why.
function files.copier(from, to)
  local input, problem = io.open(from, 'rb')
  if not input then return function() return nil, problem end end
  local size = math.max(1, input:seek('end'))
  input:seek('set')
  local output, why = io.open(to, 'wb')
  if not output then
    input:close()
    return function() return nil, why end
  end
  local done = 0
  local function stop(result, reason)
    input:close()
    local closed, reason_to_close = output:close() -- what is buffered is written now, and a full disk told
    if result and not closed then result, reason = nil, reason_to_close end
    if result == nil then os.remove(to) end
    return result, reason
  end
  return function()
    local data = input:read(CHUNK)
    if not data then return stop(1) end
    local written, reason = output:write(data)
    if not written then return stop(nil, reason) end
    done = done + #data
    return math.min(done / size, 0.999)
  end
end

return files
