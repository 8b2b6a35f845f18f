-- A few widgets on REAPER's own gfx window, immediate mode: each call draws a widget and says what happened to it.

local ui = {}

local INK, FAINT, PAPER, FIELD, ACCENT, WARM = {0.90, 0.91, 0.92}, {0.58, 0.60, 0.63}, {0.16, 0.17, 0.19}, {0.11, 0.12, 0.13},
  {0.32, 0.62, 0.87}, {0.93, 0.62, 0.30}
ui.INK, ui.FAINT, ui.ACCENT, ui.WARM = INK, FAINT, ACCENT, WARM

local BOLD = string.byte('b')
local KEYS = {backspace = 8, enter = 13, escape = 27, tab = 9, left = 1818584692, right = 1919379572, home = 1752132965,
  ['end'] = 6647396, delete = 6579564, closed = -1}

local state = {focus = nil, cursor = 0, down = false, clicked = false, mouse = {0, 0}, keys = {}}

local function colour(shade, alpha)
  gfx.set(shade[1], shade[2], shade[3], alpha or 1)
end

function ui.open(title, width, height)
  gfx.init(title, width, height, 0, 120, 120)
  gfx.setfont(1, 'Arial', 15)
  gfx.setfont(2, 'Arial', 15, BOLD)
  gfx.setfont(3, 'Arial', 13)
end

-- Begins a frame; whether the window is to be kept, and whether it can be seen.
function ui.begin()
  state.keys = {}
  while true do
    local code, letter = gfx.getchar()
    if code == KEYS.closed then return false, false end
    if code == 0 then break end
    state.keys[#state.keys + 1] = {code = code, letter = letter or 0}
  end
  local down = gfx.mouse_cap & 1 == 1
  state.clicked = down and not state.down
  state.down, state.mouse = down, {gfx.mouse_x, gfx.mouse_y}
  colour(PAPER)
  gfx.rect(0, 0, gfx.w, gfx.h, 1)
  return true, true
end

function ui.finish()
  gfx.update()
end

function ui.close()
  gfx.quit()
end

local function inside(x, y, w, h)
  local mx, my = state.mouse[1], state.mouse[2]
  return mx >= x and mx < x + w and my >= y and my < y + h
end

function ui.text(x, y, text, shade, font)
  gfx.setfont(font or 1)
  colour(shade or INK)
  gfx.x, gfx.y = x, y
  gfx.drawstr(text)
end

-- Text broken at words; returns the y below it.
function ui.paragraph(x, y, width, text, shade, font)
  gfx.setfont(font or 1)
  for line in (text .. '\n'):gmatch('(.-)\n') do
    local indent, current = line:match('^ *'), ''
    for word in line:gmatch('%S+') do
      local longer = current == '' and (indent .. word) or (current .. ' ' .. word)
      if current ~= '' and gfx.measurestr(longer) > width then
        ui.text(x, y, current, shade, font)
        y, current = y + gfx.texth + 3, indent .. word
      else
        current = longer
      end
    end
    ui.text(x, y, current, shade, font)
    y = y + gfx.texth + 3
  end
  return y
end

-- True when it was clicked.
function ui.button(x, y, w, h, label, options)
  options = options or {}
  local hot = inside(x, y, w, h) and not options.disabled
  local shade = options.chosen and ACCENT or FIELD
  colour(shade, options.disabled and 0.4 or 1)
  gfx.rect(x, y, w, h, 1)
  colour(options.main and ACCENT or FAINT, hot and 1 or 0.5)
  gfx.rect(x, y, w, h, 0)
  gfx.setfont((options.main or options.chosen) and 2 or 1)
  local width = gfx.measurestr(label)
  ui.text(x + (w - width) / 2, y + (h - gfx.texth) / 2, label, options.disabled and FAINT or INK,
    (options.main or options.chosen) and 2 or 1)
  return hot and state.clicked
end

local function letters(text)
  local found = {}
  for _, code in utf8.codes(text) do found[#found + 1] = utf8.char(code) end
  return found
end

local function typed(text, limit)
  local parts = letters(text)
  for _, key in ipairs(state.keys) do
    local code = key.letter > 0 and key.letter or key.code
    if key.code == KEYS.backspace then
      if state.cursor > 0 then
        table.remove(parts, state.cursor)
        state.cursor = state.cursor - 1
      end
    elseif key.code == KEYS.delete then
      table.remove(parts, state.cursor + 1)
    elseif key.code == KEYS.left then
      state.cursor = math.max(0, state.cursor - 1)
    elseif key.code == KEYS.right then
      state.cursor = math.min(#parts, state.cursor + 1)
    elseif key.code == KEYS.home then
      state.cursor = 0
    elseif key.code == KEYS['end'] then
      state.cursor = #parts
    elseif code >= 32 and code ~= 127 and code < 0x110000 and #parts < limit then
      state.cursor = state.cursor + 1
      table.insert(parts, state.cursor, utf8.char(code))
    end
  end
  return table.concat(parts)
end

-- A line of text to edit; returns the text, and true when Enter was pressed in it.
function ui.field(name, x, y, w, h, text, hint, limit)
  if state.clicked then
    if inside(x, y, w, h) then
      state.focus, state.cursor = name, utf8.len(text)
    elseif state.focus == name then
      state.focus = nil
    end
  end
  local entered = false
  if state.focus == name then
    state.cursor = math.min(state.cursor, utf8.len(text))
    text = typed(text, limit or 500)
    for _, key in ipairs(state.keys) do
      if key.code == KEYS.enter then entered = true end
    end
  end
  colour(FIELD)
  gfx.rect(x, y, w, h, 1)
  colour(state.focus == name and ACCENT or FAINT, state.focus == name and 1 or 0.5)
  gfx.rect(x, y, w, h, 0)
  gfx.setfont(1)
  -- The end of a long text is what one is writing.
  local shown, before = text, table.concat(letters(text), '', 1, state.focus == name and state.cursor or 0)
  while gfx.measurestr(shown) > w - 16 do
    local step = utf8.offset(shown, 2)
    shown = shown:sub(step)
    before = before:sub(step)
  end
  ui.text(x + 8, y + (h - gfx.texth) / 2, shown == '' and state.focus ~= name and hint or shown, shown == '' and FAINT or INK)
  if state.focus == name then
    local at = x + 8 + gfx.measurestr(before)
    colour(ACCENT)
    gfx.line(at, y + 5, at, y + h - 5)
  end
  return text, entered
end

-- fraction: 0 to 1; nil = unknown, and the bar moves back and forth.
function ui.progress(x, y, w, h, fraction, now)
  colour(FIELD)
  gfx.rect(x, y, w, h, 1)
  colour(ACCENT)
  if fraction then
    gfx.rect(x, y, math.floor(w * math.max(0, math.min(1, fraction))), h, 1)
  else
    local part = w / 5
    gfx.rect(x + math.floor((w - part) * (0.5 + 0.5 * math.sin(now * 2))), y, math.floor(part), h, 1)
  end
end

function ui.pressed(name)
  for _, key in ipairs(state.keys) do
    if key.code == KEYS[name] then return true end
  end
  return false
end

function ui.writing()
  return state.focus ~= nil
end

return ui
