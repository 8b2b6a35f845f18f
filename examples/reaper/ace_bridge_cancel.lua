-- @description ACE Bridge: cancel what is being rendered
-- @author The ACE Bridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local window = dofile(here .. 'lib/window.lua')

if window.is_open() then
  window.order('cancel')
else
  reaper.ShowMessageBox('ACE Bridge is not working on anything.', 'ACE Bridge', 0)
end
