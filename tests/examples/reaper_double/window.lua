-- The table `gfx`: keeps what was drawn, gives keys and clicks that the test has prepared, measures text with a real font's widths.

local window = {drawn = {}, shown = {}, keys = {}, clicks = {}, open = false, title = '', widths = {}, presses = 0}

local FUNCTIONS = {
  init = {2, 6}, quit = {0, 0}, update = {0, 0}, getchar = {0, 1}, set = {3, 4}, rect = {4, 5}, line = {4, 5}, setfont = {1, 4}, drawstr = {1, 4},
  measurestr = {1, 1},
}
local VARIABLES = {x = 0, y = 0, w = 0, h = 0, mouse_x = 0, mouse_y = 0, mouse_cap = 0, texth = 15}
local WRITABLE = {x = true, y = true, mouse_x = false}

local fonts, font, colour = {}, 1, {1, 1, 1, 1}
local given = {}

local function size() return fonts[font] and fonts[font].size or 8 end

local function note(entry)
  entry.colour = {table.unpack(colour)}
  window.drawn[#window.drawn + 1] = entry
end

function given.init(title, width, height)
  window.open, window.title, VARIABLES.w, VARIABLES.h = true, title, width, height
end

function given.quit() window.open = false end

function given.update()
  window.shown, window.drawn = window.drawn, {}
end

function given.getchar()
  if not window.open then return -1, 0 end
  local key = table.remove(window.keys, 1)
  if not key then return 0, 0 end
  return key[1], key[2] or 0
end

function given.set(r, g, b, a) colour = {r, g, b, a or 1} end

function given.rect(x, y, w, h, filled) note({what = 'rect', x = x, y = y, w = w, h = h, filled = filled ~= 0}) end

function given.line(x, y, x2, y2) note({what = 'line', x = x, y = y, x2 = x2, y2 = y2}) end

function given.setfont(index, face, points, flags)
  if face then fonts[index] = {size = points, bold = (flags or 0) & 0xff == string.byte('b')} end
  font = index
  VARIABLES.texth = size()
end

function given.measurestr(text)
  local width = 0
  for _, code in utf8.codes(text) do width = width + (window.widths[utf8.char(code)] or 0.6) * size() end
  return width, size()
end

function given.drawstr(text)
  note({what = 'text', text = text, x = VARIABLES.x, y = VARIABLES.y, size = size(), bold = fonts[font] and fonts[font].bold or false,
    width = given.measurestr(text)})
  VARIABLES.x = VARIABLES.x + given.measurestr(text)
end

function window.size(width, height) VARIABLES.w, VARIABLES.h = width, height end

-- Called before each frame: the mouse goes down for one frame and up for the next.
function window.next_frame()
  VARIABLES.mouse_cap = 0
  if window.presses > 0 then
    window.presses = 0
  elseif #window.clicks > 0 then
    local click = table.remove(window.clicks, 1)
    VARIABLES.mouse_x, VARIABLES.mouse_y, VARIABLES.mouse_cap = click[1], click[2], 1
    window.presses = 1
  end
end

local function checked(name, least, most)
  return function(...)
    local count = select('#', ...)
    if count < least or count > most then error(string.format('gfx.%s: %d arguments, %d to %d expected', name, count, least, most), 2) end
    for index = 1, count do
      local value = select(index, ...)
      local text = name == 'drawstr' and index == 1 or name == 'measurestr' or name == 'init' and index == 1 or name == 'setfont' and index == 2
      if type(value) ~= (text and 'string' or 'number') then
        error(string.format('gfx.%s: argument %d is %s', name, index, tostring(value)), 2)
      end
    end
    return given[name](...)
  end
end

local functions = {}
for name, counts in pairs(FUNCTIONS) do functions[name] = checked(name, counts[1], counts[2]) end

window.gfx = setmetatable({}, {
  __index = function(_, name)
    if functions[name] then return functions[name] end
    if VARIABLES[name] ~= nil then return VARIABLES[name] end
    error('gfx has no ' .. tostring(name) .. ' (or the double does not know it)', 2)
  end,
  __newindex = function(_, name, value)
    if not WRITABLE[name] then error('gfx.' .. tostring(name) .. ' is not to be written', 2) end
    if type(value) ~= 'number' then error('gfx.' .. name .. ' must be a number', 2) end
    VARIABLES[name] = value
  end,
})

return window
