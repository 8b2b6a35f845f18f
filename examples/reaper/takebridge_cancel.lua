-- @description Takebridge: cancel the render
-- @author The Takebridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local window = dofile(here .. 'lib/window.lua')

if window.is_open() then
  window.order('cancel')
else
  reaper.ShowMessageBox('Nothing is being rendered.', 'Takebridge', 0)
end
