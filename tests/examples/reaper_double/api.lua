-- The table `reaper` as scripts see it: each function checks how many arguments of which kind it gets, and the double checks itself for
-- what it gives back. Anything unknown is an error with the name in it.

local signatures = dofile(HERE .. 'signatures.lua')
local projects = dofile(HERE .. 'project.lua')
local timemap = dofile(HERE .. 'timemap.lua')
local mixdown = dofile(HERE .. 'mixdown.lua')

local api = {projects = projects}

local RENDER_NOW, NEW_TAB = 42230, 40859

-- What happened, for the tests: message boxes, undo steps, changes outside any undo step, renders, calls by name.
local world = {
  project = nil, now = 0, ext = {}, boxes = {}, undo = {}, loose = {}, renders = 0, calls = {}, deferred = {}, at_exit = {}, refresh = 0, depth = 0,
  inputs = nil, peaks = {}, scripts = {}, resources = '/nowhere', script = nil, os = 'Other',
}
api.world = world

local function is(kind)
  return function(value) return type(value) == 'table' and value.kind == kind end
end

local CHECKS = {
  P = function(value) return value == nil or value == 0 or value == world.project end,
  T = is('T'), I = is('I'), K = is('K'), S = is('S'), E = is('E'), C = is('C'),
  s = function(value) return type(value) == 'string' end,
  n = function(value) return type(value) == 'number' and value == value end,
  i = function(value) return type(value) == 'number' and math.tointeger(value) ~= nil end,
  b = function(value) return type(value) == 'boolean' end,
  f = function(value) return type(value) == 'function' end,
  x = function() return true end,
}

