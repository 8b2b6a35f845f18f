-- One request from selection to placed takes, a small step at each call, so that REAPER stays alive all the time.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local files = dofile(here .. 'lib/files.lua')
local json = dofile(here .. 'lib/json.lua')
local mailbox = dofile(here .. 'lib/mailbox.lua')
local place = dofile(here .. 'lib/place.lua')
local routing = dofile(here .. 'lib/routing.lua')
local selection = dofile(here .. 'lib/selection.lua')
local source = dofile(here .. 'lib/source.lua')
local tempo = dofile(here .. 'lib/tempo.lua')
local words = dofile(here .. 'lib/words.lua')

local Job = {}
Job.__index = Job

local jobs = 0

-- choices: {task, prompt, takes, key}. The job's `state` is working, done, failed or cancelled; `stage`, `fraction` (0 to 1, or nil when
-- unknown) and `lines` (texts for the producer) change while it works.
local function new(project, choices)
  jobs = jobs + 1
  local job = setmetatable({
    project = project, choices = choices, state = 'working', stage = 'Looking at the selection', lines = {}, takes = {}, seen = {},
    id = string.format('reaper-%d-%d-%d', os.time(), math.random(1, 999999999), jobs),
  }, Job)
  job.next = job.look
  return job
end

function Job:fail(text)
  self.state, self.stage, self.lines = 'failed', 'Failed', {text}
  self:tidy()
end

function Job:tidy()
  if self.talk then self.talk:close() end
  if self.probe then self.probe:close() end
  if self.own_file then os.remove(self.own_file) end
  self.talk, self.probe, self.own_file = nil, nil, nil
end

-- Takes the next step. An error in here is a bug: it ends the job with a message, never the window.
function Job:step()
  if self.state ~= 'working' then return end
  local ok, problem = pcall(self.next, self)
  if not ok then self:fail('Internal error in the script: ' .. tostring(problem) .. '\nThe project was not changed.') end
end

