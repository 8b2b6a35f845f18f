-- @description Takebridge: split the selection into stems
-- @author The Takebridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
dofile(here .. 'lib/window.lua').order('extract')
