-- Switches between takes and the original, on items that place.lua made. Each switch is one undo step.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local json = dofile(here .. 'lib/json.lua')
local place = dofile(here .. 'lib/place.lua')

local audition = {}

local FIXED_LANES = 2
local NOTHING = 'No Takebridge take is selected.\nSelect an item with takes, or render some first.'

local function recipe_of(item)
  local ok, text = reaper.GetSetMediaItemInfo_String(item, place.EXT, '', false)
  if not ok or text == '' then return nil end
  return json.decode(text)
end

local function by_guid(project)
  local found = {}
  for index = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, index)
    local _, guid = reaper.GetSetMediaItemInfo_String(item, 'GUID', '', false)
    found[guid] = item
  end
  return found
end

local function track_by_guid(project, wanted)
  for index = 0, reaper.CountTracks(project) - 1 do
    local track = reaper.GetTrack(project, index)
    local _, guid = reaper.GetSetMediaTrackInfo_String(track, 'GUID', '', false)
    if guid == wanted then return track end
  end
end

-- Items of ours: the selected ones, else those placed last.
local function ours(project)
  local items = {}
  for index = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, index)
    if reaper.IsMediaItemSelected(item) and recipe_of(item) then items[#items + 1] = item end
  end
  if #items > 0 then return items end
  local _, text = reaper.GetProjExtState(project, 'takebridge', 'last')
  if text == '' then return items end
  local known = by_guid(project)
  for _, guid in ipairs(json.decode(text)) do items[#items + 1] = known[guid] end
  return items
end

local function in_one_step(project, what, change)
  reaper.Undo_BeginBlock2(project)
  local ok, problem = pcall(change)
  reaper.Undo_EndBlock2(project, 'Takebridge: ' .. what, -1)
  reaper.UpdateArrange()
  if not ok then error(problem, 0) end
end

local function lane_items(project, items)
  local found = {}
  for _, item in ipairs(items) do
    local recipe = recipe_of(item)
    if recipe and recipe.lane and reaper.GetMediaTrackInfo_Value(reaper.GetMediaItem_Track(item), 'I_FREEMODE') == FIXED_LANES then
      found[#found + 1] = {item = item, track = reaper.GetMediaItem_Track(item), lane = recipe.lane}
    end
  end
  return found
end

-- The lane of ours that plays alone, as an index into `lanes`, or 0.
local function playing(lanes)
  for index, entry in ipairs(lanes) do
    if reaper.GetMediaTrackInfo_Value(entry.track, 'C_LANEPLAYS:' .. entry.lane) == 1 then return index end
  end
  return 0
end

-- Returns which take plays now; nil and what to do when there is no take of ours.
function audition.next_take(project)
  local items = ours(project)
  if #items == 0 then return nil, NOTHING end
  local lanes = lane_items(project, items)
  local said
  in_one_step(project, 'next take', function()
    if #lanes > 0 then
      local index = playing(lanes) % #lanes + 1
      reaper.SetMediaTrackInfo_Value(lanes[index].track, 'C_LANEPLAYS:' .. lanes[index].lane, 1)
      said = string.format('take %d of %d', index, #lanes)
      return
    end
    for _, item in ipairs(items) do
      local count = reaper.CountTakes(item)
      local index = math.tointeger(reaper.GetMediaItemInfo_Value(item, 'I_CURTAKE'))
      index = (index + 1) % count
      reaper.SetActiveTake(reaper.GetTake(item, index))
      reaper.UpdateItemInProject(item)
      said = string.format('take %d of %d', index + 1, count)
    end
  end)
  return said
end

-- Take or original: unmutes what is muted under an item and mutes the item, or the reverse.
function audition.ab(project)
  local items = ours(project)
  if #items == 0 then return nil, NOTHING end
  local lanes = lane_items(project, items)
  local said
  in_one_step(project, 'take or original', function()
    if #lanes > 0 then
      local original = playing(lanes) > 0
      local lane = original and 0 or lanes[1].lane
      reaper.SetMediaTrackInfo_Value(lanes[1].track, 'C_LANEPLAYS:' .. lane, 1)
      said = original and 'original' or 'take'
      return
    end
    local known = by_guid(project)
    for _, item in ipairs(items) do
      local recipe, track = recipe_of(item), reaper.GetMediaItem_Track(item)
      if recipe.mix then
        local original_plays = reaper.GetMediaTrackInfo_Value(track, 'B_MUTE') == 0
        reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', original_plays and 1 or 0)
        reaper.SetMediaTrackInfo_Value(track, 'I_SOLO', original_plays and 0 or 1)
        said = original_plays and 'original' or 'take'
      elseif recipe.instead then
        local original = track_by_guid(project, recipe.instead)
        local take_plays = reaper.GetMediaTrackInfo_Value(track, 'B_MUTE') == 0
        reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', take_plays and 1 or 0)
        if original then reaper.SetMediaTrackInfo_Value(original, 'B_MUTE', take_plays and 0 or 1) end
        said = take_plays and 'original' or 'take'
      else
        local original_plays = reaper.GetMediaItemInfo_Value(item, 'B_MUTE') == 0
        reaper.SetMediaItemInfo_Value(item, 'B_MUTE', original_plays and 1 or 0)
        for _, guid in ipairs(recipe.under or {}) do
          if known[guid] then reaper.SetMediaItemInfo_Value(known[guid], 'B_MUTE', original_plays and 0 or 1) end
        end
        said = original_plays and 'original' or 'take'
      end
    end
  end)
  return said
end

return audition
