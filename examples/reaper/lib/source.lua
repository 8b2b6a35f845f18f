-- The song the bridge works on: the item's own file where REAPER adds nothing to it, else a render of the track or the mix.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local files = dofile(here .. 'lib/files.lua')
local render = dofile(here .. 'lib/render.lua')
local routing = dofile(here .. 'lib/routing.lua')
local selection = dofile(here .. 'lib/selection.lua')
local tempo = dofile(here .. 'lib/tempo.lua')

local source = {}

-- How much of the song around the region goes along in a render.
local CONTEXT_SECONDS = 60
-- Longer files are rendered in part: the server reads half an hour at most.
local LONGEST_SECONDS = 1500
local READABLE = {wav = true, flac = true, aif = true, aiff = true, ogg = true, mp3 = true}

-- Values an item or take has when REAPER plays its file as it is.
local PLAIN_ITEM = {D_VOL = 1, B_ALLTAKESPLAY = 0}
local PLAIN_TAKE = {D_VOL = 1, D_PAN = 0, D_PLAYRATE = 1, D_PITCH = 0, I_CHANMODE = 0}

local function fades_inside(item, from, to)
  local first, last = selection.item_span(item)
  local fade_in = math.max(reaper.GetMediaItemInfo_Value(item, 'D_FADEINLEN'),
    reaper.GetMediaItemInfo_Value(item, 'D_FADEINLEN_AUTO'))
  local fade_out = math.max(reaper.GetMediaItemInfo_Value(item, 'D_FADEOUTLEN'),
    reaper.GetMediaItemInfo_Value(item, 'D_FADEOUTLEN_AUTO'))
  return first + fade_in > from + 1e-9 or last - fade_out < to - 1e-9
end

-- Why an item's file is not what plays in the span, or nil when it is.
local function processed(item, from, to)
  for name, value in pairs(PLAIN_ITEM) do
    if reaper.GetMediaItemInfo_Value(item, name) ~= value then return name end
  end
  local take = reaper.GetActiveTake(item)
  if not take or reaper.TakeIsMIDI(take) then return 'it is no audio' end
  for name, value in pairs(PLAIN_TAKE) do
    if reaper.GetMediaItemTakeInfo_Value(take, name) ~= value then return name end
  end
  if reaper.TakeFX_GetCount(take) > 0 then return 'it has effects' end
  if reaper.CountTakeEnvelopes(take) > 0 then return 'it has envelopes' end
  if reaper.GetTakeNumStretchMarkers(take) > 0 then return 'it has stretch markers' end
  if fades_inside(item, from, to) then return 'it is faded' end
  local media = reaper.GetMediaItemTake_Source(take)
  if reaper.GetMediaSourceParent(media) then return 'it is a section or reversed' end
  if reaper.GetMediaSourceNumChannels(media) > 2 then return 'it has more than two channels' end
  local length, in_quarters = reaper.GetMediaSourceLength(media)
  local offset = reaper.GetMediaItemTakeInfo_Value(take, 'D_STARTOFFS')
  local first = selection.item_span(item)
  if in_quarters or offset < 0 or length > LONGEST_SECONDS then return 'its length' end
  if offset + (to - first) > length + 1e-6 then return 'it repeats' end
  if not READABLE[files.extension(reaper.GetMediaSourceFileName(media))] then return 'its kind of file' end
end

-- {path, position}: the file of the one item that is audible there and only played; nil and why when there is none.
local function straight(project, track, from, to, rate)
  if not track then return nil, 'it is the mix' end
  local items = selection.audible(project, track, from, to)
  if #items ~= 1 then return nil, 'there are several items' end
  local item = items[1]
  if reaper.GetMediaItem_Track(item) ~= track then return nil, 'it is on a track that feeds this one' end
  if routing.is_instrument(track, items) then return nil, 'an instrument plays' end
  local first, last = selection.item_span(item)
  if first > from + 1e-9 or last < to - 1e-9 then return nil, 'the item is shorter than the selection' end
  local why = processed(item, from, to)
  if why then return nil, why end
  local take = reaper.GetActiveTake(item)
  local offset = reaper.GetMediaItemTakeInfo_Value(take, 'D_STARTOFFS')
  local path = reaper.GetMediaSourceFileName(reaper.GetMediaItemTake_Source(take))
  return {path = path, position = tempo.samples(first - offset, rate), way = 'file'}
end

local function last_end(project, track)
  local finish = 0
  for _, candidate in ipairs(selection.sounding(project, track)) do
    for index = 0, reaper.CountTrackMediaItems(candidate) - 1 do
      local _, last = selection.item_span(reaper.GetTrackMediaItem(candidate, index))
      finish = math.max(finish, last)
    end
  end
  return finish
end

-- {path, position, way, played}: position is where the file's first sample lies on the timeline; played: the track's effects and fader are
-- in it, because an instrument makes its sound. Or nil and a sentence.
-- place: {track, from, to} in seconds; continuing: the song ends where the region begins.
function source.get(project, place, rate, folder, continuing)
  if not continuing then
    local found = straight(project, place.track, place.from, place.to, rate)
    if found then return found end
  end
  local first = tempo.samples(math.max(0, place.from - CONTEXT_SECONDS), rate)
  local last = tempo.samples(place.from, rate)
  if not continuing then
    local song_end = place.track and last_end(project, place.track) or reaper.GetProjectLength(project)
    local after = math.min(place.to + CONTEXT_SECONDS, song_end)
    last = math.max(tempo.samples(place.to, rate), tempo.samples(after, rate))
  end
  local items = place.track and selection.audible(project, place.track, first / rate, last / rate) or {}
  local played = place.track ~= nil and routing.is_instrument(place.track, items)
  local stem = string.format('reaper-%d-%d', os.time(), math.random(1, 999999999))
  local path, problem = render.to_file(project, place.track, first, last, rate, folder, stem, played)
  if not path then return nil, problem end
  if render.is_silent(path) then
    os.remove(path)
    return nil, 'The source is silent there: REAPER rendered ' .. place.label .. ' and not one sample sounds.\n'
      .. 'Listen to the selection; is an instrument offline, an item empty, a send muted?'
  end
  return {path = path, position = first, way = 'render', played = played}
end

return source
