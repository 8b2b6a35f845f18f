-- The double's project: tracks, items, takes, settings. Values REAPER documents have their documented defaults; a name that is not
-- documented is an error, as a script that uses it would silently do nothing in REAPER.

local wav = dofile(HERE .. 'wav.lua')

local project = {}

-- name = {default, may be written}
project.ITEM = {
  B_MUTE = {0, true}, B_LOOPSRC = {1, true}, B_ALLTAKESPLAY = {0, true}, B_UISEL = {0, true}, C_BEATATTACHMODE = {-1, true}, C_LOCK = {0, true},
  D_VOL = {1, true}, D_POSITION = {0, true}, D_LENGTH = {0, true}, D_SNAPOFFSET = {0, true}, D_FADEINLEN = {0.01, true},
  D_FADEOUTLEN = {0.01, true}, D_FADEINLEN_AUTO = {-1, true}, D_FADEOUTLEN_AUTO = {-1, true}, I_GROUPID = {0, true}, I_CURTAKE = {0, true},
  I_FIXEDLANE = {0, true}, C_LANEPLAYS = {0, false},
}
project.TAKE = {
  D_STARTOFFS = {0, true}, D_VOL = {1, true}, D_PAN = {0, true}, D_PLAYRATE = {1, true}, D_PITCH = {0, true}, B_PPITCH = {1, true},
  I_CHANMODE = {0, true},
}
project.TRACK = {
  B_MUTE = {0, true}, B_PHASE = {0, true}, I_SOLO = {0, true}, I_FXEN = {1, true}, I_SELECTED = {0, true}, D_VOL = {1, true}, D_PAN = {0, true},
  D_WIDTH = {1, true}, I_FREEMODE = {0, true}, I_NUMFIXEDLANES = {1, true}, IP_TRACKNUMBER = {0, false}, I_FOLDERDEPTH = {0, true},
  B_MAINSEND = {1, true}, I_NCHAN = {2, true}, I_PANMODE = {3, true}, D_PANLAW = {-1, true},
}
project.SETTINGS = {
  RENDER_SETTINGS = 0, RENDER_BOUNDSFLAG = 1, RENDER_CHANNELS = 2, RENDER_SRATE = 44100, RENDER_STARTPOS = 0, RENDER_ENDPOS = 0, RENDER_TAILFLAG = 18,
  RENDER_TAILMS = 1000, RENDER_ADDTOPROJ = 1, RENDER_DITHER = 3, RENDER_NORMALIZE = 1, RENDER_NORMALIZE_TARGET = 0.25, RENDER_BRICKWALL = 0.9,
  RENDER_FADEIN = 0.1, RENDER_FADEOUT = 0.2, RENDER_FADEINSHAPE = 2, RENDER_FADEOUTSHAPE = 3, RENDER_PADSTART = 0.3, RENDER_PADEND = 0.4,
  RENDER_TRIMSTART = 0.01, RENDER_TRIMEND = 0.02, RENDER_FADELPF = 5, RENDER_DELAY = 1.5, PROJECT_SRATE = 44100, PROJECT_SRATE_USE = 1,
}
project.TEXTS = {
  RENDER_FILE = 'my renders', RENDER_PATTERN = '$project-final', RENDER_FORMAT = 'ZXZhdxgAAQ==', RENDER_FORMAT2 = 'bDNwbQ==',
  RENDER_EXTRAFILEDIR = 'elsewhere',
}

local guids = 0

local function guid()
  guids = guids + 1
  return string.format('{%08X-0000-4000-8000-000000000000}', guids)
end

local function values(known, given)
  local made = {}
  for name, entry in pairs(known) do made[name] = entry[1] end
  for name, value in pairs(given or {}) do
    if known[name] then made[name] = value end
  end
  return made
end

function project.source(path)
  local info = wav.info(path)
  if not info then return nil end
  return {kind = 'S', path = path, seconds = info.frames / info.rate, info = info}
end

function project.take(given)
  return {kind = 'K', guid = guid(), values = values(project.TAKE, given), texts = {P_NAME = ''}, fx = given and given.fx or 0,
    source = given and given.file and project.source(given.file) or nil, midi = given and given.midi or false, envelopes = 0, stretch = 0}
end

function project.item(given)
  local item = {kind = 'I', guid = guid(), values = values(project.ITEM, given), texts = {P_NOTES = ''}, takes = {}}
  if given and (given.file or given.midi) then
    item.takes[1] = project.take(given)
    item.takes[1].item = item
  end
  return item
end

function project.track(given)
  local track = {kind = 'T', guid = guid(), values = values(project.TRACK, given), fx = given and given.fx or 0,
    instrument = given and given.instrument or -1, sends = {}, envelopes = {},
    texts = {P_NAME = given and given.name or '', P_RAZOREDITS = given and given.razor or ''}, items = {}, lanes = {[0] = 1}}
  -- Each envelope multiplies by one number all along, which is enough to see whether it was active.
  for name, gain in pairs(given and given.envelopes or {}) do track.envelopes[name] = {kind = 'E', gain = gain, texts = {ACTIVE = '1'}} end
  for _, entry in ipairs(given and given.items or {}) do
    local item = project.item(entry)
    item.track = track
    track.items[#track.items + 1] = item
  end
  return track
end

function project.load(given)
  local made = {kind = 'P', path = given.path or '', media = given.media, bpm = given.bpm or 120, num = given.num or 4, den = given.den or 4,
    tempo = given.tempo or {}, first_bar = given.first_bar or 1, pan_law = given.pan_law or 1, stems_through_master = given.stems_through_master, selection = given.selection or {0, 0}, ext = {}, settings = {}, texts = {}, tracks = {},
    device_rate = given.device_rate or 44100, split_overlap = given.split_overlap or 0, fail_render = given.fail_render}
  for name, value in pairs(project.SETTINGS) do made.settings[name] = value end
  for name, value in pairs(project.TEXTS) do made.texts[name] = value end
  for name, value in pairs(given.settings or {}) do made.settings[name] = value end
  for _, entry in ipairs(given.tracks or {}) do made.tracks[#made.tracks + 1] = project.track(entry) end
  -- A send's target is a number, from 1.
  for number, entry in ipairs(given.tracks or {}) do
    for _, send in ipairs(entry.sends or {}) do
      table.insert(made.tracks[number].sends, {from = made.tracks[number], to = made.tracks[send.to], muted = send.muted or 0})
    end
  end
  made.master = project.track({name = 'MASTER', fx = given.master_fx, envelopes = given.master_envelopes, I_SELECTED = given.master_selected})
  return made
end

-- A deep copy that keeps what refers to what.
function project.copy(value, seen)
  seen = seen or {}
  if type(value) ~= 'table' or value.kind == 'S' then return value end
  if seen[value] then return seen[value] end
  local made = {}
  seen[value] = made
  for name, entry in pairs(value) do made[project.copy(name, seen)] = project.copy(entry, seen) end
  return made
end

return project
