-- Takes into the project, in one undo step. Nothing of the producer's is deleted: items under a new take are cut at the region's
-- edges and muted, so that they lie there still and one action brings them back.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local files = dofile(here .. 'lib/files.lua')
local json = dofile(here .. 'lib/json.lua')
local routing = dofile(here .. 'lib/routing.lua')
local selection = dofile(here .. 'lib/selection.lua')
local tempo = dofile(here .. 'lib/tempo.lua')
local words = dofile(here .. 'lib/words.lua')

local place = {}

place.EXT = 'P_EXT:takebridge'
local FOLDER = 'Takebridge'
local MOST_OF_A_NAME = 120 -- bytes of a title in a file's name: no disk takes more than 255 in all
local NO_FADE = -1 -- of D_FADEINLEN_AUTO: no automatic fade
local IN_TIME = 0 -- of C_BEATATTACHMODE: a later tempo edit does not move the item
local FIXED_LANES = 2 -- of I_FREEMODE

-- Copies the takes' files to where the project keeps its media, a piece at each call of the returned function, which gives the fraction
-- done, 1 at the end, or nil and a sentence. The second result is the folder.
function place.bringer(project, takes, title)
  local folder = files.join(reaper.GetProjectPathEx(project), FOLDER)
  reaper.RecursiveCreateDirectory(folder, 0)
  local safe = files.beginning(title, MOST_OF_A_NAME):gsub('[%c/\\:*?"<>|]', '_')
  local index, copier = 1, nil
  return function()
    local take = takes[index]
    if not copier then
      local stem = take.stem == 'mix' and '' or ('.' .. take.stem)
      take.file = files.join(folder, string.format('%s.%d%s.%s.wav', safe, take.number, stem, take.take))
      copier = files.copier(take.path, take.file)
    end
    local fraction, problem = copier()
    if not fraction then
      return nil, 'The take cannot be copied to ' .. folder .. ': ' .. tostring(problem) .. '\nFree some disk space, or save the project elsewhere.'
    end
    if fraction == 1 then index, copier, fraction = index + 1, nil, 0 end
    return (index - 1 + fraction) / #takes
  end, folder
end

local function guid(item)
  local _, text = reaper.GetSetMediaItemInfo_String(item, 'GUID', '', false)
  return text
end

local function track_guid(track)
  local _, text = reaper.GetSetMediaTrackInfo_String(track, 'GUID', '', false)
  return text
end

local function no_fades(item)
  for _, name in ipairs({'D_FADEINLEN', 'D_FADEOUTLEN'}) do reaper.SetMediaItemInfo_Value(item, name, 0) end
  for _, name in ipairs({'D_FADEINLEN_AUTO', 'D_FADEOUTLEN_AUTO'}) do reaper.SetMediaItemInfo_Value(item, name, NO_FADE) end
end

-- The part of an item right of `seconds`, cut without the crossfade REAPER may be set to add.
local function cut(item, seconds)
  local right = reaper.SplitMediaItem(item, seconds)
  if not right then return nil end
  local first = reaper.GetMediaItemInfo_Value(item, 'D_POSITION')
  reaper.SetMediaItemInfo_Value(item, 'D_LENGTH', seconds - first)
  reaper.SetMediaItemInfo_Value(item, 'D_FADEOUTLEN', 0)
  reaper.SetMediaItemInfo_Value(item, 'D_FADEOUTLEN_AUTO', NO_FADE)
  local from, to = selection.item_span(right)
  if from ~= seconds then
    for index = 0, reaper.CountTakes(right) - 1 do
      local take = reaper.GetTake(right, index)
      local offset = reaper.GetMediaItemTakeInfo_Value(take, 'D_STARTOFFS')
      local speed = reaper.GetMediaItemTakeInfo_Value(take, 'D_PLAYRATE')
      reaper.SetMediaItemTakeInfo_Value(take, 'D_STARTOFFS', offset + (seconds - from) * speed)
    end
    reaper.SetMediaItemInfo_Value(right, 'D_POSITION', seconds)
    reaper.SetMediaItemInfo_Value(right, 'D_LENGTH', to - seconds)
  end
  reaper.SetMediaItemInfo_Value(right, 'D_FADEINLEN', 0)
  reaper.SetMediaItemInfo_Value(right, 'D_FADEINLEN_AUTO', NO_FADE)
  return right
end

