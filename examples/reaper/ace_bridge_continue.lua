-- @description ACE Bridge: continue from the selection
-- @author The ACE Bridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
dofile(here .. 'lib/window.lua').order('complete')
