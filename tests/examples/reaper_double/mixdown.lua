-- The double's renderer: what the project sounds like, sample for sample, written as a WAV file. Crude where REAPER is fine (a stretched
-- item is interpolated, an effect halves the level), exact where the tests look: an item at rate 1 gives its file's own samples.

local wav = dofile(HERE .. 'wav.lua')

local mixdown = {}

local STEMS, PRE_FADER = 2, 8192
local FLOAT = 'ZXZhdyAAAQ=='
local FX_GAIN = 0.5

local function fade_gain(item, seconds)
  local gain, values = 1, item.values
  local inside, left = seconds - values.D_POSITION, values.D_POSITION + values.D_LENGTH - seconds
  local fade_in = math.max(values.D_FADEINLEN, values.D_FADEINLEN_AUTO)
  local fade_out = math.max(values.D_FADEOUTLEN, values.D_FADEOUTLEN_AUTO)
  if fade_in > 0 and inside < fade_in then gain = gain * inside / fade_in end
  if fade_out > 0 and left < fade_out then gain = gain * left / fade_out end
  return gain
end

local function add_item(mix, item, first, rate, gain)
  local take = item.takes[item.values.I_CURTAKE + 1]
  if not take or not take.source or item.values.B_MUTE ~= 0 then return end
  local info, samples = wav.read(take.source.path)
  local from = math.max(first, math.floor(item.values.D_POSITION * rate + 0.5))
  local to = math.min(first + #mix[1], math.floor((item.values.D_POSITION + item.values.D_LENGTH) * rate + 0.5))
  gain = gain * item.values.D_VOL * take.values.D_VOL * FX_GAIN ^ take.fx
  for frame = from, to - 1 do
    local seconds = frame / rate
    local at = (take.values.D_STARTOFFS + (seconds - item.values.D_POSITION) * take.values.D_PLAYRATE) * info.rate
    if item.values.B_LOOPSRC ~= 0 then at = at % info.frames end
    local whole = math.floor(at + 1e-6)
    local part = math.max(0, at - whole)
    if part < 1e-6 then part = 0 end
    local level = gain * fade_gain(item, seconds)
    for channel = 1, 2 do
      local source = samples[math.min(channel, info.channels)]
      local value = source[whole + 1] or 0
      if part > 0 then value = value + part * ((source[whole + 2] or 0) - value) end
      mix[channel][frame - first + 1] = mix[channel][frame - first + 1] + value * level
    end
  end
end

local function track_gain(track, pre_fader)
  local gain = track.values.I_FXEN ~= 0 and FX_GAIN ^ track.fx or 1
  return pre_fader and gain or gain * track.values.D_VOL
end

-- Does what the project's render settings say.
function mixdown.render(project)
  local set, texts = project.settings, project.texts
  assert(set.RENDER_BOUNDSFLAG == 0, 'the double renders custom bounds only')
  assert(texts.RENDER_FORMAT == FLOAT, 'the double writes 32-bit float only')
  assert(texts.RENDER_FORMAT2 == '', 'the double writes one file only')
  if project.fail_render == 'error' then error('the double was told to fail') end
  if project.fail_render == 'cancel' then return end
  local rate = set.RENDER_SRATE ~= 0 and set.RENDER_SRATE or set.PROJECT_SRATE
  local first = math.floor(set.RENDER_STARTPOS * rate + 0.5)
  local frames = math.floor(set.RENDER_ENDPOS * rate + 0.5) - first
  if set.RENDER_TAILFLAG & 1 ~= 0 then frames = frames + math.floor(set.RENDER_TAILMS * rate / 1000) end
  local mix = {{}, {}}
  for channel = 1, 2 do
    for frame = 1, frames do mix[channel][frame] = 0 end
  end
  local stems = set.RENDER_SETTINGS & STEMS ~= 0
  local rendered = 0
  for _, track in ipairs(project.tracks) do
    if (stems and track.values.I_SELECTED ~= 0 or not stems) and track.values.B_MUTE == 0 then
      rendered = rendered + 1
      local gain = track_gain(track, stems and set.RENDER_SETTINGS & PRE_FADER ~= 0)
      if not stems then gain = gain * track_gain(project.master, false) end
      for _, item in ipairs(track.items) do add_item(mix, item, first, rate, gain) end
    end
  end
  assert(not stems or rendered == 1, 'the double renders one stem only')
  if set.RENDER_NORMALIZE & 1 ~= 0 then
    for channel = 1, 2 do
      for frame = 1, frames do mix[channel][frame] = mix[channel][frame] * 0.1 end
    end
  end
  wav.write(texts.RENDER_FILE .. '/' .. texts.RENDER_PATTERN .. '.wav', rate, mix)
end

return mixdown
