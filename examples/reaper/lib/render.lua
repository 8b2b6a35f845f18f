-- The rendered way: what a track or the mix sounds like before its own effects and fader, as a file. REAPER has one set of
-- render settings per project, and they are the producer's: every one is put back, also when something fails.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local files = dofile(here .. 'lib/files.lua')

local render = {}

-- Every number and text that GetSetProjectInfo and GetSetProjectInfo_String document as RENDER_*, without those that can only be
-- read (RENDER_TARGETS, RENDER_STATS) and RENDER_METADATA, which a render does not change. An older REAPER says 0 or nothing for
-- those it does not know.
render.NUMBERS = {
  'RENDER_SETTINGS', 'RENDER_BOUNDSFLAG', 'RENDER_CHANNELS', 'RENDER_SRATE', 'RENDER_STARTPOS', 'RENDER_ENDPOS',
  'RENDER_TAILFLAG', 'RENDER_TAILMS', 'RENDER_ADDTOPROJ', 'RENDER_DITHER', 'RENDER_NORMALIZE', 'RENDER_NORMALIZE_TARGET',
  'RENDER_BRICKWALL', 'RENDER_FADEIN', 'RENDER_FADEOUT', 'RENDER_FADEINSHAPE', 'RENDER_FADEOUTSHAPE', 'RENDER_PADSTART',
  'RENDER_PADEND', 'RENDER_TRIMSTART', 'RENDER_TRIMEND', 'RENDER_FADELPF', 'RENDER_DELAY',
}
render.TEXTS = {'RENDER_FILE', 'RENDER_PATTERN', 'RENDER_FORMAT', 'RENDER_FORMAT2', 'RENDER_EXTRAFILEDIR'}

-- "File: Render project, using the most recent render settings, auto-close render dialog"; returns when the file is there.
local RENDER_NOW = 42230
local MASTER_MIX, STEMS, PRE_FADER = 0, 2, 8192
-- 'evaw', 32 bits of float: nothing clips on the way.
local WAV_FLOAT = 'ZXZhdyAAAQ=='
-- What a track adds to its items. Set aside for the render, for the take goes back in front of it.
local PLAIN = {I_FXEN = 0, D_VOL = 1, D_PAN = 0, D_WIDTH = 1, B_MUTE = 0, B_PHASE = 0}
local SOLOED = 1

local function settings_now(project)
  local kept = {}
  for _, name in ipairs(render.NUMBERS) do kept[name] = reaper.GetSetProjectInfo(project, name, 0, false) end
  for _, name in ipairs(render.TEXTS) do
    local ok, text = reaper.GetSetProjectInfo_String(project, name, '', false)
    kept[name] = ok and text or ''
  end
  return kept
end

local function put_settings(project, settings)
  for _, name in ipairs(render.NUMBERS) do
    if settings[name] then reaper.GetSetProjectInfo(project, name, settings[name], true) end
  end
  for _, name in ipairs(render.TEXTS) do
    if settings[name] then reaper.GetSetProjectInfo_String(project, name, settings[name], true) end
  end
end

local function all_tracks(project)
  local tracks = {}
  for index = 0, reaper.CountTracks(project) - 1 do tracks[#tracks + 1] = reaper.GetTrack(project, index) end
  return tracks
end

-- Renders samples [first, last) of a track (or of the mix, for nil) to folder/stem.wav. Returns the path, or nil and a sentence.
function render.to_file(project, track, first, last, rate, folder, stem)
  local target = track or reaper.GetMasterTrack(project)
  local settings, selected, plain = settings_now(project), {}, {}
  for _, name in ipairs({'I_FXEN', 'D_VOL', 'D_PAN', 'D_WIDTH', 'B_MUTE', 'B_PHASE', 'I_SOLO'}) do
    plain[name] = reaper.GetMediaTrackInfo_Value(target, name)
  end
  for _, candidate in ipairs(all_tracks(project)) do
    selected[candidate] = reaper.GetMediaTrackInfo_Value(candidate, 'I_SELECTED')
  end
  local path = files.join(folder, stem .. '.wav')
  local ok, problem = pcall(function()
    for candidate in pairs(selected) do
      reaper.SetMediaTrackInfo_Value(candidate, 'I_SELECTED', candidate == track and 1 or 0)
    end
    for name, value in pairs(PLAIN) do reaper.SetMediaTrackInfo_Value(target, name, value) end
    -- Another track may be soloed, and this one silent because of it.
    if track then reaper.SetMediaTrackInfo_Value(track, 'I_SOLO', SOLOED) end
    put_settings(project, {
      RENDER_SETTINGS = track and (STEMS | PRE_FADER) or MASTER_MIX,
      RENDER_BOUNDSFLAG = 0,
      RENDER_STARTPOS = first / rate,
      RENDER_ENDPOS = last / rate,
      RENDER_SRATE = rate,
      RENDER_CHANNELS = 2,
      RENDER_TAILFLAG = 0,
      RENDER_ADDTOPROJ = 0,
      RENDER_DITHER = 0,
      RENDER_NORMALIZE = 0,
      RENDER_DELAY = 0,
      RENDER_FILE = folder,
      RENDER_PATTERN = stem,
      RENDER_FORMAT = WAV_FLOAT,
      RENDER_FORMAT2 = '',
    })
    reaper.Main_OnCommandEx(RENDER_NOW, 0, project)
  end)
  for name, value in pairs(plain) do reaper.SetMediaTrackInfo_Value(target, name, value) end
  for candidate, value in pairs(selected) do reaper.SetMediaTrackInfo_Value(candidate, 'I_SELECTED', value) end
  put_settings(project, settings)
  if not ok then return nil, 'REAPER could not render the selection: ' .. tostring(problem) end
  if not files.exists(path) then return nil, 'REAPER did not render the selection; was the render cancelled?' end
  return path
end

return render
