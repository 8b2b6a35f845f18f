-- What the producer has selected: razor edits win over the time selection, that over selected items.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local routing = dofile(here .. 'lib/routing.lua')

local selection = {}

local function track_name(track)
  local _, name = reaper.GetTrackName(track)
  return name
end

-- Razor areas of a track in seconds, without those of envelopes.
local function razor_areas(track)
  local _, text = reaper.GetSetMediaTrackInfo_String(track, 'P_RAZOREDITS', '', false)
  local areas = {}
  for from, to, guid in text:gmatch('(%S+) (%S+) "([^"]*)"') do
    if guid == '' then areas[#areas + 1] = {tonumber(from), tonumber(to)} end
  end
  return areas
end

function selection.item_span(item)
  local from = reaper.GetMediaItemInfo_Value(item, 'D_POSITION')
  return from, from + reaper.GetMediaItemInfo_Value(item, 'D_LENGTH')
end

local function selected_items(project)
  local items = {}
  for index = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, index)
    if reaper.IsMediaItemSelected(item) then items[#items + 1] = item end
  end
  return items
end

local function add_once(list, entry)
  for _, known in ipairs(list) do
    if known == entry then return end
  end
  list[#list + 1] = entry
end

local function same(one, other)
  if #one ~= #other then return false end
  for index, span in ipairs(one) do
    if math.abs(span[1] - other[index][1]) > 1e-9 or math.abs(span[2] - other[index][2]) > 1e-9 then return false end
  end
  return true
end

-- Several razor edits on a track are several regions of one request; on several tracks they must be the same.
local function from_razor(project)
  local found
  for _, track in ipairs(routing.tracks(project)) do
    local areas = razor_areas(track)
    if #areas > 0 then
      table.sort(areas, function(a, b) return a[1] < b[1] end)
      if not found then
        found = {kind = 'razor edit', from = areas[1][1], to = areas[#areas][2], tracks = {}, regions = areas}
      elseif not same(found.regions, areas) then
        return nil, 'The razor edits of the tracks differ. Draw them alike, or work on one track at a time.'
      end
      add_once(found.tracks, track)
    end
  end
  return found
end

local function from_time(project)
  local from, to = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
  if to <= from then return nil end
  local tracks = {}
  for _, item in ipairs(selected_items(project)) do
    local first, last = selection.item_span(item)
    if first < to and last > from then add_once(tracks, reaper.GetMediaItem_Track(item)) end
  end
  if #tracks == 0 then
    for _, track in ipairs(routing.tracks(project)) do
      if reaper.GetMediaTrackInfo_Value(track, 'I_SELECTED') ~= 0 then tracks[#tracks + 1] = track end
    end
  end
  return {kind = 'time selection', from = from, to = to, tracks = tracks}
end

local function from_items(project)
  local found
  for _, item in ipairs(selected_items(project)) do
    local from, to = selection.item_span(item)
    found = found or {kind = 'selected item', from = from, to = to, tracks = {}}
    found.from, found.to = math.min(found.from, from), math.max(found.to, to)
    add_once(found.tracks, reaper.GetMediaItem_Track(item))
  end
  return found
end

-- {kind, from, to, tracks, regions}: seconds from the first region to the last, and the tracks meant, none = the whole mix; regions: a list of
-- {from, to} in order, at least one. Or nil and what to do.
function selection.read(project)
  local found, problem = from_razor(project)
  if problem then return nil, problem end
  found = found or from_time(project) or from_items(project)
  if not found then
    return nil, 'Nothing is selected.\nDraw a razor edit (Alt + right-drag), make a time selection, or select an item.'
  end
  found.regions = found.regions or {{found.from, found.to}}
  -- One track is worked on by itself; several, or none, mean the mix.
  found.track = #found.tracks == 1 and found.tracks[1] or nil
  found.label = found.track and ('track "' .. track_name(found.track) .. '"') or 'the whole mix'
  return found
end

-- In a lane that does not play, on a track that has lanes.
local function in_silent_lane(track, item)
  return reaper.GetMediaTrackInfo_Value(track, 'I_FREEMODE') == 2 and reaper.GetMediaItemInfo_Value(item, 'C_LANEPLAYS') == 0
end

-- The tracks whose items sound in a request about `track`: itself and what feeds it; for nil, all.
function selection.sounding(project, track)
  if not track then return routing.tracks(project) end
  local tracks = {track}
  for _, feeder in ipairs(routing.feeders(project, track)) do tracks[#tracks + 1] = feeder end
  return tracks
end

-- Items that can be heard in a span of seconds; `muted` counts those that are there but silent.
function selection.audible(project, track, from, to)
  local items, muted = {}, 0
  for _, candidate in ipairs(selection.sounding(project, track)) do
    local silent = candidate ~= track and reaper.GetMediaTrackInfo_Value(candidate, 'B_MUTE') ~= 0
    for index = 0, reaper.CountTrackMediaItems(candidate) - 1 do
      local item = reaper.GetTrackMediaItem(candidate, index)
      local first, last = selection.item_span(item)
      if first < to - 1e-9 and last > from + 1e-9 and reaper.CountTakes(item) > 0 then
        if silent or reaper.GetMediaItemInfo_Value(item, 'B_MUTE') ~= 0 or in_silent_lane(candidate, item) then
          muted = muted + 1
        else
          items[#items + 1] = item
        end
      end
    end
  end
  return items, muted
end

return selection
