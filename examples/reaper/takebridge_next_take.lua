-- @description Takebridge: next take
-- @author The Takebridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
local audition = dofile(here .. 'lib/audition.lua')
local _, problem = audition.next_take((reaper.EnumProjects(-1)))
if problem then reaper.ShowMessageBox(problem, 'Takebridge', 0) end
