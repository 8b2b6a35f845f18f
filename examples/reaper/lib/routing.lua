-- What sounds through a track: its own items, and those of the tracks that feed it, as children of a folder or by sends.

local routing = {}

local RECEIVES, SENDS = -1, 0

function routing.tracks(project)
  local tracks = {}
  for index = 0, reaper.CountTracks(project) - 1 do tracks[#tracks + 1] = reaper.GetTrack(project, index) end
  return tracks
end

-- Each track's folder, as a table from track to track; and the last track inside each folder.
local function folders(project)
  local parents, last, open = {}, {}, {}
  for _, track in ipairs(routing.tracks(project)) do
    parents[track] = open[#open]
    for _, folder in ipairs(open) do last[folder] = track end
    local depth = math.tointeger(reaper.GetMediaTrackInfo_Value(track, 'I_FOLDERDEPTH')) or 0
    if depth > 0 then open[#open + 1] = track end
    for _ = 1, -depth do table.remove(open) end
  end
  return parents, last
end

-- The last track inside a folder; the track itself when it is none.
function routing.end_of(project, track)
  local _, last = folders(project)
  return last[track] or track
end

local function sources(project, track, parents)
  local found = {}
  for _, candidate in ipairs(routing.tracks(project)) do
    if parents[candidate] == track and reaper.GetMediaTrackInfo_Value(candidate, 'B_MAINSEND') ~= 0 then found[#found + 1] = candidate end
  end
  for index = 0, reaper.GetTrackNumSends(track, RECEIVES) - 1 do
    if reaper.GetTrackSendInfo_Value(track, RECEIVES, index, 'B_MUTE') == 0 then
      found[#found + 1] = reaper.GetTrackSendInfo_Value(track, RECEIVES, index, 'P_SRCTRACK')
    end
  end
  return found
end

-- The tracks that sound through `track`, in no order, without it.
function routing.feeders(project, track)
  local parents = folders(project)
  local found, seen, open = {}, {[track] = true}, {track}
  while #open > 0 do
    for _, source in ipairs(sources(project, table.remove(open), parents)) do
      if not seen[source] then
        seen[source] = true
        found[#found + 1], open[#open + 1] = source, source
      end
    end
  end
  return found
end

-- Whether what feeds `track` is heard through it only (its extra sends, to a reverb perhaps, do not count). If not, silencing the feeders
-- would silence them elsewhere, too.
function routing.heard_here_only(project, track)
  local parents = folders(project)
  local inside = {[track] = true}
  local feeders = routing.feeders(project, track)
  for _, feeder in ipairs(feeders) do inside[feeder] = true end
  for _, feeder in ipairs(feeders) do
    if reaper.GetMediaTrackInfo_Value(feeder, 'B_MAINSEND') ~= 0 then
      if not inside[parents[feeder]] then return false end
    else
      for index = 0, reaper.GetTrackNumSends(feeder, SENDS) - 1 do
        if not inside[reaper.GetTrackSendInfo_Value(feeder, SENDS, index, 'P_DESTTRACK')] then return false end
      end
    end
  end
  return true
end

-- Whether the track's own sound comes from an instrument: bypassing its effects would silence it.
function routing.is_instrument(track, items)
  if reaper.TrackFX_GetInstrument(track) >= 0 then return true end
  for _, item in ipairs(items) do
    local take = reaper.GetActiveTake(item)
    if take and reaper.TakeIsMIDI(take) and reaper.GetMediaItem_Track(item) == track then return true end
  end
  return false
end

return routing
