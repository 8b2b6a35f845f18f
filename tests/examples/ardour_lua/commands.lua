-- ardour7-lua commands.lua: runs one script after the other, each a line of tabs, SCRIPT and its words, in a process that is
-- started once: its start takes longer than most scripts. After each comes a line "=== OK" or "=== ERROR ...".
for line in io.lines () do
	local words = {}
	for word in (line .. "\t"):gmatch ("(.-)\t") do words[#words + 1] = word end
	arg = words -- what scripts find their words in
	local fine, problem = pcall (dofile, table.remove (words, 1))
	collectgarbage ()
	io.stdout:write ("\n=== ", fine and "OK" or "ERROR " .. tostring (problem), "\n")
	io.stdout:flush ()
end
