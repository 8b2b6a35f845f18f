ardour { ["type"] = "EditorAction", name = "Run file" }

-- Runs the Lua file named by ARDOUR_RIG_LUA inside Ardour. Its chunk gets one argument, say (...), which writes a line.
function factory () return function ()
	local path = os.getenv ("ARDOUR_RIG_LUA")
	local out = assert (io.open (path .. ".part", "w"))
	local function say (...)
		local words = {}
		for index = 1, select ("#", ...) do words[index] = tostring ((select (index, ...))) end
		out:write (table.concat (words, "\t"), "\n")
	end
	local chunk, problem = loadfile (path)
	local fine = chunk
	if chunk then fine, problem = pcall (chunk, say) end
	say (fine and "OK" or "ERROR", problem)
	out:close ()
	os.rename (path .. ".part", path .. ".done")
end end
