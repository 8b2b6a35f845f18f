-- @description ACE Bridge: A/B, take or original
-- @author The ACE Bridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local audition = dofile(here .. 'lib/audition.lua')
local _, problem = audition.ab((reaper.EnumProjects(-1)))
if problem then reaper.ShowMessageBox(problem, 'ACE Bridge', 0) end
