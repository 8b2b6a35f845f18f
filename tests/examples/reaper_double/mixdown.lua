-- The double's renderer: what the project sounds like, sample for sample, written as a WAV file. Crude where REAPER is fine (a stretched
-- item is interpolated, an effect halves the level), exact where the tests look: an item at rate 1 gives its file's own samples.

local wav = dofile(HERE .. 'wav.lua')

local mixdown = {}

-- What each value of RENDER_SETTINGS gives: tried one by one by others in REAPER 7.79 on Linux; facts.md has the source.
local MIX, MIX_AND_STEMS, STEMS = {mix = true}, {mix = true, stems = true}, {stems = true}
local SETTINGS = {[0] = MIX, [1] = MIX_AND_STEMS, [2] = MIX, [3] = STEMS}
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

-- A tone for MIDI, where an instrument plays it.
local function add_notes(mix, item, first, rate, gain)
  if item.values.B_MUTE ~= 0 then return end
  local from = math.max(first, math.floor(item.values.D_POSITION * rate + 0.5))
  local to = math.min(first + #mix[1], math.floor((item.values.D_POSITION + item.values.D_LENGTH) * rate + 0.5))
  for frame = from, to - 1 do
    local value = 0.25 * math.sin(2 * math.pi * 220 * frame / rate) * gain
    for channel = 1, 2 do mix[channel][frame - first + 1] = mix[channel][frame - first + 1] + value end
  end
end

local function track_gain(project, track)
  local law = track.values.D_PANLAW < 0 and project.pan_law or track.values.D_PANLAW
  local gain = track.values.D_VOL * law * (track.values.I_FXEN ~= 0 and FX_GAIN ^ track.fx or 1)
  for _, envelope in pairs(track.envelopes) do
    if envelope.texts.ACTIVE == '1' then gain = gain * envelope.gain end
  end
  return gain
end

-- Tracks that sound through a track, each with whether its main way is meant.
local function feeders(project, track)
  local found, level, inside = {}, 0, false
  for _, candidate in ipairs(project.tracks) do
    if inside and level == 1 and candidate.values.B_MAINSEND ~= 0 then found[#found + 1] = candidate end
    if candidate == track then inside, level = candidate.values.I_FOLDERDEPTH > 0, 0 end
    if inside then
      level = level + candidate.values.I_FOLDERDEPTH
      if level <= 0 then inside = false end
    end
    for _, send in ipairs(candidate.sends) do
      if send.to == track and send.muted == 0 then found[#found + 1] = candidate end
    end
  end
  return found
end

local function add_track(mix, project, track, first, rate, gain)
  if track.values.B_MUTE ~= 0 then return end
  gain = gain * track_gain(project, track)
  for _, item in ipairs(track.items) do
    local take = item.takes[item.values.I_CURTAKE + 1]
    if take and take.midi then
      if track.instrument >= 0 and track.values.I_FXEN ~= 0 then add_notes(mix, item, first, rate, gain) end
    else
      add_item(mix, item, first, rate, gain)
    end
  end
  for _, feeder in ipairs(feeders(project, track)) do add_track(mix, project, feeder, first, rate, gain) end
end

-- Tracks that go to the master by themselves: not through a folder.
local function at_the_top(project)
  local found, level = {}, 0
  for _, track in ipairs(project.tracks) do
    if level == 0 and track.values.B_MAINSEND ~= 0 then found[#found + 1] = track end
    level = level + track.values.I_FOLDERDEPTH
  end
  return found
end

local function silence(frames)
  local mix = {{}, {}}
  for channel = 1, 2 do
    for frame = 1, frames do mix[channel][frame] = 0 end
  end
  return mix
end

-- Does what the project's render settings say.
function mixdown.render(project)
  local set, texts = project.settings, project.texts
  assert(set.RENDER_BOUNDSFLAG == 0, 'the double renders custom bounds only')
  assert(texts.RENDER_FORMAT == FLOAT, 'the double writes 32-bit float only')
  assert(texts.RENDER_FORMAT2 == '', 'the double writes one format only')
  local wanted = assert(SETTINGS[set.RENDER_SETTINGS], 'the double knows no RENDER_SETTINGS ' .. set.RENDER_SETTINGS)
  if project.fail_render == 'error' then error('the double was told to fail') end
  if project.fail_render == 'cancel' then return end
  local rate = set.RENDER_SRATE ~= 0 and set.RENDER_SRATE or set.PROJECT_SRATE
  local first = math.floor(set.RENDER_STARTPOS * rate + 0.5)
  local frames = math.floor(set.RENDER_ENDPOS * rate + 0.5) - first
  if set.RENDER_TAILFLAG & 1 ~= 0 then frames = frames + math.floor(set.RENDER_TAILMS * rate / 1000) end
  local solo = false
  for _, track in ipairs(project.tracks) do solo = solo or track.values.I_SOLO ~= 0 end
  local mixes = {}
  -- The master, selected, is one more stem.
  if wanted.mix or wanted.stems and project.master.values.I_SELECTED ~= 0 then
    local mix = silence(frames)
    for _, track in ipairs(at_the_top(project)) do
      if not solo or track.values.I_SOLO ~= 0 then add_track(mix, project, track, first, rate, track_gain(project, project.master)) end
    end
    mixes[#mixes + 1] = mix
  end
  for _, track in ipairs(project.tracks) do
    if wanted.stems and track.values.I_SELECTED ~= 0 then
      local mix = silence(frames)
      if not solo or track.values.I_SOLO ~= 0 then add_track(mix, project, track, first, rate, project.stems_through_master and track_gain(project, project.master) or 1) end
      mixes[#mixes + 1] = mix
    end
  end
  for number, mix in ipairs(mixes) do
    if set.RENDER_NORMALIZE & 1 ~= 0 then
      for channel = 1, 2 do
        for frame = 1, frames do mix[channel][frame] = mix[channel][frame] * 0.1 end
      end
    end
    local name = number == 1 and texts.RENDER_PATTERN or string.format('%s-%03d', texts.RENDER_PATTERN, number - 1)
    wav.write(texts.RENDER_FILE .. '/' .. name .. '.wav', rate, mix)
  end
end

return mixdown
