-- REAPER's tempo map as the bridge has it, and seconds as samples: rounded once, here and nowhere else.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local json = dofile(here .. 'lib/json.lua')

local tempo = {}

-- A bar line REAPER computed in floating point may be off by this much, in quarter notes; a hundredth of a tick.
local TOLERANCE = 1e-5

-- The project's rate; without one of its own, that of the audio device.
function tempo.rate(project)
  local rate = reaper.GetSetProjectInfo(project, 'PROJECT_SRATE', 0, false)
  if reaper.GetSetProjectInfo(project, 'PROJECT_SRATE_USE', 0, false) == 0 then
    local known, text = reaper.GetAudioDeviceInfo('SRATE')
    if known and tonumber(text) then rate = tonumber(text) end
  end
  return math.tointeger(math.floor(rate + 0.5))
end

function tempo.samples(seconds, rate)
  return math.tointeger(math.floor(seconds * rate + 0.5))
end

function tempo.seconds(samples, rate)
  return samples / rate
end

local function meter_text(numerator, denominator)
  return string.format('%d/%d', numerator, denominator)
end

-- Where a new meter may begin: on the bar line it nearly hits, else inside the bar, which it ends early.
local function on_bar_line(before, quarter)
  local length = before.numerator * 4 / before.denominator
  local line = before.quarter + math.floor((quarter - before.quarter) / length + 0.5) * length
  if math.abs(quarter - line) < TOLERANCE then return line, false end
  return quarter, true
end

-- The number the ruler gives the project's first bar: 1, unless the project settings say otherwise.
function tempo.first_bar()
  return math.tointeger(tonumber(tempo.bar(0):match('^%s*(-?%d+)'))) or 1
end

-- The whole map: steps, linear ramps (REAPER's are linear in time, as the bridge's) and meters.
function tempo.map(project)
  local numerator, denominator, bpm = reaper.TimeMap_GetTimeSigAtTime(project, 0)
  local points = json.array {{quarter = 0, bpm = bpm, ramp = false}}
  local before = {quarter = 0, numerator = numerator, denominator = denominator}
  local meters = json.array {{quarter = 0, meter = meter_text(numerator, denominator), cuts_bar = false}}
  for index = 0, reaper.CountTempoTimeSigMarkers(project) - 1 do
    local ok, time, _, _, marker_bpm, num, den, linear = reaper.GetTempoTimeSigMarker(project, index)
    if ok then
      local quarter = reaper.TimeMap2_timeToQN(project, time)
      if num > 0 and den > 0 and quarter > TOLERANCE then
        local cuts
        quarter, cuts = on_bar_line(before, quarter)
        before = {quarter = quarter, numerator = num, denominator = den}
        meters[#meters + 1] = {quarter = quarter, meter = meter_text(num, den), cuts_bar = cuts}
      end
      local point = {quarter = math.max(quarter, 0), bpm = marker_bpm, ramp = linear}
      if point.quarter - points[#points].quarter < TOLERANCE then
        point.quarter = points[#points].quarter
        points[#points] = point
      else
        points[#points + 1] = point
      end
    end
  end
  return {points = points, meters = meters, first_bar = tempo.first_bar()}
end

-- A place as the ruler says it, "5.1.00".
function tempo.bar(seconds)
  return (reaper.format_timestr_pos(seconds, '', 2))
end

return tempo
