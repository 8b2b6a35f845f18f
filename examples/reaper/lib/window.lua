-- The window: the request, its progress and its result. One is open at a time, and only takebridge_window.lua keeps it: an
-- action that kept running itself would make REAPER ask what to do with it the next time. The others leave an order in REAPER's
-- extended state, for every script has a Lua of its own.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local jobs = dofile(here .. 'lib/job.lua')
local selection = dofile(here .. 'lib/selection.lua')
local tempo = dofile(here .. 'lib/tempo.lua')
local with_extension = dofile(here .. 'lib/ui_imgui.lua')
local ui = with_extension.available() and with_extension or dofile(here .. 'lib/ui.lua')
local words = dofile(here .. 'lib/words.lua')

local window = {}

local SECTION = 'takebridge'
local WIDTH, HEIGHT, MARGIN = 480, 430, 16
local ALIVE_SECONDS = 2
local MAX_TAKES = 8

local choices = {task = 'repaint', prompt = '', key = '', takes = 3}
local job, project

local function setting(name, default)
  local text = reaper.GetExtState(SECTION, name)
  return text ~= '' and text or default
end

local function keep(name, value)
  reaper.SetExtState(SECTION, name, tostring(value), true)
end

local function load_choices()
  project = reaper.EnumProjects(-1)
  choices.task, choices.prompt = setting('task', 'repaint'), setting('prompt', '')
  choices.takes = math.tointeger(tonumber(setting('takes', '3'))) or 3
  -- REAPER knows no key of a project; it is kept with this one.
  local _, key = reaper.GetProjExtState(project, SECTION, 'key')
  choices.key = key
end

local function begin(task)
  if job and job.state == 'working' then return end
  choices.task = task
  keep('task', task)
  keep('prompt', choices.prompt)
  keep('takes', choices.takes)
  project = reaper.EnumProjects(-1)
  reaper.SetProjExtState(project, SECTION, 'key', choices.key)
  job = jobs.new(project, {task = choices.task, prompt = choices.prompt, key = choices.key, takes = choices.takes})
end

-- What another action asks for: a task to begin, or "cancel".
local function read_orders()
  local order = reaper.GetExtState(SECTION, 'order')
  if order == '' then return end
  reaper.DeleteExtState(SECTION, 'order', false)
  if order == 'cancel' then
    if job then job:cancel() end
  else
    begin(order)
  end
end

local function settings()
  local current = reaper.GetExtState(SECTION, 'store')
  local ok, text = reaper.GetUserInputs('Takebridge', 1, 'Store folder (empty = default),extrawidth=260,separator=|', current)
  if ok then reaper.SetExtState(SECTION, 'store', text:match('^%s*(.-)%s*$'), true) end
end

local function where_text()
  local found, problem = selection.read(reaper.EnumProjects(-1))
  if not found then return problem:match('^[^\n]+'), ui.WARM end
  local many = #found.regions > 1 and string.format(', %d regions', #found.regions) or ''
  return string.format('%s: %s to %s%s on %s', found.kind:gsub('^%l', string.upper), tempo.bar(found.from), tempo.bar(found.to), many,
    found.label), ui.FAINT
end

local function task_row(y, busy)
  local width = (WIDTH - 2 * MARGIN - 3 * 6) / #words.TASKS
  for index, entry in ipairs(words.TASKS) do
    local x = MARGIN + (index - 1) * (width + 6)
    if ui.button(x, y, width, 30, entry.label, {chosen = entry.name == choices.task, disabled = busy}) then choices.task = entry.name end
    if entry.name == choices.task then ui.text(MARGIN, y + 38, entry.does, ui.FAINT, 3) end
  end
end