local function parsed(text)
  local kinds = {}
  for letter, optional in text:gmatch('(%a)(%??)') do kinds[#kinds + 1] = {letter, optional == '?'} end
  return kinds
end

local function check(name, what, kinds, values)
  if values.n > #kinds then error(string.format('%s: %d %s, %d expected', name, values.n, what, #kinds), 3) end
  for index, kind in ipairs(kinds) do
    local value = values[index]
    if not (kind[2] and value == nil) then
      local missing = index > values.n and kind[1] ~= 'P'
      if missing or index > values.n or not CHECKS[kind[1]](value) then
        error(string.format('%s: %s %d is %s, expected %s', name, what, index, index > values.n and 'missing' or tostring(value), kind[1]), 3)
      end
    end
  end
end

local given = {} -- name -> what it does

local function changed(what)
  if world.depth == 0 then world.loose[#world.loose + 1] = what end
end

local function known(list, name, what)
  return list[name] or error(what .. ' has no documented value called ' .. name, 4)
end

local function current(project)
  return (project == nil or project == 0) and world.project or project
end

-- Items, takes, tracks -----------------------------------------------------------------------------------------

local function getter(list, what)
  return function(object, name)
    if list == projects.TRACK then
      local lane = name:match('^C_LANEPLAYS:(%d+)$')
      if lane then return object.lanes[tonumber(lane)] or 0 end
      if name == 'IP_TRACKNUMBER' then
        for index, track in ipairs(world.project.tracks) do
          if track == object then return index end
        end
        return object == world.project.master and -1 or 0
      end
    end
    known(list, name, what)
    if name == 'C_LANEPLAYS' then return object.track.lanes[object.values.I_FIXEDLANE] or 0 end
    return object.values[name]
  end
end

local function setter(list, what)
  return function(object, name, value)
    local lane = list == projects.TRACK and name:match('^C_LANEPLAYS:(%d+)$')
    changed(what .. ' ' .. name)
    if lane then
      if value == 1 then object.lanes = {} end -- exclusively
      object.lanes[tonumber(lane)] = value
      return true
    end
    -- A timeline whose lanes have changed is to be told (the API's page says so of I_FREEMODE; scripts in use do it for the lanes, too).
    if name == 'I_NUMFIXEDLANES' or name == 'I_FREEMODE' then world.timeline = false end
    if not known(list, name, what)[2] and name ~= 'C_LANEPLAYS' then error(name .. ' is read-only', 3) end
    object.values[name] = value
    return true
  end
end

given.GetMediaItemInfo_Value, given.SetMediaItemInfo_Value = getter(projects.ITEM, 'item'), setter(projects.ITEM, 'item')
given.GetMediaItemTakeInfo_Value, given.SetMediaItemTakeInfo_Value = getter(projects.TAKE, 'take'), setter(projects.TAKE, 'take')
given.GetMediaTrackInfo_Value, given.SetMediaTrackInfo_Value = getter(projects.TRACK, 'track'), setter(projects.TRACK, 'track')

local function text_of(what)
  return function(object, name, value, set)
    if name == 'GUID' then
      assert(not set, 'the double sets no GUID')
      return true, object.guid
    end
    if not name:match('^P_EXT:.') and object.texts[name] == nil then error(what .. ' has no documented text called ' .. name, 3) end
    if set then
      changed(what .. ' ' .. name)
      object.texts[name] = value
    end
    local text = object.texts[name]
    return text ~= nil, text or ''
  end
end

given.GetSetMediaItemInfo_String, given.GetSetMediaItemTakeInfo_String, given.GetSetMediaTrackInfo_String =
  text_of('item'), text_of('take'), text_of('track')

function given.CountTracks(project) return #current(project).tracks end
function given.GetTrack(project, index) return current(project).tracks[index + 1] end
function given.GetMasterTrack(project) return current(project).master end

function given.ValidatePtr2(project, pointer, kind)
  assert(kind == 'MediaTrack*' or kind == 'MediaItem*', 'the double knows tracks and items only here')
  for _, track in ipairs(current(project).tracks) do
    if track == pointer and kind == 'MediaTrack*' then return true end
    for _, item in ipairs(track.items) do
      if item == pointer and kind == 'MediaItem*' then return true end
    end
  end
  return false
end

local function sends_of(track, category)
  local found = {}
  if category == 0 then return track.sends end
  assert(category == -1, 'the double knows sends and receives only')
  for _, candidate in ipairs(world.project.tracks) do
    for _, send in ipairs(candidate.sends) do
      if send.to == track then found[#found + 1] = send end
    end
  end
  return found
end

function given.GetTrackNumSends(track, category) return #sends_of(track, category) end

function given.GetTrackSendInfo_Value(track, category, index, name)
  local send = assert(sends_of(track, category)[index + 1], 'no such send')
  local known_names = {B_MUTE = send.muted, P_SRCTRACK = send.from, P_DESTTRACK = send.to}
  return known(known_names, name, 'a send')
end

function given.CreateTrackSend(track, target)
  changed('new send')
  track.sends[#track.sends + 1] = {from = track, to = target, muted = 0}
  return #track.sends - 1
end

-- Two plug-ins of REAPER's own: one that is set to halve, and an instrument.
function given.TrackFX_AddByName(track, name, recording, instantiate)
  assert(not recording and instantiate == -1, 'the double adds an effect each time')
  if name == 'ReaSynth' then
    track.instrument = 0
    return 0
  end
  if name ~= 'JS: utility/volume' then return -1 end
  track.fx = track.fx + 1
  return track.fx - 1
end

function given.TrackFX_SetParam(track, index, parameter, value)
  assert(index < track.fx and parameter == 0 and math.abs(10 ^ (value / 20) - 0.5) < 1e-9, 'the double\'s effect halves')
  return true
end

function given.TrackFX_GetCount(track) return track.fx + (track.instrument >= 0 and 1 or 0) end

function given.CreateNewMIDIItemInProj(track, from, to)
  local item = projects.item({midi = true, D_POSITION = from, D_LENGTH = to - from})
  item.track = track
  track.items[#track.items + 1] = item
  return item
end

function given.MIDI_InsertNote(take) return take.midi end

function given.Undo_DoUndo2()
  local step = table.remove(world.undo)
  if not step then return 0 end
  world.project.tracks = step.tracks
  return 1
end

function given.ShowConsoleMsg(text) world.console = (world.console or '') .. text end

function given.TrackFX_GetInstrument(track) return track.instrument end
function given.GetTrackEnvelopeByChunkName(track, name) return track.envelopes[name] end

function given.GetSetEnvelopeInfo_String(envelope, name, value, set)
  known(envelope.texts, name, 'an envelope')
  if set then envelope.texts[name] = value end
  return true, envelope.texts[name]
end

function given.CountTrackMediaItems(track) return #track.items end
function given.GetTrackMediaItem(track, index) return track.items[index + 1] end
function given.GetMediaItem_Track(item) return item.track end
function given.IsMediaItemSelected(item) return item.values.B_UISEL ~= 0 end
function given.CountTakes(item) return #item.takes end
function given.GetTake(item, index) return item.takes[index + 1] end
function given.GetActiveTake(item) return item.takes[item.values.I_CURTAKE + 1] end
function given.TakeIsMIDI(take) return take.midi end
function given.TakeFX_GetCount(take) return take.fx end
function given.CountTakeEnvelopes(take) return take.envelopes end
function given.GetTakeNumStretchMarkers(take) return take.stretch end
function given.GetMediaItemTake_Source(take) return take.source end
function given.GetMediaSourceFileName(source) return source.path end
function given.GetMediaSourceLength(source) return source.seconds, false end
function given.GetMediaSourceNumChannels(source) return source.info.channels end
function given.GetMediaSourceParent() return nil end
function given.PCM_Source_CreateFromFile(path) return projects.source(path) end

function given.PCM_Source_BuildPeaks(source, mode)
  local left = world.peaks[source]
  if mode == 0 then
    world.peaks[source] = 2
    return 1
  end
  assert(left, 'peaks are built from mode 0 on')
  if mode == 1 then
    world.peaks[source] = left - 1
    return left - 1
  end
  assert(mode == 2 and left == 0, 'peaks were not built to the end')
  world.peaks[source] = nil
  return 0
end

function given.UpdateItemInProject() end
function given.UpdateArrange() end
function given.UpdateTimeline() world.timeline = true end
function given.TrackList_AdjustWindows() end

function given.GetTrackName(track)
  if track == world.project.master then return true, 'MASTER' end
  local name = track.texts.P_NAME
  return true, name ~= '' and name or string.format('Track %d', given.GetMediaTrackInfo_Value(track, 'IP_TRACKNUMBER'))
end

local function all_items(project)
  local items = {}
  for _, track in ipairs(current(project).tracks) do
    for _, item in ipairs(track.items) do items[#items + 1] = item end
  end
  return items
end

function given.CountMediaItems(project) return #all_items(project) end
function given.GetMediaItem(project, index) return all_items(project)[index + 1] end

function given.AddMediaItemToTrack(track)
  changed('new item')
  local item = projects.item()
  item.track = track
  track.items[#track.items + 1] = item
  return item
end

function given.AddTakeToMediaItem(item)
  changed('new take')
  local take = projects.take()
  item.takes[#item.takes + 1] = take
  take.item = item
  return take
end

function given.SetMediaItemTake_Source(take, source)
  changed('take source')
  take.source = source
  return true
end

function given.SetActiveTake(take)
  changed('active take')
  for index, candidate in ipairs(take.item.takes) do
    if candidate == take then take.item.values.I_CURTAKE = index - 1 end
  end
end

function given.InsertTrackAtIndex(index)
  changed('new track')
  table.insert(world.project.tracks, math.min(index, #world.project.tracks) + 1, projects.track({}))
end

-- As REAPER with automatic crossfades on splits: the right part begins a little earlier, and both are faded there.
function given.SplitMediaItem(item, position)
  local first, last = item.values.D_POSITION, item.values.D_POSITION + item.values.D_LENGTH
  if position <= first or position >= last then return nil end
  changed('split')
  local track, overlap = item.track, world.project.split_overlap
  item.track = nil
  local right = projects.copy(item)
  item.track, right.track = track, track
  right.guid = projects.item().guid
  for _, take in ipairs(right.takes) do
    take.item = right
    take.values.D_STARTOFFS = take.values.D_STARTOFFS + (position - overlap - first) * take.values.D_PLAYRATE
  end
  right.values.D_POSITION, right.values.D_LENGTH = position - overlap, last - position + overlap
  item.values.D_LENGTH = position - first
  right.values.D_FADEINLEN, item.values.D_FADEOUTLEN = 0.01, 0.01
  if overlap > 0 then right.values.D_FADEINLEN_AUTO, item.values.D_FADEOUTLEN_AUTO = overlap, overlap end
  track.items[#track.items + 1] = right
  return right
end

-- The project ------------------------------------------------------------------------------------------------------

function given.EnumProjects(index)
  assert(index == -1, 'the double has the current project only')
  return world.project, world.project.path
end

function given.GetProjectPathEx(project) return current(project).media end

function given.GetProjectLength(project)
  local length = 0
  for _, item in ipairs(all_items(project)) do length = math.max(length, item.values.D_POSITION + item.values.D_LENGTH) end
  return length
end

function given.GetSet_LoopTimeRange2(project, set, loop)
  assert(not set and not loop, 'the double reads the time selection only')
  local selection = current(project).selection
  return selection[1], selection[2]
end

function given.GetSetProjectInfo(project, name, value, set)
  local settings = current(project).settings
  if settings[name] == nil then error('a project has no documented value called ' .. name, 3) end
  if set then settings[name] = value end
  return settings[name]
end

function given.GetSetProjectInfo_String(project, name, value, set)
  local texts = current(project).texts
  if texts[name] == nil then error('a project has no documented text called ' .. name, 3) end
  if set then texts[name] = value end
  return true, texts[name]
end

function given.GetAudioDeviceInfo(name)
  assert(name == 'SRATE', name)
  return true, tostring(world.project.device_rate)
end

function given.CountTempoTimeSigMarkers(project) return #current(project).tempo end

function given.GetTempoTimeSigMarker(project, index)
  local marker = current(project).tempo[index + 1]
  if not marker then return false, 0, 0, 0, 0, 0, 0, false end
  -- Without a meter of its own a marker has numerator and denominator -1.
  return true, marker.time, 0, 0, marker.bpm, marker.num or -1, marker.den or -1, marker.linear or false
end

function given.TimeMap2_timeToQN(project, time) return timemap.quarters(current(project), time) end

function given.TimeMap_GetTimeSigAtTime(project, time)
  local bpm, here = timemap.tempo(current(project), time)
  return here.num, here.den, bpm
end

function given.format_timestr_pos(time, _, mode)
  assert(mode == 2, 'the double writes measures and beats only')
  return timemap.bar_text(world.project, time)
end

function given.GetProjExtState(project, section, key)
  local text = (current(project).ext[section] or {})[key] or ''
  return #text, text
end

function given.SetProjExtState(project, section, key, value)
  local ext = current(project).ext
  ext[section] = ext[section] or {}
  ext[section][key] = value
  return #value
end

function given.Undo_BeginBlock2()
  if world.depth == 0 then world.before = projects.copy(world.project.tracks) end
  world.depth = world.depth + 1
end

function given.Undo_EndBlock2(_, what, flags)
  assert(flags == -1, 'undo flags')
  world.depth = world.depth - 1
  assert(world.depth >= 0, 'an undo block ends that never began')
  if world.depth == 0 then world.undo[#world.undo + 1] = {what = what, tracks = world.before} end
end

function given.PreventUIRefresh(count)
  world.refresh = world.refresh + count
  assert(world.refresh >= 0, 'PreventUIRefresh')
end

function given.Main_OnCommandEx(command)
  if world.scripts[command] then return world.run(world.scripts[command]) end
  if command == NEW_TAB then
    local before = world.project
    world.project = projects.load({media = before.media, pan_law = before.pan_law, fail_render = before.fail_render,
      stems_through_master = before.stems_through_master})
    return
  end
  assert(command == RENDER_NOW, 'the double knows no action ' .. command)
  world.renders = world.renders + 1
  mixdown.render(world.project)
end

-- Adding a script that is there already gives the number it has.
function given.AddRemoveReaScript(add, section, path)
  assert(add and section == 0)
  for number, known in pairs(world.scripts) do
    if known == path then return number end
  end
  world.scripts[60000] = path
  return 60000
end

-- The program ------------------------------------------------------------------------------------------------------

function given.time_precise() return world.now end
function given.GetOS() return world.os end
function given.GetAppVersion() return '7.39/linux-x86_64' end
function given.GetResourcePath() return world.resources end
function given.APIExists(name) return world.functions[name] ~= nil end
function given.GetExtState(section, key) return (world.ext[section] or {})[key] or '' end

function given.SetExtState(section, key, value)
  world.ext[section] = world.ext[section] or {}
  world.ext[section][key] = value
end

function given.DeleteExtState(section, key)
  if world.ext[section] then world.ext[section][key] = nil end
end

function given.ShowMessageBox(text, title, kind)
  world.boxes[#world.boxes + 1] = {text = text, title = title, kind = kind}
  return 1
end

function given.GetUserInputs(_, count, _, defaults)
  assert(count == 1)
  return world.inputs ~= nil, world.inputs or defaults
end

function given.RecursiveCreateDirectory(path)
  os.execute('mkdir -p "' .. path .. '"')
  return 1
end

function given.get_action_context() return false, world.script, 0, 0, -1, -1, -1, '' end

function given.defer(what)
  world.deferred[#world.deferred + 1] = what
  return true
end

function given.atexit(what) world.at_exit[#world.at_exit + 1] = what end

-- ------------------------------------------------------------------------------------------------------------------

local function checked(name, signature, action)
  local arguments, results = signature:match('^(.*)>(.*)$')
  arguments, results = parsed(arguments), parsed(results)
  return function(...)
    check(name, 'argument', arguments, table.pack(...))
    world.calls[name] = (world.calls[name] or 0) + 1
    local found = table.pack(action(...))
    check('the double of ' .. name, 'result', results, found)
    return table.unpack(found, 1, #results)
  end
end

local functions = {}
world.functions = functions

api.reaper = setmetatable({}, {
  __index = function(_, name) return functions[name] or error('REAPER has no function ' .. tostring(name) .. ' (or the double does not know it)', 2) end,
  __newindex = function(_, name) error('scripts must not write to reaper.' .. tostring(name), 2) end,
})
for name, signature in pairs(signatures) do
  functions[name] = checked(name, signature, assert(given[name], name .. ' is not made'))
end
for name in pairs(given) do assert(signatures[name], name .. ' has no signature') end

-- Functions of an extension the user has installed; `actions` has one for each signature.
function api.extend(more, actions)
  for name, signature in pairs(more) do functions[name] = checked(name, signature, assert(actions[name], name)) end
end

return api
