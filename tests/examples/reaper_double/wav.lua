-- WAV files in and out, as far as the double needs them: PCM of 16, 24 and 32 bits and 32-bit float in, float out.

local wav = {}

local function chunks(data)
  local found, at = {}, 13
  while at + 8 <= #data do
    local name, size = data:sub(at, at + 3), string.unpack('<I4', data, at + 4)
    found[name] = {at + 8, size}
    at = at + 8 + size + size % 2
  end
  return found
end

local function open(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local data = file:read('a')
  file:close()
  if data:sub(1, 4) ~= 'RIFF' then return nil end
  return data
end

-- {rate, channels, frames, bits, is_float} of a file; nil when it is none.
local function head(data)
  local found = chunks(data)
  local kind, channels, rate, _, block, bits = string.unpack('<I2I2I4I4I2I2', data, found['fmt '][1])
  if kind == 0xFFFE then kind = string.unpack('<I2', data, found['fmt '][1] + 24) end
  return {rate = rate, channels = channels, bits = bits, is_float = kind == 3, frames = found['data'][2] // block,
    first = found['data'][1]}
end

function wav.info(path)
  local data = open(path)
  return data and head(data)
end

-- info and an array of samples per channel.
function wav.read(path)
  local data = open(path)
  local info = head(data)
  local format, scale = '<f', 1
  if not info.is_float then
    format, scale = '<i' .. info.bits // 8, 2.0 ^ (info.bits - 1)
  end
  local channels, at, unpack = {}, info.first, string.unpack
  for channel = 1, info.channels do channels[channel] = {} end
  for frame = 1, info.frames do
    for channel = 1, info.channels do
      local value
      value, at = unpack(format, data, at)
      channels[channel][frame] = value / scale
    end
  end
  return info, channels
end

function wav.write(path, rate, channels)
  local frames, count, parts, pack = #channels[1], #channels, {}, string.pack
  for frame = 1, frames do
    for channel = 1, count do parts[#parts + 1] = pack('<f', channels[channel][frame]) end
  end
  local data = table.concat(parts)
  local file = assert(io.open(path, 'wb'))
  file:write('RIFF', pack('<I4', 36 + #data), 'WAVEfmt ', pack('<I4I2I2I4I4I2I2', 16, 3, count, rate, rate * count * 4, count * 4, 32),
    'data', pack('<I4', #data), data)
  file:close()
end

return wav
