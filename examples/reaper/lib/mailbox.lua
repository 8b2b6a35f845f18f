-- The way to the server: requests and answers as files (docs/mailbox.md of Takebridge). No sockets, no extension.

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local files = dofile(here .. 'lib/files.lua')
local json = dofile(here .. 'lib/json.lua')

local mailbox = {}

mailbox.START = 'Start it in a terminal with:  takebridge serve'
mailbox.CLIENT = 'reaper'

-- Seconds, the same in every script of Takebridge. A server looks twenty times a second, but on a machine that renders with
-- all cores it may take seconds over it: a request that was not taken after 15 is withdrawn.
local PATIENCE = 15
-- So long may a job be silent before we ask whether the server is still there.
local SILENT_SECONDS = 4

local names = 0
math.randomseed(math.floor(reaper.time_precise() * 1e6) % 2147483647) -- REAPER 6 has Lua 5.3, which begins the same each time

local function new_name()
  names = names + 1
  return string.format('reaper-%d-%d-%d', os.time(), math.random(1, 999999999), names)
end

-- Default folders of a store; the first is the usual one.
local function default_stores()
  local found = {}
  local function add(folder, ...)
    if folder and folder ~= '' then found[#found + 1] = files.join(folder, ...) end
  end
  local system = reaper.GetOS()
  local home = os.getenv('HOME')
  if system:match('^Win') then
    add(os.getenv('LOCALAPPDATA'), 'takebridge')
    -- The environment is not UTF-8 on Windows; REAPER's own folder is, and is next to it: ...\AppData\Roaming\REAPER.
    add(reaper.GetResourcePath():match('^(.*)[/\\]Roaming[/\\]'), 'Local', 'takebridge')
  elseif system:match('^OSX') or system:match('^macOS') then
    add(home, 'Library', 'Application Support', 'takebridge')
  else
    add(os.getenv('XDG_DATA_HOME'), 'takebridge')
    add(home, '.local', 'share', 'takebridge')
  end
  return found
end

local function running(store)
  return files.exists(files.join(store, 'server.json'))
end

-- The mailbox folder of a server that seems to run, or nil and a sentence for the producer.
function mailbox.find()
  local chosen = reaper.GetExtState('takebridge', 'store')
  local stores = {}
  if chosen ~= '' then
    stores[1] = chosen
  else
    local moved = os.getenv('TAKEBRIDGE_STORE')
    if moved and moved ~= '' then stores[1] = moved end
    for _, store in ipairs(default_stores()) do stores[#stores + 1] = store end
  end
  for _, store in ipairs(stores) do
    if running(store) then return files.join(store, 'mailbox') end
  end
  for _, store in ipairs(stores) do
    local pointed = (files.read(files.join(store, 'mailbox.txt')) or ''):match('^[^\r\n]+')
    if pointed and running(pointed:match('^(.*)[/\\]mailbox[/\\]?$') or '') then return pointed end
  end
  local where = chosen ~= '' and ('Searched in ' .. chosen .. ' (see Settings).\n')
    or 'If you moved its store with --store, enter the folder in Settings.\n'
  return nil, 'The Takebridge server is not running.\n' .. mailbox.START .. '\n' .. where
end

local Talk = {}
Talk.__index = Talk

-- Sends a request. Returns a Talk to poll, or nil and a sentence.
function mailbox.ask(root, method, params)
  local talk = setmetatable({root = root, method = method, params = params, lines = 0}, Talk)
  local ok, problem = talk:send()
  if not ok then return nil, problem end
  return talk
end

function Talk:send()
  self.name = new_name()
  self.input = files.join(self.root, 'in', self.name .. '.json')
  self.output = files.join(self.root, 'out', self.name .. '.jsonl')
  self.offset, self.taken = 0, false
  self.sent, self.replied = reaper.time_precise(), reaper.time_precise()
  local call = {jsonrpc = '2.0', id = 1, method = self.method, params = self.params, client = mailbox.CLIENT}
  local ok, problem = files.write_whole(self.input, json.encode(call))
  if not ok then
    return nil, 'The request cannot be written to the mailbox: ' .. tostring(problem) .. '\n' .. mailbox.START
  end
  return true
end

-- New lines since the last time, decoded; nil and a sentence when no server takes the request.
function Talk:poll()
  local now = reaper.time_precise()
  if not self.taken then
    if not files.exists(self.input) then
      self.taken, self.replied = true, now
    elseif now - self.sent > PATIENCE then
      os.remove(self.input)
      return nil, 'The Takebridge server is not responding.\n' .. mailbox.START
    end
  end
  local lines = {}
  local file = io.open(self.output, 'rb')
  if file then
    file:seek('set', self.offset)
    local text = file:read('a') or ''
    file:close()
    -- What follows the last line end is still being written.
    local whole = text:match('^.*\n') or ''
    self.offset = self.offset + #whole
    for line in whole:gmatch('[^\n]+') do lines[#lines + 1] = json.decode(line) end
    if #lines > 0 then self.replied = now end
  end
  return lines
end

-- Seconds without a reply, once that is long enough to be suspicious.
function Talk:silence()
  local seconds = reaper.time_precise() - self.replied
  return seconds > SILENT_SECONDS and seconds or nil
end

function Talk:close()
  os.remove(self.input)
  os.remove(self.output)
end

return mailbox
