-- @description Takebridge: self-test
-- @author The Takebridge developers
-- @noindex

local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\])')
dofile(here .. 'lib/selftest.lua').run()
