-- The double as a process: one JSON command per line in, one JSON answer per line out. tests/examples/reaper.py drives it.

HERE = arg[0]:match('^(.*[/\\])')
local json = dofile(arg[1])
local api = dofile(HERE .. 'api.lua')
local window = dofile(HERE .. 'window.lua')
local projects = api.projects
local world = api.world
world.running = {} -- scripts that have deferred something: at most the window

-- Every ReaScript has a Lua state of its own; here, globals of its own, and the tables of REAPER.
local function run_script(path)
  assert(not world.running[path], 'REAPER would ask what to do: the script is running already')
  local scope = {reaper = api.reaper, gfx = window.gfx}
  for name, value in pairs(_G) do
    if scope[name] == nil and name ~= 'HERE' and name ~= 'arg' then scope[name] = value end
  end
  scope._G = scope
  scope.dofile = function(file) return assert(loadfile(file, 't', scope))() end
  scope.require = nil
  setmetatable(scope, {__newindex = function(_, name) error('the script makes a global: ' .. tostring(name), 2) end})
  local before, loops, others = world.script, #world.deferred, next(world.running)
  world.script = path
  assert(loadfile(path, 't', scope))()
  world.script = before
  -- What it started may have stayed; then that one runs, and not this one.
  if #world.deferred > loops and next(world.running) == others then world.running[path] = true end
end

world.run = run_script

local function balanced()
  -- Over several ticks, but not for ever.
  assert(next(world.peaks) == nil or #world.deferred > 0, 'peaks were begun and not ended')
  assert(world.timeline ~= false, 'lanes were changed without UpdateTimeline')
  assert(world.depth == 0, 'an undo block was left open')
  assert(world.refresh == 0, 'PreventUIRefresh was left on')
end

local function tick()
  window.next_frame()
  local due = world.deferred
  world.deferred = {}
  for _, what in ipairs(due) do what() end
  if #due > 0 and #world.deferred == 0 then
    local leaving = world.at_exit
    world.at_exit = {}
    for _, what in ipairs(leaving) do what() end
    world.running = {}
  end
end

local function take_out(take)
  return {values = take.values, texts = take.texts, file = take.source and take.source.path or nil}
end

local function item_out(item)
  local takes = json.array()
  for index, take in ipairs(item.takes) do takes[index] = take_out(take) end
  return {guid = item.guid, values = item.values, texts = item.texts, takes = takes}
end

local function track_out(track)
  local items, lanes = json.array(), {}
  for index, item in ipairs(track.items) do items[index] = item_out(item) end
  for lane, plays in pairs(track.lanes) do lanes[tostring(lane)] = plays end
  local envelopes = {}
  for name, envelope in pairs(track.envelopes) do envelopes[name] = envelope.texts.ACTIVE end
  return {name = track.texts.P_NAME, values = track.values, items = items, lanes = lanes, fx = track.fx, envelopes = envelopes}
end

local function state()
  local tracks, undo, drawn = json.array(), json.array(), json.array()
  for index, track in ipairs(world.project.tracks) do tracks[index] = track_out(track) end
  for index, step in ipairs(world.undo) do undo[index] = step.what end
  for index, entry in ipairs(window.shown) do drawn[index] = entry end
  return {tracks = tracks, undo = undo, loose = json.array(world.loose), settings = world.project.settings, texts = world.project.texts,
    ext = world.ext, project_ext = world.project.ext, boxes = json.array(world.boxes), drawn = drawn, open = window.open, master = track_out(world.project.master),
    running = #world.deferred > 0, console = world.console or '', renders = world.renders, calls = world.calls}
end

local commands = {
  load = function(command)
    world.project = projects.load(command.project)
    window.widths = command.widths or {}
    world.resources = command.resources
    if command.imgui then dofile(HERE .. 'imgui.lua')(api, window) end
  end,
  ext = function(command)
    world.ext[command.section] = world.ext[command.section] or {}
    world.ext[command.section][command.key] = command.value
  end,
  script = function(command) run_script(command.path) end,
  tick = tick,
  click = function(command) window.clicks[#window.clicks + 1] = {command.x, command.y} end,
  key = function(command) window.keys[#window.keys + 1] = {command.code, command.letter} end,
  close = function() window.open = false end,
  inputs = function(command) world.inputs = command.text end,
  undo = function()
    local step = table.remove(world.undo)
    world.project.tracks = step.tracks
  end,
  delete_track = function(command) table.remove(world.project.tracks, command.number) end,
  select = function(command)
    for _, track in ipairs(world.project.tracks) do
      for _, item in ipairs(track.items) do item.values.B_UISEL = item.guid == command.guid and 1 or 0 end
    end
  end,
  call = function(command) return table.pack(api.reaper[command.name](table.unpack(command.arguments))) end,
  state = state,
}

for line in io.lines() do
  local command = json.decode(line)
  world.now = command.now
  local ok, found = xpcall(function()
    local answer = commands[command.what](command)
    balanced()
    return answer
  end, debug.traceback)
  io.write(json.encode(ok and {answer = found or {}} or {error = tostring(found)}), '\n')
  io.flush()
end
