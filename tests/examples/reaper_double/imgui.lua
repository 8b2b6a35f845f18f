-- ReaImGui, as far as the scripts use it: signatures from its documentation, and a small immediate-mode window on the same clicks and
-- keys as gfx. Every push must be popped and every frame ended, or ReaImGui would complain.

local SIGNATURES = {
  ImGui_CreateContext = 'si?>C', ImGui_SetNextWindowSize = 'Cnni?>', ImGui_Cond_Always = '>i', ImGui_WindowFlags_NoResize = '>i',
  ImGui_WindowFlags_NoCollapse = '>i', ImGui_WindowFlags_NoScrollbar = '>i', ImGui_Begin = 'Csb?i?>bb', ImGui_End = 'C>', ImGui_SetCursorPos = 'Cnn>',
  ImGui_TextColored = 'Cis>', ImGui_PushTextWrapPos = 'Cn?>', ImGui_PopTextWrapPos = 'C>', ImGui_CalcTextSize = 'Csnnb?n?>nn',
  ImGui_Button = 'Csn?n?>b', ImGui_PushStyleColor = 'Cii>', ImGui_PopStyleColor = 'Ci?>', ImGui_Col_Button = '>i', ImGui_BeginDisabled = 'Cb?>',
  ImGui_EndDisabled = 'C>', ImGui_SetNextItemWidth = 'Cn>', ImGui_InputTextWithHint = 'Csssi?f?>bs', ImGui_IsItemDeactivated = 'C>b',
  ImGui_IsKeyPressed = 'Cib?>b', ImGui_Key_Enter = '>i', ImGui_Key_Escape = '>i', ImGui_IsAnyItemActive = 'C>b', ImGui_ProgressBar = 'Cnn?n?s?>',
}

local LINE = 16

return function(api, window)
  local given = {}
  local context = {kind = 'C'}
  local stacks = {wrap = 0, colour = 0, disabled = 0}
  local x, y, disabled, active, deactivated, pressed, inside = 0, 0, false, nil, false, {}, false

  local function hit(w, h)
    local mx, my = window.gfx.mouse_x, window.gfx.mouse_y
    return window.gfx.mouse_cap == 1 and mx >= x and mx < x + w and my >= y and my < y + h
  end

  local function note(text, colour)
    window.drawn[#window.drawn + 1] = {what = 'text', text = text, x = x, y = y, size = 13, bold = false, width = 0, colour = colour or {1, 1, 1, 1}}
  end

  function given.ImGui_CreateContext(title)
    window.open, window.title = true, title
    return context
  end

  function given.ImGui_SetNextWindowSize(_, w, h) window.size(w, h) end
  function given.ImGui_Cond_Always() return 1 end
  function given.ImGui_WindowFlags_NoResize() return 2 end
  function given.ImGui_WindowFlags_NoCollapse() return 32 end
  function given.ImGui_WindowFlags_NoScrollbar() return 8 end
  function given.ImGui_Col_Button() return 21 end
  function given.ImGui_Key_Enter() return 13 end
  function given.ImGui_Key_Escape() return 27 end

  function given.ImGui_Begin()
    assert(not inside, 'ImGui_Begin twice in a frame')
    inside = window.open
    pressed, deactivated = {}, false
    for _, key in ipairs(window.keys) do
      if key[2] == 0 then pressed[key[1]] = true end
    end
    return window.open, window.open
  end

  function given.ImGui_End()
    assert(inside, 'ImGui_End without a visible window')
    inside = false
    for name, depth in pairs(stacks) do assert(depth == 0, 'ImGui: ' .. name .. ' was pushed and not popped') end
    window.keys = {}
    window.shown, window.drawn = window.drawn, {}
  end

  local function need_frame() assert(inside, 'ImGui outside a frame') end

  function given.ImGui_SetCursorPos(_, to_x, to_y)
    need_frame()
    x, y = to_x, to_y
  end

  function given.ImGui_TextColored(_, colour, text)
    need_frame()
    note(text, {(colour >> 24 & 255) / 255, (colour >> 16 & 255) / 255, (colour >> 8 & 255) / 255, 1})
  end

  function given.ImGui_PushTextWrapPos() stacks.wrap = stacks.wrap + 1 end
  function given.ImGui_PopTextWrapPos() stacks.wrap = stacks.wrap - 1 end
  function given.ImGui_PushStyleColor() stacks.colour = stacks.colour + 1 end
  function given.ImGui_PopStyleColor(_, count) stacks.colour = stacks.colour - (count or 1) end

  function given.ImGui_BeginDisabled(_, off)
    stacks.disabled, disabled = stacks.disabled + 1, off ~= false
  end

  function given.ImGui_EndDisabled()
    stacks.disabled, disabled = stacks.disabled - 1, false
  end

  function given.ImGui_CalcTextSize(_, text, _, _, _, wrap)
    local wide = 7 * utf8.len(text)
    return math.min(wide, wrap or wide), LINE * math.max(1, math.ceil(wide / (wrap or wide + 1)))
  end

  function given.ImGui_Button(_, label, w, h)
    need_frame()
    note(label:match('^(.-)##') or label)
    return not disabled and hit(w, h)
  end

  function given.ImGui_SetNextItemWidth() need_frame() end

  function given.ImGui_InputTextWithHint(_, label, hint, text)
    need_frame()
    note(text ~= '' and text or hint)
    if window.gfx.mouse_cap == 1 then active = hit(200, 22) and label or (active ~= label and active or nil) end
    local before = text
    if active == label then
      for _, key in ipairs(window.keys) do
        if key[2] > 0 then text = text .. utf8.char(key[2]) end
        if key[1] == 8 and key[2] == 0 and text ~= '' then text = text:sub(1, utf8.offset(text, -1) - 1) end
      end
      if pressed[13] then active, deactivated = nil, true end
    end
    return text ~= before, text
  end

  function given.ImGui_IsItemDeactivated() return deactivated end
  function given.ImGui_IsAnyItemActive() return active ~= nil end
  function given.ImGui_IsKeyPressed(_, key) return pressed[key] or false end

  function given.ImGui_ProgressBar(_, fraction)
    need_frame()
    assert(fraction >= 0 and fraction <= 1)
  end

  api.extend(SIGNATURES, given)
end
