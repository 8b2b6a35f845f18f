-- The double's tempo map: steps, ramps linear in time, meters on any marker.

local timemap = {}

-- Markers with the quarter notes at which they lie; the project's own tempo stands before the first.
local function segments(project)
  local list = {{time = 0, bpm = project.bpm, num = project.num, den = project.den, linear = false, quarter = 0}}
  for _, marker in ipairs(project.tempo) do
    local last = list[#list]
    local seconds = marker.time - last.time
    local bpm = last.linear and (last.bpm + marker.bpm) / 2 or last.bpm
    local entry = {time = marker.time, bpm = marker.bpm, linear = marker.linear or false, quarter = last.quarter + seconds * bpm / 60,
      num = marker.num or last.num, den = marker.den or last.den}
    if seconds <= 0 then list[#list] = entry else list[#list + 1] = entry end
  end
  return list
end

local function at(project, time)
  local list = segments(project)
  local index = 1
  while list[index + 1] and list[index + 1].time <= time do index = index + 1 end
  return list[index], list[index + 1]
end

function timemap.tempo(project, time)
  local here, after = at(project, time)
  if here.linear and after then
    return here.bpm + (after.bpm - here.bpm) * (time - here.time) / (after.time - here.time), here
  end
  return here.bpm, here
end

function timemap.quarters(project, time)
  local here = at(project, time)
  local bpm = timemap.tempo(project, time)
  return here.quarter + (time - here.time) * (here.bpm + bpm) / 2 / 60
end

-- "5.1.00": bar, beat, hundredths.
function timemap.bar_text(project, time)
  local quarter, bar, from, meter = timemap.quarters(project, time), project.first_bar, 0, nil
  for _, entry in ipairs(segments(project)) do
    if entry.quarter > quarter + 1e-9 then break end
    if meter then bar = bar + math.floor((entry.quarter - from) / (meter.num * 4 / meter.den) + 0.5) end
    meter, from = entry, entry.quarter
  end
  local length = meter.num * 4 / meter.den
  local bars = math.floor((quarter - from) / length + 1e-9)
  local beats = (quarter - from - bars * length) * meter.den / 4
  return string.format('%d.%d.%02d', bar + bars, math.floor(beats + 1e-9) + 1, math.floor((beats % 1) * 100 + 1e-6) % 100)
end

return timemap
