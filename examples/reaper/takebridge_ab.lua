-- @description Takebridge: A/B between take and original
-- @author The Takebridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local audition = dofile(here .. 'lib/audition.lua')
local _, problem = audition.ab((reaper.EnumProjects(-1)))
if problem then reaper.ShowMessageBox(problem, 'Takebridge', 0) end
