-- ardour7-lua export_range.lua FOLDER NAME START END OUTPUT_FOLDER OUTPUT_NAME PRESET
-- What comes out of the master, from and to a sample, faster than real time.
local folder, name, start, stop, output, output_name, preset = table.unpack (arg)
local session = assert (load_session (folder, name), "no session")
local export = session:simple_export ()
export:set_range (math.tointeger (tonumber (start)), math.tointeger (tonumber (stop)))
export:set_folder (output)
export:set_name (output_name)
assert (export:set_preset (preset), "the preset is missing") -- else it silently takes the first there is
assert (export:check_outputs () and export:run_export (), "the export failed")
export = nil
collectgarbage ()
session:close ()
