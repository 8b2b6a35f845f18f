-- The library behind the Takebridge scripts. Ardour has no `require`: loadfile (".../bridge.lua") () returns `need`, and
-- need ("asking") returns what asking.lua next to it returns, loaded once.
local folder = ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/"
local loaded = {}

local function need (name)
	if loaded[name] == nil then
		loaded[name] = assert (loadfile (folder .. name .. ".lua")) (need)
	end
	return loaded[name]
end

return need