local function choice_rows(y, busy)
  local entered, key_entered
  ui.text(MARGIN, y + 5, 'Prompt')
  choices.prompt, entered = ui.field('prompt', 90, y, WIDTH - 90 - MARGIN, 28, choices.prompt, 'what it should sound like', 500)
  y = y + 38
  ui.text(MARGIN, y + 5, 'Key')
  choices.key, key_entered = ui.field('key', 90, y, 130, 28, choices.key, 'such as F# minor', 20)
  ui.text(250, y + 5, 'Takes')
  if ui.button(304, y, 28, 28, '-', {disabled = busy or choices.task == 'extract'}) then choices.takes = math.max(1, choices.takes - 1) end
  ui.text(348, y + 5, choices.task == 'extract' and '1' or tostring(choices.takes))
  if ui.button(372, y, 28, 28, '+', {disabled = busy or choices.task == 'extract'}) then
    choices.takes = math.min(MAX_TAKES, choices.takes + 1)
  end
  return entered or key_entered
end

local function job_rows(y)
  if not job then return end
  local shade = job.state == 'failed' and ui.WARM or ui.INK
  ui.text(MARGIN, y, job.stage, shade, 2)
  if job.state == 'working' and job.fraction then
    ui.text(WIDTH - MARGIN - 40, y, string.format('%3.0f %%', job.fraction * 100), ui.FAINT)
  end
  y = y + 24
  if job.state == 'working' then
    ui.progress(MARGIN, y, WIDTH - 2 * MARGIN, 8, job.fraction, reaper.time_precise())
    y = y + 20
  end
  for _, text in ipairs(job.lines) do
    for line in (text .. '\n'):gmatch('(.-)\n') do
      local warns = job.state == 'failed' or line:match('^%s*!')
      y = ui.paragraph(MARGIN, y, WIDTH - 2 * MARGIN, line, warns and ui.WARM or ui.INK, 3)
    end
    y = y + 2
  end
end

local function draw()
  local busy = job ~= nil and job.state == 'working'
  ui.text(MARGIN, 12, 'Takebridge', ui.INK, 2)
  if ui.button(WIDTH - MARGIN - 80, 8, 80, 26, 'Settings', {disabled = busy}) then settings() end
  task_row(44, busy)
  local entered = choice_rows(112, busy)
  local text, shade = where_text()
  ui.paragraph(MARGIN, 192, WIDTH - 2 * MARGIN, text, shade, 3)
  if busy then
    if ui.button(MARGIN, 232, WIDTH - 2 * MARGIN, 34, 'Cancel') or ui.pressed('escape') then job:cancel() end
  elseif ui.button(MARGIN, 232, WIDTH - 2 * MARGIN, 34, words.label(choices.task), {main = true}) or entered then
    begin(choices.task)
  end
  job_rows(284)
end

local function loop()
  local kept, visible = ui.begin()
  if not kept then return ui.close() end
  local leaving = visible and ui.pressed('escape') and not ui.writing() and not (job and job.state == 'working')
  reaper.SetExtState(SECTION, 'alive', tostring(reaper.time_precise()), false)
  read_orders()
  if job then job:step() end
  if visible then draw() end
  ui.finish(visible)
  if leaving then return ui.close() end
  reaper.defer(loop)
end

-- Whether a window of ours is open in this REAPER.
function window.is_open()
  local alive = tonumber(reaper.GetExtState(SECTION, 'alive'))
  return alive ~= nil and math.abs(reaper.time_precise() - alive) < ALIVE_SECONDS
end

-- Leaves an order ("repaint", "cancel", ...) for the window, which is opened where it is not.
function window.order(order)
  reaper.SetExtState(SECTION, 'order', order, false)
  if window.is_open() then return end
  -- Gives the number of a script REAPER knows already, too.
  local action = reaper.AddRemoveReaScript(true, 0, here .. 'takebridge_window.lua', true)
  reaper.Main_OnCommandEx(action, 0, (reaper.EnumProjects(-1)))
end

-- Opens the window and keeps it until it is closed.
function window.open()
  if window.is_open() then return end
  load_choices()
  ui.open('Takebridge', WIDTH, HEIGHT)
  reaper.atexit(function()
    -- Closing the window in the middle of a job cancels it: its takes would have nowhere to go.
    if job then job:cancel() end
    reaper.DeleteExtState(SECTION, 'alive', false)
    ui.close()
  end)
  loop()
end

return window
