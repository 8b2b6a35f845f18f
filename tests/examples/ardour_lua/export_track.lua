-- ardour7-lua export_track.lua FOLDER NAME TRACK START END OUTPUT_FOLDER OUTPUT_NAME PRESET
-- What one track gives to the master, the others muted; positions in samples.
local folder, name, keep, start, stop, output, output_name, preset = table.unpack (arg)
local session = assert (load_session (folder, name), "no session")
for route in session:get_tracks ():iter () do
	route:mute_control ():set_value (route:name () == keep and 0 or 1, PBD.GroupControlDisposition.NoGroup)
end
local export = session:simple_export ()
export:set_range (math.tointeger (tonumber (start)), math.tointeger (tonumber (stop)))
export:set_folder (output)
export:set_name (output_name)
assert (export:set_preset (preset), "the preset is missing") -- else it silently takes the first there is
assert (export:check_outputs () and export:run_export (), "the export failed")
export = nil
collectgarbage ()
session:close ()
