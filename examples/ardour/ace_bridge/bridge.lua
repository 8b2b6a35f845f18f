-- The library behind the ACE Bridge scripts: this file finds the others, which lie beside it.
-- `loadfile (folder .. "bridge.lua") (folder)` returns `need`; need ("jobs") returns what jobs.lua returns, loaded once.
local folder = ...
local loaded = {}

local function need (name)
	if loaded[name] == nil then
		loaded[name] = assert (loadfile (folder .. name .. ".lua")) (need)
	end
	return loaded[name]
end

return need
