-- The same widgets as ui.lua, drawn by ReaImGui where that extension is installed: its text fields know the clipboard and every
-- keyboard. Used only when all that is needed of it is there.

local ui = {INK = {0.90, 0.91, 0.92}, FAINT = {0.58, 0.60, 0.63}, ACCENT = {0.32, 0.62, 0.87}, WARM = {0.93, 0.62, 0.30}}

local NEEDED = {
  'CreateContext', 'SetNextWindowSize', 'Cond_Always', 'WindowFlags_NoResize', 'WindowFlags_NoCollapse', 'WindowFlags_NoScrollbar', 'Begin', 'End',
  'SetCursorPos', 'TextColored', 'PushTextWrapPos', 'PopTextWrapPos', 'CalcTextSize', 'Button', 'PushStyleColor', 'PopStyleColor', 'Col_Button',
  'BeginDisabled', 'EndDisabled', 'SetNextItemWidth', 'InputTextWithHint', 'IsItemDeactivated', 'IsKeyPressed', 'Key_Enter', 'Key_Escape',
  'IsAnyItemActive', 'ProgressBar',
}

local context, title, width, height, writing

-- Below the bar that ReaImGui puts the title on; window.lua counts from under it.
local TOP = 20

function ui.available()
  for _, name in ipairs(NEEDED) do
    if not reaper.APIExists('ImGui_' .. name) then return false end
  end
  return true
end

local function rgba(shade)
  local function part(value) return math.floor(value * 255 + 0.5) end
  return part(shade[1]) << 24 | part(shade[2]) << 16 | part(shade[3]) << 8 | 0xFF
end

local function at(x, y)
  reaper.ImGui_SetCursorPos(context, x, y + TOP)
end

function ui.open(label, w, h)
  context, title, width, height = reaper.ImGui_CreateContext(label), label, w, h
end

-- Begins a frame; whether the window is to be kept, and whether it can be seen.
function ui.begin()
  reaper.ImGui_SetNextWindowSize(context, width, height + TOP, reaper.ImGui_Cond_Always())
  local flags = reaper.ImGui_WindowFlags_NoResize() | reaper.ImGui_WindowFlags_NoCollapse() | reaper.ImGui_WindowFlags_NoScrollbar()
  local visible, open = reaper.ImGui_Begin(context, title, true, flags)
  if visible then
    writing = reaper.ImGui_IsAnyItemActive(context)
    if not open then reaper.ImGui_End(context) end
  end
  return open, visible
end

function ui.finish(visible)
  if visible then reaper.ImGui_End(context) end
end

function ui.close() end

function ui.text(x, y, text, shade)
  at(x, y)
  reaper.ImGui_TextColored(context, rgba(shade or ui.INK), text)
end

function ui.paragraph(x, y, w, text, shade)
  at(x, y)
  reaper.ImGui_PushTextWrapPos(context, x + w)
  reaper.ImGui_TextColored(context, rgba(shade or ui.INK), text)
  reaper.ImGui_PopTextWrapPos(context)
  local _, tall = reaper.ImGui_CalcTextSize(context, text, 0, 0, false, w)
  return y + tall + 3
end

function ui.button(x, y, w, h, label, options)
  options = options or {}
  at(x, y)
  reaper.ImGui_BeginDisabled(context, options.disabled or false)
  if options.chosen then reaper.ImGui_PushStyleColor(context, reaper.ImGui_Col_Button(), rgba(ui.ACCENT)) end
  -- Two buttons may say the same; what follows ## tells them apart and is not shown.
  local clicked = reaper.ImGui_Button(context, string.format('%s##%d,%d', label, x // 1, y // 1), w, h)
  if options.chosen then reaper.ImGui_PopStyleColor(context, 1) end
  reaper.ImGui_EndDisabled(context)
  return clicked
end

function ui.field(name, x, y, w, _, text, hint, limit)
  at(x, y)
  reaper.ImGui_SetNextItemWidth(context, w)
  local _, typed = reaper.ImGui_InputTextWithHint(context, '##' .. name, hint, text)
  local entered = reaper.ImGui_IsItemDeactivated(context) and reaper.ImGui_IsKeyPressed(context, reaper.ImGui_Key_Enter())
  local stop = utf8.offset(typed, (limit or 500) + 1)
  return stop and typed:sub(1, stop - 1) or typed, entered
end

function ui.progress(x, y, w, h, fraction, now)
  at(x, y)
  reaper.ImGui_ProgressBar(context, fraction or 0.5 + 0.5 * math.sin(now * 2), w, h, '')
end

function ui.pressed(name)
  return name == 'escape' and reaper.ImGui_IsKeyPressed(context, reaper.ImGui_Key_Escape())
end

function ui.writing()
  return writing
end

return ui