-- Mutes what plays on a track in a span, cut at its edges; returns the GUIDs of the muted items.
local function mute_under(project, track, from, to)
  local muted = json.array()
  for _, item in ipairs((selection.audible(project, track, from, to))) do
    local first, last = selection.item_span(item)
    if first < from - 1e-9 then item = cut(item, from) or item end
    if last > to + 1e-9 then cut(item, to) end
    reaper.SetMediaItemInfo_Value(item, 'B_MUTE', 1)
    muted[#muted + 1] = guid(item)
  end
  return muted
end

-- Waveforms at once, not when REAPER next looks: a step at each call of the returned function, which is true when all are there. REAPER's
-- function begins at 0 and says whether there is anything to do, works at 1, and ends at 2. An item that the producer has deleted between
-- two steps has taken its source with it: it must not be touched any more.
function place.painter(project, items)
  if not reaper.APIExists('PCM_Source_BuildPeaks') then return function() return true end end -- an older REAPER; it builds them when it looks
  local waiting, busy = {}, false
  for _, item in ipairs(items) do
    for index = 0, reaper.CountTakes(item) - 1 do waiting[#waiting + 1] = {item = item, index = index} end
  end
  return function()
    local entry = waiting[1]
    if not entry then
      reaper.UpdateArrange()
      return true
    end
    local take = reaper.ValidatePtr2(project, entry.item, 'MediaItem*') and reaper.GetTake(entry.item, entry.index)
    local media = take and reaper.GetMediaItemTake_Source(take)
    if media and not busy then busy = reaper.PCM_Source_BuildPeaks(media, 0) ~= 0
    elseif media and reaper.PCM_Source_BuildPeaks(media, 1) == 0 then
      reaper.PCM_Source_BuildPeaks(media, 2)
      busy = false
    end
    if not media then busy = false end
    if not busy then table.remove(waiting, 1) end
    return false
  end
end

local function fill_take(take, entry, name)
  local media = reaper.PCM_Source_CreateFromFile(entry.file)
  reaper.SetMediaItemTake_Source(take, media)
  reaper.SetMediaItemTakeInfo_Value(take, 'D_STARTOFFS', 0)
  reaper.GetSetMediaItemTakeInfo_String(take, 'P_NAME', name, true)
  reaper.GetSetMediaItemTakeInfo_String(take, place.EXT, json.encode({take = entry.take, seed = entry.seed, job = entry.job}), true)
end

-- One item at the sample where the takes begin, with those takes in it.
local function new_item(track, takes, label)
  local item = reaper.AddMediaItemToTrack(track)
  local first = takes[1]
  reaper.SetMediaItemInfo_Value(item, 'D_POSITION', tempo.seconds(first.position, first.rate))
  reaper.SetMediaItemInfo_Value(item, 'D_LENGTH', tempo.seconds(first.length, first.rate))
  reaper.SetMediaItemInfo_Value(item, 'C_BEATATTACHMODE', IN_TIME)
  reaper.SetMediaItemInfo_Value(item, 'B_LOOPSRC', 0)
  no_fades(item) -- the crossfades to the surroundings are in the take already
  for _, entry in ipairs(takes) do
    fill_take(reaper.AddTakeToMediaItem(item), entry, string.format('%s %d (seed %d)', label, entry.number, entry.seed))
  end
  reaper.SetActiveTake(reaper.GetTake(item, 0))
  return item
end

local function remember(item, recipe, notes)
  reaper.GetSetMediaItemInfo_String(item, place.EXT, json.encode(recipe), true)
  reaper.GetSetMediaItemInfo_String(item, 'P_NOTES', notes, true)
  reaper.UpdateItemInProject(item)
end

-- What makes a track as loud and as wide as another, effects aside.
local LEVEL = {'D_VOL', 'I_PANMODE', 'D_PAN', 'D_PANLAW', 'D_WIDTH', 'B_PHASE'}

-- Behind `after`, in the same folder as it: where that one closes a folder, the new one does. like: the track whose fader and pan it gets;
-- without one it passes on what is in it as it is, whatever the project's pan law.
local function new_track(project, after, name, like)
  local index = reaper.CountTracks(project)
  if after then index = math.tointeger(reaper.GetMediaTrackInfo_Value(after, 'IP_TRACKNUMBER')) end
  reaper.InsertTrackAtIndex(index, false)
  local track = reaper.GetTrack(project, index)
  local depth = after and reaper.GetMediaTrackInfo_Value(after, 'I_FOLDERDEPTH') or 0
  if depth < 0 then
    reaper.SetMediaTrackInfo_Value(after, 'I_FOLDERDEPTH', 0)
    reaper.SetMediaTrackInfo_Value(track, 'I_FOLDERDEPTH', depth)
  end
  reaper.GetSetMediaTrackInfo_String(track, 'P_NAME', name, true)
  if like then
    for _, value in ipairs(LEVEL) do reaper.SetMediaTrackInfo_Value(track, value, reaper.GetMediaTrackInfo_Value(like, value)) end
  else
    reaper.SetMediaTrackInfo_Value(track, 'D_PANLAW', 1)
  end
  reaper.TrackList_AdjustWindows(false)
  return track
end

-- Takes by their region, in order: of one region where the request had one.
local function by_region(takes)
  local groups = {}
  for _, take in ipairs(takes) do
    local number = take.region or 1
    while #groups < number do groups[#groups + 1] = {} end
    table.insert(groups[number], take)
  end
  return groups
end

-- Takes by stem, in the order they came.
local function by_stem(takes)
  local groups, order = {}, {}
  for _, take in ipairs(takes) do
    if not groups[take.stem] then
      groups[take.stem] = {}
      order[#order + 1] = take.stem
    end
    table.insert(groups[take.stem], take)
  end
  return groups, order
end

-- On a track in fixed-lane mode each take gets a lane of its own, to be comped from; nothing is cut.
local function into_lanes(track, takes, label, recipe, notes)
  local lanes = math.tointeger(reaper.GetMediaTrackInfo_Value(track, 'I_NUMFIXEDLANES'))
  reaper.SetMediaTrackInfo_Value(track, 'I_NUMFIXEDLANES', lanes + #takes)
  reaper.UpdateTimeline()
  local items = {}
  for number, entry in ipairs(takes) do
    local item = new_item(track, {entry}, label)
    reaper.SetMediaItemInfo_Value(item, 'I_FIXEDLANE', lanes + number - 1)
    recipe.lane = lanes + number - 1
    remember(item, recipe, notes)
    items[#items + 1] = item
  end
  return items
end

local function put(project, where, takes, label, recipe, notes)
  local first, items = takes[1], {}
  local from = tempo.seconds(first.position, first.rate)
  local to = from + tempo.seconds(first.length, first.rate)
  local track_title = where.track and select(2, reaper.GetTrackName(where.track)) or 'mix'
  local groups, order = by_stem(takes)
  if where.track and where.replaces and #order == 1 and not where.apart then
    if reaper.GetMediaTrackInfo_Value(where.track, 'I_FREEMODE') == FIXED_LANES then
      return into_lanes(where.track, takes, label, recipe, notes)
    end
    recipe.under = mute_under(project, where.track, from, to)
    local item = new_item(where.track, takes, label)
    remember(item, recipe, notes)
    return {item}
  end
  local cut_under = where.track and where.replaces and not where.waits
  recipe.under = cut_under and mute_under(project, where.track, from, to) or json.array()
  local after = where.track
  -- A backing of a whole folder is not one of its parts.
  if after and not where.replaces then after = routing.end_of(project, after) end
  for _, stem in ipairs(order) do
    after = where.made[stem] or new_track(project, after, string.format('%s of %s', stem == 'mix' and label or stem, track_title),
      where.replaces and not where.played and where.track or nil)
    where.made[stem] = after
    -- A take of the whole mix, or of what sounds elsewhere too, would sound twice: its track waits, muted, for the A/B action.
    if where.replaces and (not where.track or where.waits) then
      reaper.SetMediaTrackInfo_Value(after, 'B_MUTE', 1)
      if where.waits then recipe.instead = track_guid(where.track) else recipe.mix = true end
    end
    local item = new_item(after, groups[stem], label)
    remember(item, recipe, notes)
    items[#items + 1] = item
  end
  return items
end

-- Each region's takes by themselves; a region that could not be rendered has none.
local function put_regions(project, where, takes, label, recipe, notes)
  local items = {}
  where.made = {} -- new tracks by stem: later regions go onto those of the first
  for _, group in ipairs(by_region(takes)) do
    if #group > 0 then
      for _, item in ipairs(put(project, where, group, label, recipe, notes)) do items[#items + 1] = item end
    end
  end
  return items
end

-- Places takes. where: {track or nil; replaces: they stand for what is there; apart: on tracks of their own; waits: muted, because what is
-- there sounds elsewhere too; played: the track's fader and pan are in them}. recipe: kept in P_EXT. Returns the items, or nil and a sentence.
function place.takes(project, where, takes, task, recipe, notes)
  table.sort(takes, function(a, b) return a.number < b.number end)
  local label = words.label(task)
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local ok, items = pcall(put_regions, project, where, takes, label, recipe, notes)
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock2(project, string.format('Takebridge: %s at %s', label:lower(), tempo.bar(tempo.seconds(takes[1].position, takes[1].rate))), -1)
  reaper.UpdateArrange()
  if not ok then return nil, 'The takes could not be placed: ' .. tostring(items) .. '\nTheir files are in ' .. recipe.folder .. '.' end
  local guids = json.array()
  for index, item in ipairs(items) do guids[index] = guid(item) end
  reaper.SetProjExtState(project, 'takebridge', 'last', json.encode(guids))
  return items
end

return place
