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
-- 3, not 2: others tried each value in REAPER 7.79 and got the master mix for 2, one file for each selected track for 3. A stem then has
-- the track's effects, fader, pan and automation in it, and nothing of the master's.
local MASTER_MIX, STEMS = 0, 3
-- 'evaw', 32 bits of float: nothing clips on the way.
local WAV_FLOAT = 'ZXZhdyAAAQ=='
-- What a track adds to its items. Set aside for the render, for the take goes back in front of it.
-- The pan law, too: by the project's, a track in the middle may lose 3 dB, and the take would lose them twice. Pan mode 3: balance.
local PLAIN = {I_FXEN = 0, D_VOL = 1, I_PANMODE = 3, D_PAN = 0, D_PANLAW = 1, D_WIDTH = 1, B_MUTE = 0, B_PHASE = 0}
-- The take of an instrument goes onto a track of its own, so all of this track is in it.
local AS_IT_IS = {B_MUTE = 0}
-- Volume, pan, width and mute, before the effects and after them.
local ENVELOPES = {'<VOLENV', '<VOLENV2', '<VOLENV3', '<PANENV', '<PANENV2', '<WIDTHENV', '<WIDTHENV2', '<MUTEENV'}

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
  local tracks = {reaper.GetMasterTrack(project)}
  for index = 0, reaper.CountTracks(project) - 1 do tracks[#tracks + 1] = reaper.GetTrack(project, index) end
  return tracks
end

-- Whether a 32-bit WAV file of REAPER's has nothing but zeros in it. Stops at the first sample that is none.
function render.is_silent(path)
  local file = io.open(path, 'rb')
  if not file then return false end
  local at, left = 12, nil
  while not left do
    file:seek('set', at)
    local head = file:read(8)
    if not head or #head < 8 then break end
    local name, size = head:sub(1, 4), string.unpack('<I4', head, 5)
    if name == 'data' then left = size else at = at + 8 + size + size % 2 end
  end
  local silent = true
  while silent and left and left > 0 do
    local data = file:read(math.min(left, 1024 * 1024))
    if not data then break end
    silent, left = not data:find('[^%z]'), left - #data
  end
  file:close()
  return silent
end

-- Active envelopes of the track's own that a render without them is to go past.
local function active_envelopes(track)
  local found = {}
  if not reaper.APIExists('GetSetEnvelopeInfo_String') then return found end -- an older REAPER
  for _, name in ipairs(ENVELOPES) do
    local envelope = reaper.GetTrackEnvelopeByChunkName(track, name)
    if envelope then
      local ok, active = reaper.GetSetEnvelopeInfo_String(envelope, 'ACTIVE', '', false)
      if ok and active == '1' then found[#found + 1] = envelope end
    end
  end
  return found
end

local function set_active(envelopes, text)
  for _, envelope in ipairs(envelopes) do reaper.GetSetEnvelopeInfo_String(envelope, 'ACTIVE', text, true) end
end

-- Renders samples [first, last) of a track (or of the mix, for nil) to folder/stem.wav: what comes before its effects and fader; or with
-- all of them, for as_it_is. Returns the path, or nil and a sentence. REAPER shows its render window and does nothing else meanwhile.
function render.to_file(project, track, first, last, rate, folder, stem, as_it_is)
  local target = track or reaper.GetMasterTrack(project)
  local changes = as_it_is and AS_IT_IS or PLAIN
  local settings, selected, soloed, kept = settings_now(project), {}, {}, {}
  for name in pairs(changes) do kept[name] = reaper.GetMediaTrackInfo_Value(target, name) end
  for _, candidate in ipairs(all_tracks(project)) do
    selected[candidate] = reaper.GetMediaTrackInfo_Value(candidate, 'I_SELECTED')
    -- Another track may be soloed, and this one silent because of it. What the mix is when tracks are soloed is the producer's wish.
    if track then soloed[candidate] = reaper.GetMediaTrackInfo_Value(candidate, 'I_SOLO') end
  end
  local envelopes = as_it_is and {} or active_envelopes(target)
  local path = files.join(folder, stem .. '.wav')
  local ok, problem = pcall(function()
    -- The master counts as a track here: selected, it would become a second file.
    for candidate in pairs(selected) do
      reaper.SetMediaTrackInfo_Value(candidate, 'I_SELECTED', candidate == track and 1 or 0)
    end
    for candidate in pairs(soloed) do reaper.SetMediaTrackInfo_Value(candidate, 'I_SOLO', 0) end
    for name, value in pairs(changes) do reaper.SetMediaTrackInfo_Value(target, name, value) end
    set_active(envelopes, '0')
    put_settings(project, {
      RENDER_SETTINGS = track and STEMS or MASTER_MIX,
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
  set_active(envelopes, '1')
  for name, value in pairs(kept) do reaper.SetMediaTrackInfo_Value(target, name, value) end
  for candidate, value in pairs(soloed) do reaper.SetMediaTrackInfo_Value(candidate, 'I_SOLO', value) end
  for candidate, value in pairs(selected) do reaper.SetMediaTrackInfo_Value(candidate, 'I_SELECTED', value) end
  put_settings(project, settings)
  if not ok then return nil, 'REAPER could not render the selection: ' .. tostring(problem) end
  if not files.exists(path) then return nil, 'REAPER did not render the selection; was the render cancelled?' end
  return path
end

return render
