-- Whether this REAPER does what the other scripts rely on: known audio in a project tab of its own, each kind of render compared sample
-- for sample, takes placed, undone and stepped through. It asks no server and touches no other project. Each check is a few lines of a report.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local audition = dofile(here .. 'lib/audition.lua')
local files = dofile(here .. 'lib/files.lua')
local place = dofile(here .. 'lib/place.lua')
local render = dofile(here .. 'lib/render.lua')
local routing = dofile(here .. 'lib/routing.lua')
local tempo = dofile(here .. 'lib/tempo.lua')

local selftest = {}

local NEW_TAB = 40859
local RATE, FRAMES = 44100, 22050
local FIRST, LAST = 5000, 9001 -- the region of the placed take
local HALF_DB = 20 * math.log(0.5, 10)
-- What a 32-bit float may lose on its way through a mixer that computes in double precision.
local CLOSE = 1e-6

local function ramp(frame) return frame / FRAMES - 0.5 end
local function falling(frame) return 0.25 - ramp(frame) / 2 end

-- A mono float file whose sample at each frame is value(frame).
local function write_wav(path, frames, value)
  local parts = {}
  for frame = 0, frames - 1 do parts[#parts + 1] = string.pack('<f', value(frame)) end
  local data = table.concat(parts)
  local file = assert(io.open(path, 'wb'))
  file:write('RIFF', string.pack('<I4', 36 + #data), 'WAVEfmt ', string.pack('<I4I2I2I4I4I2I2', 16, 3, 1, RATE, RATE * 4, 4, 32), 'data',
    string.pack('<I4', #data), data)
  file:close()
end

-- The first channel of a rendered float file.
local function read_wav(path)
  local data = assert(files.read(path))
  local at, channels, samples = 13, 1, {}
  while at + 8 <= #data do
    local name, size = data:sub(at, at + 3), string.unpack('<I4', data, at + 4)
    if name == 'fmt ' then channels = string.unpack('<I2', data, at + 10) end
    if name == 'data' then
      for offset = at + 8, at + 8 + size - 4, 4 * channels do samples[#samples + 1] = (string.unpack('<f', data, offset)) end
    end
    at = at + 8 + size + size % 2
  end
  return samples
end

local Report = {}
Report.__index = Report

function Report:line(...) self[#self + 1] = string.format(...) end

-- Says OK, or WRONG with where the samples part and how much louder they are than expected.
function Report:compare(what, samples, expected)
  if #samples ~= FRAMES then return self:line('WRONG   %s: %d samples, %d expected', what, #samples, FRAMES) end
  for frame = 0, FRAMES - 1 do
    local found, wanted = samples[frame + 1], expected(frame)
    if math.abs(found - wanted) > CLOSE then
      return self:line('WRONG   %s: sample %d is %.6f, expected %.6f (%.4f times as much)', what, frame, found, wanted,
        wanted ~= 0 and found / wanted or 0)
    end
  end
  self:line('OK      %s', what)
end

function Report:truth(what, holds, found)
  self:line('%s%s', holds and 'OK      ' or 'WRONG   ', holds and what or string.format('%s: %s', what, tostring(found)))
end

-- Runs a check; an error in it is a line of the report, and the next check runs all the same.
function Report:check(what, action)
  local ok, problem = pcall(action)
  if not ok then self:line('WRONG   %s: %s', what, tostring(problem)) end
end

local Bench = {}
Bench.__index = Bench

local function bench()
  reaper.Main_OnCommandEx(NEW_TAB, 0, 0)
  local project = reaper.EnumProjects(-1)
  local folder = files.join(reaper.GetResourcePath(), 'Takebridge selftest')
  reaper.RecursiveCreateDirectory(folder, 0)
  reaper.GetSetProjectInfo(project, 'PROJECT_SRATE', RATE, true)
  reaper.GetSetProjectInfo(project, 'PROJECT_SRATE_USE', 1, true)
  local made = setmetatable({project = project, folder = folder, renders = 0}, Bench)
  made.ramp, made.falling = files.join(folder, 'ramp.wav'), files.join(folder, 'falling.wav')
  write_wav(made.ramp, FRAMES, ramp)
  write_wav(made.falling, LAST - FIRST, function(frame) return falling(frame + FIRST) end)
  return made
end

function Bench:track(name, values)
  local index = reaper.CountTracks(self.project)
  reaper.InsertTrackAtIndex(index, false)
  local track = reaper.GetTrack(self.project, index)
  reaper.GetSetMediaTrackInfo_String(track, 'P_NAME', name, true)
  for key, value in pairs(values or {}) do reaper.SetMediaTrackInfo_Value(track, key, value) end
  return track
end

function Bench:item(track)
  local item = reaper.AddMediaItemToTrack(track)
  for name, value in pairs({D_POSITION = 0, D_LENGTH = FRAMES / RATE, D_FADEINLEN = 0, D_FADEOUTLEN = 0, D_FADEINLEN_AUTO = -1,
    D_FADEOUTLEN_AUTO = -1, B_LOOPSRC = 0}) do reaper.SetMediaItemInfo_Value(item, name, value) end
  reaper.SetMediaItemTake_Source(reaper.AddTakeToMediaItem(item), reaper.PCM_Source_CreateFromFile(self.ramp))
  return item
end

-- An effect that halves; false where REAPER has it not.
function Bench:halve(track)
  local index = reaper.TrackFX_AddByName(track, 'JS: utility/volume', false, -1)
  return index >= 0 and reaper.TrackFX_SetParam(track, index, 0, HALF_DB)
end

function Bench:render(track, as_it_is)
  self.renders = self.renders + 1
  local stem = string.format('render-%d-%d', os.time(), self.renders)
  local path = assert(render.to_file(self.project, track, 0, FRAMES, RATE, self.folder, stem, as_it_is))
  local samples = read_wav(path)
  os.remove(path)
  return samples
end

-- The checks, each on tracks of its own; each mutes what it made, so that the next mix has nothing of it.

local function stems(report, made)
  local track, master = made:track('Stem', {D_VOL = 0.25, D_PAN = 0.5}), reaper.GetMasterTrack(made.project)
  made:item(track)
  local effects = made:halve(track) and made:halve(master)
  report:truth('the effect "JS: utility/volume" is there', effects, 'not found; the checks run without effects')
  reaper.SetMediaTrackInfo_Value(master, 'I_SELECTED', 1)
  report:compare('a track renders before its effects and without the master\'s', made:render(track), ramp)
  report:truth('the master is selected as before', reaper.GetMediaTrackInfo_Value(master, 'I_SELECTED') == 1, 'it is not')
  reaper.SetMediaTrackInfo_Value(master, 'I_SELECTED', 0)
  report:truth('the fader is where it was', reaper.GetMediaTrackInfo_Value(track, 'D_VOL') == 0.25, 'it is not')
  reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', 1)
end

local function mix(report, made)
  local track = made:track('Mix', {D_PANLAW = 1})
  made:item(track)
  report:compare('the mix renders before the master\'s effects', made:render(nil), ramp)
  reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', 1)
end

local function folders(report, made)
  local folder = made:track('Folder', {I_FOLDERDEPTH = 1})
  made:halve(folder)
  made:item(made:track('Child 1', {D_PANLAW = 1, D_VOL = 0.5}))
  made:item(made:track('Child 2', {D_PANLAW = 1, D_VOL = 0.25, I_FOLDERDEPTH = -1}))
  report:compare('a folder renders as the sum of what is in it, before its effects', made:render(folder),
    function(frame) return 0.75 * ramp(frame) end)
  report:truth('a folder has two tracks in it', #routing.feeders(made.project, folder) == 2, #routing.feeders(made.project, folder))
  reaper.SetMediaTrackInfo_Value(folder, 'B_MUTE', 1)
end

local function buses(report, made)
  local bus, voice = made:track('Bus'), made:track('Voice', {D_PANLAW = 1, B_MAINSEND = 0})
  made:item(voice)
  reaper.CreateTrackSend(voice, bus)
  made:halve(bus)
  report:compare('a bus renders as the sum of what is sent to it, before its effects', made:render(bus), ramp)
  report:truth('a bus that is the only way out is known as such', routing.heard_here_only(made.project, bus), 'it is not')
  reaper.SetMediaTrackInfo_Value(voice, 'B_MAINSEND', 1)
  report:truth('a bus that is not the only way out is known as such', not routing.heard_here_only(made.project, bus), 'it is not')
  reaper.SetMediaTrackInfo_Value(voice, 'B_MUTE', 1)
end

local function instruments(report, made)
  local track = made:track('Instrument')
  if reaper.TrackFX_AddByName(track, 'ReaSynth', false, -1) < 0 then return report:line('SKIPPED an instrument sounds: ReaSynth is not there') end
  local item = reaper.CreateNewMIDIItemInProj(track, 0, FRAMES / RATE, false)
  reaper.MIDI_InsertNote(reaper.GetActiveTake(item), false, false, 0, 960, 0, 60, 100, false)
  report:truth('its track is known as an instrument\'s', routing.is_instrument(track, {item}), 'it is not')
  local loudest = 0
  for _, sample in ipairs(made:render(track, true)) do loudest = math.max(loudest, math.abs(sample)) end
  report:truth('an instrument sounds in a render', loudest > 1e-4, 'it is silent')
  reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', 1)
end

local function take(made, number)
  return {number = number, stem = 'mix', seed = number, take = 'selftest' .. number, job = 'selftest', position = FIRST, length = LAST - FIRST,
    rate = RATE, file = made.falling}
end

local function put(made, track, takes)
  return assert(place.takes(made.project, {track = track, replaces = true}, takes, 'repaint', {folder = made.folder, task = 'repaint'}, 'Self-test.'))
end

local function with_take(frame)
  if frame >= FIRST and frame < LAST then return falling(frame) end
  return ramp(frame)
end

local function placing(report, made)
  local track = made:track('Placed', {D_PANLAW = 1})
  made:item(track)
  local number = math.tointeger(reaper.GetMediaTrackInfo_Value(track, 'IP_TRACKNUMBER'))
  local items = put(made, track, {take(made, 1)})
  report:compare('a placed take plays on its sample, and around it what was there', made:render(track), with_take)
  local step, ticks = place.painter(made.project, items), 0
  while not step() and ticks < 10000 do ticks = ticks + 1 end
  report:truth('its waveform can be drawn', ticks < 10000, 'REAPER does not finish it')
  reaper.Undo_DoUndo2(made.project)
  track = reaper.GetTrack(made.project, number - 1)
  report:truth('one undo removes it', reaper.CountTrackMediaItems(track) == 1, reaper.CountTrackMediaItems(track) .. ' items are left')
  report:compare('after the undo the track plays as before', made:render(track), ramp)
  reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', 1)
end

local function lanes(report, made)
  if tonumber(reaper.GetAppVersion():match('^%d+')) < 7 then return report:line('SKIPPED fixed lanes: REAPER 7 has them') end
  local track = made:track('Lanes', {D_PANLAW = 1, I_FREEMODE = 2})
  reaper.UpdateTimeline()
  made:item(track)
  put(made, track, {take(made, 1), take(made, 2)})
  report:truth('each take has a lane', reaper.GetMediaTrackInfo_Value(track, 'I_NUMFIXEDLANES') == 3,
    reaper.GetMediaTrackInfo_Value(track, 'I_NUMFIXEDLANES') .. ' lanes')
  audition.next_take(made.project)
  report:truth('"next take" plays the first of them', reaper.GetMediaTrackInfo_Value(track, 'C_LANEPLAYS:1') == 1, 'it does not')
  reaper.SetMediaTrackInfo_Value(track, 'B_MUTE', 1)
end

local function ruler(report, made)
  report:line('NOTE    the ruler begins at bar %d; the tempo map sent would be %d point(s) long', tempo.first_bar(), #tempo.map(made.project).points)
end

-- Runs all checks and writes the report to REAPER's resource folder; shows it in the console, too.
function selftest.run()
  local report = setmetatable({}, Report)
  report:line('Takebridge self-test, REAPER %s on %s, %s', reaper.GetAppVersion(), reaper.GetOS(), os.date('%Y-%m-%d'))
  local ok, made = pcall(bench)
  if ok then
    for _, entry in ipairs({{'tracks', stems}, {'the mix', mix}, {'folders', folders}, {'buses', buses}, {'instruments', instruments},
      {'placing', placing}, {'lanes', lanes}, {'the ruler', ruler}}) do
      report:check(entry[1], function() entry[2](report, made) end)
    end
  else
    report:line('WRONG   the test project could not be made: %s', tostring(made))
  end
  local path = files.join(reaper.GetResourcePath(), 'Takebridge selftest.txt')
  local text = table.concat(report, '\n') .. '\n'
  local file = io.open(path, 'wb')
  if file then
    file:write(text)
    file:close()
  end
  reaper.ShowConsoleMsg(text .. '\nThe report is in ' .. path .. '. The project tab can be closed without saving it.\n')
end

return selftest
