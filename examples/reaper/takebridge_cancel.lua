-- @description Takebridge: cancel what is being rendered
-- @author The Takebridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local window = dofile(here .. 'lib/window.lua')

if window.is_open() then
  window.order('cancel')
else
  reaper.ShowMessageBox('Takebridge is not working on anything.', 'Takebridge', 0)
end