function Job:look()
  local project, task = self.project, self.choices.task
  local place_wanted, problem = selection.read(project)
  if not place_wanted then return self:fail(problem) end
  self.rate = tempo.rate(project)
  local continuing = task == 'complete'
  local items, muted = selection.audible(project, place_wanted.track, place_wanted.from, place_wanted.to)
  if continuing and place_wanted.kind == 'selected item' then
    -- An item to be continued, not one to be filled.
    place_wanted.from, self.length = place_wanted.to, '8 bars'
    continuing = true
  elseif continuing then
    continuing = #items == 0
  elseif #items == 0 then
    if muted > 0 then
      return self:fail('The selection is muted.\nUnmute it, or select audio that plays.')
    end
    return self:fail('There is no audio in the selection on ' .. place_wanted.label .. '.\nSelect a range that contains an item.')
  end
  if continuing and place_wanted.from <= 0 then
    return self:fail('There is nothing before the selection to continue from.\nSelect a range after the music.')
  end
  if #place_wanted.regions > 1 and (continuing or task == 'complete') then
    return self:fail('There are ' .. #place_wanted.regions .. ' razor edits, and music continues in one place at a time.\nKeep one of them.')
  end
  self.place, self.continuing = place_wanted, continuing
  self.first = tempo.samples(place_wanted.from, self.rate)
  self.last = tempo.samples(place_wanted.to, self.rate)
  self.root, problem = mailbox.find()
  if not self.root then return self:fail(problem) end
  self.stage, self.next = 'Contacting the server', self.knock
end

-- Before anything is rendered: if no server runs, the producer should not have to wait for a render first.
function Job:knock()
  if not self.probe then
    local problem
    self.probe, problem = mailbox.ask(self.root, 'status', {})
    if not self.probe then return self:fail(problem) end
    return
  end
  local lines, problem = self.probe:poll()
  if not lines then return self:fail(problem) end
  if #lines == 0 then return end
  self.probe:close()
  self.probe = nil
  self.stage, self.next = 'Reading the audio', self.fetch
end

function Job:fetch()
  local found, problem = source.get(self.project, self.place, self.rate, files.join(self.root, 'audio'), self.continuing)
  if not found then return self:fail(problem) end
  self.song = found
  if found.way == 'render' then self.own_file = found.path end
  self.next = self.send
end

-- What the song is called: as its file, or as the track that was rendered.
function Job:title()
  if not self.called then
    local track = self.place.track
    self.called = files.stem(self.song.path)
    if self.song.way == 'render' then self.called = track and select(2, reaper.GetTrackName(track)) or 'mix' end
  end
  return self.called
end

function Job:params()
  local place_wanted, choices = self.place, self.choices
  local params = {
    id = self.id, source = self.song.path, source_position = self.song.position, rate = self.rate, start = self.first,
    tempo_map = tempo.map(self.project), takes = choices.takes, handles = 0,
    title = files.beginning(self:title(), 100), track = files.beginning(place_wanted.label, 120),
  }
  if #self.place.regions > 1 then
    params.start, params.regions = nil, json.array()
    for index, region in ipairs(self.place.regions) do
      params.regions[index] = {start = tempo.samples(region[1], self.rate), ['end'] = tempo.samples(region[2], self.rate)}
    end
  elseif self.length then
    params.length = self.length
  else
    params['end'] = self.last
  end
  if choices.prompt ~= '' then params.prompt = choices.prompt end
  if choices.key ~= '' then params.key = choices.key end
  if choices.task == 'extract' then params.takes = nil end
  return params
end

function Job:send()
  local problem
  self.talk, problem = mailbox.ask(self.root, self.choices.task, self:params())
  if not self.talk then return self:fail(problem) end
  self.stage, self.next = 'Waiting for the server', self.wait
end

-- The file lies where the server may not read: it gets a copy in its own folder.
function Job:copy()
  if not self.copier then
    self.own_file = files.join(self.root, 'audio', string.format('%s.%s', self.id, files.extension(self.song.path)))
    self.copier = files.copier(self.song.path, self.own_file)
    self.stage = 'Copying the song to the server'
  end
  local fraction, problem = self.copier()
  if not fraction then return self:fail('The song cannot be read: ' .. tostring(problem)) end
  self.fraction = fraction
  if fraction < 1 then return end
  self.song.path, self.fraction = self.own_file, nil
  self.next = self.send
end

function Job:receive(line)
  local values = line.params or line.result or {}
  if line.error then
    local code = line.error.data and line.error.data.code
    if code == 'outside_roots' and not self.own_file then
      self.talk:close()
      self.talk, self.next = nil, self.copy
      return
    end
    return self:fail(words.problem(line.error))
  end
  if line.method == 'progress' then
    self.stage, self.fraction = values.stage:gsub('^%l', string.upper), values.fraction
  elseif line.method == 'take' then
    if not self.seen[values.take] then
      self.seen[values.take] = true
      self.takes[#self.takes + 1] = values
    end
  elseif line.method == 'done' then
    self.rendered, self.stage, self.fraction, self.next = true, 'Reading the receipts', nil, self.receipts
  elseif line.method == 'failed' and #self.takes > 0 and #self.place.regions > 1 then
    -- Some of the regions: what there is of the others is placed.
    self.missing = words.problem(values)
    self.rendered, self.stage, self.fraction, self.next = true, 'Reading the receipts', nil, self.receipts
  elseif line.method == 'failed' then
    self:fail(words.problem(values))
  elseif line.method == 'cancelled' then
    self.state, self.stage, self.lines = 'cancelled', 'Cancelled', {'The project was not changed.'}
    self:tidy()
  elseif line.result then
    self.job_id, self.stage = values.job, 'In the queue'
  end
end

function Job:wait()
  local lines, problem = self.talk:poll()
  if not lines then
    if not self.job_id then return self:fail(problem) end
    lines = {}
  end
  for _, line in ipairs(lines) do
    if self.next ~= self.wait or self.state ~= 'working' then return end
    if self.gone then self.gone, self.lines = false, {} end
    self:receive(line)
  end
  if self.next == self.wait and self.state == 'working' then self:watch() end
end

-- A long silence: is the server still there? If it was killed, an accepted job waits for the next server, and so do we.
function Job:watch()
  if self.probe then
    local lines = self.probe:poll()
    if lines and #lines == 0 then return end
    self.probe:close()
    self.probe = nil
    if not lines then
      self.gone, self.asked = true, reaper.time_precise()
      self.stage, self.fraction = 'The server has stopped', nil
      self.lines = {'The server stopped during the render.\n' .. mailbox.START
        .. '\nThe job then resumes; nothing is lost. Or press Cancel.'}
    elseif self.gone then
      -- It is back. The same id again returns the stored replies, including those sent while the server was away.
      self.gone, self.lines, self.stage = false, {}, 'The server is back'
      self.talk:close()
      self.talk:send()
    else
      self.asked = reaper.time_precise()
    end
  elseif self.talk:silence() and reaper.time_precise() - (self.asked or 0) > (self.gone and 0.5 or 4) then
    self.probe = mailbox.ask(self.root, 'status', {})
  end
end

function Job:receipts()
  if not self.asking then
    self.asking, self.shown_takes = {}, {}
    for index, take in ipairs(self.takes) do self.asking[index] = mailbox.ask(self.root, 'takes.show', {take = take.take}) end
  end
  for index, talk in pairs(self.asking) do
    local lines = talk:poll()
    if not lines or #lines > 0 then
      local answer = lines and lines[1] or {}
      self.shown_takes[index] = answer.result or {}
      talk:close()
      self.asking[index] = nil
    end
  end
  if next(self.asking) == nil then self.stage, self.next = 'Copying the takes', self.bring end
end

-- Where the takes go, and whether they stand for what is there.
function Job:where()
  local task, track = self.choices.task, self.place.track
  if track and not reaper.ValidatePtr2(self.project, track, 'MediaTrack*') then track, self.track_gone = nil, true end
  local where = {track = track, replaces = task == 'repaint' or task == 'extract', apart = task == 'accompany' or task == 'extract'}
  if task == 'complete' then
    local first = self.takes[1]
    local from = tempo.seconds(first.position, first.rate)
    local items = selection.audible(self.project, track, from, from + tempo.seconds(first.length, first.rate))
    -- A gap is filled where it is. What goes on behind the music must not silence what comes there anyway.
    where.replaces = track ~= nil and (not self.continuing or #items == 0)
    where.apart = not where.replaces
  end
  -- An instrument's track has effects that are in the take already.
  if track and self.song.played then where.apart, where.played = true, true end
  if track and where.replaces and not routing.heard_here_only(self.project, track) then where.apart, where.waits = true, true end
  return where
end

function Job:bring()
  if #self.takes == 0 then return self:fail('The server rendered no takes.') end
  if not self.bringer then
    local title = words.label(self.choices.task) .. ' ' .. self:title()
    self.bringer, self.folder = place.bringer(self.project, self.takes, title)
  end
  local fraction, problem = self.bringer()
  if not fraction then return self:fail(problem) end
  self.fraction = fraction
  if fraction == 1 then self.stage, self.fraction, self.next = 'Placing the takes', nil, self.put end
end

function Job:put()
  local lines, kept = {}, json.array()
  for index, take in ipairs(self.takes) do
    local label = take.stem == 'mix' and ('Take ' .. take.number) or string.format('Take %d, %s', take.number, take.stem)
    if take.region then label = label .. ' at ' .. tempo.bar(tempo.seconds(take.position, take.rate)) end
    lines[index] = words.receipt(label, take, self.shown_takes[index].receipt or {exact = true})
    kept[index] = {take = take.take, number = take.number, stem = take.stem, seed = take.seed, passed = take.passed}
  end
  local recipe = {
    task = self.choices.task, prompt = self.choices.prompt, key = self.choices.key, job = self.job_id, id = self.id, folder = self.folder,
    start = self.first, ['end'] = self.last, rate = self.rate, way = self.song.way, takes = kept,
    made = 'Made with Takebridge; machine-generated or machine-assisted audio.',
  }
  local notes = recipe.made .. '\n' .. table.concat(lines, '\n')
  local where = self:where()
  local items, trouble = place.takes(self.project, where, self.takes, self.choices.task, recipe, notes)
  if not items then return self:fail(trouble) end
  self.items, self.lines = items, self:remarks(lines, where)
  self.painter = place.painter(self.project, items)
  self.stage, self.next = 'Drawing the waveforms', self.paint
end

-- What the producer should know about where the takes are, behind the receipts.
function Job:remarks(lines, where)
  if self.missing then lines[#lines + 1] = '! ' .. self.missing end
  local _, saved = reaper.EnumProjects(-1)
  if saved == '' then
    lines[#lines + 1] = 'The project is not saved yet. The takes are in ' .. self.folder
      .. '; when you save it, tick "Copy all media into project directory".'
  end
  if self.track_gone then
    lines[#lines + 1] = '! The track was deleted during the render; the takes are on a new track at the end, muted.'
  elseif where.waits then
    lines[#lines + 1] = 'The take is on its own muted track, because tracks that feed this one play elsewhere too; the A/B action switches '
      .. 'between the two tracks.'
  elseif not where.track and where.replaces then
    lines[#lines + 1] = 'The take of the mix is on its own muted track; the A/B action solos it.'
  elseif self.song.played and where.replaces then
    lines[#lines + 1] = 'The instrument\'s effects and fader are in the take, so it is on a track of its own.'
  end
  if where.track and where.apart and where.replaces and not where.played and reaper.TrackFX_GetCount(where.track) > 0 then
    lines[#lines + 1] = 'The new tracks have the fader and pan of the old one, but not its effects.'
  end
  local channels = where.track and self.song.way == 'render' and math.tointeger(reaper.GetMediaTrackInfo_Value(where.track, 'I_NCHAN')) or 2
  if channels > 2 then lines[#lines + 1] = string.format('! The track has %d channels; the take has channels 1 and 2.', channels) end
  return lines
end

function Job:paint()
  if not self.painter() then return end
  self.state, self.stage, self.fraction = 'done', 'Done', 1
  self:tidy()
end

-- Asks the server to stop; the job ends when the server says so, or at once when it has not been asked yet or has done its part.
function Job:cancel()
  if self.state ~= 'working' or self.painter then return end -- with the takes in place it is done
  if self.rendered then
    for _, take in ipairs(self.takes) do
      if take.file then os.remove(take.file) end
    end
    self.state, self.stage, self.lines = 'cancelled', 'Cancelled', {'The project was not changed. The server has the takes.'}
    return self:tidy()
  end
  if not self.talk or self.gone or not self.job_id then
    if self.gone or (self.talk and not self.job_id) then mailbox.ask(self.root, 'cancel', {job = self.id}) end
    self.state, self.stage, self.lines = 'cancelled', 'Cancelled', {'The project was not changed.'}
    return self:tidy()
  end
  self.stage = 'Stopping'
  mailbox.ask(self.root, 'cancel', {job = self.job_id})
end

return {new = new}
