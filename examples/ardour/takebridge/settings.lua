-- The values of the next requests of this session.
local need = ...
local notes = need ("notes")
local settings = {}

-- Together, one engine decides for all tracks at once, so that they keep fitting each other (docs/several.md).
local MODES = { together = "Together, to fit each other", each = "Each by itself" }

function settings.edit ()
	local now = notes.read ().settings
	local given = LuaDialog.Dialog ("Takebridge: Settings", {
		{ type = "entry", key = "prompt", title = "What it should sound like", default = now.prompt or "" },
		{ type = "entry", key = "key", title = "Key of the song, e.g. F# minor", default = now.key or "" },
		{ type = "number", key = "takes", title = "Takes", min = 1, max = 8, step = 1, digits = 0, default = now.takes or 1 },
		{ type = "slider", key = "strength", title = "Strength: 0 stays close to the original, 100 moves far away", min = 0, max = 100, digits = 0,
			default = (now.strength or 0.5) * 100 },
		{ type = "dropdown", key = "mode", title = "Several tracks, when repainted", default = MODES[now.mode] or MODES.together,
			values = { [MODES.together] = "together", [MODES.each] = "each" } },
		{ type = "entry", key = "stems", title = "Stems to extract (empty for all)", default = now.stems or "" },
	}):run ()
	if not given then return end
	given.takes = math.floor (given.takes + 0.5)
	given.strength = given.strength / 100
	notes.change (function (found) found.settings = given end)
end

return settings
